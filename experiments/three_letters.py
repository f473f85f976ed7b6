"""Counting with two letters and with three, for longer than the page on grammar can afford.

    python experiments/three_letters.py [--jobs 2]

Strings, training and test are those of `chapters/applications/grammar`: its cells before the race are
executed, and then every network of `NETWORKS` learns the strings of every language of `LANGUAGES` with n up
to 16, from each of `SEEDS`. How far it counts after each budget of updates is a row of `three_letters.csv`,
with versions and processor. A run that stands there is not repeated.
"""

import argparse
import contextlib
import csv
import io
import platform
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import torch
from claims import ROOT, code
from torch import nn
from tqdm import tqdm

TABLE = Path(__file__).with_suffix(".csv")
PAGE = ROOT / "chapters/applications/grammar.ipynb"
CELL = "count-run"
"""The first cell of the page that is not executed."""
SEEDS = range(3)
LANGUAGES = "ab", "abc"

Run = tuple[str, str, int]


class Network(NamedTuple):
    """A rival: the page's kinds and learning rates, with about equally many parameters in each language."""

    loop: type[nn.Module]
    units: tuple[int, int]
    """One number for each of `LANGUAGES`."""
    rate: float
    budgets: tuple[int, ...]


NETWORKS = {
    "LSTM": Network(nn.LSTM, (4, 6), 0.03, (500, 1000, 2000)),
    "GRU": Network(nn.GRU, (5, 7), 0.03, (1000, 2000, 4000)),
    "plain": Network(nn.RNN, (9, 13), 0.01, (2000, 4000, 8000)),
}


def learn(symbols: str, network: str, seed: int) -> list[dict[str, Any]]:
    """One run: how far it counts after each budget."""
    names: dict[str, Any] = {"__name__": "__main__"}
    matplotlib.use("agg")
    with contextlib.redirect_stdout(io.StringIO()):
        for cell, source in code(PAGE):
            if cell == CELL:
                break
            exec(source, names)
    loop, units, rate, budgets = NETWORKS[network]
    H = units[LANGUAGES.index(symbols)]
    _, reached = names["counts_to"](loop, H, rate, seed, budgets, symbols)
    return [
        {"symbols": symbols, "network": network, "seed": seed, "updates": updates, "counts to": int(n)}
        | {"Python": platform.python_version(), "PyTorch": torch.__version__}
        | {"kernels": torch.backends.cpu.get_cpu_capability()}
        for updates, n in zip(budgets, reached, strict=True)
    ]


def read() -> dict[Run, list[dict[str, Any]]]:
    """The rows that there are, by symbols, network and seed."""
    found: dict[Run, list[dict[str, Any]]] = {}
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault((row["symbols"], row["network"], int(row["seed"])), []).append(row)
    return found


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    yield from product(LANGUAGES, NETWORKS, SEEDS)


def write(rows: dict[Run, list[dict[str, Any]]]) -> None:
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
