"""What every recurrent layer promises: one interface, and one loop over time that walks any cell."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.checks import (
    Mask,
    as_read,
    check_array,
    check_dtype,
    check_mask,
    check_number,
    check_rng,
    check_size,
    check_unchanged,
)
from lstmlib.initialisation import gate_weights

Params = dict[str, Array]
Cache = dict[str, Any]
State = tuple[Array, ...]


class HiddenState(NamedTuple):
    """What a cell with one memory carries from step to step: h (B, H)."""

    h: Array


class RecurrentLayer(ABC):
    """A layer that reads a sequence one step at a time and carries a state along.

    A new layer is a cell, which is two functions, and a class that names them; what a class names is what
    runs in every method. Written for a state of two parts, h and c, the functions are

    - `step(x, h_prev, c_prev, params) -> h, c, cache`,
    - `step_backward(dh, dc, cache, params) -> dx, dh_prev, dc_prev, grads`.

    The hidden state h comes first. The cache is a dict of whatever the way back needs; `grads` has the keys
    of `params`. The class says

    - `cell = step, step_backward`,
    - `first_weights(self, rng)`, which returns a dict of arrays,
    - `state_type = LSTMState`, a named tuple, where the state has more parts than h,
    - `gates = "i", "f"`, where `step` and `trace` are to show these entries of the cache,
    - `state_axes = {"n": "B"}`, where a part of the state is not (B, H): of the letters B, D and H, B first,
      and of those that the class adds to `sizes`.

    Both functions leave what they are given as it is.

    Arrays are time-major, `(T, B, D)`: time, batch, features. Raises ValueError for a size below 1, a
    `dtype` other than float32 and float64, or an `rng` that is no Generator; TypeError for a class that
    names no cell, or whose functions do not return what they should.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
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

    Examples
    --------
    A memory that fades by itself, h = a ⊙ h_prev + W x, and learns how fast. Is its gradient right?

    >>> def fading_step(x, h_prev, params):
    ...     h = params["a"] * h_prev + x @ params["W"].T
    ...     return h, {"x": x, "h_prev": h_prev}
    >>> def fading_step_backward(dh, cache, params):
    ...     grads = {"a": (dh * cache["h_prev"]).sum(axis=0), "W": dh.T @ cache["x"]}
    ...     return dh @ params["W"], dh * params["a"], grads
    >>> class FadingMemory(RecurrentLayer):
    ...     cell = fading_step, fading_step_backward
    ...
    ...     def first_weights(self, rng):
    ...         W = rng.standard_normal((self.hidden_size, self.input_size))
    ...         return {"a": np.full(self.hidden_size, 0.9), "W": W}
    >>> from lstmlib.gradients import check_layer
    >>> rng = np.random.default_rng(0)
    >>> errors = check_layer(FadingMemory(3, 4, rng=rng), rng.standard_normal((5, 2, 3)))
    >>> max(errors.values()) < 1e-7
    True
    """

    cell: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]
    """The step and the step backward."""

    gates: ClassVar[Sequence[str]] = ()
    """Those entries of the cache that `step` and `trace` show."""

    state_type: ClassVar[type[Any]] = HiddenState
    """Named tuple of the state, the hidden state `h` first."""

    state_axes: ClassVar[Mapping[str, str]] = {}
    """Axes of those parts of the state that are not "BH", such as {"C": "BHH"}."""

    options: Mapping[str, Any] = MappingProxyType({})
    """Keyword arguments for `step`; what `step_backward` needs of them, `step` puts into the cache."""

    fast_walk: ClassVar[type[Walk] | None] = None
    """A faster loop over time for the cell that the same class names; never used for another cell."""

    trace_type: ClassVar[type[Any]]
    """Named tuple of what `trace` holds: the gates, then the state, `h` last."""

    _walked_fast: ClassVar[tuple[Any, Any] | None] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        fields = getattr(cls.state_type, "_fields", ())
        if fields[:1] != ("h",):
            raise TypeError(f"the state_type of {cls.__name__} must be a named tuple that begins with h")
        if odd := [*set(cls.gates) & set(fields), *set(cls.state_axes) - set(fields)]:
            raise TypeError(
                f"{cls.__name__}: no gate may be called as a part of the state {fields}, and state_axes "
                f"may name these parts only; got {odd}"
            )
        cls.trace_type = namedtuple(f"{cls.__name__}Trace", [*cls.gates, *fields[1:], "h"])  # type: ignore[misc]
        # Where pickle finds it
        cls.trace_type.__module__ = cls.__module__
        cls.trace_type.__qualname__ = f"{cls.__qualname__}.trace_type"
        if vars(cls).get("fast_walk"):
            cls._walked_fast = cls.cell, cls.state_type

    def __init__(
        self, input_size: int, hidden_size: int, *, rng: Generator | None = None, dtype: Any = np.float64
    ) -> None:
        cell = getattr(self, "cell", None)
        if not isinstance(cell, tuple) or len(cell) != 2:
            raise TypeError(f"{type(self).__name__} must name its cell: cell = step, step_backward")
        self.input_size = check_size(input_size, "input_size")
        self.hidden_size = check_size(hidden_size, "hidden_size")
        self.dtype = check_dtype(dtype)
        if unknown := {axis for axes in self.state_axes.values() for axis in axes} - {"B", *self.sizes}:
            raise TypeError(f"{self!r}: state_axes knows {['B', *self.sizes]}, got {sorted(unknown)}")
        drawn = self.first_weights(check_rng(rng))
        if not isinstance(drawn, Mapping):
            raise TypeError(f"first_weights must return a dict of arrays, got {type(drawn).__name__}")
        self.params: Params = {name: np.array(value, self.dtype) for name, value in drawn.items()}
        self.grads: Params = {}
        self._walk: Walk | None = None
        self._read: dict[str, bytes] | None = None
        self._read_by: Any = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size})"

    def __copy__(self) -> RecurrentLayer:
        # A shallow copy shares the weights, but not the memory that the next call writes over.
        twin = object.__new__(type(self))
        vars(twin).update(vars(self) | {"_walk": copy.deepcopy(self._walk)})
        return twin

    @property
    def sizes(self) -> dict[str, int]:
        """What the letters of `state_axes` stand for, B aside; a class with a size of its own adds it."""
        return {"D": self.input_size, "H": self.hidden_size}

    @abstractmethod
    def first_weights(self, rng: Generator) -> Params:
        """Draw the weights that the layer begins with: a dict of arrays."""

    def step(self, x: ArrayLike, state: Any = None) -> tuple[Any, dict[str, Array]]:
        """Read one input (B, D): the next state, and the value of every gate by its name, (B, H) for most.

        The state is as `forward` takes it. Raises ValueError for a wrong shape, dtype, or a value that
        is not finite.
        """
        checked = self.check_array(x, "x", ("B", "D"))
        new, cache = one_step(self, checked, self.check_state(state, "state", len(checked)))
        return self.state_type(*new), {name: cache[name] for name in self.gates}

    def forward(self, x: ArrayLike, state: Any = None, mask: ArrayLike | None = None) -> tuple[Array, Any]:
        """Read a batch of sequences.

        Parameters
        ----------
        x : array (T, B, D)
        state : tuple of the parts of the state, optional
            State before the first step, such as (h,) or (h, c); zeros if left out.
        mask : array of bool (T, B), optional
            Where it is False the step is skipped and the state carried over unchanged. Every sequence
            starts with a step that is True.

        Returns
        -------
        h : array (T, B, H)
            Hidden state after each step.
        state : named tuple
            State after the last step.

        Raises
        ------
        ValueError
            For a wrong shape, dtype, an empty sequence, or a value that is not finite.
        """
        checked = self.check_array(x, "x", ("T", "B", "D"))
        T, B, _ = checked.shape
        start = self.check_state(state, "state", B)
        kept = None if mask is None else _starting_at_once(check_mask(mask, (T, B), "TB"))
        # Where Ctrl-C cuts in, there is nothing to go back along.
        walk, self._walk, self._read = self._walk, None, None
        if type(walk) is not self._kind_of_walk():
            walk = self._kind_of_walk()()
        h, last = walk.forward(self, checked, start, kept)
        self._walk, self._read, self._read_by = walk, as_read(self.params), self.cell
        return h, self.state_type(*last)

    def backward(self, dh: ArrayLike, dstate: Any = None) -> tuple[Array, Any]:
        """Backpropagation through time over the last `forward`; fills `grads`.

        Parameters
        ----------
        dh : array (T, B, H)
            ∂L/∂h for every step.
        dstate : as the state, optional
            ∂L/∂state after the last step, in addition to `dh`; zeros if left out.

        Returns
        -------
        dx : array (T, B, D)
        dstate0 : named tuple
            ∂L/∂state before the first step.

        Raises
        ------
        RuntimeError
            Without a `forward` since the last `backward`, or if `params` or `cell` have changed since.
        ValueError
            For a gradient of the wrong shape, dtype, or with a value that is not finite.
        """
        check_unchanged(self.params, self._read, type(self).__name__)
        if self.cell != self._read_by:
            raise RuntimeError(
                f"{type(self).__name__}.backward needs the cell that forward used: call it again"
            )
        assert self._walk is not None, "forward made it"
        T, B = self._walk.shape
        dh = self.check_array(dh, "dh", ("T", "B", "H"), T=T, B=B)
        dlast = self.check_state(dstate, "dstate", B)
        # A walk may write over what it reads, so it goes back once.
        self._read = None
        dx, dstart, self.grads = self._walk.backward(self, dh, dlast)
        return dx, self.state_type(*dstart)

    @property
    def trace(self) -> Any:
        """Every gate and state of the last `forward`, each (T, B, H) for most layers, as a named tuple.

        Raises RuntimeError without a `forward` that came to its end.
        """
        if self._walk is None:
            raise RuntimeError(f"{type(self).__name__}.trace is filled by forward: call forward first")
        found = self._walk.trace(self)
        return self.trace_type(*(found[name] for name in self.trace_type._fields))

    def check_array(self, value: ArrayLike, name: str, axes: tuple[str, ...], **sizes: int) -> Array:
        """`value` as an array of the layer's dtype, or a ValueError that says what to change."""
        return check_array(value, name, axes, {**self.sizes, **sizes}, self.dtype)

    def check_state(self, state: Any, name: str, B: int) -> State:
        """`state` as a tuple of arrays, zeros for None, or a ValueError that says what to change."""
        fields = self.state_type._fields
        axes = [tuple(self.state_axes.get(part, "BH")) for part in fields]
        if state is None:
            sizes = {**self.sizes, "B": B}
            return tuple(np.zeros([sizes[axis] for axis in part], self.dtype) for part in axes)
        if not isinstance(state, tuple | list) or len(state) != len(fields):
            parts = [f"{field} ({', '.join(part)})" for field, part in zip(fields, axes, strict=True)]
            raise ValueError(f"{name} must be a tuple of {', '.join(parts)}, got {_describe(state)}")
        return tuple(
            self.check_array(part, f"{name}.{field}", part_axes, B=B)
            for part, field, part_axes in zip(state, fields, axes, strict=True)
        )

    def _kind_of_walk(self) -> type[Walk]:
        own = (self.cell, self.state_type) == self._walked_fast
        return self.fast_walk if self.fast_walk and own else Walk


