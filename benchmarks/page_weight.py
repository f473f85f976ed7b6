"""How much each page of the built site transfers, compressed as a web server sends it.

Every page is opened in a browser with an empty cache, from a server that gzips what GitHub Pages
gzips. `README.md` in this folder says how to read the result.
"""

import argparse
import collections
import functools
import gzip
import http.server
import io
import json
import sys
import threading
from pathlib import Path

import yaml
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent.parent / "theme"))
from browser import chromium

ROOT = Path(__file__).parent.parent
COMPRESSED = (".html", ".css", ".js", ".mjs", ".json", ".svg", ".txt", ".ttf")
LIMITS = {True: 1300, False: 500}  # kB, with a live figure and without


@functools.cache
def compressed(path: Path) -> bytes:
    """A file as a web server sends it; most pages ask for the same ones."""
    return gzip.compress(path.read_bytes(), 6)


class Gzipping(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, those of text compressed."""

    protocol_version = "HTTP/1.1"

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.name.endswith(COMPRESSED) or not path.is_file():
            return super().send_head()
        body = compressed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, *_):
        """Say nothing: the table is the output."""


def pages() -> list[str]:
    """Every page of the book, in its order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    return ["intro", *(page["file"] for part in parts for page in part["chapters"])]


def weigh(browser: Browser, address: str) -> dict:
    """Bytes of every answer that opening a page asks for, by kind of file."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, answers = context.new_page(), []
    page.on("requestfinished", lambda request: answers.append(request))
    page.goto(address, wait_until="networkidle")
    kinds: dict[str, int] = collections.Counter()
    for request in answers:
        if request.url.startswith("http"):
            kinds[request.resource_type] += request.sizes()["responseBodySize"]
    figures = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    context.close()
    return {
        "figure": figures > 0,
        "kB": round(sum(kinds.values()) / 1000),
        "requests": len(answers),
        "kB by kind": {kind: round(size / 1000, 1) for kind, size in sorted(kinds.items())},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build/html", help="the built site")
    parser.add_argument("--label", default="now", help="the name under which the JSON keeps the result")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="where the JSON goes"
    )
    arguments = parser.parse_args()
    if not (arguments.site / "index.html").exists():
        sys.exit(f"There is no site in {arguments.site}: run `make book` first.")
    handler = functools.partial(Gzipping, directory=arguments.site)
    found = {}
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        chromium() as browser,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in pages():
            found[name] = weigh(browser, f"http://127.0.0.1:{server.server_port}/{name}.html")
            kind = "with a figure" if found[name]["figure"] else ""
            print(f"{found[name]['kB']:6} kB  {name}  {kind}".rstrip(), flush=True)
        server.shutdown()

    results = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    results[arguments.label] = found
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    print(f"Written to {arguments.output}")
    heavy = [name for name, page in found.items() if page["kB"] > LIMITS[page["figure"]]]
    if heavy:
        sys.exit(
            f"Heavier than {LIMITS[True]} kB with a figure or {LIMITS[False]} kB without: {', '.join(heavy)}"
        )


if __name__ == "__main__":
    main()
