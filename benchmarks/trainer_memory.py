"""Whether the figure `Trainer` lets go of what it needs no more: its memory while it trains in its page.

`README.md` in this folder says what is measured and how to read it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "theme"))
from browser import chromium

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "_build/html/chapters/lstm/training.html"
UPDATES_OF_A_RUN = 3000


def main() -> None:
    """Print a line for each share of the time: runs so far, MB of JavaScript, and of the process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--lines", type=int, default=10)
    given = parser.parse_args()
    with chromium("--enable-precise-memory-info", "--js-flags=--expose-gc") as browser:
        page = browser.new_page()
        page.goto(PAGE.as_uri())
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        pids = [str(one["id"]) for one in processes if one["type"] == "renderer"]
        figure = page.locator(".lstmlib-figure").first
        figure.get_by_role("button", name="Train").click()
        begin, runs = time.monotonic(), 0
        for line in range(1, given.lines + 1):
            while time.monotonic() - begin < 60 * given.minutes * line / given.lines:
                if figure.get_by_text("At the end.").count():
                    runs += 1
                    figure.get_by_role("button", name="Again with another seed").click()
                page.wait_for_timeout(200)
            for one in (page, *page.workers):
                one.evaluate("() => gc()")
            heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
            asked = ["ps", "-o", "rss=", "-p", ",".join(pids)]
            resident = sum(map(int, subprocess.check_output(asked).split())) / 1e3
            minutes = (time.monotonic() - begin) / 60
            print(f"{minutes:5.1f} min, {runs} runs, {runs * UPDATES_OF_A_RUN:,} updates:", end=" ")
            print(f"JavaScript {heap:.1f} MB, process with worker {resident:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
