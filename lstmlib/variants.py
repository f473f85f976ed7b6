"""Gated cells that differ from the LSTM in one idea each, for `lstm/variants`.

GRU             one state, two gates; the update gate z takes both the forget gate's part and the input gate's
PeepholeLSTM    the gates see the cell state
CoupledLSTM     what is forgotten is replaced: i = 1 − f
NoForgetLSTM    the cell of 1997: what is stored stays

Each is a pair of functions, a step and its gradient, and a layer that walks them along a sequence.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.initialisation import stacked
from lstmlib.layer import Cache, Params, RecurrentLayer, check_number
from lstmlib.lstm import LSTMState, Trace

# GRU


def gru_step(x: Array, h_prev: Array, params: Params, reset_after: bool = True) -> tuple[Array, Cache]:
    """One step of a GRU: the new memory is a weighted mean of the old one and a candidate.

    r, z = σ(W_x x + b_x + W_h h_prev + b_h), each with its own block;
    n = tanh(W_x x + b_x + r ⊙ (W_h h_prev + b_h)), or with `reset_after=False`
    n = tanh(W_x x + b_x + W_h (r ⊙ h_prev) + b_h);
    h = (1 − z) ⊙ n + z ⊙ h_prev

    Parameters
    ----------
    x : array (B, D)
    h_prev : array (B, H)
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b_x` (3H,), `b_h` (3H,), blocks stacked r, z, n.
    reset_after : bool
        Whether the reset gate acts after the product with W_h, as in PyTorch, or before it, as in
        the paper of 2014.

    Returns
    -------
    h : array (B, H)
    cache : dict
        What `gru_step_backward` needs, every gate by its name.

    References
    ----------
    Cho et al. 2014, equations 5–8, there without biases.

    Examples
    --------
    An open update gate keeps the memory whatever comes in.

    >>> params = {"W_x": np.ones((3, 1)), "W_h": np.zeros((3, 1)), "b_x": np.array([0.0, 99, 0])}
    >>> h, _ = gru_step(np.ones((1, 1)), np.array([[0.5]]), {**params, "b_h": np.zeros(3)})
    >>> h
    array([[0.5]])
    """
    x_r, x_z, x_n = np.split(x @ params["W_x"].T + params["b_x"], 3, axis=1)
    W_r, W_z, W_n = np.split(params["W_h"], 3)
    b_r, b_z, b_n = np.split(params["b_h"], 3)
    r = sigmoid(x_r + h_prev @ W_r.T + b_r)
    z = sigmoid(x_z + h_prev @ W_z.T + b_z)
    memory = r * (h_prev @ W_n.T + b_n) if reset_after else (r * h_prev) @ W_n.T + b_n
    n = tanh(x_n + memory)
    h = (1 - z) * n + z * h_prev
    return h, {"x": x, "h_prev": h_prev, "r": r, "z": z, "n": n, "reset_after": reset_after}


def gru_step_backward(dh: Array, cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """The same step backward.

    dn = dh ⊙ (1 − z), dz = dh ⊙ (h_prev − n), each times its own derivative: da_n, da_z.
    With u = W_n h_prev + b_n, the reset gate's gradient is dr = da_n ⊙ u; if the gate acts before the
    product it is dr = W_nᵀ da_n ⊙ h_prev. dh_prev gathers four paths: z, and one through each block of W_h.

    Parameters
    ----------
    dh : array (B, H)
        ∂L/∂h, from the output and from the next step together.
    cache : dict
        As `gru_step` returned it.
    params : dict
        As `gru_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    An open update gate hands the gradient on undiminished.

    >>> params = {"W_x": np.ones((3, 1)), "W_h": np.zeros((3, 1)), "b_x": np.array([0.0, 99, 0])}
    >>> params["b_h"] = np.zeros(3)
    >>> h, cache = gru_step(np.ones((1, 1)), np.zeros((1, 1)), params)
    >>> dx, dh_prev, grads = gru_step_backward(np.ones((1, 1)), cache, params)
    >>> dh_prev
    array([[1.]])
    """
    x, h_prev, r, z, n = (cache[name] for name in ("x", "h_prev", "r", "z", "n"))
    W_r, W_z, W_n = np.split(params["W_h"], 3)
    da_n = dh * (1 - z) * tanh_derivative(n)
    da_z = dh * (h_prev - n) * sigmoid_derivative(z)
    if cache["reset_after"]:
        du = da_n * r
        dr = da_n * (h_prev @ W_n.T + np.split(params["b_h"], 3)[2])
        dh_n = du @ W_n
        dW_n = du.T @ h_prev
    else:
        du = da_n
        dr = (da_n @ W_n) * h_prev
        dh_n = (da_n @ W_n) * r
        dW_n = da_n.T @ (r * h_prev)
    da_r = dr * sigmoid_derivative(r)
    da = np.concatenate([da_r, da_z, da_n], axis=1)
    grads = {
        "W_x": da.T @ x,
        "W_h": np.concatenate([da_r.T @ h_prev, da_z.T @ h_prev, dW_n]),
        "b_x": da.sum(axis=0),
        "b_h": np.concatenate([da_r, da_z, du], axis=1).sum(axis=0),
    }
    return da @ params["W_x"], dh * z + da_r @ W_r + da_z @ W_z + dh_n, grads


class GRUTrace(NamedTuple):
    """The gates, the candidate and the hidden state at each step of a sequence, each (T, B, H)."""

    r: Array
    z: Array
    n: Array
    h: Array


class GRU(RecurrentLayer):
    """A recurrent layer that mixes its memory with a candidate, and has no cell state.

    r, z = σ(W_x x_t + b_x + W_h h_{t−1} + b_h), each with its own block;
    n = tanh(W_x x_t + b_x + r ⊙ (W_h h_{t−1} + b_h)), or with `reset_after=False`
    n = tanh(W_x x_t + b_x + W_h (r ⊙ h_{t−1}) + b_h);
    h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    reset_after : bool
        Whether the reset gate acts after the product with W_h, as in PyTorch, or before it, as in
        the paper of 2014.

    Attributes
    ----------
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b_x` (3H,), `b_h` (3H,), blocks stacked r, z, n. Two biases,
        because the reset gate multiplies only one of them.

    Raises
    ------
    ValueError
        As every layer, and for a `reset_after` that is neither True nor False.

    References
    ----------
    Cho et al. 2014, equations 5–8.

    Examples
    --------
    >>> layer = GRU(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, state.shape, layer.trace.z.shape
    ((5, 2, 4), (2, 4), (5, 2, 4))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads)
    ['W_h', 'W_x', 'b_h', 'b_x']
    """

    trace_type = GRUTrace

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        reset_after: bool = True,
    ) -> None:
        if not isinstance(reset_after, bool):
            raise ValueError(f"reset_after must be True or False, got {reset_after!r}")
        self.reset_after = reset_after
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def _initialise(self, rng: Generator) -> Params:
        W_x, W_h, b = stacked(3, self.input_size, self.hidden_size, rng, self.dtype)
        return {"W_x": W_x, "W_h": W_h, "b_x": b, "b_h": b.copy()}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, cache = gru_step(x, state[0], self.params, self.reset_after)
        return (h,), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dx, dh_prev, grads = gru_step_backward(dstate[0], cache, self.params)
        return dx, (dh_prev,), grads


# The layer around a pair of steps whose state is (h, c)


class _CellStateLayer(RecurrentLayer):
    state_names = LSTMState._fields
    gates: ClassVar[str]
    pair: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]

    def _initialise(self, rng: Generator) -> Params:
        W_x, W_h, b = stacked(len(self.gates), self.input_size, self.hidden_size, rng, self.dtype)
        return {"W_x": W_x, "W_h": W_h, "b": b}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, c, cache = self.pair[0](x, *state, self.params)
        return (h, c), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dx, dh_prev, dc_prev, grads = self.pair[1](*dstate, cache, self.params)
        return dx, (dh_prev, dc_prev), grads

    def _pack(self, state: tuple[Array, ...]) -> LSTMState:
        return LSTMState(*state)


class _ForgetGateLayer(_CellStateLayer):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        forget_bias: float = 1.0,
    ) -> None:
        self.forget_bias = check_number(forget_bias, "forget_bias")
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def _initialise(self, rng: Generator) -> Params:
        params = super()._initialise(rng)
        np.split(params["b"], len(self.gates))[self.gates.index("f")][:] = self.forget_bias
        return params


# Peephole LSTM


def peephole_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM whose gates look at the cell state: i and f at the old one, o at the new.

    a = W_x x + W_h h_prev + b, split into four blocks;
    i = σ(a_i + p_i ⊙ c_prev), f = σ(a_f + p_f ⊙ c_prev), g = tanh(a_g);
    c = f ⊙ c_prev + i ⊙ g;  o = σ(a_o + p_o ⊙ c);  h = o ⊙ tanh c

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev : array (B, H)
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o;
        `p_i`, `p_f`, `p_o` (H,).

    Returns
    -------
    h, c : array (B, H)
    cache : dict
        What `peephole_lstm_step_backward` needs, every gate by its name.

    References
    ----------
    Gers, Schraudolph & Schmidhuber 2002.

    Examples
    --------
    A full cell closes its own input gate.

    >>> params = {"W_x": np.ones((4, 1)), "W_h": np.zeros((4, 1)), "b": np.zeros(4)}
    >>> peepholes = {"p_i": np.array([-99.0]), "p_f": np.zeros(1), "p_o": np.zeros(1)}
    >>> cell = np.array([[0.0], [1.0]])
    >>> _, _, cache = peephole_lstm_step(np.zeros((2, 1)), cell, cell, params | peepholes)
    >>> cache["i"]
    array([[0.5],
           [0. ]])
    """
    a_i, a_f, a_g, a_o = _gates(x, h_prev, params, 4)
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
    """The same step backward.

    As the LSTM's, with three more paths to the cell state: dc += p_o ⊙ da_o, before anything is
    passed on, and dc_prev = dc ⊙ f + p_i ⊙ da_i + p_f ⊙ da_f.

    Parameters
    ----------
    dh, dc : array (B, H)
        ∂L/∂h and ∂L/∂c, from the output and from the next step together.
    cache : dict
        As `peephole_lstm_step` returned it.
    params : dict
        As `peephole_lstm_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    The output gate's peephole is a way from h to the cell state, beside tanh c.

    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.zeros(4)}
    >>> one = np.ones((1, 1))
    >>> for p in (0.0, 1.0):
    ...     peepholes = {"p_i": np.zeros(1), "p_f": np.zeros(1), "p_o": np.array([p])}
    ...     h, c, cache = peephole_lstm_step(one, one, one, params | peepholes)
    ...     _, _, dc_prev, _ = peephole_lstm_step_backward(one, 0 * one, cache, params | peepholes)
    ...     print(dc_prev.round(3))
    [[0.197]]
    [[0.299]]
    """
    i, f, g, o, c, c_prev = (cache[name] for name in ("i", "f", "g", "o", "c", "c_prev"))
    tanh_c = tanh(c)
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c) + da_o * params["p_o"]
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * c_prev * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    dc_prev = dc * f + da_i * params["p_i"] + da_f * params["p_f"]
    dx, dh_prev, grads = _gates_backward([da_i, da_f, da_g, da_o], cache, params)
    grads["p_i"] = (da_i * c_prev).sum(axis=0)
    grads["p_f"] = (da_f * c_prev).sum(axis=0)
    grads["p_o"] = (da_o * c).sum(axis=0)
    return dx, dh_prev, dc_prev, grads


class PeepholeLSTM(_ForgetGateLayer):
    """An LSTM whose gates look at the cell state through a weight of their own for each unit.

    a = W_x x_t + W_h h_{t−1} + b, split into four blocks;
    i = σ(a_i + p_i ⊙ c_{t−1}), f = σ(a_f + p_f ⊙ c_{t−1}), g = tanh(a_g);
    c_t = f ⊙ c_{t−1} + i ⊙ g;  o = σ(a_o + p_o ⊙ c_t);  h_t = o ⊙ tanh c_t

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias.

    Attributes
    ----------
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o; `p_i`, `p_f`, `p_o`
        (H,), which start at 0: the layer begins as the LSTM of the same weights.

    Raises
    ------
    ValueError
        As `LSTM`.

    References
    ----------
    Gers, Schraudolph & Schmidhuber 2002.

    Examples
    --------
    >>> layer = PeepholeLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, (h_last, c_last) = layer.forward(np.ones((5, 2, 3)))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads)
    ['W_h', 'W_x', 'b', 'p_f', 'p_i', 'p_o']
    """

    trace_type = Trace
    gates = "ifgo"
    pair = (peephole_lstm_step, peephole_lstm_step_backward)

    def _initialise(self, rng: Generator) -> Params:
        peepholes = {name: np.zeros(self.hidden_size, self.dtype) for name in ("p_i", "p_f", "p_o")}
        return super()._initialise(rng) | peepholes


# Coupled LSTM


def coupled_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM that writes exactly as much as it forgets.

    f, o = σ(W_x x + W_h h_prev + b), g = tanh(W_x x + W_h h_prev + b), each with its own block;
    i = 1 − f;  c = f ⊙ c_prev + i ⊙ g;  h = o ⊙ tanh c

    The cell state is a weighted mean of its past and the candidate, so it stays in (−1, 1) once there.

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev : array (B, H)
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b` (3H,), gate blocks stacked f, g, o.

    Returns
    -------
    h, c : array (B, H)
    cache : dict
        What `coupled_lstm_step_backward` needs, every gate by its name, i as well.

    References
    ----------
    Greff et al. 2015, there called CIFG.

    Examples
    --------
    A closed forget gate replaces the old memory by the candidate.

    >>> params = {"W_x": np.zeros((3, 1)), "W_h": np.zeros((3, 1)), "b": np.array([-99.0, 1, 0])}
    >>> _, c, cache = coupled_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), params)
    >>> bool(np.all(c == cache["g"]))
    True
    """
    a_f, a_g, a_o = _gates(x, h_prev, params, 3)
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
    """The same step backward.

    As the LSTM's, but f weighs both what is kept and what is written: df = dc ⊙ (c_prev − g).

    Parameters
    ----------
    dh, dc : array (B, H)
        ∂L/∂h and ∂L/∂c, from the output and from the next step together.
    cache : dict
        As `coupled_lstm_step` returned it.
    params : dict
        As `coupled_lstm_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    Where the candidate says what the cell knows already, the forget gate does not matter.

    >>> params = {"W_x": np.zeros((3, 1)), "W_h": np.zeros((3, 1)), "b": np.zeros(3)}
    >>> zero = np.zeros((1, 1))
    >>> h, c, cache = coupled_lstm_step(zero, zero, zero, params)
    >>> _, _, _, grads = coupled_lstm_step_backward(zero, zero + 1, cache, params)
    >>> grads["b"]
    array([0. , 0.5, 0. ])
    """
    i, f, g, o, c_prev = (cache[name] for name in ("i", "f", "g", "o", "c_prev"))
    tanh_c = tanh(cache["c"])
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_f = dc * (c_prev - g) * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    dx, dh_prev, grads = _gates_backward([da_f, da_g, da_o], cache, params)
    return dx, dh_prev, dc * f, grads


