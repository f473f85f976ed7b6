"""What every recurrent layer promises: one interface, and one loop over time that walks any cell.

A cell is a pair of pure functions, one time step and the same step backward. A layer names the
pair, and this module supplies the rest: it checks what comes in, walks the cell along a sequence,
carries the state over where a mask is False, and keeps what the backward pass needs.
"""

import copy
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

    A new layer is a cell, which is two functions, and a class that names them. Written for a state
    of two parts, h and c, the functions are

    - `step(x, h_prev, c_prev, params) -> h, c, cache`,
    - `step_backward(dh, dc, cache, params) -> dx, dh_prev, dc_prev, grads`.

    The hidden state h comes first. The cache is a dict of whatever the way back needs, and holds
    each gate under its name; `grads` has the keys of `params`. What a class names is what runs in
    every method. Arrays are time-major, `(T, B, D)`: time, batch, features.

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

    Examples
    --------
    A memory that fades by itself, h = a ⊙ h_prev + W x, and learns how fast.

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

    Is the gradient right?

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
    """Keyword arguments that `step` takes besides."""

    fast_walk: ClassVar[type["Walk"] | None] = None
    """A faster loop over time for the cell that the same class names; never used for another cell."""

    trace_type: ClassVar[type[Any]]
    """Named tuple of what `trace` holds: the gates, then the state, `h` last."""

    _fast_cell: ClassVar[tuple[Callable[..., Any], Callable[..., Any]] | None] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        h, *others = cls.state_type._fields
        cls.trace_type = namedtuple(f"{cls.__name__}Trace", [*cls.gates, *others, h])  # type: ignore[misc]
        if vars(cls).get("fast_walk"):
            cls._fast_cell = cls.cell

    def __init__(
        self, input_size: int, hidden_size: int, *, rng: Generator | None = None, dtype: Any = np.float64
    ) -> None:
        self.input_size = check_size(input_size, "input_size")
        self.hidden_size = check_size(hidden_size, "hidden_size")
        self.dtype = check_dtype(dtype)
        drawn = self.first_weights(check_rng(rng))
        self.params: Params = {name: np.asarray(value, self.dtype) for name, value in drawn.items()}
        self.grads: Params = {}
        self._walk: Walk | None = None
        self._may_return = False
        self._read: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size})"

    def __copy__(self) -> "RecurrentLayer":
        # A shallow copy shares the weights, but not the memory that the next call writes over.
        twin = object.__new__(type(self))
        vars(twin).update(vars(self) | {"_walk": copy.deepcopy(self._walk)})
        return twin

    @abstractmethod
    def first_weights(self, rng: Generator) -> Params:
        """Draw the weights that the layer begins with.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        dict of arrays
        """

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
            Where it is False the step is skipped and the state carried over unchanged. Every
            sequence starts with a step that is True.

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
        kept = None if mask is None else _starting_at_once(check_mask(mask, T=T, B=B))
        # Where Ctrl-C cuts in, there is nothing to go back along.
        walk, self._walk = self._walk, None
        if type(walk) is not self._kind_of_walk():
            walk = self._kind_of_walk()()
        h, last = walk.forward(self, checked, start, kept)
        self._walk, self._may_return, self._read = walk, True, as_read(self.params)
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
            Without a `forward` since the last `backward`, or if `params` have changed since.
        ValueError
            For a gradient of the wrong shape, dtype, or with a value that is not finite.
        """
        if self._walk is None or not self._may_return:
            raise RuntimeError(
                f"{type(self).__name__}.backward needs a forward pass of its own: call forward first, "
                "and again before each further backward"
            )
        check_unchanged(self.params, self._read, type(self).__name__)
        T, B = self._walk.shape
        dh = self.check_array(dh, "dh", ("T", "B", "H"), T=T, B=B)
        dlast = self.check_state(dstate, "dstate", B)
        # A walk may write over what it reads, so it goes back once.
        self._may_return = False
        dx, dstart, self.grads = self._walk.backward(self, dh, dlast)
        return dx, self.state_type(*dstart)

    @property
    def trace(self) -> Any:
        """Every gate and state of the last `forward`, each (T, B, H), as a named tuple.

        Raises
        ------
        RuntimeError
            Before the first `forward`.
        """
        if self._walk is None:
            raise RuntimeError(f"{type(self).__name__}.trace is filled by forward: call forward first")
        return self.trace_type(**self._walk.trace(self))

    def check_array(self, value: ArrayLike, name: str, axes: tuple[str, ...], **sizes: int) -> Array:
        """`value` as an array of the layer's dtype, or a ValueError that says what to change."""
        return check_array(
            value, name, axes, {"D": self.input_size, "H": self.hidden_size, **sizes}, self.dtype
        )

    def check_state(self, state: Any, name: str, B: int) -> State:
        """`state` as a tuple of arrays, zeros for None, or a ValueError that says what to change."""
        fields = self.state_type._fields
        axes = [tuple(self.state_axes.get(part, "BH")) for part in fields]
        if state is None:
            sizes = {"B": B, "H": self.hidden_size}
            return tuple(np.zeros([sizes[axis] for axis in part], self.dtype) for part in axes)
        if not isinstance(state, tuple | list) or len(state) != len(fields):
            kind = {1: "a tuple ({},) with an array (B, H)", 2: "a pair ({}) of arrays (B, H)"}.get(
                len(fields), f"{len(fields)} arrays ({{}})"
            )
            raise ValueError(f"{name} must be {kind.format(', '.join(fields))}, got {_describe(state)}")
        return tuple(
            self.check_array(part, f"{name}.{field}", part_axes, B=B)
            for part, field, part_axes in zip(state, fields, axes, strict=True)
        )

    def _kind_of_walk(self) -> type["Walk"]:
        return self.fast_walk if self.fast_walk and self.cell == self._fast_cell else Walk


