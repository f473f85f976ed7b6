"""Prints the built site as one PDF: every page in the order of the book, live figures as pictures.

The site is read from disk in Chromium, page by page, and what a page holds is joined into one
document. Chromium prints that until its table of contents is right: the first time it can only be
guessed on which page each chapter begins.
"""

import argparse
import base64
import html
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from browser import chromium
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from pypdf.generic import Destination

THEME = Path(__file__).parent
ROOT = THEME.parent

# What a page gives to the book: its article without what is only for the screen, with names of its own
# for its places, and with links that lead to places in the book.
ARTICLE = """([name, pages, site]) => {
  const article = document.querySelector("article.bd-article");
  const drop = ".headerlink, .copybtn, button, script, .toggle-details__summary-text, .sd-summary-up";
  article.querySelectorAll(drop).forEach((element) => element.remove());
  article.querySelectorAll("details").forEach((element) => (element.open = true));
  article.querySelectorAll(".toggle-hidden").forEach((element) => element.classList.remove("toggle-hidden"));
  const place = (page, id) => `${page.replaceAll("/", "-")}--${id}`;
  for (const link of article.querySelectorAll("a[href]")) {
    const [page, id] = link.href.split("#");
    const target = pages.find((one) => page === `${site}${one}.html`);
    if (target) link.setAttribute("href", `#${place(target, id ?? "")}`);
    else if (page.startsWith("file:")) link.removeAttribute("href");
  }
  for (const image of article.querySelectorAll("img")) image.src = image.src;
  for (const element of article.querySelectorAll("[id]:not(.glyphs *)")) element.id = place(name, element.id);
  for (const level of [5, 4, 3, 2, 1])
    for (const heading of article.querySelectorAll(`h${level}`)) {
      const lower = document.createElement(`h${level + 1}`);
      lower.append(...heading.childNodes);
      heading.replaceWith(lower);
    }
  return [article.querySelector("h2").textContent, article.innerHTML];
}"""

# Until every live figure of a page has said what it shows
DRAWN = """async (views) => {
  const silent = (view) => !view.parentElement.querySelector("[aria-live]")?.textContent;
  while (views.some(silent)) await new Promise(requestAnimationFrame);
}"""

# In the place of a live figure stands its picture, what it says, and where it lives.
PICTURE = """(figure, [picture, address, title]) => {
  const said = figure.querySelector("svg[role=img]").getAttribute("aria-label");
  const box = document.createElement("figure");
  const image = Object.assign(document.createElement("img"), { src: picture, alt: said });
  const caption = document.createElement("figcaption");
  if (address) {
    const link = Object.assign(document.createElement("a"), { href: address, textContent: address });
    caption.append("This figure is alive at ", link);
  } else caption.append(`This figure is alive on the website, on the page “${title}”.`);
  box.className = "live";
  box.append(image, caption);
  figure.closest(".widget-subarea").replaceWith(box);
}"""


