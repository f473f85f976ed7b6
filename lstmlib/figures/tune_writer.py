"""A trained writer of tunes that travels in the page: key, metre, temperature, and a button to hear it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared
from lstmlib.figures.pen_writer import HIGHEST_SEED, _seed, chance_from
from lstmlib.lstm import lstm_step
from lstmlib.tunes import KEYS, METRES, SYMBOLS, Note, notes_of

MOST_SYMBOLS = 400
"""A network that has not come to an end by then is stopped."""
TEMPERATURE = Between(0.2, 2)
END = len(SYMBOLS)
"""The number of the end, after those of the symbols; then come the metres and the keys."""
NAMES = {"embed": "embed.weight", **of_lstm("lstm"), "readout.W": "read.weight", "readout.b": "read.bias"}


class _TuneWriterCanvas(Canvas):
    _esm = module_source("tune_writer")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    symbols: Any = traitlets.List(list(SYMBOLS)).tag(sync=True)
    metres: Any = traitlets.List([[name, units] for name, units in METRES.items()]).tag(sync=True)
    signatures: Any = traitlets.List([[name, sharps] for name, sharps in KEYS.items()]).tag(sync=True)
    most = traitlets.Int(MOST_SYMBOLS).tag(sync=True)
    highest = traitlets.Int(HIGHEST_SEED).tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    metre = traitlets.Unicode().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)


class TuneWriter(Figure):
    """A trained writer of tunes, with its weights in the page.

    The reader chooses key, metre and temperature. The page draws chance from the seed, composes symbol by
    symbol, and shows the tune as notes over time and as text. Nothing is heard before the reader presses
    Play. The weights travel as float32, compressed.

    `weights` is the `state_dict` of a torch model with the parts `embed` (`Embedding`, a vector for each of
    `SYMBOLS` of `lstmlib.tunes`, the end, the metres and the keys, in this order), `lstm` (`LSTM`, one
    layer) and `read` (`Linear`, a score for each symbol and the end). It reads the metre, the key, and then
    what it has composed. `key`, `metre`, `temperature` and `seed` are as the reader has set them; Python may
    set them too.

    Raises ValueError for weights of another shape, a key or metre that the tunes do not have, a temperature
    outside 0.2 to 2, or a seed that is no whole number from 0 to 999.
    """

    def __init__(
        self,
        weights: Mapping[str, ArrayLike],
        key: str = "G",
        metre: str = "6/8",
        temperature: float = 0.8,
        seed: int = 1,
    ) -> None:
        self._arrays = _arrays(weights)
        canvas = _TuneWriterCanvas(**pack(self._arrays))
        super().__init__(canvas, key=key, metre=metre, temperature=temperature, seed=seed)
        self._add_slider("temperature", "temperature", TEMPERATURE, 0.1)

    key = shared("key", one_of(KEYS))
    metre = shared("metre", one_of(METRES))
    temperature = shared("temperature", TEMPERATURE.check)
    seed = shared("seed", _seed)

    @property
    def composed(self) -> list[str]:
        """The symbols of the tune, without the end."""
        return [SYMBOLS[number] for number in self._numbers if number != END]

    @property
    def ended(self) -> bool:
        """Whether the network came to an end by itself."""
        return self._numbers[-1] == END

    @property
    def notes(self) -> list[Note]:
        """What sounds."""
        return notes_of(self.composed, self.key)

    @property
    def _numbers(self) -> list[int]:
        params = {param: self._arrays[f"lstm.{param}"] for param in ("W_x", "W_h", "b")}
        W, b = self._arrays["readout.W"], self._arrays["readout.b"]
        h: Array = np.zeros((1, W.shape[1]))
        c = h
        metre, key = list(METRES).index(self.metre), list(KEYS).index(self.key)
        h, c, _ = lstm_step(self._arrays["embed"][[END + 1 + metre]], h, c, params)
        read = END + 1 + len(METRES) + key
        numbers: list[int] = []
        for u in chance_from(self.seed * MOST_SYMBOLS, MOST_SYMBOLS):
            h, c, _ = lstm_step(self._arrays["embed"][[read]], h, c, params)
            scores = (W @ h[0] + b) / self.temperature
            p = np.exp(scores - scores.max())
            passed = np.cumsum(p / p.sum())
            read = min(int(np.searchsorted(passed, u, side="right")), END)
            numbers.append(read)
            if read == END:
                break
        return numbers


def _arrays(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every array of the network as float32 numbers, under the name that the page finds it at."""
    arrays = from_torch(weights, NAMES)
    H, inputs = len(arrays["lstm.b"]) // 4, END + 1 + len(METRES) + len(KEYS)
    D = arrays["embed"].shape[-1]
    shapes = {
        "embed": (inputs, D),
        "lstm.W_x": (4 * H, D),
        "lstm.W_h": (4 * H, H),
        "lstm.b": (4 * H,),
        "readout.W": (END + 1, H),
        "readout.b": (END + 1,),
    }
    check_shapes(arrays, shapes, NAMES)
    return arrays
