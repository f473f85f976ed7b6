"""The mLSTM of `lstm/variants`: a matrix of pairs, written under a key and read with a query."""

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative
from lstmlib.gates import exponential_gates, exponential_gates_backward
from lstmlib.initialisation import gate_weights, glorot_uniform
from lstmlib.layer import Cache, ForgetGateLayer, Params


def mlstm_step(
    x: Array, h_prev: Array, C_prev: Array, n_prev: Array, m_prev: Array, params: Params
) -> tuple[Array, Array, Array, Array, Cache]:
    """One step of an mLSTM: a value is stored under a key, and a query reads the matrix.

    q, k, v, a_o = W_x x + b in four blocks, k divided by √H; a_i, a_f = W_g x + b_g; o = σ(a_o);
    m = max(log σ(a_f) + m_prev, a_i);  i = exp(a_i − m), f = exp(log σ(a_f) + m_prev − m);
    C = f C_prev + i v kᵀ;  n = f n_prev + i k;  h = o ⊙ C q / max(abs(nᵀ q), exp(−m))

    The true memory is C exp m: where nothing much was written the denominator is 1, in true units.

    x is (B, D), h and n (B, H), C (B, H, H), m (B,); h_prev is not read, since no gate sees the memory.
    `params` holds `W_x` (4H, D) and `b` (4H,), blocks stacked q, k, v, o, and `W_g` (2, D) and `b_g` (2,)
    of i and f, one number each for the whole memory. The cache, for the way back, has every gate by its
    name. From Beck et al. 2024, equations 19–27, with σ for the forget gate.

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
    i, f, m, cache = exponential_gates(a_i, a_f, m_prev)
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
    """`mlstm_step` backward: dx, dh_prev, dC_prev, dn_prev, dm_prev, and this step's share of ∂L/∂params.

    dh_prev is 0. The gradient of the scale goes to n and q, or to m, whichever made it.
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
    da_i, da_f, dm_prev = exponential_gates_backward(di, df, dm, cache)
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


class MLSTM(ForgetGateLayer):
    """An LSTM whose memory is a matrix: values stored under keys, and read with queries.

    The cell is `mlstm_step`; it is that of the paper with one head, and the memory holds H² numbers.
    Arguments are those of `LSTM`.
    """

    cell = mlstm_step, mlstm_step_backward
    gates = "i", "f", "q", "k", "v", "o"
    state_type = MLSTMState
    state_axes: ClassVar = {"C": "BHH", "m": "B"}

    def first_weights(self, rng: Generator) -> Params:
        drawn = gate_weights(4, self.input_size, self.hidden_size, rng)
        W_g = glorot_uniform((2, self.input_size), rng)
        b_g = np.array([0, self.forget_bias])
        return {"W_x": drawn["W_x"], "b": drawn["b"], "W_g": W_g, "b_g": b_g}
