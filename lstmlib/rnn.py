"""The plain recurrent network, for `rnn/recurrent_network` and what follows from it.

h_t = tanh(W_x x_t + W_h h_{t−1} + b)
"""

from typing import NamedTuple

from numpy.random import Generator

from lstmlib.activations import Array, tanh, tanh_derivative
from lstmlib.initialisation import stacked
from lstmlib.layer import Cache, Params, RecurrentLayer


def rnn_step(x: Array, h_prev: Array, params: Params) -> tuple[Array, Cache]:
    """One step: the event `x` and the memory `h_prev` make the next memory.

    h = tanh(W_x x + W_h h_prev + b)

    Parameters
    ----------
    x : array (B, D)
    h_prev : array (B, H)
    params : dict
        `W_x` (H, D), `W_h` (H, H), `b` (H,).

    Returns
    -------
    h : array (B, H)
    cache : dict
        What `rnn_step_backward` needs.

    References
    ----------
    Elman 1990.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"W_x": np.eye(2), "W_h": np.zeros((2, 2)), "b": np.zeros(2)}
    >>> h, _ = rnn_step(np.array([[0.0, 1.0]]), np.zeros((1, 2)), params)
    >>> h.round(2)
    array([[0.  , 0.76]])
    """
    h = tanh(x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"])
    return h, {"x": x, "h_prev": h_prev, "h": h}


def rnn_step_backward(dh: Array, cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """The same step backward.

    da = dh ⊙ (1 − h²);  dx = W_xᵀ da;  dh_prev = W_hᵀ da

    Parameters
    ----------
    dh : array (B, H)
        ∂L/∂h, from the output and from the next step together.
    cache : dict
        As `rnn_step` returned it.
    params : dict
        As `rnn_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"W_x": np.eye(2), "W_h": np.zeros((2, 2)), "b": np.zeros(2)}
    >>> h, cache = rnn_step(np.zeros((1, 2)), np.zeros((1, 2)), params)
    >>> dx, dh_prev, grads = rnn_step_backward(np.ones((1, 2)), cache, params)
    >>> dx
    array([[1., 1.]])
    """
    da = dh * tanh_derivative(cache["h"])
    grads = {"W_x": da.T @ cache["x"], "W_h": da.T @ cache["h_prev"], "b": da.sum(axis=0)}
    return da @ params["W_x"], da @ params["W_h"], grads


class RNNTrace(NamedTuple):
    """The hidden state after each step, (T, B, H)."""

    h: Array


class RNN(RecurrentLayer):
    """A recurrent layer with one tanh and no gates.

    h_t = tanh(W_x x_t + W_h h_{t−1} + b)

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
        `W_x` (H, D), `W_h` (H, H), `b` (H,).

    References
    ----------
    Elman 1990.

    Examples
    --------
    >>> import numpy as np
    >>> layer = RNN(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, state.shape
    ((5, 2, 4), (2, 4))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads)
    ['W_h', 'W_x', 'b']
    """

    trace_type = RNNTrace

    def _initialise(self, rng: Generator) -> Params:
        W_x, W_h, b = stacked(1, self.input_size, self.hidden_size, rng, self.dtype)
        return {"W_x": W_x, "W_h": W_h, "b": b}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h, cache = rnn_step(x, state[0], self.params)
        return (h,), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dx, dh_prev, grads = rnn_step_backward(dstate[0], cache, self.params)
        return dx, (dh_prev,), grads
