"""What the experiments share that run on for longer than a page can afford.

A run is named by two words and a seed, the first three columns of its rows in a table. Its rows say what came
after each budget of updates, and on what machine. A run that stands in the table is not repeated.
"""

import argparse
import ast
import contextlib
import csv
import io
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import matplotlib
import torch
from claims import ROOT, code
from tqdm import tqdm

Run = tuple[str, str, int]
Rows = list[dict[str, Any]]


def definitions(page: str, cell: str) -> dict[str, Any]:
    """What a page defines before one of its cells, which is the first that is not executed."""
    names: dict[str, Any] = {"__name__": "__main__"}
    notebook = ROOT / f"chapters/{page}.ipynb"
    matplotlib.use("agg")
    with contextlib.redirect_stdout(io.StringIO()):
        for name, source in code(notebook):
            if name == cell:
                return names
            exec(source, names)
    raise ValueError(f"{notebook.name} has no cell named {cell}")


def defined(page: str, cell: str) -> set[str]:
    """The names that `definitions` would hold, read and not executed."""
    names: set[str] = set()
    for name, source in code(ROOT / f"chapters/{page}.ipynb"):
        if name == cell:
            return names
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                names.add(statement.name)
            else:
                parts = ast.walk(statement)
                names |= {
                    one.id for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
                }
    raise ValueError(f"{page} has no cell named {cell}")


def machine() -> dict[str, str]:
    """The last columns of every row."""
    kernels = torch.backends.cpu.get_cpu_capability()
    return {"Python": platform.python_version(), "PyTorch": torch.__version__, "kernels": kernels}


def read(table: Path) -> dict[Run, Rows]:
    """The rows that there are, by run."""
    found: dict[Run, Rows] = {}
    if table.exists():
        with table.open(newline="") as file:
            for row in csv.DictReader(file):
                first, second, seed, *_ = row.values()
                found.setdefault((first, second, int(seed)), []).append(row)
    return found


def over_seeds(table: Path, value: str, *columns: str) -> dict[tuple, list[float]]:
    """The numbers of one column, one for each seed, by what the columns say and by the updates."""
    found: dict[tuple, list[float]] = {}
    for row in (row for rows in read(table).values() for row in rows):
        key = *(row[column] for column in columns), int(row["updates"])
        found.setdefault(key, []).append(float(row[value]))
    return found


def complete(table: Path, runs: Iterable[Run], learn: Callable[[str, str, int], Rows], about: str) -> None:
    """The command of an experiment: makes those of its runs that the table has not."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    jobs, rows, runs = parser.parse_args().jobs, read(table), list(runs)
    with ProcessPoolExecutor(jobs) as pool:
        missing = {pool.submit(learn, *run): run for run in runs if run not in rows}
        for done in tqdm(as_completed(missing), total=len(missing), unit="run"):
            rows[missing[done]] = done.result()
            lines = [line for run in runs for line in rows.get(run, ())]
            with table.open("w", newline="") as file:
                made = csv.DictWriter(file, lines[0], lineterminator="\n")
                made.writeheader()
                made.writerows(lines)
