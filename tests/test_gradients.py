"""The detective itself: it must find what is wrong, pass what is right, and leave no trace."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.gradients import (
    check_gradients,
    check_layer,
    gradient_norm_by_lag,
    numerical_gradient,
    relative_error,
)
from lstmlib.gru import GRU
from lstmlib.layer import RecurrentLayer
from lstmlib.lstm import LSTM, LSTMState
from lstmlib.no_forget_lstm import NoForgetLSTM
from lstmlib.peephole_lstm import PeepholeLSTM, peephole_lstm_step, peephole_lstm_step_backward
from lstmlib.rnn import RNN, rnn_step, rnn_step_backward

numbers = st.lists(st.integers(-1000, 1000), min_size=3, max_size=3).map(lambda tenths: np.array(tenths) / 10)

# Central differences


def test_the_numerical_gradient_of_a_parabola_is_its_tangent():
    # d/dw (3 w² + w) = 6 w + 1, and central differences are exact for a parabola but for rounding.
    w = np.array([[-1.0, 0.0], [0.5, 2.0]])
    gradient = numerical_gradient(lambda w: np.sum(3 * w**2 + w), w)
    np.testing.assert_allclose(gradient, [[-5, 1], [4, 13]], atol=1e-9)


def test_the_error_of_the_numerical_gradient_falls_with_the_square_of_epsilon():
    # At w = 0 the third derivative of sinh is 1, so the error is ε²/6 + ε⁴/120.
    for epsilon in (1e-1, 1e-2):
        gradient = numerical_gradient(np.sinh, np.array(0.0), epsilon)
        np.testing.assert_allclose(gradient - 1, epsilon**2 / 6, rtol=1e-3)


def test_the_numerical_gradient_also_reads_an_array_where_it_lies():
    params = {"w": np.array([2.0, 3.0])}
    gradient = numerical_gradient(lambda _: params["w"][0] * params["w"][1], params["w"])
    np.testing.assert_allclose(gradient, [3, 2], atol=1e-9)


def test_the_array_is_put_back_even_if_the_function_raises():
    w = np.array([0.1, 0.2])

    def only_small(w):
        if w[1] > 0.2:
            raise ArithmeticError
        return w[0]

    with pytest.raises(ArithmeticError):
        numerical_gradient(only_small, w)
    assert w.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("f", "array", "epsilon", "message"),
    [
        (np.sum, np.ones(2, np.float32), 1e-5, "array must be a float64 array, .*got dtype float32"),
        (np.sum, np.ones(2, int), 1e-5, "array must be a float64 array, .*got dtype int64"),
        (np.sum, [1.0, 2.0], 1e-5, "array must be a float64 array, .*got list"),
        (np.tanh, np.ones(2), 1e-5, r"f must return one finite number, got array\(\["),
        (lambda w: np.nan, np.ones(2), 1e-5, "f must return one finite number, got nan"),
        (np.sum, np.ones(2), 0, "epsilon must be above 0, got 0"),
    ],
)
def test_what_has_no_numerical_gradient_is_named(f, array, epsilon, message):
    with pytest.raises(ValueError, match=message):
        numerical_gradient(f, array, epsilon)


# Relative error


@given(numbers, numbers, st.floats(1e-3, 1e3))
def test_relative_error_is_symmetric_and_knows_no_scale(a, b, scale):
    assert relative_error(a, b) == relative_error(b, a)
    np.testing.assert_allclose(relative_error(scale * a, scale * b), relative_error(a, b), rtol=1e-9)


@given(numbers)
def test_relative_error_is_0_for_equals_and_2_for_a_wrong_sign(a):
    assert relative_error(a, a) == 0
    assert relative_error(a, -a) == (2 if a.any() else 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_infinitely_wrong(bad):
    # Not NaN: max() over the errors of a layer would pass it by.
    assert relative_error([1.0, bad], [1.0, 1.0]) == np.inf
    assert relative_error([0.0, 0.0], [0.0, bad]) == np.inf
    assert relative_error([bad], [bad]) == np.inf


def test_relative_error_compares_arrays_of_one_shape_only():
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(2, 1\)"):
        relative_error(np.ones(2), np.ones((2, 1)))


# A backward pass by hand


def test_the_gradient_of_a_pure_step_is_checked_in_one_call():
    rng = np.random.default_rng(0)
    x, h_prev, dh = rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    params = {"W_x": rng.standard_normal((4, 3)), "W_h": rng.standard_normal((4, 4)), "b": np.zeros(4)}
    _, cache = rnn_step(x, h_prev, params)
    _, _, grads = rnn_step_backward(dh, cache, params)

    errors = check_gradients(lambda p: np.sum(rnn_step(x, h_prev, p)[0] * dh), params, grads)
    assert errors.keys() == params.keys()
    assert max(errors.values()) < 1e-7

    grads["b"] = grads["b"][::-1]  # the bias gradients of the units mixed up
    errors = check_gradients(lambda p: np.sum(rnn_step(x, h_prev, p)[0] * dh), params, grads)
    assert errors["W_x"] < 1e-7
    assert errors["b"] > 1e-2


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ({"w": np.ones(2)}, r"names of arrays, \['b', 'w'\], but has \['w'\]"),
        ({"w": np.ones(2), "b": np.ones(1), "c": np.ones(1)}, r"but has \['b', 'c', 'w'\]"),
        ({"w": np.ones(3), "b": np.ones(1)}, r"gradient of w must have its shape \(2,\), got \(3,\)"),
    ],
)
def test_gradients_that_do_not_belong_to_the_arrays_are_named(grads, message):
    with pytest.raises(ValueError, match=message):
        check_gradients(lambda a: a["w"].sum(), {"w": np.ones(2), "b": np.ones(1)}, grads)


# A layer's backward pass: mistakes that were really published


def peephole_backward(change):
    """The peephole LSTM's cell, with a change of what its backward pass returns."""

    def broken(*arguments):
        *state, grads = peephole_lstm_step_backward(*arguments)
        return change(*state, grads=grads)

    return peephole_lstm_step, broken


