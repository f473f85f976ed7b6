"""Student versions of the assignments: without solutions, without hidden tests.

python -m grader.release [--out coursework/release]
"""

import argparse
from pathlib import Path

import nbformat
from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions

from grader.assignment import SOURCE

RELEASE = SOURCE.parent / "release"
SECRETS = "### BEGIN SOLUTION", "### END SOLUTION", "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def release(path: Path) -> nbformat.NotebookNode:
    """The student version of a source notebook; ValueError where a secret would be left in it."""
    notebook = nbformat.read(path, as_version=4)
    for step in (ClearSolutions(), ClearHiddenTests(), ClearOutput()):
        notebook, _ = step.preprocess(notebook, {})
    text = nbformat.writes(notebook)
    left = [line for line in secrets(path) if line in text]
    if left or any(mark in text for mark in SECRETS):
        raise ValueError(f"{path.name}: a student would read {left or 'a mark of a solution'}")
    return notebook


def secrets(path: Path) -> set[str]:
    """Lines that stand in a solution or a hidden test of a source notebook, and nowhere else in it."""
    hidden, shown = set(), []
    for cell in nbformat.read(path, as_version=4).cells:
        secret = False
        for line in map(str.strip, cell.source.splitlines()):
            if line.startswith("### BEGIN"):
                secret = True
            elif line.startswith("### END"):
                secret = False
            elif secret:
                hidden.add(line)
            else:
                shown.append(line)
    read = "\n".join(shown)
    return {line for line in hidden if len(line) > 20 and line not in read}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=RELEASE)
    out = parser.parse_args().out
    for path in sorted(SOURCE.glob("*/*.ipynb")):
        target = out / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(release(path), target)
        print(target)


if __name__ == "__main__":
    main()
