"""The made electrocardiogram against its three equations, integrated step by step, and against its words."""

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import electrocardiogram as module
from lstmlib.electrocardiogram import (
    ANGLES,
    HEIGHTS,
    HZ,
    INTERVALS,
    KINDS,
    MILLIVOLTS,
    WIDTHS,
    beat_intervals,
    electrocardiogram,
)


def recordings(seconds=60, B=4, seed=0, **options):
    return electrocardiogram(seconds, B, rng=np.random.default_rng(seed), **options)


def beats_of(recording):
    """Each whole beat: its kind, and its samples. A recording's first beat has not settled."""
    for b in range(recording.signal.shape[1]):
        for n in range(1, recording.beat[-1, b]):
            yield KINDS[recording.kind[n, b]], recording.signal[recording.beat[:, b] == n, b]


def integrate(omega, a, width, seconds, steps, radius=1.0):
    """x, y and z of the paper's three equations by Runge and Kutta's method, for one ω and no breath."""

    def slope(state):
        x, y, z = state
        alpha, theta = 1 - np.hypot(x, y), np.arctan2(y, x)
        away = (theta - ANGLES + np.pi) % (2 * np.pi) - np.pi
        pushed = (a * away * np.exp(-(away**2) / (2 * width**2))).sum()
        return np.array([alpha * x - omega * y, alpha * y + omega * x, -pushed - z])

    h, state = seconds / steps, np.array([-radius, 0.0, 0.0])
    states = [state]
    for _ in range(steps):
        k1 = slope(state)
        k2 = slope(state + h / 2 * k1)
        k3 = slope(state + h / 2 * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(state)
    return np.array(states)


def test_the_signal_solves_the_three_equations_of_the_paper(monkeypatch):
    monkeypatch.setattr(module, "WANDER", 0.0)
    recording = recordings(seconds=2.5, B=1, variation=0.0, noise=0.0)
    rng = np.random.default_rng(0)  # draws in the order of the function
    interval = rng.uniform(*INTERVALS, 1).item()
    rng.uniform(size=(beats_drawn := 2 + int(2.5 / (0.5 * INTERVALS[0])), 0))
    f = np.fft.rfftfreq(max(beats_drawn, 64))
    rng.uniform(size=(len(f), 1))
    heights = MILLIVOLTS * HEIGHTS * rng.uniform(0.85, 1.15, (1, 5))[0]
    states = integrate(2 * np.pi / interval, heights, WIDTHS, 2.5, 20 * HZ)
    expected = states[::8, 2][: len(recording.signal)]
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(recording.signal[:, 0], expected, rtol=0, atol=2e-4)


def test_from_beside_the_circle_the_point_is_drawn_to_it():
    # The function begins on the circle. Wherever else the point begins, it ends there too.
    for radius in (0.2, 2.0):
        states = integrate(2 * np.pi / 0.85, MILLIVOLTS * HEIGHTS, WIDTHS, 10, 1200, radius)
        np.testing.assert_allclose(np.hypot(*states[-20:, :2].T), 1, atol=1e-3)


def test_relaxation_is_exact_for_a_constant_and_close_for_a_sine():
    h, t = 0.01, np.arange(0, 401) * 0.005
    constant = module._relax(np.ones((401, 1)), h)[:, 0]
    np.testing.assert_allclose(constant, 1 - np.exp(-t[::2]), atol=1e-9)
    w = 20.0
    sine = module._relax(np.sin(w * t)[:, None], h)[:, 0]
    closed = (np.sin(w * t) - w * np.cos(w * t) + w * np.exp(-t)) / (1 + w**2)
    np.testing.assert_allclose(sine, closed[::2], atol=1e-6)


def test_a_normal_beat_has_its_five_waves_in_order_and_the_sizes_of_an_electrocardiogram():
    recording = recordings(variation=0.0, noise=0.0, B=8)
    for kind, beat in beats_of(recording):
        assert kind == "normal"
        angle = -np.pi + 2 * np.pi * (np.arange(len(beat)) + 0.5) / len(beat)
        p, q, _, s, t = (beat[np.abs(angle - centre).argmin()] for centre in ANGLES)
        assert min(p, t) > max(q, s)
        assert abs(angle[beat.argmax()]) < 0.15  # R, a sample or two off at most
        assert 0.8 < beat.max() - np.median(beat) < 1.8  # millivolts


def test_intervals_have_the_mean_and_the_variation_that_are_asked_for():
    mean = np.array([0.7, 0.85, 1.0])
    intervals = beat_intervals(128, mean, 0.04, rng=np.random.default_rng(0))
    np.testing.assert_allclose(intervals.mean(axis=0), mean, rtol=1e-12)
    np.testing.assert_allclose(intervals.std(axis=0), 0.04 * mean, rtol=1e-12)
    power = np.abs(np.fft.rfft(intervals - mean, axis=0)) ** 2
    f = np.fft.rfftfreq(128)[:, None] / mean
    bumps = [(power * (abs(f - centre) < 0.05)).sum(axis=0) for centre in (0.1, 0.25)]
    np.testing.assert_allclose(bumps[0] / bumps[1], 0.5, rtol=0.2)
    np.testing.assert_allclose(bumps[0] + bumps[1], power.sum(axis=0), rtol=1e-3)


def test_without_variation_every_beat_takes_the_recording_s_own_time():
    recording = recordings(variation=0.0)
    for b in range(4):
        lengths = np.bincount(recording.beat[:, b])[1:-1]
        assert np.ptp(lengths) <= 1
        assert INTERVALS[0] <= lengths.mean() / HZ <= INTERVALS[1]


def test_odd_beats_come_as_often_as_asked_and_never_two_in_a_row_or_among_the_first_four():
    kind = recordings(seconds=300, B=10, odd=0.2).kind
    odd = kind > 0
    assert not (odd[1:] & odd[:-1]).any()
    assert not odd[:4].any()
    after_normal = odd[4:][(kind[3:-1] == 0) & (kind[4:] >= 0)]
    assert_mean(after_normal, 0.2)
    for k in range(1, len(KINDS)):
        assert_mean(kind[odd] == k, 1 / 5)
    assert not recordings(odd=0.0).kind.max()


def test_each_kind_of_odd_beat_is_what_its_name_says():
    found = {name: [] for name in KINDS}
    for kind, beat in beats_of(recordings(seconds=600, B=1, odd=0.3, variation=0.0, noise=0.0)):
        found[kind].append(beat)
    assert min(map(len, found.values())) > 10

    def mean(name, measure):
        return np.mean([measure(beat) for beat in found[name]])

    def late(beat):
        """The signal where the T wave stands, against the beat's end."""
        return beat[-round(len(beat) * 0.25)] - beat[-5]

    # The rest is a fifth of a revolution: 1/5 (1 − 1/6) of the time is saved, 1/5 (3 − 1) is added.
    assert mean("early", len) / mean("normal", len) == pytest.approx(1 - 1 / 6, abs=0.02)
    assert mean("pause", len) / mean("normal", len) == pytest.approx(1.4, abs=0.02)
    for name in ("flipped T", "wide", "weak"):
        assert mean(name, len) == pytest.approx(mean("normal", len), rel=0.05)
    assert mean("flipped T", late) < -0.1 < 0.1 < mean("normal", late)
    steep = {name: mean(name, lambda beat: np.diff(beat).max()) for name in KINDS}
    assert steep["wide"] < 0.6 * steep["normal"]
    tall = {name: mean(name, np.ptp) for name in KINDS}
    assert tall["weak"] == pytest.approx(0.6 * tall["normal"], rel=0.1)
    for name in ("early", "pause"):
        assert tall[name] == pytest.approx(tall["normal"], rel=0.05)


def test_noise_has_its_standard_deviation():
    loud, silent = (recordings(noise=noise).signal for noise in (0.05, 0.0))
    assert (loud - silent).std() == pytest.approx(0.05, rel=0.02)


@settings(max_examples=20)
@given(seconds=st.floats(1, 20), B=st.integers(1, 3), odd=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_every_sample_belongs_to_a_beat_and_every_beat_has_a_kind(seconds, B, odd, seed):
    recording = recordings(seconds, B, seed, odd=odd, variation=0.1)
    assert recording.signal.shape == recording.beat.shape == (round(seconds * HZ), B)
    assert np.isfinite(recording.signal).all()
    steps = np.diff(recording.beat, axis=0)
    assert ((steps == 0) | (steps == 1)).all()
    assert (recording.beat[0] == 0).all()
    there = np.arange(len(recording.kind))[:, None] <= recording.beat[-1]
    assert ((recording.kind >= 0) == there).all()
    assert recording.kind.max() < len(KINDS)


def test_the_same_generator_gives_the_same_recording():
    np.testing.assert_array_equal(recordings(odd=0.2).signal, recordings(odd=0.2).signal)
    assert (recordings(seed=0).signal != recordings(seed=1).signal).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0.5}, "seconds must be a number at least 1, got 0.5"),
        ({"seconds": np.inf}, "seconds must be a finite number, got inf"),
        ({"B": 0}, "B must be a whole number of at least 1, got 0"),
        ({"odd": 1.5}, "odd must be a number from 0 to 1, got 1.5"),
        ({"variation": 0.2}, "variation must be a number from 0 to 0.1, got 0.2"),
        ({"noise": -1}, "noise must be a number at least 0, got -1"),
        ({"people": 2}, "people must be a number from 0 to 1, got 2"),
        ({"rng": 3}, "rng must be a numpy.random.Generator"),
    ],
)
def test_bad_input_is_told_what_to_change(options, message):
    with pytest.raises(ValueError, match=message):
        electrocardiogram(**{"seconds": 2, "B": 1, **options})
