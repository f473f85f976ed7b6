"""The runs on tunes that ran on: every run is there, and the page says what the runs say."""

import re
import sys
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_tunes
from long_runs import defined, over_seeds, read

CLEAN, LEAKY = more_tunes.TUNES


@pytest.fixture(scope="module")
def nats():
    """Nats of the three runs, by kind of test tunes, training and updates."""
    table = more_tunes.TABLE
    return {kind: over_seeds(table, kind, "tunes") for kind in ("nats", "alone", "related")}


def test_every_run_is_there():
    rows = read(more_tunes.TABLE)
    assert list(rows) == list(more_tunes.runs())
    for run in rows.values():
        assert [int(row["updates"]) for row in run] == list(more_tunes.BUDGETS)


def test_the_table_of_the_page_has_the_mean_of_every_three_runs(nats):
    cells = nbformat.read(ROOT / f"chapters/{more_tunes.PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    [rows] = re.findall(r"^\| updates \|.*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    columns = ("nats", CLEAN), ("alone", CLEAN), ("alone", LEAKY), ("related", CLEAN), ("related", LEAKY)
    assert rows.splitlines() == [
        f"| {updates:,} | "
        + " | ".join(f"{mean(nats[kind][tunes, updates]):.2f}" for kind, tunes in columns)
        + " |"
        for updates in more_tunes.BUDGETS
    ]


def test_the_sentences_about_the_table_hold(nats):
    clean = {updates: nats["nats"][CLEAN, updates] for updates in more_tunes.BUDGETS}
    assert mean(clean[8640]) > mean(clean[4320]) > min(map(min, clean.values())) > 1.49
    assert max(max(clean[updates]) for updates in (2160, 4320, 8640)) < 1.6
    for updates in more_tunes.BUDGETS:
        gained = {kind: mean(nats[kind][CLEAN, updates]) - mean(nats[kind][LEAKY, updates]) for kind in nats}
        assert 0.05 < gained["related"] < 0.15
        assert abs(gained["alone"]) < 0.03
    assert max(nats["related"][LEAKY, 1080]) < min(nats["related"][CLEAN, 1080])


def test_the_page_defines_what_the_runs_need_before_the_cell_that_is_not_executed():
    names = defined(more_tunes.PAGE, more_tunes.CELL)
    assert names >= {"learn_tunes", "p_of_each", "mean_nats", "clean", "leaky", "test", "groups"}