class DropsRecurrentStreams(PeepholeLSTM):
    """∂L/∂h and ∂L/∂c from the next step are both forgotten."""

    cell = peephole_backward(lambda dx, dh, dc, grads: (dx, 0 * dh, 0 * dc, grads))


class DropsCellStream(PeepholeLSTM):
    """Only ∂L/∂c from the next step is forgotten."""

    cell = peephole_backward(lambda dx, dh, dc, grads: (dx, dh, 0 * dc, grads))


class MixesBiases(PeepholeLSTM):
    """The input gate gets the forget gate's bias gradient, and the other way round."""

    cell = peephole_backward(
        lambda dx, dh, dc, grads: (
            dx,
            dh,
            dc,
            {**grads, "b": grads["b"].reshape(4, -1)[[1, 0, 2, 3]].ravel()},
        )
    )


class ForgetsDerivative(RNN):
    """The derivative of tanh is missing."""

    cell = rnn_step, lambda dh, cache, params: rnn_step_backward(dh, {**cache, "h": 0 * cache["h"]}, params)


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (DropsRecurrentStreams, {"W_x", "W_h", "b", "p_i", "p_f", "p_o", "x", "state.h", "state.c"}),
        (DropsCellStream, {"W_x", "W_h", "b", "p_i", "p_f", "p_o", "x", "state.h", "state.c"}),
        (MixesBiases, {"b"}),
        (ForgetsDerivative, {"W_x", "W_h", "b", "x", "state.h"}),
    ],
)
def test_a_layer_with_a_published_mistake_is_found_out(broken, wrong):
    rng = np.random.default_rng(0)
    errors = check_layer(broken(3, 4, rng=rng), rng.standard_normal((5, 2, 3)))
    assert {name for name, error in errors.items() if error > 1e-2} == wrong
    assert all(error < 1e-7 for name, error in errors.items() if name not in wrong)


def test_dropping_the_recurrent_streams_cannot_be_seen_in_one_step():
    rng = np.random.default_rng(0)
    errors = check_layer(DropsRecurrentStreams(3, 4, rng=rng), rng.standard_normal((1, 2, 3)))
    assert {name for name, error in errors.items() if error > 1e-7} == {"state.h", "state.c"}


class Sum:
    """A reader's own layer, of nothing but Python: h_t = w x_t + h_{t−1}, its state a plain tuple."""

    def __init__(self):
        self.params, self.grads = {"w": np.array(0.5)}, {}

    def forward(self, x, state=None, mask=None):
        self.x = x
        h = np.cumsum(self.params["w"] * x, axis=0) + (0 if state is None else state[0])
        return h, (h[-1],)

    def backward(self, dh, dstate=None):
        dh = dh.copy()
        dh[-1] += dstate[0]
        dsum = np.cumsum(dh[::-1], axis=0)[::-1]
        self.grads = {"w": np.sum(dsum * self.x)}
        return self.params["w"] * dsum, (dsum[0],)


def test_a_layer_of_ones_own_can_be_checked():
    layer = Sum()
    state = (np.array([[1.0], [2.0]]),)
    errors = check_layer(layer, np.arange(8.0).reshape(4, 2, 1), state)
    assert errors.keys() == {"w", "x", "state.0"}
    assert max(errors.values()) < 1e-7


