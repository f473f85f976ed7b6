"""Writing with a pen, for `applications/handwriting`: an alphabet, writers, and what a pen tells of a word.

The alphabet is this course's own: 26 printed lower-case letters, each a few strokes through *via points*.
Height 0 is the line that a word stands on, and 1 the top of an x. A word is *ink*, points (dx, dy, up):
the way from the point before, and 1 where the pen came there through the air. It is a model of a hand,
and not a hand: no letters are joined, nothing is crossed out, and all writers learned from one book.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_number, check_rng

LETTERS = "abcdefghijklmnopqrstuvwxyz"

Form = tuple[tuple[tuple[float, float], ...], ...]
"""A way to write a letter: strokes, each a row of via points. A point that is there twice is a corner."""

# What several letters begin with
_BOWL = ((0.7, 0.8), (0.35, 1), (0, 0.5), (0.3, 0), (0.62, 0.4), (0.7, 1), (0.7, 1))
_ROUND = ((0.68, 0.9), (0.35, 1), (0, 0.5), (0.35, 0), (0.68, 0.35))
_CUP = ((0, 1), (0.02, 0.4), (0.29, 0.02), (0.58, 0.4), (0.62, 1), (0.62, 1))
_HUMP = ((0, 1), (0, 0), (0, 0), (0.08, 0.7), (0.3, 1), (0.45, 0.6), (0.45, 0), (0.45, 0))
_BELLY = ((0.02, 0.75), (0.38, 1), (0.7, 0.5), (0.38, 0), (0.02, 0.17))
_TAIL = ((0.7, -0.3), (0.35, -0.8), (0, -0.6))

ALPHABET: dict[str, tuple[Form, ...]] = {
    "a": (((*_BOWL, (0.7, 0.2), (0.85, 0)),), (_ROUND, ((0.7, 1), (0.7, 0)))),
    "b": (((((0, 1.8), (0, 0), (0, 0), *_BELLY)),), (((0, 1.8), (0, 0)), _BELLY)),
    "c": ((((0.65, 0.85), (0.35, 1), (0, 0.5), (0.35, 0), (0.7, 0.2)),),),
    "d": (((*_BOWL[:-2], (0.7, 1.8), (0.7, 1.8), (0.7, 0)),), (_ROUND, ((0.7, 1.8), (0.7, 0)))),
    "e": ((((0.02, 0.48), (0.4, 0.5), (0.68, 0.68), (0.37, 1), (0, 0.5), (0.35, 0), (0.72, 0.2)),),),
    "f": ((((0.6, 1.6), (0.42, 1.8), (0.2, 1.4), (0.2, 0)), ((-0.05, 1), (0.5, 1))),),
    "g": (((*_BOWL, *_TAIL),), (_ROUND, ((0.7, 1), *_TAIL))),
    "h": ((((0, 1.8), (0, 0), (0, 0), (0.1, 0.7), (0.4, 1), (0.62, 0.6), (0.62, 0)),),),
    "i": ((((0, 1), (0, 0)), ((0, 1.45), (0.05, 1.38))),),
    "j": ((((0.3, 1), (0.3, -0.3), (0.1, -0.8), (-0.2, -0.6)), ((0.3, 1.45), (0.35, 1.38))),),
    "k": (
        (((0, 1.8), (0, 0)), ((0.6, 1), (0.02, 0.45), (0.02, 0.45), (0.65, 0))),
        (((0, 1.8), (0, 0)), ((0.6, 1), (0.02, 0.45)), ((0.12, 0.52), (0.65, 0))),
    ),
    "l": ((((0, 1.8), (0, 0)),), (((0, 1.8), (0, 0.3), (0.15, 0.02), (0.35, 0.08)),)),
    "m": (((*_HUMP, (0.53, 0.7), (0.75, 1), (0.9, 0.6), (0.9, 0)),),),
    "n": ((((0, 1), (0, 0), (0, 0), (0.1, 0.7), (0.38, 1), (0.6, 0.6), (0.6, 0)),),),
    "o": (
        (((0.4, 1), (0, 0.5), (0.38, 0), (0.76, 0.5), (0.4, 1)),),
        (((0.4, 1), (0.76, 0.5), (0.38, 0), (0, 0.5), (0.4, 1)),),
    ),
    "p": ((((0, 1), (0, -0.8), (0, -0.8), *_BELLY),), (((0, 1), (0, -0.8)), _BELLY)),
    "q": (
        ((*_BOWL, (0.7, -0.7), (0.95, -0.5)),),
        (_ROUND, ((0.7, 1), (0.7, -0.7), (0.95, -0.5))),
    ),
    "r": ((((0, 1), (0, 0), (0, 0), (0.08, 0.65), (0.3, 0.98), (0.52, 0.9)),),),
    "s": ((((0.6, 0.85), (0.33, 1), (0.08, 0.77), (0.33, 0.52), (0.6, 0.25), (0.3, 0), (0.02, 0.15)),),),
    "t": (
        (((0.25, 1.5), (0.25, 0.25), (0.42, 0), (0.6, 0.1)), ((0, 1), (0.55, 1))),
        (((0.25, 1.5), (0.25, 0)), ((0, 1), (0.55, 1))),
    ),
    "u": (((*_CUP, (0.62, 0)),), (_CUP[:-1],)),
    "v": ((((0, 1), (0.3, 0), (0.3, 0), (0.6, 1)),),),
    "w": ((((0, 1), (0.22, 0), (0.22, 0), (0.43, 0.8), (0.43, 0.8), (0.64, 0), (0.64, 0), (0.86, 1)),),),
    "x": ((((0, 1), (0.6, 0)), ((0.6, 1), (0, 0))), (((0.6, 1), (0, 0)), ((0, 1), (0.6, 0)))),
    "y": (((*_CUP, (0.6, -0.3), (0.3, -0.8), (0, -0.6)),), (((0, 1), (0.32, 0.1)), ((0.64, 1), (0.1, -0.8)))),
    "z": ((((0, 1), (0.6, 1), (0.6, 1), (0, 0), (0, 0), (0.62, 0)),),),
}
"""For each letter its forms, of which a writer has one."""

DENSE = 8
"""Points of a curve between two via points."""
STRAIGHT = 0.5
"""What keeps the speed finite where a path is straight, 1 over the height of an x."""
RATE = 60.0
"""Points in a second, as a tablet or a mouse may give."""
STEP, SPREAD, FURTHEST = 1 / 3, 0.45, 2.0
"""How `for_reading` makes ink alike: distance of points, spread of heights, and how far a jump counts."""


class Ink(NamedTuple):
    """What a pen wrote.

    Attributes
    ----------
    points : array (T, 3)
        dx, dy and up: the way from the point before, and 1 where the pen came through the air, else 0.
        The first point is (0, 0, 1). y grows upwards.
    letters : array of int (T,)
        For each point the position of its letter in the word.
    """

    points: Array
    letters: NDArray[np.int_]

    @property
    def strokes(self) -> list[Array]:
        """The places (x, y) of each stroke, from where the first one begins."""
        places = self.points[:, :2].cumsum(axis=0)
        return np.split(places, np.flatnonzero(self.points[1:, 2]) + 1)


class Stroke(NamedTuple):
    """A stroke of a letter: its via points (V, 2), and the curve (N, V) that makes a path of them, `curve
    @ via`."""

    via: Array
    curve: Array


class Writer(NamedTuple):
    """A hand: what is the same in all that it writes.

    Attributes
    ----------
    letters : dict
        For each letter its strokes: one form of `ALPHABET`, bent to this hand.
    slant : float
        How far to the right a stem leans for a height of 1.
    slope : float
        How far the line climbs for a way of 1.
    size, width : float
        Height of an x, and breadth of a letter beside that of the alphabet's.
    gap : float
        Room between letters, in heights of an x.
    unsteadiness : float
        Standard deviation of each via point, from one time of writing to the next, in heights of an x.
    tempo : float
        Heights of an x in a second, where the path bends with a radius of 2: see `times`.
    """

    letters: dict[str, tuple[Stroke, ...]]
    slant: float
    slope: float
    size: float
    width: float
    gap: float
    unsteadiness: float
    tempo: float


def new_writer(rng: Generator | None = None, habit: float = 0.06) -> Writer:
    """A writer with a hand of their own.

    `habit` is the standard deviation by which a writer's via points differ from the alphabet's. Raises
    ValueError for a `habit` below 0, or an `rng` that is no Generator.

    >>> writer = new_writer(np.random.default_rng(0))
    >>> "".join(writer.letters) == LETTERS, len(writer.letters["x"])
    (True, 2)
    """
    rng = check_rng(rng)
    if check_number(habit, "habit") < 0:
        raise ValueError(f"habit must be at least 0, got {habit!r}")
    letters = {}
    for letter, forms in ALPHABET.items():
        strokes = (Stroke(*curve_through(points)) for points in forms[rng.integers(len(forms))])
        letters[letter] = tuple(
            Stroke(via + rng.normal(0, habit, via.shape), curve) for via, curve in strokes
        )
    return Writer(
        letters,
        slant=rng.normal(0.1, 0.15),
        slope=rng.normal(0, 0.03),
        size=float(np.exp(rng.normal(0, 0.2))),
        width=float(np.exp(rng.normal(0, 0.12))),
        gap=rng.uniform(0.0, 0.5),
        unsteadiness=rng.uniform(0.02, 0.06),
        tempo=float(np.exp(rng.normal(1.9, 0.2))),
    )


def write(word: str, writer: Writer, rng: Generator | None = None) -> Ink:
    """A word in a writer's hand, as points at equal times.

    Raises ValueError for a word that is empty or has another character than a to z, or an `rng` that is no
    Generator.

    >>> rng = np.random.default_rng(0)
    >>> ink = write("on", new_writer(rng), rng)
    >>> ink.points.shape[1], len(ink.strokes), sorted(set(ink.letters.tolist()))
    (3, 2, [0, 1])
    """
    if not isinstance(word, str) or not word or not set(word) <= set(LETTERS):
        raise ValueError(f"word must be one or more letters from a to z, got {word!r}")
    rng = check_rng(rng)
    shear = np.array([[1, 0], [writer.slant, 1]]) @ np.array([[1, writer.slope], [-writer.slope, 1]])
    strokes, owners, left = [], [], 0.0
    for k, letter in enumerate(word):
        paths = [
            curve @ (via + rng.normal(0, writer.unsteadiness, via.shape))
            for via, curve in writer.letters[letter]
        ]
        first = min(path[:, 0].min() for path in paths)
        last = max(path[:, 0].max() for path in paths)
        for path in paths:
            placed = (path - [first, 0]) * [writer.width, 1] + [left, 0]
            seconds = times(placed, writer.tempo)
            count = max(1, round(seconds[-1] * RATE))
            strokes.append(_between(placed, seconds, count) @ shear * writer.size)
            owners.append(k)
        left += (last - first) * writer.width + writer.gap + rng.normal(0, 0.03)
    return ink_of(strokes, owners)


def times(path: ArrayLike, tempo: float = 1.0, straight: float = STRAIGHT) -> Array:
    """When a pen is at each point (N, 2) of a path, in seconds, by the two-thirds power law.

    v = tempo · (κ + straight)^(−1/3)

    with the curvature κ: a hand is slow where its path bends. `tempo` is in lengths a second. With
    `straight` 0 the angular speed v κ is tempo · κ^(2/3), which gave the law its name, and the speed on a
    straight path is infinite. Raises ValueError for a path of fewer than two points, or numbers that are
    not above 0 (`straight`: below 0).

    Lacquaniti, Terzuolo & Viviani 1983; the term `straight` as in Viviani & Schneider 1991.

    >>> times([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], tempo=2.0, straight=1.0)
    array([0. , 0.5, 1. ])
    """
    path = np.asarray(path, dtype=float)
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2:
        raise ValueError(f"path must have shape (N, 2) with N of at least 2, got {path.shape}")
    if check_number(tempo, "tempo") <= 0 or check_number(straight, "straight") < 0:
        raise ValueError(f"tempo must be above 0 and straight at least 0, got {tempo!r} and {straight!r}")
    way = np.diff(path, axis=0)
    length = np.hypot(*way.T)
    turn = np.abs(np.angle(np.exp(1j * np.diff(np.arctan2(way[:, 1], way[:, 0])))))
    curvature = 2 * turn / np.maximum(length[1:] + length[:-1], 1e-12)
    curvature = np.concatenate([curvature[:1], curvature, curvature[-1:]]) if len(turn) else np.zeros(2)
    with np.errstate(divide="ignore"):
        slowness = np.cbrt(curvature + straight) / tempo
    return np.concatenate([[0.0], (length * (slowness[1:] + slowness[:-1]) / 2).cumsum()])


def ink_of(strokes: Sequence[ArrayLike], letters: Sequence[int] | None = None) -> Ink:
    """Ink of strokes, each an array (N, 2) of places where the pen was, y upwards.

    `letters` has for each stroke the position of its letter, 0 if left out. Raises ValueError for no
    strokes, a stroke of another shape, or a number that is not finite.

    >>> ink_of([[[0.0, 0.0], [1.0, 2.0]], [[3.0, 3.0]]]).points
    array([[0., 0., 1.],
           [1., 2., 0.],
           [2., 1., 1.]])
    """
    if len(strokes) == 0:
        raise ValueError("strokes must hold at least one stroke, got none")
    owners = [0] * len(strokes) if letters is None else list(letters)
    if len(owners) != len(strokes):
        raise ValueError(f"letters must have a number for each of {len(strokes)} strokes, got {len(owners)}")
    arrays = [np.asarray(stroke, dtype=float) for stroke in strokes]
    for k, places in enumerate(arrays):
        if places.ndim != 2 or places.shape[1] != 2 or not len(places) or not np.isfinite(places).all():
            raise ValueError(f"strokes[{k}] must hold finite places (N, 2), at least one; got {places.shape}")
    points = np.zeros((sum(map(len, arrays)), 3))
    places = np.concatenate(arrays)
    points[1:, :2] = np.diff(places, axis=0)
    starts = np.cumsum([0, *map(len, arrays[:-1])])
    points[starts, 2] = 1
    return Ink(points, np.repeat(owners, list(map(len, arrays))))


def resample(ink: Ink, step: float) -> Ink:
    """The same strokes at points of equal distance: `step`, or as near to it as divides a stroke evenly.

    A stroke of the length L becomes its first point and n further ones, n being L / `step`, rounded, and
    at least 1. What was slow or quick, and how often a device reports, is gone. Raises ValueError for a
    `step` that is not above 0.

    >>> line = ink_of([[[0.0, 0.0], [0.1, 0.0], [1.0, 0.0]]])
    >>> resample(line, 0.25).points[:, 0]
    array([0.  , 0.25, 0.25, 0.25, 0.25])
    """
    if check_number(step, "step") <= 0:
        raise ValueError(f"step must be above 0, got {step!r}")
    starts = np.flatnonzero(ink.points[:, 2])
    strokes = []
    for stroke in ink.strokes:
        length = np.concatenate([[0.0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
        strokes.append(_between(stroke, length, max(1, int(length[-1] / step + 0.5))))
    return ink_of(strokes, ink.letters[starts].tolist())


def spread(ink: Ink) -> float:
    """Standard deviation of the height of all ink, each bit of path with the weight of its length.

    A word's size for a reader who sees no ruled lines. It is 0 where nothing is higher than anything else.

    >>> round(spread(ink_of([[[0.0, 0.0], [0.0, 1.0]]])) ** 2, 4)  # a stem: 1/12
    0.0833
    """
    heights = [(stroke[:-1, 1], np.diff(stroke[:, 1]), np.diff(stroke[:, 0])) for stroke in ink.strokes]
    low, rise, run = (np.concatenate(parts) for parts in zip(*heights, strict=True))
    length = np.hypot(rise, run)
    if not length.sum() > 0:
        return 0.0
    middle = low + rise / 2
    mean = np.average(middle, weights=length)
    return float(np.sqrt(np.average((middle - mean) ** 2 + rise**2 / 12, weights=length)))


def for_reading(ink: Ink, step: float = STEP, wanted: float = SPREAD, furthest: float = FURTHEST) -> Ink:
    """Ink as a network reads it: of one size, at points of equal distance, in units of `step`.

    The size is such that `spread` is `wanted`, which is about that of a word whose x has the height 1. A
    jump through the air counts at most `furthest` in each direction. Raises ValueError for ink without
    height, and as `resample`.

    >>> big = ink_of([[[0.0, 9.0], [0.0, 0.0]]])
    >>> for_reading(big).points.round(2)[:3]
    array([[ 0.  ,  0.  ,  1.  ],
           [ 0.  , -1.04,  0.  ],
           [ 0.  , -1.04,  0.  ]])
    """
    size = spread(ink)
    if not size > 0:
        raise ValueError("ink must have some height to be read: all of it lies on one level line")
    points = ink.points * [wanted / size, wanted / size, 1]
    even = resample(Ink(points, ink.letters), step)
    even.points[:, :2] = np.clip(even.points[:, :2], -furthest, furthest) / step
    return even


def curve_through(points: Sequence[tuple[float, float]]) -> tuple[Array, Array]:
    """Via points (V, 2) without their repetitions, and the matrix (N, V) of a smooth curve through them.

    Between two of them the curve is a Catmull–Rom spline; at a point that is there twice it has a corner.

    >>> via, curve = curve_through([(0.0, 0.0), (1.0, 1.0), (1.0, 1.0), (2.0, 0.0)])
    >>> len(via), (curve @ via)[[0, DENSE, -1]].tolist()
    (3, [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    """
    kept, curve = _pieces(tuple(points))
    return np.array(kept), curve


@cache
def _pieces(points: tuple[tuple[float, float], ...]) -> tuple[tuple[tuple[float, float], ...], Array]:
    repeated = [k for k in range(1, len(points)) if points[k] == points[k - 1]]
    kept = [point for k, point in enumerate(points) if k not in repeated]
    corners = [0, *(k - 1 - n for n, k in enumerate(repeated)), len(kept) - 1]
    rows = [np.eye(len(kept))[:1]]
    for first, last in pairwise(corners):
        piece = _catmull_rom(last - first + 1)
        rows.append(np.pad(piece, ((0, 0), (first, len(kept) - 1 - last))))
    return tuple(kept), np.concatenate(rows)


def _catmull_rom(count: int) -> Array:
    """What makes a curve of `count` points: for each of its places but the first a row of weights."""
    t = np.arange(1, DENSE + 1)[:, None] / DENSE
    basis = (
        np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
    )
    # Beyond both ends a point that continues the line
    padded = np.pad(np.eye(count), ((1, 1), (0, 0)))
    padded[0, :2] += [2, -1]
    padded[-1, -2:] += [-1, 2]
    return np.concatenate([basis @ padded[k : k + 4] for k in range(count - 1)])


def _between(path: Array, at: Array, count: int) -> Array:
    """`count` + 1 places along a path, evenly from the first `at` to the last."""
    moved = np.concatenate([[True], np.diff(at) > 0])
    wanted = at[-1] * np.arange(count + 1) / count
    return np.stack([np.interp(wanted, at[moved], axis[moved]) for axis in path.T], axis=1)
