"""The longer runs on films: every run is there, and the page says what the runs say."""

import re
import sys

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import longer_films
from long_runs import definitions, over_seeds, read
from longer_films import ALONG, KEPT, NETWORKS, PAGE, TABLE

LOSERS = "any order", "mean", "first and last"


@pytest.fixture(scope="module")
def right():
    """Shares of sentences right, by network, eye and budget."""
    return over_seeds(TABLE, "right", "network", "eye")


@pytest.fixture(scope="module")
def text():
    cells = nbformat.read(ROOT / f"chapters/{PAGE}.ipynb", 4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def as_printed(shares):
    return ", ".join(f"{share:.2f}" for share in shares)


def mean(shares):
    return sum(shares) / len(shares)


def test_every_run_is_there():
    rows = read(TABLE)
    assert list(rows) == list(longer_films.runs())
    for (network, eye, _), run in rows.items():
        assert [int(row["updates"]) for row in run] == list(NETWORKS[network, eye])


def test_the_tables_of_the_page_have_every_run(right, text):
    kept = re.findall(r"^\| frames: ([a-z ]+) \| ([\d., ]+) \| ([\d., ]+) \|$", text, re.MULTILINE)
    networks = [network for network, eye in NETWORKS if eye == KEPT]
    assert kept == [
        (network, *(as_printed(right[network, KEPT, updates]) for updates in (400, 3200)))
        for network in networks
    ]
    along = re.findall(r"^\| ([\d,]+) \| ([\d., ]+) \|$", text, re.MULTILINE)
    assert along == [
        (f"{updates:,}", as_printed(right["in order", ALONG, updates]))
        for updates in NETWORKS["in order", ALONG]
    ]


def test_the_sentences_below_the_tables_hold(right):
    assert min(right["in order", KEPT, 3200]) > 0.9
    assert round(min(right["in order", KEPT, 3200]), 2) == 0.91
    assert round(max(right["in order", KEPT, 3200]), 2) == 0.94
    for network in LOSERS:
        gain = mean(right[network, KEPT, 3200]) - mean(right[network, KEPT, 1600])
        assert gain < 0.02, network
    assert max(right["any order", KEPT, 3200] + right["mean", KEPT, 3200]) <= 0.31
    assert max(right["in order", ALONG, 120]) <= 0.02
    assert max(right["in order", ALONG, 240]) <= 0.06
    assert max(right["in order", ALONG, 400]) <= 0.10
    assert mean(right["in order", ALONG, 1600]) > 0.2
    assert mean(right["in order", ALONG, 1600]) > mean(right["in order", ALONG, 800]) + 0.1


def test_the_page_defines_what_the_runs_need_before_the_cell_that_is_not_executed(text):
    page = definitions(PAGE, longer_films.CELL)
    names = "Eye", "Teller", "teller_loss", "learn_to_tell", "watch", "describe", "hits", "some_films"
    assert all(callable(page[name]) for name in names)
    # The frames that the page counts
    batches = list(page["single_frames"](2, page["np"].random.default_rng(0), 0.0))
    assert 600 * len(batches[0][0]) == 76_800
    assert page["training"].frames[..., 0, 0].size == 48_000
    [(x, _)] = page["some_films"](
        1, page["np"].random.default_rng(0), page["watched"], page["torch"].tensor(page["training"].words)
    )
    assert 120 * x.shape[0] * x.shape[1] == 92_160
    assert "76,800" in text
    assert "48,000" in text
    assert "92,160" in text
