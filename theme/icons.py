"""Leaves of Font Awesome, which the theme brings whole, the icons that the pages show.

They travel within the style sheet: some browsers fetch no font for a page opened from disk.
"""

import base64
import io
import re
import shutil
from pathlib import Path

import pydata_sphinx_theme
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx


def shown_icons(awesome: Path, used: set[str], symbols: set[str]) -> str:
    """Font Awesome's style sheet with the classes that are used, and fonts of their icons.

    Parameters
    ----------
    awesome : path
        The folder of Font Awesome.
    used : set of str
        Classes such as `fa-rocket`.
    symbols : set of str
        Characters that other style sheets show in these fonts.
    """
    whole = (awesome / "css/all.min.css").read_text(encoding="utf-8")
    licence = whole[: whole.index("*/") + 2]
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", whole.removeprefix(licence))
    kept = [
        f"{selectors}{{{body}}}"
        for selectors, body in rules
        if ":root" in selectors or used & set(re.findall(r"\.([\w-]+)", selectors))
    ]
    codes = {int(code, 16) for rule in kept for code in re.findall(r'content:"\\(\w+)"', rule)}
    codes |= set(map(ord, symbols))
    for selectors, body in rules:
        family = re.search(r"font-family:Font Awesome", body)
        if selectors == "@font-face" and family:
            name = re.search(r"webfonts/([\w-]+)\.ttf", body)[1]
            font = font_of(awesome / f"webfonts/{name}.ttf", codes)
            source = f'src:url(data:font/woff;base64,{font}) format("woff")'
            kept.append(f"@font-face{{{re.sub('src:.*', source, body)}}}")
    return "\n".join([licence, *kept])


def font_of(path: Path, codes: set[int]) -> str:
    """The glyphs of a font that stand for these characters, as a font in base64."""
    font, written = TTFont(path), io.BytesIO()
    subsetter = Subsetter()
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    font.flavor = "woff"
    font.save(written)
    return base64.b64encode(written.getvalue()).decode()


def write_icons(app: Sphinx, error: Exception | None) -> None:
    """Look through the finished pages, and put the icons that they show in the place of all."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    pages = [*Path(app.outdir).rglob("*.html"), *static.glob("scripts/*.js")]
    used = {found for page in pages for found in re.findall(r"\bfa[bsr]?\b[\w-]*", page.read_text("utf-8"))}
    sheets = [*static.glob("*.css"), *static.glob("styles/*.css")]
    text = "".join(sheet.read_text("utf-8") for sheet in sheets)
    symbols = set(re.findall("[\ue000-\uf8ff]", text))
    symbols |= {chr(int(code, 16)) for code in re.findall(r'content: ?"\\([ef]\w{3})"', text)}
    [awesome] = Path(pydata_sphinx_theme.__file__).parent.glob("theme/*/static/vendor/fontawesome/*")
    (static / "icons.css").write_text(shown_icons(awesome, used, symbols), encoding="utf-8")
    shutil.rmtree(static / "vendor/fontawesome", ignore_errors=True)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
