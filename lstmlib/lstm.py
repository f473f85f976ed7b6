"""The LSTM cell of `lstm/lstm_cell`: one step and its gradient, then the layer.

i_t = σ(W_i [x_t, h_{t−1}] + b_i)        input gate
f_t = σ(W_f [x_t, h_{t−1}] + b_f)        forget gate
g_t = tanh(W_g [x_t, h_{t−1}] + b_g)     candidate memory
o_t = σ(W_o [x_t, h_{t−1}] + b_o)        output gate
c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t
h_t = o_t ⊙ tanh c_t

The four matrices stand one below the other, in the order i, f, g, o. The layer's own way through a
sequence is faster than its step; tests hold the two equal in values and gradients.
"""

import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from lstmlib.initialisation import stacked
from lstmlib.layer import Cache, Params, RecurrentLayer, check_number


def lstm_step(x: Array, h_prev: Array, c_prev: Array, params: Params) -> tuple[Array, Array, Cache]:
    """One step: the input `x` and the two memories make the next two memories.

    i, f, o = σ(W x + b), g = tanh(W x + b), each with its own block of W_x, W_h and b;
    c = f ⊙ c_prev + i ⊙ g;  h = o ⊙ tanh c

    Parameters
    ----------
    x : array (B, D)
    h_prev, c_prev : array (B, H)
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Returns
    -------
    h, c : array (B, H)
    cache : dict
        What `lstm_step_backward` needs, every gate by its name.

    References
    ----------
    Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 for the forget gate.

    Examples
    --------
    Closed input gate, open forget and output gates: the cell keeps what it had.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([-99.0, 99, 0, 99])}
    >>> h, c, _ = lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), params)
    >>> c, h.round(2)
    (array([[0.5]]), array([[0.46]]))
    """
    a = x @ params["W_x"].T + h_prev @ params["W_h"].T + params["b"]
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i = sigmoid(a_i)
    f = sigmoid(a_f)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = f * c_prev + i * g
    h = o * tanh(c)
    return h, c, {"x": x, "h_prev": h_prev, "c_prev": c_prev, "i": i, "f": f, "g": g, "o": o, "c": c}


