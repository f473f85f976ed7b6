"""What the gates of several cells have in common: one product for all of them, and exponential gates."""

import numpy as np

from lstmlib.activations import Array, sigmoid
from lstmlib.layer import Cache, Params


def gate_inputs(x: Array, h_prev: Array, params: Params, blocks: int) -> list[Array]:
    """What each gate is a function of: a = W_x x + W_h h_prev + b, split into its blocks (B, H)."""
    return np.split(x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"], blocks, axis=1)


def gate_inputs_backward(da: list[Array], cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """`gate_inputs` backward: dx, dh_prev, and the gradients of W_x, W_h and b, from ∂L/∂a of each block.

    `cache` holds "x" and "h_prev", as `gate_inputs` was given them.
    """
    stack = np.concatenate(da, axis=1)
    grads = {"W_x": stack.T @ cache["x"], "W_h": stack.T @ cache["h_prev"], "b": stack.sum(axis=0)}
    return stack @ params["W_x"], stack @ params["W_h"], grads


def exponential_gates(a_i: Array, a_f: Array, m_prev: Array) -> tuple[Array, Array, Array, Cache]:
    """The gates exp a_i and σ(a_f) with m taken out of the first and into the second, m, and a cache.

    m = max(log σ(a_f) + m_prev, a_i);  i = exp(a_i − m), f = exp(log σ(a_f) + m_prev − m)

    From Beck et al. 2024, equations 15–17.
    """
    log_f = -np.logaddexp(0, -a_f)
    m = np.maximum(log_f + m_prev, a_i)
    i, f = np.exp(a_i - m), np.exp(log_f + m_prev - m)
    return i, f, m, {"i": i, "f": f, "m": m, "by_f": log_f + m_prev >= a_i, "slope_of_log_f": sigmoid(-a_f)}


def exponential_gates_backward(di: Array, df: Array, dm: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """`exponential_gates` backward: da_i, da_f, dm_prev."""
    dlog_i, dlog_f = di * cache["i"], df * cache["f"]
    dm = dm - dlog_i - dlog_f
    dlog_i = dlog_i + np.where(cache["by_f"], 0, dm)
    dlog_f = dlog_f + np.where(cache["by_f"], dm, 0)
    return dlog_i, dlog_f * cache["slope_of_log_f"], dlog_f
