"""Figures with sliders, alive in a kernel and on a page without one.

Each figure is a canvas drawn by the browser (`NAME.mjs`) and ipywidgets sliders tied to it with
`jslink`, so that all arithmetic runs in the page. With a kernel, the same values stand in Python.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

from lstmlib.activations import sigmoid
from lstmlib.lstm import Trace

__all__ = ["Gate", "LSTMCell"]

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "figure.css").read_text(encoding="utf-8")


def _module(name: str) -> str:
    """`NAME.mjs` with the modules it imports written out before it, since anywidget takes one text."""
    source = (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    needed = re.findall(r'^import .* from "\./(\w+)\.mjs";$', source, re.M)
    inlined = [re.sub(r"^export ", "", _module(part), flags=re.M) for part in needed]
    return "\n".join([*inlined, re.sub(r"^import .*\n", "", source, flags=re.M)])


class _GateCanvas(anywidget.AnyWidget):
    _esm, _css = _module("gate"), STYLE
    x = traitlets.List(traitlets.Float()).tag(sync=True)
    a1, a2, a3, s1, s2, s3 = (traitlets.Float().tag(sync=True) for _ in range(6))


class _LSTMCellCanvas(anywidget.AnyWidget):
    _esm, _css = _module("lstm_cell"), STYLE
    i, f, g, o, c_prev, start = (traitlets.Float().tag(sync=True) for _ in range(6))
    sequence: Any = traitlets.List().tag(sync=True)
    history: Any = traitlets.List().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)


class Gate(ipywidgets.VBox):
    """A vector of three numbers, and a gate at each: s = σ(a), and s ⊙ x comes out.

    Each position has two sliders, one for the pre-activation a and one for the gate's value s.
    Moving either moves the other.

    Parameters
    ----------
    x : sequence of 3 floats in [−2, 2]
        The vector that goes in.
    a : sequence of 3 floats in [−8, 8]
        The pre-activations at the start.

    Attributes
    ----------
    x, a, s, y : arrays (3,)
        What goes in, the pre-activations, the selector vector, what comes out: as the sliders stand.

    Raises
    ------
    ValueError
        For another number of values than 3, or one outside its range.

    Examples
    --------
    >>> figure = Gate(x=[1.0, -2.0, 0.5], a=[0.0, 8.0, -8.0])
    >>> figure.y.round(2)
    array([ 0.5, -2. ,  0. ])
    """

    def __init__(self, x: Sequence[float] = (1.5, -1.0, 0.8), a: Sequence[float] = (3.0, 0.0, -3.0)) -> None:
        x, a = _vector(x, "x", 2), _vector(a, "a", 8)
        names = [f"{symbol}{k}" for symbol in "as" for k in (1, 2, 3)]
        values = dict(zip(names, [*a, *sigmoid(np.array(a)).tolist()], strict=True))
        self._canvas = _GateCanvas(x=x, **values)
        pairs = []
        for k, subscript in zip((1, 2, 3), "₁₂₃", strict=True):
            pre = _slider(self._canvas, f"a{k}", f"a{subscript} pre-activation", -8, 8, 0.1)
            gate = _slider(self._canvas, f"s{k}", f"σ(a{subscript}) gate", 0, 1, 0.01)
            pairs += [pre, gate]
        super().__init__([self._canvas, *pairs])
        self.add_class("lstmlib-figure")

    @property
    def x(self) -> np.ndarray:
        """What goes in."""
        return np.array(self._canvas.x)

    @property
    def a(self) -> np.ndarray:
        """Pre-activations, as the sliders stand."""
        return np.array([self._canvas.a1, self._canvas.a2, self._canvas.a3])

    @property
    def s(self) -> np.ndarray:
        """The selector vector, as the sliders stand."""
        return np.array([self._canvas.s1, self._canvas.s2, self._canvas.s3])

    @property
    def y(self) -> np.ndarray:
        """What comes out, s ⊙ x."""
        return self.s * self.x


SEQUENCE = (
    # i, f, g, o: write 0.9, hold it through two steps, read it, forget it
    (1.0, 0.0, 0.9, 0.0),
    (0.0, 1.0, -0.5, 0.0),
    (0.0, 1.0, 0.7, 0.0),
    (0.0, 1.0, 0.0, 1.0),
    (0.0, 0.1, 0.0, 1.0),
    (0.8, 1.0, -0.9, 1.0),
)


class LSTMCell(ipywidgets.VBox):
    """One unit of an LSTM with a slider on every gate, and a sequence to play.

    c = f c_prev + i g;  h = o tanh(c)

    Parameters
    ----------
    f, i, o : float in [0, 1]
        Forget, input and output gate at the start.
    g : float in [−1, 1]
        Candidate.
    c_prev : float in [−2, 2]
        Previous cell state.
    sequence : rows (i, f, g, o), at most 8 of them
        The gates of each step that the play button feeds, beginning with a cell state of 0. A row
        of `LSTM.trace` fits.

    Attributes
    ----------
    f, i, g, o, c_prev, c, h : float
        As the sliders stand.
    trace : Trace
        The steps played so far, each field an array (t,).

    Raises
    ------
    ValueError
        For a value outside its range, or a sequence of another shape.

    Examples
    --------
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
        values = {
            "f": _within(f, "f", 0, 1),
            "i": _within(i, "i", 0, 1),
            "g": _within(g, "g", -1, 1),
            "o": _within(o, "o", 0, 1),
            "c_prev": _within(c_prev, "c_prev", -2, 2),
        }
        self._canvas = _LSTMCellCanvas(**values, initial=values, start=0.0, sequence=_rows(sequence))
        sliders = [
            _slider(self._canvas, "f", "f forget gate", 0, 1, 0.01),
            _slider(self._canvas, "i", "i input gate", 0, 1, 0.01),
            _slider(self._canvas, "g", "g candidate", -1, 1, 0.01),
            _slider(self._canvas, "o", "o output gate", 0, 1, 0.01),
            _slider(self._canvas, "c_prev", "c cell state before", -2, 2, 0.01),
        ]
        super().__init__([self._canvas, *sliders])
        self.add_class("lstmlib-figure")

    f = property(lambda self: self._canvas.f)
    i = property(lambda self: self._canvas.i)
    g = property(lambda self: self._canvas.g)
    o = property(lambda self: self._canvas.o)
    c_prev = property(lambda self: self._canvas.c_prev)

    @property
    def c(self) -> float:
        """Cell state, f c_prev + i g."""
        return self.f * self.c_prev + self.i * self.g

    @property
    def h(self) -> float:
        """Hidden state, o tanh(c)."""
        return self.o * float(np.tanh(self.c))

    @property
    def trace(self) -> Trace:
        """The steps played so far."""
        return Trace(*np.array(self._canvas.history, dtype=float).reshape(-1, 6).T)


