"""What a teacher should look at before the points of a submission count."""

import ast

from grader.assignment import Assignment, Cell

MOST = 0.5
"""A larger share of the solution's own lines than this is no accident."""


def note(assignment: Assignment, theirs: list[Cell]) -> str:
    """Modules that the assignment does not import, and how much of the public solution stands there.

    Nothing here changes a point: a ready function may be used with right, and two people may write one line
    alike.
    """
    code = [cell.source for cell in theirs if cell.kind in ("answer", "free")]
    known = set().union(*(_imported(cell.source) for cell in assignment.cells if cell.kind != "written"))
    said = []
    if foreign := sorted(set().union(*map(_imported, code)) - known):
        said.append(f"imports {', '.join(foreign)}")
    ours, lines = _solution(assignment), {line.strip() for source in code for line in source.splitlines()}
    if ours and len(ours & lines) > MOST * len(ours):
        said.append(f"{len(ours & lines) / len(ours):.0%} of the lines of the public solution")
    return "; ".join(said)


def _imported(source: str) -> set[str]:
    """The modules that a cell imports."""
    try:
        nodes = [*ast.walk(ast.parse(source))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    return found | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _solution(assignment: Assignment) -> set[str]:
    """The lines that only a solution has, and that are long enough to be somebody's own."""
    inside, outside = set(), set()
    for cell in assignment.cells:
        secret = False
        for line in map(str.strip, cell.source.splitlines()):
            if line.startswith("### "):
                secret = line == "### BEGIN SOLUTION" and cell.kind == "answer"
            else:
                (inside if secret else outside).add(line)
    return {line for line in inside - outside if len(line) > 20}
