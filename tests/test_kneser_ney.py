"""Kneser–Ney smoothing against the formula written out with dictionaries."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib.kneser_ney import KneserNey


def by_hand(contexts, symbols, K, context, w):
    """p(w | context), by sets and counters, from the definition."""
    L = len(contexts[0])
    counts = [Counter() for _ in range(L + 1)]
    for context_of, symbol in zip(contexts, symbols, strict=True):
        counts[L][tuple(context_of), symbol] += 1
    for length in range(L - 1, -1, -1):
        counts[length] = Counter((u[:length], symbol) for u, symbol in counts[length + 1])
    p = 1 / K
    for length in range(L + 1):
        table = defaultdict(dict)
        for (u, symbol), count in counts[length].items():
            table[u][symbol] = count
        after = table.get(tuple(context[:length]))
        if not after:
            break
        n1, n2 = (sum(count == n for count in counts[length].values()) for n in (1, 2))
        D = n1 / (n1 + 2 * n2) if n1 else 0
        p = (max(after.get(w, 0) - D, 0) * (w in after) + D * len(after) * p) / sum(after.values())
    return p


@st.composite
def texts(draw):
    K, L = draw(st.integers(2, 4)), draw(st.integers(0, 3))
    N = draw(st.integers(1, 30))
    row = st.lists(st.integers(0, K), min_size=L, max_size=L)
    contexts = draw(st.lists(row, min_size=N, max_size=N))
    symbols = draw(st.lists(st.integers(0, K - 1), min_size=N, max_size=N))
    asked = draw(st.lists(row.map(lambda r: [c + 1 for c in r]) | row, min_size=1, max_size=5))
    return K, np.reshape(contexts, (N, L)), symbols, np.reshape(asked, (len(asked), L))


@settings(max_examples=150, deadline=None)
@given(text=texts())
def test_probabilities_are_those_of_the_formula_and_sum_to_one(text):
    K, contexts, symbols, asked = text
    model = KneserNey(contexts.astype(int), symbols, K)
    p = model.probabilities(asked.astype(int))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    for row, context in zip(p, asked.tolist(), strict=True):
        expected = [by_hand(contexts.tolist(), symbols, K, context, w) for w in range(K)]
        np.testing.assert_allclose(row, expected, rtol=1e-12)
    for w in range(K):
        one = model.probability_of(asked.astype(int), np.full(len(asked), w))
        np.testing.assert_allclose(one, p[:, w], rtol=1e-12)


def test_a_symbol_that_is_frequent_after_one_other_counts_little_elsewhere():
    # 1 came ten times, always after 0; 2 came three times, after three others
    contexts = [[0]] * 10 + [[3], [4], [5]]
    model = KneserNey(contexts, [1] * 10 + [2] * 3, 6)
    after_unknown = model.probabilities([[2]])[0]
    assert after_unknown[2] > after_unknown[1]
    assert model.probabilities([[0]])[0].argmax() == 1


def test_a_context_that_never_came_is_passed_over():
    model = KneserNey([[0, 1], [1, 0], [0, 0]], [1, 0, 1], 2)
    np.testing.assert_array_equal(model.probabilities([[0, 9], [9, 0]])[1], model.probabilities([[8, 8]])[0])
    shorter = KneserNey([[0], [1]], [1, 0], 2)
    assert model.probabilities([[0, 9]])[0, 1] > 0.5
    assert shorter.length == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KneserNey([[0]], [0], 0), "K must be a whole number of at least 1, got 0"),
        (lambda: KneserNey([[0]], [0, 1], 2), "N ≥ 1 rows each, got 1, 2"),
        (lambda: KneserNey(np.zeros((0, 1), int), [], 2), "N ≥ 1 rows each, got 0, 0"),
        (lambda: KneserNey([[0]], [2], 2), "symbols must lie below K = 2, got 2"),
        (lambda: KneserNey([[0.5]], [1], 2), "contexts must be whole numbers with 2 axes, got float64"),
        (lambda: KneserNey([0], [1], 2), "contexts must be whole numbers with 2 axes"),
        (lambda: KneserNey([[-1]], [1], 2), "contexts must not be below 0, got -1"),
        (lambda: KneserNey([[0]], [1], 2).probabilities([[0, 1]]), "contexts must have 1 columns, got 2"),
        (lambda: KneserNey([[0]], [1], 2).probability_of([[0]], [2]), "symbols must be 1 numbers below 2"),
        (lambda: KneserNey([[0]], [1], 2).probability_of([[0]], [1, 1]), "one for each context"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()
