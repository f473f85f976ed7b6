"""How weights start: uniform by fan-in and fan-out, orthogonal, and the forget bias.

Every function takes a `numpy.random.Generator`, and draws from nothing else.
"""

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array


def glorot_uniform(shape: tuple[int, int], rng: Generator) -> Array:
    """Weights uniform on (−a, a) with a = √(6 / (fan_in + fan_out)).

    Parameters
    ----------
    shape : (fan_out, fan_in)
        Shape of one gate's matrix.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    array (fan_out, fan_in)

    References
    ----------
    Glorot & Bengio 2010, equation 16.

    Examples
    --------
    >>> W = glorot_uniform((2, 4), np.random.default_rng(0))
    >>> W.shape, bool(np.abs(W).max() < 1)
    ((2, 4), True)
    """
    a = np.sqrt(6 / sum(shape))
    return rng.uniform(-a, a, shape)


def orthogonal(size: int, rng: Generator) -> Array:
    """A random orthogonal matrix: all its singular values are 1.

    A recurrent matrix that starts so neither shrinks nor stretches the state on its first step.

    Parameters
    ----------
    size : int
        Number of rows and of columns.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    array (size, size)

    References
    ----------
    Saxe, McClelland & Ganguli 2014.

    Examples
    --------
    >>> W = orthogonal(3, np.random.default_rng(0))
    >>> bool(np.allclose(W @ W.T, np.eye(3)))
    True
    """
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    # QR leaves the signs to the algorithm; fixing them makes the draw uniform.
    return q * np.sign(np.diag(r))


def gate_weights(blocks: int, input_size: int, hidden_size: int, rng: Generator) -> dict[str, Array]:
    """Weights for `blocks` gates, one below the other: Glorot for the input, orthogonal for the state.

    Each block is drawn on its own, so that a gate starts as it would alone.

    Parameters
    ----------
    blocks : int
        Number of gates that share the matrices: 1 for an RNN, 4 for an LSTM.
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    dict
        `W_x` (blocks·H, D), `W_h` (blocks·H, H), `b` (blocks·H,), the last zeros.

    Examples
    --------
    >>> weights = gate_weights(4, 3, 2, np.random.default_rng(0))
    >>> {name: value.shape for name, value in weights.items()}
    {'W_x': (8, 3), 'W_h': (8, 2), 'b': (8,)}
    """
    W_x = np.concatenate([glorot_uniform((hidden_size, input_size), rng) for _ in range(blocks)])
    W_h = np.concatenate([orthogonal(hidden_size, rng) for _ in range(blocks)])
    return {"W_x": W_x, "W_h": W_h, "b": np.zeros(blocks * hidden_size)}
