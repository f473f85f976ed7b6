"""Every page in a browser: it is quiet, fits, and has no barrier, with no other host to reach."""

import re
from urllib.parse import urlsplit

import pytest
import yaml
from browsing import reader
from conftest import ROOT

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
PAGES = ["intro", *(page["file"] for part in PARTS for page in part["chapters"])]
AXE = ROOT / "theme/node_modules/axe-core/axe.min.js"


# What a page does wrong at a width or in a mode, it does in one of these. The first page, whose frame is
# that of all, is read in every way.
DESK, PHONE = (1280, "light"), (375, "dark")
WAYS = [(name, *way) for name in PAGES for way in (DESK, PHONE)]
WAYS += [("intro", 1280, "dark"), ("intro", 375, "light")]


# How well a text stands out is nine tenths of what axe has to do, and hangs on few things: its colour,
# its size and weight, and the grounds on which it stands. A few texts of each kind are marked, and only these
# are asked; a few, because of some axe does not judge.
MARK_KINDS_OF_TEXT = """() => {
  const grounds = new Map([[null, ""]]);
  const ground = (element) => {
    if (!grounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      const own = backgroundColor + backgroundImage + opacity;
      const plain = own === "rgba(0, 0, 0, 0)none1";
      grounds.set(element, ground(element.parentElement) + (plain ? "" : ` on ${own}`));
    }
    return grounds.get(element);
  };
  const kinds = new Map();
  const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1;
  for (const element of document.body.querySelectorAll("*")) {
    if (![...element.childNodes].some(isText) || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight, textShadow } = getComputedStyle(element);
    const kind = [color, fontSize, fontWeight, textShadow, ground(element)].join();
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (kinds.get(kind) <= 5) element.dataset.asked = "contrast";
  }
}"""


@pytest.fixture(scope="module", params=WAYS, ids="{0[0]}-{0[1]}-{0[2]}".format)
def page(request, browser, address):
    """A page that is open; it may not complain, nor ask another host, as long as it is."""
    with reader(browser, address) as open_page:
        yield open_page(*request.param)


def test_a_page_fits(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_a_page_has_no_barrier(page):
    page.add_script_tag(path=AXE)
    page.evaluate(MARK_KINDS_OF_TEXT)
    page.evaluate("axe.configure({rules: [{id: 'color-contrast', selector: '[data-asked=contrast]'}]})")
    # Its preload asks for style sheets at addresses that are not theirs.
    found = page.evaluate("axe.run({preload: false, resultTypes: ['violations']})")["violations"]
    summary = [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found]
    assert summary == []


def test_every_formula_is_a_drawing_with_all_its_glyphs_and_is_said_in_mathml(page):
    found = page.evaluate(
        """() => [...document.querySelectorAll(".math")].map((math) => ({
          tex: math.querySelector("mjx-container > svg")?.parentElement.dataset.tex,
          drawn: math.querySelector("svg")?.getBoundingClientRect().width,
          hidden: math.closest(".toggle-hidden") !== null,
          missing: [...math.querySelectorAll("use")].filter(
            (use) => !document.querySelector(`.glyphs ${use.getAttribute("xlink:href")}`)).length,
          said: math.querySelector("mjx-assistive-mml > math")?.textContent,
          wrong: math.querySelectorAll("merror, [data-mml-node=merror]").length,
        }))"""
    )
    name = urlsplit(page.url).path.strip("/").removesuffix(".html")
    source = next(path for end in (".ipynb", ".md") if (path := ROOT / f"{name}{end}").exists()).read_text()
    assert bool(found) == ("{math}" in source or re.search(r"\$\S", source) is not None)
    for formula in found:
        assert formula["tex"]
        assert formula["drawn"] > 0 or formula["hidden"], formula
        assert formula["said"], formula
        assert (formula["missing"], formula["wrong"]) == (0, 0), formula
