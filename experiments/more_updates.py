"""The races of two pages, run on for longer than a page can afford.

    python experiments/more_updates.py [--jobs 2]

Networks, data and training are the pages' own: their cells before the race are executed, and then every
network of `RACES` is trained from each of `SEEDS`. What it gets right after each budget of updates is a row
of `more_updates.csv`, with versions and processor. A run that stands there is not repeated.
"""

import argparse
import contextlib
import csv
import io
import platform
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import torch
from claims import ROOT, code
from tqdm import tqdm

TABLE = Path(__file__).with_suffix(".csv")
SEEDS = 0, 1, 2


class Race(NamedTuple):
    """Networks of a page, that learn one task."""

    page: str
    cell: str
    """The first cell of the page that is not executed."""
    networks: tuple[str, str]
    budgets: tuple[int, ...]
    parts: dict[str, slice]
    """What the shares of the page are of: their names, and their places."""


RECALL = Race(
    "self_attention", "run-race", ("Transformer", "Recurrent"), (500, 3000, 12_000), {"value": slice(None)}
)
BITS = {"bits 1 to 8": slice(8), "bits 9 to 16": slice(8, 16), "bits 19 to 32": slice(18, 32)}
DIGITS = {"1 digit": slice(1), "2 digits": slice(1, 2), "3 digits": slice(2, 3)}
RACES = {
    "recall, 2 pairs": RECALL,
    "recall, 4 pairs": RECALL,
    "parity": RECALL._replace(budgets=(600, 2400, 9600), parts=BITS),
    "captions": Race("image_captioning", "right", ("looking", "staring"), (500, 1000, 2000, 4000), DIGITS),
}


def definitions(page: str, cell: str) -> dict[str, Any]:
    """What the page defines before one of its cells."""
    names: dict[str, Any] = {"__name__": "__main__"}
    notebook = ROOT / f"chapters/attention/{page}.ipynb"
    matplotlib.use("agg")
    with contextlib.redirect_stdout(io.StringIO()):
        for name, source in code(notebook):
            if name == cell:
                return names
            exec(source, names)
    raise ValueError(f"{notebook.name} has no cell named {cell}")


def learn(name: str, network: str, seed: int) -> list[dict[str, Any]]:
    """One run: the shares right after each budget."""
    race = RACES[name]
    names = definitions(race.page, race.cell)
    torch.manual_seed(seed)
    if name == "captions":
        model = names["Captioner"](looks=network == "looking")
        shares = names["read_aloud"](model, seed, race.budgets)
    else:
        generator = torch.Generator().manual_seed(9)
        if name == "parity":
            model, task = names[network](2, 2), partial(names["parity_symbols"], 16)
            exam = names["parity_symbols"](32, 2000, generator)
        else:
            model, task = names[network](32, 16), partial(names["recall_symbols"], int(name[8]))
            exam = task(1000, generator)
        shares = names["raced"](model, seed, task, exam, race.budgets)
    return [
        {"race": name, "network": network, "seed": seed, "updates": updates, "part": part}
        | {"share": f"{np.mean(share[places]):.3f}"}
        | {"Python": platform.python_version(), "PyTorch": torch.__version__}
        | {"kernels": torch.backends.cpu.get_cpu_capability()}
        for updates, share in zip(race.budgets, shares, strict=True)
        for part, places in race.parts.items()
    ]


def read() -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """The rows that there are, by race, network and seed."""
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault((row["race"], row["network"], int(row["seed"])), []).append(row)
    return found


def runs() -> Iterator[tuple[str, str, int]]:
    """All that the table is to hold."""
    for name, race in RACES.items():
        yield from product((name,), race.networks, SEEDS)


def write(rows: dict[tuple[str, str, int], list[dict[str, Any]]]) -> None:
    lines = [line for run in runs() for line in rows.get(run, ())]
    with TABLE.open("w", newline="") as file:
        made = csv.DictWriter(file, lines[0], lineterminator="\n")
        made.writeheader()
        made.writerows(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    jobs, rows = parser.parse_args().jobs, read()
    with ProcessPoolExecutor(jobs) as pool:
        missing = {pool.submit(learn, *run): run for run in runs() if run not in rows}
        for done in tqdm(as_completed(missing), total=len(missing), unit="run"):
            rows[missing[done]] = done.result()
            write(rows)


if __name__ == "__main__":
    main()
