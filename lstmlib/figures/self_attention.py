"""A short sentence that looks at itself, with queries, keys and values as arrows in the plane."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import softmax
from lstmlib.attention import causal_mask
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared

LIMIT = 2.0
"""How far an arrow may reach, across and up."""
MOST_WORDS = 5
LONGEST = 8
"""The most letters that a word may have, so that it fits beside its arrow."""
SMALL = 0.5
"""The length of the vector of a place."""
KINDS = {"q": "query", "k": "key", "v": "value"}
TEMPERATURE = Between(0.1, 4)
HEADS = (1, 2)

SENTENCE: dict[str, tuple[tuple[float, float], ...]] = {
    # query, key and value, set by hand
    "dog": ((-0.4, 1.8), (1.6, -0.4), (1.5, 1.0)),
    "bites": ((1.8, -0.2), (-0.3, 1.6), (-0.5, 1.6)),
    "old": ((1.3, 0.9), (-1.4, -0.8), (-1.5, -0.6)),
    "man": ((-1.5, -0.9), (1.2, 0.7), (0.9, -1.4)),
}


class _SelfAttentionCanvas(Canvas):
    _esm = module_source("self_attention")
    words: Any = traitlets.List().tag(sync=True)
    kinds: Any = traitlets.List([list(pair) for pair in KINDS.items()]).tag(sync=True)
    limit = traitlets.Float(LIMIT).tag(sync=True)
    at_place: Any = traitlets.List().tag(sync=True)
    q: Any = traitlets.List().tag(sync=True)
    k: Any = traitlets.List().tag(sync=True)
    v: Any = traitlets.List().tag(sync=True)
    order: Any = traitlets.List().tag(sync=True)
    scaled, positions = traitlets.Bool().tag(sync=True), traitlets.Bool().tag(sync=True)
    causal, heads = traitlets.Bool().tag(sync=True), traitlets.Int(1).tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)
    word, kind = traitlets.Int().tag(sync=True), traitlets.Unicode("q").tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)


def _switch(value: bool, name: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def _heads(value: int, name: str) -> int:
    if isinstance(value, bool) or value not in HEADS:
        raise ValueError(f"{name} must be 1 or 2, got {value!r}")
    return int(value)


def _arrows(name: str) -> property:
    """The arrows of one kind, a row for each word."""

    def get(figure: Any) -> np.ndarray:
        return np.array(getattr(figure._canvas, name))

    def put(figure: Any, arrows: ArrayLike) -> None:
        rows, n = _numbers(arrows), len(figure.words)
        if rows.shape != (n, 2) or not (np.abs(rows) <= LIMIT).all():
            raise ValueError(
                f"{name} must hold 2 numbers from {-LIMIT:g} to {LIMIT:g} for each of {n} words, "
                f"got {arrows!r}"
            )
        setattr(figure._canvas, name, rows.tolist())

    return property(get, put)


class SelfAttention(Figure):
    """Two to five words, each with a query, a key and a value in the plane, and what attention makes of them.

    weights = softmax(Q Kᵀ / (√d · temperature));  outputs = weights · V

    The reader drags arrows or moves them by keyboard, swaps neighbouring words, and turns on and off: the
    division by √d, a vector for each place (it is added to query, key and value alike), a causal mask, and
    a second head. With one head d is 2. With two d is 1: one looks with the first numbers of the arrows,
    the other with the second, and their outputs stand side by side.

    Parameters
    ----------
    words : sequence of str
        Two to five, each with at most 8 letters. Without arrows they must be the words of the default.
    q, k, v : array (n, 2), optional
        The arrows of each word, from −2 to 2.

    Python may set what the reader sets: `q`, `k`, `v` (a row for each of `words`), `order` (which word stands
    at each place), `scaled`, `positions`, `causal`, `heads` (1 or 2), `temperature` (0.1 to 4), and which
    arrow is chosen, `word` and `kind` ("q", "k" or "v"). Raises ValueError for a value that does not fit.

    Examples
    --------
    >>> figure = SelfAttention(["one", "other"], q=[[1, 0], [0, 1]], k=[[0, 0], [0, 0]], v=[[2, 0], [0, 2]])
    >>> figure.weights[0].tolist(), figure.outputs.tolist()
    ([[0.5, 0.5], [0.5, 0.5]], [[1.0, 1.0], [1.0, 1.0]])
    """

    def __init__(
        self,
        words: Sequence[str] = tuple(SENTENCE),
        q: ArrayLike | None = None,
        k: ArrayLike | None = None,
        v: ArrayLike | None = None,
    ) -> None:
        words = _words(words)
        if q is None and k is None and v is None:
            if missing := [word for word in words if word not in SENTENCE]:
                raise ValueError(f"q, k and v must be given for words without arrows of their own: {missing}")
            q, k, v = zip(*(SENTENCE[word] for word in words), strict=True)
        turn = np.arange(len(words))
        canvas = _SelfAttentionCanvas(
            words=words, at_place=(SMALL * np.column_stack([np.sin(turn), np.cos(turn)])).tolist()
        )
        begin = {
            "q": q, "k": k, "v": v, "order": turn, "scaled": True, "positions": False, "causal": False,
            "heads": 1, "temperature": 1.0, "word": 0, "kind": "q",
        }  # fmt: skip
        super().__init__(canvas, **begin)
        canvas.initial = {name: getattr(canvas, name) for name in begin}
        self._add_slider("temperature", "temperature", TEMPERATURE, 0.1)

    @property
    def words(self) -> list[str]:
        """The words, in the order in which they were given."""
        return list(self._canvas.words)

    @property
    def sentence(self) -> list[str]:
        """The words as they stand now."""
        return [self.words[n] for n in self.order]

    q, k, v = (_arrows(name) for name in "qkv")

    @property
    def order(self) -> list[int]:
        """For each place the word that stands there, by its number."""
        return list(self._canvas.order)

    @order.setter
    def order(self, order: Sequence[int]) -> None:
        if sorted(_numbers(order).ravel().tolist()) != list(range(len(self.words))):
            raise ValueError(
                f"order must hold each number from 0 to {len(self.words) - 1} once, got {order!r}"
            )
        self._canvas.order = [int(n) for n in order]

    @property
    def word(self) -> int:
        """The word whose arrow is chosen."""
        return self._canvas.word

    @word.setter
    def word(self, word: int) -> None:
        if isinstance(word, bool) or word not in range(len(self.words)):
            raise ValueError(f"word must be a whole number from 0 to {len(self.words) - 1}, got {word!r}")
        self._canvas.word = int(word)

    kind = shared("kind", one_of(KINDS))
    scaled, positions, causal = (shared(name, _switch) for name in ("scaled", "positions", "causal"))
    heads = shared("heads", _heads)
    temperature = shared("temperature", TEMPERATURE.check)

    @property
    def weights(self) -> np.ndarray:
        """The weights of each head, (heads, n, n): row t is how much place t looks at each place."""
        return self._look()[0]

    @property
    def outputs(self) -> np.ndarray:
        """The output at each place, (n, 2)."""
        return self._look()[1]

    def _look(self) -> tuple[np.ndarray, np.ndarray]:
        added = np.array(self._canvas.at_place) if self.positions else 0.0
        q, k, v = (
            np.split(arrows[self.order] + added, self.heads, axis=1) for arrows in (self.q, self.k, self.v)
        )
        divisor = (np.sqrt(2 / self.heads) if self.scaled else 1.0) * self.temperature
        n = len(self.words)
        mask = causal_mask(n) if self.causal else np.ones((n, n), bool)
        scores = np.stack([queries @ keys.T for queries, keys in zip(q, k, strict=True)]) / divisor
        weights = softmax(np.where(mask, scores, -np.inf))
        return weights, np.hstack([look @ values for look, values in zip(weights, v, strict=True)])


def _numbers(given: ArrayLike) -> np.ndarray:
    """An array of floats; NaN, which fits nowhere, where there is anything else."""
    try:
        return np.asarray(given, float)
    except (TypeError, ValueError):
        return np.full(1, np.nan)


def _words(words: Sequence[str]) -> list[str]:
    """Two to five different short words, or a ValueError."""
    fits = not isinstance(words, str) and 2 <= len(words) <= MOST_WORDS and len(set(words)) == len(words)
    if not fits or not all(isinstance(word, str) and 1 <= len(word.strip()) <= LONGEST for word in words):
        raise ValueError(
            f"words must be 2 to {MOST_WORDS} different words of at most {LONGEST} letters, got {words!r}"
        )
    return list(words)
