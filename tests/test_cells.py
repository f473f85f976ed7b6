"""Each cell beside its equations written once more, in PyTorch, whose autograd knows the gradients."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import sigmoid, tanh

from lstmlib.coupled_lstm import CoupledLSTM, coupled_lstm_step, coupled_lstm_step_backward
from lstmlib.gru import GRU, gru_step, gru_step_backward
from lstmlib.lstm import LSTM
from lstmlib.min_lstm import MinLSTM, linear_scan, min_lstm_step, min_lstm_step_backward
from lstmlib.mlstm import MLSTM, mlstm_step, mlstm_step_backward
from lstmlib.no_forget_lstm import NoForgetLSTM, no_forget_lstm_step, no_forget_lstm_step_backward
from lstmlib.peephole_lstm import PeepholeLSTM, peephole_lstm_step, peephole_lstm_step_backward
from lstmlib.slstm import SLSTM, slstm_step, slstm_step_backward

T, B, D, H = 5, 2, 3, 4


# The equations: `a(k)` is gate k's block of W_x x + W_h h + b


def gru_of_2014(x, p, h):
    W_r, W_z, W_n = p["W_x"].reshape(3, H, D)
    U_r, U_z, U_n = p["W_h"].reshape(3, H, H)
    b_r, b_z, b_n = (p["b_x"] + p["b_h"]).reshape(3, H)
    r = sigmoid(x @ W_r.T + h @ U_r.T + b_r)
    z = sigmoid(x @ W_z.T + h @ U_z.T + b_z)
    return (z * h + (1 - z) * tanh(x @ W_n.T + (r * h) @ U_n.T + b_n),)


def peephole(x, p, h, c):
    a = block(x, p, h)
    i = sigmoid(a(0) + p["p_i"] * c)
    f = sigmoid(a(1) + p["p_f"] * c)
    c = f * c + i * tanh(a(2))
    return sigmoid(a(3) + p["p_o"] * c) * tanh(c), c


def coupled(x, p, h, c):
    a = block(x, p, h)
    c = sigmoid(a(0)) * c + (1 - sigmoid(a(0))) * tanh(a(1))
    return sigmoid(a(2)) * tanh(c), c


def no_forget(x, p, h, c):
    a = block(x, p, h)
    c = c + sigmoid(a(0)) * tanh(a(1))
    return sigmoid(a(2)) * tanh(c), c


def minimal(x, p, h):
    i, f, g = (x @ p["W_x"].T + p["b"]).chunk(3, dim=1)
    return ((sigmoid(f) * h + sigmoid(i) * g) / (sigmoid(f) + sigmoid(i)),)


# sLSTM and mLSTM as their paper's first equations have them, with nothing to hold overflow back.
# Of a stored state (c, n, m) the true one is (c exp m, n exp m).


def exponential(x, p, h, c, n, m):
    a = block(x, p, h)
    i, f = torch.exp(a(0)), sigmoid(a(1))
    c, n = f * c * torch.exp(m) + i * tanh(a(2)), f * n * torch.exp(m) + i
    m = torch.maximum(torch.log(f) + m, a(0))
    return sigmoid(a(3)) * c / n, c * torch.exp(-m), n * torch.exp(-m), m


def matrix(x, p, h, C, n, m):
    q, k, v, o = (x @ p["W_x"].T + p["b"]).chunk(4, dim=1)
    k = k / H**0.5
    a_i, a_f = (x @ p["W_g"].T + p["b_g"]).T
    i, f, old = torch.exp(a_i), sigmoid(a_f), torch.exp(m)
    C = torch.einsum("b,bij->bij", f * old, C) + torch.einsum("b,bi,bj->bij", i, v, k)
    n = (f * old)[:, None] * n + i[:, None] * k
    read = torch.einsum("bij,bj->bi", C, q) / torch.clamp((n * q).sum(dim=1).abs(), min=1)[:, None]
    m = torch.maximum(torch.log(f) + m, a_i)
    return sigmoid(o) * read, C * torch.exp(-m)[:, None, None], n * torch.exp(-m)[:, None], m


def block(x, p, h):
    def a(k):
        rows = slice(k * H, (k + 1) * H)
        return x @ p["W_x"][rows].T + h @ p["W_h"][rows].T + p["b"][rows]

    return a


def a_layer(kind, **keywords):
    rng = np.random.default_rng(0)
    layer = kind(D, H, rng=rng, **keywords)
    for value in layer.params.values():
        value[...] = rng.normal(scale=0.7, size=value.shape)
    return layer


def a_state(layer, seed):
    """One array for each part of the state; n of an sLSTM is a sum of positive weights."""
    rng, sizes = np.random.default_rng(seed), {"B": B, "H": H}
    axes = [layer.state_axes.get(name, "BH") for name in layer.state_type._fields]
    state = [rng.standard_normal([sizes[axis] for axis in part]) for part in axes]
    if isinstance(layer, SLSTM):
        state[2] = np.exp(state[2])
    return state


@pytest.mark.parametrize(
    ("kind", "equations"),
    [
        (partial(GRU, reset_after=False), gru_of_2014),
        (PeepholeLSTM, peephole),
        (CoupledLSTM, coupled),
        (NoForgetLSTM, no_forget),
        (MinLSTM, minimal),
        (SLSTM, exponential),
        (MLSTM, matrix),
    ],
    ids=["GRU of 2014", "PeepholeLSTM", "CoupledLSTM", "NoForgetLSTM", "MinLSTM", "SLSTM", "MLSTM"],
)
def test_outputs_and_all_gradients_equal_the_equations_under_autograd(kind, equations):
    layer = a_layer(kind)
    rng = np.random.default_rng(1)
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    start, dlast = a_state(layer, 2), a_state(layer, 3)
    h, last = layer.forward(x, start)
    dx, dstart = layer.backward(dh, dlast)

    p = {name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()}
    x_t = torch.tensor(x, requires_grad=True)
    start_t = tuple(torch.tensor(part, requires_grad=True) for part in start)
    state, outputs = start_t, []
    for step in x_t:
        state = equations(step, p, *state)
        outputs.append(state[0])
    loss = (torch.stack(outputs) * torch.tensor(dh)).sum()
    loss += sum((part * torch.tensor(d)).sum() for part, d in zip(state, dlast, strict=True))
    loss.backward()

    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)
    close(h, torch.stack(outputs).detach())
    close(dx, x_t.grad)
    for ours, theirs in zip(last, state, strict=True):
        close(ours, theirs.detach())
    for ours, theirs in zip(dstart, start_t, strict=True):
        # An mLSTM never reads the h before, and autograd says so by None.
        close(ours, 0 if theirs.grad is None else theirs.grad)
    for name, value in p.items():
        close(layer.grads[name], value.grad)


@pytest.mark.parametrize(
    ("kind", "step", "step_backward"),
    [
        (GRU, gru_step, gru_step_backward),
        (PeepholeLSTM, peephole_lstm_step, peephole_lstm_step_backward),
        (CoupledLSTM, coupled_lstm_step, coupled_lstm_step_backward),
        (NoForgetLSTM, no_forget_lstm_step, no_forget_lstm_step_backward),
        (MinLSTM, min_lstm_step, min_lstm_step_backward),
        (SLSTM, slstm_step, slstm_step_backward),
        (MLSTM, mlstm_step, mlstm_step_backward),
    ],
)
def test_the_pure_pair_says_what_its_layer_says(kind, step, step_backward):
    layer = a_layer(kind)
    x, start, dstate = np.random.default_rng(1).standard_normal((B, D)), a_state(layer, 2), a_state(layer, 3)
    *state, cache = step(x, *start, layer.params)
    dx, *dstart, grads = step_backward(*dstate, cache, layer.params)

    h, last = layer.forward(x[None], start)
    dx_layer, dstart_layer = layer.backward(0 * h, dstate)
    close = partial(np.testing.assert_allclose, rtol=1e-14, atol=1e-15)
    close(dx, dx_layer[0])
    for pure, of_layer in zip((*state, *dstart), (*last, *dstart_layer), strict=True):
        close(pure, of_layer)
    assert grads.keys() == layer.params.keys()
    for name, value in grads.items():
        close(value, layer.grads[name])


# How each cell is related to the LSTM


def blocks(lstm, *names):
    """The LSTM's parameters, with only the blocks named."""
    order = {name: value for name, value in zip("ifgo", range(4), strict=True)}
    return {
        key: np.concatenate([np.split(value, 4)[order[name]] for name in names])
        for key, value in lstm.params.items()
    }


