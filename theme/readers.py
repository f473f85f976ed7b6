"""The readers' notebooks: the executed pages without directives and roles, for whatever opens a notebook.

Numbers, names and addresses are those that Sphinx has found for the site; outputs are those of the run that
the site shows. A number on one page may change with another page, so whenever Sphinx has read one, `write`
makes all of them anew.
"""

import hashlib
import posixpath
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from markdown_it import MarkdownIt
from myst_nb.core.utils import coalesce_streams
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

WIDGET = "application/vnd.jupyter.widget-view+json"
GLUED = "application/papermill.record/"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Those whose title is their name, and those with a title of their own
NAMED = {
    name: name.capitalize()
    for name in ("attention", "caution", "danger", "error", "hint", "important", "note", "tip", "warning")
} | {"seealso": "See also"}
TITLED = {"admonition", "dropdown", "sidebar", "topic"}
FENCE = re.compile(r"(`{3,}(?!.*`)|~{3,}|:{3,})(?:\{([\w:.-]+)\} *)?(.*)")
# A span of code, which is a role's where a name stands before it
INLINE = re.compile(
    r"(?:\{(?P<role>[\w:.-]+)\})?(?<!`)(?P<ticks>`+)(?!`)(?P<span>(?:(?!\n\n).)+?)(?<!`)(?P=ticks)(?!`)",
    re.DOTALL,
)
LINK = re.compile(r"!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
# A link of the site whose place no heading names, such as the settings of a figure, is written in HTML.
ANCHOR = re.compile(r'<a href="(?P<address>[^"]+)">(?P<text>[^<]+)</a>')
DROPPED = re.compile(r"^(?:\([\w:. -]+\)=|\+\+\+.*|%( .*)?)\n", re.MULTILINE)
EQUATION = re.compile(r"\$\$(?P<tex>[^$]+)\$\$ *\((?P<label>[\w:.-]+)\)")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")

# What says to fold a cell's code: the first in JupyterLab, the second in Colab
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}

# What a page may import that `lstmlib[notebooks]` does not bring: the module, and what installs it
BESIDE = {
    "music21": "music21==10.5.1",
    "parselmouth": "praat-parselmouth==0.4.7",
    "statsmodels": "--no-deps statsmodels==0.15.0",  # its data, not what it computes with
}


def install_cell(address: str | None, commit: str = "HEAD", modules: Iterable[str] = ()) -> str:
    """The code of a first cell, which installs the package `lstmlib` where it is missing.

    Parameters
    ----------
    address : str or None
        Where git finds the repository, such as `https://github.com/OWNER/NAME` or `file:///a/folder`. None
        where the book does not know the repository it was built from: then the cell says what to do.
    commit : str
        Which state of the repository to install.
    modules : names of modules
        What the page imports; those of `BESIDE` are installed too.
    """
    beside = [(module, BESIDE[module]) for module in modules if module in BESIDE]
    if address is None:
        more = [
            f"""
if importlib.util.find_spec("{module}") is None:
    print("{module}, which this page needs, is missing. Run: pip install {package}")"""
            for module, package in beside
        ]
        return "".join([SAYS, *more])
    more = [
        f"""
if importlib.util.find_spec("{module}") is None:  # only this page needs it
    %pip install --quiet {package}"""
        for module, package in beside
    ]
    return "".join([INSTALLS.format(address=address, commit=commit), *more])


SAYS = """\
# Says what to do where this course's package, lstmlib, is missing;
# where it is installed, this cell does nothing.
import importlib.util

if importlib.util.find_spec("lstmlib") is None:
    print("lstmlib is missing. Download the course's repository and run in its folder:")
    print("pip install '.[notebooks]'")"""
INSTALLS = """\
# Installs this course's package, lstmlib, with what it needs, where it is missing;
# where it is installed, this cell does nothing.
import importlib.util

if importlib.util.find_spec("lstmlib") is None:
    %pip install --quiet "lstmlib[notebooks] @ git+{address}@{commit}\""""


