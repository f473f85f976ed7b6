"""The built site, read as files: links, names, and where it sends its reader."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pydata_sphinx_theme
import pytest
import yaml
from conftest import ROOT, SITE
from course_site import repository
from fontTools.ttLib import TTFont
from formulas import Formulas
from icons import shown_icons

from lstmlib import __version__

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
PAGES = ["intro", *(page["file"] for part in PARTS for page in part["chapters"])]
A_PAGE = nbformat.v4.new_notebook(
    cells=[nbformat.v4.new_markdown_cell("# A page\n\nOne page of a book.")],
    metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
)


class Page(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def ids(self):
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    def meta(self, key):
        for attributes in self.all("meta"):
            if key in (attributes.get("name"), attributes.get("property")):
                return attributes["content"]
        return None


@pytest.fixture(scope="module")
def pages(site):
    found = (path for path in site.rglob("*.html") if "_static" not in path.parts)  # the theme's templates
    return {path.relative_to(site).as_posix(): Page(path) for path in found}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_table_of_contents_is_built(pages, name):
    assert f"{name}.html" in pages


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_says_what_it_shows(pages, name):
    for image in pages[f"{name}.html"].all("img"):
        alt = image.get("alt", "")
        assert alt, image
        assert not alt.startswith(("_images/", "../"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_describes_itself_to_search_engines_and_previews(pages, name):
    page = pages[f"{name}.html"]
    assert 50 <= len(page.meta("description")) <= 300
    assert page.meta("og:title")
    assert page.meta("og:description")
    assert page.meta("og:image").endswith("_static/preview.png")
    assert (SITE / "_static/preview.png").exists()


def test_no_two_pages_have_the_same_description(pages):
    found = [pages[f"{name}.html"].meta("description") for name in PAGES]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_the_version(pages, name):
    assert f"Version {__version__}." in pages[f"{name}.html"].path.read_text(encoding="utf-8")


def test_every_link_within_the_site_leads_somewhere(pages, site):
    for name, page in pages.items():
        for attributes in page.all("a", "link", "script", "img"):
            address = attributes.get("href") or attributes.get("src") or ""
            path, fragment = urldefrag(unquote(address))
            if urlsplit(path).scheme or path.startswith("//"):
                continue
            target = (page.path.parent / path.split("?")[0]).resolve() if path else page.path
            assert target.exists(), f"{name} links to {address}"
            if fragment.startswith("train="):
                assert "Trainer" in target.read_text(encoding="utf-8"), f"{name} links to {address}"
            elif fragment and target.suffix == ".html":
                ids = pages[target.relative_to(site.resolve()).as_posix()].ids
                assert fragment in ids, f"{name} links to {address}, which has no such place"


def test_no_page_loads_anything_from_another_host(pages):
    for name, page in pages.items():
        loaded = [a.get("src") for a in page.all("script", "img", "iframe", "video", "source")]
        loaded += [a.get("href") for a in page.all("link") if a.get("rel") != "canonical"]
        for address in filter(None, loaded):
            assert not urlsplit(address).netloc, f"{name} loads {address}"


def test_a_page_without_a_figure_loads_no_script_for_figures(pages):
    for name, page in pages.items():
        figure = any("widget-view" in script.get("type", "") for script in page.all("script"))
        loaded = [script["src"] for script in page.all("script") if "widgets.js" in script.get("src", "")]
        assert len(loaded) == figure, name


def test_every_live_figure_stands_in_the_list_of_all_figures(pages):
    listed = [
        link["href"]
        for link in pages["reference/figures.html"].all("a")
        if "?present" in link.get("href", "")
    ]
    expected = set()
    for name, page in pages.items():
        count = sum("widget-view" in script.get("type", "") for script in page.all("script"))
        expected |= {f"../{name}?present" + (f"={k}" if k > 1 else "") for k in range(1, count + 1)}
    assert len(expected) >= 20
    assert sorted(listed) == sorted(expected)


def test_every_icon_is_in_the_font_that_its_class_names(pages, site):
    sheet = (site / "_static/icons.css").read_text(encoding="utf-8")
    fonts = {}
    for rule in re.findall(r"@font-face\{([^}]*)\}", sheet):
        family, weight = re.search(r"font-family:([^;]+)", rule)[1], re.search(r"font-weight:(\d+)", rule)[1]
        data = base64.b64decode(re.search(r"base64,([^)]*)", rule)[1])
        fonts[family.replace("\\", ""), weight] = TTFont(io.BytesIO(data)).getBestCmap()
    kinds = {"fas": "900", "fa-solid": "900", "far": "400", "fa-regular": "400"}
    seen = set()
    for name, page in pages.items():
        for icon in page.all("i", "span"):
            classes = set(icon.get("class", "").split())
            for kind in classes & set(kinds):
                [symbol] = classes & set(re.findall(r"\.(fa-[\w-]+):before", sheet))
                code = int(re.search(rf'\.{symbol}:before[^{{]*\{{content:"\\(\w+)"', sheet)[1], 16)
                assert code in fonts["Font Awesome 6 Free", kinds[kind]], f"{name}: {symbol}"
                seen.add(symbol)
    assert {"fa-magnifying-glass", "fa-bars", "fa-download", "fa-expand"} <= seen


def test_an_icon_of_a_brand_comes_with_its_font():
    [awesome] = Path(pydata_sphinx_theme.__file__).parent.glob("theme/*/static/vendor/fontawesome/*")
    sheet = shown_icons(awesome, {"fab", "fa-github"}, set())
    assert ".fa-github:before" in sheet
    assert ".fa-rocket:before" not in sheet
    [brands] = re.findall(r"@font-face\{[^}]*Awesome\\ 6 Brands[^}]*base64,([^)]*)\)", sheet)
    assert set(TTFont(io.BytesIO(base64.b64decode(brands))).getBestCmap()) == {0xF09B}


def test_formulas_are_kept_for_the_next_build(tmp_path, monkeypatch):
    first = Formulas(tmp_path / "formulas.json")
    html = first.set(r"c_t = f_t \odot c_{t-1}", display=True)
    assert "odot" in html
    glyphs = first.glyphs(html)
    assert set(re.findall(r'href="#(MJX[^"]+)"', html)) == set(re.findall(r'path id="([^"]+)"', glyphs))
    style = first.style
    first.close()
    monkeypatch.setattr(subprocess, "Popen", None)  # no process may start
    second = Formulas(tmp_path / "formulas.json")
    assert second.set(r"c_t = f_t \odot c_{t-1}", display=True) == html
    assert (second.glyphs(html), second.style) == (glyphs, style)


def test_a_part_of_the_cell_has_its_colour_in_a_formula_about_the_cell(tmp_path):
    formulas = Formulas(tmp_path / "formulas.json")
    tex = r"c_t = f_t \odot c_{t-1} + \tanh(W_c\,h_{t-1}) + U_{h_t} x_{i_t} + \tilde f_t"
    html, other = (formulas.set(tex, display=True, parts=parts) for parts in ("figoch", ""))
    alone = formulas.set("o", display=False, parts="figoch")
    formulas.close()
    assert re.findall(r'class=" ?part-(.)"', html) == [*"cfch"] * 2  # MathML has them too
    assert re.findall(r'class=" ?part-(.)"', alone) == ["o"] * 2
    assert "part-" not in other
    assert f'data-tex="{tex}"' in html


def test_formulas_have_colours_on_the_pages_about_the_cell(pages, site):
    coloured = {
        name for name, page in pages.items() if any("part-" in g.get("class", "") for g in page.all("g"))
    }
    for name in ("chapters/lstm/lstm_cell", "chapters/gates/cell_state", "reference/notation_card"):
        assert f"{name}.html" in coloured
    assert not [name for name in coloured if name.startswith(("chapters/attention", "chapters/applications"))]
    assert ".part-f {" in (site / "_static/formulas.css").read_text()


@pytest.mark.parametrize(
    ("tex", "why"),
    [(r"\gatee_t", "Undefined control sequence"), ("{x", "missing close brace"), (r"\text{½}", "no ½")],
)
def test_a_formula_that_cannot_be_set_ends_the_build_and_is_named(tmp_path, tex, why):
    for name in ("_config.yml", "references.bib", "lstmlib", "requirements.txt", "theme"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    (tmp_path / "page.md").write_text(f"# A page\n\nIts formula is ${tex}$.\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", tmp_path, "-q"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "page.md:3" in said
    assert tex.replace("\\", "\\\\") in said
    assert why in said


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("https://github.com/someone/lstms.git", "https://github.com/someone/lstms"),
        ("git@github.com:someone/lstms.git", "https://github.com/someone/lstms"),
        ("ssh://git@gitlab.com/someone/lstms", "https://gitlab.com/someone/lstms"),
        ("https://token@github.com/someone/lstms", "https://github.com/someone/lstms"),
        ("/srv/git/lstms", None),
        (None, None),
    ],
)
def test_the_repository_is_the_origin_of_the_checkout(tmp_path, monkeypatch, origin, address):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], check=True)
    if origin:
        subprocess.run([*git, "remote", "add", "origin", origin], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert repository(tmp_path) == (address and (address, commit.strip()))


def test_the_variable_of_the_ci_comes_before_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/lstms")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert repository(tmp_path) == ("https://github.com/fork/lstms", "HEAD")


@pytest.mark.parametrize("known", [True, False])
def test_launch_buttons_follow_the_repository_and_are_absent_without_one(tmp_path, known):
    for name in ("_config.yml", "references.bib", "lstmlib", "requirements.txt", "theme"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    (tmp_path / "page.ipynb").write_text(nbformat.writes(A_PAGE))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(tmp_path.parent)
    if known:
        environment |= {"GITHUB_REPOSITORY": "fork/lstms"}
    subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", tmp_path, "-q"],
        env=environment,
        check=True,
        capture_output=True,
    )
    links = {a.get("href", "") for a in Page(tmp_path / "_build/html/page.html").all("a")}
    launched = {link for link in links if "mybinder.org" in link or "colab" in link}
    wanted = {
        "https://mybinder.org/v2/gh/fork/lstms/notebooks?urlpath=lab/tree/page.ipynb",
        "https://colab.research.google.com/github/fork/lstms/blob/notebooks/page.ipynb",
    }
    assert launched == (wanted if known else set())


def test_binder_can_make_an_image_of_the_repository():
    tool = shutil.which("jupyter-repo2docker") or shutil.which(
        "jupyter-repo2docker", path=os.path.dirname(sys.executable)
    )
    if tool is None:
        pytest.skip("jupyter-repo2docker is not installed: pip install jupyter-repo2docker")
    done = subprocess.run(
        [tool, "--no-build", "--debug", "."], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ".binder/environment.yml" in done.stdout + done.stderr
    assert "RUN ./.binder/postBuild" in done.stdout + done.stderr
