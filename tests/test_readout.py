"""The readout and its losses against PyTorch, and against what a mask promises."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.readout import Readout, cross_entropy, squared_error

T, B, H, O, V = 4, 3, 5, 2, 6
MASK = np.arange(T)[:, None] < [4, 2, 1]


def tensor(array):
    return torch.tensor(array, requires_grad=True)


# The linear map


@pytest.mark.parametrize("shape", [(T, B, H), (B, H), (H,)], ids=["T,B,H", "B,H", "H"])
def test_readout_equals_torch_linear_in_value_and_every_gradient(rng, shape):
    readout = Readout(H, O, rng=rng)
    readout.params["b"][:] = rng.standard_normal(O)
    h, dy = rng.standard_normal(shape), rng.standard_normal((*shape[:-1], O))

    y = readout.forward(h)
    dh = readout.backward(dy)

    h_torch, W, b = tensor(h), tensor(readout.params["W"]), tensor(readout.params["b"])
    expected = torch.nn.functional.linear(h_torch, W, b)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=1e-14)
    np.testing.assert_allclose(dh, h_torch.grad, atol=1e-14)
    np.testing.assert_allclose(readout.grads["W"], W.grad, atol=1e-14)
    np.testing.assert_allclose(readout.grads["b"], b.grad, atol=1e-14)


def test_the_same_generator_draws_the_same_weights():
    first, second = (Readout(H, O, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.params["W"], second.params["W"])


def test_readout_keeps_float32(rng):
    readout = Readout(H, O, rng=rng, dtype=np.float32)
    y = readout.forward(rng.standard_normal((B, H)))
    dh = readout.backward(squared_error(y, np.zeros_like(y))[1])
    assert {a.dtype for a in (y, dh, *readout.params.values(), *readout.grads.values())} == {
        np.dtype(np.float32)
    }


def test_changing_h_after_forward_does_not_reach_the_gradient(rng):
    readout = Readout(H, O, rng=rng)
    h = np.ones((B, H))
    readout.forward(h)
    h[:] = 0
    readout.backward(np.ones((B, O)))
    np.testing.assert_array_equal(readout.grads["W"], np.full((O, H), B))


def test_its_name_says_its_sizes():
    assert repr(Readout(5, 2)) == "Readout(5, 2)"


# The losses


@pytest.mark.parametrize("order", ["C", "F"], ids=["rows in memory", "columns in memory"])
def test_cross_entropy_equals_torch(rng, order):
    logits, targets = np.array(rng.standard_normal((T, B, V)), order=order), rng.integers(0, V, (T, B))
    loss, dlogits = cross_entropy(logits, targets)

    logits_torch = tensor(logits)
    expected = torch.nn.functional.cross_entropy(logits_torch.reshape(-1, V), torch.tensor(targets).ravel())
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-14)
    np.testing.assert_allclose(dlogits, logits_torch.grad, atol=1e-15)


def test_masked_cross_entropy_equals_torch_with_ignored_positions(rng):
    logits, targets = rng.standard_normal((T, B, V)), rng.integers(0, V, (T, B))
    targets[~MASK] = -100  # what torch ignores, and no class here either
    loss, dlogits = cross_entropy(logits, targets, MASK)

    logits_torch = tensor(logits)
    expected = torch.nn.functional.cross_entropy(logits_torch.reshape(-1, V), torch.tensor(targets).ravel())
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-14)
    np.testing.assert_allclose(dlogits, logits_torch.grad, atol=1e-15)


@pytest.mark.parametrize("masked", [False, True], ids=["no mask", "mask"])
def test_squared_error_equals_torch(rng, masked):
    y, target = rng.standard_normal((2, T, B, O))
    loss, dy = squared_error(y, target, MASK if masked else None)

    real = torch.tensor(MASK if masked else np.ones_like(MASK))
    y_torch = tensor(y)
    expected = torch.nn.functional.mse_loss(y_torch[real], torch.tensor(target)[real])
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-14)
    np.testing.assert_allclose(dy, y_torch.grad, atol=1e-15)


def test_a_uniform_guess_costs_the_logarithm_of_the_number_of_classes():
    assert cross_entropy(np.full((B, V), 3.0), np.arange(B))[0] == pytest.approx(np.log(V))


def test_scores_in_the_thousands_do_not_overflow():
    loss, dlogits = cross_entropy(np.array([[1000.0, -1000.0]]), [1])
    assert loss == 2000
    np.testing.assert_array_equal(dlogits, [[1.0, -1.0]])


def test_a_class_ruled_out_by_minus_infinity_gets_no_gradient():
    loss, dlogits = cross_entropy(np.array([[0.0, 0.0, -np.inf]]), [0])
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(dlogits, [[-0.5, 0.5, 0.0]])


def test_nan_in_the_padding_does_not_come_through(rng):
    y, target = rng.standard_normal((2, T, B, O))
    clean = squared_error(y, target, MASK)
    y[~MASK] = target[~MASK] = np.nan
    loss, dy = squared_error(y, target, MASK)
    assert loss == clean[0]
    np.testing.assert_array_equal(dy, clean[1])


@given(seed=st.integers(0, 10**6), data=st.data())
def test_a_mask_equals_leaving_the_positions_out(seed, data):
    rng = np.random.default_rng(seed)
    real = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=8).filter(any)))
    logits, targets = rng.standard_normal((len(real), V)), rng.integers(0, V, len(real))
    y, target = rng.standard_normal((2, len(real), O))

    for loss, masked, short in [
        (cross_entropy, (logits, targets), (logits[real], targets[real])),
        (squared_error, (y, target), (y[real], target[real])),
    ]:
        value, gradient = loss(*masked, real)
        expected, expected_gradient = loss(*short)
        assert value == pytest.approx(expected, abs=1e-14)
        np.testing.assert_allclose(gradient[real], expected_gradient, atol=1e-15)
        assert not gradient[~real].any()


def test_losses_keep_float32(rng):
    logits = rng.standard_normal((B, V)).astype(np.float32)
    assert cross_entropy(logits, np.zeros(B, int))[1].dtype == np.float32
    assert squared_error(logits, np.zeros((B, V)))[1].dtype == np.float32


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Readout(0, 2), "input_size must be a whole number of at least 1, got 0"),
        (lambda: Readout(2, 1.5), "output_size must be a whole number of at least 1, got 1.5"),
        (lambda: Readout(2, 2, rng=0), "rng must be a numpy.random.Generator"),
        (lambda: Readout(2, 2, dtype=int), "dtype must be float32 or float64, got int64"),
        (lambda: Readout(5, 2).forward(np.ones((3, 4))), r"h must have shape \(B, H=5\), got \(3, 4\)"),
        (lambda: Readout(5, 2).forward(np.ones((1, 2, 3, 5))), "h must have shape .* got 4-D"),
        (lambda: Readout(5, 2).forward(1.0), "h must have shape .* got 0-D"),
        (lambda: Readout(5, 2).forward(np.ones((3, 5), int)), "h must hold floats, got dtype int64"),
        (lambda: Readout(1, 2).forward([[np.nan]]), r"h must be finite, got nan at index \(0, 0\)"),
        (lambda: cross_entropy([[1, 2]], [0]), "logits must hold floats, got dtype int64"),
        (lambda: cross_entropy(np.ones((0, 2)), []), "logits must be an array with at least one position"),
        (
            lambda: cross_entropy(np.ones((2, 3)), [0]),
            r"targets must have one class for each position, \(2,\)",
        ),
        (lambda: cross_entropy(np.ones((2, 3)), [0.0, 1.0]), "targets must hold whole numbers"),
        (lambda: cross_entropy(np.ones((2, 3)), [0, 3]), "targets must be classes from 0 to 2, got 3"),
        (lambda: cross_entropy(np.ones((2, 3)), [-1, 0]), "targets must be classes from 0 to 2, got -1"),
        (lambda: cross_entropy(np.ones((2, 3)), [0, 0], [1, 0]), "mask must hold booleans"),
        (lambda: cross_entropy(np.ones((2, 3)), [0, 0], [False] * 2), "mask must be True somewhere"),
        (lambda: squared_error(np.ones((2, 1)), np.ones(2)), r"target must have the shape of y, \(2, 1\)"),
        (
            lambda: squared_error(np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1), bool)),
            r"mask must have shape \(2,\), got \(2, 1\)",
        ),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_backward_needs_a_forward_of_its_own(rng):
    readout = Readout(H, O, rng=rng)
    with pytest.raises(RuntimeError, match="call forward first"):
        readout.backward(np.ones((B, O)))
    readout.forward(np.ones((B, H)))
    readout.backward(np.ones((B, O)))
    with pytest.raises(RuntimeError, match="again before each further backward"):
        readout.backward(np.ones((B, O)))


def test_parameters_may_not_change_between_forward_and_backward(rng):
    readout = Readout(H, O, rng=rng)
    for name in readout.params:
        readout.forward(np.ones((B, H)))
        readout.params[name] += 1
        with pytest.raises(RuntimeError, match=f"Readout.backward needs .* but {name} has changed since"):
            readout.backward(np.ones((B, O)))


def test_a_gradient_of_the_wrong_shape_is_refused_and_the_right_one_still_taken(rng):
    readout = Readout(H, O, rng=rng)
    readout.forward(np.ones((T, B, H)))
    with pytest.raises(ValueError, match=r"dy must have shape \(T=4, B=3, O=2\), got \(4, 3, 1\)"):
        readout.backward(np.ones((T, B, 1)))
    assert readout.grads == {}
    assert readout.backward(np.ones((T, B, O))).shape == (T, B, H)
