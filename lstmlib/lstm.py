"""The LSTM cell of `lstm/lstm_cell`: one step and its gradient, then the layer that names them.

A layer whose cell nobody changed goes through a sequence by `lstmlib.lstm_fast`; tests hold the two equal
in values and gradients.
"""

from typing import NamedTuple

import numpy as np

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.layer import Cache, ForgetGateLayer, Params
from lstmlib.lstm_fast import FastWalk


def lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step: the input `x` and the two memories make the next two memories.

    i = σ(W_i [h_prev, x] + b_i)        input gate
    f = σ(W_f [h_prev, x] + b_f)        forget gate
    g = tanh(W_g [h_prev, x] + b_g)     candidate memory
    o = σ(W_o [h_prev, x] + b_o)        output gate
    c = f ⊙ c_prev + i ⊙ g
    h = o ⊙ tanh c

    x is (B, D), each state (B, H). `params` holds `W_x` (4H, D), the columns for x, `W_h` (4H, H), those
    for h_prev, and the biases `b` (4H,), gate blocks stacked i, f, g, o. The cache, for the way back,
    has every gate by its name. From Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 for
    the forget gate.

    Closed input gate, open forget and output gates: the cell keeps what it had, and on the way back it
    hands the gradient of the cell state on undiminished.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([-99.0, 99, 0, 99])}
    >>> h, c, cache = lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), params)
    >>> dx, dh_prev, dc_prev, grads = lstm_step_backward(np.zeros((1, 1)), np.ones((1, 1)), cache, params)
    >>> c, dc_prev
    (array([[0.5]]), array([[1.]]))
    """
    a = h_prev @ params["W_h"].T + x @ params["W_x"].T + params["b"]
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
    """`lstm_step` backward: dx, dh_prev, dc_prev, and this step's share of ∂L/∂params.

    `dh` and `dc` come from the output and from the next step together.
    """
    i, f, g, o, tanh_c = cache["i"], cache["f"], cache["g"], cache["o"], tanh(cache["c"])
    dc = dc + dh * o * tanh_derivative(tanh_c)  # c reaches the loss through h as well
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


class LSTM(ForgetGateLayer):
    """A recurrent layer whose memory is guarded by gates: the cell is `lstm_step`.

    Raises ValueError as every layer, and for a `forget_bias` that is no finite number.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias: see Jozefowicz, Zaremba & Sutskever 2015.

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

    cell = lstm_step, lstm_step_backward
    gates = "i", "f", "g", "o"
    state_type = LSTMState
    fast_walk = FastWalk
