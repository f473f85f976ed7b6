"""One unit of an LSTM: a slider on every gate, the conveyor belt, and a sequence to play."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared
from lstmlib.lstm import LSTM

LIMITS = {
    "f": Between(0, 1),
    "i": Between(0, 1),
    "g": Between(-1, 1),
    "o": Between(0, 1),
    "c_prev": Between(-2, 2),
}
MOST_ROWS = 8

SEQUENCE = (
    # i, f, g, o: write 0.9, hold it through two steps, read it, forget it
    (1.0, 0.0, 0.9, 0.0),
    (0.0, 1.0, -0.5, 0.0),
    (0.0, 1.0, 0.7, 0.0),
    (0.0, 1.0, 0.0, 1.0),
    (0.0, 0.1, 0.0, 1.0),
    (0.8, 1.0, -0.9, 1.0),
)

NAMES_BY_NOTATION = {
    "this book": {
        "f": ("f", "forget gate"),
        "i": ("i", "input gate"),
        "g": ("g", "candidate"),
        "o": ("o", "output gate"),
        "c": ("c", "cell state"),
        "h": ("h", "hidden state"),
    },
    "capital letters": {
        "f": ("f", "forget gate"),
        "i": ("i", "input gate"),
        "g": ("C̃", "candidate values"),
        "o": ("o", "output gate"),
        "c": ("C", "cell state"),
        "h": ("h", "hidden state"),
    },
    "Γ for gates": {
        "f": ("Γf", "forget gate"),
        "i": ("Γu", "update gate"),
        "g": ("c̃", "candidate"),
        "o": ("Γo", "output gate"),
        "c": ("c", "memory cell"),
        "h": ("a", "activation"),
    },
    "LTM and STM": {
        "f": ("f", "forget factor"),
        "i": ("i", "ignore factor"),
        "g": ("N", "new information"),
        "o": ("V", "use factor"),
        "c": ("LTM", "memory"),
        "h": ("STM", "memory"),
    },
}
"""The symbol and the name of each value, for each of the notations that the figure can show."""


class _LSTMCellCanvas(Canvas):
    _esm = module_source("lstm_cell")
    i, f, g, o, c_prev, start = (traitlets.Float().tag(sync=True) for _ in range(6))
    sequence: Any = traitlets.List().tag(sync=True)
    history: Any = traitlets.List().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)
    # Pairs, because a saved page sorts the keys of a dict
    notations = traitlets.List(
        [
            (notation, names | {"c_prev": (names["c"][0], f"{names['c'][1]} before")})
            for notation, names in NAMES_BY_NOTATION.items()
        ]
    ).tag(sync=True)
    notation = traitlets.Unicode("this book").tag(sync=True)
    # A sequence may pile up more than the slider of the cell state began with.
    lowest, highest = (traitlets.Float(limit).tag(sync=True) for limit in LIMITS["c_prev"])
    # What stands at the sliders, each of which follows its own
    label_f, label_i, label_g, label_o, label_c_prev = (traitlets.Unicode().tag(sync=True) for _ in range(5))


class LSTMCell(Figure):
    """One unit of an LSTM with a slider on every gate, and a sequence to play and to change.

    Before the first step the sliders are free. At a step they stand as the sequence has them, and to move
    one changes that step: all later ones follow. f, i and o lie in [0, 1], g in [−1, 1], c_prev in [−2, 2].

    `sequence` has at most 8 rows (i, f, g, o), the gates of each step that the play button feeds, beginning
    with a cell state of 0; a row of `LSTM.trace` fits. `notation`, one of `NAMES_BY_NOTATION`, says whose
    names the figure shows. Python may set all of these but the sequence.

    Raises ValueError for a value outside its range, or a sequence of another shape.

    >>> figure = LSTMCell(f=0.5, i=1.0, g=0.5, o=1.0, c_prev=1.0)
    >>> figure.c, round(figure.h, 2)
    (1.0, 0.76)
    """

    def __init__(
        self,
        f: float = 0.9,
        i: float = 0.5,
        g: float = 0.8,
        o: float = 0.7,
        c_prev: float = 1.0,
        sequence: Sequence[Sequence[float]] = SEQUENCE,
    ) -> None:
        canvas = _LSTMCellCanvas(sequence=_rows(sequence))
        super().__init__(canvas, f=f, i=i, g=g, o=o, c_prev=c_prev)
        canvas.initial = {name: getattr(canvas, name) for name in (*LIMITS, "sequence", "start")}
        self._sliders = {name: self._add_slider(name, "", limits, 0.01) for name, limits in LIMITS.items()}
        for name, slider in self._sliders.items():
            slider.add_class(f"part-{name[0]}")
            ipywidgets.jslink((canvas, f"label_{name}"), (slider, "description"))
        ipywidgets.jslink((canvas, "lowest"), (self._sliders["c_prev"], "min"))
        ipywidgets.jslink((canvas, "highest"), (self._sliders["c_prev"], "max"))
        canvas.observe(lambda _: self._relabel(), "notation")
        self._relabel()

    f, i, g, o, c_prev = (shared(name, limits.check) for name, limits in LIMITS.items())
    notation = shared("notation", one_of(NAMES_BY_NOTATION))

    def _relabel(self) -> None:
        names = dict(self._canvas.notations)[self.notation]
        for name, slider in self._sliders.items():
            slider.description = " ".join(names[name])
            setattr(self._canvas, f"label_{name}", slider.description)

    @property
    def c(self) -> float:
        """Cell state, f c_prev + i g."""
        return self.f * self.c_prev + self.i * self.g

    @property
    def h(self) -> float:
        """Hidden state, o tanh(c)."""
        return self.o * float(np.tanh(self.c))

    @property
    def sequence(self) -> np.ndarray:
        """The gates of every step with the reader's changes, (T, 4) in the order i, f, g, o."""
        return np.array(self._canvas.sequence, dtype=float)

    @property
    def trace(self) -> Any:
        """The steps played so far as `LSTM.trace` has them, each field an array (t,)."""
        return LSTM.trace_type(*np.array(self._canvas.history, dtype=float).reshape(-1, 6).T)


def _rows(sequence: Sequence[Sequence[float]]) -> list[list[float]]:
    rows = np.asarray(sequence, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != 4 or not 1 <= len(rows) <= MOST_ROWS:
        raise ValueError(f"sequence must be 1 to {MOST_ROWS} rows (i, f, g, o), got shape {rows.shape}")
    steps: list[list[float]] = rows.tolist()
    c = 0.0
    for t, row in enumerate(steps):
        for gate, value in zip("ifgo", row, strict=True):
            LIMITS[gate].check(value, f"sequence[{t}], {gate}")
        i, f, g, _ = row
        c = LIMITS["c_prev"].check(f * c + i * g, f"the cell state after sequence[{t}]")
    return steps