class CoupledLSTM(_ForgetGateLayer):
    """An LSTM with one gate for forgetting and writing together: i = 1 − f.

    f, o = σ(W_x x_t + W_h h_{t−1} + b), g = tanh(W_x x_t + W_h h_{t−1} + b), each with its own block;
    c_t = f ⊙ c_{t−1} + (1 − f) ⊙ g;  h_t = o ⊙ tanh c_t

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias.

    Attributes
    ----------
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b` (3H,), gate blocks stacked f, g, o. The trace has i as well.

    Raises
    ------
    ValueError
        As `LSTM`.

    References
    ----------
    Greff et al. 2015, there called CIFG.

    Examples
    --------
    >>> layer = CoupledLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, (h_last, c_last) = layer.forward(np.ones((5, 2, 3)))
    >>> bool(np.all(layer.trace.i + layer.trace.f == 1)), layer.params["W_h"].shape
    (True, (12, 4))
    """

    trace_type = Trace
    gates = "fgo"
    pair = (coupled_lstm_step, coupled_lstm_step_backward)


# The cell of 1997


def no_forget_lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step of an LSTM without a forget gate: the cell state only ever adds.

    i, o = σ(W_x x + W_h h_prev + b), g = tanh(W_x x + W_h h_prev + b), each with its own block;
    c = c_prev + i ⊙ g;  h = o ⊙ tanh c

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev : array (B, H)
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b` (3H,), gate blocks stacked i, g, o.

    Returns
    -------
    h, c : array (B, H)
    cache : dict
        What `no_forget_lstm_step_backward` needs, every gate by its name.

    References
    ----------
    Hochreiter & Schmidhuber 1997; `NoForgetLSTM` says where the paper's cell differs.

    Examples
    --------
    Three open steps add up to more than any tanh could hold.

    >>> params = {"W_x": np.zeros((3, 1)), "W_h": np.zeros((3, 1)), "b": np.array([99.0, 99, 0])}
    >>> c = np.zeros((1, 1))
    >>> for _ in range(3):
    ...     h, c, _ = no_forget_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), c, params)
    >>> c
    array([[3.]])
    """
    a_i, a_g, a_o = _gates(x, h_prev, params, 3)
    i = sigmoid(a_i)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = c_prev + i * g
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "g": g, "o": o, "c": c}


def no_forget_lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """The same step backward.

    As the LSTM's with f = 1: dc_prev = dc, the constant error carousel.

    Parameters
    ----------
    dh, dc : array (B, H)
        ∂L/∂h and ∂L/∂c, from the output and from the next step together.
    cache : dict
        As `no_forget_lstm_step` returned it.
    params : dict
        As `no_forget_lstm_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    >>> params = {"W_x": np.ones((3, 1)), "W_h": np.ones((3, 1)), "b": np.zeros(3)}
    >>> one = np.ones((1, 1))
    >>> h, c, cache = no_forget_lstm_step(one, one, one, params)
    >>> dx, dh_prev, dc_prev, grads = no_forget_lstm_step_backward(0 * one, one, cache, params)
    >>> dc_prev
    array([[1.]])
    """
    i, g, o, tanh_c = cache["i"], cache["g"], cache["o"], tanh(cache["c"])
    da_o = dh * tanh_c * sigmoid_derivative(o)
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_i = dc * g * sigmoid_derivative(i)
    da_g = dc * i * tanh_derivative(g)
    dx, dh_prev, grads = _gates_backward([da_i, da_g, da_o], cache, params)
    return dx, dh_prev, dc, grads


class NoForgetTrace(NamedTuple):
    """The gates and the two memories at each step of a sequence, each (T, B, H)."""

    i: Array
    g: Array
    o: Array
    c: Array
    h: Array


class NoForgetLSTM(_CellStateLayer):
    """The LSTM before it could forget: what is stored stays.

    i, o = σ(W_x x_t + W_h h_{t−1} + b), g = tanh(W_x x_t + W_h h_{t−1} + b), each with its own block;
    c_t = c_{t−1} + i ⊙ g;  h_t = o ⊙ tanh c_t

    The idea is that of 1997; in the paper itself the candidate is squashed to (−2, 2) and the cell
    state by another sigmoid to (−1, 1), the gates see the gates of the step before as well, several
    cells may share the gates of a block, and the gradient is cut off where it leaves a cell: only
    c → c is followed through time. Here it is followed everywhere.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        `W_x` (3H, D), `W_h` (3H, H), `b` (3H,), gate blocks stacked i, g, o.

    References
    ----------
    Hochreiter & Schmidhuber 1997.

    Examples
    --------
    >>> layer = NoForgetLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, (h_last, c_last) = layer.forward(np.ones((5, 2, 3)))
    >>> layer.trace._fields, layer.params["W_h"].shape
    (('i', 'g', 'o', 'c', 'h'), (12, 4))
    """

    trace_type = NoForgetTrace
    gates = "igo"
    pair = (no_forget_lstm_step, no_forget_lstm_step_backward)


# One product for all gates of a cell, and its gradient


def _gates(x: Array, h_prev: Array, params: Params, blocks: int) -> list[Array]:
    return np.split(x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"], blocks, axis=1)


def _gates_backward(da: list[Array], cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    stack = np.concatenate(da, axis=1)
    grads = {"W_x": stack.T @ cache["x"], "W_h": stack.T @ cache["h_prev"], "b": stack.sum(axis=0)}
    return stack @ params["W_x"], stack @ params["W_h"], grads
