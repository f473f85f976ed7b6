"""The race on questions that ran on: every run is there, and the page says what the runs say."""

import re
import sys
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_questions
from long_runs import over_seeds, read


@pytest.fixture(scope="module")
def shares():
    """What the three runs have right, by kind of question, stories, network and updates."""
    found = {}
    for kind in ("persons", "things"):
        columns = over_seeds(more_questions.TABLE, kind, "stories", "network")
        found |= {(kind, *key): values for key, values in columns.items()}
    return found


def test_every_run_is_there():
    rows = read(more_questions.TABLE)
    assert list(rows) == list(more_questions.runs())
    for run in rows.values():
        assert [int(row["updates"]) for row in run] == list(more_questions.BUDGETS)


def test_the_tables_of_the_page_have_the_mean_of_every_three_runs(shares):
    cells = nbformat.read(ROOT / f"chapters/{more_questions.PAGE}.ipynb", 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    tables = re.findall(r"^\| where is a (\w+)\? \|.*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert [kind for kind, _ in tables] == ["person", "thing"]
    for kind, rows in tables:
        names = [row.split("|")[1].strip() for row in rows.splitlines()]
        assert rows.splitlines() == [
            f"| {name} | "
            + " | ".join(f"{mean(shares[f'{kind}s', 'new', name, n]):.2f}" for n in more_questions.BUDGETS)
            + " |"
            for name in names
        ]
    assert names == list(more_questions.NETWORKS)


def test_the_sentences_below_the_tables_hold(shares):
    def runs(kind, name, updates, stories="new"):
        return shares[kind, stories, name, updates]

    beside, first, last = (f"LSTM, question {place}" for place in ("beside", "first", "last"))
    for updates in more_questions.BUDGETS:
        assert max(runs("things", "one look", updates) + runs("things", "one wide look", updates)) < 0.4
        for kind in ("persons", "things"):
            assert max(runs(kind, "LSTM, word by word", updates)) < {"persons": 0.42, "things": 0.4}[kind]
            assert max(runs(kind, "window of ten", updates)) < 0.42
            assert max(runs(kind, beside, updates, "1,000")) < 0.35
    windows = [share for n in more_questions.BUDGETS for share in runs("things", "window of ten", n)]
    assert min(runs("things", "LSTM, word by word", 3200)) > 0.37 > 0.36 > max(windows)
    for looks in ("two looks", "three looks"):
        assert mean(runs("things", looks, 3200)) > 0.94
        assert min(runs("things", beside, 3200)) > max(runs("things", looks, 3200))
    assert min(runs("things", "LSTM and two looks", 3200)) > 0.97
    for updates in (400, 800, 1600):
        assert mean(runs("things", "LSTM, 64 units", updates)) > mean(runs("things", beside, updates))
    assert min(runs("persons", last, 800)) > 0.8 > 0.5 > max(runs("persons", first, 800))
    assert max(runs("things", last, 3200)) < 0.7
    assert mean(runs("things", last, 3200)) < mean(runs("things", last, 1600)) + 0.05
    assert min(runs("things", first, 3200)) > 0.9
    assert min(runs("persons", "two looks", 3200, "1,000")) > 0.95
    assert min(runs("things", "two looks", 3200, "1,000")) > 0.8


def test_the_page_defines_what_the_runs_need():
    names = more_questions.prepared()
    assert callable(names["study"])
    assert callable(names["word_by_word"])
    assert all(callable(names[network]) for network, *_ in more_questions.NETWORKS.values())
