"""The readers' notebooks, held against their sources and against the built site, which say the same."""

import builtins
import importlib.util
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pytest
import yaml
from conftest import READERS, ROOT, SITE
from IPython.core.inputtransformer2 import TransformerManager
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from readers import Page, imported, install_cell
from sphinx.errors import ExtensionError

CHAPTERS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.glob("chapters/**/*.ipynb")
)
# What plain Markdown does not know: roles, directives and their options, labels, substitutions, cell breaks
SCAFFOLDING = [
    r"\{[\w:.-]+\}`",
    r"[`~:]{3,}\s*\{",
    ":::",
    r"^\([^)]*\)=$",
    r"^:\w+:",
    r"\{\{",
    r"^\+\+\+",
    r"\{\w+\}",
]
MARKDOWN = MarkdownIt("commonmark").enable("table")
# How a cell begins that shows one of the book's drawings
DRAWING = "from IPython.display import SVG"


class Rendered(HTMLParser):
    """HTML as a reader meets it: the text, what is folded, links, and each paragraph."""

    def __init__(self, html, within=None):
        super().__init__()
        self.within, self.inside = within, 0 if within else 1
        self.folds, self.summaries, self.links, self.ids = 0, [], [], set()
        self.open_text, self.folded_text, self.paragraphs = "", "", []
        self.stack, self.formula = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids |= {attributes.get("id")}
        if tag == self.within or (self.within and self.inside):
            self.inside += tag == self.within
        self.folds += tag == "details"
        if tag == "summary":
            self.summaries.append("")
        if tag == "p" and self.inside:
            self.paragraphs.append("")
        if tag == "a" and self.inside:
            self.links.append(attributes.get("href", ""))
        if tag in ("p", "summary", "pre"):
            self.stack.append(tag)
        if tag == "mjx-container":  # a drawing on the site, TeX in the notebook
            self.handle_data(attributes["data-tex"])
            self.formula = True

    def handle_endtag(self, tag):
        self.inside -= tag == self.within
        self.folds -= tag == "details"
        self.formula &= tag != "mjx-container"
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()

    def handle_data(self, data):
        if not self.inside or self.formula:
            return
        if self.stack[-1:] == ["summary"]:
            self.summaries[-1] += data
        elif self.folds:
            self.folded_text += data
        else:
            self.open_text += data
        if "p" in self.stack:
            self.paragraphs[-1] += data


def letters(text):
    """What is left of a text without its markup, its spaces and the kind of its quotation marks."""
    return re.sub(r"[\W_]", "", text)


def read(page):
    return nbformat.read(READERS / f"{page}.ipynb", as_version=nbformat.NO_CONVERT)


def prose(page):
    return [cell.source for cell in read(page).cells if cell.cell_type == "markdown"]


def rendered(page):
    return [Rendered(MARKDOWN.render(source)) for source in prose(page)]


def source_cells(page):
    """The code cells of a chapter, each with whether it belongs to a solution."""
    solution = False
    for cell in nbformat.read(ROOT / f"{page}.ipynb", 4).cells:
        if cell.cell_type == "code":
            yield cell, solution
            continue
        for edge in re.findall(r"\{solution-(start|end)\}", cell.source):
            solution = edge == "start"


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_readers_notebook_shows_no_directive_and_no_role(readers, page):
    for source in prose(page):
        text = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", source, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", text, flags=re.DOTALL)
        for pattern in SCAFFOLDING:
            left = re.search(pattern, text, re.MULTILINE)
            assert not left, f"{left[0]!r} is left in\n{source}"


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_paragraph_of_the_site_stands_in_the_readers_notebook(site, readers, page):
    """So figures, citations, exercises and glued numbers are the site's own."""
    article = Rendered((site / f"{page}.html").read_text(), within="article")
    notebook = rendered(page)
    written = letters(
        "".join(part.open_text + "".join(part.summaries) + part.folded_text for part in notebook)
    )
    assert len(article.paragraphs) > 20
    for paragraph in article.paragraphs:
        if re.fullmatch("(Show|Hide) code cell (source|content)", paragraph):
            continue  # the button of a cell that is hidden on the site
        assert letters(paragraph) in written, f"not in the reader's notebook: {paragraph}"