def assert_same_outputs(layer, lstm):
    x = np.random.default_rng(2).standard_normal((T, B, D))
    np.testing.assert_allclose(layer.forward(x)[0], lstm.forward(x)[0], rtol=1e-12, atol=1e-12)


def test_without_its_peepholes_it_is_an_lstm():
    layer, lstm = a_layer(PeepholeLSTM), a_layer(LSTM)
    for name in ("p_i", "p_f", "p_o"):
        layer.params[name][:] = 0
    layer.params |= {name: value.copy() for name, value in lstm.params.items()}
    assert_same_outputs(layer, lstm)


def test_a_peephole_lstm_starts_as_the_lstm_of_the_same_generator():
    keywords = {"forget_bias": 0.5}
    first = PeepholeLSTM(D, H, rng=np.random.default_rng(3), **keywords)
    assert_same_outputs(first, LSTM(D, H, rng=np.random.default_rng(3), **keywords))


def test_a_coupled_lstm_is_an_lstm_whose_input_gate_mirrors_its_forget_gate():
    # σ(−a) = 1 − σ(a)
    lstm, layer = a_layer(LSTM), a_layer(CoupledLSTM)
    for value in lstm.params.values():
        value[:H] = -value[H : 2 * H]
    layer.params = blocks(lstm, "f", "g", "o")
    assert_same_outputs(layer, lstm)


