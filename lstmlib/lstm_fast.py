"""The way of `LSTM` through a sequence: the same numbers as its step, in few large operations.

Three things make it fast: one product for the inputs of all steps, one tanh for all gates of a step, and no
memory allocated from step to step.
"""

from typing import Any

import numpy as np

from lstmlib.activations import Array
from lstmlib.checks import Mask
from lstmlib.layer import Params, RecurrentLayer, State, Walk, skipped_steps


class FastWalk(Walk):
    """The plain LSTM along a sequence and back; calls of one shape share their memory."""

    def __init__(self) -> None:
        self.workspace: _Workspace | None = None

    def forward(
        self, layer: RecurrentLayer, x: Array, state: State, mask: Mask | None
    ) -> tuple[Array, State]:
        (T, B, D), H, dtype = x.shape, layer.hidden_size, layer.dtype
        self.shape = T, B
        if self.workspace is None or self.workspace.shape != (T, B):
            # Memory is slow when first touched, so calls of one shape share it.
            self.workspace = _Workspace(T, B, D, H, dtype)
        work = self.workspace
        work.x[..., :D] = x
        work.h[0], work.c[0] = state
        work.skip(mask)
        work.weights = W_h, W_x = _weights_for_tanh(layer.params, dtype)
        # The column of ones in x adds b.
        np.matmul(work.x.reshape(T * B, D + 1), W_x, out=work.gates.reshape(T * B, 4 * H))

        # Every result goes to memory that is there already, and `dot` starts faster than `matmul`.
        half = np.asarray(0.5, dtype)
        a, ig = np.empty((B, 4 * H), dtype), np.empty((B, H), dtype)
        a_by_gate = a.reshape(B, 4, H).swapaxes(0, 1)
        add, multiply, tanh, dot = np.add, np.multiply, np.tanh, np.dot
        for t, (h_prev, c_prev, a_x, gates, oif, o, i, f, g, c, h) in enumerate(work.steps):
            dot(h_prev, W_h, a)
            add(a, a_x, a)
            # Rows (B, 4H) become gates (4, B, H), so that what follows is contiguous.
            tanh(a_by_gate, gates)
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(i, g, ig)
            multiply(f, c_prev, c)
            add(c, ig, c)
            tanh(c, h)
            multiply(h, o, h)
            if t in work.skipped:
                np.copyto(h, h_prev, where=work.skipped[t])
                np.copyto(c, c_prev, where=work.skipped[t])
        # Copies, since the next call writes over the workspace.
        return work.h[1:].copy(), (work.h[T].copy(), work.c[T].copy())

    def backward(self, layer: RecurrentLayer, dh: Array, dstate: State) -> tuple[Array, State, Params]:
        work = self.workspace
        assert work is not None, "forward made it"
        (T, B), D, H = work.shape, layer.input_size, layer.hidden_size
        W_h, W_x = (np.asarray(layer.params[name], layer.dtype) for name in ("W_h", "W_x"))
        dh_next, dc_next = (part.copy() for part in dstate)
        dh_t, dc_t = np.empty_like(dh_next), np.empty_like(dc_next)
        da_i, da_f, da_g, da_o = da_t = np.empty((4, B, H), layer.dtype)
        add, multiply, dot, copyto = np.add, np.multiply, np.dot, np.copyto
        for span, operands, steps in work.chunks:
            # What needs no gradient comes first, for as many steps as a fast cache holds.
            _fill_local_gradients(*operands)
            for t, by_i, by_f, by_g, by_o, by_c, f, da, da_by_gate in steps:
                if t in work.skipped:
                    # A skipped step is the identity.
                    copyto(work.local_gradients[t - span.start], 0, where=work.skipped[t])
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
                if t in work.skipped:
                    copyto(dh_next, dh_t, where=work.skipped[t])
                    copyto(dc_next, dc_t, where=work.skipped[t])
        # One product over all steps for each parameter and for dx.
        da = work.gates.reshape(T * B, 4 * H)
        dW_h = da.T @ work.h[:-1].reshape(T * B, H)
        dW_x = da.T @ work.x.reshape(T * B, D + 1)
        grads = {"W_x": dW_x[:, :D].copy(), "W_h": dW_h, "b": dW_x[:, D].copy()}
        return (da @ W_x).reshape(T, B, D), (dh_next, dc_next), grads

    def trace(self, layer: RecurrentLayer) -> dict[str, Array]:
        # The gates anew, from what each step read: backward writes over those of the workspace.
        work = self.workspace
        assert work is not None, "forward made it"
        W_h, W_x = work.weights
        o, i, f, g = np.split(np.tanh(work.h[:-1] @ W_h + work.x @ W_x), 4, axis=2)
        gates = {"i": 0.5 * i + 0.5, "f": 0.5 * f + 0.5, "g": g.copy(), "o": 0.5 * o + 0.5}
        return gates | {"c": work.c[1:].copy(), "h": work.h[1:].copy()}


