"""A trained reader that travels in the page: paper to write on, and what the network reads there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array, softmax
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.ctc import ctc_loss, greedy_decode
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared
from lstmlib.readout import Readout
from lstmlib.strokes import FURTHEST, LETTERS, SPREAD, STEP, Ink, for_reading, ink_of, spread

STRIDE = 2
"""Points from one step of the network to the next."""
MOST_POINTS = 160
"""The most points that the network reads, at equal distance: more is no single word."""
SMALLEST = 0.4
"""The least height of all ink, in heights of an x as the paper is ruled."""
ACROSS, UP = Between(0, 10), Between(-1.2, 2.6)
"""The paper, in heights of an x; 0 is the line that a word stands on."""
PROBABILITY = Between(0, 1)
NAMES = {
    "convolution.W": "conv.weight",
    "convolution.b": "conv.bias",
    **of_lstm("there"),
    **of_lstm("back"),
    "readout.W": "read.weight",
    "readout.b": "read.bias",
}


class Reading(NamedTuple):
    """What the network makes of ink: a word, the probability of all paths that say it, and y (T, K)."""

    word: str
    probability: float
    y: Array


class _PenReaderCanvas(Canvas):
    _esm = module_source("pen_reader")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    letters = traitlets.Unicode(LETTERS).tag(sync=True)
    settings: Any = traitlets.Dict().tag(sync=True)
    samples: Any = traitlets.List().tag(sync=True)
    sample = traitlets.Int(-1).tag(sync=True)
    strokes: Any = traitlets.List().tag(sync=True)


def _strokes(strokes: Sequence[ArrayLike], name: str) -> list[list[list[float]]]:
    """Strokes as lists to two decimals, as the page has them, or a ValueError."""
    checked = []
    for k, stroke in enumerate(strokes):
        places = np.asarray(stroke, dtype=float)
        if places.ndim != 2 or places.shape[1] != 2 or not len(places):
            raise ValueError(f"{name}[{k}] must hold places (N, 2), at least one; got shape {places.shape}")
        for axis, (limits, values) in enumerate(zip((ACROSS, UP), places.T, strict=True)):
            for value in values:
                limits.check(float(value), f"{name}[{k}], {'xy'[axis]}")
        checked.append(places.round(2).tolist())
    return checked


class PenReader(Figure):
    """A trained reader of handwriting, with its weights in the page, and paper to write on.

    The reader draws a word with mouse, finger or pen, or picks one of `samples`; the page brings the ink to
    the form in which the network learned (`for_reading`), reads it, and draws for each step how probable a
    letter is. Ink that is empty, too small or too much, and a word whose probability is below `threshold`,
    get a sentence and no word. The weights travel as float32, compressed.

    `weights` is the `state_dict` of a torch model with the parts `conv` (`Conv1d` of 3 inputs, stride 2,
    padded to keep the length, then ReLU), `there` and `back` (`LSTM`, the second reads from the end) and
    `read` (`Linear`, the blank and 26 letters). `samples` has for each name the strokes of a word, places
    (x, y) in heights of an x. `strokes` are as the reader has drawn them, and `sample` is the name that was
    picked, or None; Python may set both.

    Raises ValueError for weights of another shape, a threshold outside 0 to 1, or strokes that leave the
    paper.
    """

    def __init__(
        self,
        weights: Mapping[str, ArrayLike],
        samples: Mapping[str, Sequence[ArrayLike]] | None = None,
        threshold: float = 0.5,
    ) -> None:
        arrays = _arrays(weights)
        self._layers = _layers(arrays)
        settings = {
            "step": STEP,
            "wanted": SPREAD,
            "furthest": FURTHEST,
            "stride": STRIDE,
            "most": MOST_POINTS,
            "smallest": SMALLEST,
            "threshold": PROBABILITY.check(threshold, "threshold"),
        }
        written = [
            [name, _strokes(strokes, f"samples[{name!r}]")] for name, strokes in (samples or {}).items()
        ]
        canvas = _PenReaderCanvas(**pack(arrays), settings=settings, samples=written)
        super().__init__(canvas, strokes=[], sample=next(iter(samples or {}), None))

    strokes = shared("strokes", _strokes, lambda strokes: [np.array(stroke) for stroke in strokes])

    @property
    def sample(self) -> str | None:
        """The name that was picked; None where the reader's own strokes are shown."""
        return None if self._canvas.sample < 0 else self._canvas.samples[self._canvas.sample][0]

    @sample.setter
    def sample(self, sample: str | None) -> None:
        names = [name for name, _ in self._canvas.samples]
        if sample is not None and sample not in names:
            raise ValueError(f"sample must be None or one of {names}, got {sample!r}")
        self._canvas.sample = -1 if sample is None else names.index(sample)

    @property
    def ink(self) -> Ink | None:
        """What stands on the paper; None where it is empty."""
        strokes = self._canvas.samples[self._canvas.sample][1] if self.sample else self._canvas.strokes
        return ink_of([np.array(stroke) for stroke in strokes]) if strokes else None

    @property
    def reading(self) -> Reading | None:
        """What the network makes of the ink, sure or not; None where there is nothing that can be read."""
        ink = self.ink
        if ink is None:
            return None
        heights = np.concatenate(ink.strokes)[:, 1]
        if np.ptp(heights) < SMALLEST or spread(ink) == 0:
            return None
        points = for_reading(ink).points
        if len(points) > MOST_POINTS:
            return None
        scores = self._scores(points)
        [symbols] = greedy_decode(scores)
        probability = float(np.exp(-ctc_loss(scores, [symbols]).loss[0]))
        word = "".join(LETTERS[symbol - 1] for symbol in symbols)
        return Reading(word, probability, softmax(scores[:, 0]))

    @property
    def word(self) -> str | None:
        """What the network says: None where it keeps silent."""
        reading, threshold = self.reading, self._canvas.settings["threshold"]
        sure = reading is not None and reading.word and reading.probability >= threshold
        return reading.word if reading is not None and sure else None

    def _scores(self, points: Array) -> Array:
        (W, b), lstm, readout = self._layers
        half = W.shape[1] // 6
        padded = np.pad(points, ((half, half), (0, 0)))
        windows = [padded[t : t + 2 * half + 1].ravel() for t in range(0, len(points), STRIDE)]
        seen = np.maximum(np.stack(windows) @ W.T + b, 0)
        return readout.forward(lstm.forward(seen[:, None])[0])


