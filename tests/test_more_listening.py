"""The race on speech that ran on: every run is there, and the page says what the runs say."""

import ast
import re
import sys
from itertools import product
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_listening
from claims import code
from long_runs import defined, over_seeds, read


@pytest.fixture(scope="module")
def shares():
    """What the three runs have right, by order, network and updates."""
    return over_seeds(more_listening.TABLE, "share", "order", "network")


def test_every_run_is_there():
    rows = read(more_listening.TABLE)
    assert list(rows) == list(more_listening.runs())
    for run in rows.values():
        assert [int(row["updates"]) for row in run] == list(more_listening.BUDGETS)


def test_the_table_of_the_page_has_the_mean_of_every_three_runs(shares):
    cells = nbformat.read(ROOT / f"chapters/{more_listening.PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    tables = re.findall(r"^\| (as \w+) \|.*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert [order for order, _ in tables] == list(more_listening.ORDERS)
    for order, rows in tables:
        assert rows.splitlines() == [
            f"| {network} | "
            + " | ".join(f"{mean(shares[order, network, updates]):.2f}" for updates in more_listening.BUDGETS)
            + " |"
            for network in more_listening.NETWORKS
        ]


def test_the_sentences_below_the_table_hold(shares):
    short = ("forward", "window 1 s")
    for network in short:
        later = [shares["as written", network, updates] for updates in more_listening.BUDGETS[1:]]
        assert max(map(mean, later)) - min(map(mean, later)) < 0.05
        assert max(map(max, later)) < 0.25
        assert min(shares["as spoken", network, 2400]) > 0.65
    for updates in more_listening.BUDGETS[1:]:
        assert min(min(shares[order, "both ways", updates]) for order in more_listening.ORDERS) > 0.65
        between = shares["as written", "window 2 s", updates]
        assert max(max(shares["as written", network, updates]) for network in short) < min(between)
        assert max(between) < 0.6
    for updates in more_listening.BUDGETS:
        right = {order: {} for order in more_listening.ORDERS}
        for order, network in product(more_listening.ORDERS, more_listening.NETWORKS):
            right[order][network] = mean(shares[order, network, updates])
        written, spoken = right.values()
        assert written["both ways"] > written["forward"] + 0.4
        assert spoken["both ways"] < spoken["forward"] + 0.15
        assert spoken["both ways"] > written["both ways"] + 0.1
        assert spoken["window 2 s"] < spoken["window 1 s"]


def test_the_page_defines_what_the_runs_need_before_the_cell_that_is_not_executed():
    names = defined(more_listening.PAGE, more_listening.CELL)
    assert names >= {"train_listener", *more_listening.ORDERS.values()}
    sources = "\n".join(source for _, source in code(ROOT / f"chapters/{more_listening.PAGE}.ipynb"))
    [kinds] = re.findall(r"^KINDS = (.*)$", sources, re.MULTILINE)
    assert ast.literal_eval(kinds) == more_listening.NETWORKS