def _weights_for_tanh(params: Params, dtype: np.dtype) -> tuple[Array, Array]:
    """W_h (H, 4H) and [W_x, b] (D + 1, 4H) for one tanh for all gates, by σ(a) = ½ + ½ tanh(a/2)."""
    D, H = params["W_x"].shape[1], params["W_h"].shape[1]
    W = np.empty((H + D + 1, 4 * H), dtype)
    for rows, name in ((slice(H), "W_h"), (slice(H, -1), "W_x"), (-1, "b")):
        W[rows, :H] = params[name][3 * H :].T
        W[rows, H:] = params[name][: 3 * H].T
    W[:, : 3 * H] *= 0.5
    return W[:H], W[H:]


class _Workspace:
    """What a forward pass leaves for its backward pass, room for both, and each step's views, taken once."""

    weights: tuple[Array, Array]
    skipped: dict[int, Mask]
    """For each step that not all sequences have: which of them, (B, 1), have it not."""

    def __init__(self, T: int, B: int, D: int, H: int, dtype: np.dtype) -> None:
        self.shape = T, B
        self.x = np.ones((T, B, D + 1), dtype)
        # h[t] and c[t] are what step t reads.
        self.h = np.empty((T + 1, B, H), dtype)
        self.c = np.empty((T + 1, B, H), dtype)
        # One after the other: W_x x + b as rows (B, 4H); the gates o, i, f, g; da as rows.
        self.gates = np.empty((T, 4, B, H), dtype)
        self.local_gradients = np.empty((min(T, max(1, 2**11 // (B * H))), 5, B, H), dtype)
        self._take_views()

    def skip(self, mask: Mask | None) -> None:
        self.skipped = {t: skip[:, None] for t, skip in skipped_steps(mask).items()}

    def _take_views(self) -> None:
        (T, B), gates, c, h = self.shape, self.gates, self.c, self.h
        rows = gates.reshape(T, B, -1)
        o, i, f, g = gates.swapaxes(0, 1)
        self.steps = list(zip(h, c, rows, gates, gates[:, :3], o, i, f, g, c[1:], h[1:], strict=False))
        da_by_gate = rows.reshape(T, B, 4, -1).swapaxes(1, 2)
        self.chunks = []
        for start in reversed(range(0, T, len(self.local_gradients))):
            span = slice(start, min(start + len(self.local_gradients), T))
            local = self.local_gradients[: span.stop - start].swapaxes(0, 1)
            operands = (*(value[span] for value in (o, i, f, g, c[:-1], c[1:], h[1:])), local)
            steps = list(zip(range(T)[span], *local, f[span], rows[span], da_by_gate[span], strict=True))
            self.chunks.append((span, operands, steps[::-1]))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the views out of a copy: they would not be views of it."""
        return {name: value for name, value in vars(self).items() if name not in ("steps", "chunks")}

    def __setstate__(self, arrays: dict[str, Any]) -> None:
        vars(self).update(arrays)
        self._take_views()


def _fill_local_gradients(
    o: Array, i: Array, f: Array, g: Array, c_prev: Array, c: Array, h: Array, local: Array
) -> None:
    """The factors that make da_i, da_f, da_g of dc, dc_prev and dc; da_o of dh; and dc of dh.

    g i(1 − i) = p − p i and i(1 − g²) = i − p g with p = i ⊙ g; c_prev (1 − f) = c_prev − c_prev f, since
    dc_prev = dc ⊙ f holds the other f; tanh c o(1 − o) = h − h o; o(1 − tanh² c) = o − h tanh c.
    """
    multiply, subtract = np.multiply, np.subtract
    by_i, by_f, by_g, by_o, by_c = local
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
