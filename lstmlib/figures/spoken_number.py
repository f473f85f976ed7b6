"""Spoken numbers to hear: what the network hears of each, and when it writes which digit."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.checks import check_array, check_size
from lstmlib.ctc import greedy_decode
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source


class _SpokenNumberCanvas(Canvas):
    _esm = module_source("spoken_number")
    sounds, pictures = (traitlets.Bytes().tag(sync=True) for _ in range(2))
    words, voices, numbers, symbols = (traitlets.List(traitlets.Unicode()).tag(sync=True) for _ in range(4))
    probabilities: Any = traitlets.List().tag(sync=True)
    shape: Any = traitlets.List().tag(sync=True)
    rate = traitlets.Int().tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)
    clip = traitlets.Int().tag(sync=True)
    time = traitlets.Float().tag(sync=True)


class SpokenNumber(Figure):
    """Clips of spoken numbers, with the log-mel picture and the probabilities that a network gave for each.

    The reader chooses a clip, plays it, and moves a cursor through time; the line below says which digits
    the network finds likeliest there. The sounds travel as μ-law, a byte for a sample, compressed. Nothing
    is heard before the reader presses Play. `clip`, counted from 0, and `time`, in seconds, are as the
    reader has set them; Python may set them too.

    Parameters
    ----------
    words, voices, numbers : N strings each
        What is said, in which voice, and the digits that are right.
    sounds : array (N, L)
        The waveforms, from −1 to 1, all of one length; short ones end in silence.
    rate : int
        Samples a second, 8,000 to 48,000, which every browser plays.
    pictures : array (N, T, M)
        Log-mel spectra, of any scale: the loudest number is drawn darkest.
    probabilities : array (N, S, K)
        The network's probabilities of K symbols at S steps over the same time, symbol 0 being the blank.
    symbols : K strings
        What the symbols are called.

    Raises ValueError for an argument of another shape, samples beyond 1, probabilities that do not sum to
    1, or a clip or time that there is not.

    >>> p = np.eye(3)[[[0, 1, 0, 2, 2]]]
    >>> figure = SpokenNumber(
    ...     ["zwölf"], ["f"], ["12"], np.zeros((1, 8000)), 8000, np.zeros((1, 9, 4)), p, ["", "1", "2"]
    ... )
    >>> figure.written, figure.time
    ('12', 0.0)
    """

    def __init__(
        self,
        words: Sequence[str],
        voices: Sequence[str],
        numbers: Sequence[str],
        sounds: ArrayLike,
        rate: int,
        pictures: ArrayLike,
        probabilities: ArrayLike,
        symbols: Sequence[str],
    ) -> None:
        N, float64 = len(words), np.dtype(float)
        sounds = check_array(sounds, "sounds", ("N", "L"), {"N": N}, float64)
        pictures = check_array(pictures, "pictures", ("N", "T", "M"), {"N": N}, float64)
        sizes = {"N": N, "K": len(symbols)}
        probabilities = check_array(probabilities, "probabilities", ("N", "S", "K"), sizes, float64)
        for name, given in (("voices", voices), ("numbers", numbers)):
            if len(given) != N:
                raise ValueError(f"{name} must have one for each of the {N} words, got {len(given)}")
        if not 8000 <= check_size(rate, "rate") <= 48000:
            raise ValueError(f"rate must be from 8000 to 48000 samples a second, got {rate}")
        if np.abs(sounds).max() > 1:
            raise ValueError(f"sounds must lie from -1 to 1, got {np.abs(sounds).max():.3g}")
        if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=-1), 1, atol=1e-4):
            raise ValueError("probabilities must be at least 0, and sum to 1 at each step")
        canvas = _SpokenNumberCanvas(
            sounds=zlib.compress(_mu_law(sounds).tobytes(), 9),
            pictures=zlib.compress(_in_bytes(pictures).tobytes(), 9),
            words=list(words),
            voices=list(voices),
            numbers=list(numbers),
            symbols=list(symbols),
            probabilities=probabilities.round(4).tolist(),
            shape=[pictures.shape[2], pictures.shape[1]],
            rate=rate,
            seconds=sounds.shape[1] / rate,
        )
        super().__init__(canvas)
        steps = probabilities.shape[1]
        self._add_slider("time", "t time in seconds", Between(0, canvas.seconds), canvas.seconds / steps)

    @property
    def clip(self) -> int:
        """Which clip is shown, counted from 0."""
        return self._canvas.clip

    @clip.setter
    def clip(self, clip: int) -> None:
        clips = len(self._canvas.words)
        if isinstance(clip, bool) or not isinstance(clip, int) or not 0 <= clip < clips:
            raise ValueError(f"clip must be a whole number from 0 to {clips - 1}, got {clip!r}")
        self._canvas.clip = clip

    @property
    def time(self) -> float:
        """Where the cursor stands, in seconds."""
        return self._canvas.time

    @time.setter
    def time(self, time: float) -> None:
        self._canvas.time = Between(0, self._canvas.seconds).check(time, "time")

    @property
    def probabilities(self) -> np.ndarray:
        """Those of the clip that is shown, (S, K)."""
        return np.array(self._canvas.probabilities[self.clip])

    @property
    def written(self) -> str:
        """What the network writes: the likeliest symbols, repeats merged, blanks taken out."""
        [symbols] = greedy_decode(self.probabilities[:, None])
        return "".join(self._canvas.symbols[symbol] for symbol in symbols)


def _mu_law(sounds: np.ndarray) -> np.ndarray:
    """Bytes 0 to 255 for samples from −1 to 1: sgn(x) ln(1 + 255 |x|)/ln 256, which is fine where it is soft.

    From ITU-T recommendation G.711, without its rounding to chords.
    """
    squeezed = np.sign(sounds) * np.log1p(255 * np.abs(sounds)) / np.log(256)
    return np.round(127.5 * (squeezed + 1)).astype(np.uint8)


def _in_bytes(pictures: np.ndarray) -> np.ndarray:
    """Bytes 0 to 255 from the softest number to the loudest."""
    low, high = pictures.min(), pictures.max()
    return np.round(255 * (pictures - low) / max(high - low, 1e-12)).astype(np.uint8)
