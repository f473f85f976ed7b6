"""The counting languages against a second way to know what is legal: trying every string."""

import re
from itertools import product

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.counting_languages import (
    BRACKETS,
    END,
    counted,
    legal_next,
    nested_brackets,
    next_symbol_batch,
    steps_right,
)


def is_nested(string):
    """Take away () and [] until nothing goes: a whole string leaves nothing."""
    while (shorter := string.replace("()", "").replace("[]", "")) != string:
        string = shorter
    return not string


def whole_strings(symbols):
    """Every string of the language up to some length: letters up to n = 9, brackets up to 8 symbols."""
    if symbols != BRACKETS:
        return ["".join(n * letter for letter in symbols) for n in range(1, 10)]
    tried = ("".join(letters) for length in range(1, 9) for letters in product(BRACKETS, repeat=length))
    return [string for string in tried if is_nested(string)]


def beginnings(symbols):
    """For every beginning of such a string what some string goes on with."""
    follows = {}
    for string in whole_strings(symbols):
        for t, symbol in enumerate(string + END):
            follows.setdefault(string[:t], set()).add(symbol)
    return follows


LANGUAGES = ["ab", "abc", "wxyz", BRACKETS]
LENGTH = 3  # of a beginning, so short that whatever may follow it ends within the strings above


@pytest.mark.parametrize("symbols", LANGUAGES)
def test_what_is_legal_is_what_some_whole_string_goes_on_with(symbols):
    follows = beginnings(symbols)
    short = LENGTH if symbols == BRACKETS else 8 * len(symbols)
    tried = [one for one in follows if one and len(one) <= short and one[:9] != 9 * one[0]]
    assert len(tried) > 20
    for prefix in tried:
        assert set(legal_next(prefix, symbols)[-1]) == follows[prefix], prefix


@pytest.mark.parametrize("symbols", LANGUAGES)
def test_every_string_that_breaks_the_grammar_is_refused_where_it_breaks(symbols):
    follows, refused = beginnings(symbols), 0
    for letters in product(symbols, repeat=LENGTH + 1):
        string = "".join(letters)
        broken = [t for t in range(len(string)) if string[: t + 1] not in follows]
        if broken:
            refused += 1
            with pytest.raises(ValueError, match=rf"string\[{broken[0]}\]"):
                legal_next(string, symbols)
        else:
            assert len(legal_next(string, symbols)) == len(string)
    assert refused > 10


@given(n=st.integers(1, 60), symbols=st.sampled_from(["ab", "abc", "ba", "wxyz"]))
def test_a_counted_string_has_n_of_each_letter_and_may_end_at_its_end_only(n, symbols):
    string = counted(n, symbols)
    assert string == "".join(letter for letter in symbols for _ in range(n))
    legal = legal_next(string, symbols)
    assert [t for t, after in enumerate(legal) if END in after] == [len(string) - 1]
    assert all(string[t + 1] in legal[t] for t in range(len(string) - 1))


def depths(string):
    return np.cumsum([1 if bracket in "([" else -1 for bracket in string])


@given(depth=st.integers(1, 15), seed=st.integers(0, 10**6))
def test_nested_brackets_are_whole_and_exactly_as_deep_as_asked(depth, seed):
    string = nested_brackets(depth, rng=np.random.default_rng(seed))
    assert is_nested(string)
    assert depths(string).max() == depth
    assert END in legal_next(string, BRACKETS)[-1]


def test_brackets_open_with_the_probabilities_that_the_docstring_says(rng):
    before, after, kinds = [], [], []
    for _ in range(400):
        string = nested_brackets(4, rng=rng)
        depth, reached = 0, False
        for bracket in string:
            if 0 < depth < 4:
                (after if reached else before).append(bracket in "([")
            kinds += [bracket == "["] if bracket in "([" else []
            depth += 1 if bracket in "([" else -1
            reached |= depth == 4
    assert_mean(before, 0.7)
    assert_mean(after, 0.3)
    assert_mean(kinds, 0.5)


@pytest.mark.parametrize(
    ("strings", "symbols"),
    [(["ab", "aaabbb", "aab"], "ab"), (["abc", "aabbcc"], "abc"), (["()", "([])", "[[]"], BRACKETS)],
)
def test_a_batch_is_its_strings_and_what_is_legal_after_each_symbol(strings, symbols):
    batch = next_symbol_batch(strings, symbols)
    T = max(map(len, strings))
    assert batch.x.shape == (T, len(strings), len(symbols))
    assert batch.target.shape == (T, len(strings), len(symbols) + 1)
    assert batch.lengths.tolist() == [len(string) for string in strings]
    assert not batch.x[~batch.mask].any()
    assert not batch.target[~batch.mask].any()
    for b, string in enumerate(strings):
        assert "".join(symbols[k] for k in batch.x[: len(string), b].argmax(axis=-1)) == string
        for t, legal in enumerate(legal_next(string, symbols)):
            found = {(symbols + END)[k] for k in np.flatnonzero(batch.target[t, b])}
            assert found == set(legal)


def test_a_step_is_right_where_the_legal_symbols_and_no_others_are_allowed(rng):
    batch = next_symbol_batch(["ab", "aabb", "aaabbb"])
    y = (batch.target - 0.5) * rng.uniform(0.1, 9, batch.target.shape)
    y[~batch.mask] = np.nan  # whatever is said in the padding
    assert steps_right(y, batch).all()
    for t, b, k in [(0, 0, 2), (3, 1, 2), (5, 2, 1)]:  # one symbol too many, one too few, one too many
        y[t, b, k] *= -1
    wrong = np.argwhere(~steps_right(y, batch))
    assert wrong.tolist() == [[0, 0], [3, 1], [5, 2]]
    assert not steps_right(0 * batch.target, batch)[batch.mask].any(), "a score of 0 allows nothing"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: counted(0), "n must be a whole number of at least 1, got 0"),
        (lambda: counted(2, BRACKETS), "symbols must be letters, such as 'ab', got '()[]'"),
        (lambda: counted(2, "aa"), "symbols must be different letters, such as 'ab', or '()[]', got 'aa'"),
        (lambda: legal_next("a", "a"), "symbols must be different letters"),
        (lambda: legal_next("abc"), "string[2] must be one of 'ab', got 'c'"),
        (lambda: legal_next("aba"), "string[2] is 'a', where the grammar allows the end"),
        (lambda: legal_next("ba"), "string[0] is 'b', where the grammar allows 'a'"),
        (lambda: legal_next("([)", BRACKETS), "string[2] is ')', where the grammar allows '([]'"),
        (lambda: nested_brackets(0), "depth must be a whole number of at least 1, got 0"),
        (lambda: nested_brackets(2, rng=3), "rng must be a numpy.random.Generato"),
        (lambda: next_symbol_batch([]), "strings must be a list of strings of at least one symbol, got"),
        (lambda: next_symbol_batch("ab"), "strings must be a list of strings of at least one symbol, got"),
        (lambda: next_symbol_batch(["ab", ""]), "strings must be a list of strings of at least one symbol"),
        (lambda: steps_right(np.ones(3), next_symbol_batch(["ab"])), "y must have the shape of the target"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
