"""The LSTM cell of `lstm/lstm_cell`: one step and its gradient, then the layer.

i_t = σ(W_i [x_t, h_{t−1}] + b_i)        input gate
f_t = σ(W_f [x_t, h_{t−1}] + b_f)        forget gate
g_t = tanh(W_g [x_t, h_{t−1}] + b_g)     candidate memory
o_t = σ(W_o [x_t, h_{t−1}] + b_o)        output gate
c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t
h_t = o_t ⊙ tanh c_t

The four matrices stand one below the other, in the order i, f, g, o.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.initialisation import stacked
from lstmlib.layer import Cache, Params, RecurrentLayer


def lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step: the input `x` and the two memories make the next two memories.

    i, f, o = σ(W x + b), g = tanh(W x + b), each with its own block of W_x, W_h and b;
    c = f ⊙ c_prev + i ⊙ g;  h = o ⊙ tanh c

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev : array (B, H)
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Returns
    -------
    h, c : array (B, H)
    cache : dict
        What `lstm_step_backward` needs, every gate by its name.

    References
    ----------
    Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 for the forget gate.

    Examples
    --------
    Closed input gate, open forget and output gates: the cell keeps what it had.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([-99.0, 99, 0, 99])}
    >>> h, c, _ = lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), params)
    >>> c, h.round(2)
    (array([[0.5]]), array([[0.46]]))
    """
    a = x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"]
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i = sigmoid(a_i)
    f = sigmoid(a_f)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = f * c_prev + i * g
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "f": f, "g": g, "o": o, "c": c}


def lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """The same step backward.

    dc += dh ⊙ o ⊙ (1 − tanh² c), since c reaches the loss through h as well;
    di = dc ⊙ g, df = dc ⊙ c_prev, dg = dc ⊙ i, do = dh ⊙ tanh c, each times its gate's own derivative: da;
    dx = W_xᵀ da;  dh_prev = W_hᵀ da;  dc_prev = dc ⊙ f

    Parameters
    ----------
    dh, dc : array (B, H)
        ∂L/∂h and ∂L/∂c, from the output and from the next step together.
    cache : dict
        As `lstm_step` returned it.
    params : dict
        As `lstm_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    An open forget gate hands the gradient of the cell state on undiminished.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([-99.0, 99, 0, 99])}
    >>> h, c, cache = lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)), params)
    >>> dx, dh_prev, dc_prev, grads = lstm_step_backward(np.zeros((1, 1)), np.ones((1, 1)), cache, params)
    >>> dc_prev
    array([[1.]])
    """
    i, f, g, o, tanh_c = cache["i"], cache["f"], cache["g"], cache["o"], tanh(cache["c"])
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * cache["c_prev"] * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    da_o = dh * tanh_c * sigmoid_derivative(o)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)
    grads = {"W_x": da.T @ cache["x"], "W_h": da.T @ cache["h_prev"], "b": da.sum(axis=0)}
    return da @ params["W_x"], da @ params["W_h"], dc * f, grads


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step, each (B, H)."""

    h: Array
    c: Array


class Trace(NamedTuple):
    """The gates and the two memories at each step of a sequence, each (T, B, H)."""

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array


class LSTM(RecurrentLayer):
    """A recurrent layer whose memory is guarded by gates.

    i, f, o = σ(W_x x_t + W_h h_{t−1} + b), g = tanh(W_x x_t + W_h h_{t−1} + b), each with its own block;
    c_t = f ⊙ c_{t−1} + i ⊙ g;  h_t = o ⊙ tanh c_t

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias. At 1 the gate starts at σ(1) ≈ 0.73: more is kept than lost.

    Attributes
    ----------
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Raises
    ------
    ValueError
        As every layer, and for a `forget_bias` that is no finite number.

    References
    ----------
    Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 for the forget gate;
    Jozefowicz, Zaremba & Sutskever 2015 for its bias.

    Examples
    --------
    >>> import numpy as np
    >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, (h_last, c_last) = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, c_last.shape, layer.trace.f.shape
    ((5, 2, 4), (2, 4), (5, 2, 4))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads)
    ['W_h', 'W_x', 'b']
    """

    trace_type = Trace
    state_names = LSTMState._fields

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        forget_bias: float = 1.0,
    ) -> None:
        self.forget_bias = _finite_number(forget_bias, "forget_bias")
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def _initialise(self, rng: Generator) -> Params:
        H = self.hidden_size
        W_x, W_h, b = stacked(4, self.input_size, H, rng, self.dtype)
        b[H : 2 * H] = self.forget_bias
        return {"W_x": W_x, "W_h": W_h, "b": b}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h_prev, c_prev = state
        h, c, cache = lstm_step(x, h_prev, c_prev, self.params)
        return (h, c), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dh, dc = dstate
        dx, dh_prev, dc_prev, grads = lstm_step_backward(dh, dc, cache, self.params)
        return dx, (dh_prev, dc_prev), grads

    def _pack(self, state: tuple[Array, ...]) -> LSTMState:
        return LSTMState(*state)


def _finite_number(value: float, name: str) -> float:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)
