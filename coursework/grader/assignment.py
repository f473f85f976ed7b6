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
    """A source notebook: `name`, and its cells in order, with solutions and hidden tests.

    `without` are packages that are not there when it is graded; the notebook's metadata name them, since they
    would do the work that the assignment asks for.
    """

    name: str
    cells: tuple[Cell, ...]
    without: tuple[str, ...] = ()

    @property
    def points(self) -> dict[str, float]:
        """The most that each question gives."""
        return {cell.name: cell.points for cell in self.cells if cell.kind in ("test", "written")}


def read_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    """The code cells of a notebook, and its written answers, in order."""
    cells = []
    for number, cell in enumerate(notebook.cells):
        marks = marks_of(cell)
        kind = _kind(cell.cell_type, marks)
        if kind != "text":
            points = marks.get("points")
            points = float(points) if isinstance(points, int | float) else 0.0
            cells.append(Cell(kind, name_of(cell, number), cell.source, points))
    return cells


def marks_of(cell: nbformat.NotebookNode) -> dict:
    """What nbgrader says of a cell; students' programs may have written anything there."""
    marks = cell.metadata.get("nbgrader")
    return marks if isinstance(marks, dict) else {}


def name_of(cell: nbformat.NotebookNode, number: int) -> str:
    """The name of a question, or a number for a cell that belongs to none."""
    name = marks_of(cell).get("grade_id")
    return name if isinstance(name, str) else f"free {number}"


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
    notebook = nbformat.read(path, as_version=4)
    cells = read_cells(notebook)
    for cell in cells:
        if cell.kind != "written":
            ast.parse(cell.source)
    return Assignment(name, tuple(cells), tuple(notebook.metadata.get("without", ())))
