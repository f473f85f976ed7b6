"""The sLSTM of `lstm/variants`: an exponential input gate, and a normaliser for all that was written."""

from typing import NamedTuple

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.gates import (
    exponential_gates,
    exponential_gates_backward,
    gate_inputs,
    gate_inputs_backward,
)
from lstmlib.layer import Cache, ForgetGateLayer, Params


def slstm_step(
    x: Array, h_prev: Array, c_prev: Array, n_prev: Array, m_prev: Array, params: Params
) -> tuple[Array, Array, Array, Array, Cache]:
    """One step of an sLSTM: the input gate may be as large as it likes, and h is a mean.

    a = W_x x + W_h h_prev + b, split into four blocks; g = tanh(a_g), o = σ(a_o);
    m = max(log σ(a_f) + m_prev, a_i);  i = exp(a_i − m), f = exp(log σ(a_f) + m_prev − m);
    c = f ⊙ c_prev + i ⊙ g;  n = f ⊙ n_prev + i;  h = o ⊙ c / n

    The true memory is c exp m, and the true normaliser n exp m: m holds what would overflow,
    and cancels in h.

    x is (B, D), each state (B, H); n is 0 at the start, and positive from then on. `params` holds `W_x`
    (4H, D), `W_h` (4H, H) and `b` (4H,), gate blocks stacked i, f, g, o. The cache, for the way back, has
    every gate by its name. From Beck et al. 2024, equations 8–17, with σ for the forget gate.

    An input gate of exp 1000 overwrites the memory, and nothing overflows.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([1000.0, 99, 99, 99])}
    >>> one = np.ones((1, 1))
    >>> h, c, n, m, _ = slstm_step(one, one, -one, one, 0 * one, params)
    >>> h, m
    (array([[1.]]), array([[1000.]]))
    """
    a_i, a_f, a_g, a_o = gate_inputs(x, h_prev, params, 4)
    g, o = tanh(a_g), sigmoid(a_o)
    i, f, m, cache = exponential_gates(a_i, a_f, m_prev)
    c = f * c_prev + i * g
    n = f * n_prev + i
    h = o * c / n
    values = {"x": x, "h_prev": h_prev, "c_prev": c_prev, "n_prev": n_prev, "g": g, "o": o, "c": c, "n": n}
    return h, c, n, m, cache | values


def slstm_step_backward(
    dh: Array, dc: Array, dn: Array, dm: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Array, Array, Params]:
    """`slstm_step` backward: dx, dh_prev, dc_prev, dn_prev, dm_prev, and this step's share of ∂L/∂params."""
    i, f, g, o, c, n = (cache[name] for name in ("i", "f", "g", "o", "c", "n"))
    dc = dc + dh * o / n
    dn = dn - dh * o * c / (n * n)
    di, df = dc * g + dn, dc * cache["c_prev"] + dn * cache["n_prev"]
    da_i, da_f, dm_prev = exponential_gates_backward(di, df, dm, cache)
    da_g, da_o = dc * i * tanh_derivative(g), dh * (c / n) * sigmoid_derivative(o)
    dx, dh_prev, grads = gate_inputs_backward([da_i, da_f, da_g, da_o], cache, params)
    return dx, dh_prev, dc * f, dn * f, dm_prev, grads


class SLSTMState(NamedTuple):
    """What an sLSTM carries from step to step, each (B, H)."""

    h: Array
    c: Array
    n: Array
    m: Array


class SLSTM(ForgetGateLayer):
    """An LSTM whose input gate is an exponential, so that a new thing can outweigh all before it.

    The cell is `slstm_step`; it is that of the paper with one head. Arguments are those of `LSTM`.
    """

    cell = slstm_step, slstm_step_backward
    gates = "i", "f", "g", "o"
    state_type = SLSTMState
