"""How weights start: uniform by fan-in and fan-out, or orthogonal; the forget bias is `ForgetGateLayer`'s.

Every function takes a `numpy.random.Generator`, and draws from nothing else.
"""

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array


def glorot_uniform(shape: tuple[int, int], rng: Generator) -> Array:
    """Weights (fan_out, fan_in) uniform on (−a, a) with a = √(6 / (fan_in + fan_out)).

    `shape` is that of one gate's matrix. From Glorot & Bengio 2010, equation 16.
    """
    a = np.sqrt(6 / sum(shape))
    return rng.uniform(-a, a, shape)


def orthogonal(size: int, rng: Generator) -> Array:
    """A random orthogonal matrix (size, size): all its singular values are 1.

    A recurrent matrix that starts so neither shrinks nor stretches the state on its first step. From Saxe,
    McClelland & Ganguli 2014.
    """
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    # QR leaves the signs to the algorithm; fixing them makes the draw uniform.
    return q * np.sign(np.diag(r))


def gate_weights(blocks: int, input_size: int, hidden_size: int, rng: Generator) -> dict[str, Array]:
    """Weights for `blocks` gates, one below the other: Glorot for the input, orthogonal for the state.

    Each block is drawn on its own, so that a gate starts as it would alone. Returns `W_x` (blocks·H, D),
    `W_h` (blocks·H, H) and `b` (blocks·H,), the last zeros.
    """
    W_x = np.concatenate([glorot_uniform((hidden_size, input_size), rng) for _ in range(blocks)])
    W_h = np.concatenate([orthogonal(hidden_size, rng) for _ in range(blocks)])
    return {"W_x": W_x, "W_h": W_h, "b": np.zeros(blocks * hidden_size)}
