"""Synthetic tasks on which memory is measured, each as the paper that set it defines it.

What such a task asks for is known exactly, and so is the best guess of a network that remembers nothing:
every function below says it. Each draws B sequences of T steps with `rng`, a `numpy.random.Generator` and
the only source of randomness, and returns a `TaskBatch`, time-major like the layers.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_number, check_rng, check_size

ADDING_TOLERANCE = 0.04
"""A sequence of `adding` or `multiplication` counts as right if its absolute error is below this (1997)."""


class TaskBatch(NamedTuple):
    """A batch of sequences of one task.

    Attributes
    ----------
    x : array (T, B, D)
        Inputs; zeros after the end of a sequence.
    target : array
        What is asked for: floats (B, 1) or classes (B,) where one answer is due at the end, classes (T, B)
        or floats (T, B, O) where one is due at every step.
    mask : array of bool (T, B)
        True for the steps of a sequence, False for the padding after it.
    """

    x: Array
    target: NDArray[Any]
    mask: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int_]:
        """Number of real steps of each sequence, (B,)."""
        return self.mask.sum(axis=0)


# One number at the end, made of two numbers seen long before


def adding(T: int, B: int, *, rng: Generator | None = None) -> TaskBatch:
    """The adding problem of 1997: add two numbers among many, told which by a marker.

    Every step is a pair, a number from U(−1, 1) and a marker. The marker is 1 at one of the first ten pairs
    and at one of the first T/2 − 1 others, −1 at the first and the last pair, else 0. With X₁ and X₂ the
    marked numbers, the target is ½ + (X₁ + X₂)/4, which lies in [0, 1]. Where a mark falls on the first
    pair, its −1 stays, and its number is set to 0.

    T, at least 20, is the shortest length: each sequence has between T and T + T/10 steps. `x` has 2
    features, numbers and markers; `target` is (B, 1). Raises ValueError for a T or B that is too small, or
    an `rng` that is no Generator. From Hochreiter & Schmidhuber 1997, section 5.4.

    Guessing ½ has the mean squared error 1/24 where both marks count: Var(U(−1, 1)) = 1/3, so 2/3 for the
    sum and 2/3 · (1/4)² after scaling. The marks lost to the first pair bring it a little lower, to 0.0392
    at T = 100. The paper's criterion is an absolute error below 0.04 (`ADDING_TOLERANCE`), which is
    something else.

    >>> batch = adding(100, 3, rng=np.random.default_rng(0))
    >>> batch.x[..., 1].min(), batch.target.shape, batch.lengths
    (np.float64(-1.0), (3, 1), array([109, 107, 105]))
    """
    x, mask, marked = _marked_pairs(T, B, low=-1.0, neutral=0.0, rng=rng)
    return TaskBatch(x, 0.5 + marked.sum(axis=0)[:, None] / 4, mask)


def multiplication(T: int, B: int, *, rng: Generator | None = None) -> TaskBatch:
    """The multiplication problem: `adding` with numbers from U(0, 1), and their product X₁ X₂.

    Where a mark falls on the first pair, its −1 stays, and its number is set to 1. Raises ValueError as
    `adding`. From Hochreiter & Schmidhuber 1997, section 5.5.

    Guessing ¼ has the mean squared error (1/3)² − (1/4)² = 7/144 where both marks count. The marks lost to
    the first pair bring the best guess to 0.280 and its error to 0.0592 at T = 100. The paper's criterion
    is again an absolute error below 0.04 (`ADDING_TOLERANCE`).
    """
    x, mask, marked = _marked_pairs(T, B, low=0.0, neutral=1.0, rng=rng)
    return TaskBatch(x, marked.prod(axis=0)[:, None], mask)


def adding_unscaled(T: int, B: int, *, rng: Generator | None = None) -> TaskBatch:
    """The adding problem as later papers set it: numbers from U(0, 1), and their plain sum.

    All sequences have T steps, at least 2. The marker is 1 once in the first half and once in the
    second, and 0 elsewhere; the target X₁ + X₂ is (B, 1). Guessing 1 has the mean squared error 2
    Var(U(0, 1)) = 1/6.

    Raises ValueError for a T or B that is too small, or an `rng` that is no Generator. From Arjovsky, Shah
    & Bengio 2016, section 5.

    >>> x, target, mask = adding_unscaled(4, 2, rng=np.random.default_rng(0))
    >>> bool(np.allclose((x[..., 0] * x[..., 1]).sum(axis=0), target[:, 0]))
    True
    """
    T, B, rng = _check_length(T, 2, "the first half and the second"), check_size(B, "B"), check_rng(rng)
    x = np.stack([rng.uniform(size=(T, B)), np.zeros((T, B))], axis=-1)
    sequences = np.arange(B)
    first, second = rng.integers(0, T // 2, B), rng.integers(T // 2, T, B)
    x[first, sequences, 1] = x[second, sequences, 1] = 1
    target = x[first, sequences, 0] + x[second, sequences, 0]
    return TaskBatch(x, target[:, None], np.ones((T, B), bool))


# One class at the end


def sample_and_hold(T: int, B: int, chance: float, *, rng: Generator | None = None) -> TaskBatch:
    """At every step say the number that came with the last flag.

    Every step is a pair, a number from U(−1, 1) and a flag, which is 1 with probability `chance` and at the
    first step; `target` is (T, B, 1). Saying 0 always has the mean squared error Var(U(−1, 1)) = 1/3.

    Raises ValueError for a T or B below 1, a `chance` that is no probability, or an `rng` that
    is no Generator.

    >>> batch = sample_and_hold(4, 1, chance=0.5, rng=np.random.default_rng(1))
    >>> np.hstack([batch.x[:, 0], batch.target[:, 0]]).round(2)
    array([[ 0.02,  1.  ,  0.02],
           [ 0.9 ,  1.  ,  0.9 ],
           [-0.71,  0.  ,  0.9 ],
           [ 0.9 ,  1.  ,  0.9 ]])
    """
    check_size(T, "T")
    check_size(B, "B")
    if not 0 <= check_number(chance, "chance") <= 1:
        raise ValueError(f"chance must be from 0 to 1, got {chance!r}")
    rng = check_rng(rng)
    number, flag = rng.uniform(-1, 1, (T, B)), rng.random((T, B)) < chance
    flag[0] = True
    last = np.maximum.accumulate(np.where(flag, np.arange(T)[:, None], 0), axis=0)
    target = np.take_along_axis(number, last, axis=0)[..., None]
    return TaskBatch(np.stack([number, flag], axis=-1).astype(float), target, np.ones((T, B), bool))


def latching(T: int, B: int, *, L: int = 3, noise: float = 0.2, rng: Generator | None = None) -> TaskBatch:
    """Latch one bit: the first L inputs say the class, and noise follows until it is asked for.

    For L steps the input is −1 in class 0 and +1 in class 1; from then on it is Gaussian around 0, with the
    standard deviation `noise`. T is above L, the classes `target` (B,) are equally likely. In the paper the
    L inputs of each class are parameters, learnt along with the network: here they are given, so that every
    layer gets the same task.

    Raises ValueError for a T, B or L that is too small, a negative `noise`, or an `rng` that is no
    Generator. From Bengio, Simard & Frasconi 1994, section II.

    >>> batch = latching(5, 2, noise=0.0, rng=np.random.default_rng(0))
    >>> batch.target, batch.x[:, 0, 0]
    (array([1, 1]), array([1., 1., 1., 0., 0.]))
    """
    L, B, rng = check_size(L, "L"), check_size(B, "B"), check_rng(rng)
    T = _check_length(T, L + 1, f"the {L} steps that carry the class, and noise")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a standard deviation of at least 0, got {noise!r}")
    target = rng.integers(0, 2, B)
    x = rng.normal(0, noise, (T, B, 1))
    x[:L, :, 0] = 2 * target - 1
    return TaskBatch(x, target, np.ones((T, B), bool))


TEMPORAL_ORDER_SYMBOLS = "abcdXYEB"


def temporal_order(T: int, B: int, *, relevant: int = 2, rng: Generator | None = None) -> TaskBatch:
    """Say in which order X and Y appeared, among symbols that mean nothing.

    A sequence starts with E, ends with B, and has a, b, c or d at random between them, except for two
    or three `relevant` places far apart, which have X or Y. The class is their order: with two, XX, XY,
    YX, YY are the classes 0 to 3 (the paper's Q, R, S, U); with three, XXX to YYY are 0 to 7 (Q, R, S,
    U, V, A, B, C).

    T, at least 10, is the shortest length; the paper's is 100. Each sequence has between T and T + T/10
    steps. The relevant steps, counted from 0, are drawn from windows of T/10 that start at T/10 and T/2, or
    at T/10, T/3 and 2T/3: for T = 100 from 10–20 and 50–60, or 10–20, 33–43 and 66–76. `x` is one-hot over
    the 8 `TEMPORAL_ORDER_SYMBOLS`; `target` is (B,).

    All classes are equally likely: a guess is right once in 4 or once in 8. The paper's criterion is that
    every output unit is within 0.3 of the class's one-hot code. Raises ValueError for a T or B that is too
    small, another number of relevant symbols, or an `rng` that is no Generator. From Hochreiter &
    Schmidhuber 1997, section 5.6, tasks 6a and 6b.

    >>> batch = temporal_order(10, 1, rng=np.random.default_rng(1))
    >>> "".join(TEMPORAL_ORDER_SYMBOLS[k] for k in batch.x[:, 0].argmax(axis=-1)), batch.target
    ('EXdaaYdabB', array([1]))
    """
    if relevant not in (2, 3):
        raise ValueError(f"relevant must be 2 or 3, the number of symbols X or Y; got {relevant!r}")
    T = _check_length(T, 10, f"{relevant} relevant places far apart")
    B, rng = check_size(B, "B"), check_rng(rng)
    mask = _mask(_random_lengths(T, B, rng))
    sequences = np.arange(B)
    symbols = rng.integers(0, 4, mask.shape)
    symbols[0] = TEMPORAL_ORDER_SYMBOLS.index("E")
    symbols[mask.sum(axis=0) - 1, sequences] = TEMPORAL_ORDER_SYMBOLS.index("B")
    target = np.zeros(B, int)
    for start in (T // 10, T // 2) if relevant == 2 else (T // 10, T // 3, 2 * T // 3):
        is_y = rng.integers(0, 2, B)
        places = rng.integers(start, start + T // 10, B, endpoint=True)
        symbols[places, sequences] = TEMPORAL_ORDER_SYMBOLS.index("X") + is_y
        target = 2 * target + is_y
    return TaskBatch(_one_hot(symbols, len(TEMPORAL_ORDER_SYMBOLS)) * mask[..., None], target, mask)


# One class at every step


def copying(T: int, B: int, *, rng: Generator | None = None) -> TaskBatch:
    """Repeat ten symbols after T steps of silence.

    There are ten symbols: 0 to 7 to remember, 8 the blank, 9 the sign to begin. A sequence is ten
    symbols to remember, T − 1 blanks, the sign, and ten blanks, during which the ten symbols are due,
    each T + 10 steps after it was read. Until then the blank is due. `x` is (T + 20, B, 10), one-hot,
    `target` (T + 20, B).

    Without memory the best is to answer blanks, then any of eight: a cross-entropy of 10 log 8 / (T + 20).
    Raises ValueError for a T or B below 1, or an `rng` that is no Generator. From Arjovsky, Shah & Bengio
    2016, section 5.

    >>> batch = copying(5, 1, rng=np.random.default_rng(0))
    >>> "".join(map(str, batch.x[:, 0].argmax(axis=-1))), "".join(map(str, batch.target[:, 0]))
    ('6542200016888898888888888', '8888888888888886542200016')
    """
    T, B, rng = check_size(T, "T"), check_size(B, "B"), check_rng(rng)
    blank, sign = 8, 9
    remembered = rng.integers(0, 8, (10, B))
    symbols, target = np.full((2, T + 20, B), blank)
    symbols[:10] = remembered
    symbols[T + 9] = sign
    target[-10:] = remembered
    return TaskBatch(_one_hot(symbols, 10), target, np.ones((T + 20, B), bool))


# What the tasks share


def _marked_pairs(
    T: int, B: int, low: float, neutral: float, rng: Generator | None
) -> tuple[Array, NDArray[np.bool_], Array]:
    """Numbers from U(low, 1) with their markers, the mask, and the two marked numbers (2, B)."""
    T = _check_length(T, 20, "two marks in the first half, one of them among the first ten pairs")
    B, rng = check_size(B, "B"), check_rng(rng)
    mask = _mask(_random_lengths(T, B, rng))
    numbers, markers = rng.uniform(low, 1, mask.shape) * mask, np.zeros(mask.shape)
    first = rng.integers(0, 10, B)
    # The k-th of the pairs that are still unmarked: those from `first` on have moved up by one.
    k = rng.integers(0, T // 2 - 1, B)
    second = k + (k >= first)
    sequences = np.arange(B)
    # The start marker takes the first pair's place, so the number there must count for nothing.
    numbers[0, (first == 0) | (second == 0)] = neutral
    markers[first, sequences] = markers[second, sequences] = 1
    markers[0] = markers[mask.sum(axis=0) - 1, sequences] = -1
    marked = np.stack([numbers[first, sequences], numbers[second, sequences]])
    return np.stack([numbers, markers], axis=-1), mask, marked


def _random_lengths(T: int, B: int, rng: Generator) -> NDArray[np.int_]:
    return rng.integers(T, T + T // 10, B, endpoint=True)


def _mask(lengths: NDArray[np.int_]) -> NDArray[np.bool_]:
    """True for the first `lengths[b]` of as many steps as the longest sequence has, (T, B)."""
    return np.arange(lengths.max())[:, None] < lengths


def _one_hot(symbols: NDArray[np.int_], count: int) -> Array:
    return np.eye(count)[symbols]


def _check_length(T: int, minimum: int, needs: str) -> int:
    if check_size(T, "T") < minimum:
        raise ValueError(f"T must be at least {minimum}, to have room for {needs}; got {T}")
    return int(T)
