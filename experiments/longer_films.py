"""Films described after more training, and by networks that learn to see and to tell at once.

    python experiments/longer_films.py [--jobs 2]

Films, training and test are those of `chapters/applications/video_to_text`: its cells before the comparison
are executed, and then every network of `NETWORKS` learns from each of `SEEDS`. Its share of sentences right
after each budget of updates is a row of `longer_films.csv`, with versions and processor. A run that stands
there is not repeated.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE = "applications/video_to_text"
CELL = "runs"
"""The first cell of the page that is not executed."""
SEEDS = range(3)
KEPT, ALONG = "kept", "trained along"
"""Whether the eye is that of the page, or learns with the teller, from sentences alone."""
LONG = (400, 800, 1600, 3200)
NETWORKS = {
    ("in order", KEPT): LONG,
    ("any order", KEPT): LONG,
    ("mean", KEPT): LONG,
    ("first and last", KEPT): LONG,
    ("in order", ALONG): (120, 240, 400, 800, 1600),
}
RATE = 0.005
"""The learning rate of the networks that learn at once: of 0.002, 0.005, 0.01 and 0.02 the one with the most
sentences right on films of other scans after 120 and 240 updates, or within 0.02 of it."""


def at_once(page: dict[str, Any], seed: int, budgets: tuple[int, ...]) -> np.ndarray:
    """Shares of sentences right of an eye and a teller that learn together."""
    torch.manual_seed(seed)
    eye, teller, rng, shares = page["Eye"](), page["Teller"](), np.random.default_rng(seed), []
    adam = torch.optim.Adam([*eye.parameters(), *teller.parameters()], RATE)
    training, test = page["training"], page["test"]
    frames, words = torch.tensor(training.frames), torch.tensor(training.words)

    def loss(batch: Any) -> Any:
        y = eye(batch[0].flatten(0, 1)[:, None]).unflatten(0, batch[0].shape[:2])
        seen = torch.cat([y[..., :10].softmax(dim=2), y[..., 10:]], dim=2)
        return page["teller_loss"](teller, seen, batch[1])

    for updates in np.diff(budgets, prepend=0):
        page["train"](loss, adam, page["some_films"](updates, rng, frames, words), clip_norm=1.0)
        said, _ = page["describe"](teller, page["watch"](eye, test.frames))
        shares.append(page["hits"](said, test.words).double().mean())
    return np.array(shares)


def learn(network: str, eye: str, seed: int) -> Rows:
    """One run: its share of sentences right after each budget."""
    page, budgets = definitions(PAGE, CELL), NETWORKS[network, eye]
    torch.set_num_threads(1)
    shows = {
        "in order": page["in_order"],
        "any order": page["any_order"],
        "mean": page["mean_frame"],
        "first and last": lambda x, rng: x[[0, -1]],
    }
    if eye == ALONG:
        shares = at_once(page, seed, budgets)
    else:
        _, shares = page["learn_to_tell"](seed, budgets, shows[network])
    return [
        {"network": network, "eye": eye, "seed": seed, "updates": updates, "right": f"{share:.3f}"}
        | machine()
        for updates, share in zip(budgets, shares, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    for network, eye in NETWORKS:
        yield from ((network, eye, seed) for seed in SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
