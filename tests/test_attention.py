"""Attention against PyTorch, against central differences, and against what a mask promises."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.activations import softmax
from lstmlib.attention import (
    AdditiveAttention,
    DotAttention,
    GeneralAttention,
    attend,
    causal_mask,
    scaled_dot_product_attention,
    scaled_dot_product_attention_backward,
)

T, S, B, K = 3, 5, 2, 4


class ScaledDotProductAttention:
    """The function with the interface of the classes, keys and values being one as in theirs."""

    params: dict = {}  # noqa: RUF012

    def forward(self, queries, keys, mask=None):
        context, weights, self.cache = scaled_dot_product_attention(queries, keys, keys, mask)
        return context, weights

    def backward(self, dcontext):
        dqueries, dkeys, dvalues = scaled_dot_product_attention_backward(dcontext, self.cache)
        self.grads = {}
        return dqueries, dkeys + dvalues


def every_attention(rng):
    return {
        "dot": DotAttention(K),
        "general": GeneralAttention(K, K, rng=rng),
        "additive": AdditiveAttention(K, K, 6, rng=rng),
        "scaled": ScaledDotProductAttention(),
    }


# Each score written a second time, pair by pair, on vectors.
SCORES = {
    "dot": lambda q, k, p: q @ k,
    "general": lambda q, k, p: q @ (p["W"] @ k),
    "additive": lambda q, k, p: p["v"] @ torch.tanh(p["W_q"] @ q + p["W_k"] @ k),
    "scaled": lambda q, k, p: q @ k / len(k) ** 0.5,
}
NAMES = list(SCORES)
any_attention = pytest.mark.parametrize("name", NAMES)
any_mask = pytest.mark.parametrize("masked", [False, True], ids=["no mask", "mask"])


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    queries, keys = rng.standard_normal((T, B, K)), rng.standard_normal((S, B, K))
    return rng, queries, keys


def lengths_to_mask(lengths, size=S):
    return np.arange(size)[:, None] < np.asarray(lengths)


MASK = lengths_to_mask([3, 5])


def relative_difference(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b), 1e-30)


def assert_matches_central_differences(loss, array, gradient, step=1e-5):
    """(L(a + ε) − L(a − ε)) / 2ε for every entry of `array`, which is changed in place."""
    numeric = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = loss()
        array[index] = kept - step
        numeric[index] = (above - loss()) / (2 * step)
        array[index] = kept
    assert relative_difference(gradient, numeric) <= 1e-7


@any_attention
@any_mask
def test_gradients_equal_central_differences(name, masked):
    rng, queries, keys = arrays()
    attention, mask = every_attention(rng)[name], MASK if masked else None
    dcontext = rng.standard_normal((T, B, K))
    attention.forward(queries, keys, mask)
    dqueries, dkeys = attention.backward(dcontext)
    grads = attention.grads

    def loss():
        return (attention.forward(queries, keys, mask)[0] * dcontext).sum()

    assert grads.keys() == attention.params.keys()
    for array, gradient in [
        (queries, dqueries),
        (keys, dkeys),
        *((attention.params[n], grads[n]) for n in grads),
    ]:
        assert_matches_central_differences(loss, array, gradient)


def test_gradients_of_values_apart_from_keys_equal_central_differences():
    rng, queries, keys = arrays()
    values, dcontext = rng.standard_normal((S, B, 7)), rng.standard_normal((T, B, 7))
    _, _, cache = scaled_dot_product_attention(queries, keys, values, MASK)

    def loss():
        return (scaled_dot_product_attention(queries, keys, values, MASK)[0] * dcontext).sum()

    gradients = scaled_dot_product_attention_backward(dcontext, cache)
    for array, gradient in zip((queries, keys, values), gradients, strict=True):
        assert_matches_central_differences(loss, array, gradient)


@any_attention
@any_mask
def test_values_and_gradients_equal_torch(name, masked):
    rng, queries, keys = arrays()
    attention = every_attention(rng)[name]
    dcontext = rng.standard_normal((T, B, K))
    context, weights = attention.forward(queries, keys, MASK if masked else None)
    dqueries, dkeys = attention.backward(dcontext)

    q, k = (torch.tensor(a, requires_grad=True) for a in (queries, keys))
    p = {n: torch.tensor(a, requires_grad=True) for n, a in attention.params.items()}
    scores = torch.stack(
        [
            torch.stack(
                [torch.stack([SCORES[name](q[t, b], k[s, b], p) for s in range(S)]) for b in range(B)]
            )
            for t in range(T)
        ]
    )
    if masked:
        scores = scores.masked_fill(~torch.tensor(MASK.T), -torch.inf)
    expected_weights = torch.softmax(scores, dim=-1)
    expected = torch.stack([(expected_weights[..., [s]] * k[s]) for s in range(S)]).sum(0)
    expected.backward(torch.tensor(dcontext))

    pairs = [
        (weights, expected_weights.detach()),
        (context, expected.detach()),
        (dqueries, q.grad),
        (dkeys, k.grad),
        *((attention.grads[n], p[n].grad) for n in p),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-10)


@any_mask
def test_scaled_dot_product_attention_equals_that_of_torch(masked):
    rng, queries, keys = arrays()
    values, dcontext = rng.standard_normal((S, B, 7)), rng.standard_normal((T, B, 7))
    context, _, cache = scaled_dot_product_attention(queries, keys, values, MASK if masked else None)
    gradients = scaled_dot_product_attention_backward(dcontext, cache)

    # PyTorch wants the batch first, and its mask (B, T, S).
    q, k, v = (torch.tensor(a.swapaxes(0, 1), requires_grad=True) for a in (queries, keys, values))
    mask = torch.tensor(MASK.T)[:, None].expand(B, T, S) if masked else None
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    expected.backward(torch.tensor(dcontext.swapaxes(0, 1)))
    for ours, theirs in zip((context, *gradients), (expected.detach(), q.grad, k.grad, v.grad), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy().swapaxes(0, 1), rtol=0, atol=1e-10)


def test_additive_score_by_hand():
    # One query 1, keys −1 and 1, all weights 1: scores tanh(0) = 0 and tanh(2) = 0.9640,
    # so the second weight is σ(0.9640) = 0.7239 and the context 2 · 0.72393 − 1 = 0.4479.
    attention = AdditiveAttention(1, 1, 1)
    for value in attention.params.values():
        value[...] = 1
    context, weights = attention.forward(np.ones((1, 1, 1)), np.array([[[-1.0]], [[1.0]]]))
    np.testing.assert_allclose(weights, [[[0.2761, 0.7239]]], atol=5e-5)
    np.testing.assert_allclose(context, [[[0.4479]]], atol=5e-5)


cases = given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, S), min_size=B, max_size=B),
    name=st.sampled_from(NAMES),
)


@cases
def test_weights_are_positive_and_sum_to_one(seed, lengths, name):
    rng, queries, keys = arrays(seed)
    _, weights = every_attention(rng)[name].forward(queries, keys, lengths_to_mask(lengths))
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-14)


@cases
def test_padding_gets_weight_and_gradient_exactly_zero(seed, lengths, name):
    rng, queries, keys = arrays(seed)
    attention, mask = every_attention(rng)[name], lengths_to_mask(lengths)
    context, weights = attention.forward(queries, keys, mask)
    _, dkeys = attention.backward(rng.standard_normal(context.shape))
    real = np.broadcast_to(mask.T, weights.shape)
    assert (weights[~real] == 0).all()
    assert (weights[real] > 0).all()
    assert (dkeys[~mask] == 0).all()
    assert (dkeys[mask] != 0).any()


@cases
def test_what_stands_at_padding_changes_nothing(seed, lengths, name):
    rng, queries, keys = arrays(seed)
    attention, mask = every_attention(rng)[name], lengths_to_mask(lengths)
    dcontext = rng.standard_normal((T, B, K))
    other = np.where(mask[..., None], keys, 1e6 * rng.standard_normal(keys.shape))

    def everything(keys):
        return *attention.forward(queries, keys, mask), *attention.backward(dcontext), attention.grads

    for before, after in zip(everything(keys), everything(other), strict=True):
        np.testing.assert_equal(after, before)


@cases
def test_appended_padding_changes_nothing(seed, lengths, name):
    rng, queries, keys = arrays(seed)
    attention, mask = every_attention(rng)[name], lengths_to_mask(lengths)
    dcontext = rng.standard_normal((T, B, K))
    context, weights = attention.forward(queries, keys, mask)
    dqueries, dkeys = attention.backward(dcontext)

    longer = np.concatenate([keys, rng.standard_normal((4, B, K))])
    padded_context, padded_weights = attention.forward(queries, longer, lengths_to_mask(lengths, S + 4))
    padded_dqueries, padded_dkeys = attention.backward(dcontext)
    # Equal but for the order in which a longer sum is added up.
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(padded_context, context, **close)
    np.testing.assert_allclose(padded_weights[..., :S], weights, **close)
    np.testing.assert_allclose(padded_dqueries, dqueries, **close)
    np.testing.assert_allclose(padded_dkeys[:S], dkeys, **close)


@cases
def test_a_mask_equals_a_shorter_source(seed, lengths, name):
    rng, queries, keys = arrays(seed)
    attention = every_attention(rng)[name]
    context, _ = attention.forward(queries, keys, lengths_to_mask(lengths))
    for b, length in enumerate(lengths):
        alone, _ = attention.forward(queries[:, [b]], keys[:length, [b]])
        np.testing.assert_allclose(context[:, [b]], alone, rtol=1e-12, atol=1e-13)


@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(S)), name=st.sampled_from(NAMES))
def test_permuting_the_source_permutes_the_weights_and_leaves_the_context(seed, order, name):
    rng, queries, keys = arrays(seed)
    attention = every_attention(rng)[name]
    context, weights = attention.forward(queries, keys, MASK)
    permuted_context, permuted = attention.forward(queries, keys[order], MASK[order])
    np.testing.assert_allclose(permuted, weights[..., order], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(permuted_context, context, rtol=1e-12, atol=1e-13)


def test_queries_and_keys_may_differ_in_size():
    rng, queries, _ = arrays()
    for attention in (GeneralAttention(K, 7, rng=rng), AdditiveAttention(K, 7, 2, rng=rng)):
        context, weights = attention.forward(queries, rng.standard_normal((S, B, 7)))
        dqueries, dkeys = attention.backward(context)
        shapes = [a.shape for a in (context, weights, dqueries, dkeys)]
        assert shapes == [(T, B, 7), (T, B, S), (T, B, K), (S, B, 7)]


@any_attention
def test_float32_stays_float32(name):
    _, queries, keys = arrays()
    small = {
        "dot": DotAttention(K, dtype=np.float32),
        "general": GeneralAttention(K, K, dtype=np.float32),
        "additive": AdditiveAttention(K, K, 6, dtype=np.float32),
        "scaled": ScaledDotProductAttention(),
    }[name]
    context, weights = small.forward(queries.astype(np.float32), keys.astype(np.float32), MASK)
    dqueries, dkeys = small.backward(context)
    results = (context, weights, dqueries, dkeys, *small.params.values(), *small.grads.values())
    assert {a.dtype for a in results} == {np.dtype(np.float32)}


@any_attention
def test_large_scores_neither_overflow_nor_reach_padding(name):
    # Scores near −10¹²: a mask that merely puts −10⁹ in the place of padding would prefer it.
    rng, queries, keys = arrays()
    keys = -1e6 * np.abs(keys)
    context, weights = every_attention(rng)[name].forward(1e6 * np.abs(queries), keys, MASK)
    assert np.isfinite(context).all()
    assert (weights[~np.broadcast_to(MASK.T, weights.shape)] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_each_matrix_of_a_score_starts_in_the_interval_of_its_sizes_and_v_as_one_row():
    rng, Q, A = np.random.default_rng(0), 3, 2
    drawn = [GeneralAttention(Q, K, rng=rng).params for _ in range(200)]
    drawn += [AdditiveAttention(Q, K, A, rng=rng).params for _ in range(200)]
    for name, inputs, outputs in (("W", K, Q), ("W_q", Q, A), ("W_k", K, A), ("v", A, 1)):
        largest = max(np.abs(params[name]).max() for params in drawn if name in params)
        limit = np.sqrt(6 / (inputs + outputs))
        assert 0.97 * limit < largest < limit, name


def test_two_steps_of_gradient_descent_lower_the_loss():
    rng, queries, keys = arrays()
    target = rng.standard_normal((T, B, K))
    for attention in (GeneralAttention(K, K, rng=rng), AdditiveAttention(K, K, 6, rng=rng)):
        losses = []
        for _ in range(3):
            context, _ = attention.forward(queries, keys, MASK)
            losses.append(((context - target) ** 2).sum())
            attention.backward(2 * (context - target))
            for name, value in attention.params.items():
                value -= 0.01 * attention.grads[name]
        assert losses[0] > losses[1] > losses[2]


# The causal mask


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_causal_mask_is_true_where_that_of_torch_adds_nothing(length):
    added = torch.nn.Transformer.generate_square_subsequent_mask(length)
    np.testing.assert_array_equal(causal_mask(length), added.numpy() == 0)


def test_under_a_causal_mask_no_position_depends_on_a_later_one():
    x = np.random.default_rng(0).standard_normal((S, K))

    def look(x):
        return softmax(np.where(causal_mask(S), x @ x.T, -np.inf)) @ x

    for t in range(1, S):
        changed = x.copy()
        changed[t:] += 1
        np.testing.assert_array_equal(look(changed)[:t], look(x)[:t])
        assert not np.allclose(look(changed)[t], look(x)[t])


def test_a_causal_mask_has_at_least_one_position():
    with pytest.raises(ValueError, match="T must be a whole number of at least 1, got 0"):
        causal_mask(0)


# Bad input

ONES = {"queries": np.ones((T, B, K)), "keys": np.ones((S, B, K))}


@any_attention
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": np.ones((B, K))}, r"queries must have shape \(T, B, .=4\), got 2-D \(2, 4\)"),
        ({"queries": np.ones((T, B, 9))}, r"must have shape .* got \(., 2, .\)"),
        ({"queries": np.ones((T, B, K), int)}, "queries must hold floats, got dtype int64"),
        ({"queries": np.full((T, B, K), np.nan)}, "queries must be finite, got nan"),
        ({"queries": np.ones((0, B, K))}, "queries must not be empty"),
        ({"keys": np.ones((S, 3, K))}, r"keys must have shape \(S, B=2, K=4\), got \(5, 3, 4\)"),
        ({"keys": np.ones((0, B, K))}, "keys must not be empty"),
        ({"mask": np.ones((S, B))}, "mask must hold booleans"),
        ({"mask": np.ones((B, S), bool)}, r"mask must have shape \(S=5, B=2\), got \(2, 5\)"),
        ({"mask": lengths_to_mask([3, 0])}, r"all False for \[1\] of the batch"),
    ],
)
def test_wrong_input_is_named(name, change, message):
    attention = every_attention(np.random.default_rng(0))[name]
    if name == "scaled" and "2-D" in message:
        message = r"queries must have shape \(T, B, K\), got 2-D"  # its sizes are those of its arrays
    with pytest.raises(ValueError, match=message):
        attention.forward(**{**ONES, **change})


def test_values_must_stand_where_the_keys_stand():
    with pytest.raises(ValueError, match=r"values must have shape \(S=5, B=2, V\), got \(4, 2, 4\)"):
        scaled_dot_product_attention(ONES["queries"], ONES["keys"], np.ones((4, B, K)))


def test_attend_checks_its_mask():
    with pytest.raises(ValueError, match="all False"):
        attend(np.zeros((T, B, S)), np.ones((S, B, K)), np.zeros((S, B), bool))


@any_attention
def test_wrong_gradient_is_named(name):
    attention = every_attention(np.random.default_rng(0))[name]
    attention.forward(**ONES)
    with pytest.raises(ValueError, match=r"dcontext must have shape \(T=3, B=2, .=4\)"):
        attention.backward(np.ones((B, T, K)))


@pytest.mark.parametrize("name", NAMES[:3])
def test_backward_needs_a_forward_of_its_own(name):
    attention = every_attention(np.random.default_rng(0))[name]
    with pytest.raises(RuntimeError, match="call forward first"):
        attention.backward(np.ones((T, B, K)))
    attention.forward(**ONES)
    attention.backward(np.ones((T, B, K)))
    with pytest.raises(RuntimeError, match="again before each further backward"):
        attention.backward(np.ones((T, B, K)))


def test_parameters_may_not_change_between_forward_and_backward():
    attention = AdditiveAttention(2, 3, 4, rng=np.random.default_rng(0))
    for name in attention.params:
        attention.forward(np.ones((1, 2, 2)), np.ones((5, 2, 3)))
        attention.params[name] += 1
        with pytest.raises(RuntimeError, match=f"AdditiveAttention.backward needs .* but {name} has changed"):
            attention.backward(np.ones((1, 2, 3)))


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_call_that_raises_changes_nothing(name):
    rng, queries, keys = arrays()
    attention = every_attention(rng)[name]
    attention.forward(queries, keys, MASK)
    with pytest.raises(ValueError, match="mask"):
        attention.forward(queries, 2 * keys, np.zeros((S, B), bool))
    with pytest.raises(ValueError, match="dcontext"):
        attention.backward(np.full((T, B, K), np.inf))
    dqueries, dkeys = attention.backward(np.ones((T, B, K)))

    undisturbed = every_attention(arrays()[0])[name]
    undisturbed.params = attention.params
    undisturbed.forward(queries, keys, MASK)
    for ours, theirs in zip((dqueries, dkeys), undisturbed.backward(np.ones((T, B, K))), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DotAttention(0), "size must be a whole number of at least 1, got 0"),
        (lambda: GeneralAttention(2, 0), "key_size must be"),
        (lambda: GeneralAttention(2.5, 2), "query_size must be"),
        (lambda: AdditiveAttention(2, 2, -1), "attention_size must be"),
        (lambda: GeneralAttention(2, 2, dtype=int), "dtype must be float32 or float64"),
        (lambda: AdditiveAttention(2, 2, 2, rng=0), "rng must be a numpy.random.Generator"),
    ],
)
def test_impossible_attention_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_same_seed_gives_the_same_weights():
    a, b = (AdditiveAttention(3, 4, 5, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_equal(a.params, b.params)
    assert {n: v.shape for n, v in a.params.items()} == {"W_q": (5, 3), "W_k": (5, 4), "v": (5,)}
