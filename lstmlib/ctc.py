"""Connectionist temporal classification, for `applications/handwriting`: labels without their places.

A network gives scores for K symbols at every step, symbol 0 being the *blank*. A path names one symbol for
each step; it says the labels that are left when first repeats are merged and then blanks are taken out. The
probability of the labels is the sum over all paths that say them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_array

BLANK = 0


class CTC(NamedTuple):
    """What `ctc_loss` gives."""

    loss: Array
    dscores: Array


def ctc_loss(scores: ArrayLike, labels: Sequence[Sequence[int]], lengths: Sequence[int] | None = None) -> CTC:
    r"""The loss of each sequence, −ln p(labels | scores), and the gradient of their sum.

    With $y_t = \mathrm{softmax}(a_t)$ over the symbols, $l'$ the S labels with a blank before, between and
    after them (2S + 1 places), and α₀ = (1, 0, 0, …):

    $$\alpha_t(s) = y_t(l'_s)\, [\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + r_s\, \alpha_{t-1}(s-2)],
    \qquad p = \alpha_T(2S + 1) + \alpha_T(2S),$$

    where $r_s$ is 1 if place s holds a label other than that of place s − 2, else 0: only a blank between
    them keeps two equal labels apart. β runs the same way from the end. The gradient is
    $y_t(k) - \frac{1}{p} \sum_{s: l'_s = k} \alpha_t(s)\, \beta_t(s)$, with β after step t.

    Parameters
    ----------
    scores : array (T, B, K)
        Logits $a$ of K symbols; symbol 0 is the blank.
    labels : B sequences of integers from 1 to K − 1
        What each sequence says, of any length, also none.
    lengths : B integers from 1 to T, optional
        Steps that count; later ones have the gradient 0. All of them by default.

    Returns
    -------
    loss : array (B,)
        In nats; infinite where a sequence is too short for its labels, which need a step each, and a blank
        between equal neighbours. Its gradient is 0 then.
    dscores : array (T, B, K)
        Gradient of the sum of all finite losses.

    Raises ValueError for another shape, a score that is not finite, or labels or lengths out of their range.

    Graves, Fernández, Gomez & Schmidhuber 2006, equations 3 to 16, computed in logarithms.

    Two steps that give the label and the blank ½ each: three of four paths say the label once.

    >>> loss, _ = ctc_loss(np.zeros((2, 1, 2)), [[1]])
    >>> np.exp(-loss).round(2)
    array([0.75])
    """
    scores = _check_scores(scores)
    _, B, K = scores.shape
    if len(labels) != B:
        raise ValueError(f"labels must hold a sequence for each of the {B} in the batch, got {len(labels)}")
    all_places = [_with_blanks(said, K, f"labels[{b}]") for b, said in enumerate(labels)]
    log_y = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    loss, dscores = np.zeros(B, scores.dtype), np.zeros_like(scores)
    for b, (places, length) in enumerate(zip(all_places, _check_lengths(lengths, scores), strict=True)):
        log_p = log_y[:length, b]
        alpha = _forward(log_p[:, places], places)
        beta = _forward(log_p[::-1, places[::-1]], places[::-1])[::-1, ::-1] - log_p[:, places]
        loss[b] = -np.logaddexp.reduce(alpha[-1, -2:])
        if np.isfinite(loss[b]):
            share = np.exp(alpha + beta + loss[b])  # of all paths, those that are at place s in step t
            dscores[:length, b] = np.exp(log_p) - share @ np.eye(K)[places]
    return CTC(loss, dscores)


def greedy_decode(scores: ArrayLike, lengths: Sequence[int] | None = None) -> list[list[int]]:
    """What the likeliest path says: the highest score at each step, repeats merged, blanks taken out.

    The likeliest path need not say the likeliest labels, which several paths share. `scores` and `lengths` as
    for `ctc_loss`, and the same errors.

    >>> greedy_decode(np.eye(3)[[1, 1, 0, 1, 2]][:, None])
    [[1, 1, 2]]
    """
    scores = _check_scores(scores)
    paths = scores.argmax(axis=-1).T
    return [
        [int(symbol) for symbol, _ in groupby(path[:length]) if symbol != BLANK]
        for path, length in zip(paths, _check_lengths(lengths, scores), strict=True)
    ]


def edit_distance(said: Sequence[Any], right: Sequence[Any]) -> int:
    """The least number of symbols to insert, to delete or to replace that makes `right` of `said`.

    Levenshtein 1966. Divided by the length of `right` it is the label error rate.

    >>> edit_distance("gait", "gates")
    3
    """
    row = list(range(len(right) + 1))
    for deleted, one in enumerate(said, start=1):
        above, row = row, [deleted]
        for place, other in enumerate(right):
            row.append(min(above[place + 1] + 1, row[place] + 1, above[place] + (one != other)))
    return row[-1]


def _forward(log_p: Array, places: NDArray[np.intp]) -> Array:
    """The logarithm of α for every step and place, from the log probabilities at the places (T, S)."""
    apart = places[2:] != places[:-2]  # a blank equals the blank two places before it
    alpha = np.full_like(log_p, -np.inf)
    alpha[0, :2] = log_p[0, :2]
    for t in range(1, len(log_p)):
        before = alpha[t - 1]
        ways = before.copy()
        ways[1:] = np.logaddexp(ways[1:], before[:-1])
        ways[2:] = np.where(apart, np.logaddexp(ways[2:], before[:-2]), ways[2:])
        alpha[t] = ways + log_p[t]
    return alpha


def _with_blanks(said: Sequence[int], K: int, name: str) -> NDArray[np.intp]:
    """The labels with a blank before, between and after them."""
    labels = np.asarray(said)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise ValueError(f"{name} must be a sequence of whole numbers, got {said!r}")
    if labels.size and not BLANK < labels.min() <= labels.max() < K:
        raise ValueError(
            f"{name} must hold numbers from 1 to {K - 1}, since {BLANK} is the blank; got {said!r}"
        )
    places = np.full(2 * len(labels) + 1, BLANK)
    places[1::2] = labels
    return places


def _check_scores(scores: ArrayLike) -> Array:
    dtype = np.asarray(scores).dtype if np.asarray(scores).dtype == np.float32 else np.dtype(float)
    return check_array(scores, "scores", ("T", "B", "K"), {}, dtype)


def _check_lengths(lengths: Sequence[int] | None, scores: Array) -> NDArray[np.intp]:
    T, B, _ = scores.shape
    if lengths is None:
        return np.full(B, T)
    steps = np.asarray(lengths)
    if steps.shape != (B,) or steps.dtype.kind not in "iu" or not 1 <= steps.min() <= steps.max() <= T:
        raise ValueError(f"lengths must be {B} whole numbers from 1 to {T}, got {lengths!r}")
    return steps
