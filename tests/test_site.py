"""The site in a browser: formulas, weight, search, from disk and on paper."""

import json
import re
import sys

import pytest
from browsing import press, served, wait_for_sliders
from conftest import ROOT
from pypdf import PdfReader
from test_pages import PAGES

sys.path.insert(0, str(ROOT / "benchmarks"))
from page_weight import LIMITS, Gzipping, weigh
from pdf import flat, print_book


@pytest.fixture(scope="session")
def light_address(site):
    """The same site, compressed as a web server sends it."""
    with served(site, Gzipping) as found:
        yield found


def test_a_formula_copied_within_text_is_its_tex(visit):
    page = visit("reference/notation_card")
    copied = page.evaluate(
        """() => {
          const rows = [...document.querySelectorAll("tbody tr")];
          const row = rows.find((one) => one.textContent.includes("event"));
          getSelection().selectAllChildren(row);
          const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), cancelable: true });
          document.dispatchEvent(event);
          return event.clipboardData.getData("text/plain");
        }"""
    )
    assert "$x_t$" in copied
    assert "event $E_t$" in copied


def test_a_formula_too_wide_for_a_phone_is_reached_by_keyboard(visit):
    page = visit("chapters/rnn/backpropagation_through_time", width=375)
    reached = page.locator("mjx-container[display]").evaluate_all(
        "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.tabIndex)"
    )
    assert set(reached) == {0}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_weighs_no_more_than_is_promised(browser, light_address, name):
    found = weigh(browser, f"{light_address}{name}.html")
    assert found["kB"] <= LIMITS[found["figure"]], found


def test_the_weights_that_are_kept_are_of_the_pages_that_there_are():
    kept = json.loads((ROOT / "benchmarks/page_weight.json").read_text())["now"]
    assert set(kept) == set(PAGES), "run `python benchmarks/page_weight.py`"


@pytest.mark.parametrize("name", ["chapters/gates/selector_vectors", "chapters/lstm/notation"])
def test_a_page_opened_from_disk_shows_all_and_complains_of_nothing(browser, site, name):
    page, complaints = browser.new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"has not got {request.url}"))
    page.goto((site / f"{name}.html").as_uri(), wait_until="networkidle")
    wait_for_sliders(page)
    assert page.evaluate("document.fonts.check('900 16px \"Font Awesome 6 Free\"', '\\uf019')")
    assert page.locator("mjx-container > svg").count() > 5
    figure = page.locator(".lstmlib-figure")
    if name == "chapters/gates/selector_vectors":
        before = figure.locator("[aria-live]").text_content()
        press(figure.get_by_role("slider").first, "ArrowRight")
        assert figure.locator("[aria-live]").text_content() != before
    else:
        assert figure.count() == 0
    page.close()
    assert complaints == []


def test_the_search_of_a_site_opened_from_disk_finds_pages(browser, site):
    page, complaints = browser.new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto(f"{(site / 'search.html').as_uri()}?q=forget+gate", wait_until="networkidle")
    page.wait_for_selector("#search-results li a")
    page.close()
    assert complaints == []


def test_search_finds_the_forget_gate(visit):
    page = visit("search")
    page.goto(page.url + "?q=forget+gate", wait_until="networkidle")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 0


def test_the_book_is_printed_in_order_with_its_figures_alternative_texts_and_places(
    browser, site, tmp_path, monkeypatch
):
    monkeypatch.setenv("SITE_URL", "https://somewhere.example/lstms/")
    parts = [("", ["intro"]), ("Gates", ["chapters/gates/selector_vectors"])]
    print_book(browser, site, parts, tmp_path / "book.pdf")
    printed = PdfReader(tmp_path / "book.pdf")
    text = [page.extract_text() for page in printed.pages]

    # Bookmarks, the table of contents and the pages say the same
    titles = ["Understanding LSTMs", "Gates", "Selector vectors"]
    starts = {one.title: printed.get_destination_page_number(one) for one in flat(printed.outline)}
    assert [title for title in starts if title in titles] == titles
    number = starts["Selector vectors"] + 1
    assert re.search(rf"Selector vectors\s*{number}\b", text[1])
    assert text[number - 1].startswith(f"{number}\nSelector vectors")

    # Links into the book stay in it; a live figure has a picture, what it shows, and where it lives
    links = [
        annotation.get_object()
        for page in printed.pages
        for annotation in page.get("/Annots", [])
        if annotation.get_object()["/Subtype"] == "/Link"
    ]
    addresses = {link["/A"]["/URI"] for link in links if "/URI" in link.get("/A", {})}
    assert "https://somewhere.example/lstms/chapters/gates/selector_vectors.html" in addresses
    assert not any(address.startswith("file:") for address in addresses)
    assert any("/Dest" in link for link in links)
    alternatives = []
    waiting = [printed.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        if isinstance(node, list):
            waiting += [one for one in node if not isinstance(one, int)]
        elif "/K" in node or "/S" in node:
            alternatives.append(str(node.get("/Alt", "")))
            children = node.get("/K", [])
            waiting += [] if isinstance(children, int) else [children]
    assert any(said.startswith("Three columns: the vector that goes in") for said in alternatives)

    # What is folded on the screen is open on paper
    assert "A gate leaves a bar as it is, or makes it shorter" in " ".join("".join(text).split())
