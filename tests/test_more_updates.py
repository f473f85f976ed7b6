"""The races that ran on: every run is there, and the pages' tables and sentences say what the runs say."""

import re
import sys
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_updates
from claims import code
from long_runs import over_seeds, read

PAGES = {
    "self_attention": (("Transformer", "Recurrent"), 8),
    "image_captioning": (("looking", "staring"), 9),
}
# How the pages' tables name what the runs call by race and part
NAMES = {
    "recall, two pairs": ("recall, 2 pairs", "value"),
    "recall, four pairs": ("recall, 4 pairs", "value"),
    "parity, bits 9 to 16": ("parity", "bits 9 to 16"),
    "parity, bits 19 to 32": ("parity", "bits 19 to 32"),
} | {part: ("captions", part) for part in more_updates.DIGITS}


@pytest.fixture(scope="module")
def shares():
    """What the three runs got right, by race, part, network and budget."""
    return over_seeds(more_updates.TABLE, "share", "race", "part", "network")


def test_every_run_is_there():
    rows = read(more_updates.TABLE)
    assert list(rows) == list(more_updates.runs())
    for (name, _, _), run in rows.items():
        race = more_updates.RACES[name]
        assert [(int(row["updates"]), row["part"]) for row in run] == [
            (updates, part) for updates in race.budgets for part in race.parts
        ]


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_a_page_has_the_means_of_the_runs(shares, page):
    networks, lines = PAGES[page]
    cells = nbformat.read(ROOT / f"chapters/attention/{page}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert len(rows) == lines
    for name, updates, *said in rows:
        race, part = NAMES[name]
        means = [mean(shares[race, part, network, int(updates.replace(",", ""))]) for network in networks]
        assert said == [f"{one:.2f}" for one in means]


def test_the_sentences_below_the_tables_hold_for_every_run(shares):
    recurrent = {pairs: shares[f"recall, {pairs} pairs", "value", "Recurrent", 12_000] for pairs in (2, 4)}
    baseline = 1 / 4 + 3 / 4 / 16
    assert min(recurrent[2]) > 0.99
    assert min(recurrent[4]) > baseline + 0.4
    assert max(shares["recall, 4 pairs", "value", "Recurrent", 3000]) < baseline + 0.1
    assert min(shares["parity", "bits 9 to 16", "Transformer", 9600]) > 0.99
    assert max(abs(share - 0.5) for share in shares["parity", "bits 19 to 32", "Transformer", 9600]) < 0.08
    looking, staring = (
        {part: shares["captions", part, network, 4000] for part in more_updates.DIGITS}
        for network in ("looking", "staring")
    )
    assert min(looking["1 digit"] + staring["1 digit"]) > 0.98
    for part in ("2 digits", "3 digits"):
        assert max(staring[part]) < min(looking[part]) - 0.2
        assert mean(staring[part]) > mean(shares["captions", part, "staring", 2000]) + 0.05


def test_an_experiment_names_a_cell_that_its_page_has():
    for race in more_updates.RACES.values():
        assert race.cell in dict(code(ROOT / f"chapters/attention/{race.page}.ipynb"))
