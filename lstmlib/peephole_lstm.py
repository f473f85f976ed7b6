"""The peephole LSTM of `lstm/variants`: its gates see the cell state."""

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.gates import gate_inputs, gate_inputs_backward
from lstmlib.layer import Cache, ForgetGateLayer, Params
from lstmlib.lstm import LSTMState


def peephole_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM whose gates look at the cell state: i and f at the old one, o at the new.

    a = W_x x + W_h h_prev + b, split into four blocks;
    i = σ(a_i + p_i ⊙ c_prev), f = σ(a_f + p_f ⊙ c_prev), g = tanh(a_g);
    c = f ⊙ c_prev + i ⊙ g;  o = σ(a_o + p_o ⊙ c);  h = o ⊙ tanh c

    x is (B, D), each state (B, H). `params` holds `W_x` (4H, D), `W_h` (4H, H) and `b` (4H,), gate blocks
    stacked i, f, g, o, and `p_i`, `p_f` and `p_o` (H,). The cache, for the way back, has every gate by its
    name. From Gers, Schraudolph & Schmidhuber 2002.

    A full cell closes its own input gate.

    >>> params = {"W_x": np.ones((4, 1)), "W_h": np.zeros((4, 1)), "b": np.zeros(4)}
    >>> peepholes = {"p_i": np.array([-99.0]), "p_f": np.zeros(1), "p_o": np.zeros(1)}
    >>> cell = np.array([[0.0], [1.0]])
    >>> _, _, cache = peephole_lstm_step(np.zeros((2, 1)), cell, cell, params | peepholes)
    >>> cache["i"].ravel()
    array([0.5, 0. ])
    """
    a_i, a_f, a_g, a_o = gate_inputs(x, h_prev, params, 4)
    i = sigmoid(a_i + params["p_i"] * c_prev)
    f = sigmoid(a_f + params["p_f"] * c_prev)
    g = tanh(a_g)
    c = f * c_prev + i * g
    o = sigmoid(a_o + params["p_o"] * c)
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "f": f, "g": g, "o": o, "c": c}


def peephole_lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """`peephole_lstm_step` backward: dx, dh_prev, dc_prev, and this step's share of ∂L/∂params.

    `dh` and `dc` come from the output and from the next step together.
    """
    i, f, g, o, c, c_prev = (cache[name] for name in ("i", "f", "g", "o", "c", "c_prev"))
    tanh_c = tanh(c)
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c) + da_o * params["p_o"]
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * c_prev * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    dc_prev = dc * f + da_i * params["p_i"] + da_f * params["p_f"]
    dx, dh_prev, grads = gate_inputs_backward([da_i, da_f, da_g, da_o], cache, params)
    grads["p_i"] = (da_i * c_prev).sum(axis=0)
    grads["p_f"] = (da_f * c_prev).sum(axis=0)
    grads["p_o"] = (da_o * c).sum(axis=0)
    return dx, dh_prev, dc_prev, grads


class PeepholeLSTM(ForgetGateLayer):
    """An LSTM whose gates look at the cell state, each unit's through a weight of its own.

    The cell is `peephole_lstm_step`. Its peepholes start at 0: the layer begins as the LSTM of the same
    weights. Arguments are those of `LSTM`.
    """

    cell = peephole_lstm_step, peephole_lstm_step_backward
    gates = "i", "f", "g", "o"
    state_type = LSTMState

    def first_weights(self, rng: Generator) -> Params:
        peepholes = {name: np.zeros(self.hidden_size) for name in ("p_i", "p_f", "p_o")}
        return super().first_weights(rng) | peepholes