@pytest.mark.parametrize("page", CHAPTERS)
def test_hints_answers_and_solutions_are_folded(site, readers, page):
    source = "\n".join(cell.source for cell in nbformat.read(ROOT / f"{page}.ipynb", 4).cells)
    parts = rendered(page)
    folded = [summary for part in parts for summary in part.summaries]
    assert all(part.folds == 0 for part in parts), "a fold is opened in one cell and shut in another"
    assert len(folded) == len(re.findall("^:class: dropdown", source, re.MULTILINE))
    site_titles = re.findall(r'caption-number">(Exercise \d+) ', (site / f"{page}.html").read_text())
    solved = [re.match(r"Solution to (Exercise \d+)", summary) for summary in folded]
    assert [solution[1] for solution in solved if solution] == site_titles
    assert len(site_titles) >= 3

    seen, hidden = (
        letters("".join(getattr(part, text) for part in parts)) for text in ("open_text", "folded_text")
    )
    for cell, solution in source_cells(page):
        assert (letters(cell.source) in hidden) == solution
        assert letters(cell.source) not in seen


@pytest.mark.parametrize("page", CHAPTERS)
def test_the_code_is_the_chapters_with_an_empty_cell_for_each_solution_of_code(readers, page):
    wanted, before = [], False
    for cell, solution in source_cells(page):
        wanted += [cell.source] if not solution else [""] if not before else []
        before = solution
    first, *rest = [
        cell.source
        for cell in read(page).cells
        if cell.cell_type == "code" and not cell.source.startswith(DRAWING)
    ]
    assert "find_spec" in first
    # Where two solutions follow each other without code between them, each has its empty cell.
    assert [source for source in rest if source] == [source for source in wanted if source]
    exercises = [cell.source for cell in read(page).cells if "<b>Solution" in cell.source]
    with_code = [source for source in exercises if "```python" in source]
    assert rest.count("") == len(with_code) >= wanted.count("")


@pytest.mark.parametrize("page", CHAPTERS)
def test_no_cell_needs_what_only_a_solution_defines(page):
    known, solved = set(dir(builtins)), set()
    for cell, solution in source_cells(page):
        table = symtable.symtable(cell.source, page, "exec")
        assigned = {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_assigned() or symbol.is_imported()
        }
        if solution:
            solved |= assigned - known
            continue
        missing = used(table) & solved - assigned
        assert not missing, f"a solution defines {missing}, which is needed outside it:\n{cell.source}"
        known |= assigned
        solved -= assigned


def used(table):
    """Every name that code reads from outside itself."""
    names = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()
    }
    if table.get_type() == "module":
        names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return names.union(*(used(child) for child in table.get_children()))


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_readers_notebook_is_valid_and_holds_nothing_of_the_machine(readers, page):
    notebook = read(page)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"jupyter", "cellView"}
    text = (READERS / f"{page}.ipynb").read_text()
    for place in (ROOT, Path.home(), Path(sys.prefix)):
        assert f"{place}/" not in text


@pytest.mark.parametrize("page", CHAPTERS)
def test_the_outputs_are_shown_and_a_live_figure_says_how_to_see_it(readers, page):
    cells = {cell.id: cell for cell in read(page).cells}
    text = json.dumps(cells)
    assert "widget-view" not in text
    assert "papermill" not in text
    pictures = 0
    for cell, solution in source_cells(page):
        if "mystnb" in cell.metadata and not solution:
            [output] = [output for output in cells[cell.id].outputs if output.output_type == "display_data"]
            assert output.metadata["image/png"]["alt"] == cell.metadata.mystnb.image.alt
            pictures += 1
    assert pictures == text.count('"image/png": "')
    live = (
        "widgetonload" in (SITE / f"{page}.html").read_text()
        or "widget-view+json" in (SITE / f"{page}.html").read_text()
    )
    assert ("Run this cell for the live figure" in text) == live