def lstm_step_backward(
    dh: Array, dc: Array, cache: Cache, params: Params
) -> tuple[Array, Array, Array, Params]:
    """The same step backward.

    dc += dh ⊙ o ⊙ (1 − tanh² c), since c reaches the loss through h as well;
    di = dc ⊙ g, df = dc ⊙ c_prev, dg = dc ⊙ i, do = dh ⊙ tanh c, each times its gate's own derivative: da;
    dx = W_xᵀ da;  dh_prev = W_hᵀ da;  dc_prev = dc ⊙ f

    Parameters
    ----------
    dh, dc : array (B, H)
        ∂L/∂h and ∂L/∂c, from the output and from the next step together.
    cache : dict
        As `lstm_step` returned it.
    params : dict
        As `lstm_step` took it.

    Returns
    -------
    dx : array (B, D)
    dh_prev, dc_prev : array (B, H)
    grads : dict
        This step's share of ∂L/∂params, summed over the batch.

    Examples
    --------
    An open forget gate hands the gradient of the cell state on undiminished.

    >>> import numpy as np
    >>> params = {"W_x": np.zeros((4, 1)), "W_h": np.zeros((4, 1)), "b": np.array([-99.0, 99, 0, 99])}
    >>> h, c, cache = lstm_step(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)), params)
    >>> dx, dh_prev, dc_prev, grads = lstm_step_backward(np.zeros((1, 1)), np.ones((1, 1)), cache, params)
    >>> dc_prev
    array([[1.]])
    """
    i, f, g, o, tanh_c = cache["i"], cache["f"], cache["g"], cache["o"], tanh(cache["c"])
    dc = dc + dh * o * tanh_derivative(tanh_c)
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * cache["c_prev"] * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    da_o = dh * tanh_c * sigmoid_derivative(o)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)
    grads = {"W_x": da.T @ cache["x"], "W_h": da.T @ cache["h_prev"], "b": da.sum(axis=0)}
    return da @ params["W_x"], da @ params["W_h"], dc * f, grads


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step, each (B, H)."""

    h: Array
    c: Array


class Trace(NamedTuple):
    """The gates and the two memories at each step of a sequence, each (T, B, H)."""

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array


class LSTM(RecurrentLayer):
    """A recurrent layer whose memory is guarded by gates.

    i, f, o = σ(W_x x_t + W_h h_{t−1} + b), g = tanh(W_x x_t + W_h h_{t−1} + b), each with its own block;
    c_t = f ⊙ c_{t−1} + i ⊙ g;  h_t = o ⊙ tanh c_t

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of the forget gate's bias. At 1 the gate starts at σ(1) ≈ 0.73: more is kept than lost.

    Attributes
    ----------
    params : dict
        `W_x` (4H, D), `W_h` (4H, H), `b` (4H,), gate blocks stacked i, f, g, o.

    Raises
    ------
    ValueError
        As every layer, and for a `forget_bias` that is no finite number.

    References
    ----------
    Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 for the forget gate;
    Jozefowicz, Zaremba & Sutskever 2015 for its bias.

    Examples
    --------
    >>> import numpy as np
    >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, (h_last, c_last) = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, c_last.shape, layer.trace.f.shape
    ((5, 2, 4), (2, 4), (5, 2, 4))
    >>> dx, dstate0 = layer.backward(np.ones_like(h))
    >>> sorted(layer.grads)
    ['W_h', 'W_x', 'b']
    """

    trace_type = Trace
    state_names = LSTMState._fields

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        forget_bias: float = 1.0,
    ) -> None:
        self.forget_bias = check_number(forget_bias, "forget_bias")
        self._work: _Tape | None = None
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def _initialise(self, rng: Generator) -> Params:
        H = self.hidden_size
        W_x, W_h, b = stacked(4, self.input_size, H, rng, self.dtype)
        b[H : 2 * H] = self.forget_bias
        return {"W_x": W_x, "W_h": W_h, "b": b}

    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        h_prev, c_prev = state
        h, c, cache = lstm_step(x, h_prev, c_prev, self.params)
        return (h, c), cache

    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        dh, dc = dstate
        dx, dh_prev, dc_prev, grads = lstm_step_backward(dh, dc, cache, self.params)
        return dx, (dh_prev, dc_prev), grads

    def _pack(self, state: tuple[Array, ...]) -> LSTMState:
        return LSTMState(*state)

    def __copy__(self) -> "LSTM":
        # A shallow copy shares the weights, but not the memory that the next call writes over.
        twin = object.__new__(type(self))
        own = copy.deepcopy({name: vars(self)[name] for name in ("_work", "_tape", "_trace")})
        vars(twin).update(vars(self) | own)
        return twin

    # The fast path: few operations, each large, and no memory allocated from step to step

    def _forward(
        self, x: Array, state: tuple[Array, ...], mask: Array | None
    ) -> tuple[Array, tuple[Array, ...]]:
        if not self._has_own_steps(LSTM):
            return super()._forward(x, state, mask)
        (T, B, D), H = x.shape, self.hidden_size
        if self._work is None or self._work.shape != (T, B):
            # Memory is slow when first touched, so calls of one shape share it.
            self._work = _Tape(T, B, D, H, self.dtype)
        tape, self._tape, self._trace = self._work, None, None
        tape.x[..., :D] = x
        tape.h[0], tape.c[0] = state
        tape.skipped = None if mask is None else np.logical_not(mask)[:, :, None]
        tape.weights = W_h, W_x = self._weights_for_tanh()
        # One product for the inputs of all steps; the column of ones in x adds b.
        np.matmul(tape.x.reshape(T * B, D + 1), W_x, out=tape.gates.reshape(T * B, 4 * H))

        # Every result goes to memory that is there already, and `dot` starts faster than `matmul`.
        half = np.asarray(0.5, self.dtype)
        a, ig = np.empty((B, 4 * H), self.dtype), np.empty((B, H), self.dtype)
        a_by_gate = a.reshape(B, 4, H).swapaxes(0, 1)
        add, multiply, tanh, dot = np.add, np.multiply, np.tanh, np.dot
        for t, (h_prev, c_prev, a_x, gates, oif, o, i, f, g, c, h) in enumerate(tape.steps):
            dot(h_prev, W_h, a)
            add(a, a_x, a)
            # One tanh for all gates; rows (B, 4H) become gates (4, B, H), so that what follows is contiguous.
            tanh(a_by_gate, gates)
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(i, g, ig)
            multiply(f, c_prev, c)
            add(c, ig, c)
            tanh(c, h)
            multiply(h, o, h)
            if tape.skipped is not None:
                np.copyto(h, h_prev, where=tape.skipped[t])
                np.copyto(c, c_prev, where=tape.skipped[t])
        self._tape = self._trace = tape
        # Copies, since the next call writes over the tape.
        return tape.h[1:].copy(), (tape.h[T].copy(), tape.c[T].copy())

    def _weights_for_tanh(self) -> tuple[Array, Array]:
        """W_h (H, 4H) and [W_x, b] (D + 1, 4H), with which one tanh does for all gates.

        σ(a) = ½ + ½ tanh(a/2): the weights of the σ gates are halved, and o moves beside i and f.
        """
        H = self.hidden_size
        W = np.empty((H + self.input_size + 1, 4 * H), self.dtype)
        for rows, name in ((slice(H), "W_h"), (slice(H, -1), "W_x"), (-1, "b")):
            W[rows, :H] = self.params[name][3 * H :].T
            W[rows, H:] = self.params[name][: 3 * H].T
        W[:, : 3 * H] *= 0.5
        return W[:H], W[H:]

    def _backward(self, dh: Array, dstate: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...], Params]:
        if not isinstance(self._tape, _Tape):
            return super()._backward(dh, dstate)
        # The tape is written over as it is read, so it serves once, even where Ctrl-C cuts in.
        tape, self._tape = self._tape, None
        (T, B), D, H = tape.shape, self.input_size, self.hidden_size
        W_h, W_x = (np.asarray(self.params[name], self.dtype) for name in ("W_h", "W_x"))
        dh_next, dc_next = (part.copy() for part in dstate)
        dh_t, dc_t = np.empty_like(dh_next), np.empty_like(dc_next)
        da_i, da_f, da_g, da_o = da_t = np.empty((4, B, H), self.dtype)
        add, multiply, dot, copyto = np.add, np.multiply, np.dot, np.copyto
        for span, operands, steps in tape.chunks:
            # What needs no gradient comes first, for as many steps as the fastest cache holds.
            _differentiate(*operands)
            if tape.skipped is not None:
                # A skipped step is the identity.
                copyto(tape.slopes[: len(steps)], 0, where=tape.skipped[span, None])
            for t, by_i, by_f, by_g, by_o, by_c, f, da, da_by_gate in steps:
                add(dh[t], dh_next, dh_t)
                multiply(by_c, dh_t, dc_t)
                add(dc_t, dc_next, dc_t)
                multiply(f, dc_t, dc_next)
                multiply(by_i, dc_t, da_i)
                multiply(by_f, dc_next, da_f)
                multiply(by_g, dc_t, da_g)
                multiply(by_o, dh_t, da_o)
                # From gates to rows, over the gates of this step, whose memory is at hand.
                copyto(da_by_gate, da_t)
                dot(da, W_h, dh_next)
                if tape.skipped is not None:
                    copyto(dh_next, dh_t, where=tape.skipped[t])
                    copyto(dc_next, dc_t, where=tape.skipped[t])
        # One product over all steps for each parameter and for dx.
        da = tape.gates.reshape(T * B, 4 * H)
        dW_h = da.T @ tape.h[:-1].reshape(T * B, H)
        dW_x = da.T @ tape.x.reshape(T * B, D + 1)
        grads = {"W_x": dW_x[:, :D].copy(), "W_h": dW_h, "b": dW_x[:, D].copy()}
        return (da @ W_x).reshape(T, B, D), (dh_next, dc_next), grads

    def _tape_shape(self) -> tuple[int, int]:
        return self._tape.shape if isinstance(self._tape, _Tape) else super()._tape_shape()

    def _make_trace(self) -> Any:
        if not isinstance(self._trace, _Tape):
            return super()._make_trace()
        # The gates anew, from what each step read: backward writes over those of the tape.
        tape = self._trace
        W_h, W_x = tape.weights
        o, i, f, g = np.split(np.tanh(tape.h[:-1] @ W_h + tape.x @ W_x), 4, axis=2)
        gates = (0.5 * i + 0.5, 0.5 * f + 0.5, g.copy(), 0.5 * o + 0.5)
        return Trace(*gates, tape.c[1:].copy(), tape.h[1:].copy())


def hold_open(layer: "LSTM", *gates: str) -> None:
    """Hold gates of a layer at 1 for good: the same layer without them, for comparison.

    A gate's weights become 0 and its bias 40, and σ(40) is 1 to the last digit. The derivative s (1 − s)
    is then 0, so that no training moves the gate again.

    Parameters
    ----------
    layer : LSTM
        Changed in place.
    *gates : "i", "f" or "o"

    Raises
    ------
    ValueError
        For another gate, or a layer that is no LSTM.

    Examples
    --------
    >>> import numpy as np
    >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
    >>> hold_open(layer, "o")
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
        rows = slice("ifgo".index(gate) * layer.hidden_size, ("ifgo".index(gate) + 1) * layer.hidden_size)
        layer.params["W_x"][rows] = layer.params["W_h"][rows] = 0
        layer.params["b"][rows] = 40


