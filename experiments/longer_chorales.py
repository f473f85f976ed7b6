"""The networks of the page on four voices, trained for longer than the page can afford, and a richer chain.

    python experiments/longer_chorales.py [--jobs 2]

Chorales, networks and training are those of `chapters/applications/polyphony`: its cells before the runs
are executed, and then a network learns for each of `BUDGETS`, from each of `SEEDS`. Its nats a quarter on
the test chorales are a row of `longer_chorales.csv`, with versions and processor. A run that stands there
is not repeated.

`NADE` is not on the page: its chain has a hidden layer, after Larochelle & Murray 2011, and the state of an
LSTM enters it, after Boulanger-Lewandowski, Bengio & Vincent 2012. It costs more time than the others, and
has the first two budgets only. One LSTM with coins has 96 units, to see whether more weights serve it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from long_runs import Rows, Run, complete, definitions, machine
from torch import nn

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "applications/polyphony", "runs"
KINDS = {
    "coins, last chord": (False, False, False),
    "coins, LSTM": (True, False, False),
    "chain, last chord": (False, True, False),
    "chain, LSTM": (True, True, False),
    "counting, LSTM": (True, True, True),
    "NADE, last chord": (False, True, False),
    "NADE, LSTM": (True, True, False),
    "coins, LSTM of 96": (True, False, False, 96),
}
"""The networks: whether they have a memory, a chain, and a count of the keys below; and units, if not 64."""
TOLD = "chain, last chord", "chain, LSTM", "NADE, last chord", "NADE, LSTM"
"""Those that learn a second time, told the key."""
SEEDS = range(3)
BUDGETS = 360, 1440, 2880


def nade_of(chords: type[nn.Module], keys: int) -> type[nn.Module]:
    """The page's network with a hidden layer of 48 in its chain, which all keys share."""

    class Nade(chords):  # type: ignore[misc, valid-type]
        def __init__(self, *kind: bool, hidden: int = 48) -> None:
            super().__init__(*kind)
            self.first = nn.Linear(self.read.in_features, hidden)
            self.into = nn.Parameter(0.1 * torch.randn(keys, hidden))
            self.out = nn.Parameter(0.1 * torch.randn(keys, hidden))

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            x = rows[:-1] if self.memory else rows[:-1].reshape(1, -1, rows.shape[2])
            h = self.drop(self.lstm(x)[0].view(*rows[1:].shape[:2], -1))
            down = rows[1:, :, :keys]
            each = down[..., None] * self.into
            hidden = torch.relu(self.first(h)[:, :, None] + each.cumsum(dim=2) - each)
            return self.read(h) + down @ self.below.tril(-1).T + (hidden * self.out).sum(dim=3)

    return Nade


def learn(network: str, key: str, seed: int) -> Rows:
    """One run for each budget: nats a quarter in validation and test."""
    page: dict[str, Any] = definitions(PAGE, CELL)
    if network.startswith("NADE"):
        page["Chords"] = nade_of(page["Chords"], page["KEYS"])
    heard = page["rows_of"](page["tonic"] if key == "told" else None)
    rows = []
    for updates in BUDGETS[: 2 if network.startswith("NADE") else None]:
        net, curve = page["learn_chords"](heard, KINDS[network], seed, updates)
        nats = {"validation": f"{curve[-1]:.3f}", "nats": f"{page['nats_on'](net, heard, page['test']):.3f}"}
        rows.append({"network": network, "key": key, "seed": seed, "updates": updates} | nats | machine())
    return rows


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    for network in KINDS:
        yield from ((network, "untold", seed) for seed in SEEDS)
    for network in TOLD:
        yield from ((network, "told", seed) for seed in SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
