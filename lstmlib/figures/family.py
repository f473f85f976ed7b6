"""A switch for each part of the LSTM: the cell, its equations, its size, and one stream that it reads."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import traitlets

from lstmlib.activations import Array, sigmoid
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared
from lstmlib.gates import exponential_gates

SWITCHES = {
    "input": "input gate",
    "forget": "forget gate",
    "output": "output gate",
    "peepholes": "peepholes",
    "coupled": "input and forget coupled",
    "tanh": "output tanh",
    "exponential": "exponential input gate",
    "matrix": "matrix memory",
}
"""Every part that can be on or off, in the order of the buttons."""

CONFLICTS = (
    ("coupled", "exponential", "A coupled input gate is 1 − f, and an exponential is not."),
    (
        "peepholes",
        "exponential",
        "With an exponential gate the cell state is known up to a factor only, so no gate may look at it.",
    ),
    ("peepholes", "matrix", "A peephole is one weight for each unit, and the matrix has H numbers for each."),
)
"""Parts that exclude each other, and why."""

NEEDS = (
    # a part, what it needs, whether one of these is enough, and why
    ("coupled", ("input", "forget"), False, "To be coupled, both gates must be there."),
    ("exponential", ("input",), False, "An exponential input gate is an input gate."),
    (
        "peepholes",
        ("forget", "input", "output"),
        True,
        "It is a gate that looks through a peephole.",
    ),
)

_GREFF = "Greff et al. 2017"
PUBLISHED = (
    (("input", "forget", "output", "tanh"), "the LSTM of 2000", "Gers et al., with a forget gate"),
    (("input", "output", "tanh"), "the LSTM of 1997", "Hochreiter and Schmidhuber"),
    (("input", "forget", "output", "peepholes", "tanh"), "the peephole LSTM", "Gers et al. 2002"),
    (
        ("input", "forget", "output", "coupled", "tanh"),
        "the coupled LSTM",
        f"CIFG of {_GREFF}, who have peepholes besides",
    ),
    (("input", "forget", "output", "peepholes", "coupled", "tanh"), "CIFG", _GREFF),
    (("forget", "output", "peepholes", "tanh"), "NIG, no input gate", _GREFF),
    (("input", "output", "peepholes", "tanh"), "NFG, no forget gate", _GREFF),
    (("input", "forget", "peepholes", "tanh"), "NOG, no output gate", _GREFF),
    (("input", "forget", "output", "peepholes"), "NOAF, no output activation", _GREFF),
    (("forget", "output", "tanh"), "LSTM-i, no input gate", "Jozefowicz et al. 2015"),
    (("input", "forget", "tanh"), "LSTM-o, no output gate", "Jozefowicz et al. 2015"),
    (
        ("input", "forget", "output"),
        "the LSTM without output activation",
        f"NOAF of {_GREFF}, who have peepholes besides",
    ),
    (("input", "forget", "coupled"), "the cell with one gate, JANET", "van der Westhuizen and Lasenby 2018"),
    (
        ("matrix",),
        "linear attention without its division",
        "Katharopoulos et al. 2020, who make keys and queries positive besides",
    ),
    (("input", "forget", "output", "exponential"), "the sLSTM", "Beck et al. 2024"),
    (("input", "forget", "output", "exponential", "matrix"), "the mLSTM", "Beck et al. 2024"),
)
"""The parts of every cell that the figure can name, the name, and who published it."""

BEGIN = PUBLISHED[0][0]
SIZE = Between(1, 64)
OPEN = 8.0
"""Pre-activation of a gate that is open; a closed one has −8."""
STREAM = (
    # a number, its letter, and whether it is to be taken, starts a new sum, and is an occasion to show it
    (0.5, "A", True, False, False),
    (0.4, "B", True, False, False),
    (-0.8, "A", False, False, False),
    (0.3, "A", True, False, True),
    (0.7, "B", False, False, True),
    (-0.6, "A", True, True, False),
    (0.9, "B", False, False, False),
    (-0.5, "B", True, False, False),
    (0.4, "A", False, False, True),
    (0.2, "A", True, False, True),
)
PEEPHOLES = {"input": 0.0, "forget": -10.0, "output": 0.0}


class Reading(NamedTuple):
    """What a cell makes of the stream, each (10,); (10, 2) for a matrix, a column for each letter."""

    c: Array
    n: Array
    h: Array


class _FamilyCanvas(Canvas):
    _esm = module_source("family")
    # Lists, because a saved page sorts the keys of a dict
    switches: Any = traitlets.List([list(pair) for pair in SWITCHES.items()]).tag(sync=True)
    conflicts: Any = traitlets.List([list(rule) for rule in CONFLICTS]).tag(sync=True)
    needs: Any = traitlets.List([[a, list(b), one, why] for a, b, one, why in NEEDS]).tag(sync=True)
    published: Any = traitlets.List([[list(parts), *names] for parts, *names in PUBLISHED]).tag(sync=True)
    stream: Any = traitlets.List().tag(sync=True)
    peepholes = traitlets.Dict(PEEPHOLES).tag(sync=True)
    parts: Any = traitlets.List().tag(sync=True)
    inputs, units = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)


def check_parts(parts: Iterable[str], name: str = "parts") -> list[str]:
    """`parts` in the order of `SWITCHES`, or a ValueError that says why there is no such cell."""
    if isinstance(parts, str):
        raise ValueError(f"{name} must be several of {list(SWITCHES)}, or none, got {parts!r}")
    found = list(parts)
    strange = [part for part in found if part not in SWITCHES]
    if strange:
        raise ValueError(f"{name} must be some of {list(SWITCHES)}, got {strange[0]!r}")
    for one, other, why in CONFLICTS:
        if one in found and other in found:
            raise ValueError(f"{name} has {one!r} and {other!r}. {why}")
    for part, needed, enough, why in NEEDS:
        missing = [one for one in needed if one not in found]
        if part in found and missing and not (enough and len(missing) < len(needed)):
            raise ValueError(f"{name} has {part!r} without {' or '.join(map(repr, missing))}. {why}")
    return [part for part in SWITCHES if part in found]


def _whole(value: float, name: str) -> int:
    if SIZE.check(value, name) != int(value):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    return int(value)


class Family(Figure):
    """The family of the LSTM: a switch for each part, and what becomes of the cell.

    The browser draws the cell that the switches make, writes its equations, counts the parameters of a layer
    with `inputs` and `units`, says which published cell it is, and reads a stream of ten numbers with gates
    that are set by hand: an open gate has the pre-activation 8, a closed one −8, the candidate is the number
    itself, and no gate sees h. The input gate opens where a number is to be taken, the forget gate closes
    where a new sum starts, the output gate opens where the sum is to be shown. Peepholes have the weights
    `PEEPHOLES`. A matrix memory stores a number under its letter, and reads with the letter of the step.

    Where the input gate is an exponential, the cell has a normaliser and a stabiliser, as the sLSTM; the
    gates of a matrix memory see x alone, as in the mLSTM.

    `parts` are some of `SWITCHES`, `inputs` and `units` whole numbers from 1 to 64; Python may set them as
    the reader does. Raises ValueError for another part or size, and says why for parts that make no cell.

    Examples
    --------
    >>> figure = Family(["input", "output", "tanh"])
    >>> figure.name, figure.parameters
    ('the LSTM of 1997', 1200)
    >>> round(float(figure.reading.c[5]), 1)  # the sum of what was taken goes on: nothing is forgotten
    0.6
    """

    def __init__(self, parts: Iterable[str] = BEGIN, inputs: int = 8, units: int = 16) -> None:
        rows = [
            [x, "AB".index(key), *(OPEN if yes else -OPEN for yes in (take, not new, show))]
            for x, key, take, new, show in STREAM
        ]
        super().__init__(_FamilyCanvas(stream=rows), parts=parts, inputs=inputs, units=units)
        self._add_slider("inputs", "D inputs", SIZE, 1).readout_format = ".0f"
        self._add_slider("units", "H units", SIZE, 1).readout_format = ".0f"

    parts = shared("parts", check_parts, tuple)
    inputs, units = (shared(name, _whole, int) for name in ("inputs", "units"))

    @property
    def name(self) -> str | None:
        """The published cell that has these parts, or None."""
        return next((name for parts, name, _ in PUBLISHED if set(parts) == set(self.parts)), None)

    @property
    def _own_gates(self) -> list[str]:
        """Gates with weights of their own."""
        gates = [gate for gate in ("input", "forget", "output") if gate in self.parts]
        return gates[1:] if "coupled" in self.parts else gates

    @property
    def parameters(self) -> int:
        """How many weights and biases a layer has."""
        D, H, own = self.inputs, self.units, self._own_gates
        if "matrix" in self.parts:
            rows = H * (3 + ("output" in own)) + len([gate for gate in own if gate != "output"])
            return rows * (D + 1)
        return H * ((1 + len(own)) * (D + H + 1) + len(own) * ("peepholes" in self.parts))

    @property
    def carried(self) -> int:
        """How many numbers go from step to step, h among them, as in `MLSTMState`."""
        H, exponential = self.units, "exponential" in self.parts
        if "matrix" in self.parts:
            return H**2 + H + exponential * (H + 1)
        own_h = exponential or "output" in self.parts or "tanh" in self.parts
        return H * (1 + own_h + 2 * exponential)

    @property
    def reading(self) -> Reading:
        """What the cell holds and shows after each number of the stream; c and n as `SLSTM` keeps them."""
        return read_stream(self.parts, self._canvas.stream, self._canvas.peepholes)


def read_stream(
    parts: Iterable[str], stream: Iterable[Iterable[float]], peepholes: dict[str, float]
) -> Reading:
    """One unit, or a matrix memory with two keys, along rows (x, key, a_i, a_f, a_o)."""
    has, found = set(parts), []
    matrix = "matrix" in has
    weights = {gate: peepholes[gate] * ("peepholes" in has) for gate in peepholes}
    C: Array = np.zeros(1 + matrix)
    N: Array = np.zeros(1 + matrix)
    m: Array = np.zeros(1)
    for x, key, a_i, a_f, a_o in stream:
        k = np.eye(2)[int(key)] if matrix else np.ones(1)
        see = C[0]
        f = sigmoid(np.array(a_f + weights["forget"] * see)) if "forget" in has else 1.0
        i = sigmoid(np.array(a_i + weights["input"] * see)) if "input" in has else 1.0
        if "coupled" in has:
            i = 1 - f
        if "exponential" in has:
            a_kept = a_f if "forget" in has else np.inf
            [i], [f], m, _ = exponential_gates(np.array([a_i]), np.array([a_kept]), m)
        C, N = f * C + i * x * k, f * N + i * k
        read = C @ k
        if "exponential" in has:
            read = read / (np.maximum(abs(N @ k), np.exp(-m[0])) if matrix else N[0])
        if "tanh" in has:
            read = np.tanh(read)
        o = sigmoid(np.array(a_o + weights["output"] * C[0])) if "output" in has else 1.0
        found.append((C, N, o * read))
    c, n, h = (np.array(values) for values in zip(*found, strict=True))
    return Reading(c if matrix else c[:, 0], n if matrix else n[:, 0], h)
