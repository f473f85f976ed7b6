"""A layer without one of its parts, for comparison."""

from lstmlib.activations import Array, sigmoid_derivative
from lstmlib.layer import Cache, Params
from lstmlib.lstm import LSTM, lstm_step, lstm_step_backward


def clamp(layer: LSTM, *gates: str) -> None:
    """Hold `gates` of an LSTM, "i", "f" or "o", at 1 for good: the same layer without them, for comparison.

    A gate's weights become 0 and its bias 40, and σ(40) is 1 to the last digit. The derivative s (1 − s) is
    then 0, so that no training by an optimiser made afterwards moves the gate again. Raises ValueError for
    another gate, or a layer that is no LSTM.

    >>> import numpy as np
    >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
    >>> clamp(layer, "o")
    >>> _ = layer.forward(np.ones((5, 2, 3)))
    >>> bool((layer.trace.o == 1).all())
    True
    """
    if not isinstance(layer, LSTM):
        raise ValueError(f"layer must be an LSTM, got {type(layer).__name__}")
    for gate in gates:
        if gate not in ("i", "f", "o"):
            raise ValueError(f"a gate is 'i', 'f' or 'o', got {gate!r}")
    for gate in gates:
        above = layer.blocks.index(gate) * layer.hidden_size
        rows = slice(above, above + layer.hidden_size)
        layer.params["W_x"][rows] = layer.params["W_h"][rows] = 0
        layer.params["b"][rows] = 40


def unsquashed_lstm_step(
    x: Array, h_prev: Array, c_prev: Array, params: Params
) -> tuple[Array, Array, Cache]:
    """One step of an LSTM that shows its cell state as it is: h = o ⊙ c. All else is `lstm_step`.

    Greff et al. 2017 call it "no output activation function".
    """
    _, c, cache = lstm_step(x, h_prev, c_prev, params)
    return cache["o"] * c, c, cache


def unsquashed_lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """`unsquashed_lstm_step` backward: dx, dh_prev, dc_prev, and this step's share of ∂L/∂params."""
    o, c = cache["o"], cache["c"]
    dx, dh_prev, dc_prev, grads = lstm_step_backward(0 * dh, dc + dh * o, cache, params)
    # What h says to the output gate, with no tanh between
    da, rows = dh * c * sigmoid_derivative(o), slice(-o.shape[1], None)
    grads["W_x"][rows], grads["W_h"][rows] = da.T @ cache["x"], da.T @ cache["h_prev"]
    grads["b"][rows] = da.sum(axis=0)
    return dx + da @ params["W_x"][rows], dh_prev + da @ params["W_h"][rows], dc_prev, grads


class UnsquashedLSTM(LSTM):
    """An LSTM without the tanh at its output: the cell is `unsquashed_lstm_step`."""

    cell = unsquashed_lstm_step, unsquashed_lstm_step_backward
