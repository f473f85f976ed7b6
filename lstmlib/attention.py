"""Attention, for `attention/attention` and `attention/self_attention`: score → softmax → weighted sum.

e_ts = score(q_t, k_s)        how well source position s answers query t
α_t· = softmax(e_t·)          weights over the source, positive, summing to 1
context_t = Σ_s α_ts v_s      the weighted sum of what stands there

Luong's and Bahdanau's attention differ in the score alone, and read their values from the keys:
k_s = v_s is the encoder's state at position s. Scaled dot-product attention, at the end, takes
the two apart. Arrays are time-major like the layers': queries (T, B, Q), keys (S, B, K), values (S, B, V),
scores and weights (T, B, S). Where `mask` (S, B) is False the source is padding: its weight is exactly 0,
and so is the gradient it gets. In every sequence the mask is True at least once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array, softmax, softmax_backward, tanh, tanh_derivative
from lstmlib.checks import (
    Mask,
    as_read,
    check_array,
    check_dtype,
    check_mask,
    check_rng,
    check_size,
    check_unchanged,
)
from lstmlib.initialisation import glorot_uniform
from lstmlib.layer import Cache, Params

# From scores to the context: the same for every score


def attend(scores: Array, values: Array, mask: ArrayLike | None = None) -> tuple[Array, Array]:
    """Turn scores into weights, and read the values with them: the context (T, B, V) and the weights.

    α = softmax(scores) over the source;  context_t = Σ_s α_ts v_s

    Raises ValueError for a mask of another dtype or shape, or one that hides a whole sequence.

    >>> values = np.array([[[1.0]], [[3.0]], [[100.0]]])
    >>> attend(np.zeros((1, 1, 3)), values, np.array([[True], [True], [False]]))
    (array([[[2.]]]), array([[[0.5, 0.5, 0. ]]]))
    """
    if mask is not None:
        mask = check_mask(mask, values.shape[:2], "SB")
        if not mask.any(axis=0).all():
            hidden = np.flatnonzero(~mask.any(axis=0)).tolist()
            raise ValueError(
                f"mask must leave every sequence a position, but is all False for {hidden} of the batch"
            )
        # exp(−∞) is 0, so padding drops out of the numerator and of the sum below it.
        scores = np.where(mask.T, scores, -np.inf)
    weights = softmax(scores)
    return _sum_over("tbs,sbv->tbv", weights, values), weights


def attend_backward(dcontext: Array, weights: Array, values: Array) -> tuple[Array, Array]:
    """`attend` backward: dscores and dvalues.

    Padding needs no mask here: both gradients carry the factor α, which is 0 there.
    """
    dweights = _sum_over("tbv,sbv->tbs", dcontext, values)
    return softmax_backward(dweights, weights), _sum_over("tbs,tbv->sbv", weights, dcontext)


# The scores, each with its gradient


def dot_score(queries: Array, keys: Array) -> Array:
    """Score by likeness: e_ts = q_t · k_s, with Q = K.

    The *dot* of Luong, Pham & Manning 2015, section 3.1.
    """
    return _sum_over("tbk,sbk->tbs", queries, keys)


def dot_score_backward(dscores: Array, queries: Array, keys: Array) -> tuple[Array, Array]:
    """`dot_score` backward: dqueries and dkeys."""
    return _sum_over("tbs,sbk->tbk", dscores, keys), _sum_over("tbs,tbk->sbk", dscores, queries)


def general_score(queries: Array, keys: Array, params: Params) -> Array:
    """Score through a matrix, so that queries and keys may differ: e_ts = q_t · W k_s.

    `params` holds `W` (Q, K). The *general* of Luong, Pham & Manning 2015, section 3.1.
    """
    return dot_score(queries, keys @ params["W"].T)


def general_score_backward(
    dscores: Array, queries: Array, keys: Array, params: Params
) -> tuple[Array, Array, Params]:
    """`general_score` backward: dqueries, dkeys, and ∂L/∂params."""
    dqueries, dprojected = dot_score_backward(dscores, queries, keys @ params["W"].T)
    return dqueries, dprojected @ params["W"], {"W": _sum_over("sbq,sbk->qk", dprojected, keys)}


def additive_score(queries: Array, keys: Array, params: Params) -> tuple[Array, Array]:
    """Score by a small network with one hidden layer: e_ts = v · tanh(W_q q_t + W_k k_s).

    `params` holds `W_q` (A, Q), `W_k` (A, K) and `v` (A,). Beside the scores comes the hidden layer
    (T, B, S, A), which the backward pass needs. From Bahdanau, Cho & Bengio 2015, section A.1.2.
    """
    from_query, from_key = queries @ params["W_q"].T, keys @ params["W_k"].T
    hidden = tanh(from_query[:, :, None] + from_key.swapaxes(0, 1))
    return hidden @ params["v"], hidden


def additive_score_backward(
    dscores: Array, hidden: Array, queries: Array, keys: Array, params: Params
) -> tuple[Array, Array, Params]:
    """`additive_score` backward: dqueries, dkeys, and ∂L/∂params."""
    da = dscores[..., None] * params["v"] * tanh_derivative(hidden)
    da_query, da_key = da.sum(axis=2), da.sum(axis=0).swapaxes(0, 1)
    grads = {
        "W_q": _sum_over("tba,tbq->aq", da_query, queries),
        "W_k": _sum_over("sba,sbk->ak", da_key, keys),
        "v": _sum_over("tbs,tbsa->a", dscores, hidden),
    }
    return da_query @ params["W_q"], da_key @ params["W_k"], grads


# The same as objects with parameters, in the manner of the layers


class Attention(ABC):
    """What the attention of an encoder–decoder promises, whatever its score.

    Subclasses say how a query and a key are scored (`score`, `score_backward`). An object keeps one
    forward pass; a decoder that attends in step after step before it goes back uses the functions above,
    and keeps what they return.

    Raises ValueError for a size below 1, a `dtype` other than float32 and float64, or an `rng` that
    is no Generator.

    Parameters
    ----------
    query_size, key_size : int
        Q and K.
    rng : numpy.random.Generator, optional
        Source of the initial weights. Without one they differ from run to run.
    dtype : float32 or float64
        Type of parameters and results.

    Attributes
    ----------
    params, grads : dict of arrays
        The weights of the score, empty where it has none, and ∂L/∂params after `backward`.
    """

    def __init__(
        self, query_size: int, key_size: int, *, rng: Generator | None = None, dtype: Any = np.float64
    ) -> None:
        self.query_size = check_size(query_size, "query_size")
        self.key_size = check_size(key_size, "key_size")
        self.dtype = check_dtype(dtype)
        drawn = self.first_weights(check_rng(rng))
        self.params: Params = {name: value.astype(self.dtype) for name, value in drawn.items()}
        self.grads: Params = {}
        self._tape: Any = None
        self._read: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query_size}, {self.key_size})"

    @abstractmethod
    def first_weights(self, rng: Generator) -> Params:
        """Draw the initial parameters."""

    @abstractmethod
    def score(self, queries: Array, keys: Array) -> tuple[Array, Any]:
        """Scores (T, B, S), and what `score_backward` needs of them."""

    @abstractmethod
    def score_backward(
        self, dscores: Array, queries: Array, keys: Array, kept: Any
    ) -> tuple[Array, Array, Params]:
        """The gradient of queries, keys and parameters."""

    def forward(
        self, queries: ArrayLike, keys: ArrayLike, mask: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Let every query look at the source.

        `queries` (T, B, Q) are states of the decoder, T = 1 for a single step; `keys` (S, B, K) those of
        the encoder: what is scored, and what the context is made of. Returns the context (T, B, K) and the
        weights (T, B, S). Raises ValueError for a wrong shape, dtype, an empty sequence, a value that is
        not finite, or a mask that hides a whole sequence.
        """
        sizes = {"Q": self.query_size, "K": self.key_size}
        queries = check_array(queries, "queries", ("T", "B", "Q"), sizes, self.dtype)
        sizes["B"] = queries.shape[1]
        keys = check_array(keys, "keys", ("S", "B", "K"), sizes, self.dtype)
        scores, kept = self.score(queries, keys)
        context, weights = attend(scores, keys, mask)
        self._tape = (queries, keys, weights, kept)
        self._read = as_read(self.params)
        return context, weights

    def backward(self, dcontext: ArrayLike) -> tuple[Array, Array]:
        """The last `forward` backward: dqueries (T, B, Q) and dkeys (S, B, K); fills `grads`.

        `dcontext` is ∂L/∂context, (T, B, K). dkeys has the keys' share as keys and as values together.
        Raises RuntimeError without a `forward` since the last `backward`, or if `params` have changed
        since; ValueError for a gradient of the wrong shape, dtype, or with a value that is not finite.
        """
        check_unchanged(self.params, self._read, type(self).__name__)
        queries, keys, weights, kept = self._tape
        sizes = dict(zip("TBK", (*queries.shape[:2], self.key_size), strict=True))
        dcontext = check_array(dcontext, "dcontext", ("T", "B", "K"), sizes, self.dtype)
        dscores, dvalues = attend_backward(dcontext, weights, keys)
        dqueries, dkeys, self.grads = self.score_backward(dscores, queries, keys, kept)
        self._tape = self._read = None
        return dqueries, dkeys + dvalues


