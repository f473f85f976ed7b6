"""The longer runs on chorales: every run is there, and the page says what the runs say."""

import re
import sys
from statistics import mean

import nbformat
import pytest
import torch
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import longer_chorales
from long_runs import defined, over_seeds, read
from longer_chorales import BUDGETS, CELL, KINDS, PAGE, TABLE, TOLD, nade_of

COUNTED, LAST_CHORD = 5.28, 5.21
"""The nats of the counted voices, and without what was two quarters ago: printed there, rounded down."""


@pytest.fixture(scope="module")
def nats():
    """Nats of the three runs, by network, what it is told, and updates."""
    return over_seeds(TABLE, "nats", "network", "key")


def test_every_run_is_there():
    rows = read(TABLE)
    assert list(rows) == list(longer_chorales.runs())
    for (network, _, _), run in rows.items():
        budgets = BUDGETS[:2] if network.startswith("NADE") else BUDGETS
        assert [int(row["updates"]) for row in run] == list(budgets)


def test_the_table_of_the_page_has_every_run(nats):
    cells = nbformat.read(ROOT / f"chapters/{PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    [rows] = re.findall(r"^\| network \| updates: 360 \|.*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    kinds = [*((network, "untold") for network in KINDS), *((network, "told") for network in TOLD)]
    expected = []
    for network, key in kinds:
        name = f"{network}, told the key" if key == "told" else network
        runs = [nats.get((network, key, updates), []) for updates in BUDGETS]
        cells = [", ".join(f"{run:.2f}" for run in three) for three in runs]
        expected.append(" | ".join([f"| {name}", *cells]) + " |")
    assert rows.splitlines() == expected


def test_the_sentences_about_the_table_hold(nats):
    for updates in (1440, 2880):
        for network in KINDS:
            if not network.startswith("NADE"):
                assert min(nats[network, "untold", updates]) > COUNTED + 0.3
        for kind in ("coins", "chain"):
            worth = mean(nats[f"{kind}, last chord", "untold", updates]) - mean(
                nats[f"{kind}, LSTM", "untold", updates]
            )
            assert 0.15 < worth < 0.4
        wider = mean(nats["coins, LSTM", "untold", updates]) - mean(
            nats["coins, LSTM of 96", "untold", updates]
        )
        assert wider < 0.1
        chains = nats["chain, last chord", "untold", updates]
        assert max(chains) < min(nats["coins, LSTM", "untold", updates]) - 2
        assert mean(nats["chain, LSTM", "told", updates]) > mean(nats["chain, last chord", "told", updates])
        told = mean(nats["chain, last chord", "told", updates])
        assert told < mean(nats["chain, LSTM", "untold", updates])
    assert max(nats["NADE, LSTM", "untold", 1440]) < COUNTED - 0.1
    assert max(nats["NADE, LSTM", "untold", 1440]) < LAST_CHORD
    assert (
        0.15 < mean(nats["NADE, last chord", "untold", 1440]) - mean(nats["NADE, LSTM", "untold", 1440]) < 0.4
    )
    assert max(nats["NADE, last chord", "told", 1440]) < COUNTED - 0.1
    assert mean(nats["NADE, last chord", "told", 1440]) < mean(nats["NADE, LSTM", "told", 1440])


def test_the_page_defines_what_the_runs_need_before_the_cell_that_is_not_executed():
    assert defined(PAGE, CELL) >= {"learn_chords", "nats_on", "rows_of", "tonic", "songs", "test", "Chords"}


def test_no_key_of_nade_hears_itself_or_those_above():
    class Chords(torch.nn.Module):
        def __init__(self, memory, chain, count):
            super().__init__()
            self.memory, self.lstm, self.drop = memory, torch.nn.LSTM(9, 4), torch.nn.Identity()
            self.read, self.below = torch.nn.Linear(4, 7), torch.nn.Parameter(torch.randn(7, 7))

    torch.manual_seed(0)
    net = nade_of(Chords, 7)(True, True, False)
    rows = torch.zeros(2, 2, 9)
    rows[1, 1, 3] = 1
    one, other = net(rows)[0]
    assert (one != other).tolist() == [False] * 4 + [True] * 3
