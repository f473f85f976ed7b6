"""A trained teller that travels in the page: a digit to move over a screen, and the sentence it gets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array, softmax
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source
from lstmlib.lstm import LSTM
from lstmlib.moving_digits import (
    DIRECTIONS,
    FRAMES,
    LEGS,
    NAMES,
    ROOM,
    SCAN,
    SCREEN,
    SHORTEST,
    WORDS,
    Path,
    directions_of,
    film,
    sentence,
    walk,
)
from lstmlib.vocabulary import END, START

PROBABILITY = Between(0, 1)
EYE = {
    "near.W": "near.weight",
    "near.b": "near.bias",
    "far.W": "far.weight",
    "far.b": "far.bias",
    "mix.W": "mix.weight",
    "mix.b": "mix.bias",
    "answer.W": "answer.weight",
    "answer.b": "answer.bias",
}
TELLER = {
    **of_lstm("read"),
    **of_lstm("say"),
    "embed": "embed.weight",
    "out.W": "out.weight",
    "out.b": "out.bias",
}
START_WORD, END_WORD = WORDS.encode((START, END)).tolist()
LONGEST = LEGS + 2
"""Words of a sentence: a name, the directions, END."""


class Telling(NamedTuple):
    """What the decoder says: numbers of `WORDS`, and the product of their probabilities."""

    words: tuple[int, ...]
    probability: float


class _MovingDigitCanvas(Canvas):
    _esm = module_source("moving_digit")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    words: Any = traitlets.List([str(word) for word in WORDS.symbols]).tag(sync=True)
    settings: Any = traitlets.Dict().tag(sync=True)
    scans: Any = traitlets.List().tag(sync=True)
    scan = traitlets.Unicode().tag(sync=True)
    start: Any = traitlets.List().tag(sync=True)
    moves: Any = traitlets.List().tag(sync=True)


class MovingDigit(Figure):
    """A trained eye and teller, with their weights in the page, and a digit to move over their screen.

    The reader drags the digit with mouse or finger, or moves it by buttons and arrow keys. The page makes
    the twelve frames, lets the eye look at each, and shows what the teller says of them. A path with
    a leg of fewer than three pixels or with more than three legs, as no training film has, gets a reason and
    no sentence; so does what the teller says with a probability below `threshold`.
    The weights travel as float32, compressed.

    `eye` is the `state_dict` of a torch model with the parts `near` and `far` (`Conv2d` of stride 2 that
    keep the middle, each followed by ReLU), `mix` (`Linear`, ReLU) and `answer` (`Linear`, ten scores for
    the name and a place). `teller` is that of one with `read` and `say` (`LSTM`), `embed` (`Embedding`) and
    `out` (`Linear`). `scans` has an image (8, 8) from 0 to 1 under each name. `scan` is the name that is
    shown, `start` the row and the column of its place in the first frame, from 0 to 8, and `moves` are up
    to eleven numbers: 0 to 3 for left, right, up and down, -1 for a rest. Python may set all three. Set
    `start` before `moves`: a new start takes all moves back.

    Raises ValueError for weights of another shape, a threshold outside 0 to 1, no scans, or a digit that
    would leave the screen.
    """

    def __init__(
        self,
        eye: Mapping[str, ArrayLike],
        teller: Mapping[str, ArrayLike],
        scans: Mapping[str, ArrayLike],
        threshold: float = 0.5,
        scan: str | None = None,
    ) -> None:
        self._weights = _arrays(eye, teller)
        self._scans = {name: _scan(image, name) for name, image in scans.items()}
        if not self._scans:
            raise ValueError("scans must hold at least one image")
        settings = {
            "screen": SCREEN,
            "size": SCAN,
            "frames": FRAMES,
            "room": ROOM,
            "shortest": SHORTEST,
            "legs": LEGS,
            "longest": LONGEST,
            "first": START_WORD,
            "end": END_WORD,
            "steps": [list(step) for step in DIRECTIONS.values()],
            "names": len(NAMES),
            "threshold": PROBABILITY.check(threshold, "threshold"),
        }
        images = [[name, image.tolist()] for name, image in self._scans.items()]
        canvas = _MovingDigitCanvas(**pack(self._weights), settings=settings, scans=images)
        super().__init__(canvas, scan=scan or next(iter(self._scans)), start=(ROOM // 2, ROOM // 2))

    @property
    def scan(self) -> str:
        """The name of the scan that moves."""
        return self._canvas.scan

    @scan.setter
    def scan(self, scan: str) -> None:
        if scan not in self._scans:
            raise ValueError(f"scan must be one of {list(self._scans)}, got {scan!r}")
        self._canvas.scan = scan

    @property
    def start(self) -> tuple[int, int]:
        """Row and column of the digit's place in the first frame."""
        row, column = self._canvas.start
        return row, column

    @start.setter
    def start(self, start: Sequence[int]) -> None:
        found = np.asarray(start)
        if found.shape != (2,) or found.dtype.kind != "i" or found.min() < 0 or found.max() > ROOM:
            raise ValueError(f"start must be two whole numbers from 0 to {ROOM}, got {start!r}")
        self._canvas.moves = []
        self._canvas.start = found.tolist()

    @property
    def path(self) -> Path:
        """The digit's place in each of the twelve frames, (12, 2); it rests when its moves are over."""
        moves = [*self._canvas.moves, *[-1] * (FRAMES - 1 - len(self._canvas.moves))]
        return walk(self.start, moves)

    @property
    def frames(self) -> Array:
        """What the eye sees, (12, 16, 16)."""
        return film(self._scans[self.scan][None], self.path[:, None])[:, 0]

    @property
    def telling(self) -> Telling:
        """What the decoder says of the frames, sure or not."""
        return _tell(_look(self.frames.astype(float), self._weights), self._weights)

    @property
    def sentence(self) -> str | None:
        """What the figure says: None where it keeps silent."""
        directions = directions_of(self.path)
        legs = _leg_lengths(self._canvas.moves)
        words, probability = self.telling
        known = 0 < len(directions) <= LEGS and min(legs) >= SHORTEST
        sure = probability >= self._canvas.settings["threshold"]
        return sentence(words) if known and sure else None

    def _moves(self, moves: Sequence[int], name: str) -> list[int]:
        found = np.asarray(moves, dtype=float)
        if found.ndim != 1 or len(found) > FRAMES - 1 or not np.isin(found, [-1, 0, 1, 2, 3]).all():
            raise ValueError(f"{name} must be up to {FRAMES - 1} whole numbers from -1 to 3, got {moves!r}")
        path = walk(self.start, found.astype(int))
        if path.min() < 0 or path.max() > ROOM:
            raise ValueError(
                f"{name} must not lead off the screen, but frame {_first_outside(path)} is there"
            )
        return found.astype(int).tolist()

    @property
    def moves(self) -> list[int]:
        """The moves from frame to frame: 0 to 3 for left, right, up and down, -1 for a rest."""
        return list(self._canvas.moves)

    @moves.setter
    def moves(self, moves: Sequence[int]) -> None:
        self._canvas.moves = self._moves(moves, "moves")