class DotAttention(Attention):
    """Luong's attention with `dot_score`, for queries and keys of one `size`: no parameters."""

    def __init__(self, size: int, *, dtype: Any = np.float64) -> None:
        size = check_size(size, "size")
        super().__init__(size, size, dtype=dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_size})"

    def first_weights(self, rng: Generator) -> Params:
        return {}

    def score(self, queries: Array, keys: Array) -> tuple[Array, Any]:
        return dot_score(queries, keys), None

    def score_backward(
        self, dscores: Array, queries: Array, keys: Array, kept: Any
    ) -> tuple[Array, Array, Params]:
        return *dot_score_backward(dscores, queries, keys), {}


class GeneralAttention(Attention):
    """Luong's attention with `general_score`.

    >>> attention = GeneralAttention(3, 4, rng=np.random.default_rng(0))
    >>> context, weights = attention.forward(np.ones((5, 2, 3)), np.ones((6, 2, 4)))
    >>> context.shape, weights.shape
    ((5, 2, 4), (5, 2, 6))
    """

    def first_weights(self, rng: Generator) -> Params:
        return {"W": glorot_uniform((self.query_size, self.key_size), rng)}

    def score(self, queries: Array, keys: Array) -> tuple[Array, Any]:
        return general_score(queries, keys, self.params), None

    def score_backward(
        self, dscores: Array, queries: Array, keys: Array, kept: Any
    ) -> tuple[Array, Array, Params]:
        return general_score_backward(dscores, queries, keys, self.params)


