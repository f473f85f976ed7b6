"""The races of two pages, run on for longer than a page can afford.

    python experiments/more_updates.py [--jobs 2]

Networks, data and training are the pages' own: their cells before the race are executed, and then every
network of `RACES` is trained from each of `SEEDS`. (The captions have a smaller learning rate than on their
page.) What it gets right after each budget of updates is a row of `more_updates.csv`, with versions and
processor. A run that stands there is not repeated.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from long_runs import Rows, Run, complete, definitions, machine

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


def learn(name: str, network: str, seed: int) -> Rows:
    """One run: the shares right after each budget."""
    race = RACES[name]
    names = definitions(f"attention/{race.page}", race.cell)
    torch.manual_seed(seed)
    if name == "captions":
        model = names["Captioner"](looks=network == "looking")
        shares = names["read_aloud"](model, seed, race.budgets, rate=4e-3)
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
        | machine()
        for updates, share in zip(race.budgets, shares, strict=True)
        for part, places in race.parts.items()
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    for name, race in RACES.items():
        yield from product((name,), race.networks, SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
