"""Where weights start: their range, their spread, and one draw for each gate."""

import numpy as np
import pytest

from lstmlib.initialisation import gate_weights, glorot_uniform, orthogonal


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [(50, 200), (200, 50)])
def test_glorot_weights_fill_their_interval_evenly(shape):
    W = glorot_uniform(shape, rng())
    a = np.sqrt(6 / (50 + 200))
    assert W.shape == shape
    assert 0.99 * a < np.abs(W).max() < a
    # A uniform distribution on (−a, a) has mean 0 and variance a²/3 = 2 / (fan_in + fan_out).
    np.testing.assert_allclose(W.mean(), 0, atol=4 * a / np.sqrt(3 * W.size))
    np.testing.assert_allclose(W.var(), 2 / 250, rtol=0.05)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_an_orthogonal_matrix_changes_no_length(size):
    W = orthogonal(size, rng())
    np.testing.assert_allclose(W.T @ W, np.eye(size), atol=1e-13)


def test_orthogonal_matrices_are_drawn_without_favouring_a_sign():
    # Averaged over many draws each entry is 0; QR alone would leave the first column negative.
    mean = np.mean([orthogonal(2, rng(seed)) for seed in range(400)], axis=0)
    np.testing.assert_allclose(mean, 0, atol=4 * np.sqrt(0.5 / 400))


def test_each_gate_starts_as_it_would_alone():
    W_x, W_h, b = gate_weights(4, 3, 5, rng()).values()
    assert W_x.shape == (20, 3)
    assert np.abs(W_x).max() <= np.sqrt(6 / (3 + 5))
    for block in np.split(W_h, 4):
        np.testing.assert_allclose(block.T @ block, np.eye(5), atol=1e-13)
    assert b.tolist() == [0] * 20


def test_no_two_gates_start_alike():
    W_x, W_h, _ = gate_weights(4, 3, 5, rng()).values()
    for W in (W_x, W_h):
        first, *others = np.split(W, 4)
        assert all(np.abs(first - other).max() > 0.1 for other in others)


def test_the_spread_of_a_gate_does_not_depend_on_how_many_stand_above_it():
    alone = gate_weights(1, 40, 40, rng())["W_x"]
    four = gate_weights(4, 40, 40, rng())["W_x"]
    np.testing.assert_allclose(four.std(), alone.std(), rtol=0.05)


def test_one_seed_gives_one_set_of_weights():
    first, again, other = (list(gate_weights(2, 3, 4, rng(seed)).values()) for seed in (0, 0, 1))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