def contents() -> list[tuple[str, list[str]]]:
    """The parts of the book with their pages; the first has no caption."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [(part["caption"], [page["file"] for page in part["chapters"]]) for part in toc["parts"]]
    return [("", [toc["root"]]), *parts]


def article(page: Page, site: Path, name: str, pages: list[str]) -> tuple[str, str]:
    """The title of a page, and what it gives to the book."""
    page.goto((site / f"{name}.html").as_uri())
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]')
    views.evaluate_all(DRAWN)
    address = os.environ.get("SITE_URL") and f"{os.environ['SITE_URL'].rstrip('/')}/{name}.html"
    title = page.locator("h1").first.evaluate("(title) => title.firstChild.textContent")
    for _ in range(views.count()):
        figure = page.locator(".lstmlib-figure").first
        picture = base64.b64encode(figure.screenshot(animations="disabled")).decode()
        figure.evaluate(PICTURE, [f"data:image/png;base64,{picture}", address, title])
    return tuple(page.evaluate(ARTICLE, [name, pages, f"{site.as_uri()}/"]))


def document(sheets: list[str], site: Path, articles: dict, parts: list, starts: dict[str, int]) -> str:
    """The whole book in HTML; `starts` has the page on which each page of the site begins, once known."""
    logo = (site / "_static/logo.svg").as_uri()
    address = os.environ.get("SITE_URL", "")
    body = [
        f'<header><img src="{logo}" alt=""><p class="title">Understanding LSTMs</p>'
        "<p>A course of executable notebooks: from the recurrent network, through gates, to the LSTM "
        "and attention</p>"
        f'<p><a href="{address}">{address}</a></p>'
        "<p>Text under CC BY 4.0, code under the MIT licence</p></header>",
        f"<nav><p class='heading'>Contents</p>{''.join(lines_of_contents(articles, parts, starts))}</nav>",
    ]
    for caption, pages in parts:
        if caption:
            body.append(f'<h1 class="part">{html.escape(caption)}</h1>')
        for name in pages:
            body.append(f'<article class="bd-article" id="{place(name)}">{articles[name][1]}</article>')
    head = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>Understanding LSTMs</title>{head}</head><body>{''.join(body)}</body></html>"
    )


def lines_of_contents(articles: dict, parts: list, starts: dict[str, int]) -> Iterator[str]:
    """Each part, and each of its pages with where it begins."""
    for caption, pages in parts:
        if caption:
            yield f"<p>{html.escape(caption)}</p>"
        for name in pages:
            title = html.escape(articles[name][0].strip())
            yield f'<a href="#{place(name)}"><span>{title}</span><span>{starts.get(name, "000")}</span></a>'


def place(name: str) -> str:
    """What a page is called within the book."""
    return name.replace("/", "-") + "--"


def starts_in(pdf: Path, articles: dict[str, tuple[str, str]]) -> dict[str, int]:
    """For each page of the site the page of the PDF on which it begins, by the PDF's bookmarks."""
    reader, starts = PdfReader(pdf), {}
    bookmarks = iter(flat(reader.outline))
    for name, (title, _) in articles.items():
        # In the order of the book: parts and sections may have the title of a page.
        bookmark = next((one for one in bookmarks if one.title.strip() == title.strip()), None)
        if bookmark is None:
            raise RuntimeError(f"{pdf.name} has no bookmark for “{title.strip()}”")
        starts[name] = reader.get_destination_page_number(bookmark) + 1
    return starts


def flat(entries: list) -> Iterator[Destination]:
    """Bookmarks of every depth, in their order."""
    for entry in entries:
        if isinstance(entry, list):
            yield from flat(entry)
        else:
            yield entry


def print_book(browser: Browser, site: Path, parts: list[tuple[str, list[str]]], target: Path) -> None:
    """Read the pages of a built site, and write them as one PDF."""
    names = [name for _, pages in parts for name in pages]
    context = browser.new_context(
        viewport={"width": 1000, "height": 1400}, color_scheme="light", device_scale_factor=2
    )
    page, articles = context.new_page(), {}
    for name in names:
        print(f"reading {name}", flush=True)
        articles[name] = article(page, site, name, names)
    sheets = page.locator("link[rel=stylesheet]").evaluate_all("(links) => links.map((link) => link.href)")
    sheets.append((THEME / "pdf.css").as_uri())
    source, starts, found = target.with_suffix(".html"), {}, None
    while starts != found:
        starts = found or {}
        print("printing", flush=True)
        source.write_text(document(sheets, site, articles, parts, starts), encoding="utf-8")
        page.goto(source.as_uri(), wait_until="load")
        page.pdf(path=target, print_background=True, prefer_css_page_size=True, tagged=True, outline=True)
        found = starts_in(target, articles)
    source.unlink()
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build/html", help="the built site")
    parser.add_argument("--output", type=Path, default=ROOT / "_build/understanding-lstms.pdf")
    arguments = parser.parse_args()
    if not (arguments.site / "index.html").exists():
        sys.exit(f"There is no site in {arguments.site}: run `make book` first.")
    with chromium() as browser:
        print_book(browser, arguments.site.resolve(), contents(), arguments.output.resolve())
    print(f"The book is in {arguments.output}")


if __name__ == "__main__":
    main()
