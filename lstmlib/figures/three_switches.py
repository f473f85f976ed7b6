"""One memory cell and three switches at each step: write, keep and read, with tasks to solve."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared

INPUTS = (0.4, -0.8, 0.7, -0.3, 0.6)
TOLERANCE = 0.01
SWITCH = Between(0, 1)

TASKS: dict[str, tuple[float, ...]] = {
    # what the cell should hold when it is read; at the other steps it is to show 0
    "The second number, at the end": (0, 0, 0, 0, -0.8),
    "The sum of the first three, at the end": (0, 0, 0, 0, 0.3),
    "Every number as it comes": INPUTS,
    "Half of first + half of last, at the end": (0, 0, 0, 0, 0.5),
}


class _ThreeSwitchesCanvas(Canvas):
    _esm = module_source("three_switches")
    x: Any = traitlets.List(list(INPUTS)).tag(sync=True)
    tasks: Any = traitlets.List([[name, list(held)] for name, held in TASKS.items()]).tag(sync=True)
    tolerance = traitlets.Float(TOLERANCE).tag(sync=True)
    task = traitlets.Int().tag(sync=True)
    i: Any = traitlets.List().tag(sync=True)
    f: Any = traitlets.List().tag(sync=True)
    o: Any = traitlets.List().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)


def _task(task: int, name: str) -> int:
    if isinstance(task, bool) or not isinstance(task, int) or not 0 <= task < len(TASKS):
        raise ValueError(f"{name} must be a whole number from 0 to {len(TASKS) - 1}, got {task!r}")
    return task


def _switches(values: Sequence[float], name: str) -> list[float]:
    if len(values) != len(INPUTS):
        raise ValueError(f"{name} must hold {len(INPUTS)} numbers, one for each step, got {len(values)}")
    return [SWITCH.check(value, f"{name}[{t}]") for t, value in enumerate(values)]


class ThreeSwitches(Figure):
    """A cell that reads five numbers, with three switches for each step and tasks to solve.

    c_t = f_t c_{t−1} + i_t x_t;  h_t = o_t tanh(c_t);  c_0 = 0

    All of it starts with nothing written (i = 0), everything kept (f = 1) and nothing read (o = 0). A task
    is solved when every h_t is within 0.01 of what it asks for. Python may set `task`, its number from 0,
    and the switches `i`, `f` and `o`, arrays (5,) in [0, 1].

    Raises ValueError for a task that there is not.

    >>> figure = ThreeSwitches()
    >>> figure.h.tolist(), figure.wanted.round(2).tolist(), figure.solved
    ([0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, -0.66], False)
    """

    def __init__(self, task: int = 0) -> None:
        initial = {name: [value] * len(INPUTS) for name, value in {"i": 0.0, "f": 1.0, "o": 0.0}.items()}
        super().__init__(_ThreeSwitchesCanvas(initial=initial, **initial), task=task)

    task = shared("task", _task)
    i, f, o = (shared(name, _switches, np.array) for name in "ifo")

    @property
    def c(self) -> np.ndarray:
        """What the cell holds after each step, (5,)."""
        c, states = 0.0, []
        for i, f, x in zip(self.i, self.f, INPUTS, strict=True):
            c = f * c + i * x
            states.append(c)
        return np.array(states)

    @property
    def h(self) -> np.ndarray:
        """What the cell shows after each step, (5,)."""
        return self.o * np.tanh(self.c)

    @property
    def wanted(self) -> np.ndarray:
        """What the cell should show after each step, (5,)."""
        return np.tanh(list(TASKS.values())[self.task])

    @property
    def solved(self) -> bool:
        """Whether every step shows what it should."""
        return bool((np.abs(self.h - self.wanted) <= TOLERANCE).all())
