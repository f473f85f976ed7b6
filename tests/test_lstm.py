"""The LSTM by hand, beside PyTorch's cell, and its fast path against its own step.

What every layer promises is held in `test_layers`.
"""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from lstmlib.ablation import clamp
from lstmlib.lstm import LSTM, LSTMState, lstm_step, lstm_step_backward
from lstmlib.rnn import RNN
from lstmlib.training import Adam

# One unit that sees one number; rows i, f, g, o.
ONE_UNIT = {
    "W_x": np.array([[1.0], [-1.0], [2.0], [0.5]]),
    "W_h": np.array([[0.5], [1.0], [-1.0], [2.0]]),
    "b": np.array([0.0, 1.0, 0.25, -0.5]),
}


def sigma(a):
    return 1 / (1 + math.exp(-a))


# The step


def test_one_step_by_hand():
    # Read x = 0.5 with h = 0.2 and c = −1 before:
    i = sigma(1 * 0.5 + 0.5 * 0.2 + 0)  # σ(0.6) = 0.646
    f = sigma(-1 * 0.5 + 1 * 0.2 + 1)  # σ(0.7) = 0.668
    g = math.tanh(2 * 0.5 - 1 * 0.2 + 0.25)  # tanh(1.05) = 0.782
    o = sigma(0.5 * 0.5 + 2 * 0.2 - 0.5)  # σ(0.15) = 0.537
    h, c, cache = lstm_step(np.array([[0.5]]), np.array([[0.2]]), np.array([[-1.0]]), ONE_UNIT)
    for name, value in {"i": i, "f": f, "g": g, "o": o}.items():
        np.testing.assert_allclose(cache[name], [[value]], rtol=1e-14)
    np.testing.assert_allclose(c, [[-f + i * g]], rtol=1e-14)  # −0.668 + 0.505 = −0.163
    np.testing.assert_allclose(h, [[o * math.tanh(-f + i * g)]], rtol=1e-14)  # 0.537 · −0.162 = −0.087
    assert round(h.item(), 3) == -0.087


def test_one_step_backward_by_hand():
    # L = 3 h − 2 c, so dh = 3 and dc = −2; h reaches the loss directly, c by both ways.
    x, h_prev, c_prev = np.array([[0.5]]), np.array([[0.2]]), np.array([[-1.0]])
    _, c, cache = lstm_step(x, h_prev, c_prev, ONE_UNIT)
    i, f, g, o = (cache[name].item() for name in "ifgo")
    tanh_c = math.tanh(c.item())
    dc = -2 + 3 * o * (1 - tanh_c**2)
    da = [dc * g * i * (1 - i), dc * -1 * f * (1 - f), dc * i * (1 - g**2), 3 * tanh_c * o * (1 - o)]

    dx, dh_prev, dc_prev, grads = lstm_step_backward(np.array([[3.0]]), np.array([[-2.0]]), cache, ONE_UNIT)
    np.testing.assert_allclose(dx, [[1 * da[0] - 1 * da[1] + 2 * da[2] + 0.5 * da[3]]], rtol=1e-14)
    np.testing.assert_allclose(dh_prev, [[0.5 * da[0] + 1 * da[1] - 1 * da[2] + 2 * da[3]]], rtol=1e-14)
    np.testing.assert_allclose(dc_prev, [[dc * f]], rtol=1e-14)
    np.testing.assert_allclose(grads["W_x"][:, 0], 0.5 * np.array(da), rtol=1e-14)
    np.testing.assert_allclose(grads["W_h"][:, 0], 0.2 * np.array(da), rtol=1e-14)
    np.testing.assert_allclose(grads["b"], da, rtol=1e-14)


