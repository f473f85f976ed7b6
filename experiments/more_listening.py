"""The race of the page on speech, run on for longer than the page can afford.

    python experiments/more_listening.py [--jobs 2]

Sounds, networks and training are those of `chapters/applications/speech`: its cells before the race are
executed, and then every network learns to write the numbers, from each of `SEEDS`. Its share of new clips
right after each of `BUDGETS` is a row of `more_listening.csv`, with versions and processor. A run that
stands there is not repeated.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "applications/speech", "run-numbers"
ORDERS = {"as written": "as_written", "as spoken": "as_spoken"}
"""How digits are put down, and the function of the page that does it."""
NETWORKS = "both ways", "forward", "window 1 s", "window 2 s"
SEEDS = range(3)
BUDGETS = 300, 600, 1200, 2400


def learn(order: str, network: str, seed: int) -> Rows:
    """One run: the share right after each budget."""
    names = definitions(PAGE, CELL)
    _, shares = names["train_listener"](network, names[ORDERS[order]], seed, BUDGETS)
    return [
        {"order": order, "network": network, "seed": seed, "updates": updates, "share": f"{share:.3f}"}
        | machine()
        for updates, share in zip(BUDGETS, shares, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    yield from product(ORDERS, NETWORKS, SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
