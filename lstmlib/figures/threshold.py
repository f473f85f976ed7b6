"""A stretch of a signal, each beat's score, and a threshold above which it is an alarm."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.electrocardiogram import HZ, KINDS
from lstmlib.figures.arrays import pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared

THRESHOLD = Between(0, 3)
SECONDS = 8
"""How many seconds the picture shows."""


class Alarms(NamedTuple):
    """What a threshold comes to over all beats; `precision` is NaN without an alarm."""

    alarms: int
    right: int
    precision: float
    recall: float
    false_per_hour: float


class _ThresholdCanvas(Canvas):
    _esm = module_source("threshold")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    detectors: Any = traitlets.List().tag(sync=True)
    kinds: Any = traitlets.List(list(KINDS)).tag(sync=True)
    limits: Any = traitlets.List([THRESHOLD.low, THRESHOLD.high]).tag(sync=True)
    hz = traitlets.Int(HZ).tag(sync=True)
    seconds = traitlets.Int(SECONDS).tag(sync=True)
    hours = traitlets.Float().tag(sync=True)
    threshold, start = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    detector = traitlets.Unicode().tag(sync=True)


class Threshold(Figure):
    """One electrocardiogram with the scores of several detectors, and the alarms over many.

    The reader chooses a detector, moves the threshold, and moves along the recording. A beat raises an alarm
    at its end, where its score is above the threshold. Precision is the share of alarms
    that are right, recall the share of odd beats that raise one; false alarms are counted by the hour.

    All scores are expected on a scale on which the thresholds from 0 to 3 make sense, such as 0 for the
    median of normal beats, and 1 for the threshold chosen on them. The numbers travel as float32, compressed.

    Parameters
    ----------
    signal : array (T,)
        What is drawn, in millivolts, `HZ` samples in a second, for more than 8 seconds.
    beat : array of int (T,)
        The beat of each sample, from 0 up.
    kind : array of int (N,)
        The kind of each of these beats, its place in `KINDS`.
    drawn : mapping of arrays (N,)
        For each detector's name its score of each of these beats.
    scores : mapping of arrays (M,)
        For each detector's name its score of every beat that counts, of this and other recordings.
    odd : array of bool (M,)
        Whether that beat is odd; at least one must be.
    hours : float
        How long all that counts lasted, above 0.

    `threshold` from 0 to 3, `start` (the first second shown) and `detector` are as the reader has set them;
    Python may set them too. Raises ValueError for shapes that do not fit, or a value outside its range.

    Examples
    --------
    >>> beat, kind = np.repeat(np.arange(10), 128), np.zeros(10, int)
    >>> figure = Threshold(np.zeros(1280), beat, kind, {"none": np.zeros(10)},
    ...                    {"none": [0.5, 2.0, 1.5]}, [False, True, False], hours=0.5)
    >>> figure.count
    Alarms(alarms=2, right=1, precision=0.5, recall=1.0, false_per_hour=2.0)
    """

    def __init__(
        self,
        signal: ArrayLike,
        beat: ArrayLike,
        kind: ArrayLike,
        drawn: Mapping[str, ArrayLike],
        scores: Mapping[str, ArrayLike],
        odd: ArrayLike,
        hours: float,
        threshold: float = 1.0,
        start: float = 0.0,
    ) -> None:
        numbers = {"signal": signal, "beat": beat, "kind": kind, "odd": odd}
        for n, name in enumerate(drawn):
            numbers |= {f"drawn.{n}": drawn[name], f"scores.{n}": scores.get(name, ())}
        arrays = {name: np.asarray(value, np.float32) for name, value in numbers.items()}
        _check(arrays, hours)
        self._scores = {name: arrays[f"scores.{n}"] for n, name in enumerate(drawn)}
        self._odd = arrays["odd"] > 0
        self._start = Between(0, len(arrays["signal"]) // HZ - SECONDS)
        canvas = _ThresholdCanvas(
            **pack(arrays),
            detectors=list(drawn),
            detector=next(iter(drawn)),
            hours=float(hours),
        )
        super().__init__(canvas, threshold=threshold, start=start)
        self._add_slider("threshold", "threshold", THRESHOLD, 0.05).readout = False  # a field says it
        self._add_slider("start", "first second", self._start, 1).readout_format = ".0f"

    threshold = shared("threshold", THRESHOLD.check)

    @property
    def start(self) -> float:
        """The first second that is shown."""
        return self._canvas.start

    @start.setter
    def start(self, start: float) -> None:
        self._canvas.start = self._start.check(start, "start")

    @property
    def detector(self) -> str:
        """Whose surprise is shown and counted."""
        return self._canvas.detector

    @detector.setter
    def detector(self, detector: str) -> None:
        self._canvas.detector = one_of(self._scores)(detector, "detector")

    @property
    def count(self) -> Alarms:
        """What the threshold comes to, with this detector, over all beats that count."""
        alarm = self._scores[self.detector] > self.threshold
        right = int((alarm & self._odd).sum())
        alarms = int(alarm.sum())
        return Alarms(
            alarms,
            right,
            right / alarms if alarms else np.nan,
            right / int(self._odd.sum()),
            (alarms - right) / self._canvas.hours,
        )


def _check(arrays: Mapping[str, np.ndarray], hours: float) -> None:
    """Whether all arrays fit one another."""
    if "drawn.0" not in arrays:
        raise ValueError("drawn must hold at least one detector, under its name")
    for path, array in arrays.items():
        name = path.replace(".", " ")
        if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
            raise ValueError(f"{name} must be one row of finite numbers, got shape {array.shape}")
        like = {"beat": "signal", "drawn": "kind", "scores": "odd"}.get(name.split()[0])
        if like and len(array) != len(arrays[like]):
            raise ValueError(
                f"{name} must have {len(arrays[like])} entries, as many as {like}, got {len(array)}"
            )
    if len(arrays["signal"]) <= SECONDS * HZ:
        raise ValueError(
            f"signal must last longer than {SECONDS} s, {SECONDS * HZ} samples, got {len(arrays['signal'])}"
        )
    beat, kind = arrays["beat"], arrays["kind"]
    if set(beat) != set(range(len(kind))) or not set(kind) <= set(range(len(KINDS))):
        raise ValueError(
            f"beat must name each of the {len(kind)} beats of kind, and kind hold places in KINDS, "
            f"0 to {len(KINDS) - 1}; got beats up to {beat.max():g} and kinds up to {kind.max():g}"
        )
    if not arrays["odd"].any():
        raise ValueError("odd must be True for one beat at least, or there is no recall")
    if not 0 < hours < np.inf:
        raise ValueError(f"hours must be a number above 0, got {hours!r}")
