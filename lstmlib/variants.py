"""Gated cells that differ from the LSTM in one idea each, for `lstm/variants`.

GRU             one state, two gates; the update gate z takes both the forget gate's part and the input gate's
PeepholeLSTM    the gates see the cell state
CoupledLSTM     what is forgotten is replaced: i = 1 − f
NoForgetLSTM    the cell of 1997: what is stored stays
MinLSTM         the gates see the input alone, so all steps can be computed at once
SLSTM           the input gate is an exponential, and a normaliser divides by all that was written
MLSTM           the memory is a matrix of pairs, written under a key and read with a query

Each is a pair of functions, a step and its gradient, and a layer that walks them along a sequence.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.initialisation import glorot_uniform, stacked
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
    state_names: ClassVar[tuple[str, ...]] = LSTMState._fields
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


# minLSTM


def min_lstm_step(x: Array, h_prev: Array, params: Params) -> tuple[Array, Cache]:
    """One step of a minLSTM: a weighted mean of the memory and a candidate, both weights from x alone.

    a = W_x x + b, split into three blocks; g = a_g;
    f = σ(a_f) / (σ(a_f) + σ(a_i)), i = 1 − f;  h = f ⊙ h_prev + i ⊙ g

    Parameters
    ----------
    x : array (B, D)
    h_prev : array (B, H)
    params : dict
        `W_x` (3H, D), `b` (3H,), blocks stacked i, f, g.

    Returns
    -------
    h : array (B, H)
    cache : dict
        What `min_lstm_step_backward` needs, every gate by its name.

    References
    ----------
    Feng et al. 2024, section 3.2.

    Examples
    --------
    Two gates that are equally open share evenly.

    >>> params = {"W_x": np.zeros((3, 1)), "b": np.array([2.0, 2, 1])}
    >>> h, _ = min_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), params)
    >>> h
    array([[0.5]])
    """
    i, f, g, slopes = _min_lstm_gates(x, params)
    return f * h_prev + i * g, {"x": x, "h_prev": h_prev, "i": i, "f": f, "g": g, "slopes": slopes}


def min_lstm_step_backward(dh: Array, cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """The same step backward: dh_prev = dh ⊙ f, and nothing else leads back in time.

    df = dh ⊙ (h_prev − g), since i = 1 − f; dg = dh ⊙ i

    Parameters
    ----------
    dh : array (B, H)
    cache : dict
        As `min_lstm_step` returned it.
    params : dict

    Returns
    -------
    dx : array (B, D)
    dh_prev : array (B, H)
    grads : dict

    Examples
    --------
    >>> params = {"W_x": np.zeros((3, 1)), "b": np.array([2.0, 2, 1])}
    >>> h, cache = min_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), params)
    >>> dx, dh_prev, grads = min_lstm_step_backward(np.ones((1, 1)), cache, params)
    >>> dh_prev
    array([[0.5]])
    """
    da = _min_lstm_gates_backward(dh, cache)
    grads = {"W_x": da.T @ cache["x"], "b": da.sum(axis=0)}
    return da @ params["W_x"], dh * cache["f"], grads


def linear_scan(a: Array, b: Array, start: Array) -> Array:
    """h_t = a_t ⊙ h_{t−1} + b_t for all T steps, in log₂ T passes over the whole array.

    Two steps in a row are one step of the same form, h → a₂ a₁ h + (a₂ b₁ + b₂). So after the first
    pass each entry stands for 2 steps, after the second for 4, and so on; no pass waits for an
    earlier step of its own.

    Parameters
    ----------
    a, b : array (T, B, H)
    start : array (B, H)
        h before the first step.

    Returns
    -------
    h : array (T, B, H)

    References
    ----------
    Hillis & Steele 1986; Blelloch 1990.

    Examples
    --------
    >>> half, one = np.full((4, 1, 1), 0.5), np.ones((4, 1, 1))
    >>> linear_scan(half, one, np.zeros((1, 1))).ravel()
    array([1.   , 1.5  , 1.75 , 1.875])
    """
    a, h = a.copy(), b.copy()
    h[0] += a[0] * start
    span = 1
    while span < len(h):
        h[span:] += a[span:] * h[:-span]
        a[span:] *= a[:-span].copy()
        span *= 2
    return h


class MinLSTMTrace(NamedTuple):
    """The two shares, the candidate and the hidden state at each step, each (T, B, H)."""

    i: Array
    f: Array
    g: Array
    h: Array


class MinLSTM(RecurrentLayer):
    """An LSTM without a recurrent matrix: a gate sees the input and not the memory.

    a = W_x x_t + b, split into three blocks; g = a_g;
    f = σ(a_f) / (σ(a_f) + σ(a_i)), i = 1 − f;  h_t = f ⊙ h_{t−1} + i ⊙ g

    All gates are known before the first step, and what is left is linear in h: `forward` and
    `backward` are one `linear_scan` each.

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
        `W_x` (3H, D), `b` (3H,), blocks stacked i, f, g.

    Raises
    ------
    ValueError
        As `LSTM`.

    References
    ----------
    Feng et al. 2024, section 3.2, with biases.

    Examples
    --------
    >>> layer = MinLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads), bool(np.allclose(layer.trace.i + layer.trace.f, 1))
    (['W_x', 'b'], True)
    """

    trace_type = MinLSTMTrace

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
        W_x, _, b = stacked(3, self.input_size, self.hidden_size, rng, self.dtype)
        np.split(b, 3)[1][:] = self.forget_bias
        return {"W_x": W_x, "b": b}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, cache = min_lstm_step(x, state[0], self.params)
        return (h,), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dx, dh_prev, grads = min_lstm_step_backward(dstate[0], cache, self.params)
        return dx, (dh_prev,), grads

    def _forward(
        self, x: Array, state: tuple[Array, ...], mask: Array | None
    ) -> tuple[Array, tuple[Array, ...]]:
        if not self._has_own_steps(MinLSTM):
            return super()._forward(x, state, mask)
        i, f, g, slopes = _min_lstm_gates(x, self.params)
        # A skipped step keeps everything.
        skipped = np.zeros(x.shape[:2], bool) if mask is None else np.logical_not(mask)
        kept = np.where(skipped[..., None], 1, f)
        h = linear_scan(kept, np.where(skipped[..., None], 0, i * g), state[0])
        h_prev = np.concatenate([state[0][None], h[:-1]])
        self._tape = self._trace = {
            **{"x": x.copy(), "h_prev": h_prev, "i": i, "f": f, "g": g, "h": h, "slopes": slopes},
            **{"kept": kept, "skipped": skipped},
        }
        return h.copy(), (h[-1].copy(),)

    def _backward(self, dh: Array, dstate: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...], Params]:
        tape = self._tape
        if not isinstance(tape, dict):
            return super()._backward(dh, dstate)
        # dh_t = kept_{t+1} ⊙ dh_{t+1} + what comes from above: the same scan, from the end.
        kept_next = np.concatenate([tape["kept"][1:], np.ones_like(dh[:1])])
        dh = linear_scan(kept_next[::-1], dh[::-1], dstate[0])[::-1]
        da = np.where(tape["skipped"][..., None], 0, _min_lstm_gates_backward(dh, tape))
        rows = da.reshape(-1, da.shape[-1])
        grads = {"W_x": rows.T @ tape["x"].reshape(-1, self.input_size), "b": rows.sum(axis=0)}
        return da @ self.params["W_x"], (dh[0] * tape["kept"][0],), grads

    def _tape_shape(self) -> tuple[int, int]:
        return self._tape["skipped"].shape if isinstance(self._tape, dict) else super()._tape_shape()

    def _make_trace(self) -> Any:
        if not isinstance(self._trace, dict):
            return super()._make_trace()
        return MinLSTMTrace(*(self._trace[name].copy() for name in MinLSTMTrace._fields))


def _min_lstm_gates(x: Array, params: Params) -> tuple[Array, Array, Array, tuple[Array, Array]]:
    """i, f, g, and the slopes ∂f/∂a_i and ∂f/∂a_f, for one step or for all."""
    a_i, a_f, g = np.split(x @ params["W_x"].T + params["b"], 3, axis=-1)
    # f = σ(log σ(a_f) − log σ(a_i)), which stays finite where both gates are shut.
    f = sigmoid(np.logaddexp(0, -a_i) - np.logaddexp(0, -a_f))
    slope = sigmoid_derivative(f)
    return 1 - f, f, g, (-slope * sigmoid(-a_i), slope * sigmoid(-a_f))


def _min_lstm_gates_backward(dh: Array, cache: Cache) -> Array:
    df = dh * (cache["h_prev"] - cache["g"])
    by_i, by_f = cache["slopes"]
    return np.concatenate([df * by_i, df * by_f, dh * cache["i"]], axis=-1)


# sLSTM


def slstm_step(
    x: Array, h_prev: Array, c_prev: Array, n_prev: Array, m_prev: Array, params: Params
) -> tuple[Array, Array, Array, Array, Cache]:
    """One step of an sLSTM: the input gate may be as large as it likes, and h is a mean.

    a = W_x x + W_h h_prev + b, split into four blocks; g = tanh(a_g), o = σ(a_o);
    m = max(log σ(a_f) + m_prev, a_i);  i = exp(a_i − m), f = exp(log σ(a_f) + m_prev − m);
    c = f ⊙ c_prev + i ⊙ g;  n = f ⊙ n_prev + i;  h = o ⊙ c / n

    The true memory is c exp m, and the true normaliser n exp m: m holds what would overflow, and
    cancels in h.

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev, n_prev, m_prev : array (B, H)
        n_prev is 0 at the start, and positive from then on.
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Returns
    -------
    h, c, n, m : array (B, H)
    cache : dict
        What `slstm_step_backward` needs, every gate by its name.

    References
    ----------
    Beck et al. 2024, equations 8–17, with σ for the forget gate.

    Examples
    --------
    An input gate of exp 1000 overwrites the memory, and nothing overflows.

    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([1000.0, 99, 99, 99])}
    >>> one = np.ones((1, 1))
    >>> h, c, n, m, _ = slstm_step(one, one, -one, one, 0 * one, params)
    >>> h, m
    (array([[1.]]), array([[1000.]]))
    """
    a_i, a_f, a_g, a_o = _gates(x, h_prev, params, 4)
    g, o = tanh(a_g), sigmoid(a_o)
    i, f, m, cache = _exponential_gates(a_i, a_f, m_prev)
    c = f * c_prev + i * g
    n = f * n_prev + i
    h = o * c / n
    values = {"x": x, "h_prev": h_prev, "c_prev": c_prev, "n_prev": n_prev, "g": g, "o": o, "c": c, "n": n}
    return h, c, n, m, cache | values


def slstm_step_backward(
    dh: Array, dc: Array, dn: Array, dm: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Array, Array, Params]:
    """The same step backward.

    dc += dh ⊙ o / n;  dn −= dh ⊙ h / n;  df = dc ⊙ c_prev + dn ⊙ n_prev;  di = dc ⊙ g + dn;
    dg = dc ⊙ i;  do = dh ⊙ c / n;  dc_prev = dc ⊙ f;  dn_prev = dn ⊙ f

    Parameters
    ----------
    dh, dc, dn, dm : array (B, H)
    cache : dict
        As `slstm_step` returned it.
    params : dict

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev, dn_prev, dm_prev : array (B, H)
    grads : dict

    Examples
    --------
    The first thing written is the mean of all that was written: how hard does not matter.

    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([0.0, 0, 1, 0])}
    >>> zero = np.zeros((1, 1))
    >>> *state, cache = slstm_step(zero, zero, zero, zero, zero, params)
    >>> *_, grads = slstm_step_backward(zero + 1, zero, zero, zero, cache, params)
    >>> bool(grads["b"][0] == 0), bool(grads["b"][2] > 0)
    (True, True)
    """
    i, f, g, o, c, n = (cache[name] for name in ("i", "f", "g", "o", "c", "n"))
    dc = dc + dh * o / n
    dn = dn - dh * o * c / (n * n)
    di, df = dc * g + dn, dc * cache["c_prev"] + dn * cache["n_prev"]
    da_i, da_f, dm_prev = _exponential_gates_backward(di, df, dm, cache)
    da_g, da_o = dc * i * tanh_derivative(g), dh * (c / n) * sigmoid_derivative(o)
    dx, dh_prev, grads = _gates_backward([da_i, da_f, da_g, da_o], cache, params)
    return dx, dh_prev, dc * f, dn * f, dm_prev, grads


class SLSTMState(NamedTuple):
    """What an sLSTM carries from step to step, each (B, H)."""

    h: Array
    c: Array
    n: Array
    m: Array


class SLSTMTrace(NamedTuple):
    """Gates (i and f as scaled by exp(−m)) and memories at each step, each (T, B, H)."""

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    n: Array
    m: Array
    h: Array


class SLSTM(_ForgetGateLayer):
    """An LSTM whose input gate is an exponential, so that a new thing can outweigh all before it.

    a = W_x x_t + W_h h_{t−1} + b, split into four blocks; g = tanh(a_g), o = σ(a_o);
    m_t = max(log σ(a_f) + m_{t−1}, a_i);  i = exp(a_i − m_t), f = exp(log σ(a_f) + m_{t−1} − m_t);
    c_t = f ⊙ c_{t−1} + i ⊙ g;  n_t = f ⊙ n_{t−1} + i;  h_t = o ⊙ c_t / n_t

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
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Raises
    ------
    ValueError
        As `LSTM`.

    References
    ----------
    Beck et al. 2024, section 2.2, with one head and σ for the forget gate.

    Examples
    --------
    >>> layer = SLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> state._fields, bool((np.abs(h) < 1).all())
    (('h', 'c', 'n', 'm'), True)
    """

    trace_type = SLSTMTrace
    state_names = SLSTMState._fields
    gates = "ifgo"

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, c, n, m = state
        h, c, n, m, cache = slstm_step(x, h, c, n, m, self.params)
        return (h, c, n, m), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dh, dc, dn, dm = dstate
        dx, dh, dc, dn, dm, grads = slstm_step_backward(dh, dc, dn, dm, cache, self.params)
        return dx, (dh, dc, dn, dm), grads

    def _pack(self, state: tuple[Array, ...]) -> Any:
        return SLSTMState(*state)


# mLSTM


def mlstm_step(
    x: Array, h_prev: Array, C_prev: Array, n_prev: Array, m_prev: Array, params: Params
) -> tuple[Array, Array, Array, Array, Cache]:
    """One step of an mLSTM: a value is stored under a key, and a query reads the matrix.

    q, k, v, a_o = W_x x + b in four blocks, k divided by √H; a_i, a_f = W_g x + b_g; o = σ(a_o);
    m = max(log σ(a_f) + m_prev, a_i);  i = exp(a_i − m), f = exp(log σ(a_f) + m_prev − m);
    C = f C_prev + i v kᵀ;  n = f n_prev + i k;  h = o ⊙ C q / max(abs(nᵀ q), exp(−m))

    The true memory is C exp m: where nothing much was written the denominator is 1, in true units.

    Parameters
    ----------
    x : array (B, D)
    h_prev : array (B, H)
        Not read: no gate sees the memory.
    C_prev : array (B, H, H)
    n_prev : array (B, H)
    m_prev : array (B,)
    params : dict
        `W_x` (4H, D), `b` (4H,), blocks stacked q, k, v, o; `W_g` (2, D), `b_g` (2,) of i and f,
        one number each for the whole memory.

    Returns
    -------
    h : array (B, H)
    C : array (B, H, H)
    n : array (B, H)
    m : array (B,)
    cache : dict
        What `mlstm_step_backward` needs, every gate by its name.

    References
    ----------
    Beck et al. 2024, equations 19–27, with σ for the forget gate.

    Examples
    --------
    What was stored under a key is read with that key.

    >>> b = np.array([1.0, 0, 1.4142, 0, 5, 7, 99, 99])  # q, k, v, o of two units
    >>> params = {"W_x": np.zeros((8, 1)), "b": b, "W_g": np.zeros((2, 1)), "b_g": np.array([9.0, 0])}
    >>> zero = np.zeros((1, 2))
    >>> h, *_ = mlstm_step(np.ones((1, 1)), zero, np.zeros((1, 2, 2)), zero, np.zeros(1), params)
    >>> h.round(3)
    array([[5., 7.]])
    """
    q, k, v, a_o = np.split(x @ params["W_x"].T + params["b"], 4, axis=1)
    k, o = k / np.sqrt(k.shape[1]).astype(k.dtype), sigmoid(a_o)
    a_i, a_f = (x @ params["W_g"].T + params["b_g"]).T
    i, f, m, cache = _exponential_gates(a_i, a_f, m_prev)
    C = f[:, None, None] * C_prev + i[:, None, None] * v[:, :, None] * k[:, None, :]
    n = f[:, None] * n_prev + i[:, None] * k
    match = (n * q).sum(axis=1)
    scale = np.maximum(np.abs(match), np.exp(-m))
    read = (C @ q[:, :, None])[:, :, 0] / scale[:, None]
    cache |= {"x": x, "h_prev": h_prev, "C_prev": C_prev, "n_prev": n_prev, "q": q, "k": k, "v": v, "o": o}
    return o * read, C, n, m, cache | {"C": C, "n": n, "match": match, "scale": scale, "read": read}


def mlstm_step_backward(
    dh: Array, dC: Array, dn: Array, dm: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Array, Array, Params]:
    """The same step backward.

    With r = C q / s and s = max(abs(nᵀ q), exp(−m)): dr = dh ⊙ o, ds = −drᵀ r / s, which goes to n and q
    or to m, whichever is the larger; dC += (dr / s) qᵀ; dq = Cᵀ dr / s and more through s.
    C = f C_prev + i v kᵀ gives dv = i dC k, dk = i (dCᵀ v + dn), di = vᵀ dC k + dnᵀ k.

    Parameters
    ----------
    dh, dC, dn, dm : arrays of the shapes of h, C, n, m
    cache : dict
        As `mlstm_step` returned it.
    params : dict

    Returns
    -------
    dx : array (B, D)
    dh_prev, dC_prev, dn_prev, dm_prev : arrays of the shapes of h, C, n, m
        dh_prev is 0.
    grads : dict

    Examples
    --------
    >>> layer = MLSTM(1, 2, rng=np.random.default_rng(0))
    >>> zero, C = np.zeros((1, 2)), np.zeros((1, 2, 2))
    >>> *state, cache = mlstm_step(np.ones((1, 1)), zero, C, zero, np.zeros(1), layer.params)
    >>> dx, dh_prev, *_ = mlstm_step_backward(zero + 1, C, zero, np.zeros(1), cache, layer.params)
    >>> dh_prev
    array([[0., 0.]])
    """
    x, q, k, v, o, i, f = (cache[name] for name in ("x", "q", "k", "v", "o", "i", "f"))
    C, n, match, scale, read = (cache[name] for name in ("C", "n", "match", "scale", "read"))
    da_o = dh * read * sigmoid_derivative(o)
    dr = dh * o / scale[:, None]
    ds = -(dr * read).sum(axis=1)
    by_match = np.abs(match) >= np.exp(-cache["m"])
    dmatch = np.where(by_match, ds * np.sign(match), 0)[:, None]
    dm = dm - np.where(by_match, 0, ds * scale)
    dC = dC + dr[:, :, None] * q[:, None, :]
    dn = dn + dmatch * q
    dq = (dr[:, None, :] @ C)[:, 0] + dmatch * n
    dC_k, v_dC = (dC @ k[:, :, None])[:, :, 0], (v[:, None, :] @ dC)[:, 0]
    di = (v * dC_k).sum(axis=1) + (dn * k).sum(axis=1)
    df = (dC * cache["C_prev"]).sum(axis=(1, 2)) + (dn * cache["n_prev"]).sum(axis=1)
    da_i, da_f, dm_prev = _exponential_gates_backward(di, df, dm, cache)
    dk = i[:, None] * (v_dC + dn) / np.sqrt(k.shape[1]).astype(k.dtype)
    da = np.concatenate([dq, dk, i[:, None] * dC_k, da_o], axis=1)
    da_g = np.stack([da_i, da_f], axis=1)
    grads = {"W_x": da.T @ x, "b": da.sum(axis=0), "W_g": da_g.T @ x, "b_g": da_g.sum(axis=0)}
    dx = da @ params["W_x"] + da_g @ params["W_g"]
    return dx, np.zeros_like(dh), f[:, None, None] * dC, f[:, None] * dn, dm_prev, grads


class MLSTMState(NamedTuple):
    """What an mLSTM carries from step to step: h (B, H), C (B, H, H), n (B, H), m (B,)."""

    h: Array
    C: Array
    n: Array
    m: Array


class MLSTMTrace(NamedTuple):
    """i and f (T, B), scaled by exp(−m); q, k, v, o (T, B, H); the state at each step."""

    i: Array
    f: Array
    q: Array
    k: Array
    v: Array
    o: Array
    C: Array
    n: Array
    m: Array
    h: Array


class MLSTM(RecurrentLayer):
    """An LSTM whose memory is a matrix: values stored under keys, and read with queries.

    q, k, v, a_o = W_x x_t + b in four blocks, k divided by √H; a_i, a_f = W_g x_t + b_g; o = σ(a_o);
    m_t = max(log σ(a_f) + m_{t−1}, a_i);  i = exp(a_i − m_t), f = exp(log σ(a_f) + m_{t−1} − m_t);
    C_t = f C_{t−1} + i v kᵀ;  n_t = f n_{t−1} + i k;  h_t = o ⊙ C_t q / max(abs(n_tᵀ q), exp(−m_t))

    Parameters
    ----------
    input_size, hidden_size : int
        D and H; the memory holds H² numbers.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias.

    Attributes
    ----------
    params : dict
        `W_x` (4H, D), `b` (4H,), blocks stacked q, k, v, o; `W_g` (2, D), `b_g` (2,) of i and f.

    Raises
    ------
    ValueError
        As `LSTM`.

    References
    ----------
    Beck et al. 2024, section 2.3, with one head and σ for the forget gate.

    Examples
    --------
    >>> layer = MLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, state.C.shape, state.m.shape
    ((5, 2, 4), (2, 4, 4), (2,))
    """

    trace_type = MLSTMTrace
    state_names = MLSTMState._fields
    state_axes: ClassVar = {"C": ("B", "H", "H"), "m": ("B",)}

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
        W_x, _, b = stacked(4, self.input_size, self.hidden_size, rng, self.dtype)
        W_g = glorot_uniform((2, self.input_size), rng).astype(self.dtype)
        return {"W_x": W_x, "b": b, "W_g": W_g, "b_g": np.array([0, self.forget_bias], self.dtype)}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, C, n, m = state
        h, C, n, m, cache = mlstm_step(x, h, C, n, m, self.params)
        return (h, C, n, m), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dh, dC, dn, dm = dstate
        dx, dh, dC, dn, dm, grads = mlstm_step_backward(dh, dC, dn, dm, cache, self.params)
        return dx, (dh, dC, dn, dm), grads

    def _pack(self, state: tuple[Array, ...]) -> Any:
        return MLSTMState(*state)


# The exponential gates of sLSTM and mLSTM, and their gradient


def _exponential_gates(a_i: Array, a_f: Array, m_prev: Array) -> tuple[Array, Array, Array, Cache]:
    log_f = -np.logaddexp(0, -a_f)
    m = np.maximum(log_f + m_prev, a_i)
    i, f = np.exp(a_i - m), np.exp(log_f + m_prev - m)
    return i, f, m, {"i": i, "f": f, "m": m, "by_f": log_f + m_prev >= a_i, "slope_f": sigmoid(-a_f)}


def _exponential_gates_backward(di: Array, df: Array, dm: Array, cache: Cache) -> tuple[Array, Array, Array]:
    dlog_i, dlog_f = di * cache["i"], df * cache["f"]
    dm = dm - dlog_i - dlog_f
    dlog_i = dlog_i + np.where(cache["by_f"], 0, dm)
    dlog_f = dlog_f + np.where(cache["by_f"], dm, 0)
    return dlog_i, dlog_f * cache["slope_f"], dlog_f


# One product for all gates of a cell, and its gradient


def _gates(x: Array, h_prev: Array, params: Params, blocks: int) -> list[Array]:
    return np.split(x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"], blocks, axis=1)


def _gates_backward(da: list[Array], cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    stack = np.concatenate(da, axis=1)
    grads = {"W_x": stack.T @ cache["x"], "W_h": stack.T @ cache["h_prev"], "b": stack.sum(axis=0)}
    return stack @ params["W_x"], stack @ params["W_h"], grads