def _first_outside(path: Path) -> int:
    return int(np.flatnonzero(((path < 0) | (path > ROOM)).any(axis=1))[0]) + 1


def _leg_lengths(moves: Sequence[int]) -> list[int]:
    lengths: list[int] = []
    before = -1
    for move in moves:
        if move >= 0:
            if move == before:
                lengths[-1] += 1
            else:
                lengths.append(1)
            before = move
    return lengths


def _scan(image: ArrayLike, name: str) -> Array:
    found = np.asarray(image, dtype=float)
    if found.shape != (SCAN, SCAN) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"scans[{name!r}] must hold {SCAN} x {SCAN} numbers from 0 to 1")
    return found.round(4)


def _arrays(eye: Mapping[str, ArrayLike], teller: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every array of both networks as float32 numbers, under the name that the page finds it at."""
    arrays = from_torch(eye, EYE) | from_torch(teller, TELLER)
    near, far = arrays["near.W"], arrays["far.W"]
    for name, W in (("near", near), ("far", far)):
        if W.ndim != 4 or W.shape[2] != W.shape[3] or W.shape[2] % 2 == 0:
            raise ValueError(f"{name}.weight must have shape (C, D, K, K) with an odd K, got {W.shape}")
    C, D, d, side = len(near), len(far), len(arrays["mix.b"]), SCREEN // 4
    H, E, V = len(arrays["read.b"]) // 4, arrays["embed"].shape[-1], len(WORDS)
    shapes: dict[str, tuple[int, ...]] = {
        "near.W": (C, 1, *near.shape[2:]),
        "near.b": (C,),
        "far.W": (D, C, *far.shape[2:]),
        "far.b": (D,),
        "mix.W": (d, D * side * side),
        "answer.W": (len(NAMES) + 2, d),
        "answer.b": (len(NAMES) + 2,),
        "embed": (V, E),
        "out.W": (V, H),
        "out.b": (V,),
    }
    for part, inputs in (("read", len(NAMES) + 2), ("say", E)):
        shapes |= {f"{part}.W_x": (4 * H, inputs), f"{part}.W_h": (4 * H, H), f"{part}.b": (4 * H,)}
    check_shapes(arrays, shapes, EYE | TELLER)
    # A row for each filter; and for each word its vector, already weighted
    arrays |= {"near.W": near.reshape(C, -1), "far.W": far.reshape(D, -1)}
    arrays["say.W_x"] = (arrays["say.W_x"] @ arrays.pop("embed").T).astype(np.float32).astype(float)
    return arrays


def _convolve(x: Array, W: Array, b: Array) -> Array:
    """ReLU of a convolution of x (N, C, S, S) with stride 2, zeros around it."""
    K = int(np.sqrt(W.shape[1] / x.shape[1]))
    half = K // 2
    padded = np.pad(x, ((0, 0), (0, 0), (half, half), (half, half)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(2, 3))[:, :, ::2, ::2]
    seen = np.moveaxis(views, 1, 3).reshape(len(x), *views.shape[2:4], -1)
    return np.maximum(np.moveaxis(seen @ W.T + b, 3, 1), 0)


def _look(frames: Array, weights: Mapping[str, Array]) -> Array:
    """For each frame (T, 16, 16) ten probabilities and a place, (T, 12)."""
    near = _convolve(frames[:, None], weights["near.W"], weights["near.b"])
    far = _convolve(near, weights["far.W"], weights["far.b"])
    mixed = np.maximum(far.reshape(len(frames), -1) @ weights["mix.W"].T + weights["mix.b"], 0)
    y = mixed @ weights["answer.W"].T + weights["answer.b"]
    names = len(NAMES)
    return np.concatenate([softmax(y[:, :names]), y[:, names:]], axis=1)


def _tell(answers: Array, weights: Mapping[str, Array]) -> Telling:
    H = len(weights["read.b"]) // 4
    layers = {part: LSTM(weights[f"{part}.W_x"].shape[1], H) for part in ("read", "say")}
    for part, layer in layers.items():
        layer.params.update({name: weights[f"{part}.{name}"] for name in layer.params})
    _, state = layers["read"].forward(answers[:, None])
    words, probability, word = list[int](), 1.0, START_WORD
    while len(words) < LONGEST and word != END_WORD:
        h, state = layers["say"].forward(np.eye(len(WORDS))[[word]][None], state)
        p = softmax(h[0, 0] @ weights["out.W"].T + weights["out.b"])
        word = int(p.argmax())
        words.append(word)
        probability *= float(p[word])
    return Telling(tuple(words), probability)
