"""The squashing functions of every chapter, written so that no input overflows.

Each stands beside its derivative. Those of σ and tanh take the function's *value*, because that is what a
forward pass has kept. Arrays have any shape, and each function returns the shape it gets.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def sigmoid(a: Array) -> Array:
    """Logistic function, the squashing of a gate: σ(a) = 1 / (1 + e⁻ᵃ), with values in (0, 1).

    It is computed as ½ (1 + tanh(a/2)): tanh saturates where the exponential would overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(a)))


def sigmoid_derivative(s: Array) -> Array:
    """Derivative of σ, from its value: with s = σ(a), dσ/da = s (1 − s)."""
    return s * (1 - s)


def tanh(a: Array) -> Array:
    """Hyperbolic tangent, the squashing of what is stored: values in (−1, 1)."""
    return np.tanh(a)


def tanh_derivative(y: Array) -> Array:
    """Derivative of tanh, from its value: with y = tanh(a), dtanh/da = 1 − y²."""
    return 1 - y * y


def softmax(a: Array, axis: int = -1) -> Array:
    """Turn scores into weights that are positive and sum to 1 along `axis`.

    softmax(a)ⱼ = exp(aⱼ − m) / Σₖ exp(aₖ − m), with m = max(a); subtracting m changes nothing but keeps the
    exponential below 1. A score of −∞ gets the weight 0. At least one score along `axis` must be finite.

    >>> softmax(np.array([1000.0, 1000.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """The gradient of the scores from that of the weights `y`: da = y ⊙ (dy − Σₖ dyₖ yₖ)."""
    return y * (dy - np.sum(dy * y, axis=axis, keepdims=True))


def log_softmax(a: Array, axis: int = -1) -> Array:
    """Logarithm of softmax, without the underflow of taking one after the other.

    log softmax(a)ⱼ = (aⱼ − m) − log Σₖ exp(aₖ − m), with m = max(a). At least one score along `axis`
    must be finite.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
