"""Two trained writers of chords that travel in the page: choose one, give it a chord, and hear it."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array, sigmoid
from lstmlib.chorales import HIGHEST, KEYS, LOWEST
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared
from lstmlib.figures.pen_writer import HIGHEST_SEED, _seed, chance_from
from lstmlib.lstm import lstm_step

QUARTERS = 32
"""How many chords are shown."""
MOST_NOTES = 8
"""A chord that the reader gives has no more notes."""
WRITERS = "chain", "coins"
TEMPERATURE = Between(0.2, 2)
NAMES = {
    **of_lstm("lstm"),
    "readout.W": "read.weight",
    "readout.b": "read.bias",
    "below": "below",
    "many": "many",
}


class _FourPartsCanvas(Canvas):
    _esm = module_source("four_parts")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    lowest = traitlets.Int(LOWEST).tag(sync=True)
    span = traitlets.Int(KEYS).tag(sync=True)
    quarters = traitlets.Int(QUARTERS).tag(sync=True)
    most = traitlets.Int(MOST_NOTES).tag(sync=True)
    highest = traitlets.Int(HIGHEST_SEED).tag(sync=True)
    writer = traitlets.Unicode().tag(sync=True)
    opening = traitlets.Unicode().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)


def read_chord(text: str) -> list[int]:
    """The pitches of a line of notes as MIDI counts them, from the lowest on; none for an empty line.

    Raises ValueError for what is no note, a note outside the roll, or more than eight.

    >>> read_chord("C3 G3 e4 Bb4"), read_chord("")
    ([48, 55, 64, 70], [])
    """
    names = [name for name in re.split(r"[\s,]+", text) if name]
    if len(names) > MOST_NOTES:
        raise ValueError(f"opening must have at most {MOST_NOTES} notes, got {len(names)}")
    pitches = set()
    for name in names:
        found = re.fullmatch(r"([A-Ga-g])([#b]?)([0-9])", name)
        if not found:
            raise ValueError(f"opening must be notes such as C4 or F#3, got {name[:20]!r}")
        letter, sign, octave = found.groups()
        natural = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter.upper()]
        pitch = 12 * (int(octave) + 1) + natural + {"#": 1, "b": -1, "": 0}[sign]
        if not LOWEST <= pitch <= HIGHEST:
            raise ValueError(f"opening must have notes from G1 to C6, got {name!r}")
        pitches.add(pitch)
    return sorted(pitches)


def _opening(text: str, name: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"{name} must be a text, got {text!r}")
    read_chord(text)
    return text


class FourParts(Figure):
    """Two trained writers of chords, with their weights in the page.

    The reader chooses who writes, gives a first chord or none, and sets the temperature. The page draws
    chance from the seed, decides key by key from the lowest on, and shows 32 chords as a roll of keys.
    Nothing is heard before the reader presses Play. The weights travel as float32, compressed.

    `coins` and `chain` are each the `state_dict` of a torch model with the parts `lstm` (`LSTM`, one layer,
    which reads which keys of a roll of `lstmlib.chorales` are down, and more inputs, which are zero here),
    `read` (`Linear`, a score for each key), `below` (a number for each pair of keys, of which those of keys
    further down count) and `many` (for each key six numbers, for 0 to 5 or more keys below that are down).
    Of `coins` neither `below` nor `many` is used. `writer`, `opening`, `temperature` and `seed` are as the
    reader has set them; Python may set them too.

    Raises ValueError for weights of another shape, a writer that there is not, an opening that is no chord,
    a temperature outside 0.2 to 2, or a seed that is no whole number from 0 to 999.
    """

    def __init__(
        self,
        coins: Mapping[str, ArrayLike],
        chain: Mapping[str, ArrayLike],
        writer: str = "chain",
        opening: str = "",
        temperature: float = 1.0,
        seed: int = 1,
    ) -> None:
        self._arrays = {"coins": _arrays(coins), "chain": _arrays(chain)}
        for name in ("below", "many"):
            self._arrays["coins"][name] = np.zeros_like(self._arrays["coins"][name])
        all_arrays = {f"{who}.{name}": a for who, part in self._arrays.items() for name, a in part.items()}
        canvas = _FourPartsCanvas(**pack(all_arrays))
        super().__init__(canvas, writer=writer, opening=opening, temperature=temperature, seed=seed)
        self._add_slider("temperature", "temperature", TEMPERATURE, 0.1)

    writer = shared("writer", one_of(WRITERS))
    opening = shared("opening", _opening)
    temperature = shared("temperature", TEMPERATURE.check)
    seed = shared("seed", _seed)

    @property
    def composed(self) -> list[list[int]]:
        """The pitches of each chord, from the lowest on; the first one is the opening where there is one."""
        arrays = self._arrays[self.writer]
        params = {param: arrays[f"lstm.{param}"] for param in ("W_x", "W_h", "b")}
        h: Array = np.zeros((1, arrays["readout.W"].shape[1]))
        c, before, made = h, np.zeros(KEYS), []
        opening = [pitch - LOWEST for pitch in read_chord(self.opening)]
        chance = chance_from(self.seed * QUARTERS * KEYS, QUARTERS * KEYS).reshape(QUARTERS, KEYS)
        for t, row in enumerate(chance):
            h, c, _ = lstm_step(before[None], h, c, params)
            scores = arrays["readout.W"] @ h[0] + arrays["readout.b"]
            before = np.zeros(KEYS)
            for k, u in enumerate(row):
                many = arrays["many"][k, min(int(before.sum()), 5)]
                score = scores[k] + arrays["below"][k] @ before + many
                before[k] = u < sigmoid(score / self.temperature)
            if t == 0 and opening:
                before = np.isin(np.arange(KEYS), opening).astype(float)
            made.append([int(k) + LOWEST for k in np.flatnonzero(before)])
        return made


def _arrays(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every array of a network as float32 numbers, under the name that the page finds it at."""
    arrays = from_torch(weights, NAMES)
    H, inputs = len(arrays["lstm.b"]) // 4, arrays["lstm.W_x"].shape[-1]
    shapes = {
        "lstm.W_x": (4 * H, max(inputs, KEYS)),
        "lstm.W_h": (4 * H, H),
        "lstm.b": (4 * H,),
        "readout.W": (KEYS, H),
        "readout.b": (KEYS,),
        "below": (KEYS, KEYS),
        "many": (KEYS, 6),
    }
    check_shapes(arrays, shapes, NAMES)
    return arrays | {"lstm.W_x": arrays["lstm.W_x"][:, :KEYS], "below": np.tril(arrays["below"], -1)}
