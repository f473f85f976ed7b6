"""Every page in a browser: it is quiet, fits, and has no barrier, with no other host to reach."""

import pytest
import yaml
from browsing import wait_for_sliders
from conftest import ROOT

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
PAGES = ["intro", *(page["file"] for part in PARTS for page in part["chapters"])]
AXE = ROOT / "theme/node_modules/axe-core/axe.min.js"


# What a page does wrong at a width or in a mode, it does in one of these. The first page, whose frame is
# that of all, is read in every way.
DESK, PHONE = (1280, "light"), (375, "dark")
WAYS = [(name, *way) for name in PAGES for way in (DESK, PHONE)]
WAYS += [("intro", 1280, "dark"), ("intro", 375, "light")]


@pytest.mark.parametrize(("name", "width", "mode"), WAYS)
def test_a_page_is_quiet_fits_and_has_no_barrier(visit, name, width, mode):
    page = visit(name, width, mode)
    wait_for_sliders(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(path=AXE)
    # Its preload asks for style sheets at addresses that are not theirs.
    found = page.evaluate("axe.run({preload: false, resultTypes: ['violations']})")["violations"]
    summary = [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found]
    assert summary == []
