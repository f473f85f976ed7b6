"""The plain recurrent network of `rnn/recurrent_network`: one step and its gradient, then the layer."""

from numpy.random import Generator

from lstmlib.activations import Array, tanh, tanh_derivative
from lstmlib.initialisation import gate_weights
from lstmlib.layer import Cache, Params, RecurrentLayer


def rnn_step(x: Array, h_prev: Array, params: Params) -> tuple[Array, Cache]:
    """One step: the event `x` and the memory `h_prev` make the next memory.

    h = tanh(W_x x + W_h h_prev + b)

    x is (B, D), the state (B, H). `params` holds `W_x` (H, D), `W_h` (H, H) and `b` (H,). The cache is for
    the way back. From Elman 1990.

    >>> import numpy as np
    >>> params = {"W_x": np.eye(2), "W_h": np.zeros((2, 2)), "b": np.zeros(2)}
    >>> h, _ = rnn_step(np.array([[0.0, 1.0]]), np.zeros((1, 2)), params)
    >>> h.round(2)
    array([[0.  , 0.76]])
    """
    h = tanh(x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"])
    return h, {"x": x, "h_prev": h_prev, "h": h}


def rnn_step_backward(dh: Array, cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """`rnn_step` backward: dx, dh_prev, and this step's share of ∂L/∂params.

    `dh` comes from the output and from the next step together.
    """
    da = dh * tanh_derivative(cache["h"])
    grads = {"W_x": da.T @ cache["x"], "W_h": da.T @ cache["h_prev"], "b": da.sum(axis=0)}
    return da @ params["W_x"], da @ params["W_h"], grads


class RNN(RecurrentLayer):
    """A recurrent layer with one tanh and no gates: the cell is `rnn_step`.

    >>> import numpy as np
    >>> h, state = RNN(3, 4, rng=np.random.default_rng(0)).forward(np.ones((5, 2, 3)))
    >>> h.shape, state.h.shape
    ((5, 2, 4), (2, 4))
    """

    cell = rnn_step, rnn_step_backward

    def first_weights(self, rng: Generator) -> Params:
        return gate_weights(1, self.input_size, self.hidden_size, rng)
