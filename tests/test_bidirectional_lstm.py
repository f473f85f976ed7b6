"""The bidirectional LSTM against PyTorch, and against itself without the steps that are skipped."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstmlib.bidirectional_lstm import BidirectionalLSTM, reverse_sequences
from lstmlib.lstm import LSTMState
from lstmlib.notation import to_torch

H = 4
MASK = np.arange(5)[:, None] < np.array([5, 2, 4])


def test_turning_keeps_the_padding_at_the_end_and_is_its_own_inverse():
    x = np.random.default_rng(0).standard_normal((*MASK.shape, 2))
    turned = reverse_sequences(x, MASK)
    np.testing.assert_array_equal(turned[:2, 1], x[1::-1, 1])
    np.testing.assert_array_equal(turned[2:, 1], x[2:, 1])
    np.testing.assert_array_equal(reverse_sequences(turned, MASK), x)


def test_both_directions_equal_pytorch_on_packed_sequences():
    rng = np.random.default_rng(0)
    layer, x = BidirectionalLSTM(3, H, rng=rng), rng.standard_normal((*MASK.shape, 3))
    dh, dstate = rng.standard_normal((*MASK.shape, H)), LSTMState(*rng.standard_normal((2, 3, H)))
    dh *= MASK[..., None]  # PyTorch has no output at padding that a gradient could come from

    module = torch.nn.LSTM(3, H // 2, bidirectional=True, dtype=torch.float64)
    own = module.state_dict()
    for suffix, direction in {"": "forward", "_reverse": "backward"}.items():
        for name, value in to_torch(layer.directions[direction]).state_dict().items():
            own[name + suffix] = value
    module.load_state_dict(own)
    x_torch = torch.tensor(x, requires_grad=True)
    packed = pack_padded_sequence(x_torch, MASK.sum(axis=0), enforce_sorted=False)
    out, last = module(packed)
    out, _ = pad_packed_sequence(out)
    last = [torch.cat(list(part), dim=1) for part in last]
    loss = (out * torch.tensor(dh)).sum()
    for part, gradient in zip(last, dstate, strict=True):
        loss = loss + (part * torch.tensor(gradient)).sum()
    loss.backward()

    h, state = layer.forward(x, mask=MASK)
    dx, _ = layer.backward(dh, dstate)
    np.testing.assert_allclose(h * MASK[..., None], out.detach(), rtol=0, atol=1e-12)
    for part, expected in zip(state, last, strict=True):
        np.testing.assert_allclose(part, expected.detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad, rtol=0, atol=1e-12)
    for suffix, direction in {"": "forward", "_reverse": "backward"}.items():
        for name, torch_name in {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b": "bias_ih_l0"}.items():
            expected = getattr(module, torch_name + suffix).grad
            np.testing.assert_allclose(layer.grads[f"{direction}.{name}"], expected, rtol=0, atol=1e-12)


HOLES = [[True, False, True], [True, True, False, True, False], [True, False, False, True, True, False]]


@pytest.mark.parametrize("mask", HOLES)
def test_a_step_skipped_is_as_if_it_had_not_been_there(mask):
    rng = np.random.default_rng(0)
    layer, real = BidirectionalLSTM(3, H, rng=rng), np.array(mask)
    x, dh = rng.standard_normal((len(mask), 1, 3)), rng.standard_normal((len(mask), 1, H))
    dstate = LSTMState(*rng.standard_normal((2, 1, H)))
    dh[~real] = 0  # alone, no gradient can come from a step that is not there
    h, last = layer.forward(x, mask=real[:, None])
    dx, _ = layer.backward(dh, dstate)
    grads = layer.grads
    h_alone, last_alone = layer.forward(x[real])
    dx_alone, _ = layer.backward(dh[real], dstate)
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)
    close(h[real], h_alone)
    close(last, last_alone)
    close(dx[real], dx_alone)
    assert not dx[~real].any()
    for name, grad in layer.grads.items():
        close(grads[name], grad)


def test_at_a_step_skipped_each_direction_carries_what_it_read_last():
    layer = BidirectionalLSTM(3, H, rng=np.random.default_rng(0))
    h, _ = layer.forward(np.random.default_rng(1).standard_normal((3, 1, 3)), mask=[[True], [False], [True]])
    there, back = np.split(h[:, 0], 2, axis=1)
    np.testing.assert_array_equal(there[1], there[0])
    np.testing.assert_array_equal(back[1], back[2])
    assert not np.allclose(back[1], back[0])


def test_an_array_put_into_params_is_the_one_that_is_read():
    rng = np.random.default_rng(0)
    layer, other = (BidirectionalLSTM(3, H, rng=rng) for _ in range(2))
    x, dh = rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 2, H))
    expected, _ = other.forward(x)
    other.backward(dh)
    for name, value in other.params.items():
        layer.params[name] = value.copy()
    np.testing.assert_array_equal(layer.forward(x)[0], expected)
    layer.backward(dh)
    assert layer.grads.keys() == layer.params.keys()
    for name, grad in other.grads.items():
        np.testing.assert_array_equal(layer.grads[name], grad)

    # As a whole, by |=, and in a copy; and an array put into a direction is seen from here.
    zeros = {name: np.zeros_like(value) for name, value in layer.params.items()}
    layer.params = zeros
    assert not layer.forward(x)[0].any()
    layer.params |= dict(other.params)
    np.testing.assert_array_equal(layer.forward(x)[0], expected)
    twin = copy.deepcopy(layer)
    twin.params |= zeros
    assert not twin.forward(x)[0].any()
    np.testing.assert_array_equal(layer.forward(x)[0], expected)
    layer.directions["backward"].params["b"] = np.full(2 * H, 7.0)
    assert (layer.params["backward.b"] == 7).all()
    with pytest.raises(KeyError, match=r"params has forward\.W_x, .*; got 'W_x'"):
        layer.params["W_x"] = np.zeros(1)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_reads_without_disturbing_the_original(duplicate):
    rng = np.random.default_rng(0)
    layer, x, dh = BidirectionalLSTM(3, H, rng=rng), np.ones((5, 2, 3)), rng.standard_normal((5, 2, H))
    layer.forward(x)
    expected, _ = layer.backward(dh)
    layer.forward(x)
    duplicate(layer).forward(-x)
    np.testing.assert_array_equal(layer.backward(dh)[0], expected)


def test_one_call_back_for_each_call_forward():
    layer = BidirectionalLSTM(3, H)
    with pytest.raises(RuntimeError, match="call forward first"):
        layer.backward(np.zeros((5, 2, H)))
    layer.forward(np.ones((5, 2, 3)))
    layer.backward(np.zeros((5, 2, H)))
    with pytest.raises(RuntimeError, match="again before each further backward"):
        layer.backward(np.zeros((5, 2, H)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BidirectionalLSTM(3, 5), "must be even"),
        (lambda: BidirectionalLSTM(3, 0), "hidden_size must be a whole number of at least 1"),
        (lambda: BidirectionalLSTM(3, H).forward(np.ones((5, 3))), r"x must have shape \(T, B, D=3\)"),
        (lambda: BidirectionalLSTM(3, H).forward(np.ones((5, 2, 3)), np.zeros((2, H))), "state must be left"),
        (lambda: BidirectionalLSTM(3, H).forward(np.ones((5, 2, 3)), mask=np.ones((2, 5), bool)), "mask"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