def test_a_step_and_its_gradient_equal_the_cell_of_pytorch():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 3))
    h_prev, c_prev, dh, dc = rng.standard_normal((4, 5, 4))
    params = {"W_x": rng.normal(size=(16, 3)), "W_h": rng.normal(size=(16, 4)), "b": rng.normal(size=16)}
    h, c, cache = lstm_step(x, h_prev, c_prev, params)
    dx, dh_prev, dc_prev, grads = lstm_step_backward(dh, dc, cache, params)

    cell = torch.nn.LSTMCell(3, 4, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(params["W_x"]))
        cell.weight_hh.copy_(torch.tensor(params["W_h"]))
        cell.bias_ih.copy_(torch.tensor(params["b"]))
        cell.bias_hh.zero_()
    their_x, their_h, their_c = (torch.tensor(value, requires_grad=True) for value in (x, h_prev, c_prev))
    theirs = cell(their_x, (their_h, their_c))
    torch.autograd.backward(theirs, [torch.tensor(dh), torch.tensor(dc)])
    pairs = [
        (h, theirs[0].detach()),
        (c, theirs[1].detach()),
        (dx, their_x.grad),
        (dh_prev, their_h.grad),
        (dc_prev, their_c.grad),
        (grads["W_x"], cell.weight_ih.grad),
        (grads["W_h"], cell.weight_hh.grad),
        (grads["b"], cell.bias_ih.grad),
    ]
    for ours, expected in pairs:
        np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_a_step_changes_nothing_that_it_was_given():
    given = [np.array([[value]]) for value in (0.5, 0.2, -1.0, 3.0, -2.0)]
    x, h_prev, c_prev, dh, dc = given
    params = copy.deepcopy(ONE_UNIT)
    _, _, cache = lstm_step(x, h_prev, c_prev, params)
    lstm_step_backward(dh, dc, cache, params)
    assert given == [[[0.5]], [[0.2]], [[-1.0]], [[3.0]], [[-2.0]]]
    for name, value in ONE_UNIT.items():
        assert np.array_equal(params[name], value)


# The fast path


class SteppedLSTM(LSTM):
    """The same layer, walked along a sequence by its step."""

    fast_walk = None


# Sizes that fit the cache many steps at a time, two at a time with one left over, and one at a time.
SIZES = [(6, 3, 2, 5), (7, 16, 3, 64), (3, 32, 5, 80), (1, 1, 1, 1)]


def a_problem(T, B, D, H, dtype=np.float64):
    rng = np.random.default_rng(T)
    layer = LSTM(D, H, rng=rng, dtype=dtype)
    for name, value in layer.params.items():
        value += rng.normal(scale=0.3, size=value.shape)
        assert layer.params[name].all()
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    state, dstate = (LSTMState(*rng.standard_normal((2, B, H))) for _ in range(2))
    mask = rng.random((T, B)) < 0.6
    mask[0] = True
    return layer, x, state, mask, dh, dstate


def everything(layer, x, state=None, mask=None, dh=None, dstate=None):
    """All that a layer computes, by name."""
    h, last = layer.forward(x, state, mask)
    trace = layer.trace
    dx, dstate0 = layer.backward(dh, dstate)
    return {
        "h": h,
        **{f"last {name}": value for name, value in last._asdict().items()},
        **{f"trace {name}": value for name, value in trace._asdict().items()},
        "dx": dx,
        **{f"d{name}0": value for name, value in dstate0._asdict().items()},
        **{f"d{name}": value for name, value in layer.grads.items()},
    }


def assert_equal(actual, expected, tolerance):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "mask"])
@pytest.mark.parametrize("with_state", [False, True], ids=["zero states", "states"])
def test_the_fast_path_equals_the_step_in_values_and_gradients(sizes, masked, with_state):
    layer, x, state, mask, dh, dstate = a_problem(*sizes)
    stepped = SteppedLSTM(*sizes[2:])
    stepped.params = layer.params
    problem = (
        x,
        state if with_state else None,
        mask if masked else None,
        dh,
        dstate if with_state else None,
    )
    assert_equal(everything(layer, *problem), everything(stepped, *problem), 1e-11)


