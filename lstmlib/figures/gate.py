"""The gate: a vector goes in, the selector vector multiplies, what is let through comes out."""

from collections.abc import Sequence

import numpy as np
import traitlets

from lstmlib.activations import sigmoid
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source

X, PRE_ACTIVATION, GATE = Between(-2, 2), Between(-8, 8), Between(0, 1)


class _GateCanvas(Canvas):
    _esm = module_source("gate")
    x = traitlets.List(traitlets.Float()).tag(sync=True)
    a1, a2, a3, s1, s2, s3 = (traitlets.Float().tag(sync=True) for _ in range(6))
    reach = traitlets.Float(PRE_ACTIVATION.high).tag(sync=True)


class Gate(Figure):
    """A vector of three numbers, and a gate at each: s = σ(a), and s ⊙ x comes out.

    Each position has two sliders, one for the pre-activation a and one for the gate's value s; moving
    either moves the other. x lies in [−2, 2], a in [−8, 8]. Raises ValueError for another number of values
    than 3, or one outside its range.

    >>> figure = Gate(x=[1.0, -2.0, 0.5], a=[0.0, 8.0, -8.0])
    >>> figure.y.round(2)
    array([ 0.5, -2. ,  0. ])
    """

    def __init__(self, x: Sequence[float] = (1.5, -1.0, 0.8), a: Sequence[float] = (3.0, 0.0, -3.0)) -> None:
        x, a = _vector(x, "x", X), _vector(a, "a", PRE_ACTIVATION)
        names = [f"{symbol}{k}" for symbol in "as" for k in (1, 2, 3)]
        values = dict(zip(names, [*a, *sigmoid(np.array(a)).tolist()], strict=True))
        super().__init__(_GateCanvas(x=x, **values))
        for k, subscript in zip((1, 2, 3), "₁₂₃", strict=True):
            self._add_slider(f"a{k}", f"a{subscript} pre-activation", PRE_ACTIVATION, 0.1)
            self._add_slider(f"s{k}", f"σ(a{subscript}) gate", GATE, 0.01)

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


def _vector(values: Sequence[float], name: str, limits: Between) -> list[float]:
    if len(values) != 3:
        raise ValueError(f"{name} must hold 3 numbers, got {len(values)}")
    return [limits.check(value, f"{name}[{k}]") for k, value in enumerate(values)]
