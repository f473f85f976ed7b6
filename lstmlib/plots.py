"""Static figures that more than one page draws, and the look they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From the palette of Okabe and Ito (2008), which survives colour blindness.
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#007a5a", "#6b6b6b"

COLOUR_OF = {
    "f": "#720000",
    "i": "#1b5848",
    "g": "#5b0773",
    "o": "#7c6e19",
    "c": "#0038f3",
    "h": "#027f8e",
}
"""A colour for each part of the cell, by its letter: the same as in live figures, formulas and drawings."""

STYLE: dict[str, Any] = {
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}
"""How every figure looks, by `plt.rcParams |= STYLE`."""


def plot_runs(ax: Axes, x: Sequence[float], runs, style: str = "o-", **look: Any) -> None:
    """Plot what several runs gave at each `x`: a pale mark for every run, and a line through their means.

    The mean alone would hide runs that part: half of them right and half of them wrong. `runs` (N, R) has a
    row for each of the N entries of `x`, or ValueError. `style` is marker and line as matplotlib writes
    them, such as ``"s--"``; `look` is passed on to `Axes.plot`.
    """
    runs = np.asarray(runs, dtype=float)
    if runs.ndim != 2 or len(runs) != len(x):
        raise ValueError(
            f"runs has shape {runs.shape}, expected ({len(x)}, R): a row of runs for each of the {len(x)} "
            "entries of x"
        )
    [line] = ax.plot(x, runs.mean(axis=1), style, **look)
    ax.plot(x, runs, marker=line.get_marker(), linestyle="", color=line.get_color(), alpha=0.4)
    ax.set_xticks(x)


def plot_attention(ax: Axes, weights, columns: Sequence[object], rows: Sequence[object]) -> None:
    """Draw attention weights (T, S) as a map: a row for each word said, a column for each word read.

    Each weight from 0.05 is also written, in percent, so that the map does not speak by colour
    alone. `columns` are S labels, the source, and `rows` T, the target; ValueError where they do not
    fit the weights.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(rows), len(columns)):
        raise ValueError(
            f"weights has shape {weights.shape}, expected (T, S) = ({len(rows)}, {len(columns)}): a row for "
            "each label in rows, a column for each in columns"
        )
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (t, s), weight in np.ndenumerate(weights):
        if weight >= 0.05:
            ink = "white" if weight > 0.7 else "black"
            ax.text(s, t, f"{100 * weight:.0f}", ha="center", va="center", color=ink)
    ax.set_xticks(range(len(columns)), [str(label) for label in columns], rotation=60, ha="right")
    ax.set_yticks(range(len(rows)), [str(label) for label in rows])


def plot_gates(ax: Axes, gates: Mapping[str, Any]) -> None:
    """Draw gates over time, a row for each: dark is open (1), white is shut (0).

    `gates` has under each label one unit's gate at each step, (T,), between 0 and 1. A label that ends in a
    comma and a part's letter, such as "write, i", has the row in the part's colour, any other in black.
    Steps count from 1. Raises ValueError if there is no gate, or the gates are not sequences of one length.
    """
    lengths = {np.shape(gate) for gate in gates.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise ValueError(
            f"gates have shapes {sorted(lengths)}, expected the same shape (T,) for each: "
            "one unit's gate over time"
        )
    values = np.stack([np.asarray(gate, dtype=float) for gate in gates.values()])
    colours = [COLOUR_OF.get(label.rpartition(", ")[2], "#000000") for label in gates]
    inks = np.array([list(bytes.fromhex(colour[1:])) for colour in colours]) / 255
    extent = (0.5, values.shape[1] + 0.5, len(gates) - 0.5, -0.5)
    ax.imshow(1 - values[:, :, None] * (1 - inks[:, None]), aspect="auto", extent=extent)
    ax.set_yticks(range(len(gates)), list(gates))
