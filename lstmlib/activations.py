"""The squashing functions of every chapter, written so that no input overflows.

Each function stands beside its derivative. The derivatives of σ and tanh take the
function's *value*, because that is what a forward pass has kept.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def sigmoid(a: Array) -> Array:
    """Logistic function, the squashing of a gate.

    σ(a) = 1 / (1 + e⁻ᵃ) = ½ (1 + tanh(a/2)), with values in (0, 1). The second form
    is the one computed: tanh saturates where the exponential would overflow.

    Parameters
    ----------
    a : array of any shape
        Pre-activation.

    Returns
    -------
    array of the shape of `a`

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(a)))


def sigmoid_derivative(s: Array) -> Array:
    """Derivative of σ, from its value: with s = σ(a), dσ/da = s (1 − s).

    Parameters
    ----------
    s : array of any shape
        A value of σ, not its argument.

    Returns
    -------
    array of the shape of `s`

    Examples
    --------
    >>> sigmoid_derivative(sigmoid(np.array([0.0])))
    array([0.25])
    """
    return s * (1 - s)


def tanh(a: Array) -> Array:
    """Hyperbolic tangent, the squashing of what is stored: values in (−1, 1).

    Parameters
    ----------
    a : array of any shape
        Pre-activation.

    Returns
    -------
    array of the shape of `a`

    Examples
    --------
    >>> tanh(np.array([0.0, 1000.0]))
    array([0., 1.])
    """
    return np.tanh(a)


def tanh_derivative(y: Array) -> Array:
    """Derivative of tanh, from its value: with y = tanh(a), dtanh/da = 1 − y².

    Parameters
    ----------
    y : array of any shape
        A value of tanh, not its argument.

    Returns
    -------
    array of the shape of `y`

    Examples
    --------
    >>> tanh_derivative(tanh(np.array([0.0])))
    array([1.])
    """
    return 1 - y * y


def softmax(a: Array, axis: int = -1) -> Array:
    """Turn scores into weights that are positive and sum to 1.

    softmax(a)ⱼ = exp(aⱼ − m) / Σₖ exp(aₖ − m), with m = max(a); subtracting m changes
    nothing but keeps the exponential below 1. A score of −∞ gets the weight 0.

    Parameters
    ----------
    a : array of any shape
        Scores. Along `axis` at least one must be finite.
    axis : int
        The axis that sums to 1.

    Returns
    -------
    array of the shape of `a`

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """Carry a gradient back through softmax: da = y ⊙ (dy − Σₖ dyₖ yₖ).

    Parameters
    ----------
    dy : array of the shape of `y`
        Gradient with respect to the weights.
    y : array
        The weights, as `softmax` returned them.
    axis : int
        The axis that sums to 1.

    Returns
    -------
    array of the shape of `y`
        Gradient with respect to the scores.

    Examples
    --------
    >>> softmax_backward(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
    array([0., 0.])
    """
    return y * (dy - np.sum(dy * y, axis=axis, keepdims=True))


def log_softmax(a: Array, axis: int = -1) -> Array:
    """Logarithm of softmax, without the underflow of taking one after the other.

    log softmax(a)ⱼ = (aⱼ − m) − log Σₖ exp(aₖ − m), with m = max(a).

    Parameters
    ----------
    a : array of any shape
        Scores. Along `axis` at least one must be finite.
    axis : int
        The axis whose exponentials sum to 1.

    Returns
    -------
    array of the shape of `a`

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
