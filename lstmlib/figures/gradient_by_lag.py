"""How much of a gradient is left, lag by lag, as the recurrent weights grow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from lstmlib.activations import sigmoid
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared

KINDS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "linear": (lambda a: a, np.ones_like),
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "ReLU": (lambda a: np.maximum(a, 0), lambda h: (h > 0).astype(float)),
}
"""φ, and its slope as a function of φ's value."""
MOST_STEPS = 50
GAIN, STEPS, FORGET_BIAS = Between(0.2, 2), Between(5, MOST_STEPS), Between(-2, 6)
_rng = np.random.default_rng(15)
_U, _, _V = np.linalg.svd(_rng.standard_normal((4, 4)))
DIRECTION = _U @ np.diag([1.0, 0.8, 0.5, 0.2]) @ _V
"""A fixed 4 × 4 matrix whose largest singular value is 1."""
EVENTS = 0.5 * _rng.standard_normal((MOST_STEPS, 4))
"""What the network reads."""


class _GradientByLagCanvas(Canvas):
    _esm = module_source("gradient_by_lag")
    gain, length = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    forget_bias = traitlets.Float(None, allow_none=True).tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    kinds: Any = traitlets.List(list(KINDS)).tag(sync=True)
    U: Any = traitlets.List(DIRECTION.tolist()).tag(sync=True)
    x: Any = traitlets.List(EVENTS.tolist()).tag(sync=True)


class GradientByLag(Figure):
    """‖∂h_T/∂h_t‖ against the lag T − t for a network of four units with fixed random weights.

    h_t = φ(W h_{t−1} + x_t), W = gain · U, where U has the largest singular value 1, so that gain is ‖W‖.
    The Jacobian of a step is diag(φ′) W, and the figure draws the spectral norm of their product beside the
    bound ‖W‖^lag, which holds wherever φ′ ≤ 1: Pascanu, Mikolov & Bengio 2013, equation 5. W is an attribute,
    (4, 4), and so are the arguments, which Python may set too.

    Raises ValueError for a value outside its range, or an unknown kind.

    Parameters
    ----------
    gain, length : float in [0.2, 2], int in [5, 50]
        ‖W‖ and T.
    kind : {"linear", "tanh", "ReLU"}
        φ.
    forget_bias : float in [−2, 6], optional
        Draws beside the network what is left of a gradient on an LSTM's belt: the product of the forget
        gates f_t = σ(b + n_t) of one unit, with b this bias and n_t the first of its numbers.

    Examples
    --------
    >>> GradientByLag(gain=0.5, kind="linear").norms[:2]
    array([1. , 0.5])
    """

    def __init__(
        self, gain: float = 1.2, length: int = 30, kind: str = "tanh", forget_bias: float | None = None
    ) -> None:
        super().__init__(_GradientByLagCanvas(), gain=gain, length=length, kind=kind)
        self._add_slider("gain", "‖W‖ of the weights", GAIN, 0.05)
        self._add_slider("length", "T steps", STEPS, 1).readout_format = ".0f"
        if forget_bias is not None:
            self.forget_bias = forget_bias
            self._add_slider("forget_bias", "b forget bias", FORGET_BIAS, 0.1)

    gain, forget_bias = shared("gain", GAIN.check), shared("forget_bias", FORGET_BIAS.check)
    length, kind = shared("length", STEPS.check, int), shared("kind", one_of(KINDS))
    W = property(lambda self: self.gain * DIRECTION)

    @property
    def norms(self) -> np.ndarray:
        """‖∂h_T/∂h_t‖, entry k for the lag k, (length,)."""
        squash, slope = KINDS[self.kind]
        h, slopes = np.zeros(4), []
        for x in EVENTS[: self.length]:
            h = squash(self.W @ h + x)
            slopes.append(slope(h))
        product, norms = np.eye(4), [1.0]
        for back in slopes[:0:-1]:
            product = product @ (back[:, None] * self.W)
            norms.append(float(np.linalg.norm(product, 2)))
        return np.array(norms)

    @property
    def belt(self) -> np.ndarray | None:
        """∂c_T/∂c_t along the belt by lag, (length,), or None without a `forget_bias`."""
        if self.forget_bias is None:
            return None
        gates = sigmoid(self.forget_bias + EVENTS[: self.length, 0])
        return np.cumprod(np.append(1.0, gates[:0:-1]))
