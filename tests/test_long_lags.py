"""The experiment on long lags: its tasks are the paper's, its table and its page say what its runs say."""

import csv
import sys
from functools import partial
from itertools import product

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import long_lags


@pytest.fixture(scope="module")
def runs():
    return long_lags.read()


def needed(runs, task, network):
    """The sequences that each run of a task needed, without those that did not solve it."""
    rows = (runs[task, network, seed] for seed in long_lags.SEEDS)
    return [int(row["sequences"]) for row in rows if row["solved"] == "yes"]


def test_task_2c_is_that_of_the_paper():
    q, p = 50, 7
    batch = long_lags.distractors(q, p, 2000, np.random.default_rng(0))
    e, b, x, y = range(p, p + 4)
    symbols = batch.x.argmax(axis=-1)
    assert (symbols[0] == b).all()
    assert set(symbols[1]) == {x, y}
    assert ((symbols[1] == y) == (batch.target == 1)).all()
    last = batch.lengths - 1
    assert (symbols[last, np.arange(2000)] == e).all()
    assert set(symbols[2 : q + 2].ravel()) == set(range(p))
    assert batch.lengths.min() == q + 3  # b, x or y, q distractors, e; what is asked for comes after it
    assert batch.lengths.mean() + 1 == pytest.approx(q + 13, abs=1)
    assert not batch.x[~batch.mask].any()


def test_the_two_sequences_differ_in_their_first_three_inputs_alone():
    rng = np.random.default_rng(0)
    batches = [long_lags.two_sequence(100, 32, rng) for _ in range(100)]
    assert {len(batch.x) for batch in batches} == set(range(100, 111))
    for batch in batches:
        assert (batch.x[:3, :, 0] == 2 * batch.target - 1).all()
    noise = np.concatenate([batch.x[3:].ravel() for batch in batches])
    assert noise.var() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("name", long_lags.TASKS)
def test_the_plain_network_has_about_as_many_weights(name):
    task, rng = long_lags.TASKS[name], np.random.default_rng(0)
    plain, lstm = (long_lags.weights(*long_lags.network(n, task, rng)) for n in ("plain network", "LSTM"))
    assert plain == pytest.approx(lstm, rel=0.12)


def test_a_run_that_meets_the_rule_ends_and_knows_the_task(monkeypatch):
    easy = {"draw": partial(long_lags.two_sequence, 10), "lag": 10, "tolerance": 0.5, "mean_error": 1.0}
    task = long_lags.TASKS["two-sequence, 100 steps"]._replace(**easy)
    monkeypatch.setitem(long_lags.TASKS, "easy", task)
    row = long_lags.learn("easy", "LSTM", 0)
    assert row["solved"] == "yes"
    assert 256 <= row["sequences"] < 20_000
    assert row["wrong of 2,560"] < 256
    monkeypatch.setattr(long_lags, "MOST", 64)
    row = long_lags.learn("easy", "LSTM", 0)
    assert (row["solved"], row["sequences"]) == ("no", 64)
    assert row["wrong of 2,560"] > 256


def test_every_run_is_there_and_the_table_is_of_them(runs):
    assert set(runs) == set(product(long_lags.TASKS, long_lags.NETWORKS, long_lags.SEEDS))
    with long_lags.TABLE.open(newline="") as file:
        assert list(csv.DictReader(file)) == long_lags.table(runs)


def test_the_page_says_what_the_runs_say(runs):
    led = "LSTM without forget gate", "LSTM"
    found = {
        (task, name): needed(runs, task, name) for task in long_lags.TASKS for name in long_lags.NETWORKS
    }
    assert sum(len(found[task, name]) for task in long_lags.TASKS for name in led) == 54
    assert max(max(found[task, name]) for task in long_lags.TASKS for name in led) < 70_000
    assert sum(map(len, found.values())) == 54  # from the usual start, and by a plain network, none
    for name in led:
        for short, long in (
            ("adding, 100 steps", "adding, 1,000 steps"),
            ("task 2c, 50 steps", "task 2c, 1,000 steps"),
        ):
            assert np.mean(found[long, name]) < 1.3 * np.mean(found[short, name])
        times = np.mean(found["two-sequence, 1,000 steps", name]) / np.mean(
            found["two-sequence, 100 steps", name]
        )
        assert 4 < times < 7
    without, whole = ({task: found[task, name] for task in long_lags.TASKS} for name in led)
    assert max(without["two-sequence, 1,000 steps"]) < min(whole["two-sequence, 1,000 steps"])
    assert max(whole["adding, 500 steps"]) < min(without["adding, 500 steps"])
    wrong = {}
    for (task, name, _), row in runs.items():
        if name in led:
            wrong[task] = max(wrong.get(task, 0), int(row["wrong of 2,560"]))
    assert wrong["task 2c, 50 steps"] == wrong["task 2c, 1,000 steps"] == 0
    assert max(most for task, most in wrong.items() if "adding" in task or "two symbols" in task) <= 5
    assert max(most for task, most in wrong.items() if "two-sequence" in task) == 48
