"""Two networks that read a string of aⁿbⁿ or aⁿbⁿcⁿ: what their cells count, and what they allow next."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
import traitlets

from lstmlib.counting_languages import END, counted, legal_next
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared
from lstmlib.lstm import LSTM
from lstmlib.readout import Readout

LONGEST = 1000
"""The most symbols that a string may have."""
BLOCK = Between(1, 60)
MOST_UNITS = 16


class _CountersCanvas(Canvas):
    _esm = module_source("counters")
    models: Any = traitlets.List().tag(sync=True)
    symbols = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    n = traitlets.Float().tag(sync=True)
    longest = traitlets.Int(LONGEST).tag(sync=True)

    @traitlets.observe("n")
    def _show_the_whole_string(self, _: Any) -> None:
        self.text = _short(counted(int(self.n), self.symbols))


def _short(string: str) -> str:
    """A long string by its runs: a45b45."""
    runs = ((symbol, len(list(run))) for symbol, run in groupby(string))
    return string if len(string) <= 12 else "".join(f"{symbol}{count}" for symbol, count in runs)


class Counters(Figure):
    """Networks that read the same string, and say after every symbol which may come next.

    The reader types a string, or sets n for the whole string with n of each letter. For each network the
    browser draws the cell states, and marks the first symbol after which it allows other symbols than the
    grammar; a symbol is allowed if its score is positive. The weights travel as float32.

    Raises ValueError for no models, a model of another kind or of other sizes, symbols that are no letters,
    a string that breaks the grammar or has more than 1,000 symbols, or an n that is not from 1 to 60.

    Parameters
    ----------
    models : dict of name to (LSTM, Readout)
        With K inputs, a one-hot symbol, and K + 1 outputs, the last for the end.
    symbols : str
        The language, as in `lstmlib.counting_languages`: "ab" or "abc".
    n : int in [1, 60]
        The figure begins with n of each letter. Later the string may be set, which leaves n as it was.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> figure = Counters({"fresh": (LSTM(2, 3, rng=rng), Readout(3, 3, rng=rng))}, n=2)
    >>> figure.string, figure.legal
    ('aabb', ['ab', 'ab', 'b', '.'])
    """

    def __init__(self, models: Mapping[str, tuple[LSTM, Readout]], symbols: str = "ab", n: int = 8) -> None:
        counted(1, symbols)
        if not models:
            raise ValueError("models must hold at least one pair of LSTM and Readout, under a name")
        self._models = {name: _in_float32(name, pair, len(symbols)) for name, pair in models.items()}
        # A list, since a page sorts the names of a dict
        travelling = [
            [name, *({param: array.tolist() for param, array in made.params.items()} for made in pair)]
            for name, pair in self._models.items()
        ]
        super().__init__(_CountersCanvas(models=travelling, symbols=symbols), n=n)
        self._add_slider("n", "n whole string", BLOCK, 1).readout_format = ".0f"

    n = shared("n", BLOCK.check, int)
    symbols = property(lambda self: self._canvas.symbols)

    @property
    def string(self) -> str:
        """What the networks read."""
        runs = re.findall(r"(\D)(\d*)", self._canvas.text)
        return "".join(symbol * int(count or 1) for symbol, count in runs)

    @string.setter
    def string(self, string: str) -> None:
        if not isinstance(string, str) or not 1 <= len(string) <= LONGEST:
            raise ValueError(f"string must have 1 to {LONGEST} symbols, got {string!r:.40}")
        legal_next(string, self.symbols)
        self._canvas.text = _short(string)

    @property
    def legal(self) -> list[str]:
        """What the grammar allows after each symbol, "." for the end."""
        return legal_next(self.string, self.symbols)

    @property
    def c(self) -> dict[str, np.ndarray]:
        """For each network the cell states after each symbol, (T, H)."""
        return {name: self._read(name)[0] for name in self._models}

    @property
    def allowed(self) -> dict[str, list[str]]:
        """For each network what it allows after each symbol."""
        outputs = self.symbols + END
        return {
            name: ["".join(outputs[k] for k in np.flatnonzero(scores > 0)) for scores in self._read(name)[1]]
            for name in self._models
        }

    @property
    def first_wrong(self) -> dict[str, int | None]:
        """For each network how many symbols it had read when it first broke the grammar, or None."""
        found = {}
        for name, allowed in self.allowed.items():
            wrong = [
                t + 1 for t, (one, other) in enumerate(zip(allowed, self.legal, strict=True)) if one != other
            ]
            found[name] = wrong[0] if wrong else None
        return found

    def _read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        layer, readout = self._models[name]
        x = np.eye(len(self.symbols))[[self.symbols.index(symbol) for symbol in self.string]]
        h, _ = layer.forward(x[:, None])
        return layer.trace.c[:, 0], readout.forward(h)[:, 0]


def _in_float32(name: str, pair: Any, symbols: int) -> tuple[LSTM, Readout]:
    """Copies in float64 whose weights are those that the page gets."""
    fits = (
        isinstance(pair, tuple)
        and len(pair) == 2
        and isinstance(pair[0], LSTM)
        and isinstance(pair[1], Readout)
        and (pair[0].input_size, pair[1].input_size) == (symbols, pair[0].hidden_size)
        and pair[1].output_size == symbols + 1
        and pair[0].hidden_size <= MOST_UNITS
    )
    if not fits:
        raise ValueError(
            f"models[{name!r}] must be an LSTM with {symbols} inputs and at most {MOST_UNITS} units, and a "
            f"Readout with {symbols + 1} outputs, got {pair!r}"
        )
    layer, readout = LSTM(symbols, pair[0].hidden_size), Readout(pair[0].hidden_size, symbols + 1)
    for made, given in ((layer, pair[0]), (readout, pair[1])):
        for param, array in given.params.items():
            made.params[param][...] = array.astype(np.float32)
    return layer, readout
