"""The LSTM of 1997, for `lstm/variants`: it has no forget gate, and what is stored stays."""

from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.gates import gate_inputs, gate_inputs_backward
from lstmlib.initialisation import gate_weights
from lstmlib.layer import Cache, Params, RecurrentLayer
from lstmlib.lstm import LSTMState


def no_forget_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM without a forget gate: the cell state only ever adds.

    i, o = σ(W_x x + W_h h_prev + b), g = tanh(W_x x + W_h h_prev + b), each with its own block;
    c = c_prev + i ⊙ g;  h = o ⊙ tanh c

    x is (B, D), each state (B, H). `params` holds `W_x` (3H, D), `W_h` (3H, H) and `b` (3H,), gate blocks
    stacked i, g, o. The cache, for the way back, has every gate by its name. From Hochreiter & Schmidhuber
    1997; `NoForgetLSTM` says where the paper's cell differs.

    Three open steps add up to more than any tanh could hold.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((3, 1)), "W_h": np.zeros((3, 1)), "b": np.array([99.0, 99, 0])}
    >>> c = np.zeros((1, 1))
    >>> for _ in range(3):
    ...     h, c, _ = no_forget_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), c, params)
    >>> c
    array([[3.]])
    """
    a_i, a_g, a_o = gate_inputs(x, h_prev, params, 3)
    i = sigmoid(a_i)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = c_prev + i * g
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "g": g, "o": o, "c": c}


def no_forget_lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """`no_forget_lstm_step` backward: dx, dh_prev, dc_prev, and this step's share of ∂L/∂params.

    `dh` and `dc` come from the output and from the next step together.
    """
    i, g, o, tanh_c = cache["i"], cache["g"], cache["o"], tanh(cache["c"])
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_i = dc * g * sigmoid_derivative(i)
    da_g = dc * i * tanh_derivative(g)
    dx, dh_prev, grads = gate_inputs_backward([da_i, da_g, da_o], cache, params)
    return dx, dh_prev, dc, grads


class NoForgetLSTM(RecurrentLayer):
    """The LSTM before it could forget, where what is stored stays: `no_forget_lstm_step`.

    The idea is that of 1997; in the paper itself the candidate is squashed to (−2, 2) and the cell state by
    another sigmoid to (−1, 1), the gates see the gates of the step before as well, several cells may share
    the gates of a block, and the gradient is cut off where it leaves a cell: only c → c is followed through
    time. Here it is followed everywhere.
    """

    cell = no_forget_lstm_step, no_forget_lstm_step_backward
    gates = "i", "g", "o"
    state_type = LSTMState

    def first_weights(self, rng: Generator) -> Params:
        return gate_weights(3, self.input_size, self.hidden_size, rng)
