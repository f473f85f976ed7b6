"""The plain recurrent network by hand, and beside PyTorch's cell."""

import math

import numpy as np
import torch

from lstmlib.gradients import gradient_norm_by_lag
from lstmlib.rnn import RNN, rnn_step, rnn_step_backward

# One unit that sees one number: h = tanh(2 x − 1 h_prev + 0.5)
ONE_UNIT = {"W_x": np.array([[2.0]]), "W_h": np.array([[-1.0]]), "b": np.array([0.5])}


def test_two_steps_by_hand():
    # Read 0.5: tanh(2 · 0.5 − 0 + 0.5) = tanh(1.5). Read 0.25: tanh(2 · 0.25 − tanh(1.5) + 0.5).
    layer = RNN(1, 1)
    layer.params = ONE_UNIT
    h, last = layer.forward(np.array([[[0.5]], [[0.25]]]))
    first = math.tanh(1.5)
    second = math.tanh(1 - first)
    np.testing.assert_allclose(h[:, 0, 0], [first, second], rtol=1e-14)
    assert last.h == h[-1]


def test_two_steps_backward_by_hand():
    # L = h_2 and a_t = 2 x_t − h_{t−1} + 0.5. With s_t = 1 − h_t² the chain is
    # ∂L/∂a_2 = s_2, ∂L/∂h_1 = −s_2, ∂L/∂a_1 = −s_2 s_1, ∂L/∂h_0 = s_2 s_1.
    layer = RNN(1, 1)
    layer.params = ONE_UNIT
    h, _ = layer.forward(np.array([[[0.5]], [[0.25]]]))
    dx, dstate0 = layer.backward(np.array([[[0.0]], [[1.0]]]))
    s_1, s_2 = 1 - h[:, 0, 0] ** 2
    np.testing.assert_allclose(dx[:, 0, 0], [2 * -s_2 * s_1, 2 * s_2], rtol=1e-14)
    np.testing.assert_allclose(dstate0.h, [[s_2 * s_1]], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["W_x"], [[0.5 * -s_2 * s_1 + 0.25 * s_2]], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["W_h"], [[s_2 * h[0, 0, 0]]], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["b"], [s_2 - s_2 * s_1], rtol=1e-14)


def test_a_step_and_its_gradient_equal_the_cell_of_pytorch():
    rng = np.random.default_rng(0)
    x, h_prev, dh = rng.standard_normal((5, 3)), rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
    params = {
        "W_x": rng.standard_normal((4, 3)),
        "W_h": rng.standard_normal((4, 4)),
        "b": rng.standard_normal(4),
    }
    h, cache = rnn_step(x, h_prev, params)
    dx, dh_prev, grads = rnn_step_backward(dh, cache, params)

    cell = torch.nn.RNNCell(3, 4, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(params["W_x"]))
        cell.weight_hh.copy_(torch.tensor(params["W_h"]))
        cell.bias_ih.copy_(torch.tensor(params["b"]))
        cell.bias_hh.zero_()
    theirs_x, theirs_h = torch.tensor(x, requires_grad=True), torch.tensor(h_prev, requires_grad=True)
    theirs = cell(theirs_x, theirs_h)
    theirs.backward(torch.tensor(dh))
    np.testing.assert_allclose(h, theirs.detach(), atol=1e-12)
    np.testing.assert_allclose(dx, theirs_x.grad, atol=1e-12)
    np.testing.assert_allclose(dh_prev, theirs_h.grad, atol=1e-12)
    np.testing.assert_allclose(grads["W_x"], cell.weight_ih.grad, atol=1e-12)
    np.testing.assert_allclose(grads["W_h"], cell.weight_hh.grad, atol=1e-12)
    np.testing.assert_allclose(grads["b"], cell.bias_ih.grad, atol=1e-12)


def test_a_step_changes_nothing_that_it_was_given():
    params = {name: value.copy() for name, value in ONE_UNIT.items()}
    x, h_prev, dh = np.array([[0.5]]), np.array([[0.1]]), np.array([[1.0]])
    _, cache = rnn_step(x, h_prev, params)
    rnn_step_backward(dh, cache, params)
    assert (x, h_prev, dh) == ([[0.5]], [[0.1]], [[1.0]])
    assert params == ONE_UNIT


def test_the_hidden_state_stays_within_one_whatever_comes_in():
    h, _ = RNN(3, 4, rng=np.random.default_rng(0)).forward(1e6 * np.ones((20, 2, 3)))
    assert np.abs(h).max() <= 1


def test_a_gradient_vanishes_with_the_singular_values_of_the_recurrent_matrix():
    # h stays 0 without an input, where tanh has the slope 1: each step multiplies by W_h alone.
    layer = RNN(1, 3, rng=np.random.default_rng(0))
    orthogonal = layer.params["W_h"].copy()
    for scale in (0.9, 1.0, 1.1):
        layer.params["W_h"][:] = scale * orthogonal
        norms = gradient_norm_by_lag(layer, np.zeros((60, 1, 1)))[:, 0]
        np.testing.assert_allclose(norms, scale ** np.arange(60.0), rtol=1e-10)
