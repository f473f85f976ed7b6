"""What every recurrent layer promises: one interface, one loop over time, one set of messages.

A layer is its pure pair of functions, one time step forward and the same step backward. This
module supplies the rest: it checks what comes in, walks the pair along a sequence, carries the
state over where a mask is False, and keeps what the backward pass needs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array

Params = dict[str, Array]
Cache = dict[str, Any]


class RecurrentLayer(ABC):
    """A layer that reads a sequence one step at a time and carries a state along.

    Subclasses say what one step does (`_step`, `_step_backward`) and what the state consists of
    (`state_names`). What is overridden is what runs, in every method: a layer's faster loop is used
    only while both of its steps are its own. Arrays are time-major, `(T, B, D)`: time, batch,
    features.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H, both at least 1.
    rng : numpy.random.Generator, optional
        Source of the initial weights. Without one they differ from run to run.
    dtype : float32 or float64
        Type of parameters, states and results.

    Attributes
    ----------
    params : dict of arrays
        The weights, changed in place by an optimiser.
    grads : dict of arrays
        ∂L/∂params after `backward`, with the same keys and shapes; empty before.

    Raises
    ------
    ValueError
        For a size below 1, a `dtype` that is no float, or an `rng` that is no Generator.
    """

    trace_type: ClassVar[Any]
    """Named tuple of what `trace` holds: the gates in the order of the parameters, then the state."""

    state_names: ClassVar[tuple[str, ...]] = ("h",)

    state_axes: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Axes of those parts of the state that are not (B, H)."""

    def __init__(
        self, input_size: int, hidden_size: int, *, rng: Generator | None = None, dtype: Any = np.float64
    ) -> None:
        self.input_size = check_size(input_size, "input_size")
        self.hidden_size = check_size(hidden_size, "hidden_size")
        self.dtype = check_dtype(dtype)
        self.params: Params = self._initialise(check_rng(rng))
        self.grads: Params = {}
        self._tape: Any = None
        self._trace: Any = None
        self._read: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size})"

    # What a subclass supplies

    @abstractmethod
    def _initialise(self, rng: Generator) -> Params:
        """Draw the initial parameters."""

    @abstractmethod
    def _step(self, x: Array, state: tuple[Array, ...]) -> tuple[tuple[Array, ...], Cache]:
        """One step: the next state, and a cache that names every gate."""

    @abstractmethod
    def _step_backward(
        self, dstate: tuple[Array, ...], cache: Cache
    ) -> tuple[Array, tuple[Array, ...], Params]:
        """The same step backward: dx, the gradient of the previous state, grads."""

    # What a reader calls

    def step(self, x: ArrayLike, state: Any = None) -> tuple[Any, dict[str, Array]]:
        """Read one input.

        Parameters
        ----------
        x : array (B, D)
        state : the layer's state, optional
            As `forward` takes it; zeros if left out.

        Returns
        -------
        state : the next state
        gates : dict of arrays (B, H)
            The value of every gate in this step, by its name.

        Raises
        ------
        ValueError
            For a wrong shape, dtype, or a value that is not finite.
        """
        checked = self._check_array(x, "x", ("B", "D"))
        new, cache = self._step(checked, self._check_state(state, "state", len(checked)))
        gates = {name: cache[name] for name in self.trace_type._fields if name not in self.state_names}
        return self._pack(new), gates

    def forward(self, x: ArrayLike, state: Any = None, mask: ArrayLike | None = None) -> tuple[Array, Any]:
        """Read a batch of sequences.

        Parameters
        ----------
        x : array (T, B, D)
        state : array (B, H), or the layer's named tuple of such arrays, optional
            State before the first step; zeros if left out.
        mask : array of bool (T, B), optional
            Where it is False the step is skipped and the state carried over unchanged. Every
            sequence starts with a step that is True.

        Returns
        -------
        h : array (T, B, H)
            Hidden state after each step.
        state : as the argument
            State after the last step.

        Raises
        ------
        ValueError
            For a wrong shape, dtype, an empty sequence, or a value that is not finite.
        """
        checked = self._check_array(x, "x", ("T", "B", "D"))
        T, B, _ = checked.shape
        h, last = self._forward(
            checked, self._check_state(state, "state", B), None if mask is None else _check_mask(mask, T, B)
        )
        self._read = as_read(self.params)
        return h, self._pack(last)

    def backward(self, dh: ArrayLike, dstate: Any = None) -> tuple[Array, Any]:
        """Backpropagation through time over the last `forward`; fills `grads`.

        Parameters
        ----------
        dh : array (T, B, H)
            ∂L/∂h for every step.
        dstate : the layer's state, optional
            ∂L/∂state after the last step, in addition to `dh`; zeros if left out.

        Returns
        -------
        dx : array (T, B, D)
        dstate0 : as the state
            ∂L/∂state before the first step.

        Raises
        ------
        RuntimeError
            Without a `forward` since the last `backward`, or if `params` have changed since.
        ValueError
            For a gradient of the wrong shape, dtype, or with a value that is not finite.
        """
        if self._tape is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward needs a forward pass of its own: call forward first, "
                "and again before each further backward"
            )
        check_unchanged(self.params, self._read, type(self).__name__)
        T, B = self._tape_shape()
        dh = self._check_array(dh, "dh", ("T", "B", "H"), T=T, B=B)
        checked_dstate = self._check_state(dstate, "dstate", B)
        dx, dstate0, self.grads = self._backward(dh, checked_dstate)
        self._tape = None
        return dx, self._pack(dstate0)

    @property
    def trace(self) -> Any:
        """Every gate and state of the last `forward`, each (T, B, H), as a named tuple.

        Raises
        ------
        RuntimeError
            Before the first `forward`.
        """
        if self._trace is None:
            raise RuntimeError(f"{type(self).__name__}.trace is filled by forward: call forward first")
        return self._make_trace()

    # One loop over time for all layers; a layer with a faster one overrides these four, and falls
    # back on them where somebody has changed its step

    def _has_own_steps(self, owner: type) -> bool:
        """Whether the steps that run are those of `owner`, the class with the faster loop."""
        return all(
            getattr(getattr(self, name), "__func__", None) is vars(owner)[name]
            for name in ("_step", "_step_backward")
        )

    def _forward(
        self, x: Array, state: tuple[Array, ...], mask: Array | None
    ) -> tuple[Array, tuple[Array, ...]]:
        # What the caller does later with these arrays must not reach the backward pass.
        x, state = x.copy(), tuple(part.copy() for part in state)
        caches, states = [], []
        for t in range(len(x)):
            new, cache = self._step(x[t], state)
            if mask is not None:
                new = tuple(_where(mask[t], n, old) for n, old in zip(new, state, strict=True))
            state = new
            caches.append(cache)
            states.append(state)
        self._tape = (caches, mask)
        self._trace = (caches, states)
        return np.stack([s[0] for s in states]), tuple(part.copy() for part in state)

    def _backward(self, dh: Array, dstate: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...], Params]:
        caches, mask = self._tape
        dx = np.empty((*dh.shape[:2], self.input_size), self.dtype)
        grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        for t in reversed(range(len(caches))):
            dstate = (dstate[0] + dh[t], *dstate[1:])
            carried = None
            if mask is not None:
                # A skipped step is the identity: its gradient goes past the cell untouched.
                carried = tuple(_where(mask[t], np.zeros_like(d), d) for d in dstate)
                dstate = tuple(_where(mask[t], d, np.zeros_like(d)) for d in dstate)
            dx[t], dstate, step_grads = self._step_backward(dstate, caches[t])
            if carried is not None:
                dstate = tuple(d + c for d, c in zip(dstate, carried, strict=True))
            for name, value in step_grads.items():
                grads[name] += value
        return dx, dstate, grads

    def _tape_shape(self) -> tuple[int, int]:
        caches, _ = self._tape
        return len(caches), len(caches[0]["x"])

    def _make_trace(self) -> Any:
        caches, states = self._trace
        parts = dict(zip(self.state_names, zip(*states, strict=True), strict=True))
        return self.trace_type(
            *(
                np.stack(parts[name] if name in parts else [cache[name] for cache in caches])
                for name in self.trace_type._fields
            )
        )

    # What comes in

    def _pack(self, state: tuple[Array, ...]) -> Any:
        """The state as a reader sees it: an array, or a named tuple where it has several parts."""
        return state[0]

    def _check_state(self, state: Any, name: str, B: int) -> tuple[Array, ...]:
        count = len(self.state_names)
        axes = [self.state_axes.get(part, ("B", "H")) for part in self.state_names]
        if state is None:
            sizes = {"B": B, "H": self.hidden_size}
            return tuple(np.zeros([sizes[axis] for axis in part], self.dtype) for part in axes)
        parts = (state,) if count == 1 else state
        if not isinstance(parts, tuple | list) or len(parts) != count:
            wanted = ", ".join(self.state_names)
            kind = f"a pair ({wanted}) of arrays (B, H)" if count == 2 else f"{count} arrays ({wanted})"
            raise ValueError(f"{name} must be {kind}, got {_describe(state)}")
        labels = [name] if count == 1 else [f"{name}.{part}" for part in self.state_names]
        return tuple(
            self._check_array(part, label, part_axes, B=B)
            for part, label, part_axes in zip(parts, labels, axes, strict=True)
        )

    def _check_array(self, value: ArrayLike, name: str, axes: tuple[str, ...], **sizes: int) -> Array:
        """`value` as an array of the layer's dtype, or a ValueError that says what to change."""
        return check_array(
            value, name, axes, {"D": self.input_size, "H": self.hidden_size, **sizes}, self.dtype
        )


