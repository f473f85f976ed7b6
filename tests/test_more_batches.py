"""The readers of text that read on: every run is there, and the page says what the runs say."""

import re
import sys
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_batches
from claims import code
from long_runs import over_seeds, read


@pytest.fixture(scope="module")
def nats():
    """Nats a character of the five runs, by network and batches."""
    return over_seeds(more_batches.TABLE, "nats", "network")


def test_every_run_is_there():
    rows = read(more_batches.TABLE)
    assert list(rows) == list(more_batches.runs())
    for run in rows.values():
        assert [int(row["updates"]) for row in run] == list(more_batches.BUDGETS)


def test_the_table_of_the_page_has_the_mean_of_every_five_runs(nats):
    cells = nbformat.read(ROOT / f"chapters/{more_batches.PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    [rows] = re.findall(r"^\| batches \|.*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows.splitlines() == [
        f"| {batches:,} | {mean(nats['LSTM', batches]):.2f} | {mean(nats['RNN', batches]):.2f} |"
        for batches in more_batches.BUDGETS
    ]


def test_the_sentences_about_the_table_hold_for_every_seed(nats):
    leads = {
        batches: [
            plain - lstm for lstm, plain in zip(nats["LSTM", batches], nats["RNN", batches], strict=True)
        ]
        for batches in more_batches.BUDGETS
    }
    assert max(leads[300]) < 0
    assert max(map(abs, leads[1000])) < 0.05
    assert min(leads[2000]) > 0
    assert min(leads[8000]) > 0.1


def test_the_experiment_names_a_cell_that_the_page_has():
    assert more_batches.CELL in dict(code(ROOT / f"chapters/{more_batches.PAGE}.ipynb"))
