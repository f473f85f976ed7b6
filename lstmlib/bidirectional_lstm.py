"""The LSTM that reads a sequence from both ends: what stands before each step, and what stands after it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import Mask, check_array, check_mask, check_rng, check_size
from lstmlib.layer import Params
from lstmlib.lstm import LSTM, LSTMState


class BidirectionalLSTM:
    """Two LSTMs, one of which reads from the end, side by side.

    h_t = [→h_t, ←h_t]: what stands before position t and what stands after it, each in H/2 numbers.

    Arguments are those of `LSTM`. `params` and `grads` are those of both, with `forward.` or `backward.`
    before each name; an array put into `params` is the LSTM's from then on. Raises ValueError for an odd
    `hidden_size`, and as `LSTM`. From Schuster & Paliwal 1997; Bahdanau, Cho & Bengio 2015, section 3.2.

    >>> layer = BidirectionalLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, state.h.shape, state.c.shape
    ((5, 2, 4), (2, 4), (2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        forget_bias: float = 1.0,
    ) -> None:
        self.hidden_size = check_size(hidden_size, "hidden_size")
        if hidden_size % 2:
            raise ValueError(f"hidden_size must be even, half for each direction; got {hidden_size}")
        rng = check_rng(rng)
        self.directions = {
            name: LSTM(input_size, hidden_size // 2, rng=rng, dtype=dtype, forget_bias=forget_bias)
            for name in ("forward", "backward")
        }
        self.input_size, self.dtype = self.directions["forward"].input_size, self.directions["forward"].dtype
        self.grads: Params = {}
        self._mask: Mask | None = None

    def __repr__(self) -> str:
        return f"BidirectionalLSTM({self.input_size}, {self.hidden_size})"

    def __copy__(self) -> BidirectionalLSTM:
        # As a copy of an LSTM: it shares the weights, and nothing that the next call writes over.
        twin = object.__new__(type(self))
        directions = {name: copy.copy(layer) for name, layer in self.directions.items()}
        vars(twin).update(vars(self) | {"directions": directions})
        return twin

    @property
    def params(self) -> MutableMapping[str, Array]:
        """The parameters of both directions."""
        return _Joint(self.directions)

    @params.setter
    def params(self, params: Mapping[str, Array]) -> None:
        self.params.update(params)

    def forward(
        self, x: ArrayLike, state: None = None, mask: ArrayLike | None = None
    ) -> tuple[Array, LSTMState]:
        """Read a batch of sequences (T, B, D) from both ends.

        Returns h (T, B, H), and the state after the last step of each direction, an `LSTMState`. Both
        directions start from zero, so `state` is None. Where `mask` (T, B) is False the step is skipped, on
        both ways; the way back starts at the last step that is True. Raises ValueError as `LSTM.forward`,
        and for a `state`.
        """
        if state is not None:
            raise ValueError("state must be left out: a BidirectionalLSTM starts from zero at both ends")
        axes, sizes = ("T", "B", "D"), {"D": self.input_size}
        x = check_array(x, "x", axes, sizes, self.dtype)
        T, B, _ = x.shape
        real = check_mask(mask, (T, B), "TB")
        reversed_x, reversed_real = reverse_sequences(x, real), reverse_sequences(real, real)
        there, last_there = self.directions["forward"].forward(x, mask=real)
        back, last_back = self.directions["backward"].forward(reversed_x, mask=reversed_real)
        last = (np.concatenate(parts, axis=-1) for parts in zip(last_there, last_back, strict=True))
        self._mask = real
        return np.concatenate([there, reverse_sequences(back, real)], axis=-1), LSTMState(*last)

    def backward(self, dh: ArrayLike, dstate: LSTMState | None = None) -> tuple[Array, None]:
        """Backpropagation through both directions: dx (T, B, D), and None for the first state; fills `grads`.

        `dh` is (T, B, H), `dstate` an `LSTMState` of arrays (B, H). Raises RuntimeError without a `forward`
        since the last `backward`, or if `params` have changed since; ValueError as `LSTM.backward`.
        """
        if self._mask is None:
            raise RuntimeError(
                "BidirectionalLSTM.backward needs a forward pass of its own: call forward first, "
                "and again before each further backward"
            )
        sizes = dict(zip("TBH", (*self._mask.shape, self.hidden_size), strict=True))
        checked = check_array(dh, "dh", ("T", "B", "H"), sizes, self.dtype)
        dh_there, dh_back = np.split(checked, 2, axis=-1)
        last_there, last_back = None, None
        if dstate is not None:
            last_there, last_back = zip(*(np.split(part, 2, axis=-1) for part in dstate), strict=True)
        dx_there, _ = self.directions["forward"].backward(dh_there, last_there)
        dh_back = reverse_sequences(dh_back, self._mask)
        dx_back, _ = self.directions["backward"].backward(dh_back, last_back)
        self.grads = {
            f"{direction}.{name}": grad
            for direction, layer in self.directions.items()
            for name, grad in layer.grads.items()
        }
        dx = dx_there + reverse_sequences(dx_back, self._mask)
        self._mask = None
        return dx, None


class _Joint(MutableMapping[str, Array]):
    """The parameters of several layers as one dict: what is set in it is set in its layer."""

    def __init__(self, layers: dict[str, LSTM]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> Array:
        layer, _, own = name.partition(".")
        return self._layers[layer].params[own]

    def __setitem__(self, name: str, value: Array) -> None:
        if name not in self:
            raise KeyError(f"params has {', '.join(self)}; got {name!r}")
        layer, _, own = name.partition(".")
        self._layers[layer].params[own] = value

    def __delitem__(self, name: str) -> None:
        layer, _, own = name.partition(".")
        del self._layers[layer].params[own]

    def __iter__(self) -> Iterator[str]:
        return (f"{name}.{own}" for name, layer in self._layers.items() for own in layer.params)

    def __len__(self) -> int:
        return sum(len(layer.params) for layer in self._layers.values())

    def __ior__(self, other: Mapping[str, Array]) -> _Joint:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(dict(self))


def reverse_sequences(x: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Reverse each sequence of x (T, B, …), and leave its padding at the end. Done twice, it changes nothing.

    A sequence ends with the last step that its mask (T, B) says is real; a step skipped before that moves
    with the others.

    >>> x = np.array([[1, 5], [2, 6], [3, 0]])
    >>> reverse_sequences(x, x > 0).T
    array([[3, 2, 1],
           [6, 5, 0]])
    """
    steps = np.arange(len(mask))[:, None]
    length = np.where(mask, steps + 1, 0).max(axis=0)
    order = np.where(steps < length, length - 1 - steps, steps)
    return x[order, np.arange(mask.shape[1])]
