"""From a sound to the picture that a network hears, for `applications/speech`: log-mel spectra.

A waveform is cut into short frames; of each the power at every frequency is taken, gathered by filters that
lie as densely as the ear tells pitches apart, and its logarithm is what a network reads.
"""

import numpy as np
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.checks import check_array, check_number, check_size


def log_mel(
    waveform: ArrayLike,
    rate: float,
    *,
    window: float = 0.032,
    hop: float = 0.01,
    filters: int = 24,
    low: float = 60.0,
    high: float | None = None,
    floor: float = 1e-6,
) -> Array:
    """The log-mel spectrum of a waveform: its loudness by time and by band of frequency.

    S_t(m) = ln(Σ_k F_m(k) P_t(k) + floor), with the power P_t(k) of frame t at frequency k, and filter m.

    The steps are `frames`, `power_spectrum`, `mel_filters`, the logarithm. Twice the amplitude adds 2 ln 2
    to every number that is well above the floor.

    Parameters
    ----------
    waveform : array (L,)
        Samples of the sound, as floats, mostly from −1 to 1.
    rate : float
        Samples a second, in Hz.
    window, hop : float
        Length of a frame and the time from one to the next, in seconds; each is rounded to whole samples.
    filters : int
        M, the number of bands.
    low, high : float
        Where the lowest band begins and the highest ends, in Hz; `high` is half the rate if left out.
    floor : float
        Added before the logarithm, so that silence has one too.

    Returns
    -------
    array (T, M)
        Natural logarithms; T = 1 + ⌊(L − N)/H⌋ for N samples in a frame and H from one to the next.

    Raises ValueError for a waveform that is no finite, one-dimensional array of floats or shorter than a
    frame, a number outside its range, or more filters than the frequencies of a frame can fill.

    The form is that of Davis & Mermelstein 1980, without their cosine transform.

    A tone of 1 kHz for a tenth of a second, at 8,000 samples a second:

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(800) / 8000)
    >>> S = log_mel(tone, 8000)
    >>> S.shape, set(S.argmax(axis=1).tolist())
    ((7, 24), {10})
    """
    if check_number(floor, "floor") <= 0:
        raise ValueError(f"floor must be above 0, got {floor!r}")
    P = power_spectrum(frames(waveform, rate, window, hop))
    F = mel_filters(filters, P.shape[1], rate, low=low, high=high)
    return np.log(P @ F.T + floor)


def frames(waveform: ArrayLike, rate: float, window: float, hop: float) -> Array:
    """Cut a waveform into frames that overlap, and let each fade in and out.

    x_t(n) = w(n) x(tH + n), with Hann's window w(n) = ½ − ½ cos(2π n/N), n = 0 … N − 1.

    Without the window every frame would begin and end with a click, which has power at all frequencies.
    What is left after the last whole frame is dropped. Arguments and errors as `log_mel`; returns an array
    (T, N).

    >>> frames(np.ones(10), rate=4, window=1, hop=0.5).round(2)
    array([[0. , 0.5, 1. , 0.5],
           [0. , 0.5, 1. , 0.5],
           [0. , 0.5, 1. , 0.5],
           [0. , 0.5, 1. , 0.5]])
    """
    waveform = check_array(waveform, "waveform", ("L",), {}, np.dtype(float))
    _check_positive(rate, "rate")
    N = round(_check_positive(window, "window") * rate)
    H = round(_check_positive(hop, "hop") * rate)
    if N < 2 or H < 1:
        raise ValueError(
            f"window must have 2 samples or more and hop 1; at {rate} Hz {window} s have {N}, {hop} s {H}"
        )
    if len(waveform) < N:
        raise ValueError(f"waveform must have at least the {N} samples of one frame, got {len(waveform)}")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N) / N)
    return np.lib.stride_tricks.sliding_window_view(waveform, N)[::H] * hann