class _Tape:
    """What a forward pass leaves for its backward pass, and room for both to work in.

    A view costs as much as a small operation, so the views of every step are taken once for all calls.
    """

    weights: tuple[Array, Array]
    skipped: Array | None

    def __init__(self, T: int, B: int, D: int, H: int, dtype: np.dtype) -> None:
        self.shape = T, B
        self.x = np.ones((T, B, D + 1), dtype)
        # h[t] and c[t] are what step t reads.
        self.h = np.empty((T + 1, B, H), dtype)
        self.c = np.empty((T + 1, B, H), dtype)
        # One after the other: W_x x + b as rows (B, 4H); the gates o, i, f, g; da as rows.
        self.gates = np.empty((T, 4, B, H), dtype)
        self.slopes = np.empty((min(T, max(1, 2**11 // (B * H))), 5, B, H), dtype)
        self._take_views()

    def _take_views(self) -> None:
        (T, B), gates, c, h = self.shape, self.gates, self.c, self.h
        rows = gates.reshape(T, B, -1)
        o, i, f, g = gates.swapaxes(0, 1)
        self.steps = list(zip(h, c, rows, gates, gates[:, :3], o, i, f, g, c[1:], h[1:], strict=False))
        da_by_gate = rows.reshape(T, B, 4, -1).swapaxes(1, 2)
        self.chunks = []
        for start in reversed(range(0, T, len(self.slopes))):
            span = slice(start, min(start + len(self.slopes), T))
            slopes = self.slopes[: span.stop - start].swapaxes(0, 1)
            operands = (*(value[span] for value in (o, i, f, g, c[:-1], c[1:], h[1:])), slopes)
            steps = list(zip(range(T)[span], *slopes, f[span], rows[span], da_by_gate[span], strict=True))
            self.chunks.append((span, operands, steps[::-1]))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the views out of a copy: they would not be views of it."""
        return {name: value for name, value in vars(self).items() if name not in ("steps", "chunks")}

    def __setstate__(self, arrays: dict[str, Any]) -> None:
        vars(self).update(arrays)
        self._take_views()


def _differentiate(
    o: Array, i: Array, f: Array, g: Array, c_prev: Array, c: Array, h: Array, slopes: Array
) -> None:
    """Fill `slopes`: the factors that make da_i, da_f, da_g of dc, dc_prev and dc; da_o of dh; and dc of dh.

    g i(1 − i) = p − p i and i(1 − g²) = i − p g with p = i ⊙ g; c_prev (1 − f) = c_prev − c_prev f, since
    dc_prev = dc ⊙ f holds the other f; tanh c o(1 − o) = h − h o; o(1 − tanh² c) = o − h tanh c.
    """
    multiply, subtract = np.multiply, np.subtract
    by_i, by_f, by_g, by_o, by_c = slopes
    multiply(i, g, by_g)
    multiply(by_g, i, by_i)
    subtract(by_g, by_i, by_i)
    multiply(by_g, g, by_g)
    subtract(i, by_g, by_g)
    multiply(c_prev, f, by_f)
    subtract(c_prev, by_f, by_f)
    multiply(h, o, by_o)
    subtract(h, by_o, by_o)
    np.tanh(c, by_c)
    multiply(by_c, h, by_c)
    subtract(o, by_c, by_c)
