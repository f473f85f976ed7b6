"""The coupled LSTM of `lstm/variants`: what is forgotten is replaced, i = 1 − f."""

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.gates import gate_inputs, gate_inputs_backward
from lstmlib.layer import Cache, ForgetGateLayer, Params
from lstmlib.lstm import LSTMState


def coupled_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM that writes exactly as much as it forgets.

    f, o = σ(W_x x + W_h h_prev + b), g = tanh(W_x x + W_h h_prev + b), each with its own block;
    i = 1 − f;  c = f ⊙ c_prev + i ⊙ g;  h = o ⊙ tanh c

    The cell state is a weighted mean of its past and the candidate, so it stays in (−1, 1) once there.
    Greff et al. 2015 call it CIFG.

    x is (B, D), each state (B, H). `params` holds `W_x` (3H, D), `W_h` (3H, H) and `b` (3H,), gate blocks
    stacked f, g, o. The cache, for the way back, has every gate by its name, i as well.

    A closed forget gate replaces the old memory by the candidate.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((3, 1)), "W_h": np.zeros((3, 1)), "b": np.array([-99.0, 1, 0])}
    >>> _, c, cache = coupled_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), params)
    >>> bool(np.all(c == cache["g"]))
    True
    """
    a_f, a_g, a_o = gate_inputs(x, h_prev, params, 3)
    f = sigmoid(a_f)
    i = 1 - f
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = f * c_prev + i * g
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "f": f, "g": g, "o": o, "c": c}


def coupled_lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """`coupled_lstm_step` backward: dx, dh_prev, dc_prev, and this step's share of ∂L/∂params.

    `dh` and `dc` come from the output and from the next step together.
    """
    i, f, g, o, c_prev = (cache[name] for name in ("i", "f", "g", "o", "c_prev"))
    tanh_c = tanh(cache["c"])
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_f = dc * (c_prev - g) * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    dx, dh_prev, grads = gate_inputs_backward([da_f, da_g, da_o], cache, params)
    return dx, dh_prev, dc * f, grads


class CoupledLSTM(ForgetGateLayer):
    """An LSTM with one gate for forgetting and writing together: `coupled_lstm_step`.

    Arguments are those of `LSTM`. The trace has i as well.
    """

    cell = coupled_lstm_step, coupled_lstm_step_backward
    gates = "i", "f", "g", "o"
    state_type = LSTMState
    blocks = "fgo"