@pytest.mark.parametrize("page", CHAPTERS)
def test_no_output_is_longer_than_a_screen(readers, page):
    for cell in read(page).cells:
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            assert text.count("\n") < 25, cell.id
            assert len(text) < 2500, cell.id


@pytest.mark.parametrize("page", ["intro", *CHAPTERS])
def test_the_links_of_a_readers_notebook_lead_somewhere(site, readers, page):
    html = (site / f"{page}.html").read_text()
    canonical = re.search(r'<link rel="canonical" href="(.*?)(?:chapters|intro)', html)
    for part in rendered(page):
        for link in part.links:
            address, place = urldefrag(unquote(link))
            if canonical and link.startswith(canonical[1]):
                target = site / address.removeprefix(canonical[1])
                assert target.exists(), link
                settings = place.startswith("train=")
                assert not place or settings or place in Rendered(target.read_text()).ids, link
            elif not urlsplit(link).scheme:
                assert (READERS / page).parent.joinpath(address).exists(), link
            else:
                assert link.startswith("https://"), link


@pytest.mark.parametrize("page", CHAPTERS)
def test_the_sites_download_is_the_readers_notebook(site, readers, page):
    assert (site / f"_sources/{page}.ipynb").read_bytes() == (readers / f"{page}.ipynb").read_bytes()


LSTMLIB = ("pip", 'install --quiet "lstmlib[notebooks] @ git+git://somewhere@c0ffee"')
SPEAKER = ("pip", "install --quiet praat-parselmouth==0.4.7")


@pytest.mark.parametrize(
    ("modules", "missing", "wanted"),
    [
        ([], {"lstmlib", "parselmouth"}, (LSTMLIB,)),
        ([], {"parselmouth"}, ()),
        (["numpy", "parselmouth"], {"lstmlib", "parselmouth"}, (LSTMLIB, SPEAKER)),
        (["numpy", "parselmouth"], {"parselmouth"}, (SPEAKER,)),
        (["numpy", "parselmouth"], set(), ()),
    ],
)
def test_the_first_cell_installs_what_its_page_needs_only_where_it_is_missing(
    monkeypatch, modules, missing, wanted
):
    class Shell:
        ran = ()

        def run_line_magic(self, *line):
            self.ran += (line,)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else name)
    shell = Shell()
    code = TransformerManager().transform_cell(install_cell("git://somewhere", "c0ffee", modules))
    exec(code, {"get_ipython": lambda: shell})
    assert shell.ran == wanted


def test_the_modules_that_a_page_imports_or_looks_for_are_found_where_an_import_may_fail_too():
    cells = [
        new_code_cell(
            "import numpy as np\nfrom torch import nn\ntry:\n    from parselmouth.praat import call"
        ),
        new_code_cell('if find_spec("music21") is None:\n    raise ImportError("It is missing")'),
        new_markdown_cell("import nothing"),
    ]
    assert imported(new_notebook(cells=cells)) == ["music21", "numpy", "parselmouth", "torch"]


def test_the_first_cell_says_what_to_do_where_the_repository_is_unknown(monkeypatch, capsys):
    exec(install_cell(None), {})
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(install_cell(None), {})
    said = capsys.readouterr().out
    assert "lstmlib is missing" in said
    assert "parselmouth" not in said
    exec(install_cell(None, modules=["parselmouth"]), {})
    assert "pip install praat-parselmouth==0.4.7" in capsys.readouterr().out


