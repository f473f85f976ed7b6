"""What a student gets back: the notebook as it was handed in, points and reasons beside the questions."""

import html
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from grader.assignment import Assignment
from grader.marking import Mark


def write(path: Path, assignment: Assignment, mark: Mark, notebook: Path | None) -> None:
    """An HTML page; of the tests it shows only what the handed-in notebook holds, and the reasons."""
    page = nbformat.v4.new_notebook()
    if notebook is not None and mark.status not in ("unreadable", "no notebook"):
        page = nbformat.read(notebook, as_version=4)
    cells = [nbformat.v4.new_markdown_cell(_overview(assignment, mark))]
    for cell in page.cells:
        cells.append(cell)
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in mark.reasons:
            cells.append(nbformat.v4.new_markdown_cell(f"**Feedback.** {_escaped(mark.reasons[name])}"))
    page.cells = cells
    text, _ = HTMLExporter(sanitize_html=True).from_notebook_node(page)
    path.write_text(text, encoding="utf-8")


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
