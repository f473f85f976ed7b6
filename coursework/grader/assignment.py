"""An assignment: its cells, as nbgrader marks them, and what each is worth."""

import ast
from dataclasses import dataclass
from pathlib import Path

import nbformat

SOURCE = Path(__file__).parent.parent / "source"


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook.

    `kind` is "given" (read-only code), "answer" (code to write), "test", "written" (graded by hand), or
    "free".
    """

    kind: str
    name: str
    source: str
    points: float = 0


@dataclass(frozen=True)
class Assignment:
    """A source notebook: `name`, and its cells in order, with solutions and hidden tests."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def points(self) -> dict[str, float]:
        """The most that each question gives."""
        return {cell.name: cell.points for cell in self.cells if cell.kind in ("test", "written")}


def read_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    """The code cells of a notebook, and its written answers, in order."""
    cells = []
    for number, cell in enumerate(notebook.cells):
        marks = cell.metadata.get("nbgrader", {})
        kind = _kind(cell.cell_type, marks)
        if kind != "text":
            name = marks.get("grade_id", f"free {number}")
            cells.append(Cell(kind, name, cell.source, float(marks.get("points", 0))))
    return cells


def _kind(cell_type: str, marks: dict) -> str:
    grade, solution = marks.get("grade", False), marks.get("solution", False)
    if grade and solution:
        return "written"
    if cell_type != "code":
        return "text"
    if grade:
        return "test"
    if solution:
        return "answer"
    return "given" if marks.get("locked", False) else "free"


def load(name: str, source: Path = SOURCE) -> Assignment:
    """The assignment of that name; ValueError, with the names that there are, for another one."""
    path = source / name / f"{name}.ipynb"
    if not path.exists():
        known = sorted(folder.name for folder in source.iterdir() if folder.is_dir())
        raise ValueError(f"assignment must be one of {', '.join(known)}, got {name!r}")
    cells = read_cells(nbformat.read(path, as_version=4))
    for cell in cells:
        if cell.kind != "written":
            ast.parse(cell.source)
    return Assignment(name, tuple(cells))
