"""The Reber grammars against their diagram, and what a network must remember to obey them."""

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib.reber import (
    EMBEDDED_REBER,
    END_STATE,
    REBER,
    REBER_SYMBOLS,
    embedded_reber,
    is_legal,
    legal_next,
    predicts_legal_symbols,
    reber,
    reber_string,
)

GRAMMARS = {"reber": REBER, "embedded": EMBEDDED_REBER}
every_grammar = pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS.keys())


def strings_of(batch):
    """The strings a batch was made of: its inputs, and the E that ends each."""
    symbols = batch.x.argmax(axis=-1)
    return [
        "".join(REBER_SYMBOLS[k] for k in symbols[:length, b]) + "E" for b, length in enumerate(batch.lengths)
    ]


def expected_length(grammar):
    """Mean number of symbols, exactly: eₖ = 1 + mean of e over the choices in state k, solved."""
    states = list(grammar)
    transitions = np.zeros((len(states), len(states)))
    for state, choices in grammar.items():
        for following in choices.values():
            if following != END_STATE:
                transitions[states.index(state), states.index(following)] += 1 / len(choices)
    return np.linalg.solve(np.eye(len(states)) - transitions, np.ones(len(states)))[states.index(0)]


@pytest.mark.parametrize(("grammar", "mean"), [(REBER, 8), (EMBEDDED_REBER, 12)], ids=["reber", "embedded"])
def test_a_string_has_eight_symbols_on_average_and_an_embedded_one_twelve(rng, grammar, mean):
    assert expected_length(grammar) == pytest.approx(mean, rel=1e-12)
    assert_mean([len(reber_string(grammar, rng=rng)) for _ in range(5000)], mean)


# By hand along the diagram of the grammar, and with one mistake each.
LEGAL = ["BTSSXXTVVE", "BPVVE", "BTXXVPSE", "BPVPXVPXVPXVVE", "BTSXXVPSE", "BTXSE", "BPTTTVVE"]
ILLEGAL = ["BTSSPXSE", "BPTVVB", "BTXXVVSE", "BPVSPSE", "BTSSSE", "", "B", "BTXS", "BTXSEE", "btxse", "TXSE"]


def test_strings_known_to_be_legal_are_accepted_and_others_refused():
    assert [string for string in LEGAL if not is_legal(string)] == []
    assert [string for string in ILLEGAL if is_legal(string)] == []


@pytest.mark.parametrize("inner", LEGAL)
def test_an_embedded_string_must_end_as_it_began(inner):
    for first in "TP":
        for last in "TP":
            assert is_legal(f"B{first}{inner}{last}E", EMBEDDED_REBER) == (first == last)
    assert not is_legal(inner, EMBEDDED_REBER)
    assert not is_legal(f"BT{inner}TE")


@every_grammar
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_generated_strings_are_accepted(grammar, seed):
    assert is_legal(reber_string(grammar, rng=np.random.default_rng(seed)), grammar)


@every_grammar
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_a_string_with_one_symbol_that_is_not_legal_there_is_refused(grammar, seed, data):
    string = reber_string(grammar, rng=np.random.default_rng(seed))
    t = data.draw(st.integers(0, len(string) - 1))
    wrong = data.draw(st.sampled_from(sorted(set(REBER_SYMBOLS) - set(legal_next(string[:t], grammar)))))
    assert not is_legal(string[:t] + wrong + string[t + 1 :], grammar)


@every_grammar
def test_every_choice_is_taken_with_equal_probability(rng, grammar):
    taken = {}
    for _ in range(3000):
        string = reber_string(grammar, rng=rng)
        state = 0
        for symbol in string:
            taken.setdefault(state, []).append(symbol)
            state = grammar[state][symbol]
    assert taken.keys() == grammar.keys()
    for state, symbols in taken.items():
        if len(grammar[state]) == 2:
            assert_mean(np.array(symbols) == min(grammar[state]), 1 / 2)


@pytest.mark.parametrize(("task", "grammar"), [(reber, REBER), (embedded_reber, EMBEDDED_REBER)])
def test_the_target_is_the_set_of_legal_next_symbols(rng, task, grammar):
    batch = task(20, rng=rng)
    assert not batch.target[~batch.mask].any()
    for b, string in enumerate(strings_of(batch)):
        assert is_legal(string, grammar)
        for t in range(len(string) - 1):
            legal = "".join(REBER_SYMBOLS[k] for k in np.flatnonzero(batch.target[t, b]))
            assert set(legal) == set(legal_next(string[: t + 1], grammar))
            assert string[t + 1] in legal


def test_only_memory_of_the_second_symbol_tells_the_last_but_one(rng):
    batch = embedded_reber(200, rng=rng)
    last, sequences = batch.lengths - 1, np.arange(200)
    # The last input is the second symbol again, and the target before it asks for exactly that.
    np.testing.assert_array_equal(batch.x[last, sequences], batch.x[1])
    np.testing.assert_array_equal(batch.target[last - 1, sequences], batch.x[1])


def test_the_criterion_wants_every_legal_symbol_above_every_other(rng):
    batch = embedded_reber(5, rng=rng)
    y = batch.target + 0.3 * rng.uniform(size=batch.target.shape)
    y[~batch.mask] = np.nan  # whatever is said in the padding
    assert predicts_legal_symbols(y, batch).all()
    y[3, 2] *= -1  # one step of one sequence the wrong way round
    np.testing.assert_array_equal(predicts_legal_symbols(y, batch), [True, True, False, True, True])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reber(0), "B must be a whole number of at least 1, got 0"),
        (lambda: embedded_reber(2, rng="seed"), "rng must be a numpy.random.Generator"),
        (lambda: reber_string(rng=3), "rng must be a numpy.random.Generator"),
        (lambda: predicts_legal_symbols(np.ones(3), reber(2)), "y must have the shape of the target"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()
