"""Marks one submission: its code runs in a sandbox, the tests run here, and only data go between them."""

import ast
import builtins
import hashlib
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np

from grader.assignment import Assignment, Cell, read_cells
from grader.notes import note
from grader.sandbox import Raised, Sandbox, Stopped

MOST_BYTES = 10 * 2**20
"""A larger file is no notebook that somebody wrote."""
MOST_TIME = 5
"""So many times the limit of a cell may all of a submission take."""
MOST_STARTS = 6
"""So often a process may be lost; what is not tested by then gets nothing."""


@dataclass
class Mark:
    """What a submission gets: `status`, points for each test, None for what is graded by hand, and why."""

    student: str
    status: str = "graded"
    points: dict[str, float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    note: str = ""
    """What the teacher should look at before the points count."""

    @property
    def total(self) -> float:
        return sum(points or 0 for points in self.points.values())


def mark(assignment: Assignment, path: Path, student: str, *hidden: Path, **limits: float) -> Mark:
    """Mark the notebook at `path`, which is only read; `limits` are those of `Sandbox`.

    It never raises for what is in the notebook.
    """
    result = Mark(student, points={cell.name: 0.0 for cell in assignment.cells if cell.kind == "test"})
    result.points |= {cell.name: None for cell in assignment.cells if cell.kind == "written"}
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("the file is too large")
        text = path.read_bytes().decode()
        cells = read_cells(nbformat.reads(text, as_version=4))
    except Exception as error:
        result.status = "unreadable"
        result.reasons[""] = f"This is no notebook that can be read: {str(error)[:200]}"
        return result
    theirs = {cell.name for cell in cells}
    missing = [cell.name for cell in assignment.cells if cell.kind == "answer" and cell.name not in theirs]
    if missing:
        result.status = "missing cells"
        result.reasons[""] = f"These cells are missing: {', '.join(missing)}"
    result.note = note(assignment, cells)
    away = [path.parent, *hidden, *_folders(assignment.without)]
    _Marking(assignment, merged(assignment, cells), result, away, limits).go()
    return result


def _folders(packages: tuple[str, ...]) -> list[Path]:
    """Where packages are installed."""
    found = (find_spec(name) for name in packages)
    return [Path(place) for one in found if one for place in one.submodule_search_locations or ()]


def merged(assignment: Assignment, theirs: list[Cell]) -> list[Cell]:
    """The cells to run: the student's, but tests and given code as they were handed out, each once."""
    ours = {cell.name: cell for cell in assignment.cells}
    cells, seen = [], set()
    for cell in theirs:
        fixed = ours.get(cell.name)
        if fixed is None or fixed.kind == "free" or (fixed.kind == "answer" and cell.name in seen):
            cells.append(Cell("free", cell.name, cell.source))
        elif cell.name not in seen:
            seen.add(cell.name)
            source = cell.source if fixed.kind == "answer" else fixed.source
            cells.append(Cell(fixed.kind, cell.name, source, fixed.points))
    # What was deleted stands again behind what came before it.
    for before, cell in zip((None, *assignment.cells), assignment.cells, strict=False):
        if cell.name not in seen and cell.kind in ("given", "test"):
            names = [one.name for one in cells]
            known = before and before.name in names
            place = names.index(before.name) + 1 if known else 0 if cell.kind == "given" else len(cells)
            cells.insert(place, cell)
            seen.add(cell.name)
    return cells


class _Marking:
    def __init__(
        self, assignment: Assignment, cells: list[Cell], result: Mark, hidden: list[Path], limits: dict
    ) -> None:
        self.assignment, self.cells, self.result = assignment, cells, result
        self.hidden, self.limits = hidden, limits
        self.space = self._own_names()
        self.left_out: set[int] = set()

    def go(self) -> None:
        """Run all cells in order; where the process is lost, once more without the cell that lost it."""
        done: set[str] = set()
        until = time.monotonic() + MOST_TIME * self.limits.get("seconds", 60)
        for _ in range(MOST_STARTS):
            with Sandbox(*self.hidden, until=until, **self.limits) as sandbox:
                if self._walk(sandbox, done):
                    return
            if time.monotonic() > until:
                break
        for cell in self.cells:
            if cell.kind == "test" and cell.name not in done:
                said = f"Not tested: your code was stopped {MOST_STARTS} times before."
                if time.monotonic() > until:
                    said = "Not tested: your code took too long in all."
                self.result.reasons.setdefault(cell.name, said)

    def _walk(self, sandbox: Sandbox, done: set[str]) -> bool:
        for number, cell in enumerate(self.cells):
            if number in self.left_out:
                continue
            try:
                if cell.kind == "test":
                    if cell.name not in done:
                        self._test(cell, sandbox)
                        done.add(cell.name)
                elif cell.kind != "written":
                    self._run(cell, sandbox)
            except Stopped as stopped:
                self.left_out.add(number)
                self.result.status = stopped.status
                self.result.reasons.setdefault(cell.name, f"Your code was stopped here: {stopped.status}.")
                return False
        return True

    def _run(self, cell: Cell, sandbox: Sandbox) -> None:
        try:
            sandbox.run(cell.source)
        except Raised as raised:
            self.result.reasons.setdefault(cell.name, f"This cell raised {raised}")

    def _test(self, cell: Cell, sandbox: Sandbox) -> None:
        space = dict(self.space)
        try:
            # Names that neither we nor Python know are the student's.
            for name in _names(cell.source):
                if name not in space and not hasattr(builtins, name):
                    space[name] = sandbox.look(name)
            exec(compile(cell.source, f"<{cell.name}>", "exec"), space)
        except Raised as raised:
            self.result.reasons[cell.name] = f"Your code raised {raised}"
        except AssertionError as error:
            self.result.reasons[cell.name] = str(error)[:500] or "A test of this question failed."
        except Stopped:
            raise
        except Exception as error:
            self.result.reasons[cell.name] = f"What your code returned could not be tested: {error}"[:300]
        else:
            self.result.points[cell.name] = cell.points

    def _own_names(self) -> dict[str, Any]:
        """What tests may use: the given code, the solutions as `reference`, `student`, `fresh` numbers."""
        given: dict[str, Any] = {"__name__": "given"}
        solved: dict[str, Any] = {"__name__": "reference"}
        for cell in self.assignment.cells:
            if cell.kind == "given":
                exec(compile(cell.source, f"<{cell.name}>", "exec"), given)
            if cell.kind in ("given", "answer"):
                exec(compile(_definitions(cell.source), f"<{cell.name}>", "exec"), solved)
        key = f"{self.assignment.name} {self.result.student}".encode()
        seed = int.from_bytes(hashlib.sha256(key).digest()[:8])
        own = {"student": self.result.student, "fresh": np.random.default_rng(seed)}
        return given | own | {"reference": SimpleNamespace(**solved)}


def _definitions(source: str) -> ast.Module:
    """What a cell defines, without what it runs: an experiment is not for the tests."""
    tree = ast.parse(source)
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign
    tree.body = [node for node in tree.body if isinstance(node, kinds)]
    return tree


def _names(source: str) -> list[str]:
    """The names that a test reads and does not make itself."""
    tree = ast.parse(source)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return [name for name in dict.fromkeys(node.id for node in names) if name not in made]