def test_the_cell_of_1997_is_an_lstm_that_never_closes_its_forget_gate():
    # σ(99) is 1 to the last bit.
    lstm, layer = a_layer(LSTM), a_layer(NoForgetLSTM)
    for value, open_gate in ((lstm.params["W_x"], 0), (lstm.params["W_h"], 0), (lstm.params["b"], 99)):
        value[H : 2 * H] = open_gate
    layer.params = blocks(lstm, "i", "g", "o")
    assert_same_outputs(layer, lstm)


def test_both_forms_of_the_gru_agree_while_the_reset_gate_is_open_and_differ_otherwise():
    after, before = a_layer(GRU), a_layer(GRU, reset_after=False)
    x = np.random.default_rng(2).standard_normal((T, B, D))
    assert np.abs(after.forward(x)[0] - before.forward(x)[0]).max() > 1e-2
    for layer in (after, before):
        layer.params["b_x"][:H] = 99
    np.testing.assert_allclose(after.forward(x)[0], before.forward(x)[0], rtol=1e-12)


# How they start


@pytest.mark.parametrize("kind", [PeepholeLSTM, CoupledLSTM])
def test_only_the_forget_gate_starts_with_a_bias(kind):
    layer = kind(D, H, forget_bias=2.5)
    biases = dict(zip(layer.blocks, np.split(layer.params["b"], len(layer.blocks)), strict=True))
    assert np.all(biases.pop("f") == 2.5)
    assert not np.any(list(biases.values()))
    default = np.split(kind(D, H).params["b"], len(layer.blocks))[layer.blocks.index("f")]
    assert np.all(default == 1)


@pytest.mark.parametrize("kind", [PeepholeLSTM, CoupledLSTM])
def test_a_forget_bias_is_a_finite_number(kind):
    for bias in (np.nan, np.inf, "1", None, True):
        with pytest.raises(ValueError, match="forget_bias must be a finite number, got"):
            kind(D, H, forget_bias=bias)


def test_a_cell_without_a_forget_gate_takes_no_bias_for_it():
    with pytest.raises(TypeError, match="forget_bias"):
        NoForgetLSTM(D, H, forget_bias=1.0)


def test_the_form_of_a_gru_is_true_or_false():
    for form in ("2014", 1, None):
        with pytest.raises(ValueError, match="reset_after must be True or False, got"):
            GRU(D, H, reset_after=form)


def test_the_two_biases_of_a_gru_are_two_arrays():
    layer = GRU(D, H)
    layer.params["b_x"] += 1
    assert not layer.params["b_h"].any()


# What makes each of them worth a name


def test_a_coupled_cell_state_never_leaves_the_range_of_its_candidate():
    layer = a_layer(CoupledLSTM)
    layer.forward(10 * np.random.default_rng(2).standard_normal((50, B, D)))
    assert np.abs(layer.trace.c).max() <= 1
    assert np.array_equal(layer.trace.i, 1 - layer.trace.f)


def test_the_cell_state_of_1997_grows_without_bound():
    layer = NoForgetLSTM(1, 1)
    for name in ("W_x", "W_h"):
        layer.params[name][:] = 0
    layer.params["b"][:] = 99
    layer.forward(np.zeros((50, 1, 1)))
    # Input gate and candidate are 1, so c counts the steps.
    assert layer.trace.c[:, 0, 0].tolist() == list(range(1, 51))