def write(app: Sphinx, repository: tuple[str, str] | None) -> None:
    """Write `_build/notebooks`, and hand the same files out where the site has its notebooks for download."""
    build = Path(app.outdir).parent
    notebooks, stamp = build / "notebooks", build / "readers"
    wanted = state(app, repository)
    if not (notebooks.is_dir() and stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(notebooks, ignore_errors=True)
        for page in pages(app):
            source = executed(app, page)
            cell = install_cell(*repository or (None, ""), modules=imported(source))
            notebook = Page(app, page, source).notebook(cell)
            nbformat.validate(notebook)
            path = notebooks / f"{page}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)
        stamp.write_text(wanted)
    # Always, since Sphinx puts a page's source here whenever it writes the page
    shutil.copytree(notebooks, Path(app.outdir) / "_sources", dirs_exist_ok=True)


def state(app: Sphinx, repository: tuple[str, str] | None) -> str:
    """A digest of what the notebooks are made from: it changes with every page that Sphinx has read anew."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(repr((repository, app.config.html_baseurl)).encode())
    for page in sorted(app.env.found_docs):
        read = (Path(app.doctreedir) / f"{page}.doctree").stat().st_mtime_ns
        digest.update(f"{page} {read}".encode())
    return digest.hexdigest()


def executed(app: Sphinx, page: str) -> NotebookNode:
    """A page as MyST-NB has read it, with the outputs that the site shows.

    What MyST-NB leaves under `jupyter_execute` has outputs only where it has just run the cells. Outputs that
    it found in its cache are found there again.
    """
    notebook = nbformat.read(Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb", as_version=4)
    cache = get_cache(app.env.mystnb_config.execution_cache_path)
    with suppress(KeyError):  # a notebook that failed is not in the cache
        _, notebook = cache.merge_match_into_notebook(notebook)
    return notebook


def imported(notebook: NotebookNode) -> list[str]:
    """The modules that a notebook's code imports or looks for, without what lies within them."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    found = re.findall(r"^ *(?:import|from) (\w+)|find_spec\(\"(\w+)\"\)", code, re.MULTILINE)
    return sorted({one or other for one, other in found})


def pages(app: Sphinx) -> list[str]:
    """The pages that are notebooks."""
    return sorted(page for page in app.env.found_docs if "kernelspec" in app.env.metadata.get(page, {}))


@dataclass
class Directive:
    """A directive of MyST: its name, what stands beside and under it, and its body."""

    name: str
    argument: str
    options: dict[str, str]
    body: str

    @property
    def folded(self) -> bool:
        return "dropdown" in self.options.get("class", "").split()


def blocks(text: str) -> Iterator[str | Directive]:
    """Markdown as a sequence of directives, blocks of code (with their fences), and what stands between."""
    lines = text.split("\n")
    between: list[str] = []
    while lines:
        opening = FENCE.fullmatch(lines[0])
        if opening is None or (opening[1][0] == ":" and opening[2] is None):
            between.append(lines.pop(0))
            continue
        closing = re.compile(f"{opening[1][0]}{{{len(opening[1])},}} *")
        end = next((n for n, line in enumerate(lines) if n and closing.fullmatch(line)), len(lines))
        if between:
            yield "\n".join(between)
            between = []
        inside, fence = lines[1:end], "\n".join(lines[: end + 1])
        lines = lines[end + 1 :]
        if opening[2] is None:
            yield fence
            continue
        options = {}
        while inside and (option := re.fullmatch(r":([\w-]+): *(.*)", inside[0])):
            options[option[1]] = option[2]
            inside.pop(0)
        yield Directive(opening[2], opening[3].strip(), options, "\n".join(inside).strip("\n"))
    if between:
        yield "\n".join(between)


@dataclass
class Page:
    """One page on its way from what the build has executed to what a reader opens."""

    app: Sphinx
    name: str
    executed: NotebookNode
    cells: list[NotebookNode] = field(default_factory=list)
    text: list[str] = field(default_factory=list)  # of the Markdown cell that is being written
    solution: bool = False
    coded: bool = False  # the answer to the exercise at hand has code

    def __post_init__(self) -> None:
        self.site = self.app.config.html_baseurl
        doctree = self.app.env.get_doctree(self.name)
        for reference in list(doctree.findall(pending_xref)):
            mark = nodes.inline("", "", role=" ".join(reference.rawsource.split()))
            reference.replace_self(mark)
            mark += reference
        self.app.env.apply_post_transforms(doctree, self.name)
        self.papers = {paper["ids"][0]: self.paper(paper) for paper in doctree.findall(nodes.citation)}
        self.roles = {
            mark["role"]: markdown(mark, self.link)
            for mark in doctree.findall(nodes.inline)
            if mark.get("role")
        }
        self.glued = [node.astext() for node in doctree.findall(is_glued)]

    def notebook(self, first: str) -> NotebookNode:
        """The reader's notebook."""
        self.cells.append(new_code_cell(first, id="install"))
        for cell in self.executed.cells:
            if cell.cell_type == "code":
                self.code(cell)
                continue
            for block in blocks(cell.source):
                self.block(block, cell.id)
            if not self.solution:
                self.flush(cell.id)
        if self.solution or self.glued:
            self.fail("a solution has no end" if self.solution else f"left over by glue: {self.glued}")
        return new_notebook(cells=self.cells, metadata=METADATA)

    def flush(self, name: str) -> None:
        """End the Markdown cell that is being written."""
        source = joined(self.text)
        self.text = []
        if source:
            self.cells.append(new_markdown_cell(source, id=self.unused(name)))

    def unused(self, name: str) -> str:
        taken = {cell.id for cell in self.cells}
        names = (f"{name}-{n}" for n in range(2, len(taken) + 3))
        return name if name not in taken else next(other for other in names if other not in taken)

    def block(self, block: str | Directive, name: str) -> None:
        """Write a block into the Markdown cell at hand; a solution and a drawing have cells of their own."""
        if isinstance(block, Directive) and block.name == "figure" and not self.solution:
            self.drawing(block, name)
            return
        if isinstance(block, Directive) and block.name in ("solution", "solution-start"):
            self.flush(name)
            self.solution, self.coded = True, False
            exercise = self.exercise(block.argument)
            self.text.append(f"<details>\n<summary><b>Solution to {self.title(exercise)}</b></summary>")
            if block.name == "solution-start":
                return
            self.coded = "```python" in block.body
            self.text.append(self.markdown(block.body))
        if isinstance(block, Directive) and block.name in ("solution", "solution-end"):
            self.text.append("</details>")
            if self.coded:
                self.cells.append(new_code_cell("", id=self.unused(f"{name}-yours")))
            self.solution = False
            self.flush(name)
        else:
            self.text.append(self.render(block))

    def drawing(self, figure: Directive, name: str) -> None:
        """Write a drawing that the book keeps as SVG: a cell of code that shows it, and the caption.

        Code, since an image in Markdown needs a file beside the notebook, or an attachment, which Colab
        does not show.
        """
        path = Path(self.app.srcdir, self.name).parent / figure.argument
        if path.suffix != ".svg":
            self.fail(f"the figure {figure.argument}")
        self.flush(name)
        drawn, alt = path.read_text(encoding="utf-8").strip(), figure.options["alt"]
        shown = new_output(
            "display_data",
            data={"image/svg+xml": drawn, "text/plain": alt},
            metadata={"image/svg+xml": {"alt": alt}},
        )
        code = f'from IPython.display import SVG, display\n\ndisplay(SVG("""{drawn}"""))'
        cell = new_code_cell(code, id=self.unused(f"{name}-drawing"), outputs=[shown])
        cell.metadata.update(FOLDED)
        self.cells.append(cell)
        self.text.append(self.captioned(figure.options.get("name", ""), figure.body))

    def captioned(self, name: str, caption: str) -> str:
        """The number of a figure and its caption."""
        number = self.number("figure", name)
        label = self.app.config.numfig_format["figure"] % number if number else ""
        return f"**{label}** {self.inline(caption)}" if label else caption

    def markdown(self, text: str) -> str:
        return joined(map(self.render, blocks(text)))

    def render(self, block: str | Directive) -> str:
        """A block as plain Markdown."""
        if isinstance(block, str):
            return block if FENCE.match(block) else self.inline(block)
        if block.name in ("exercise", "exercise-start"):
            exercise = self.exercise(block.options.get("label", ""))
            return f"### {self.inline(exercise)}\n\n{self.markdown(block.body)}"
        if block.name == "exercise-end":
            return ""
        if block.name in NAMED or block.name in TITLED:
            title = NAMED.get(block.name, block.argument)
            # What stands beside {note} is the note's first words.
            body = self.markdown("\n".join([block.argument] * (block.name in NAMED) + [block.body]))
            if block.folded or block.name == "dropdown":
                return f"<details>\n<summary><b>{self.title(title)}</b></summary>\n\n{body}\n\n</details>"
            return re.sub("^", "> ", f"**{self.inline(title)}**\n\n{body}", flags=re.MULTILINE)
        if block.name == "bibliography":
            return "\n".join(f"- {paper}" for paper in self.papers.values())
        if block.name == "math":
            tag = self.tag(block.options["label"]) if "label" in block.options else ""
            return f"$$\n{block.argument or block.body}{tag}\n$$"
        if block.name in ("code", "code-block"):
            return f"```{block.argument}\n{block.body}\n```"
        return self.fail(f"the directive {{{block.name}}}")

    def inline(self, text: str) -> str:
        """Markdown whose roles, links within the book, labels and comments have become plain Markdown."""
        text = DROPPED.sub("", text + "\n")[:-1]
        for name, value in self.app.config.myst_substitutions.items():
            text = re.sub(rf"\{{\{{ *{name} *\}}\}}", lambda _, value=value: str(value), text)
        text = EQUATION.sub(lambda found: f"$${found['tex']}{self.tag(found['label'])}$$", text)
        # Code is set aside while links are looked for, so that a bracket in it is none.
        spans: list[str] = []

        def aside(found: re.Match) -> str:
            spans.append(self.role(found))
            return f"\0{len(spans) - 1}\0"

        text = LINK.sub(self.relink, INLINE.sub(aside, text))
        text = ANCHOR.sub(lambda found: self.link(found["text"], found["address"]), text)
        while "\0" in text:
            text = re.sub("\0(\\d+)\0", lambda found: spans[int(found[1])], text)
        return text

    def role(self, found: re.Match) -> str:
        role, content = found["role"], found["span"]
        if role is None:
            return found[0]
        if role == "math":
            return f"${content}$"
        if role.startswith("glue:"):
            value = self.glued.pop(0) if self.glued else self.fail(f"nothing is glued at {found[0]}")
            # NumPy's scalars name their type: int() or float() makes them numbers that can be read.
            return self.fail(f"{value} at {found[0]}") if value.startswith("np.") else escaped(value)
        key = " ".join(f":{role}:`{content}`".split())
        return self.roles[key] if key in self.roles else self.fail(f"the role {found[0]}")

    def relink(self, found: re.Match) -> str:
        """A link of the source, led to where it can be followed."""
        target, _, fragment = found["target"].partition("#")
        if urlsplit(target).scheme:
            return found[0]
        page = posixpath.splitext(posixpath.normpath(posixpath.join(posixpath.dirname(self.name), target)))[0]
        if found[0].startswith("!") or not target or page not in self.app.env.found_docs:
            return self.fail(f"the link to {found['target']}")
        text = found["text"] or self.app.env.titles[page].astext()
        return self.link(text, f"/{page}.html" + (f"#{fragment}" if fragment else ""))

    def link(self, text: str, address: str) -> str:
        """A link to an address as the site's page has it, or the text alone where no address serves.

        The site's pages open from everywhere. Where its address is unknown, the notebook next door must do:
        that opens in JupyterLab, in VS Code and on GitHub, though not in Colab.
        """
        if urlsplit(address).scheme:
            # Markdown would take a parenthesis of the address for the end of the link.
            return f"[{text}]({address.replace('(', '%28').replace(')', '%29')})"
        path, _, fragment = urljoin(f"/{self.name}.html", address).partition("#")
        page = path.removeprefix("/").removesuffix(".html")
        if page == self.name:
            paper = re.search(r"\]\((http[^)]+)\)", self.papers.get(fragment, ""))
            if paper:
                return f"[{text}]({paper[1]})"
            if fragment not in self.papers:
                return text  # a figure, an exercise or an equation of this notebook
        if self.site:
            return f"[{text}]({urljoin(self.site, address_of(path, fragment))})"
        if page != self.name and page in pages(self.app):
            return f"[{text}]({posixpath.relpath(page, posixpath.dirname(self.name))}.ipynb)"
        return text

    def paper(self, entry: nodes.citation) -> str:
        # The first: a page written a moment ago shares its entries with this one, and they were filled twice.
        paragraph = next(entry.findall(nodes.paragraph))
        text = markdown(paragraph, self.link)
        return text if "](" in text else ARXIV.sub(r"[\g<0>](https://arxiv.org/abs/\1)", text)

    def exercise(self, label: str) -> str:
        """The site's name of an exercise, such as *Exercise 17 (Find the bug)*, as Markdown."""
        known = self.app.env.sphinx_exercise_registry.get(label)
        if known is None:
            return self.fail(f"the exercise {label!r}")
        title = exercise_title(self.executed, label)
        number = self.number("exercise", label)
        return " ".join(filter(None, ["Exercise", number, title and f"({title})"]))

    def number(self, kind: str, label: str) -> str:
        numbers = self.app.env.toc_fignumbers.get(self.name, {}).get(kind, {})
        return ".".join(map(str, numbers.get(label, ())))

    def tag(self, label: str) -> str:
        return f" \\tag{{{self.app.env.get_domain('math').equations[label][1]}}}"

    def title(self, text: str) -> str:
        """Markdown for a place where only HTML is read."""
        return MarkdownIt().renderInline(self.inline(text))

    def code(self, cell: NotebookNode) -> None:
        """Write a cell of code: as code a reader runs, or folded as part of a solution."""
        settings = cell.metadata.get("mystnb", {})
        figure = settings.get("figure", {})
        alt = settings.get("image", {}).get("alt")
        if self.solution:
            self.coded = True
            self.text.append(fenced(cell.source, "python"))
            printed = "".join(map(printed_text, cell.outputs))
            if printed.strip():
                self.text += ["It prints:", fenced(printed.rstrip("\n"), "text")]
        else:
            outputs = [out for output in coalesce_streams(cell.outputs) if (out := self.output(output, alt))]
            written = new_code_cell(
                cell.source,
                id=self.unused(cell.id),
                outputs=outputs,
                execution_count=cell.execution_count,
            )
            tags = cell.metadata.get("tags", [])
            if {"hide-cell", "hide-input", "remove-cell", "remove-input"} & set(tags):
                written.metadata.update(FOLDED)
            self.cells.append(written)
        if figure:
            self.text.append(self.captioned(figure.get("name", ""), figure["caption"]))
            if self.solution:
                self.text.append("*The figure appears when you run the code.*")
            else:
                self.flush(f"{cell.id}-caption")

    def output(self, output: NotebookNode, alt: str | None) -> NotebookNode | None:
        """What a cell has put out, without what only lives in a kernel and without paths of the machine."""
        if output.output_type == "stream":
            return new_output("stream", name=output.name, text=output.text)
        if output.output_type == "error":
            line = f"{output.ename}: {output.evalue}"
            return new_output("error", ename=output.ename, evalue=output.evalue, traceback=[line])
        if all(kind.startswith(GLUED) for kind in output.data):
            return None
        if WIDGET in output.data:
            says, plainly = "Run this cell for the live figure", ""
            if self.site:
                address = urljoin(self.site, f"{self.name}.html")
                says, plainly = f"{says}, or play with it [on the site]({address})", f" ({address})"
            plain = re.sub(r"\[(.*)\]\(.*\)", r"\1", says) + plainly
            return new_output("display_data", data={"text/markdown": f"*{says}.*", "text/plain": f"{plain}."})
        described = {kind: {"alt": alt} for kind in output.data if alt and kind.startswith("image/")}
        more = {"execution_count": output.execution_count} if output.output_type == "execute_result" else {}
        return new_output(output.output_type, data=output.data, metadata=described, **more)

    def fail(self, what: str) -> str:
        raise ExtensionError(f"{self.name}: the reader's notebook cannot say {what} (see theme/readers.py)")


def is_glued(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and "pasted-text" in node["classes"]


def exercise_title(notebook: NotebookNode, label: str) -> str:
    """The title that the source gives an exercise: the registry has lost its code and mathematics."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for block in blocks(cell.source):
                if isinstance(block, Directive) and block.options.get("label") == label:
                    return block.argument
    return ""


def joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(filter(None, (paragraph.strip("\n") for paragraph in paragraphs)))


def address_of(path: str, fragment: str) -> str:
    return path.removeprefix("/") + (f"#{fragment}" if fragment else "")


def fenced(text: str, language: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def printed_text(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    seen = any(kind.startswith((WIDGET, "image/", GLUED)) for kind in data)
    return "" if seen else data.get("text/plain", "") + "\n"


def escaped(text: str) -> str:
    return re.sub(r"([\\`*_$])", r"\\\1", text)


def markdown(node: nodes.Node, link: Callable[[str, str], str]) -> str:
    """What stands in a line of the site, as Markdown."""
    if isinstance(node, nodes.Text):
        return escaped(node.astext())
    inside = "".join(markdown(child, link) for child in node.children)
    if isinstance(node, nodes.reference):
        return link(inside, node["refuri"] if "refuri" in node else f"#{node['refid']}")
    if isinstance(node, nodes.emphasis):
        return f"*{inside}*"
    if isinstance(node, nodes.strong):
        return f"**{inside}**"
    if isinstance(node, nodes.literal):
        return f"`{node.astext()}`"
    if isinstance(node, nodes.math):
        return f"${node.astext()}$"
    return inside
