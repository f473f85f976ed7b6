"""A trained reader of pictures that travels in the page: where it looks for each word that it says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array, softmax
from lstmlib.attention import AdditiveAttention
from lstmlib.figures.arrays import check_shapes, from_torch, pack
from lstmlib.figures.canvas import Canvas, Figure, module_source, one_of, shared
from lstmlib.lstm import lstm_step

SIZE, ACROSS = 8, 3
"""Pixels along a scan, and places along a page."""
SIDE, PLACES = SIZE * ACROSS, ACROSS * ACROSS
START_WORD, END_WORD, WORDS = 10, 11, 13
"""After the digits 0 to 9 come the start, the end, and a word that fills a batch."""
LONGEST = PLACES + 1
"""The most words that are said: a digit for each place, and the end."""
TOOLS = ("hide", "erase", *map(str, range(10)))
"""What a press on a place does: hides it or shows it, erases its digit, or puts a digit there."""
NAMES = {
    "eye.near.W": "see.0.weight",
    "eye.near.b": "see.0.bias",
    "eye.far.W": "see.3.weight",
    "eye.far.b": "see.3.bias",
    "eye.place": "place",
    "start.W": "start.weight",
    "start.b": "start.bias",
    "embed": "embed.weight",
    "cell.W_x": "cell.weight_ih",
    "cell.W_h": "cell.weight_hh",
    "cell.b": "cell.bias_ih",
    "attention.W_q": "W_q.weight",
    "attention.W_k": "W_k.weight",
    "attention.v": "v.weight",
    "out.W": "read.weight",
    "out.b": "read.bias",
}


class Reading(NamedTuple):
    """What is said of a page: words (T,), each with its probability (T,) and its look (T, 6, 6)."""

    words: tuple[int, ...]
    probabilities: Array
    looks: Array


class _PictureReaderCanvas(Canvas):
    _esm = module_source("picture_reader")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    settings: Any = traitlets.Dict().tag(sync=True)
    scans: Any = traitlets.List().tag(sync=True)
    digits: Any = traitlets.List().tag(sync=True)
    pictures: Any = traitlets.List().tag(sync=True)
    picture = traitlets.Int(-1).tag(sync=True)
    own: Any = traitlets.List([-1] * PLACES).tag(sync=True)
    hidden: Any = traitlets.List().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    tool = traitlets.Unicode(TOOLS[0]).tag(sync=True)


def _step(step: int, name: str) -> int:
    if step not in range(LONGEST + 1):
        raise ValueError(f"{name} must be a whole number from 0 to {LONGEST}, got {step!r}")
    return int(step)


def _hidden(hidden: Sequence[int], name: str) -> list[int]:
    if not set(hidden) < set(range(PLACES)):
        raise ValueError(
            f"{name} must be places from 0 to {PLACES - 1}, and leave one to be seen; got {hidden!r}"
        )
    return sorted({int(place) for place in hidden})


class PictureReader(Figure):
    """A trained reader of pages of digits, with its weights in the page.

    The reader picks a page or puts digits on an empty one, steps through the words, and sees for each how
    much of the look lies on every region. A press on a place hides it from the attention, and from nothing
    else: the digit stays on the page. The weights travel as float32, compressed.

    `weights` is the `state_dict` of a torch model with the parts `see` (a `Sequential` whose parts 0 and 3
    are a `Conv2d` that keeps the size, each followed by the largest of every two by two and ReLU), `place`
    (36, D), `start` (`Linear`, tanh: the first hidden state, from the mean of the regions), `embed`, `cell`
    (`LSTMCell`, over the previous word and the context), `W_q`, `W_k` and `v` (`Linear` without bias: the
    additive score) and `read` (`Linear`, over the state and the context). `scans` (10, 8, 8) from 0 to 1 are
    the digits 0 to 9 that the reader may put on a page. `pictures` has under each name a page (24, 24) and
    its digits in reading order. `most` is how many digits a page of the training had at most.

    `picture`, `cells`, `hidden` and `step`, the number of words shown, are as the reader has set them; Python
    may set them too.

    Raises ValueError for weights of another shape, a scan or a page of another shape or range, and a page
    whose digits are not those that are said.
    """

    def __init__(
        self,
        weights: Mapping[str, ArrayLike],
        scans: ArrayLike,
        pictures: Mapping[str, tuple[ArrayLike, Sequence[int]]],
        most: int = 3,
    ) -> None:
        self._weights = _arrays(weights)
        stock, digits, travelling = list(_image(scans, "scans", (10, SIZE, SIZE))), list(range(10)), []
        for name, (page, said) in pictures.items():
            image = _image(page, f"the page of {name!r}", (SIDE, SIDE))
            parts = image.reshape(ACROSS, SIZE, ACROSS, SIZE).swapaxes(1, 2).reshape(PLACES, SIZE, SIZE)
            filled = np.flatnonzero(parts.any(axis=(1, 2)))
            if len(filled) != len(said) or not set(map(int, said)) <= set(range(10)):
                raise ValueError(f"{name!r} has {len(filled)} digits on its page, and is said to be {said!r}")
            cells = np.full(PLACES, -1)
            cells[filled] = len(stock) + np.arange(len(filled))
            stock += list(parts[filled])
            digits += map(int, said)
            travelling.append([name, cells.tolist()])
        settings = {"side": SIDE, "size": SIZE, "first": START_WORD, "end": END_WORD, "longest": LONGEST}
        self._stock = np.stack(stock)
        canvas = _PictureReaderCanvas(
            **pack(self._weights),
            settings=settings | {"most": int(most), "tools": list(TOOLS)},
            scans=self._stock.tolist(),
            digits=digits,
            pictures=travelling,
        )
        super().__init__(canvas, picture=next(iter(pictures), None))

    hidden = shared("hidden", _hidden, list)
    step = shared("step", _step)
    tool = shared("tool", one_of(TOOLS))

    @property
    def picture(self) -> str | None:
        """The name of the page that was picked; None where the reader's own is shown."""
        return None if self._canvas.picture < 0 else self._canvas.pictures[self._canvas.picture][0]

    @picture.setter
    def picture(self, picture: str | None) -> None:
        names = [name for name, _ in self._canvas.pictures]
        if picture is not None and picture not in names:
            raise ValueError(f"picture must be None or one of {names}, got {picture!r}")
        self._canvas.picture = -1 if picture is None else names.index(picture)

    @property
    def cells(self) -> list[int]:
        """For each of the nine places -1, or a scan: 0 to 9 are `scans`, those of the pictures come after."""
        canvas = self._canvas
        return list(canvas.own if canvas.picture < 0 else canvas.pictures[canvas.picture][1])

    @cells.setter
    def cells(self, cells: Sequence[int]) -> None:
        found = np.asarray(cells)
        last = len(self._stock) - 1
        if found.shape != (PLACES,) or found.dtype.kind != "i" or found.min() < -1 or found.max() > last:
            raise ValueError(f"cells must be {PLACES} whole numbers from -1 to {last}, got {cells!r}")
        self._canvas.own = found.tolist()
        self._canvas.picture = -1

    @property
    def page(self) -> Array:
        """What the network is shown, (24, 24)."""
        parts = np.concatenate([self._stock, np.zeros((1, SIZE, SIZE))])[self.cells]  # -1 is the empty one
        return parts.reshape(ACROSS, ACROSS, SIZE, SIZE).swapaxes(1, 2).reshape(SIDE, SIDE)

    @property
    def digits(self) -> tuple[int, ...]:
        """What stands on the page, in reading order."""
        return tuple(self._canvas.digits[k] for k in self.cells if k >= 0)

    @property
    def reading(self) -> Reading:
        """What the network says of the page, with the places in `hidden` hidden; nothing of an empty one."""
        if not self.digits:
            return Reading((), np.zeros(0), np.zeros((0, 6, 6)))
        return _describe(_regions(self.page, self._weights), self.hidden, self._weights)


