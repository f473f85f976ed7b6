"""Interpolated Kneser–Ney smoothing: n-grams, the rival of a network that predicts the next symbol."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_size

Numbers = NDArray[np.int64]


class _Level(NamedTuple):
    """Counts after contexts of one length: sorted keys, and what belongs to each."""

    contexts: Numbers  # (context one shorter, column) as one number, sorted; the row is the context's id
    pairs: Numbers  # (context, symbol) as one number, sorted
    counts: Array  # of each pair
    total: Array  # of each context
    different: Array  # how many symbols came after each context
    discount: float


class KneserNey:
    """Probabilities of the next symbol after a context, smoothed by interpolation with shorter contexts.

    A context has L columns, from the one that matters most to the one that is forgotten first; for n-grams
    of order n these are the last n − 1 symbols, the nearest first. With c the number of times that symbol w
    came after context u, D a discount, and u′ the context without its last column,

    p(w | u) = (max(c(u, w) − D, 0) + D N(u) p(w | u′)) / c(u),

    where c(u) = Σ_w c(u, w), and N(u) is how many different symbols came after u. Below the longest context
    c is not a number of times: it is the number of different contexts one longer that w came after. So a
    symbol that is frequent only after one context counts little elsewhere. Below the empty context is
    1/K. For each length D = n₁ / (n₁ + 2 n₂), with n₁ and n₂ the numbers of pairs that count 1 and 2. A
    context that never came is passed over.

    From Kneser & Ney 1995; interpolated as in Chen & Goodman 1999.

    Parameters
    ----------
    contexts : array (N, L) of whole numbers from 0 on
        L may be 0.
    symbols : array (N,) of whole numbers below K
        What came after each context.
    K : int
        How many symbols there are.

    Raises ValueError for arrays of other shapes or other numbers.

    Examples
    --------
    After 0 came 1 twice and 0 once, after 1 came 0:

    >>> model = KneserNey([[0], [0], [0], [1]], [1, 1, 0, 0], 2)
    >>> model.discounts  # of the empty context, and of one symbol
    [0.333..., 0.5]
    >>> model.probabilities([[0]]).round(4)
    array([[0.3889, 0.6111]])
    """

    def __init__(self, contexts: ArrayLike, symbols: ArrayLike, K: int) -> None:
        self.K = check_size(K, "K")
        columns, w = _whole(contexts, "contexts", 2), _whole(symbols, "symbols", 1)
        if len(columns) != len(w) or not len(w):
            raise ValueError(f"contexts and symbols must have N ≥ 1 rows each, got {len(columns)}, {len(w)}")
        if w.max() >= K:
            raise ValueError(f"symbols must lie below K = {K}, got {w.max()}")
        self.length = columns.shape[1]
        self._base = int(columns.max(initial=0)) + 1
        ids, keys = [np.zeros(len(w), np.int64)], [np.zeros(1, np.int64)]
        for column in columns.T:
            found, place = np.unique(ids[-1] * self._base + column, return_inverse=True)
            keys.append(found)
            ids.append(place.astype(np.int64))
        levels: list[_Level] = []
        longer: tuple[Numbers, Numbers] | None = None  # the different pairs one longer
        for length in range(self.length, -1, -1):
            if longer is None:
                u, v = ids[length], w
            else:  # from each different pair one longer, its context without the last column
                u, v = keys[length + 1][longer[0]] // self._base, longer[1]
            pairs, counts = np.unique(u * K + v, return_counts=True)
            total: Array = np.bincount(pairs // K, counts, len(keys[length])).astype(float)
            different = np.bincount(pairs // K, minlength=len(keys[length])).astype(float)
            once, twice = np.sum(counts == 1), np.sum(counts == 2)
            discount = float(once / (once + 2 * twice)) if once else 0.0
            levels.append(_Level(keys[length], pairs, counts.astype(float), total, different, discount))
            longer = pairs // K, pairs % K
        self._levels = levels[::-1]

    @property
    def discounts(self) -> list[float]:
        """D for each length of the context, from 0 on."""
        return [level.discount for level in self._levels]

    def probabilities(self, contexts: ArrayLike) -> Array:
        """p(w | u) for each of N contexts (N, L): an array (N, K) whose rows sum to 1."""
        columns = self._check(contexts)
        p: Array = np.full((len(columns), self.K), 1 / self.K)
        for level, rows, u in self._contexts(columns):
            first, end = np.searchsorted(level.pairs, [u * self.K, (u + 1) * self.K])
            many = end - first
            row = np.repeat(np.arange(len(u)), many)
            pair = np.arange(many.sum()) + np.repeat(first - many.cumsum() + many, many)
            above = np.zeros((len(u), self.K))
            above[row, level.pairs[pair] % self.K] = level.counts[pair] - level.discount
            share = level.discount * level.different[u, None]
            p[rows] = (above + share * p[rows]) / level.total[u, None]
        return p

    def probability_of(self, contexts: ArrayLike, symbols: ArrayLike) -> Array:
        """p(w | u) for each of N contexts (N, L) and the symbol (N,) that came after it: an array (N,)."""
        columns, w = self._check(contexts), _whole(symbols, "symbols", 1)
        if len(columns) != len(w) or w.max(initial=0) >= self.K:
            raise ValueError(f"symbols must be {len(columns)} numbers below {self.K}, one for each context")
        p: Array = np.full(len(w), 1 / self.K)
        for level, rows, u in self._contexts(columns):
            pair, there = _find(level.pairs, u * self.K + w[rows])
            above = np.where(there, level.counts[pair] - level.discount, 0)
            p[rows] = (above + level.discount * level.different[u] * p[rows]) / level.total[u]
        return p

    def _check(self, contexts: ArrayLike) -> Numbers:
        columns = _whole(contexts, "contexts", 2)
        if columns.shape[1] != self.length:
            raise ValueError(f"contexts must have {self.length} columns, got {columns.shape[1]}")
        return columns

    def _contexts(self, columns: Numbers) -> Iterator[tuple[_Level, Numbers, Numbers]]:
        """From the empty context on, level by level: which rows have a known one, and its id."""
        rows, u = np.arange(len(columns)), np.zeros(len(columns), np.int64)
        for length, level in enumerate(self._levels):
            if length:
                column = columns[rows, length - 1]
                u, known = _find(level.contexts, u * self._base + np.minimum(column, self._base - 1))
                known &= column < self._base
                rows, u = rows[known], u[known]
            yield level, rows, u


def _find(keys: Numbers, wanted: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where each wanted key stands in the sorted `keys`, and whether it is there."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def _whole(array: ArrayLike, name: str, axes: int) -> Numbers:
    made = np.asarray(array)
    if made.ndim != axes or not (np.issubdtype(made.dtype, np.integer) or made.size == 0):
        raise ValueError(
            f"{name} must be whole numbers with {axes} axes, got {made.dtype} of shape {made.shape}"
        )
    if made.min(initial=0) < 0:
        raise ValueError(f"{name} must not be below 0, got {made.min()}")
    return made.astype(np.int64)