@pytest.mark.parametrize("sizes", SIZES)
def test_values_and_gradients_equal_the_lstm_of_pytorch(sizes):
    layer, x, state, _, dh, dstate = a_problem(*sizes)
    ours = everything(layer, x, state, None, dh, dstate)

    module = torch.nn.LSTM(*sizes[2:], dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.tensor(layer.params["W_x"]))
        module.weight_hh_l0.copy_(torch.tensor(layer.params["W_h"]))
        module.bias_ih_l0.copy_(torch.tensor(layer.params["b"]))
        module.bias_hh_l0.zero_()
    their_x = torch.tensor(x, requires_grad=True)
    h0, c0 = (torch.tensor(part)[None].requires_grad_() for part in state)
    h, (last_h, last_c) = module(their_x, (h0, c0))
    torch.autograd.backward(
        [h, last_h, last_c], [torch.tensor(dh), *(torch.tensor(part)[None] for part in dstate)]
    )
    theirs = {
        "h": h.detach(),
        "last h": last_h[0].detach(),
        "last c": last_c[0].detach(),
        "dx": their_x.grad,
        "dh0": h0.grad[0],
        "dc0": c0.grad[0],
        "dW_x": module.weight_ih_l0.grad,
        "dW_h": module.weight_hh_l0.grad,
        "db": module.bias_hh_l0.grad,
    }
    assert_equal({name: ours[name] for name in theirs}, theirs, 1e-10)


@pytest.mark.parametrize("sizes", SIZES)
def test_float32_agrees_with_float64_to_its_own_precision(sizes):
    double, *problem = a_problem(*sizes)
    single, *_ = a_problem(*sizes, dtype=np.float32)
    results = everything(single, *problem)
    for name, expected in everything(double, *problem).items():
        assert results[name].dtype == np.float32
        # Relative to the largest number of its kind: a few tens of roundings.
        error = np.abs(results[name] - expected).max() / np.abs(expected).max()
        assert error < 40 * np.finfo(np.float32).eps, (name, error)


def test_a_layer_that_has_read_other_sequences_says_the_same_as_a_new_one():
    layer, *problem = a_problem(6, 3, 2, 5)
    expected = everything(copy.deepcopy(layer), *problem)
    for T, B in [(6, 3), (6, 2), (4, 3)]:
        _, x, state, mask, dh, _ = a_problem(T, B, 2, 5)
        layer.forward(5 * x, state, mask)
        layer.backward(dh)
        layer.forward(x)
        assert_equal(everything(layer, *problem), expected, 0)


def test_a_mask_holds_for_one_call_only():
    layer, x, _, mask, dh, _ = a_problem(6, 3, 2, 5)
    unmasked = everything(layer, x, dh=dh)
    everything(layer, x, mask=mask, dh=dh)
    assert_equal(everything(layer, x, dh=dh), unmasked, 0)


def test_no_result_changes_after_it_was_returned():
    layer, *problem = a_problem(6, 3, 2, 5)
    results = everything(layer, *problem)
    kept = copy.deepcopy(results)
    everything(layer, -problem[0], None, None, -problem[3], None)
    assert_equal(results, kept, 0)


def test_the_trace_outlives_the_backward_pass_and_an_update():
    layer, x, _, _, dh, _ = a_problem(6, 3, 2, 5)
    layer.forward(x)
    before = layer.trace
    layer.backward(dh)
    for name, value in layer.params.items():
        value -= layer.grads[name]
    for name in LSTM.trace_type._fields:
        assert np.array_equal(getattr(layer.trace, name), getattr(before, name))


@pytest.mark.parametrize("first", ["copy", "original"])
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_a_copy_between_forward_and_backward_goes_its_own_way(duplicate, first):
    layer, x, state, mask, dh, dstate = a_problem(7, 16, 3, 64)
    expected = everything(layer, x, state, mask, dh, dstate)
    layer.forward(x, state, mask)
    twin = duplicate(layer)
    other, one = (layer, twin) if first == "original" else (twin, layer)
    everything(other, -x, None, None, dh, None)
    dx, dstate0 = one.backward(dh, dstate)
    assert np.array_equal(dx, expected["dx"])
    assert np.array_equal(dstate0.c, expected["dc0"])
    assert_equal(everything(one, x, state, mask, dh, dstate), expected, 0)