def test_checking_a_layer_leaves_it_as_it_was():
    layer = LSTM(2, 3, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((4, 2, 2))
    layer.forward(x)
    before = copy.deepcopy(layer)
    state = LSTMState(np.ones((2, 3)), np.ones((2, 3)))
    check_layer(layer, x + 1, state)
    assert layer.grads == {}
    assert np.array_equal(layer.trace, before.trace)
    for name, value in before.params.items():
        assert np.array_equal(layer.params[name], value)
    assert np.array_equal(state, np.ones((2, 2, 3)))
    assert np.array_equal(layer.backward(np.ones((4, 2, 3)))[0], before.backward(np.ones((4, 2, 3)))[0])


def test_a_float32_layer_is_too_coarse_to_check():
    with pytest.raises(ValueError, match="W_x must be a float64 array, or rounding swallows the shift"):
        check_layer(RNN(2, 3, dtype=np.float32), np.ones((2, 1, 2)))


# The gradient by lag


def random_layer(kind, H=3, scale=0.8, seed=0):
    rng = np.random.default_rng(seed)
    layer = kind(2, H, rng=rng)
    for value in layer.params.values():
        value[...] = rng.normal(scale=scale, size=value.shape)
    return layer, rng.standard_normal((5, 2, 2))


def test_the_norm_of_an_rnn_is_that_of_its_product_of_jacobians():
    layer, x = random_layer(RNN)
    h, _ = layer.forward(x)
    norms = gradient_norm_by_lag(layer, x)
    assert norms.shape == (5, 2)
    for b in range(2):
        product = np.eye(3)
        for lag in range(5):
            # The spectral norm is the root of the largest eigenvalue of JᵀJ.
            largest = np.linalg.eigvalsh(product.T @ product)[-1]
            np.testing.assert_allclose(norms[lag, b], np.sqrt(largest), rtol=1e-10)
            product = product @ np.diag(1 - h[4 - lag, b] ** 2) @ layer.params["W_h"]


@pytest.mark.parametrize(
    ("kind", "of"),
    [(RNN, "h"), (GRU, "h"), (LSTM, "h"), (LSTM, "c"), (PeepholeLSTM, "h"), (PeepholeLSTM, "c")],
)
def test_the_norm_is_what_shifting_one_part_of_an_earlier_state_does(kind, of):
    layer, x = random_layer(kind)
    x = x[:, :1]
    H, lasts = 3, []
    start = {name: np.full((1, H), 0.3) for name in layer.state_type._fields}
    for t in range(5):
        _, state = layer.forward(x[: t + 1], as_state(start))
        lasts.append(dict(zip(layer.state_type._fields, state, strict=True)))

    norms = gradient_norm_by_lag(layer, x, as_state(start), of=of)
    for lag in range(1, 5):
        earlier = {name: part.copy() for name, part in lasts[4 - lag].items()}

        def last_unit(_, k, earlier=earlier, lag=lag):
            _, state = layer.forward(x[5 - lag :], as_state(earlier))
            return getattr(state, of)[0, k]

        rows = [numerical_gradient(lambda a, k=k: last_unit(a, k), earlier[of])[0] for k in range(H)]
        np.testing.assert_allclose(norms[lag, 0], np.linalg.norm(rows, 2), rtol=1e-7)
    assert norms[0, 0] == 1


def as_state(named):
    return tuple(named.values())


def test_without_recurrent_weights_the_cell_state_decays_by_its_forget_gate_alone():
    layer, x = random_layer(LSTM)
    layer.params["W_h"][:] = 0
    layer.forward(x)
    # ∂c_T/∂c_t is then diagonal, the product of the forget gates after t.
    kept = np.cumprod(layer.trace.f[:0:-1], axis=0).max(axis=2)
    np.testing.assert_allclose(gradient_norm_by_lag(layer, x, of="c")[1:], kept, rtol=1e-12)
    assert np.all(gradient_norm_by_lag(layer, x)[1:] == 0)


def test_without_recurrent_weights_a_cell_that_cannot_forget_hands_all_its_gradient_on():
    layer, x = random_layer(NoForgetLSTM)
    layer.params["W_h"][:] = 0
    np.testing.assert_allclose(gradient_norm_by_lag(layer, x, of="c"), 1, rtol=1e-12)


def test_measuring_the_norm_leaves_the_layer_as_it_was():
    layer, x = random_layer(GRU)
    h, _ = layer.forward(x)
    twin = copy.deepcopy(layer)
    gradient_norm_by_lag(layer, 2 * x)
    assert np.array_equal(layer.trace.h, h)
    assert np.array_equal(layer.backward(np.ones_like(h))[0], twin.backward(np.ones_like(h))[0])


@pytest.mark.parametrize(
    ("layer", "x", "of", "message"),
    [
        (RNN(2, 3), np.ones((4, 1, 2)), "c", r"of must be one of \['h'\], .* RNN\(2, 3\) .*got 'c'"),
        (LSTM(2, 3), np.ones((4, 1, 2)), "o", r"of must be one of \['h', 'c'\], .*got 'o'"),
        (RNN(2, 3), np.ones((4, 2)), "h", r"x must have shape \(T, B, D=2\), got 2-D"),
        (RNN(2, 3), np.ones((0, 1, 2)), "h", "x must not be empty"),
    ],
)
def test_a_norm_that_does_not_exist_is_refused(layer: RecurrentLayer, x, of, message):
    with pytest.raises(ValueError, match=message):
        gradient_norm_by_lag(layer, x, of=of)


def test_the_gradient_of_a_layer_that_takes_no_state_is_checked_too():
    layer = BidirectionalLSTM(2, 4, rng=np.random.default_rng(0))
    errors = check_layer(layer, np.random.default_rng(1).standard_normal((4, 2, 2)))
    assert errors.keys() == {*layer.params, "x"}
    assert max(errors.values()) < 1e-7
