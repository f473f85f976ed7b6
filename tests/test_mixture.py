"""The mixture density readout against torch.distributions, differences, and its own samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, MultivariateNormal

from lstmlib.mixture import mixture_loss, mixture_of, point_of, raw_size, sample_point


def by_torch(raw, target):
    """The surprise at each point, by covariance matrices and torch's own mixture."""
    pen, blocks = raw[..., 0], raw[..., 1:].unflatten(-1, (6, -1))
    logits, mean_x, mean_y, log_x, log_y, r = blocks.unbind(-2)
    xx, yy, xy = (2 * log_x).exp(), (2 * log_y).exp(), r.tanh() * (log_x + log_y).exp()
    covariance = torch.stack([xx, xy, xy, yy], -1).unflatten(-1, (2, 2))
    each = MultivariateNormal(torch.stack([mean_x, mean_y], -1), covariance)
    density = MixtureSameFamily(Categorical(logits=logits), each)
    return -density.log_prob(target[..., :2]) - Bernoulli(logits=pen).log_prob(target[..., 2])


def points(rng, *shape):
    return np.concatenate([rng.normal(size=(*shape, 2)), rng.integers(2, size=(*shape, 1))], axis=-1)


@pytest.mark.parametrize("M", [1, 3])
def test_loss_and_gradient_are_those_of_torch_distributions(rng, M):
    raw, target = rng.normal(size=(5, 4, raw_size(M))), points(rng, 5, 4)
    mask = rng.random((5, 4)) < 0.7
    theirs = torch.tensor(raw, requires_grad=True)
    expected = by_torch(theirs, torch.tensor(target))[torch.tensor(mask)].mean()
    expected.backward()
    loss, draw = mixture_loss(raw, target, mask)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(draw, theirs.grad, rtol=0, atol=1e-12)


def test_the_gradient_is_that_of_central_differences(rng):
    raw, target = rng.normal(size=(3, raw_size(2))), points(rng, 3)
    _, draw = mixture_loss(raw, target)
    for index in np.ndindex(raw.shape):
        up, down = raw.copy(), raw.copy()
        up[index] += 1e-6
        down[index] -= 1e-6
        slope = (mixture_loss(up, target)[0] - mixture_loss(down, target)[0]) / 2e-6
        assert draw[index] == pytest.approx(slope, abs=1e-8)


def test_one_gaussian_by_hand():
    # σ = (2, ½), ρ = 0.6, one deviation off in both: u² − 2 ρ u v + v² = 0.8, 1 − ρ² = 0.64
    raw = np.array([np.log(3), 0, 1, -1, np.log(2), -np.log(2), np.arctanh(0.6)])
    loss, _ = mixture_loss(raw, [3.0, -0.5, 1.0])
    assert loss == pytest.approx(np.log(2 * np.pi * 0.8) + 0.8 / 1.28 - np.log(0.75), rel=1e-14)


@given(st.lists(st.floats(-300, 300), min_size=13, max_size=13), st.sampled_from([0.0, 1.0]))
def test_a_raw_number_of_any_size_gives_a_loss_and_a_gradient_that_are_numbers_or_an_infinite_loss(raw, up):
    loss, draw = mixture_loss(np.array(raw), [0.5, -0.5, up])
    assert not np.isnan(loss)
    if np.isfinite(loss):
        assert np.isfinite(draw).all()


def test_a_correlation_of_nearly_one_is_as_exact_as_any(rng):
    # Along the diagonal the exponent is u², whatever the correlation: ln N = ln cosh r − ln 2π − u²/2.
    for r in (5.0, 20.0, 40.0):
        loss, draw = mixture_loss(np.array([0, 0, 0, 0, 0, 0, r]), [0.7, 0.7, 0.0])
        w = 0.7 * np.exp(-r)
        log_N = r + np.log1p(np.exp(-2 * r)) - np.log(2) - np.log(2 * np.pi) - (0.49 + w * w) / 2
        assert loss == pytest.approx(np.log(2) - log_N, rel=1e-14)
        assert draw[-1] == pytest.approx(-np.tanh(r) - w * w, rel=1e-12)


def test_a_gaussian_far_away_has_no_share_and_no_gradient():
    raw = np.zeros((6, 2))
    raw[1, 1] = 1e200  # its distance has no square
    flat = np.concatenate([[0.0], raw.ravel()])
    loss, draw = mixture_loss(flat, [0.1, 0.2, 0.0])
    blocks = draw[1:].reshape(6, 2)
    assert loss == pytest.approx(np.log(2 * np.pi) + 0.05 / 2 + 2 * np.log(2), rel=1e-14)
    np.testing.assert_array_equal(blocks[:, 1], [0.5, 0, 0, 0, 0, 0])


