"""Log-mel spectra against tones of known power and place, sums written out, and Parseval's theorem."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.log_mel import frames, log_mel, mel, mel_filters, power_spectrum

RATE = 8000


def tone(frequency, seconds=0.2, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


@given(seed=st.integers(0, 10**6), N=st.integers(2, 60), T=st.integers(1, 4))
def test_the_power_of_a_frame_sums_to_its_energy(seed, N, T):
    x = np.random.default_rng(seed).standard_normal((T, N))
    np.testing.assert_allclose(power_spectrum(x).sum(axis=1), (x**2).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("N", [8, 9])
def test_the_power_at_each_frequency_is_that_of_the_sum_written_out(rng, N):
    x = rng.standard_normal(N)
    wanted = []
    for k in range(N // 2 + 1):
        total = sum(x[n] * np.exp(-2j * np.pi * k * n / N) for n in range(N))
        twin = 1 if k in (0, N / 2) else 2
        wanted.append(twin * abs(total) ** 2 / N)
    np.testing.assert_allclose(power_spectrum(x[None])[0], wanted, rtol=1e-12)


@given(length=st.integers(10, 200), window=st.integers(2, 10), hop=st.integers(1, 12))
def test_frames_are_as_many_as_fit_and_each_begins_a_hop_later(length, window, hop):
    x = np.random.default_rng(length).standard_normal(length)
    found = frames(x, rate=1, window=window, hop=hop)
    hann = [np.sin(np.pi * n / window) ** 2 for n in range(window)]  # ½ − ½ cos 2a = sin² a
    starts = [start for start in range(0, length, hop) if start + window <= length]
    wanted = [[hann[n] * x[start + n] for n in range(window)] for start in starts]
    assert len(found) == 1 + (length - window) // hop
    np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_seconds_are_rounded_to_whole_samples():
    assert frames(np.ones(100), rate=10, window=0.84, hop=0.26).shape == (1 + (100 - 8) // 3, 8)


def test_the_mel_scale_is_straight_at_first_and_a_logarithm_far_up():
    assert mel(0) == 0
    # 2595 log₁₀ 2 = 781 mel an octave, once 700 Hz no longer count
    assert mel(2e7) - mel(1e7) == pytest.approx(2595 * np.log10(2), rel=1e-4)
    # and by the derivative at 0, 2595/(700 ln 10) mel a Hz
    assert mel(1e-3) == pytest.approx(2595 / (700 * np.log(10)) * 1e-3, rel=1e-5)


def test_filters_are_the_triangles_that_their_corners_say():
    # Corners at 0, 500, 1000, 1500 mel; in Hz 700 (10^(mel/2595) − 1)
    high = 700 * (10 ** (1500 / 2595) - 1)
    left, middle = (700 * (10 ** (m / 2595) - 1) for m in (500, 1000))
    F = mel_filters(2, 101, 2 * high, low=0)
    f = np.linspace(0, high, 101)
    np.testing.assert_allclose(F[0], np.interp(f, [0, left, middle], [0, 1, 0]), atol=1e-12)
    np.testing.assert_allclose(F[1], np.interp(f, [left, middle, high], [0, 1, 0]), atol=1e-12)


@given(filters=st.integers(2, 20), low=st.floats(0, 300), high=st.floats(2000, 4000))
def test_between_the_first_peak_and_the_last_the_filters_sum_to_one(filters, low, high):
    F = mel_filters(filters, 513, RATE, low=low, high=high)
    corners = mel(low) + (mel(high) - mel(low)) * np.arange(filters + 2) / (filters + 1)
    f = mel(np.linspace(0, RATE / 2, 513))
    between = (corners[1] <= f) & (f <= corners[-2])
    assert between.any()
    np.testing.assert_allclose(F.sum(axis=0)[between], 1, rtol=1e-9)
    outside = (f < corners[0]) | (f > corners[-1])
    assert not F[:, outside].any()
    assert F.min() == 0
    assert F.max() <= 1


@pytest.mark.parametrize("frequency", [150, 300, 440, 1000, 1700, 2500, 3600])
def test_a_tone_is_loudest_in_the_filter_whose_peak_is_nearest_on_the_mel_scale(frequency):
    M, low = 24, 60
    peaks = mel(low) + (mel(RATE / 2) - mel(low)) * np.arange(1, M + 1) / (M + 1)
    loudest = log_mel(tone(frequency), RATE, filters=M, low=low).argmax(axis=1)
    assert set(loudest) == {np.abs(peaks - mel(frequency)).argmin()}


def test_the_power_of_a_tone_arrives_in_the_filters():
    # A sine of amplitude 1 under Hann's window: the mean of its square is ½ · ⅜, and a frame has 256 samples.
    S = log_mel(tone(1000), RATE, window=256 / RATE)
    np.testing.assert_allclose(np.exp(S).sum(axis=1), 256 * 3 / 16, rtol=1e-4)


def test_twice_the_amplitude_adds_two_logarithms_of_two(rng):
    x = rng.standard_normal(2000)
    quiet, loud = (log_mel(a * x, RATE, floor=1e-15) for a in (1, 2))
    np.testing.assert_allclose(loud - quiet, 2 * np.log(2), rtol=1e-9)


def test_silence_is_the_logarithm_of_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(900), RATE, floor=1e-5), np.log(1e-5))


def test_the_picture_moves_with_the_sound(rng):
    x = rng.standard_normal(2000)
    later = log_mel(np.concatenate([np.zeros(3 * 80), x]), RATE, hop=80 / RATE)
    np.testing.assert_allclose(later[3:], log_mel(x, RATE, hop=80 / RATE), rtol=1e-12)


def test_numbers_left_out_are_those_that_the_docstring_names(rng):
    x = rng.standard_normal(2000)
    named = {"window": 0.032, "hop": 0.01, "filters": 24, "low": 60, "high": 4000, "floor": 1e-6}
    np.testing.assert_array_equal(log_mel(x, RATE), log_mel(x, RATE, **named))


NOISE = np.random.default_rng(0).standard_normal(1000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_mel(NOISE[:, None], RATE), r"waveform must have shape \(L\), got 2-D \(1000, 1\)"),
        (lambda: log_mel(np.ones(1000, int), RATE), "waveform must hold floats, got dtype int"),
        (lambda: log_mel(np.where(NOISE > 2, np.nan, NOISE), RATE), "waveform must be finite, got nan"),
        (
            lambda: log_mel(NOISE[:200], RATE),
            "waveform must have at least the 256 samples of one frame, got 200",
        ),
        (lambda: log_mel(NOISE, 0), "rate must be a number above 0, got 0"),
        (lambda: log_mel(NOISE, RATE, window=-1), "window must be a number above 0, got -1"),
        (lambda: log_mel(NOISE, RATE, hop=0), "hop must be a number above 0, got 0"),
        (lambda: log_mel(NOISE, RATE, window=1e-4), "at 8000 Hz 0.0001 s have 1, 0.01 s 80"),
        (lambda: log_mel(NOISE, RATE, hop=1e-5), "at 8000 Hz 0.032 s have 256, 1e-05 s 0"),
        (lambda: log_mel(NOISE, RATE, filters=0), "filters must be a whole number of at least 1, got 0"),
        (lambda: log_mel(NOISE, RATE, filters=200), "of 200 filters over 129 frequencies number"),
        (lambda: log_mel(NOISE, RATE, low=-1), "0 <= low < high <= 4000 Hz, half the rate; got -1, 4000.0"),
        (lambda: log_mel(NOISE, RATE, low=500, high=500), "0 <= low < high <= 4000 Hz"),
        (
            lambda: log_mel(NOISE, RATE, high=5000),
            "0 <= low < high <= 4000 Hz, half the rate; got 60.0, 5000",
        ),
        (lambda: log_mel(NOISE, RATE, floor=0), "floor must be above 0, got 0"),
        (lambda: power_spectrum(NOISE), r"x must have shape \(T, N\), got 1-D"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()