def test_a_shallow_copy_shares_the_weights():
    layer = LSTM(2, 3)
    twin = copy.copy(layer)
    twin.params["b"][:] = 7
    assert (layer.params["b"] == 7).all()


def test_gates_that_saturate_overflow_nowhere():
    layer, x, _, _, dh, _ = a_problem(6, 3, 2, 5, dtype=np.float32)
    results = everything(layer, 1e6 * x, dh=dh)
    assert all(np.isfinite(value).all() for value in results.values())
    assert np.abs(results["h"]).max() <= 1
    assert set(np.unique(results["trace f"])) <= {0, 1}


# The layer


def test_the_forget_bias_is_the_start_of_the_forget_gates_bias_alone():
    layer = LSTM(3, 4, forget_bias=2.5)
    assert np.array_equal(layer.params["b"].reshape(4, 4), np.outer([0, 1, 0, 0], np.full(4, 2.5)))
    assert np.array_equal(LSTM(3, 4).params["b"][4:8], np.ones(4))


@pytest.mark.parametrize("forget_bias", [math.nan, math.inf, "1", None, True, [1.0], 1j])
def test_a_forget_bias_is_a_finite_number(forget_bias):
    with pytest.raises(ValueError, match="forget_bias must be a finite number, got "):
        LSTM(3, 4, forget_bias=forget_bias)


def test_the_parameters_stack_the_gates_as_pytorch_does():
    layer = LSTM(3, 4, rng=np.random.default_rng(0))
    assert {name: value.shape for name, value in layer.params.items()} == {
        name: tuple(getattr(torch.nn.LSTM(3, 4), theirs).shape)
        for name, theirs in {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b": "bias_ih_l0"}.items()
    }


def test_the_trace_holds_the_equations_of_the_cell():
    layer, x, state, _, _, _ = a_problem(6, 3, 2, 5)
    h, last = layer.forward(x, state)
    trace = layer.trace
    assert trace._fields == ("i", "f", "g", "o", "c", "h")
    c_prev = np.concatenate([state.c[None], trace.c[:-1]])
    np.testing.assert_allclose(trace.c, trace.f * c_prev + trace.i * trace.g, rtol=1e-14)
    np.testing.assert_allclose(h, trace.o * np.tanh(trace.c), rtol=1e-14)
    assert np.array_equal(last.c, trace.c[-1])


# A gate held open


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("gate", ["i", "f", "o"])
def test_a_gate_held_open_is_one_and_no_training_moves_it(gate, dtype):
    rng = np.random.default_rng(0)
    layer = LSTM(3, 4, rng=rng, dtype=dtype)
    clamp(layer, gate)
    optimiser = Adam([layer], 0.1)
    x = 3 * rng.standard_normal((6, 5, 3)).astype(dtype)
    for _ in range(3):
        h, _ = layer.forward(x)
        values = layer.trace._asdict()
        assert (values[gate] == 1).all()
        assert all((values[other] != 1).any() for other in set("ifo") - {gate})
        layer.backward(h)
        optimiser.step()


@pytest.mark.parametrize(
    ("make", "gates", "message"),
    [
        (lambda: LSTM(3, 4), ["i", "g"], "a gate is 'i', 'f' or 'o', got 'g'"),
        (lambda: RNN(3, 4), ["i"], "layer must be an LSTM, got RNN"),
    ],
)
def test_only_a_gate_of_an_lstm_can_be_held_open(make, gates, message):
    layer = make()
    before = copy.deepcopy(layer.params)
    with pytest.raises(ValueError, match=message):
        clamp(layer, *gates)
    assert all((layer.params[name] == before[name]).all() for name in before)
