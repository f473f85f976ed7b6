"""Every page in a browser: it is quiet, fits, and has no barrier, with no other host to reach."""

import pytest
import yaml
from browsing import wait_for_sliders
from conftest import ROOT

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
PAGES = ["intro", *(page["file"] for part in PARTS for page in part["chapters"])]
AXE = ROOT / "theme/node_modules/axe-core/axe.min.js"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_fits_and_has_no_barrier(visit, name, width, mode):
    page = visit(name, width, mode)
    wait_for_sliders(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(path=AXE)
    # Nearly all of axe's time goes to contrast. Each mode is judged at one width, and at both on one page,
    # whose frame is that of all. Its preload asks for style sheets at addresses that are not theirs.
    contrast = name == "intro" or (width == 1280) == (mode == "light")
    found = page.evaluate(
        """(enabled) => axe.run(
          {preload: false, resultTypes: ["violations"], rules: {"color-contrast": {enabled}}})""",
        contrast,
    )["violations"]
    summary = [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found]
    assert summary == []