# The same checks for whatever else has sizes, weights and arrays


def as_read(params: Mapping[str, Array]) -> dict[str, bytes]:
    """What a forward pass computed with, for `check_unchanged` to compare before the way back.

    Examples
    --------
    >>> as_read({"b": np.zeros(1, np.float32)})
    {'b': b'\\x00\\x00\\x00\\x00'}
    """
    return {name: value.tobytes() for name, value in params.items()}


def check_unchanged(params: Mapping[str, Array], read: Mapping[str, bytes], layer: str) -> None:
    """Raise a RuntimeError where `params` are no longer those that the forward pass read.

    The way back multiplies by the weights again: with others its gradient would belong to neither.

    Examples
    --------
    >>> params = {"b": np.zeros(2)}
    >>> read = as_read(params)
    >>> params["b"] += 1
    >>> check_unchanged(params, read, "RNN")
    Traceback (most recent call last):
    RuntimeError: RNN.backward needs the params that forward read, but b has changed since: ...
    """
    changed = [name for name, value in params.items() if value.tobytes() != read.get(name)]
    if changed:
        raise RuntimeError(
            f"{layer}.backward needs the params that forward read, but {', '.join(changed)} has changed "
            "since: update after backward, or call forward again"
        )


def check_size(size: int, name: str) -> int:
    """`size` as a whole number of at least 1, or a ValueError that names it.

    Examples
    --------
    >>> check_size(0, "input_size")
    Traceback (most recent call last):
    ValueError: input_size must be a whole number of at least 1, got 0
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {size!r}")
    return int(size)


def check_number(value: float, name: str) -> float:
    """`value` as a finite number, or a ValueError that names it.

    Examples
    --------
    >>> check_number(float("nan"), "forget_bias")
    Traceback (most recent call last):
    ValueError: forget_bias must be a finite number, got nan
    """
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def check_dtype(dtype: Any) -> np.dtype:
    """`dtype` as float32 or float64, or a ValueError.

    Examples
    --------
    >>> check_dtype(int)
    Traceback (most recent call last):
    ValueError: dtype must be float32 or float64, got int64
    """
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {checked}")
    return checked


def check_rng(rng: Generator | None) -> Generator:
    """`rng`, a fresh generator in place of None, or a ValueError.

    Examples
    --------
    >>> check_rng(0)
    Traceback (most recent call last):
    ValueError: rng must be a numpy.random.Generator, as default_rng(0) gives; got 0
    """
    if rng is not None and not isinstance(rng, Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, as default_rng(0) gives; got {rng!r}")
    return rng or np.random.default_rng()


def check_array(
    value: ArrayLike, name: str, axes: tuple[str, ...], sizes: dict[str, int], dtype: np.dtype
) -> Array:
    """`value` as a finite, non-empty array of `dtype`, or a ValueError that says what to change.

    Parameters
    ----------
    value : what came in
    name : str
        What the message calls it.
    axes : tuple of str
        The letter of each axis, ("T", "B", "D").
    sizes : dict
        Size of those axes that are known.
    dtype : numpy.dtype
        Type of the array returned.

    Returns
    -------
    array

    Raises
    ------
    ValueError
        For integers, a wrong shape, an empty array, or a value that is not finite.

    Examples
    --------
    >>> check_array([1.0, 2.0], "dh", ("H",), {"H": 3}, np.dtype(float))
    Traceback (most recent call last):
    ValueError: dh must have shape (H=3), got (2,)
    """
    wanted = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in axes)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must have shape ({wanted}), got lists of different lengths") from None
    if array.dtype.kind != "f":
        raise ValueError(
            f"{name} must hold floats, got dtype {array.dtype}: one-hot or embed symbols, "
            "or convert numbers with .astype(float)"
        )
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have shape ({wanted}), got {array.ndim}-D {array.shape}")
    if 0 in array.shape:
        raise ValueError(f"{name} must not be empty: expected ({wanted}), got {array.shape}")
    if any(axis in sizes and size != sizes[axis] for axis, size in zip(axes, array.shape, strict=True)):
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if not np.isfinite(array).all():
        first = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[first]} at index {first}")
    return array.astype(dtype, copy=False)


def _where(keep: Array, yes: Array, no: Array) -> Array:
    """`yes` for the sequences (B,) that keep says, and `no` for the others, whatever the axes after B."""
    return np.where(keep.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}" + (f" of shape {shape}" if shape is not None else "")


def _check_mask(mask: ArrayLike, T: int, B: int) -> Array:
    array = np.array(mask)
    if array.dtype != bool:
        raise ValueError(f"mask must hold booleans, True for a real step; got dtype {array.dtype}")
    if array.shape != (T, B):
        raise ValueError(f"mask must have shape (T={T}, B={B}), got {array.shape}")
    if not array[0].all():
        late = np.flatnonzero(~array[0]).tolist()
        raise ValueError(
            f"mask must be True at the first step of every sequence, but is False for {late} "
            "of the batch: put padding at the end"
        )
    return array
