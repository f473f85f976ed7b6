"""The networks of the page on composing, trained for longer than the page can afford.

    python experiments/more_tunes.py [--jobs 2]

Tunes, network and training are those of `chapters/applications/composing`: its cells before the runs are
executed, and then a network learns for each of `BUDGETS`, from each of `SEEDS`, on the tunes that have no
relative in the test, or on as many that may. Its nats a symbol on test tunes without a relative and with one
are a row of `more_tunes.csv`, with versions and processor. A run that stands there is not repeated.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "applications/composing", "runs"
TUNES = {"without relatives": "clean", "with relatives": "leaky"}
"""What is learned from, and the page's name for it."""
SEEDS = range(3)
BUDGETS = 1080, 2160, 4320, 8640


def learn(tunes: str, network: str, seed: int) -> Rows:
    """One run for each budget: nats a symbol on all test tunes, and on both kinds of them."""
    page = definitions(PAGE, CELL)
    some = page["clean"] if tunes == "without relatives" else page["leaky"]
    rows = []
    for updates in BUDGETS:
        net, _ = page["learn_tunes"](some, seed, updates)
        kinds = {"nats": page["test"], "alone": page["groups"]["alone"], "related": page["groups"]["related"]}
        found = {kind: f"{page['mean_nats'](page['p_of_each'](net, k)):.3f}" for kind, k in kinds.items()}
        rows.append(
            {"tunes": tunes, "network": network, "seed": seed, "updates": updates} | found | machine()
        )
    return rows


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    yield from product(TUNES, ["LSTM"], SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