OTHER = "(elsewhere)=\n# Elsewhere\n\n```{glossary}\nword\n  What it means.\n```\n"
PAGE = r"""
# A page

A {term}`word`, {doc}`/other`, [](../other.md), {ref}`elsewhere`, [a paper](https://example.org), {math}`a_b`,
`` {term}`word` `` is code, {cite:t}`gers2000`, {numref}`fig-one`, {eq}`one` and {glue:text}`number:.1f`.
Settings stand in <a href="../other.html#x,1">an
address</a>.

$$x = y$$ (one)

```{math}
:label: two
z
```

```{note} With its first words
beside its name.
```

::::{admonition} A *title* with `code`
:class: dropdown

```{warning}
A note within a fold.
```
::::

```text
{term}`word`
```

(here)=
+++

% a comment

```{figure} drawing.svg
:name: fig-drawn
:width: 300px
:alt: A square

A *square*, {eq}`one`
```

```{bibliography}
:filter: docname in docnames
```
"""
DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'
FIGURE = {"image": {"alt": "A line"}, "figure": {"caption": "A *line*, {eq}`one`", "name": "fig-one"}}


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    root = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "references.bib", "lstmlib", "requirements.txt", "theme"):
        (root / name).symlink_to(ROOT / name)
    (root / "_toc.yml").write_text("format: jb-book\nroot: other\nchapters: [{file: part/page}]\n")
    (root / "other.md").write_text(OTHER)
    (root / "part").mkdir()
    (root / "part/drawing.svg").write_text(DRAWN)
    cells = [
        new_code_cell(
            "from myst_nb import glue\nglue('number', 2.345, display=False)",
            metadata={"tags": ["hide-input"]},
        ),
        new_markdown_cell(PAGE),
        new_code_cell(
            "import matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()",
            id="figure",
            metadata={"mystnb": FIGURE},
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), root / "part/page.ipynb")
    return root


def built(root):
    """The reader's notebook of the small book's page, after one more build."""
    environment = {**os.environ, "GITHUB_REPOSITORY": "fork/lstms", "SITE_URL": "https://example.org/site"}
    environment["GIT_CEILING_DIRECTORIES"] = str(root.parent)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", root, "-q", "-W", "-n"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = root / "_build/notebooks/part/page.ipynb"
    assert (root / "_build/html/_sources/part/page.ipynb").read_bytes() == path.read_bytes()
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_every_construct_of_the_book_becomes_plain_markdown(small_book):
    notebook = built(small_book)
    cells = {cell.id: cell for cell in notebook.cells}
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for wanted in (
        "A [word](https://example.org/site/other.html#term-word), [Elsewhere](https://example.org/site/other.html)",
        "[Elsewhere](https://example.org/site/other.html#elsewhere)",
        "[a paper](https://example.org), $a_b$",
        "`` {term}`word` `` is code",
        "Gers *et al.* [[2000](https://doi.org/10.1162/089976600300015015)], Fig. 2, (1) and 2.3.",
        "Settings stand in [an\naddress](https://example.org/site/other.html#x,1).",
        "$$x = y \\tag{1}$$",
        "$$\nz \\tag{2}\n$$",
        "> **Note**\n> \n> With its first words\n> beside its name.",
        "<details>\n<summary><b>A <em>title</em> with <code>code</code></b></summary>\n\n> **Warning**",
        "> A note within a fold.\n\n</details>",
        "```text\n{term}`word`\n```",
        "Learning to forget: continual prediction with LSTM. *Neural Computation*, 12",
        "**Fig. 1** A *square*, (1)",
        "**Fig. 2** A *line*, (1)",
    ):
        assert wanted in text, f"{wanted!r} is not in\n{text}"
    assert not re.search(r"\(here\)|\+\+\+|% a comment", text)
    assert notebook.cells[0].source.endswith('git+https://github.com/fork/lstms@HEAD"')
    assert notebook.cells[1].metadata.jupyter.source_hidden
    assert notebook.cells[1].metadata.cellView == "form"
    assert cells["figure-caption"].source.startswith("**Fig. 2**")
    [drawing] = [cell for cell in notebook.cells if cell.source.startswith(DRAWING)]
    assert drawing.metadata.jupyter.source_hidden
    assert drawing.outputs[0].data["image/svg+xml"] == DRAWN
    assert drawing.outputs[0].metadata["image/svg+xml"].alt == "A square"
    shown = []
    exec(drawing.source.replace("display(", "shown.append("), {"shown": shown})
    assert shown[0].data == DRAWN