class ForgetGateLayer(RecurrentLayer):
    """A layer with a forget gate, whose bias starts at `forget_bias`.

    Parameters
    ----------
    input_size, hidden_size, rng, dtype
        As every layer.
    forget_bias : float
        Start of the forget gate's bias. At 1 the gate starts at σ(1) ≈ 0.73: more is kept than lost.

    Raises
    ------
    ValueError
        As every layer, and for a `forget_bias` that is no finite number.
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
    """The layer's step, or a TypeError that says what it should have returned."""
    step, _ = layer.cell
    *new, cache = step(x, *state, layer.params, **layer.options)
    if len(new) != len(state):
        wanted = ", ".join([*layer.state_type._fields, "cache"])
        raise TypeError(f"the step of {layer!r} must return {wanted}; got {len(new) + 1} things")
    return tuple(new), cache


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
        self.mask = mask
        for t in range(len(x)):
            new, cache = one_step(layer, x[t], state)
            if mask is not None:
                new = tuple(_where(mask[t], n, old) for n, old in zip(new, state, strict=True))
            state = new
            self.caches.append(cache)
            self.states.append(state)
        return np.stack([state[0] for state in self.states]), tuple(part.copy() for part in state)

    def backward(self, layer: RecurrentLayer, dh: Array, dstate: State) -> tuple[Array, State, Params]:
        """dx, the gradient of the first state, and the gradients of the parameters."""
        _, step_backward = layer.cell
        dx = np.empty((*self.shape, layer.input_size), layer.dtype)
        grads = {name: np.zeros_like(value) for name, value in layer.params.items()}
        for t in reversed(range(len(dh))):
            dstate = (dstate[0] + dh[t], *dstate[1:])
            carried = None
            if self.mask is not None:
                # A skipped step is the identity: its gradient goes past the cell untouched.
                carried = tuple(_where(self.mask[t], np.zeros_like(d), d) for d in dstate)
                dstate = tuple(_where(self.mask[t], d, np.zeros_like(d)) for d in dstate)
            dx[t], *back, step_grads = step_backward(*dstate, self.caches[t], layer.params)
            if carried is not None:
                back = [d + c for d, c in zip(back, carried, strict=True)]
            dstate = tuple(back)
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


def _where(keep: Array, yes: Array, no: Array) -> Array:
    """`yes` for the sequences (B,) that keep says, and `no` for the others, whatever the axes after B."""
    return np.where(keep.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}" + (f" of shape {shape}" if shape is not None else "")