class ForgetGateLayer(RecurrentLayer):
    """A layer with a forget gate, whose bias starts at `forget_bias`.

    At 1 the gate starts at σ(1) ≈ 0.73: more is kept than lost. Raises ValueError as every layer, and for a
    `forget_bias` that is no finite number.
    """

    blocks: ClassVar[str] = "ifgo"
    """Which gates share W_x, W_h and b, from top to bottom."""

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
        super().__init__(input_size, hidden_size, rng=rng, dtype=dtype)

    def first_weights(self, rng: Generator) -> Params:
        params = gate_weights(len(self.blocks), self.input_size, self.hidden_size, rng)
        np.split(params["b"], len(self.blocks))[self.blocks.index("f")][:] = self.forget_bias
        return params


def one_step(layer: RecurrentLayer, x: Array, state: State) -> tuple[State, Cache]:
    """The layer's step, or a TypeError that says what it should have taken or returned."""
    step, _ = layer.cell
    fields = layer.state_type._fields
    try:
        returned = step(x, *state, layer.params, **layer.options)
    except TypeError as error:
        names = ("x", *(f"{field}_prev" for field in fields), "params", *layer.options)
        _explain(error, step, (x, *state, layer.params), layer.options, names, "step", layer)
        raise
    *new, cache = _several(returned, (*fields, "cache"), "step", layer)
    if missing := [name for name in layer.gates if name not in cache]:
        raise TypeError(f"the step of {layer!r} must put its gates into the cache: {missing} are not there")
    parts = zip(new, state, fields, strict=True)
    return tuple(_shaped(part, old.shape, name, layer) for part, old, name in parts), cache