def test_a_readers_notebook_follows_a_page_that_it_leads_to(small_book):
    """Sphinx reads the other page alone, and this page's number and outputs stay."""
    before = "\n".join(cell.source for cell in built(small_book).cells)
    (small_book / "other.md").write_text(OTHER.replace("# Elsewhere", "# Far away"))
    after = "\n".join(cell.source for cell in built(small_book).cells)
    assert after == before.replace("[Elsewhere]", "[Far away]") != before


@pytest.mark.parametrize(
    "text",
    ["```{mystery}\n```", "{mystery}`x`", "[x](nowhere.md)", "![x](picture.png)", "```{figure} x.svg\n```"],
)
def test_a_construct_that_the_transform_does_not_know_stops_the_build(text):
    page = object.__new__(Page)
    page.name, page.roles = "a/page", {}
    page.app = SimpleNamespace(
        config=SimpleNamespace(myst_substitutions={}), env=SimpleNamespace(found_docs=set())
    )
    with pytest.raises(ExtensionError, match=r"^a/page: the reader's notebook cannot say"):
        page.markdown(text)


def test_a_number_that_names_its_type_stops_the_build():
    page = object.__new__(Page)
    page.name, page.glued = "a/page", ["np.int64(2)"]
    page.app = SimpleNamespace(config=SimpleNamespace(myst_substitutions={}))
    with pytest.raises(ExtensionError, match=r"^a/page: .* cannot say np\.int64\(2\) at \{glue:text\}`x`"):
        page.markdown("{glue:text}`x`")


def test_the_branch_of_the_readers_notebooks_holds_what_binder_needs(readers, tmp_path):
    book, branch = tmp_path / "book", tmp_path / "branch"
    for name in (".binder", ".ci", "lstmlib", "tests"):
        shutil.copytree(ROOT / name, book / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT.md", "Makefile"):
        shutil.copy(ROOT / name, book)
    shutil.copytree(readers, book / "_build/notebooks")
    (book / ".gitignore").write_text("_build/\n")

    def git(*arguments, cwd=book):
        command = ["git", "-c", "user.name=n", "-c", "user.email=e", *arguments]
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "a book")
    git("init", "-q", "--bare", branch)
    for _ in range(2):  # the first publication, and the next
        subprocess.run(["bash", ".ci/publish-notebooks", branch], cwd=book, check=True, capture_output=True)
    assert git("status", "--porcelain") == ""
    assert git("rev-list", "--count", "notebooks", cwd=branch).strip() == "1"
    published = set(git("ls-tree", "-r", "--name-only", "notebooks", cwd=branch).split())
    notebooks = {path.relative_to(readers).as_posix() for path in readers.rglob("*.ipynb")}
    package = {path for path in git("ls-files", "lstmlib").split()}
    licences = {"LICENSE", "LICENSE-TEXT.md", "README.md", "pyproject.toml"}
    assert published == notebooks | package | licences | {".binder/environment.yml", ".binder/postBuild"}
    assert "100755" in git("ls-tree", "notebooks", ".binder/postBuild", cwd=branch)
    environments = [
        yaml.safe_load(text)["dependencies"]
        for text in (
            (book / ".binder/environment.yml").read_text(),
            git("show", "notebooks:.binder/environment.yml", cwd=branch),
        )
    ]
    assert set(environments[0]) - set(environments[1]) == {"jupyterlab-myst"}