def power_spectrum(x: ArrayLike) -> Array:
    """The power of each frame at each frequency, so that the sum over the frequencies is the frame's energy.

    P_t(k) = s_k abs(Σ_n x_t(n) e^{−2πi k n/N})² / N, for k = 0 … ⌊N/2⌋. Frequency k stands for N − k too, so
    s_k = 2; only k = 0, and k = N/2 where N is even, have no twin and s_k = 1. Then Σ_k P_t(k) = Σ_n x_t(n)²
    (Parseval). Entry k lies at k · rate/N Hz.

    `x` is (T, N), the result (T, ⌊N/2⌋ + 1). Raises ValueError for another shape, or numbers that are no
    finite floats.

    >>> power_spectrum(np.array([[1.0, -1.0, 1.0, -1.0]]))  # all of it at half the rate
    array([[0., 0., 4.]])
    """
    x = check_array(x, "x", ("T", "N"), {}, np.dtype(float))
    N = x.shape[1]
    P = np.abs(np.fft.rfft(x)) ** 2 / N
    P[:, 1 : (N + 1) // 2] *= 2
    return P


def mel(frequency: ArrayLike) -> Array:
    """A frequency in Hz on the mel scale, on which equal steps sound about equally large.

    mel(f) = 2595 log₁₀(1 + f/700): nearly straight up to some hundred Hz, and a logarithm far above. The
    scale is that of Stevens, Volkmann & Newman 1937, who asked listeners; the formula, one of several that
    were fitted to such answers, is O'Shaughnessy's of 1987.

    >>> mel([0, 1000, 8000]).round()
    array([   0., 1000., 2840.])
    """
    return 2595 * np.log10(1 + np.asarray(frequency, float) / 700)


def mel_filters(
    filters: int, frequencies: int, rate: float, *, low: float = 60.0, high: float | None = None
) -> Array:
    """Triangles over the frequencies, equally wide on the mel scale.

    The M filters have M + 2 corners c_0 … c_{M+1} at equal distances in mel from `low` to `high`. Filter m
    is 0 up to c_{m−1}, rises to 1 at c_m, and falls to 0 at c_{m+1}. So between c_1 and c_M the filters
    sum to 1 at every frequency, and no power counts twice.

    `frequencies` is ⌊N/2⌋ + 1, those of `power_spectrum` for an even N; the others are as in `log_mel`.
    Returns an array (M, frequencies). Raises ValueError for a number out of its range, or a filter that lies
    between two frequencies and would always be 0.

    >>> mel_filters(2, 5, 8, low=0).round(2)  # at 0, 1, 2, 3 and 4 Hz
    array([[0.  , 0.75, 0.5 , 0.  , 0.  ],
           [0.  , 0.  , 0.5 , 0.75, 0.  ]])
    """
    M, K = check_size(filters, "filters"), check_size(frequencies, "frequencies")
    half = _check_positive(rate, "rate") / 2
    high = half if high is None else check_number(high, "high")
    if not 0 <= check_number(low, "low") < high <= half:
        raise ValueError(
            f"low and high must be 0 <= low < high <= {half:g} Hz, half the rate; got {low!r}, {high!r}"
        )
    corners = np.linspace(mel(low), mel(high), M + 2)
    c = 700 * (10 ** (corners / 2595) - 1)[:, None]  # back in Hz
    f = np.linspace(0, half, K)
    rising, falling = (f - c[:-2]) / (c[1:-1] - c[:-2]), (c[2:] - f) / (c[2:] - c[1:-1])
    F = np.clip(np.minimum(rising, falling), 0, None)
    empty = np.flatnonzero(~F.any(axis=1))
    if empty.size:
        raise ValueError(
            f"filters must be fewer, or the window longer: of {M} filters over {K} frequencies number "
            f"{empty[0]} (counting from 0) lies between two frequencies"
        )
    return F


def _check_positive(value: float, name: str) -> float:
    if check_number(value, name) <= 0:
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    return float(value)
