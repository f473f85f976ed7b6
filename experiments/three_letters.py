"""Counting with two letters and with three, for longer than the page on grammar can afford.

    python experiments/three_letters.py [--jobs 2]

Strings, training and test are those of `chapters/applications/grammar`: its cells before the race are
executed, and then every network of `NETWORKS` learns the strings of every language of `LANGUAGES` with n up
to 16, from each of `SEEDS`. How far it counts after each budget of updates is a row of `three_letters.csv`,
with versions and processor. A run that stands there is not repeated.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from long_runs import Rows, Run, complete, definitions, machine
from torch import nn

TABLE = Path(__file__).with_suffix(".csv")
PAGE = "applications/grammar"
CELL = "count-run"
"""The first cell of the page that is not executed."""
SEEDS = range(3)
LANGUAGES = "ab", "abc"


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


def learn(symbols: str, network: str, seed: int) -> Rows:
    """One run: how far it counts after each budget."""
    loop, units, rate, budgets = NETWORKS[network]
    H = units[LANGUAGES.index(symbols)]
    _, reached = definitions(PAGE, CELL)["counts_to"](loop, H, rate, seed, budgets, symbols)
    return [
        {"symbols": symbols, "network": network, "seed": seed, "updates": updates, "counts to": int(n)}
        | machine()
        for updates, n in zip(budgets, reached, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    yield from product(LANGUAGES, NETWORKS, SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
