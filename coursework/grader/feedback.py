"""What a student gets back: the notebook as it was handed in, points and reasons beside the questions."""

import html
import re
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from grader.assignment import Assignment, name_of
from grader.marking import Mark

SHOWN = "text/plain", "image/png", "image/jpeg"
MOST_TEXT = 10_000
MOST_IN_ALL = 200_000
"""Characters: Markdown and the colours of code take time, of some texts a time that grows with the square."""


def write(path: Path, assignment: Assignment, mark: Mark, notebook: Path | None) -> None:
    """An HTML page; of the tests it shows only what the handed-in notebook holds, and the reasons."""
    theirs = []
    if notebook is not None and mark.status not in ("unreadable", "no notebook"):
        theirs = nbformat.read(notebook, as_version=4).cells
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(_overview(assignment, mark))])
    left = MOST_IN_ALL
    for number, cell in enumerate(theirs):
        cell.source = cell.source[: min(left, MOST_TEXT)]
        left -= len(cell.source) + 100
        if left > 0:
            page.cells.append(_plain(cell))
        reason = mark.reasons.get(name_of(cell, number))
        if reason is not None:
            page.cells.append(nbformat.v4.new_markdown_cell(f"**Feedback.** {_escaped(reason)}"))
    text, _ = HTMLExporter().from_notebook_node(page)
    text = re.sub(r'href="(?!https?:|mailto:|#)[^"]*"', 'href="#"', text)  # javascript: is no link
    path.write_text(text, encoding="utf-8", errors="replace")


def _plain(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The cell with what it says, prints and draws, and nothing else that somebody may have put into it."""
    if cell.cell_type != "code":
        # Markdown may hold HTML, and that a script. Nothing of it is let through.
        return nbformat.v4.new_markdown_cell(cell.source.replace("<", "&lt;"))
    outputs = []
    for output in cell.get("outputs", [])[:50]:
        if output.get("output_type") == "stream":
            outputs.append(nbformat.v4.new_output("stream", text=str(output.get("text", ""))[:MOST_TEXT]))
        data = output.get("data")
        kept = {kind: data[kind] for kind in SHOWN if kind in data} if isinstance(data, dict) else {}
        if "text/plain" in kept:
            kept["text/plain"] = str(kept["text/plain"])[:MOST_TEXT]
        if kept:
            outputs.append(nbformat.v4.new_output("display_data", data=kept))
    return nbformat.v4.new_code_cell(cell.source, outputs=outputs)


def _overview(assignment: Assignment, mark: Mark) -> str:
    lines = [
        f"# {_escaped(assignment.name)}: {_escaped(mark.student)}",
        f"Status: {mark.status}. Points so far: {mark.total:g} of {sum(assignment.points.values()):g}.",
    ]
    if "" in mark.reasons:
        lines.append(_escaped(mark.reasons[""]))
    rows = ["| question | points | of |", "|---|---|---|"]
    for name, most in assignment.points.items():
        points = mark.points.get(name)
        rows.append(f"| {name} | {'graded by hand' if points is None else f'{points:g}'} | {most:g} |")
    return "\n\n".join([*lines, "\n".join(rows)])


def _escaped(text: str) -> str:
    return html.escape(text).replace("|", "&#124;").replace("`", "&#96;")
