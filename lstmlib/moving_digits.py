"""Films of a digit that moves over a small screen, and the sentences that describe them.

The films of `applications/video_to_text`, and of its live figure. A place is that of a scan's upper left
pixel, its row and its column: the scan has 8 by 8 pixels and the screen 16 by 16, so both run from 0 to 8.
A film has twelve frames, and from one to the next the digit moves by one pixel or rests.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_number, check_rng, check_size
from lstmlib.vocabulary import SIGNS, Numbers, Vocabulary

SCREEN, SCAN, FRAMES = 16, 8, 12
"""Pixels along a side of the screen and of a scan; frames of a film."""
ROOM = SCREEN - SCAN
"""The largest row and column of a place."""
SHORTEST, LEGS = 3, 3
"""The least number of pixels of a leg, a way in one direction, and the largest number of legs."""

DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
"""Rows and columns of one step."""
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

WORDS = Vocabulary((*SIGNS, *NAMES, *DIRECTIONS))
"""What a decoder says: the name of the digit, then one to three directions, then END."""

Path = NDArray[np.intp]
_STEPS = np.array(list(DIRECTIONS.values()))


class Films(NamedTuple):
    """`frames` (T, B, 16, 16) from 0 to 1; `paths` (T, B, 2); words (S, B) of `WORDS`, filled with PAD."""

    frames: Array
    paths: Path
    words: Numbers


def new_path(rng: Generator | None = None) -> tuple[tuple[str, ...], Path]:
    """Draw one to three directions, none twice in a row, and a path (T, 2) that goes them in turn.

    Each leg has 3 to 8 pixels; before, between and after the legs the digit rests, so that all has T = 12
    places. One, two and three legs are equally likely. A path that takes too long or would leave the screen
    is drawn again with as many legs; of the places where it may start, all are equally likely. Raises
    ValueError for an `rng` that is no Generator.

    >>> directions, path = new_path(np.random.default_rng(4))
    >>> directions, path.shape, directions_of(path) == directions
    (('right', 'down', 'left'), (12, 2), True)
    """
    rng = check_rng(rng)
    count = rng.integers(1, LEGS + 1)
    while True:
        legs, pixels = rng.integers(4, size=count), rng.integers(SHORTEST, ROOM + 1, size=count)
        rest = FRAMES - 1 - pixels.sum()
        if rest < 0 or (legs[1:] == legs[:-1]).any():
            continue
        rests = rng.multinomial(rest, np.full(len(legs) + 1, 1 / (len(legs) + 1)))
        # -1 is a rest: each leg with the rest before it, and the last rest
        moves = np.full(FRAMES - 1, -1)
        ends = np.cumsum(rests[:-1] + pixels)
        for leg, length, end in zip(legs, pixels, ends, strict=True):
            moves[end - length : end] = leg
        path = walk((0, 0), moves)
        low, high = path.min(axis=0), path.max(axis=0)
        if (high - low <= ROOM).all():
            start = rng.integers(-low, ROOM - high + 1)
            return tuple(np.array(list(DIRECTIONS))[legs].tolist()), path + start


def walk(start: Sequence[int], moves: ArrayLike) -> Path:
    """The places (N + 1, 2) that N moves lead to; a move is the number of a direction, or -1 for a rest.

    >>> walk((4, 4), [0, 0, -1, 2]).tolist()
    [[4, 4], [4, 3], [4, 2], [4, 2], [3, 2]]
    """
    moves = np.asarray(moves, np.intp)
    steps = np.where(moves[:, None] < 0, 0, _STEPS[moves])
    return np.concatenate([[np.asarray(start)], np.asarray(start) + np.cumsum(steps, axis=0)])


def directions_of(path: ArrayLike) -> tuple[str, ...]:
    """The directions in which a path (T, 2) goes, one for each leg; a rest ends no leg.

    Raises ValueError where it moves by anything other than one pixel along a row or a column.

    >>> directions_of([[4, 4], [4, 3], [4, 3], [4, 2], [3, 2]])
    ('left', 'up')
    """
    names = {step: name for name, step in DIRECTIONS.items()}
    legs: list[str] = []
    for row, column in np.diff(np.asarray(path), axis=0).tolist():
        if (row, column) == (0, 0):
            continue
        if (row, column) not in names:
            raise ValueError(
                f"path must move by one pixel along a row or a column, got a step of {(row, column)}"
            )
        if legs[-1:] != [names[row, column]]:
            legs.append(names[row, column])
    return tuple(legs)


def film(scans: ArrayLike, paths: ArrayLike) -> Array:
    """Frames (T, B, 16, 16), float32, of B scans (B, 8, 8) that move along paths (T, B, 2).

    Raises ValueError for other shapes, and for a place off the screen.
    """
    scans, paths = np.asarray(scans, np.float32), np.asarray(paths)
    if scans.ndim != 3 or scans.shape[1:] != (SCAN, SCAN):
        raise ValueError(f"scans must have shape (B, {SCAN}, {SCAN}), got {scans.shape}")
    if paths.ndim != 3 or paths.shape[1:] != (len(scans), 2):
        raise ValueError(f"paths must have shape (T, B={len(scans)}, 2), got {paths.shape}")
    if ((paths < 0) | (paths > ROOM)).any():
        t, b, axis = np.argwhere((paths < 0) | (paths > ROOM))[0]
        raise ValueError(f"paths must lie between 0 and {ROOM}, got {paths[t, b, axis]} at frame {t}")
    frames = np.zeros((*paths.shape[:2], SCREEN, SCREEN), np.float32)
    t, b, row, column = np.ogrid[: len(paths), : len(scans), :SCAN, :SCAN]
    top, left = (paths[..., axis, None, None] for axis in (0, 1))
    frames[t, b, top + row, left + column] = scans
    return frames


def moving_digits(scans: ArrayLike, digits: Sequence[int], B: int, *, rng: Generator | None = None) -> Films:
    """B films: each a scan from the pool `scans` (N, 8, 8), whose names are `digits` (N,), on a new path.

    Raises ValueError for a B below 1, shapes that do not fit, or an `rng` that is no Generator. After the
    moving digits of Srivastava, Mansimov & Salakhutdinov 2015, who let two of them bounce.

    >>> films = moving_digits(np.ones((1, 8, 8)), [8], 2, rng=np.random.default_rng(4))
    >>> films.frames.shape, [sentence(words) for words in films.words.T]
    ((12, 2, 16, 16), ['an eight moves right, then down, then left', 'an eight moves up'])
    """
    B, rng = check_size(B, "B"), check_rng(rng)
    scans = np.asarray(scans, np.float32)
    if len(scans) != len(digits) or not len(scans):
        raise ValueError(
            f"scans and digits must be equally many and not none, got {len(scans)}, {len(digits)}"
        )
    picked, ways = rng.integers(len(scans), size=B), [new_path(rng) for _ in range(B)]
    words = np.zeros((LEGS + 2, B), np.intp)
    for b, (directions, _) in enumerate(ways):
        said = WORDS.encode((NAMES[digits[picked[b]]], *directions, SIGNS[2]))
        words[: len(said), b] = said
    paths = np.stack([path for _, path in ways], axis=1)
    return Films(film(scans[picked], paths), paths, words)


def sentence(words: Sequence[int]) -> str | None:
    """What numbers of `WORDS` say up to END, or None where they are no sentence: a digit, then directions.

    >>> sentence(WORDS.encode(("three", "left", "up", "<end>", "<pad>")))
    'a three moves left, then up'
    """
    said = WORDS.decode(words)
    if SIGNS[2] not in said:
        return None
    name, *directions = said[: said.index(SIGNS[2])] or [None]
    if name not in NAMES or not directions or not set(directions) <= set(DIRECTIONS):
        return None
    return f"{'an' if name == 'eight' else 'a'} {name} moves {', then '.join(map(str, directions))}"


def with_specks(frames: Array, share: float, *, rng: Generator | None = None) -> Array:
    """Frames in which this share of all pixels is replaced by a random grey, anew in each frame.

    Raises ValueError for a share outside 0 to 1, or an `rng` that is no Generator.

    >>> frames = with_specks(np.zeros((12, 1, 16, 16)), 0.1, rng=np.random.default_rng(0))
    >>> bool(0.05 < np.mean(frames > 0) < 0.15)
    True
    """
    if not 0 <= check_number(share, "share") <= 1:
        raise ValueError(f"share must be a number from 0 to 1, got {share!r}")
    rng = check_rng(rng)
    struck = rng.random(frames.shape) < share
    return np.where(struck, rng.random(frames.shape), frames).astype(frames.dtype)
