"""The minLSTM of `lstm/variants`: its gates see the input alone, so all steps can be computed at once."""

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative
from lstmlib.checks import Mask
from lstmlib.layer import Cache, ForgetGateLayer, Params, RecurrentLayer, State, Walk


def min_lstm_step(x: Array, h_prev: Array, params: Params) -> tuple[Array, Cache]:
    """One step of a minLSTM: a weighted mean of the memory and a candidate, both weights from x alone.

    a = W_x x + b, split into three blocks; g = a_g;
    f = σ(a_f) / (σ(a_f) + σ(a_i)), i = 1 − f;  h = f ⊙ h_prev + i ⊙ g

    x is (B, D), the state (B, H). `params` holds `W_x` (3H, D) and `b` (3H,), blocks stacked i, f, g. The
    cache, for the way back, has every gate by its name. From Feng et al. 2024, section 3.2.

    Two gates that are equally open share evenly.

    >>> params = {"W_x": np.zeros((3, 1)), "b": np.array([2.0, 2, 1])}
    >>> h, _ = min_lstm_step(np.ones((1, 1)), np.zeros((1, 1)), params)
    >>> h
    array([[0.5]])
    """
    i, f, g, slopes = _min_lstm_gates(x, params)
    return f * h_prev + i * g, {"x": x, "h_prev": h_prev, "i": i, "f": f, "g": g, "slopes": slopes}


def min_lstm_step_backward(dh: Array, cache: Cache, params: Params) -> tuple[Array, Array, Params]:
    """`min_lstm_step` backward: dx, dh_prev, and this step's share of ∂L/∂params."""
    da = _min_lstm_gates_backward(dh, cache)
    grads = {"W_x": da.T @ cache["x"], "b": da.sum(axis=0)}
    return da @ params["W_x"], dh * cache["f"], grads


def linear_scan(a: Array, b: Array, start: Array) -> Array:
    """h_t = a_t ⊙ h_{t−1} + b_t for all T steps, in log₂ T passes over the whole array.

    Two steps in a row are one step of the same form, h → a₂ a₁ h + (a₂ b₁ + b₂). So after the first pass
    each entry stands for 2 steps, after the second for 4, and so on; no pass waits for an earlier step of
    its own. `a`, `b` and the result are (T, B, H), `start`, h before the first step, (B, H). From Hillis &
    Steele 1986; Blelloch 1990.

    >>> half, one = np.full((4, 1, 1), 0.5), np.ones((4, 1, 1))
    >>> linear_scan(half, one, np.zeros((1, 1))).ravel()
    array([1.   , 1.5  , 1.75 , 1.875])
    """
    a, h = a.copy(), b.copy()
    h[0] += a[0] * start
    span = 1
    while span < len(h):
        h[span:] += a[span:] * h[:-span]
        a[span:] *= a[:-span].copy()
        span *= 2
    return h


class ScanWalk(Walk):
    """A minLSTM along a sequence and back, each by one `linear_scan`."""

    def forward(
        self, layer: RecurrentLayer, x: Array, state: State, mask: Mask | None
    ) -> tuple[Array, State]:
        (start,) = state
        i, f, g, slopes = _min_lstm_gates(x, layer.params)
        self.shape = x.shape[:2]
        # A skipped step keeps everything.
        self.skipped = (np.zeros(self.shape, bool) if mask is None else np.logical_not(mask))[..., None]
        self.kept = np.where(self.skipped, 1, f)
        h = linear_scan(self.kept, np.where(self.skipped, 0, i * g), start)
        self.h = np.concatenate([start[None], h])
        self.cache: Cache = {"x": x.copy(), "h_prev": self.h[:-1], "i": i, "f": f, "g": g, "slopes": slopes}
        return h, (h[-1].copy(),)

    def backward(self, layer: RecurrentLayer, dh: Array, dstate: State) -> tuple[Array, State, Params]:
        # dh_t = kept_{t+1} ⊙ dh_{t+1} + what comes from above: the same scan, from the end.
        kept_next = np.concatenate([self.kept[1:], np.ones_like(dh[:1])])
        dh = linear_scan(kept_next[::-1], dh[::-1], dstate[0])[::-1]
        da = np.where(self.skipped, 0, _min_lstm_gates_backward(dh, self.cache))
        rows, x = da.reshape(-1, da.shape[-1]), self.cache["x"]
        grads = {"W_x": rows.T @ x.reshape(len(rows), -1), "b": rows.sum(axis=0)}
        return da @ layer.params["W_x"], (dh[0] * self.kept[0],), grads

    def trace(self, layer: RecurrentLayer) -> dict[str, Array]:
        return {name: self.cache[name].copy() for name in layer.gates} | {"h": self.h[1:].copy()}


class MinLSTM(ForgetGateLayer):
    """An LSTM without a recurrent matrix, whose gates see the input and not the memory: `min_lstm_step`.

    All gates are known before the first step, and what is left is linear in h: `forward` and `backward` are
    one `linear_scan` each. Arguments are those of `LSTM`.
    """

    cell = min_lstm_step, min_lstm_step_backward
    gates = "i", "f", "g"
    blocks = "ifg"
    fast_walk = ScanWalk

    def first_weights(self, rng: Generator) -> Params:
        drawn = super().first_weights(rng)
        return {name: drawn[name] for name in ("W_x", "b")}


def _min_lstm_gates(x: Array, params: Params) -> tuple[Array, Array, Array, tuple[Array, Array]]:
    """i, f, g, and the slopes ∂f/∂a_i and ∂f/∂a_f, for one step or for all."""
    a_i, a_f, g = np.split(x @ params["W_x"].T + params["b"], 3, axis=-1)
    # f = σ(log σ(a_f) − log σ(a_i)), which stays finite where both gates are shut.
    f = sigmoid(np.logaddexp(0, -a_i) - np.logaddexp(0, -a_f))
    slope = sigmoid_derivative(f)
    return 1 - f, f, g, (-slope * sigmoid(-a_i), slope * sigmoid(-a_f))


def _min_lstm_gates_backward(dh: Array, cache: Cache) -> Array:
    df = dh * (cache["h_prev"] - cache["g"])
    by_i, by_f = cache["slopes"]
    return np.concatenate([df * by_i, df * by_f, dh * cache["i"]], axis=-1)
