"""A readout that says a density, for `applications/handwriting_generation`: where a pen goes, if it lifts.

A network gives 6 M + 1 raw numbers at every step. They are made into a mixture of M bivariate Gaussians for
the way (dx, dy), and a probability that the pen is lifted there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array, sigmoid, softmax
from lstmlib.checks import check_mask, check_number, check_rng, check_size

PARTS = 6
"""Raw numbers of each Gaussian: weight, mean of dx and of dy, log deviation of dx and of dy, correlation."""


class Mixture(NamedTuple):
    """What raw numbers (..., 6 M + 1) say of the next point.

    Attributes
    ----------
    pen : array (...)
        Probability that the pen is lifted at the point.
    weights : array (..., M)
        How much each Gaussian counts; they sum to 1.
    means, deviations : arrays (..., M, 2)
        Centre and standard deviation of each Gaussian, for dx and dy.
    correlations : array (..., M)
        Of dx and dy, between −1 and 1.
    """

    pen: Array
    weights: Array
    means: Array
    deviations: Array
    correlations: Array


def raw_size(M: int) -> int:
    """How many raw numbers a mixture of M Gaussians takes, 6 M + 1; ValueError for an M below 1.

    >>> raw_size(20)
    121
    """
    return PARTS * check_size(M, "M") + 1


def mixture_of(raw: ArrayLike, bias: float = 0.0) -> Mixture:
    r"""The mixture that raw numbers (..., 6 M + 1) say, sharpened by a `bias` of 0 or more.

    The first number is $\hat e$; then come six blocks of M: $\hat\pi$, $\hat\mu_x$, $\hat\mu_y$,
    $\hat\sigma_x$, $\hat\sigma_y$, $\hat\rho$.

    $$e = \sigma(\hat e), \quad \pi = \mathrm{softmax}((1 + b)\, \hat\pi), \quad \mu = \hat\mu, \quad
    \sigma = \exp(\hat\sigma - b), \quad \rho = \tanh(\hat\rho)$$

    With b = 0 this is what the network says. The larger b, the more a sample comes from the middle of the
    likeliest Gaussian. Raises ValueError for another shape, numbers that are not floats, or a bias below 0.

    Graves 2013, equations 18 to 22, and 61 and 62 for the bias. (There e is 1 / (1 + exp(ê)): the sign of ê
    is the other one.)

    >>> mixture_of(np.zeros(7), bias=1.0).deviations.round(3)
    array([[0.368, 0.368]])
    """
    pen, logits, mean_x, mean_y, log_x, log_y, r = _parts(raw)
    if check_number(bias, "bias") < 0:
        raise ValueError(f"bias must be at least 0, got {bias!r}")
    return Mixture(
        pen=sigmoid(pen),
        weights=softmax((1 + bias) * logits),
        means=np.stack([mean_x, mean_y], axis=-1),
        deviations=np.exp(np.stack([log_x, log_y], axis=-1) - bias),
        correlations=np.tanh(r),
    )


def mixture_loss(raw: ArrayLike, target: ArrayLike, mask: ArrayLike | None = None) -> tuple[float, Array]:
    r"""Mean surprise at the points that came, and its gradient.

    For a point (x, y, lifted), with $u = (x - \mu_x)/\sigma_x$ and $v = (y - \mu_y)/\sigma_y$,

    $$L = -\ln \sum_m \pi_m N_m(x, y) - \ln(e \text{ if lifted, else } 1 - e), \qquad
    N = \frac{1}{2 \pi \sigma_x \sigma_y \sqrt{1 - \rho^2}}
    \exp\Bigl(-\frac{u^2 - 2 \rho u v + v^2}{2 (1 - \rho^2)}\Bigr).$$

    With $\rho = \tanh r$ the root is $1 / \cosh r$ and the fraction $(u^2 + w^2) / 2$, where
    $w = v \cosh r - u \sinh r = \frac12 ((v - u)\, e^r + (v + u)\, e^{-r})$: no difference of near-equal
    numbers, and nothing divided by 0.

    Parameters
    ----------
    raw : array (..., 6 M + 1)
        In the order of `mixture_of`.
    target : array (..., 3)
        dx, dy, and 1 where the pen is lifted at the point, else 0.
    mask : array of bool (...), optional
        Where it is False the point counts for nothing, in the loss or in the gradient.

    Returns
    -------
    loss : float
        In nats a point. A density may be larger than 1, so the loss may be below 0, and it shifts with the
        unit of length: by 2 ln s where all ways are s times as long.
    draw : array (..., 6 M + 1)
        With $\gamma_m = \pi_m N_m / \sum_k \pi_k N_k$, the gradient of $\hat\pi$ is $\pi - \gamma$, and every
        other one is $-\gamma$ times that of $\ln N$.

    Raises ValueError for shapes that do not fit, a pen that is neither 0 nor 1, or a mask without any True.

    Graves 2013, equations 23 to 26; mixture density networks are Bishop's, 1994.

    >>> loss, draw = mixture_loss(np.zeros((1, 7)), [[0.0, 0.0, 1.0]])
    >>> print(round(loss - np.log(2 * np.pi), 4), draw[0, 0])
    0.6931 -0.5
    """
    pen, logits, mean_x, mean_y, log_x, log_y, r = _parts(raw)
    x, y, lifted = _target(target, pen.shape)
    real = check_mask(mask, pen.shape)
    if not real.any():
        raise ValueError("mask must be True somewhere: there is nothing to take the mean of")
    # What is too large for a float64 is infinite: such a Gaussian has no share in the point.
    with np.errstate(over="ignore", invalid="ignore"):
        u, v = (x - mean_x) * np.exp(-log_x), (y - mean_y) * np.exp(-log_y)
        grown, shrunk = (v - u) * np.exp(r) / 2, (v + u) * np.exp(-r) / 2
        w, z = grown + shrunk, grown - shrunk
        log_cosh = np.logaddexp(r, -r) - np.log(2)
        log_N = -np.log(2 * np.pi) - log_x - log_y + log_cosh - (u * u + w * w) / 2
        log_joint = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True) + log_N
        log_joint = np.where(np.isnan(log_joint), -np.inf, log_joint)
        log_p = np.logaddexp.reduce(log_joint, axis=-1)
        share = np.exp(log_joint - log_p[..., None])
        half_u, half_v = u - w * np.sinh(r), w * np.cosh(r)  # of ½ (u² + w²), by u and by v
        of_log_N = [
            half_u * np.exp(-log_x),
            half_v * np.exp(-log_y),
            half_u * u - 1,
            half_v * v - 1,
            np.tanh(r) - w * z,
        ]
        blocks = [softmax(logits) - share, *(np.where(share > 0, -share * one, 0) for one in of_log_N)]
    surprise = np.logaddexp(0, pen) - lifted * pen - log_p
    draw = np.concatenate([(sigmoid(pen) - lifted)[..., None], *blocks], axis=-1)
    n = int(real.sum())
    return float(np.sum(surprise[real]) / n), np.where(real[..., None], draw / n, 0)


def point_of(mixture: Mixture, uniform: ArrayLike, normal: ArrayLike) -> Array:
    """The points (..., 3) that chance picks: `uniform` and `normal` (..., 2) are the chance.

    The first uniform number in [0, 1) picks the Gaussian, the second says whether the pen is lifted; the two
    standard normal ones say where in the Gaussian:

    dx = μ_x + σ_x n₁,  dy = μ_y + σ_y (ρ n₁ + √(1 − ρ²) n₂)

    Raises ValueError for chance of another shape.

    >>> point_of(mixture_of(np.zeros(7)), [0.3, 0.7], [0.5, -0.5])
    array([ 0.5, -0.5,  0. ])
    """
    chance = []
    for name, numbers in (("uniform", np.asarray(uniform, float)), ("normal", np.asarray(normal, float))):
        if numbers.shape != (*mixture.pen.shape, 2):
            raise ValueError(f"{name} must have shape {(*mixture.pen.shape, 2)}, got {numbers.shape}")
        chance.append(numbers)
    (pick, lift), (n_1, n_2) = (np.moveaxis(numbers, -1, 0) for numbers in chance)
    passed = mixture.weights.cumsum(axis=-1) <= pick[..., None]
    m = np.minimum(passed.sum(axis=-1), mixture.weights.shape[-1] - 1)[..., None]
    mean, deviation = (
        np.take_along_axis(array, m[..., None], axis=-2)[..., 0, :]
        for array in (mixture.means, mixture.deviations)
    )
    rho = np.take_along_axis(mixture.correlations, m, axis=-1)[..., 0]
    dx = mean[..., 0] + deviation[..., 0] * n_1
    dy = mean[..., 1] + deviation[..., 1] * (rho * n_1 + np.sqrt(1 - rho * rho) * n_2)
    return np.stack([dx, dy, lift < mixture.pen], axis=-1)


def sample_point(raw: ArrayLike, rng: Generator | None = None, bias: float = 0.0) -> Array:
    """Points (..., 3) drawn from what raw numbers (..., 6 M + 1) say, with a `bias` as in `mixture_of`.

    Raises ValueError as `mixture_of`, or for an `rng` that is no Generator.

    >>> sample_point(np.zeros((4, 13)), np.random.default_rng(0)).shape
    (4, 3)
    """
    rng, mixture = check_rng(rng), mixture_of(raw, bias)
    shape = (*mixture.pen.shape, 2)
    return point_of(mixture, rng.random(shape), rng.standard_normal(shape))


def _parts(raw: ArrayLike) -> list[Array]:
    """ê (...), and the six blocks (..., M)."""
    array = np.asarray(raw)
    if array.dtype.kind != "f":
        raise ValueError(f"raw must hold floats, got dtype {array.dtype}")
    size = array.shape[-1] if array.ndim else 0
    if array.size == 0 or size <= 1 or (size - 1) % PARTS:
        raise ValueError(f"raw must have shape (..., 6 M + 1) with M of at least 1, got {array.shape}")
    return [array[..., 0], *np.split(array[..., 1:], PARTS, axis=-1)]


def _target(target: ArrayLike, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """The way in x and in y (..., 1), and the pen (...)."""
    points = np.asarray(target, dtype=float)
    if points.shape != (*shape, 3):
        raise ValueError(f"target must have shape {(*shape, 3)}, a point for each of raw; got {points.shape}")
    lifted = points[..., 2]
    if not np.isin(lifted, (0, 1)).all():
        raise ValueError(f"target must have 0 or 1 for the pen, got {lifted[~np.isin(lifted, (0, 1))][0]}")
    return points[..., :1], points[..., 1:2], lifted
