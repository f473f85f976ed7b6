"""Sets every formula when the site is built: pages carry drawings and MathML, and no script.

MathJax runs in one process of Node, and only for formulas that no earlier build has set. On the pages
about the cell, its parts stand in the colours that they have in figures.
"""

import functools
import hashlib
import json
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.logging import get_node_location
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

THEME = Path(__file__).parent
COLOURS = THEME.parent / "lstmlib/figures/parts.css"
COLOURED = '.math [class*="part-"] { fill: var(--part); stroke: var(--part); }\n'
# The letters that stand for parts of the cell, by where a page is. Elsewhere c may be a context, i an index.
PARTS = {
    "chapters/rnn/neural_network": "",
    "chapters/rnn/": "h",
    "chapters/gates/": "figoch",
    "chapters/lstm/": "figoch",
    "reference/notation_card": "figoch",
}


class Formulas:
    """The formulas set so far, the shapes of their glyphs, and the process that sets more."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        made_by = (THEME / "formulas.mjs").read_bytes() + (THEME / "package-lock.json").read_bytes()
        self._maker = hashlib.sha256(made_by).hexdigest()
        known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        if known.get("maker") != self._maker:
            known = {"style": "", "html": {}, "glyphs": {}}
        self._style: str = known["style"]
        self._html: dict[str, str] = known["html"]
        self._glyphs: dict[str, str] = known["glyphs"]

    def set(self, tex: str, *, display: bool, parts: str = "") -> str:
        """The formula as HTML, with these letters as `parts` of the cell, in their colours.

        A ValueError quotes a formula that cannot be set, and says why.
        """
        key = f"{'display' if display else 'inline'} {parts} {tex}"
        if key not in self._html:
            asked = {"tex": tex, "display": display, "parts": parts}
            print(json.dumps(asked), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline())
            if "error" in answer:
                raise ValueError(f"the formula {tex.strip()!r} cannot be set: {answer['error']}")
            self._html[key] = answer["html"]
            self._glyphs |= answer["glyphs"]
        return self._html[key]

    def glyphs(self, html: str) -> str:
        """The shapes to which the formulas in a page refer, each of them once."""
        wanted = sorted(set(re.findall(r'href="#(MJX-[^"]+)"', html)))
        if not wanted:
            return ""
        paths = "".join(f'<path id="{name}" d="{self._glyphs[name]}"></path>' for name in wanted)
        return f'<svg class="glyphs" aria-hidden="true" width="0" height="0"><defs>{paths}</defs></svg>'

    @property
    def style(self) -> str:
        """The style sheet that the formulas want."""
        if not self._style:
            _ = self._process
        return self._style

    @functools.cached_property
    def _process(self) -> Any:
        program = shutil.which("node", path=sysconfig.get_path("scripts"))
        if program is None:
            raise ExtensionError("Node, which sets the formulas, is not there: install requirements.txt")
        started = subprocess.Popen(
            [program, THEME / "formulas.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._style = json.loads(started.stdout.readline())
        return started

    def close(self) -> None:
        """End the process, and keep what it set for the next build."""
        if "_process" in self.__dict__:
            self._process.communicate()
            del self._process
            known = {"maker": self._maker, "style": self._style, "html": self._html, "glyphs": self._glyphs}
            self._kept.write_text(json.dumps(known, ensure_ascii=False, indent=0), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Register with Sphinx, as its renderer of formulas."""
    formulas = Formulas(Path(app.outdir).parent / "formulas.json")

    def set_node(writer: HTML5Translator, node: nodes.Element, tex: str, *, display: bool) -> str:
        page = writer.builder.current_docname
        parts = next((letters for place, letters in PARTS.items() if page.startswith(place)), "")
        try:
            return formulas.set(tex, display=display, parts=parts)
        except ValueError as error:
            raise ExtensionError(f"{get_node_location(node)}: {error}") from None

    def inline(writer: HTML5Translator, node: nodes.math) -> None:
        tag = writer.starttag(node, "span", "", CLASS="math notranslate nohighlight")
        writer.body.append(f"{tag}{set_node(writer, node, node.astext(), display=False)}</span>")
        raise nodes.SkipNode

    def block(writer: HTML5Translator, node: nodes.math_block) -> None:
        writer.body.append(writer.starttag(node, "div", CLASS="math notranslate nohighlight"))
        if node["number"]:
            writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
            writer.add_permalink_ref(node, "Link to this equation")
            writer.body.append("</span>")
        tex = node.astext() if node["nowrap"] else aligned(node.astext())
        writer.body.append(f"{set_node(writer, node, tex, display=True)}</div>\n")
        raise nodes.SkipNode

    def add_glyphs(app: Sphinx, name: str, template: str, context: dict, doctree: object) -> None:
        if "body" in context:
            context["body"] += formulas.glyphs(context["body"])

    def write_style(app: Sphinx) -> None:
        if app.builder.format == "html":
            static = Path(app.outdir) / "_static"
            static.mkdir(parents=True, exist_ok=True)
            (static / "formulas.css").write_text(
                formulas.style + COLOURS.read_text(encoding="utf-8") + COLOURED, encoding="utf-8"
            )

    app.add_html_math_renderer("course", (inline, None), (block, None))
    app.add_css_file("formulas.css")
    app.connect("builder-inited", write_style)
    app.connect("html-page-context", add_glyphs)
    app.connect("build-finished", lambda app, error: formulas.close())
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def aligned(tex: str) -> str:
    """A displayed formula as Sphinx reads it: lines are aligned, and a blank line begins another formula."""
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    return parts[0] if len(parts) == 1 else r"\begin{aligned}" + r" \\ ".join(parts) + r"\end{aligned}"