def test_a_gru_with_an_open_update_gate_keeps_its_state_and_the_gradient_of_it():
    layer = a_layer(GRU)
    layer.params["b_x"][H : 2 * H] = 99
    state = np.random.default_rng(3).standard_normal((B, H))
    h, last = layer.forward(np.random.default_rng(2).standard_normal((50, B, D)), (state,))
    assert np.array_equal(last.h, state)
    dx, dstate0 = layer.backward(np.zeros_like(h), (np.ones((B, H)),))
    assert np.array_equal(dstate0.h, np.ones((B, H)))
    assert not dx.any()


# The three cells of 2024


def test_a_scan_equals_its_loop():
    rng = np.random.default_rng(0)
    for length in (1, 2, 3, 8, 13):
        a, b, h = rng.uniform(size=(length, B, H)), rng.standard_normal((length, B, H)), np.ones((B, H))
        scanned = linear_scan(a, b, h)
        for t in range(length):
            h = a[t] * h + b[t]
            np.testing.assert_allclose(scanned[t], h, rtol=1e-13)


class Looped(MinLSTM):
    """The same layer, walked along a sequence by its step."""

    fast_walk = None


@pytest.mark.parametrize("masked", [False, True])
def test_the_scan_of_a_min_lstm_equals_its_loop_forward_and_backward(masked):
    layer, rng = a_layer(MinLSTM), np.random.default_rng(1)
    x, dh = rng.standard_normal((50, B, D)), rng.standard_normal((50, B, H))
    start, dlast = a_state(layer, 2), a_state(layer, 3)
    mask = rng.random((50, B)) < 0.7 if masked else None
    if masked:
        mask[0] = True
    looped = Looped(D, H)
    looped.params = layer.params
    found, expected = ([*one.forward(x, start, mask), *one.backward(dh, dlast)] for one in (layer, looped))
    for scanned, by_steps in zip(found, expected, strict=True):
        np.testing.assert_allclose(scanned, by_steps, rtol=1e-12, atol=1e-12)
    for name, value in layer.grads.items():
        np.testing.assert_allclose(value, looped.grads[name], rtol=1e-12, atol=1e-12)


def test_the_two_shares_of_a_min_lstm_survive_gates_that_are_shut():
    layer = MinLSTM(1, 1)
    layer.params["W_x"][:] = 0
    layer.params["b"][:] = (-1000, -999, 1)
    layer.forward(np.zeros((1, 1, 1)))
    # σ(−999) / (σ(−999) + σ(−1000)) = 1 / (1 + 1/e)
    np.testing.assert_allclose(layer.trace.f, 1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("kind", [SLSTM, MLSTM])
def test_an_exponential_gate_may_be_of_any_size(kind):
    layer, rng = a_layer(kind), np.random.default_rng(1)
    inputs = layer.params["b"][:H] if kind is SLSTM else layer.params["b_g"][:1]
    x = rng.standard_normal((T, B, D))
    h, _ = layer.forward(x)
    inputs += 2000
    h_large, _ = layer.forward(x)
    assert np.isfinite(h_large).all()
    if kind is SLSTM:
        # All weights grow alike, and a mean does not see it.
        np.testing.assert_allclose(h_large, h, rtol=1e-10)


def test_an_mlstm_gives_back_what_was_stored_under_orthogonal_keys():
    layer = MLSTM(8, 4)
    for value in layer.params.values():
        value[...] = 0
    # The first four inputs are the key and the query, the last four the value; gates wide open.
    for part, source in ((0, 0), (1, 0), (2, 4)):
        layer.params["W_x"][4 * part : 4 * part + 4, source : source + 4] = np.eye(4)
    layer.params["b"][12:] = 99
    layer.params["b_g"][:] = (9, 99)
    keys, values = 2 * np.eye(4), np.arange(16.0).reshape(4, 4)
    x = np.concatenate([keys, values], axis=1)[:, None]
    h, state = layer.forward(x)
    for key, value in zip(keys, values, strict=True):
        np.testing.assert_allclose(state.C[0] @ key / (state.n[0] @ key), value, atol=1e-12)
    np.testing.assert_allclose(h[:, 0], values, atol=1e-3)
