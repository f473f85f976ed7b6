"""Values by another route, derivatives against central differences, and nothing that overflows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.activations import (
    log_softmax,
    sigmoid,
    sigmoid_derivative,
    softmax,
    softmax_backward,
    tanh,
    tanh_derivative,
)
from lstmlib.gradients import numerical_gradient, relative_error

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=6).map(np.array)

GRID = np.linspace(-6, 6, 25)
EXTREME = np.array([-np.inf, -1e308, -800.0, -0.0, 0.0, 800.0, 1e308, np.inf])


@given(scores)
def test_sigmoid_is_the_logistic_function(a):
    np.testing.assert_allclose(sigmoid(a), 1 / (1 + np.exp(-a)), atol=1e-15)


@given(scores)
def test_the_mirror_image_of_a_gate_is_what_is_left_of_it(a):
    np.testing.assert_allclose(sigmoid(-a), 1 - sigmoid(a), atol=1e-15)


def test_squashing_survives_every_number():
    assert sigmoid(EXTREME).tolist() == [0, 0, 0, 0.5, 0.5, 1, 1, 1]
    assert tanh(EXTREME).tolist() == [-1, -1, -1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("f", "derivative"), [(sigmoid, sigmoid_derivative), (tanh, tanh_derivative)])
def test_the_derivative_is_taken_from_the_value(f, derivative):
    slope = numerical_gradient(lambda a: f(a).sum(), GRID.copy())
    assert relative_error(derivative(f(GRID)), slope) < 1e-9


def test_softmax_of_two_scores_by_hand():
    # e^0 : e^(ln 3) = 1 : 3
    np.testing.assert_allclose(softmax(np.array([0.0, np.log(3)])), [0.25, 0.75], rtol=1e-15)


@given(scores)
def test_softmax_is_positive_sums_to_1_and_keeps_the_order(a):
    weights = softmax(a)
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-14)
    assert np.all(np.diff(weights[np.argsort(a)]) >= 0)


@given(scores, st.floats(-1e3, 1e3))
def test_softmax_does_not_see_a_shift_of_all_scores(a, shift):
    np.testing.assert_allclose(softmax(a + shift), softmax(a), rtol=1e-10)


@given(scores)
def test_log_softmax_is_the_logarithm_of_softmax(a):
    np.testing.assert_allclose(np.exp(log_softmax(a)), softmax(a), rtol=1e-12)


def test_log_softmax_keeps_what_softmax_rounds_to_0():
    a = np.array([0.0, -1000.0])
    assert softmax(a).tolist() == [1, 0]
    assert log_softmax(a).tolist() == [0, -1000]


def test_softmax_survives_large_scores_and_gives_a_forbidden_one_no_weight():
    assert softmax(np.array([1e308, 1e308])).tolist() == [0.5, 0.5]
    assert softmax(np.array([1e4, 0.0, -np.inf])).tolist() == [1, 0, 0]
    assert log_softmax(np.array([0.0, -np.inf])).tolist() == [0, -np.inf]


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax_and_its_gradient_equal_pytorch_along_every_axis(axis):
    rng = np.random.default_rng(0)
    a, dy = 3 * rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    theirs = torch.tensor(a, requires_grad=True)
    y = theirs.softmax(axis)
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(softmax(a, axis), y.detach(), rtol=1e-12)
    np.testing.assert_allclose(log_softmax(a, axis), theirs.log_softmax(axis).detach(), rtol=1e-12)
    np.testing.assert_allclose(softmax_backward(dy, softmax(a, axis), axis), theirs.grad, atol=1e-14)


@pytest.mark.parametrize("f", [sigmoid, tanh, softmax, log_softmax, sigmoid_derivative, tanh_derivative])
def test_float32_stays_float32_and_the_argument_stays_as_it_was(f):
    a = np.array([-0.5, 0.25, 0.75], np.float32)
    before = a.copy()
    assert f(a).dtype == np.float32
    assert np.array_equal(a, before)
