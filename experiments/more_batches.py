"""An LSTM and a plain recurrent network that read text, for longer than the page on variants can afford.

    python experiments/more_batches.py [--jobs 2]

Text, networks and training are those of `chapters/lstm/variants`: its cells before the bigram are executed,
and then each of `NETWORKS` learns from each of `SEEDS`. Its nats a character on unseen text after each of
`BUDGETS` are a row of `more_batches.csv`, with versions and processor. A run that stands there is not
repeated.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "lstm/variants", "bigram"
NETWORKS = "LSTM", "RNN"
SEEDS = range(5)
BUDGETS = 100, 300, 1000, 2000, 4000, 8000


the_page = cache(definitions)


def learn(task: str, network: str, seed: int) -> Rows:
    """One run: nats a character after each budget."""
    names = the_page(PAGE, CELL)
    losses = names["text_losses"](names[network], seed, BUDGETS)
    return [
        {"task": task, "network": network, "seed": seed, "updates": updates, "nats": f"{loss:.3f}"}
        | machine()
        for updates, loss in zip(BUDGETS, losses, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    yield from product(["text"], NETWORKS, SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
