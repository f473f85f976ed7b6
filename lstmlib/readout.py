"""From hidden states to answers, and from answers to a loss: what stands above every recurrent layer.

Each loss returns its gradient with its value, because whoever trains needs both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array, log_softmax
from lstmlib.checks import (
    Mask,
    as_read,
    check_array,
    check_dtype,
    check_mask,
    check_rng,
    check_size,
    check_unchanged,
)
from lstmlib.initialisation import glorot_uniform
from lstmlib.layer import Params


class Readout:
    """A linear map from the hidden state to the outputs, the same at every step: y = W h + b.

    `input_size` and `output_size` are H and O; `rng`, a `numpy.random.Generator`, draws the first weights;
    without one they differ from run to run. `params` holds `W` (O, H) and `b` (O,), and after `backward`
    `grads` holds ∂L/∂params.

    Raises ValueError for a size below 1, a `dtype` other than float32 and float64, or an `rng` that
    is no Generator.

    >>> readout = Readout(4, 2, rng=np.random.default_rng(0))
    >>> y = readout.forward(np.ones((5, 3, 4)))
    >>> y.shape, readout.backward(np.ones_like(y)).shape, readout.grads["b"]
    ((5, 3, 2), (5, 3, 4), array([15., 15.]))
    """

    def __init__(
        self, input_size: int, output_size: int, *, rng: Generator | None = None, dtype: Any = np.float64
    ) -> None:
        self.input_size = check_size(input_size, "input_size")
        self.output_size = check_size(output_size, "output_size")
        self.dtype = check_dtype(dtype)
        W = glorot_uniform((self.output_size, self.input_size), check_rng(rng))
        self.params: Params = {"W": W.astype(self.dtype), "b": np.zeros(self.output_size, self.dtype)}
        self.grads: Params = {}
        self._h: Any = None
        self._read: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"Readout({self.input_size}, {self.output_size})"

    def forward(self, h: ArrayLike) -> Array:
        """Map hidden states (T, B, H), (B, H) or (H,) to as many outputs (T, B, O), (B, O) or (O,).

        Raises ValueError for a wrong shape, dtype, an empty array, or a value that is not finite.
        """
        axes = ("T", "B", "H")[-np.ndim(h) :]
        # A copy: what the caller does later with h must not reach the backward pass.
        self._h = check_array(h, "h", axes, {"H": self.input_size}, self.dtype).copy()
        self._read = as_read(self.params)
        return self._h @ self.params["W"].T + self.params["b"]

    def backward(self, dy: ArrayLike) -> Array:
        """Carry ∂L/∂y back to the hidden states, each of the shape `forward` had; fills `grads`.

        Raises RuntimeError without a `forward` since the last `backward`, or if `params` have changed
        since; ValueError for a gradient of the wrong shape, dtype, or with a value that is not finite.
        """
        check_unchanged(self.params, self._read, "Readout")
        axes = ("T", "B", "O")[-self._h.ndim :]
        sizes = dict(zip(axes, (*self._h.shape[:-1], self.output_size), strict=True))
        checked = check_array(dy, "dy", axes, sizes, self.dtype)
        rows = checked.reshape(-1, self.output_size)
        self.grads = {"W": rows.T @ self._h.reshape(-1, self.input_size), "b": rows.sum(axis=0)}
        self._h = self._read = None
        return checked @ self.params["W"]


def cross_entropy(
    logits: ArrayLike, targets: ArrayLike, mask: ArrayLike | None = None
) -> tuple[float, Array]:
    """Mean surprise at the right class, −log softmax(logits)[target], and its gradient.

    With n real positions, L = −(1/n) Σ log p[target] and dlogits = (p − onehot(target)) / n.

    Raises ValueError for shapes that do not fit, targets that are no classes, or a mask without any True.

    Parameters
    ----------
    logits : array (..., V)
        A score for each of V classes.
    targets : array of int (...)
        The right class, 0 to V − 1; at masked positions any number.
    mask : array of bool (...), optional
        Where it is False the position counts for nothing, in the loss or in the gradient.

    Returns
    -------
    loss : float
        In nats. A uniform guess has log V.
    dlogits : array (..., V)

    Examples
    --------
    >>> loss, dlogits = cross_entropy(np.zeros((1, 2)), [1])
    >>> round(loss, 4), dlogits
    (0.6931, array([[ 0.5, -0.5]]))
    """
    scores = _check_floats(logits, "logits")
    real = _real_positions(mask, scores.shape[:-1])
    classes = _check_targets(targets, real, scores.shape[-1])
    log_p = log_softmax(scores).reshape(-1, scores.shape[-1])
    places = np.flatnonzero(real)
    right = places, classes.reshape(-1)[places]
    n = len(places)
    loss = -log_p[right].sum() / n
    dlogits = np.exp(log_p)
    dlogits[right] -= 1
    dlogits /= n
    dlogits[~real.reshape(-1)] = 0
    return float(loss), dlogits.reshape(scores.shape)


def squared_error(y: ArrayLike, target: ArrayLike, mask: ArrayLike | None = None) -> tuple[float, Array]:
    """Mean squared error and its gradient.

    With n real numbers compared, L = (1/n) Σ (y − target)² and dy = 2 (y − target) / n.

    `y` and `target` are (..., O). Where `mask` (...) is False the position counts for nothing, in the loss
    or in the gradient. Raises ValueError for shapes that do not fit, or a mask without any True.

    >>> loss, dy = squared_error(np.array([[3.0], [9.0]]), np.array([[1.0], [0.0]]), mask=[True, False])
    >>> loss, dy.ravel()
    (4.0, array([4., 0.]))
    """
    values = _check_floats(y, "y")
    wanted = np.asarray(target)
    if wanted.shape != values.shape:
        raise ValueError(f"target must have the shape of y, {values.shape}, got {wanted.shape}")
    real = _real_positions(mask, values.shape[:-1])
    n = int(real.sum()) * values.shape[-1]
    # `where` and not a product: whatever stands in the padding, even NaN, must not come through.
    error = np.where(real[..., None], values - wanted.astype(values.dtype), 0)
    return float(np.sum(error * error) / n), 2 * error / n


# What comes in. No test for finiteness here: a loss that overflows is the training loop's to report.


def _check_floats(value: ArrayLike, name: str) -> Array:
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{name} must hold floats, got dtype {array.dtype}")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must be an array with at least one position, got shape {array.shape}")
    return array


def _real_positions(mask: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
    real = check_mask(mask, shape)
    if not real.any():
        raise ValueError("mask must be True somewhere: there is nothing to take the mean of")
    return real


def _check_targets(targets: ArrayLike, real: Mask, V: int) -> NDArray[np.integer]:
    array = np.asarray(targets)
    if array.dtype.kind not in "iu":
        raise ValueError(f"targets must hold whole numbers, the right classes; got dtype {array.dtype}")
    if array.shape != real.shape:
        raise ValueError(f"targets must have one class for each position, {real.shape}, got {array.shape}")
    wrong = array[real & ((array < 0) | (array >= V))]
    if wrong.size:
        raise ValueError(f"targets must be classes from 0 to {V - 1}, got {wrong[0]}")
    return array