def _image(image: ArrayLike, name: str, shape: tuple[int, ...]) -> Array:
    found = np.asarray(image, dtype=float)
    if found.shape != shape or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{name} must hold {' x '.join(map(str, shape))} numbers from 0 to 1")
    return found


def _arrays(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """The weights under our names, in float64, with numbers that float32 holds."""
    arrays = from_torch(weights, NAMES)
    near, far = arrays["eye.near.W"], arrays["eye.far.W"]
    for name, W in (("see.0", near), ("see.3", far)):
        if W.ndim != 4 or W.shape[2] != W.shape[3] or W.shape[2] % 2 == 0:
            raise ValueError(f"{name}.weight must have shape (C, D, K, K) with an odd K, got {W.shape}")
    C, D, H, E = len(near), len(far), len(arrays["cell.b"]) // 4, arrays["embed"].shape[-1]
    A = len(arrays["attention.W_q"])
    shapes: dict[str, tuple[int, ...]] = {
        "eye.near.W": (C, 1, *near.shape[2:]),
        "eye.near.b": (C,),
        "eye.far.W": (D, C, *far.shape[2:]),
        "eye.far.b": (D,),
        "eye.place": ((SIDE // 4) ** 2, D),
        "start.W": (H, D),
        "start.b": (H,),
        "embed": (WORDS, E),
        "cell.W_x": (4 * H, E + D),
        "cell.W_h": (4 * H, H),
        "cell.b": (4 * H,),
        "attention.W_q": (A, H),
        "attention.W_k": (A, D),
        "attention.v": (1, A),
        "out.W": (WORDS, H + D),
        "out.b": (WORDS,),
    }
    check_shapes(arrays, shapes, NAMES)
    # A row for each filter; for each word its vector, already weighted; and the weights of the context
    arrays |= {"eye.near.W": near.reshape(C, -1), "eye.far.W": far.reshape(D, -1)}
    W_word, W_context = np.split(arrays["cell.W_x"], [E], axis=1)
    arrays["cell.words"] = (W_word @ arrays.pop("embed").T).astype(np.float32).astype(float)
    return arrays | {"cell.W_x": W_context, "attention.v": arrays["attention.v"][0]}


def _convolve(x: Array, W: Array, b: Array) -> Array:
    """ReLU of the largest of every two by two of a convolution of x (C, S, S), zeros around it."""
    K, S = int(np.sqrt(W.shape[1] / len(x))), x.shape[1]
    padded = np.pad(x, ((0, 0), (K // 2, K // 2), (K // 2, K // 2)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(1, 2))
    seen = np.moveaxis(views, 0, 2).reshape(S, S, -1) @ W.T + b
    largest = seen.reshape(S // 2, 2, S // 2, 2, -1).max(axis=(1, 3))
    return np.maximum(np.moveaxis(largest, 2, 0), 0)


def _regions(page: Array, weights: Mapping[str, Array]) -> Array:
    """What is seen in each region, and where it is, (36, D)."""
    near = _convolve(page[None], weights["eye.near.W"], weights["eye.near.b"])
    far = _convolve(near, weights["eye.far.W"], weights["eye.far.b"])
    return far.reshape(len(far), -1).T + weights["eye.place"]


def _describe(regions: Array, hidden: Sequence[int], weights: Mapping[str, Array]) -> Reading:
    part = {key: weights[f"attention.{key}"] for key in ("W_q", "W_k", "v")}
    attention = AdditiveAttention(part["W_q"].shape[1], regions.shape[1], len(part["v"]))
    attention.params.update(part)
    place = np.arange(PLACES).reshape(ACROSS, ACROSS).repeat(2, 0).repeat(2, 1).ravel()
    visible = ~np.isin(place, hidden)[:, None]
    params = {
        "W_x": np.hstack([weights["cell.words"], weights["cell.W_x"]]),
        "W_h": weights["cell.W_h"],
        "b": weights["cell.b"],
    }
    h = np.tanh(weights["start.W"] @ regions.mean(axis=0) + weights["start.b"])[None]
    c, word = np.zeros_like(h), START_WORD
    words, probabilities, looks = list[int](), list[float](), list[Array]()
    while len(words) < LONGEST and word != END_WORD:
        context, alpha = attention.forward(h[None], regions[:, None], visible)
        h, c, _ = lstm_step(np.hstack([np.eye(WORDS)[[word]], context[0]]), h, c, params)
        p = softmax(weights["out.W"] @ np.hstack([h, context[0]])[0] + weights["out.b"])
        word = int(p.argmax())
        words.append(word)
        probabilities.append(float(p[word]))
        looks.append(alpha[0, 0].reshape(SIDE // 4, SIDE // 4))
    return Reading(tuple(words), np.array(probabilities), np.stack(looks))
