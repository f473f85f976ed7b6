"""An electrocardiogram from a model of 2003, with odd beats, for `applications/anomaly_detection`.

A point runs round a circle, once for each beat. At five angles stand the waves P, Q, R, S and T, each of
which pushes a third coordinate, the signal, up or down. It is a model of a curve, not of a heart.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_number, check_rng, check_size

HZ = 128
"""Samples in a second."""
ANGLES = np.pi * np.array([-1 / 3, -1 / 12, 0, 1 / 12, 1 / 2])
"""θᵢ in radians, of P, Q, R, S, T: Table I of the paper."""
HEIGHTS = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
"""aᵢ, of P, Q, R, S, T: Table I of the paper."""
WIDTHS = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
"""bᵢ in radians, of P, Q, R, S, T: Table I of the paper."""
MILLIVOLTS = 28.0
"""What the heights are multiplied by, so that the signal is in millivolts: R stands about 1.2 mV high."""
KINDS = ("normal", "early", "pause", "flipped T", "wide", "weak")
"""What a beat may be; all but the first are odd."""
REST = -0.6 * np.pi
"""Up to this angle a revolution, which begins at −π, has no wave: the rest before P."""
INTERVALS = (0.7, 1.0)
"""The mean time from beat to beat in seconds, for each recording drawn between these two."""
WANDER = 0.15
"""Amplitude in mV of z₀, the slow rise and fall with the breath, and its frequency is 0.25 Hz."""
_BEGIN = -np.pi
_SUBSTEPS = 2


class Recording(NamedTuple):
    """Electrocardiograms, time-major like everything in this package.

    Attributes
    ----------
    signal : array (T, B)
        In millivolts, `HZ` samples in a second.
    beat : array of int (T, B)
        To which beat a sample belongs; a recording's beats count from 0.
    kind : array of int (N, B)
        For each beat its place in `KINDS`; −1 where the recording has fewer than N beats.
    """

    signal: Array
    beat: NDArray[np.int_]
    kind: NDArray[np.int_]


def electrocardiogram(
    seconds: float,
    B: int,
    *,
    odd: float = 0.0,
    variation: float = 0.03,
    noise: float = 0.02,
    people: float = 0.15,
    rng: Generator | None = None,
) -> Recording:
    """B recordings of so many seconds, in which each beat is odd with probability `odd`.

    x' = α x − ω y,  y' = α y + ω x,  z' = −Σᵢ aᵢ Δθᵢ exp(−Δθᵢ² / 2bᵢ²) − (z − z₀(t))

    with α = 1 − √(x² + y²), the angle θ of (x, y), Δθᵢ = θ − θᵢ brought to between −π and π, and
    ω = 2π / Tₙ for beat n. The point begins on the unit circle, where α = 0: so the first two equations turn
    it by ω, and the third, linear in z, is solved by Simpson's rule. The signal is z, in millivolts, and
    Gaussian noise.

    Each recording has its own mean interval (`INTERVALS`), and its own heights: those of the table, each
    times a number from U(1 − people, 1 + people). Intervals are those of `beat_intervals`. An odd beat is
    one of five, all equally likely, and two never follow each other; nor is one of a recording's first four
    odd:

    - early: the rest before P (up to the angle `REST`) is passed 6 times as fast;
    - pause: that rest is passed 3 times as slowly;
    - flipped T: the T wave points down;
    - wide: no P wave, and Q, R and S 2.5 times as wide, their heights aᵢ divided by 2.5²;
    - weak: Q, R and S have 0.6 of their heights.

    Parameters
    ----------
    seconds : float
        Length of a recording, at least 1.
    B : int
        Number of recordings.
    odd : float
        Probability of an odd beat after a normal one, from 0 to 1.
    variation : float
        Standard deviation of the intervals, as a share of their mean, from 0 to 0.1.
    noise : float
        Standard deviation of the noise in mV, at least 0.
    people : float
        How far recordings differ in the heights of their waves, from 0 to 1.

    Raises ValueError for a number outside its range, or an `rng` that is no Generator. From McSharry,
    Clifford, Tarassenko & Smith 2003, equations 1 to 4 and Table I. The odd beats and the differences between
    recordings are ours; its z was brought to millivolts after the integration, ours by `MILLIVOLTS`.

    Examples
    --------
    >>> recording = electrocardiogram(10, 2, odd=0.2, rng=np.random.default_rng(0))
    >>> recording.signal.shape, recording.beat.max(axis=0)
    ((1280, 2), array([11, 12]))
    >>> [KINDS[k] for k in recording.kind[:, 0] if k > 0]
    ['weak', 'early', 'flipped T']
    """
    _check_between(seconds, "seconds", 1, np.inf)
    B, rng = check_size(B, "B"), check_rng(rng)
    _check_between(odd, "odd", 0, 1)
    _check_between(noise, "noise", 0, np.inf)
    _check_between(people, "people", 0, 1)
    steps = round(seconds * HZ)
    N = 2 + int(seconds / (0.5 * INTERVALS[0]))  # more than can fit
    mean = rng.uniform(*INTERVALS, B)
    intervals = beat_intervals(N, mean, variation, rng=rng)
    person = MILLIVOLTS * HEIGHTS * rng.uniform(1 - people, 1 + people, (B, 5))
    kind, breath = _kinds(N, B, odd, rng), rng.uniform(0, 2 * np.pi, B)
    # Two substeps in a sample, and the middle of each for Simpson's rule
    t = np.arange(2 * _SUBSTEPS * (steps - 1) + 1) / (2 * _SUBSTEPS * HZ)
    theta = np.stack([_angle(t, intervals[:, b], kind[:, b]) for b in range(B)], axis=1)
    beat = ((theta - _BEGIN) // (2 * np.pi)).astype(int)
    g = WANDER * np.sin(2 * np.pi * 0.25 * t[:, None] + breath)
    for wave in range(5):
        a, width = _wave(wave, person[:, wave], kind)
        away = theta - 2 * np.pi * beat - ANGLES[wave]
        away = (away + np.pi) % (2 * np.pi) - np.pi
        b = np.take_along_axis(width, beat, axis=0)
        g -= np.take_along_axis(a, beat, axis=0) * away * np.exp(-0.5 * (away / b) ** 2)
    z = _relax(g, 1 / (_SUBSTEPS * HZ))[::_SUBSTEPS]
    last = beat[-1]
    kind = np.where(np.arange(last.max() + 1)[:, None] <= last, kind[: last.max() + 1], -1)
    return Recording(z + noise * rng.standard_normal(z.shape), beat[:: 2 * _SUBSTEPS], kind)


def beat_intervals(N: int, mean: Array, variation: float, *, rng: Generator | None = None) -> Array:
    """Times in seconds from beat to beat (N, B), for recordings with these mean intervals (B,).

    Their spectrum has two Gaussian bumps of width 0.01 Hz, at 0.1 Hz (Mayer waves) and, twice as strong, at
    0.25 Hz (the breath); the phases are random. Their standard deviation is `variation` times the mean. From
    McSharry et al. 2003, equation 3. Raises ValueError for a `variation` that is not from 0 to 0.1.

    >>> intervals = beat_intervals(200, np.array([0.8]), 0.05, rng=np.random.default_rng(0))
    >>> intervals.mean().round(3), intervals.std().round(3)
    (np.float64(0.8), np.float64(0.04))
    """
    N, rng = check_size(N, "N"), check_rng(rng)
    _check_between(variation, "variation", 0, 0.1)
    mean = np.asarray(mean, float)
    long = max(N, 64)  # enough for the spectrum to have its bumps
    f = np.fft.rfftfreq(long)[:, None] / mean
    power = 0.5 * np.exp(-0.5 * ((f - 0.1) / 0.01) ** 2) + np.exp(-0.5 * ((f - 0.25) / 0.01) ** 2)
    power[0] = 0
    series = np.fft.irfft(np.sqrt(power) * np.exp(2j * np.pi * rng.uniform(size=f.shape)), long, axis=0)
    return (mean * (1 + variation * series / series.std(axis=0)))[:N]


def _kinds(N: int, B: int, odd: float, rng: Generator) -> NDArray[np.int_]:
    """A kind for each beat: no two odd ones in a row, and none among the first four."""
    kind = np.where(rng.uniform(size=(N, B)) < odd, rng.integers(1, len(KINDS), (N, B)), 0)
    kind[:4] = 0
    for n in range(4, N):
        kind[n, kind[n - 1] > 0] = 0
    return kind


def _angle(t: Array, intervals: Array, kind: NDArray[np.int_]) -> Array:
    """θ at these times, 2π more with each beat: on each piece of a revolution it grows evenly."""
    slowness = np.select([kind == KINDS.index("early"), kind == KINDS.index("pause")], [1 / 6, 3.0], 1.0)
    share = (REST - _BEGIN) / (2 * np.pi)
    pieces = np.stack([share * slowness, np.full(len(kind), 1 - share)], axis=1) * intervals[:, None]
    times = np.append(0, np.cumsum(pieces))
    begins = 2 * np.pi * np.arange(len(kind) + 1)[:, None] + np.array([_BEGIN, REST])
    return np.interp(t, times, begins.ravel()[: len(times)])


def _wave(wave: int, person: Array, kind: NDArray[np.int_]) -> tuple[Array, Array]:
    """Height and width of one wave in each beat, both (N, B)."""
    height, width = np.broadcast_to(person, kind.shape).copy(), np.full(kind.shape, WIDTHS[wave])
    flipped, wide, weak = (kind == KINDS.index(name) for name in ("flipped T", "wide", "weak"))
    if wave == 4:
        height[flipped] *= -1
    elif wave == 0:
        height[wide] = 0
    else:
        height[wide] /= 2.5**2
        width[wide] *= 2.5
        height[weak] *= 0.6
    return height, width


def _relax(g: Array, h: float) -> Array:
    """What z is after every step of length h, from 0, for z' = g − z with g given at steps and between."""
    keep, half = np.exp(-h), np.exp(-h / 2)
    added = h / 6 * (keep * g[:-2:2] + 4 * half * g[1::2] + g[2::2])
    z = np.zeros((len(added) + 1, *g.shape[1:]))
    for k, step in enumerate(added):
        z[k + 1] = keep * z[k] + step
    return z


def _check_between(value: float, name: str, low: float, high: float) -> None:
    if not low <= check_number(value, name) <= high:
        wanted = f"at least {low:g}" if high == np.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} must be a number {wanted}, got {value!r}")
