"""The runs on two letters and on three: every run is there, and the page says what the runs say."""

import re
import sys

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import three_letters
from long_runs import defined, over_seeds, read

STRINGS = {"ab": "$a^n b^n$", "abc": "$a^n b^n c^n$"}


@pytest.fixture(scope="module")
def counted():
    """How far the runs count, by symbols, network and budget."""
    return over_seeds(three_letters.TABLE, "counts to", "symbols", "network")


def test_every_run_is_there():
    rows = read(three_letters.TABLE)
    assert list(rows) == list(three_letters.runs())
    for (_, network, _), run in rows.items():
        assert [int(row["updates"]) for row in run] == list(three_letters.NETWORKS[network].budgets)


def test_the_table_of_the_page_has_every_run_at_its_last_budget(counted):
    cells = nbformat.read(ROOT / f"chapters/{three_letters.PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| (\$[^|]+\$) \| (\w+) \| ([\d,]+) \| ([\d, ]+) \|$", text, re.MULTILINE)
    assert rows == [
        (
            STRINGS[symbols],
            network,
            f"{budgets[-1]:,}",
            ", ".join(f"{n:.0f}" for n in counted[symbols, network, budgets[-1]]),
        )
        for symbols in three_letters.LANGUAGES
        for network, (*_, budgets) in three_letters.NETWORKS.items()
    ]


def test_the_sentences_below_the_table_hold_for_every_run(counted):
    def at_last(symbols, network):
        return counted[symbols, network, three_letters.NETWORKS[network].budgets[-1]]

    for symbols in three_letters.LANGUAGES:
        rivals = at_last(symbols, "GRU") + at_last(symbols, "plain")
        assert min(at_last(symbols, "LSTM")) > max(rivals)
        assert min(rivals) >= 16
        assert max(rivals) <= 20
    assert counted["ab", "LSTM", 1000][2] == 100
    assert counted["ab", "LSTM", 2000][2] == 57


def test_the_page_defines_what_the_runs_need_before_the_cell_that_is_not_executed():
    assert "counts_to" in defined(three_letters.PAGE, three_letters.CELL)
