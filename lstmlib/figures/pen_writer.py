"""A trained writer that travels in the page: letters to choose, and a bias that makes the hand neater."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared
from lstmlib.lstm import lstm_step
from lstmlib.mixture import PARTS, mixture_of, point_of
from lstmlib.strokes import LETTERS

STEP = 0.25
"""The unit of length of the network, in heights of an x."""
MOST_LETTERS = 8
MOST_POINTS = 60
"""The most points of a letter: a network that has not come to an end by then is stopped."""
BIAS = Between(0, 3)
HIGHEST_SEED = 999
FACTOR, PRIME = 48271, 2**31 - 1
"""Of Park and Miller's generator of chance, s ← 48271 s mod 2³¹ − 1."""
PER_POINT = 4
"""Numbers of chance that a point takes."""
NAMES = {**of_lstm("lstm"), "readout.W": "read.weight", "readout.b": "read.bias"}


class Written(NamedTuple):
    """A letter that the network wrote: its points (N, 3), and whether it came to an end by itself."""

    letter: str
    points: Array
    ended: bool

    @property
    def strokes(self) -> list[Array]:
        """The places (x, y) of each stroke, in heights of an x, from the letter's left end on the line."""
        places = STEP * self.points[:, :2].cumsum(axis=0)
        ends = np.flatnonzero(self.points[:-1, 2]) + 1
        return np.split(places, ends) if len(places) else []


class _PenWriterCanvas(Canvas):
    _esm = module_source("pen_writer")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    letters = traitlets.Unicode(LETTERS).tag(sync=True)
    step = traitlets.Float(STEP).tag(sync=True)
    longest = traitlets.Int(MOST_LETTERS).tag(sync=True)
    most = traitlets.Int(MOST_POINTS).tag(sync=True)
    highest = traitlets.Int(HIGHEST_SEED).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    bias = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    shown = traitlets.Int(-1).tag(sync=True)
    looking = traitlets.Bool(False).tag(sync=True)


def _text(text: str, name: str) -> str:
    letters = isinstance(text, str) and set(text) <= set(LETTERS)
    if not letters or not 1 <= len(text) <= MOST_LETTERS:
        raise ValueError(f"{name} must be 1 to {MOST_LETTERS} letters from a to z, got {text!r}")
    return text


def _seed(seed: int, name: str) -> int:
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= HIGHEST_SEED:
        raise ValueError(f"{name} must be a whole number from 0 to {HIGHEST_SEED}, got {seed!r}")
    return int(seed)


class PenWriter(Figure):
    """A trained writer of letters, with its weights in the page.

    The reader types letters and moves the bias; the page draws chance from the seed, and writes, all at once
    or point by point, with the mixture that each point was drawn from. The weights travel as float32,
    compressed.

    `weights` is the `state_dict` of a torch model with the parts `lstm` (`LSTM`, one layer, which reads a
    point dx, dy, lifted, in units of `STEP`, and the one-hot of one of 26 letters) and `read`
    (`Linear`, to the raw numbers of `lstmlib.mixture`). The first point is read as (0, 0, 1), the left end of
    the letter on the line that it stands on, with the pen in the air; a letter ends where the pen is lifted
    twice in a row. `text`, `bias` and `seed` are as the reader has set them; Python may set them too.

    Raises ValueError for weights of another shape, a text that is not 1 to 8 letters from a to z, a bias
    outside 0 to 3, or a seed that is no whole number from 0 to 999.
    """

    def __init__(
        self, weights: Mapping[str, ArrayLike], text: str = "lstm", bias: float = 0.5, seed: int = 1
    ) -> None:
        self._arrays = _arrays(weights)
        super().__init__(_PenWriterCanvas(**pack(self._arrays)), text=text, bias=bias, seed=seed)
        self._add_slider("bias", "b bias", BIAS, 0.1)

    text = shared("text", _text)
    bias = shared("bias", BIAS.check)
    seed = shared("seed", _seed)

    @property
    def written(self) -> list[Written]:
        """What the network writes, letter by letter."""
        return [self._write(letter, k) for k, letter in enumerate(self.text)]

    def _write(self, letter: str, k: int) -> Written:
        params = {param: self._arrays[f"lstm.{param}"] for param in ("W_x", "W_h", "b")}
        W, b = self._arrays["readout.W"], self._arrays["readout.b"]
        chance = chance_from(
            (MOST_LETTERS * self.seed + k) * PER_POINT * MOST_POINTS, PER_POINT * MOST_POINTS
        )
        h: Array = np.zeros((1, W.shape[1]))
        c = h
        point: Array = np.array([0.0, 0.0, 1.0])
        points: list[Array] = []
        for pick, lift, u, v in chance.reshape(MOST_POINTS, PER_POINT):
            x = np.concatenate([point, np.eye(len(LETTERS))[LETTERS.index(letter)]])
            h, c, _ = lstm_step(x[None], h, c, params)
            normal = np.sqrt(-2 * np.log(u)) * np.array([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)])
            before = point
            point = point_of(mixture_of(W @ h[0] + b, self.bias), [pick, lift], normal)
            if before[2] and point[2]:
                return Written(letter, np.array(points).reshape(-1, 3), True)
            points.append(point)
        return Written(letter, np.array(points), False)


def chance_from(place: int, count: int) -> Array:
    """`count` numbers between 0 and 1 from a place in the generator's long row on, as the page has them.

    Park & Miller 1988, with the factor of their reply of 1993.

    >>> chance_from(0, 2) * PRIME == [48271, 48271**2 % PRIME]
    array([ True,  True])
    """
    s, numbers = pow(FACTOR, place, PRIME), []
    for _ in range(count):
        s = FACTOR * s % PRIME
        numbers.append(s / PRIME)
    return np.array(numbers)


def _arrays(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every array of the network as float32 numbers, under the name that the page finds it at."""
    arrays = from_torch(weights, NAMES)
    H, size = len(arrays["lstm.b"]) // 4, len(arrays["readout.b"])
    if size <= 1 or (size - 1) % PARTS:
        raise ValueError(f"read.bias must hold 6 M + 1 numbers, got {size}")
    shapes = {
        "lstm.W_x": (4 * H, 3 + len(LETTERS)),
        "lstm.W_h": (4 * H, H),
        "lstm.b": (4 * H,),
        "readout.W": (size, H),
    }
    check_shapes(arrays, shapes, NAMES)
    return arrays
