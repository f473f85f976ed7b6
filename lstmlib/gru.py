"""The GRU of `lstm/variants`: one state, two gates.

The update gate z takes both the forget gate's part and the input gate's.
"""

from typing import Any

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.initialisation import gate_weights
from lstmlib.layer import Cache, Params, RecurrentLayer


def gru_step(x: Array, h_prev: Array, params: Params, reset_after: bool = True) -> tuple[Array, Cache]:
    """One step of a GRU: the new memory is a weighted mean of the old one and a candidate.

    r, z = σ(W_x x + b_x + W_h h_prev + b_h), each with its own block;
    n = tanh(W_x x + b_x + r ⊙ (W_h h_prev + b_h)), or with `reset_after=False`
    n = tanh(W_x x + b_x + W_h (r ⊙ h_prev) + b_h);
    h = (1 − z) ⊙ n + z ⊙ h_prev

    x is (B, D), the state (B, H). `params` holds `W_x` (3H, D), `W_h` (3H, H), `b_x` (3H,) and `b_h` (3H,),
    blocks stacked r, z, n; the reset gate multiplies only one of the biases. The cache, for the way back,
    has every gate by its name.

    The reset gate acts after the product with W_h, as in PyTorch, or before it, as in the paper: Cho et al.
    2014, equations 5–8, there without biases.

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
    """`gru_step` backward: dx, dh_prev, and this step's share of ∂L/∂params.

    `dh` comes from the output and from the next step together.
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


class GRU(RecurrentLayer):
    """A recurrent layer that mixes its memory with a candidate, and has no cell state: `gru_step`.

    `reset_after` is that of `gru_step`. Raises ValueError as every layer, and for a `reset_after` that is
    neither True nor False.
    """

    cell = gru_step, gru_step_backward
    gates = "r", "z", "n"

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
        self.options = {"reset_after": reset_after}
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def first_weights(self, rng: Generator) -> Params:
        drawn = gate_weights(3, self.input_size, self.hidden_size, rng)
        b = drawn.pop("b")
        return drawn | {"b_x": b, "b_h": b.copy()}