def test_padding_counts_for_nothing(rng):
    raw, target = rng.normal(size=(4, 7)), points(rng, 4)
    alone, together = mixture_loss(raw[:2], target[:2]), mixture_loss(raw, target, [True, True, False, False])
    assert together[0] == pytest.approx(alone[0], rel=1e-14)
    np.testing.assert_allclose(together[1], np.concatenate([alone[1], np.zeros((2, 7))]), atol=1e-15)


def test_the_unit_of_length_shifts_the_loss(rng):
    raw, target = rng.normal(size=(9, 13)), points(rng, 9)
    longer = raw.copy().reshape(9, 13)
    longer[:, 3:7] *= 5
    longer[:, 7:11] += np.log(5)
    shift = mixture_loss(longer, target * [5, 5, 1])[0] - mixture_loss(raw, target)[0]
    assert shift == pytest.approx(2 * np.log(5), rel=1e-12)


@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_samples_have_the_moments_of_the_mixture(rng, bias):
    raw = np.concatenate([[0.4], rng.normal(size=12)])
    said = mixture_of(raw, bias)
    n = 200_000
    found = sample_point(np.tile(raw, (n, 1)), rng, bias)
    # What the law of total covariance says
    mean = said.weights @ said.means
    covariance = np.zeros((2, 2))
    for pi, mu, sigma, rho in zip(said.weights, said.means, said.deviations, said.correlations, strict=True):
        inner = np.array([[1, rho], [rho, 1]]) * np.outer(sigma, sigma)
        covariance += pi * (inner + np.outer(mu - mean, mu - mean))
    # Five standard errors of a mean; a generous allowance for products
    assert np.all(abs(found[:, :2].mean(axis=0) - mean) < 5 * np.sqrt(np.diag(covariance) / n))
    np.testing.assert_allclose(np.cov(found[:, :2].T), covariance, rtol=0.05, atol=0.02 * covariance.max())
    assert abs(found[:, 2].mean() - said.pen) < 5 * np.sqrt(0.25 / n)


def test_a_bias_sharpens_as_graves_says(rng):
    raw = rng.normal(size=19)
    plain, sharp = mixture_of(raw), mixture_of(raw, 1.5)
    np.testing.assert_allclose(sharp.deviations, plain.deviations * np.exp(-1.5), rtol=1e-14)
    np.testing.assert_allclose(sharp.weights, plain.weights**2.5 / (plain.weights**2.5).sum(), rtol=1e-13)
    for name in ("pen", "means", "correlations"):
        np.testing.assert_array_equal(getattr(sharp, name), getattr(plain, name))
    # In the end only the middle of the likeliest Gaussian is left
    np.testing.assert_allclose(
        sample_point(raw, rng, 200.0)[:2], plain.means[plain.weights.argmax()], atol=1e-12
    )


def test_chance_picks_the_gaussian_the_place_and_the_pen():
    raw = np.concatenate([[0.0], np.zeros(2), [1, 5], [2, 6], np.zeros(4), [0, np.arctanh(0.6)]])
    said = mixture_of(raw)
    np.testing.assert_allclose(point_of(said, [0.49, 0.49], [1, 1]), [2, 3, 1])
    # 6 + 0.6 · 1 + 0.8 · (−1)
    np.testing.assert_allclose(point_of(said, [0.5, 0.5], [1, -1]), [6, 5.8, 0])
    np.testing.assert_allclose(point_of(said, [np.nextafter(1, 0), 0.5], [0, 0]), [5, 6, 0])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: raw_size(0), "M must be"),
        (lambda: mixture_of(np.zeros(8)), r"raw must have shape .* got \(8,\)"),
        (lambda: mixture_of(np.zeros(1)), "raw must have shape"),
        (lambda: mixture_of(np.zeros(7, int)), "raw must hold floats"),
        (lambda: mixture_of(np.zeros(7), -0.1), "bias must be at least 0"),
        (lambda: mixture_loss(np.zeros((2, 7)), np.zeros(3)), r"target must have shape \(2, 3\)"),
        (lambda: mixture_loss(np.zeros(7), [0, 0, 0.5]), "0 or 1 for the pen, got 0.5"),
        (lambda: mixture_loss(np.zeros((1, 7)), np.zeros((1, 3)), [False]), "mask must be True somewhere"),
        (lambda: mixture_loss(np.zeros((2, 7)), np.zeros((2, 3)), [True]), "mask must have shape"),
        (lambda: point_of(mixture_of(np.zeros(7)), [0.5], [0, 0]), "uniform must have shape"),
        (lambda: sample_point(np.zeros(7), 0), "rng must be"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