def one_step_backward(layer: RecurrentLayer, dstate: State, cache: Cache) -> tuple[Array, State, Params]:
    """The layer's step backward, or a TypeError that says what it should have taken or returned."""
    _, step_backward = layer.cell
    fields = layer.state_type._fields
    try:
        returned = step_backward(*dstate, cache, layer.params)
    except TypeError as error:
        names = (*(f"d{field}" for field in fields), "cache", "params")
        _explain(error, step_backward, (*dstate, cache, layer.params), {}, names, "step backward", layer)
        raise
    names = ("dx", *(f"d{field}_prev" for field in fields), "grads")
    dx, *dprevious, grads = _several(returned, names, "step backward", layer)
    if grads.keys() != layer.params.keys():
        raise TypeError(
            f"the step backward of {layer!r} must return grads of {sorted(layer.params)}, got {sorted(grads)}"
        )
    dx = _shaped(dx, (len(dstate[0]), layer.input_size), "dx", layer)
    parts = zip(dprevious, dstate, names[1:-1], strict=True)
    dstate = tuple(_shaped(part, later.shape, name, layer) for part, later, name in parts)
    params = layer.params.items()
    return dx, dstate, {name: _shaped(grads[name], value.shape, f"d{name}", layer) for name, value in params}


def _explain(
    error: TypeError,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
    names: Sequence[str],
    what: str,
    layer: RecurrentLayer,
) -> None:
    """Raise a TypeError that says what a function of the cell must take, where that was the mistake."""
    try:
        inspect.signature(function).bind(*arguments, **options)
    except TypeError:
        raise TypeError(
            f"the {what} of {layer!r}, whose state_type is {layer.state_type.__name__}, "
            f"must take {', '.join(names)}: {error}"
        ) from None