class AdditiveAttention(Attention):
    """Bahdanau's attention, with `additive_score`.

    `attention_size` is A, the width of the hidden layer in which a query and a key meet.
    """

    def __init__(
        self,
        query_size: int,
        key_size: int,
        attention_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
    ) -> None:
        self.attention_size = check_size(attention_size, "attention_size")
        super().__init__(query_size, key_size, rng=rng, dtype=dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query_size}, {self.key_size}, {self.attention_size})"

    def first_weights(self, rng: Generator) -> Params:
        return {
            "W_q": glorot_uniform((self.attention_size, self.query_size), rng),
            "W_k": glorot_uniform((self.attention_size, self.key_size), rng),
            "v": glorot_uniform((1, self.attention_size), rng)[0],
        }

    def score(self, queries: Array, keys: Array) -> tuple[Array, Any]:
        return additive_score(queries, keys, self.params)

    def score_backward(
        self, dscores: Array, queries: Array, keys: Array, kept: Any
    ) -> tuple[Array, Array, Params]:
        return additive_score_backward(dscores, kept, queries, keys, self.params)


# Keys and values apart


def scaled_dot_product_attention(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, mask: ArrayLike | None = None
) -> tuple[Array, Array, Cache]:
    """Attention as in the Transformer: context = softmax(Q Kᵀ / √K) V.

    A dot product of K independent terms of variance 1 has variance K; the divisor brings it back to 1, so
    that softmax does not start saturated. `queries` are (T, B, K). Returns the context (T, B, V), the
    weights, and the cache for the way back.

    Raises ValueError for a wrong shape, dtype, an empty sequence, a value that is not finite, or a mask
    that hides a whole sequence. From Vaswani et al. 2017, equation 1.

    >>> queries, keys, values = np.ones((5, 2, 4)), np.ones((6, 2, 4)), np.ones((6, 2, 3))
    >>> context, weights, cache = scaled_dot_product_attention(queries, keys, values)
    >>> context.shape, weights.shape
    ((5, 2, 3), (5, 2, 6))
    """
    dtype = np.dtype(np.float32 if np.asarray(queries).dtype == np.float32 else np.float64)
    queries = check_array(queries, "queries", ("T", "B", "K"), {}, dtype)
    sizes = {"B": queries.shape[1], "K": queries.shape[2]}
    keys = check_array(keys, "keys", ("S", "B", "K"), sizes, dtype)
    values = check_array(values, "values", ("S", "B", "V"), {"S": len(keys), "B": sizes["B"]}, dtype)
    scores = dot_score(queries, keys) / np.sqrt(sizes["K"], dtype=dtype)
    context, weights = attend(scores, values, mask)
    return context, weights, {"queries": queries, "keys": keys, "values": values, "weights": weights}


def scaled_dot_product_attention_backward(dcontext: ArrayLike, cache: Cache) -> tuple[Array, Array, Array]:
    """`scaled_dot_product_attention` backward: dqueries, dkeys, dvalues."""
    queries, keys, values = cache["queries"], cache["keys"], cache["values"]
    sizes = dict(zip("TBV", (*queries.shape[:2], values.shape[2]), strict=True))
    dcontext = check_array(dcontext, "dcontext", ("T", "B", "V"), sizes, queries.dtype)
    dscores, dvalues = attend_backward(dcontext, cache["weights"], values)
    dscores = dscores / np.sqrt(queries.shape[2], dtype=queries.dtype)
    return *dot_score_backward(dscores, queries, keys), dvalues


def causal_mask(T: int) -> Mask:
    """Let each of T positions of one sequence look at itself and at what came before: mask_ts = (s ≤ t).

    The mask (T, T) has a row for each position that looks. It is applied to the scores, before the softmax:
    a weight that is set to 0 afterwards has left its share in the sum below the others. Raises ValueError
    for a T below 1. From Vaswani et al. 2017, section 3.2.3.

    >>> softmax(np.where(causal_mask(2), 0.0, -np.inf))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    return np.tri(check_size(T, "T"), dtype=bool)


def _sum_over(axes: str, a: Array, b: Array) -> Array:
    """A product of two arrays, summed over the axes that are left out after the arrow."""
    return np.einsum(axes, a, b, optimize=True)  # optimize hands it to the matrix product
