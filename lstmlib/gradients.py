"""Is a gradient right, and how much of it is left after many steps.

The first question is answered by central differences, which need nothing but the forward pass; the second
by the norm of ∂h_T/∂h_t, for `rnn/vanishing_gradients`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.layer import RecurrentLayer, one_step, one_step_backward


def numerical_gradient(f: Callable[[Array], float], array: Array, epsilon: float = 1e-5) -> Array:
    """Gradient of a function that returns one number, by central differences.

    ∂f/∂aₖ ≈ (f(a + ε eₖ) − f(a − ε eₖ)) / 2ε, two calls of `f` for each number in the array. The error
    has two parts: the formula's own, of the order ε², and rounding, of the order 10⁻¹⁶/ε. At ε = 10⁻⁵
    both are about 10⁻¹⁰.

    `f` is handed `array` itself, in which one number at a time is shifted and then put back, so it may as
    well ignore its argument and read the array from where it lies. Raises ValueError for an array that is
    not float64, where rounding would swallow the shift; if `f` returns anything but one finite number; for
    an `epsilon` that is not above 0.

    >>> numerical_gradient(lambda w: np.sum(w**2), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    _check_shiftable(array, "array")
    if not epsilon > 0:
        raise ValueError(f"epsilon must be above 0, got {epsilon!r}")
    gradient = np.empty_like(array)
    for k in np.ndindex(array.shape):
        value = array[k]
        try:
            array[k] = value + epsilon
            above = _number(f(array))
            array[k] = value - epsilon
            below = _number(f(array))
        finally:
            array[k] = value
        gradient[k] = (above - below) / (2 * epsilon)
    return gradient


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """How far two gradients are apart: max abs(a − b) / max(abs(a), abs(b)), or 0 where both are 0.

    One number for a whole array, measured on its largest entry: entry by entry, those that are nearly 0
    would show nothing but rounding. Two correct gradients in float64 are below 10⁻⁷ apart; a wrong sign or
    a term left out is seen at 10⁻² or more. A value that is not finite makes it infinite.

    Raises ValueError if the shapes differ.

    >>> relative_error([2.0, 4.0], [2.0, 5.0])
    0.2
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a and b must have one shape, got {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return float(np.abs(a - b).max(initial=0) / scale) if scale else 0.0


def check_gradients(
    f: Callable[[Any], float],
    arrays: Mapping[str, Array],
    grads: Mapping[str, Array],
    epsilon: float = 1e-5,
) -> dict[str, float]:
    """Hold a backward pass against central differences: the `relative_error` of every gradient, by its name.

    `f` is the loss, a number, as a function of `arrays`, a dict of float64 arrays that are unchanged
    afterwards; `grads` is your ∂f/∂array under the same names. Raises ValueError if a gradient is missing,
    has no array, or has another shape; and as `numerical_gradient`.

    The gradient of Σ w² b is 2 w b for w and Σ w² for b. One of the two below is wrong:

    >>> arrays = {"w": np.array([1.0, 2.0]), "b": np.array(3.0)}
    >>> grads = {"w": arrays["w"] * arrays["b"], "b": np.array(5.0)}
    >>> errors = check_gradients(lambda a: np.sum(a["w"] ** 2 * a["b"]), arrays, grads)
    >>> {name: round(error, 6) for name, error in errors.items()}
    {'w': 0.5, 'b': 0.0}
    """
    if set(arrays) != set(grads):
        raise ValueError(f"grads must have the names of arrays, {sorted(arrays)}, but has {sorted(grads)}")
    for name, array in arrays.items():
        _check_shiftable(array, name)
        if np.shape(grads[name]) != array.shape:
            raise ValueError(
                f"the gradient of {name} must have its shape {array.shape}, got {np.shape(grads[name])}"
            )
    return {
        name: relative_error(numerical_gradient(lambda _: f(arrays), array, epsilon), grads[name])
        for name, array in arrays.items()
    }


def check_layer(
    layer: Any,
    x: ArrayLike,
    state: Any = None,
    mask: ArrayLike | None = None,
    *,
    rng: Generator | None = None,
) -> dict[str, float]:
    """Hold a recurrent layer's `backward` against central differences.

    The loss is L = Σ h ⊙ w + Σ state ⊙ v, over all steps and the last state, with random weights w and v,
    so that no two parts of the gradient can cancel or hide behind one another. Returns the `relative_error`
    of ∂L/∂ each parameter, "x", and each part of the state, such as "state.h", where the layer takes one.

    Raises ValueError for a layer that is not in float64, and as `layer.forward`.

    Parameters
    ----------
    layer : a layer, yours or one of this package
        In float64, with `forward`, `backward`, `params` and `grads` as `RecurrentLayer` has them. The check
        runs on a copy.
    x : array (T, B, D)
        Keep it small: `forward` is called twice for each number in the weights, x and the state.
    state, mask : as `layer.forward` takes them
    rng : numpy.random.Generator, optional
        Draws w and v; the same ones each time if left out.

    Examples
    --------
    >>> from lstmlib.rnn import RNN
    >>> rng = np.random.default_rng(0)
    >>> errors = check_layer(RNN(2, 3, rng=rng), rng.standard_normal((4, 1, 2)))
    >>> sorted(errors), max(errors.values()) < 1e-7
    (['W_h', 'W_x', 'b', 'state.h', 'x'], True)
    """
    layer = copy.deepcopy(layer)
    rng = np.random.default_rng(0) if rng is None else rng
    h, last = layer.forward(x, state, mask)
    names = _part_names(last)
    if state is None:
        start = [np.zeros_like(part) for part in _parts(last)]
    else:
        start = [np.array(part, float) for part in ((state,) if names == ["state"] else state)]

    w = rng.standard_normal(h.shape)
    v = [rng.standard_normal(part.shape) for part in start]
    dx, dstate0 = layer.backward(w, _whole(v, last))
    if dstate0 is None:  # it takes no state: `BidirectionalLSTM`
        names, start = [], []
    arrays = {**layer.params, "x": np.array(x, float), **dict(zip(names, start, strict=True))}
    grads = {**layer.grads, "x": dx, **dict(zip(names, _parts(dstate0) if names else (), strict=True))}

    def loss(arrays: Any) -> float:
        h, end = layer.forward(arrays["x"], _whole(start, last) if names else None, mask)
        return np.sum(h * w) + sum(np.sum(a * b) for a, b in zip(_parts(end), v, strict=True))

    return check_gradients(loss, arrays, grads)


def gradient_norm_by_lag(layer: RecurrentLayer, x: ArrayLike, state: Any = None, *, of: str = "h") -> Array:
    """How strongly the last hidden state depends on earlier ones: ‖∂h_T/∂h_t‖, exactly.

    For an RNN the Jacobian is a product with one factor for each step between t and T,
    ∂h_T/∂h_t = Πₛ diag(1 − hₛ²) W_h, s = T … t + 1. An LSTM's state has two parts. Of the product of its
    steps' Jacobians, each 2H × 2H, this is the block ∂h_T/∂h_t: c_t is held, and everything after step t
    follows, the later cell states included. With `of="c"` it is the block ∂c_T/∂c_t, h_t held.

    The norm is the spectral one, the largest singular value: the most that any direction of a gradient is
    stretched on its way back from T to t. At lag 0 it is 1. Pascanu, Mikolov & Bengio 2013, equation 5.

    `x` (T, B, D) and `state` are as `layer.forward` takes them. Returns an array (T, B), row k for the lag
    T − t = k. Raises ValueError for an `of` that is no part (B, H) of the layer's state, and as
    `layer.forward`.

    With W_h = ½ I and h = 0 throughout, every step halves the gradient.

    >>> from lstmlib.rnn import RNN
    >>> layer = RNN(1, 2)
    >>> layer.params["W_h"][:] = 0.5 * np.eye(2)
    >>> gradient_norm_by_lag(layer, np.zeros((4, 1, 1)))[:, 0]
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    names = [name for name in layer.state_type._fields if name not in layer.state_axes]
    if of not in names:
        raise ValueError(
            f"of must be one of {names}, the parts of the state of {layer!r} that are (B, H); got {of!r}"
        )
    x = layer.check_array(x, "x", ("T", "B", "D"))
    T, B, _ = x.shape
    H = layer.hidden_size
    start = layer.check_state(state, "state", B)
    part = layer.state_type._fields.index(of)

    states = [start]
    for x_t in x[:-1]:
        states.append(one_step(layer, x_t, states[-1])[0])

    # H copies of each sequence go back together, one for each row of the Jacobian. Each step is taken
    # again for them: to keep what all the steps need would fill the memory.
    rows = np.tile(np.eye(H, dtype=layer.dtype), (B, 1))
    dstate = tuple(
        rows if k == part else np.zeros((len(rows), *value.shape[1:]), layer.dtype)
        for k, value in enumerate(start)
    )
    norms = np.ones((T, B), layer.dtype)
    for lag in range(1, T):
        t = T - lag
        copies = tuple(np.repeat(part, H, axis=0) for part in states[t])
        _, cache = one_step(layer, np.repeat(x[t], H, axis=0), copies)
        _, dstate, _ = one_step_backward(layer, dstate, cache)
        norms[lag] = np.linalg.norm(dstate[part].reshape(B, H, H), 2, axis=(1, 2))
    return norms


def _check_shiftable(array: Array, name: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        got = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a float64 array, or rounding swallows the shift; got {got}")


def _number(value: Any) -> float:
    if np.ndim(value) != 0 or not np.isfinite(value):
        raise ValueError(f"f must return one finite number, got {value!r}")
    return float(value)


# A state is one array or a tuple of several


def _part_names(state: Any) -> list[str]:
    if isinstance(state, np.ndarray):
        return ["state"]
    return [f"state.{name}" for name in getattr(state, "_fields", range(len(state)))]


def _parts(state: Any) -> tuple[Array, ...]:
    return (state,) if isinstance(state, np.ndarray) else tuple(state)


def _whole(parts: Sequence[Array], like: Any) -> Any:
    if isinstance(like, np.ndarray):
        return parts[0]
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