def _several(returned: Any, names: Sequence[str], what: str, layer: RecurrentLayer) -> tuple[Any, ...]:
    """What a function of the cell `returned`, or a TypeError where that is not what `names` say."""
    if isinstance(returned, tuple) and len(returned) == len(names) and isinstance(returned[-1], Mapping):
        return returned
    got = f"{len(returned)} things" if isinstance(returned, tuple) else type(returned).__name__
    raise TypeError(f"the {what} of {layer!r} must return {', '.join(names)}, the last a dict; got {got}")


def _shaped(value: Any, shape: tuple[int, ...], name: str, layer: RecurrentLayer) -> Array:
    """`value` in the layer's dtype, or a TypeError where it has another shape."""
    if type(value) is np.ndarray and value.shape == shape and value.dtype == layer.dtype:
        return value
    if np.shape(value) != shape:
        raise TypeError(f"the cell of {layer!r} must return {name} of shape {shape}, got {np.shape(value)}")
    return np.asarray(value, layer.dtype)


class Walk:
    """Any cell along a sequence and back, a step at a time, with what the way back needs."""

    def forward(
        self, layer: RecurrentLayer, x: Array, state: State, mask: Mask | None
    ) -> tuple[Array, State]:
        """Hidden state after each step, and the last state."""
        # What the caller does later with these arrays must not reach the backward pass.
        x, state = x.copy(), tuple(part.copy() for part in state)
        self.shape = x.shape[:2]
        self.caches: list[Cache] = []
        self.states: list[State] = []
        self.skips = skipped_steps(mask)
        for t in range(len(x)):
            new, cache = one_step(layer, x[t], state)
            if t in self.skips:
                pairs = zip(new, state, strict=True)
                new = tuple(np.where(_across(self.skips[t], n), old, n) for n, old in pairs)
            state = new
            self.caches.append(cache)
            self.states.append(state)
        return np.stack([state[0] for state in self.states]), tuple(part.copy() for part in state)

    def backward(self, layer: RecurrentLayer, dh: Array, dstate: State) -> tuple[Array, State, Params]:
        """dx, the gradient of the first state, and the gradients of the parameters."""
        dx = np.empty((*self.shape, layer.input_size), layer.dtype)
        grads = {name: np.zeros_like(value) for name, value in layer.params.items()}
        for t in reversed(range(len(dh))):
            dstate = (dstate[0] + dh[t], *dstate[1:])
            if t in self.skips:
                # A skipped step is the identity: its gradient goes past the cell untouched.
                skips = [_across(self.skips[t], d) for d in dstate]
                carried = [np.where(skip, d, 0) for skip, d in zip(skips, dstate, strict=True)]
                dstate = tuple(np.where(skip, 0, d) for skip, d in zip(skips, dstate, strict=True))
            dx[t], dstate, step_grads = one_step_backward(layer, dstate, self.caches[t])
            if t in self.skips:
                dstate = tuple(d + c for d, c in zip(dstate, carried, strict=True))
            for name, value in step_grads.items():
                grads[name] += value
        return dx, dstate, grads

    def trace(self, layer: RecurrentLayer) -> dict[str, Array]:
        """Each gate and each part of the state by its name, at all steps."""
        gates = {name: np.stack([cache[name] for cache in self.caches]) for name in layer.gates}
        parts = zip(layer.state_type._fields, zip(*self.states, strict=True), strict=True)
        return gates | {name: np.stack(part) for name, part in parts}


def _starting_at_once(mask: Mask) -> Mask:
    if not mask[0].all():
        late = np.flatnonzero(~mask[0]).tolist()
        raise ValueError(
            f"mask must be True at the first step of every sequence, but is False for {late} "
            "of the batch: put padding at the end"
        )
    return mask


def skipped_steps(mask: Mask | None) -> dict[int, Mask]:
    """For each step that not all sequences have: which of them, (B,), have it not."""
    if mask is None:
        return {}
    return {t: ~mask[t] for t in np.flatnonzero(~mask.all(axis=1)).tolist()}


def _across(skip: Mask, part: Array) -> Mask:
    """A mask of the sequences, (B,), for a part of the state, whatever its axes after B."""
    return skip.reshape(-1, *[1] * (part.ndim - 1))


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__} of shape {shape}"
    return type(value).__name__ + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
