"""A loop over a word: one unit read as many copies, each handing its value to the next."""

import re

import numpy as np
import traitlets

from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared

LETTERS = {"a": 1.0, "b": -1.0}
"""What a letter is worth to the unit; every other letter is worth 0."""
MOST_LETTERS = 10
WEIGHT = Between(-3, 3)


class _UnrolledLoopCanvas(Canvas):
    _esm = module_source("unrolled_loop")
    word = traitlets.Unicode().tag(sync=True)
    w, u = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    letters = traitlets.Dict(LETTERS).tag(sync=True)
    longest = traitlets.Int(MOST_LETTERS).tag(sync=True)


def _word(word: str, name: str) -> str:
    if not isinstance(word, str) or not re.fullmatch(f"[a-z]{{1,{MOST_LETTERS}}}", word):
        raise ValueError(f"{name} must be 1 to {MOST_LETTERS} letters from a to z, got {word!r}")
    return word


class UnrolledLoop(Figure):
    """One unit that reads a word letter by letter, unrolled into a copy for each letter.

    h_t = tanh(w x_t + u h_{t−1}), h_0 = 0, where x is +1 for an a, −1 for a b, 0 for other letters. The
    word has 1 to 10 letters from a to z, in lower case; w and u lie in [−3, 3]; Python may set all three.

    Raises ValueError for a word with another character or length, or a weight outside its range.

    >>> UnrolledLoop(word="ab", w=1.0, u=0.0).h.round(2)
    array([ 0.76, -0.76])
    """

    def __init__(self, word: str = "aab", w: float = 1.0, u: float = 0.5) -> None:
        super().__init__(_UnrolledLoopCanvas(), word=word, w=w, u=u)
        self._add_slider("w", "w weight of the letter", WEIGHT, 0.1)
        self._add_slider("u", "u weight of the loop", WEIGHT, 0.1)

    word = shared("word", _word)
    w, u = shared("w", WEIGHT.check), shared("u", WEIGHT.check)

    @property
    def x(self) -> np.ndarray:
        """What the letters are worth."""
        return np.array([LETTERS.get(letter, 0.0) for letter in self.word])

    @property
    def h(self) -> np.ndarray:
        """The unit's value after each letter."""
        h, values = 0.0, []
        for x in self.x:
            h = np.tanh(self.w * x + self.u * h)
            values.append(h)
        return np.array(values)