def _slider(
    canvas: Any, name: str, label: str, low: float, high: float, step: float
) -> ipywidgets.FloatSlider:
    slider = ipywidgets.FloatSlider(
        value=getattr(canvas, name),
        min=low,
        max=high,
        step=step,
        description=label,
        style={"description_width": "9.5em"},
    )
    ipywidgets.jslink((slider, "value"), (canvas, name))
    return slider


def _within(value: float, name: str, low: float, high: float) -> float:
    if not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")
    return float(value)


def _vector(values: Sequence[float], name: str, limit: float) -> list[float]:
    if len(values) != 3:
        raise ValueError(f"{name} must hold 3 numbers, got {len(values)}")
    return [_within(value, f"{name}[{k}]", -limit, limit) for k, value in enumerate(values)]


def _rows(sequence: Sequence[Sequence[float]]) -> list[list[float]]:
    rows = np.asarray(sequence, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != 4 or not 1 <= len(rows) <= 8:
        raise ValueError(f"sequence must be 1 to 8 rows (i, f, g, o), got shape {rows.shape}")
    for t, row in enumerate(rows):
        for name, value, low in zip("ifgo", row, (0, 0, -1, 0), strict=True):
            _within(value, f"sequence[{t}], {name}", low, 1)
    c = 0.0
    for t, (i, f, g, _) in enumerate(rows):
        c = _within(f * c + i * g, f"the cell state after sequence[{t}]", -2, 2)
    return rows.tolist()