def _arrays(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every array of the network as float32 numbers, under the name that the page finds it at."""
    arrays = from_torch(weights, NAMES)
    W, H = arrays["convolution.W"], len(arrays["there.b"]) // 4
    if W.ndim != 3 or W.shape[1] != 3 or W.shape[2] % 2 == 0:
        raise ValueError(f"conv.weight must have shape (C, 3, K) with an odd K, got {W.shape}")
    C = len(W)
    # A row for each filter: all three numbers of a point, then those of the next
    arrays["convolution.W"] = W.transpose(0, 2, 1).reshape(C, -1)
    shapes = {"convolution.b": (C,), "readout.W": (len(LETTERS) + 1, 2 * H), "readout.b": (len(LETTERS) + 1,)}
    for part in ("there", "back"):
        shapes |= {f"{part}.W_x": (4 * H, C), f"{part}.W_h": (4 * H, H), f"{part}.b": (4 * H,)}
    check_shapes(arrays, shapes, NAMES)
    return arrays


def _layers(arrays: Mapping[str, Array]) -> tuple[tuple[Array, Array], BidirectionalLSTM, Readout]:
    H, C = len(arrays["there.b"]) // 4, len(arrays["convolution.b"])
    lstm, readout = BidirectionalLSTM(C, 2 * H), Readout(2 * H, len(LETTERS) + 1)
    for direction, part in (("forward", "there"), ("backward", "back")):
        for param in ("W_x", "W_h", "b"):
            lstm.params[f"{direction}.{param}"] = arrays[f"{part}.{param}"]
    readout.params.update(W=arrays["readout.W"], b=arrays["readout.b"])
    return (arrays["convolution.W"], arrays["convolution.b"]), lstm, readout
