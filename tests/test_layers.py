"""What every recurrent layer promises, held once for all of them.

The oracles: central differences, PyTorch, and the layer itself on the same sequences cut, masked,
shuffled or reversed.
"""

import copy
import pickle
from collections import namedtuple
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstmlib import (
    GRU,
    LSTM,
    MLSTM,
    RNN,
    SLSTM,
    CoupledLSTM,
    MinLSTM,
    NoForgetLSTM,
    PeepholeLSTM,
    UnsquashedLSTM,
)
from lstmlib.gradients import check_layer, gradient_norm_by_lag
from lstmlib.layer import HiddenState, RecurrentLayer
from lstmlib.rnn import rnn_step_backward

LAYERS = {
    "RNN": RNN,
    "LSTM": LSTM,
    "GRU": GRU,
    "GRU of 2014": partial(GRU, reset_after=False),
    "PeepholeLSTM": PeepholeLSTM,
    "CoupledLSTM": CoupledLSTM,
    "NoForgetLSTM": NoForgetLSTM,
    "MinLSTM": MinLSTM,
    "SLSTM": SLSTM,
    "MLSTM": MLSTM,
    "UnsquashedLSTM": UnsquashedLSTM,
}
TORCH = {"RNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}

every_layer = pytest.mark.parametrize("kind", LAYERS)
every_torch_layer = pytest.mark.parametrize("kind", TORCH)
masked_or_not = pytest.mark.parametrize("masked", [False, True], ids=["all steps", "mask"])


class Problem(NamedTuple):
    """Something to read and a gradient to send back. `state` and `dstate` as the layer takes them."""

    x: np.ndarray
    state: object
    mask: np.ndarray
    dh: np.ndarray
    dstate: object


class Result(NamedTuple):
    """All that a layer says about a problem; states as tuples of their parts."""

    h: np.ndarray
    last: tuple
    dx: np.ndarray
    dstate0: tuple
    grads: dict


def a_layer(kind, D=3, H=4, seed=0, **keywords):
    """A layer none of whose parameters is 0."""
    rng = np.random.default_rng(seed)
    layer = LAYERS[kind](D, H, rng=rng, **keywords)
    for value in layer.params.values():
        value[...] = rng.normal(scale=0.6, size=value.shape)
    return layer


def a_problem(layer, T=6, B=2, seed=1):
    rng = np.random.default_rng(seed)
    D, H = layer.input_size, layer.hidden_size
    mask = rng.random((T, B)) < 0.6
    mask[0] = True
    sizes = {"B": B, "H": H}
    axes = [layer.state_axes.get(name, "BH") for name in layer.state_type._fields]
    shapes = [[sizes[axis] for axis in part] for part in axes]
    states = [tuple(rng.standard_normal(shape) for shape in shapes) for _ in range(2)]
    if isinstance(layer, SLSTM):
        # The normaliser is a sum of positive weights.
        states[0] = (*states[0][:2], np.exp(states[0][2]), states[0][3])
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    return Problem(x, states[0], mask, dh, states[1])


def run(layer, x, state=None, mask=None, dh=None, dstate=None):
    h, last = layer.forward(x, state, mask)
    dx, dstate0 = layer.backward(dh, dstate)
    return Result(h, last, dx, dstate0, layer.grads)


def pick(state, columns):
    return tuple(part[columns] for part in state)


def assert_equal(actual, expected, tolerance=1e-11):
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        actual, expected = list(actual.values()), list(expected.values())
    if isinstance(expected, tuple | list):
        for a, e in zip(actual, expected, strict=True):
            assert_equal(a, e, tolerance)
    else:
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def total(grads):
    """Sum of several backward passes' parameter gradients."""
    return {name: sum(g[name] for g in grads) for name in grads[0]}


# Gradients


@every_layer
@masked_or_not
@pytest.mark.parametrize("with_state", [False, True], ids=["zero state", "initial state"])
def test_every_gradient_equals_central_differences(kind, masked, with_state):
    layer = a_layer(kind)
    problem = a_problem(layer)
    errors = check_layer(
        layer, problem.x, problem.state if with_state else None, problem.mask if masked else None
    )
    parts_of_state = {f"state.{name}" for name in layer.state_type._fields}
    assert errors.keys() == layer.params.keys() | {"x"} | parts_of_state
    if not with_state:
        # m scales what is stored, and nothing is: its gradient is 0, and has no relative error.
        errors.pop("state.m", None)
    assert max(errors.values()) < 1e-7, errors


@every_layer
def test_two_updates_lower_the_loss(kind):
    layer = a_layer(kind)
    x, target = a_problem(layer, T=8, B=5).x, 0.5 * np.sin(np.arange(8 * 5 * 4)).reshape(8, 5, 4)
    losses = []
    for _ in range(3):
        h, _ = layer.forward(x)
        losses.append(0.5 * np.sum((h - target) ** 2))
        layer.backward(h - target)
        for name, value in layer.params.items():
            value -= 0.01 * layer.grads[name]
    assert losses[0] > losses[1] > losses[2]


# PyTorch


@every_torch_layer
@masked_or_not
@pytest.mark.parametrize("with_state", [False, True], ids=["zero state", "initial state"])
def test_outputs_and_all_gradients_equal_pytorch(kind, masked, with_state):
    layer = a_layer(kind)
    assert_stack_equals_pytorch(kind, [layer], masked, with_state)


@every_torch_layer
@masked_or_not
def test_one_layer_on_another_equals_pytorch_with_two_layers(kind, masked):
    assert_stack_equals_pytorch(kind, [a_layer(kind), a_layer(kind, D=4, H=4, seed=5)], masked, True)


def assert_stack_equals_pytorch(kind, layers, masked, with_state):
    T, B = 7, 3
    problem = a_problem(layers[0], T, B)
    states = [a_problem(layer, T, B, seed=k).state if with_state else None for k, layer in enumerate(layers)]
    lengths = np.array([4, 7, 1]) if masked else np.full(B, T)
    mask = np.arange(T)[:, None] < lengths
    # PyTorch has no output at a padded step, so no gradient comes from there.
    dh = problem.dh * mask[:, :, None]
    dstates = [a_problem(layer, T, B, seed=9 + k).dstate for k, layer in enumerate(layers)]

    h, lasts = problem.x, []
    for layer, state in zip(layers, states, strict=True):
        h, last = layer.forward(h, state, mask if masked else None)
        lasts.append(last)
    dx, dstate0s = dh, []
    for layer, dstate in zip(reversed(layers), reversed(dstates), strict=True):
        dx, dstate0 = layer.backward(dx, dstate)
        dstate0s.insert(0, dstate0)

    module = torch_module(kind, layers)
    x = torch.tensor(problem.x, requires_grad=True)
    start = [
        torch.stack([torch.tensor(part) for part in column]).requires_grad_()
        for column in zip(*[s if s is not None else zero_state(layers[0], B) for s in states], strict=True)
    ]
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    output, last = module(packed, start[0] if len(start) == 1 else tuple(start))
    output, _ = pad_packed_sequence(output, total_length=T)
    last = (last,) if len(start) == 1 else last
    loss = (output * torch.tensor(dh)).sum()
    for k, dstate in enumerate(dstates):
        loss = loss + sum((p[k] * torch.tensor(d)).sum() for p, d in zip(last, dstate, strict=True))
    loss.backward()

    assert_equal(np.where(mask[:, :, None], h, 0), output.detach(), 1e-10)
    assert_equal(dx, x.grad, 1e-10)
    for k, layer in enumerate(layers):
        assert_equal(lasts[k], [part[k].detach() for part in last], 1e-10)
        assert_equal(dstate0s[k], [part.grad[k] for part in start], 1e-10)
        for name, theirs in torch_names(layer, k).items():
            for one in theirs:
                assert_equal(layer.grads[name], getattr(module, one).grad, 1e-10)


def torch_names(layer, k):
    """The names PyTorch has for each of our parameters: it has two biases where we have their sum."""
    biases = {"b": [f"bias_ih_l{k}", f"bias_hh_l{k}"]}
    if "b" not in layer.params:
        biases = {"b_x": [f"bias_ih_l{k}"], "b_h": [f"bias_hh_l{k}"]}
    return {"W_x": [f"weight_ih_l{k}"], "W_h": [f"weight_hh_l{k}"], **biases}


def torch_module(kind, layers, **keywords):
    D, H = layers[0].input_size, layers[0].hidden_size
    module = TORCH[kind](D, H, num_layers=len(layers), dtype=torch.float64, **keywords)
    with torch.no_grad():
        for k, layer in enumerate(layers):
            for name, (first, *second) in torch_names(layer, k).items():
                getattr(module, first).copy_(torch.tensor(layer.params[name]))
                for other in second:
                    getattr(module, other).zero_()
    return module


def zero_state(layer, B):
    return tuple(np.zeros((B, layer.hidden_size)) for _ in layer.state_type._fields)


# Properties

sizes = st.fixed_dictionaries(
    {
        "T": st.integers(1, 6),
        "B": st.integers(1, 4),
        "D": st.integers(1, 3),
        "H": st.integers(1, 4),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def layer_and_problem(kind, T, B, D, H, seed):
    layer = a_layer(kind, D, H, seed)
    return layer, a_problem(layer, T, B, seed + 1)


@every_layer
@given(sizes)
def test_the_order_of_the_batch_does_not_matter(kind, sizes):
    layer, problem = layer_and_problem(kind, **sizes)
    order = np.random.default_rng(sizes["seed"]).permutation(sizes["B"])
    shuffled = Problem(
        problem.x[:, order],
        pick(problem.state, order),
        problem.mask[:, order],
        problem.dh[:, order],
        pick(problem.dstate, order),
    )
    straight, other = run(layer, *problem), run(layer, *shuffled)
    assert_equal(other.h, straight.h[:, order])
    assert_equal(other.last, [part[order] for part in straight.last])
    assert_equal(other.dx, straight.dx[:, order])
    assert_equal(other.dstate0, [part[order] for part in straight.dstate0])
    assert_equal(other.grads, straight.grads)


@every_layer
@given(sizes)
def test_a_mask_equals_a_shorter_sequence(kind, sizes):
    layer, problem = layer_and_problem(kind, **sizes)
    masked = run(layer, *problem)
    alone_grads = []
    for b in range(sizes["B"]):
        keep = problem.mask[:, b]
        step = np.cumsum(keep) - 1  # which of the steps kept each output repeats
        dh = np.zeros((keep.sum(), 1, sizes["H"]))
        np.add.at(dh, step, problem.dh[:, [b]])
        alone = run(
            layer, problem.x[keep][:, [b]], pick(problem.state, [b]), None, dh, pick(problem.dstate, [b])
        )
        alone_grads.append(alone.grads)
        assert_equal(masked.h[:, [b]], alone.h[step])
        assert_equal([part[[b]] for part in masked.last], alone.last)
        assert_equal(masked.dx[keep][:, [b]], alone.dx)
        assert np.all(masked.dx[~keep, b] == 0)
        assert_equal([part[[b]] for part in masked.dstate0], alone.dstate0)
    assert_equal(masked.grads, total(alone_grads))


@every_layer
@given(sizes, st.integers(1, 5))
def test_carrying_the_state_over_a_cut_equals_the_whole_sequence(kind, sizes, cut):
    layer, problem = layer_and_problem(kind, **{**sizes, "T": 6})
    x, state, _, dh, dstate = problem
    whole_run = run(layer, x, state, None, dh, dstate)
    first, second = copy.deepcopy(layer), copy.deepcopy(layer)
    h_first, between = first.forward(x[:cut], state)
    h_second, last = second.forward(x[cut:], between)
    dx_second, dbetween = second.backward(dh[cut:], dstate)
    dx_first, dstate0 = first.backward(dh[:cut], dbetween)
    assert_equal(np.concatenate([h_first, h_second]), whole_run.h)
    assert_equal(last, whole_run.last)
    assert_equal(np.concatenate([dx_first, dx_second]), whole_run.dx)
    assert_equal(dstate0, whole_run.dstate0)
    assert_equal(total([first.grads, second.grads]), whole_run.grads)


@every_layer
@given(sizes)
def test_reversing_a_padded_batch_by_length_equals_reversing_each_sequence_alone(kind, sizes):
    layer, problem = layer_and_problem(kind, **sizes)
    T, B = sizes["T"], sizes["B"]
    lengths = np.random.default_rng(sizes["seed"]).integers(1, T + 1, B)
    backwards = reversed_by_length(problem.x, lengths)
    h, last = layer.forward(backwards, problem.state, np.arange(T)[:, None] < lengths)
    for b, length in enumerate(lengths):
        alone, alone_last = layer.forward(problem.x[:length, [b]][::-1], pick(problem.state, [b]))
        assert_equal(reversed_by_length(h, lengths)[:length, [b]], alone[::-1])
        assert_equal(pick(last, [b]), alone_last)


def reversed_by_length(x, lengths):
    """Each sequence back to front within its own length; the padding stays at the end."""
    x = x.copy()
    for b, length in enumerate(lengths):
        x[:length, b] = x[:length, b][::-1]
    return x


@every_torch_layer
def test_reading_each_sequence_backwards_is_the_reverse_direction_of_pytorch(kind):
    layer = a_layer(kind)
    lengths = np.array([5, 2, 3])
    x = a_problem(layer, T=5, B=3).x
    module = torch_module(kind, [layer], bidirectional=True)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            # What was given to the forward direction belongs to the other one here.
            getattr(module, f"{name}_l0_reverse").copy_(getattr(module, f"{name}_l0"))
            getattr(module, f"{name}_l0").fill_(0.1)
        output, _ = module(pack_padded_sequence(torch.tensor(x), torch.tensor(lengths), enforce_sorted=False))
        expected = pad_packed_sequence(output)[0][:, :, 4:].numpy()
    mask = np.arange(5)[:, None] < lengths
    h, _ = layer.forward(reversed_by_length(x, lengths), mask=mask)
    h = reversed_by_length(h, lengths)
    assert_equal(h[mask], expected[mask], 1e-10)


@every_layer
@given(sizes)
def test_no_step_depends_on_a_later_one(kind, sizes):
    layer, problem = layer_and_problem(kind, **sizes)
    t = sizes["seed"] % sizes["T"]
    changed = problem.x.copy()
    changed[t] += 1
    h, _ = layer.forward(problem.x)
    h_changed, _ = layer.forward(changed)
    assert np.array_equal(h[:t], h_changed[:t])
    assert not np.array_equal(h[t], h_changed[t])

    only_t = np.zeros_like(problem.dh)
    only_t[t] = problem.dh[t]
    dx, _ = layer.backward(only_t)
    assert np.all(dx[t + 1 :] == 0)
    assert np.any(dx[t] != 0)


@every_layer
@given(sizes)
def test_float32_stays_float32_and_close_to_float64(kind, sizes):
    layer, problem = layer_and_problem(kind, **sizes)
    small = LAYERS[kind](sizes["D"], sizes["H"], dtype=np.float32)
    for name, value in layer.params.items():
        small.params[name][...] = value
    result = run(small, *problem)
    for array in [result.h, *result.last, result.dx, *result.dstate0, *result.grads.values(), *small.trace]:
        assert array.dtype == np.float32
    assert_equal(result, run(layer, *problem), 1e-4)


# What a reader can look at


@every_layer
def test_step_by_step_equals_forward(kind):
    layer = a_layer(kind)
    problem = a_problem(layer)
    h, last = layer.forward(problem.x, problem.state)
    trace, state = layer.trace, problem.state
    for t, x in enumerate(problem.x):
        state, gates = layer.step(x, state)
        assert gates.keys() == set(trace._fields) - set(layer.state_type._fields)
        for name, value in {**gates, **dict(zip(layer.state_type._fields, state, strict=True))}.items():
            assert_equal(value, getattr(trace, name)[t])
        assert_equal(state[0], h[t])
    assert_equal(state, last)


@every_layer
def test_the_trace_is_one_array_for_each_gate_and_state(kind):
    layer = a_layer(kind)
    problem = a_problem(layer)
    h, last = layer.forward(problem.x, problem.state, problem.mask)
    # One number for each step and sequence at least, and for each unit where a gate has units.
    assert {array.shape[:2] for array in layer.trace} == {h.shape[:2]}
    assert all(size == h.shape[2] for array in layer.trace for size in array.shape[2:])
    assert np.array_equal(layer.trace.h, h)
    for name, part in zip(layer.state_type._fields, last, strict=True):
        assert np.array_equal(getattr(layer.trace, name)[-1], part)


@every_layer
def test_the_state_is_carried_unchanged_where_the_mask_is_false(kind):
    layer = a_layer(kind)
    x = a_problem(layer, T=3, B=1).x
    layer.forward(x, mask=np.array([[True], [False], [True]]))
    for name in layer.state_type._fields:
        first, second, third = getattr(layer.trace, name)
        assert np.array_equal(first, second)
        assert not np.array_equal(second, third)


@every_layer
@masked_or_not
def test_what_happens_to_the_arrays_after_forward_does_not_reach_backward(kind, masked):
    layer = a_layer(kind)
    x, state, mask, dh, dstate = a_problem(layer)
    mask = mask if masked else np.ones_like(mask)
    expected = run(copy.deepcopy(layer), x, state, mask if masked else None, dh, dstate)
    h, last = layer.forward(x, state, mask if masked else None)
    for array in (x, h, *state, *last, *layer.trace):
        array[...] = 7
    mask[1:] = False
    dx, dstate0 = layer.backward(dh, dstate)
    assert_equal(dx, expected.dx)
    assert_equal(dstate0, expected.dstate0)
    assert_equal(layer.grads, expected.grads)


@every_layer
def test_forward_and_backward_change_none_of_their_arguments(kind):
    layer = a_layer(kind)
    problem = a_problem(layer)
    before, params = copy.deepcopy(problem), copy.deepcopy(layer.params)
    run(layer, *problem)
    assert_equal(problem, before, 0)
    assert_equal(layer.params, params, 0)


@every_layer
def test_the_same_generator_gives_the_same_layer(kind):
    first, second, other = (LAYERS[kind](3, 4, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert_equal(first.params, second.params, 0)
    assert np.all(first.params["W_x"] != other.params["W_x"])


# What is named is what runs


def loud(step, step_backward):
    """A cell whose hidden state is twice as large."""

    def loud_step(x, *state, **options):
        h, *others, cache = step(x, *state, **options)
        return 2 * h, *others, cache

    def loud_step_backward(dh, *rest):
        return step_backward(2 * dh, *rest)

    return loud_step, loud_step_backward


def a_loud_layer(kind, where):
    """A layer of a loud cell, which is named in one of the places where Python allows it."""
    layer = a_layer(kind)
    cell = loud(*layer.cell)
    layer.__class__ = changed = type("Loud", (type(layer),), {"cell": cell} if where == "subclass" else {})
    if where == "class, later":
        changed.cell = cell
    if where == "object":
        layer.cell = cell
    return layer


@every_layer
@masked_or_not
@pytest.mark.parametrize("where", ["subclass", "class, later", "object"])
def test_the_cell_that_is_named_runs_in_every_method(kind, masked, where):
    layer = a_loud_layer(kind, where)
    x, start, mask, *_ = a_problem(layer)
    mask = mask if masked else np.ones_like(mask)
    h, last = layer.forward(x, start, mask if masked else None)
    assert np.array_equal(layer.trace.h, h)
    state = start
    for t in range(len(x)):
        new, _ = layer.step(x[t], state)
        keep = mask[t]
        state = tuple(
            np.where(keep.reshape(-1, *[1] * (old.ndim - 1)), part, old)
            for part, old in zip(new, state, strict=True)
        )
        assert_equal(h[t], state[0])
    assert_equal(last, state)
    assert not np.allclose(h, a_layer(kind).forward(x, start, mask)[0])


@every_layer
@masked_or_not
def test_a_cell_and_its_gradient_belong_together(kind, masked):
    layer = a_loud_layer(kind, "subclass")
    problem = a_problem(layer)
    errors = check_layer(layer, problem.x, problem.state, problem.mask if masked else None)
    assert max(errors.values()) < 1e-7, errors


@every_layer
def test_the_cell_that_is_named_is_the_one_whose_gradient_is_measured_by_lag(kind):
    layer = a_loud_layer(kind, "subclass")
    x, start, *_ = a_problem(layer, T=2, B=1)
    _, between = layer.forward(x[:1], start)
    jacobian = []
    for row in np.eye(4):
        layer.forward(x[1:], between)
        _, dstate0 = layer.backward(row.reshape(1, 1, 4))
        jacobian.append(dstate0.h[0])
    assert_equal(gradient_norm_by_lag(layer, x, start)[1, 0], np.linalg.norm(jacobian, 2))


@every_layer
def test_a_step_backward_that_is_exchanged_alone_runs(kind):
    layer, plain = a_layer(kind), a_layer(kind)
    step, step_backward = layer.cell

    def deaf(*arguments):
        dx, *rest = step_backward(*arguments)
        return 0 * dx, *rest

    layer.cell = step, deaf
    problem = a_problem(layer)
    expected, found = run(plain, *problem), run(layer, *problem)
    assert not found.dx.any()
    assert_equal(found.h, expected.h)
    assert_equal(found.grads, expected.grads)


# A layer of one's own


class TwoMemories(NamedTuple):
    """The state of a cell that also keeps the last hidden state but one."""

    h: np.ndarray
    h_before: np.ndarray


def remembering_step(x, h_prev, h_before, params):
    h = np.tanh(x @ params["W"].T + params["a"] * h_before)
    return h, h_prev, {"x": x, "h_before": h_before, "squashed": h}


def remembering_step_backward(dh, dh_before, cache, params):
    da = dh * (1 - cache["squashed"] ** 2)
    grads = {"W": da.T @ cache["x"], "a": (da * cache["h_before"]).sum(axis=0)}
    return da @ params["W"], dh_before, da * params["a"], grads


class Remembering(RecurrentLayer):
    cell = remembering_step, remembering_step_backward
    gates = ("squashed",)
    state_type = TwoMemories

    def first_weights(self, rng):
        W = rng.standard_normal((self.hidden_size, self.input_size))
        return {"W": W, "a": np.full(self.hidden_size, 0.5)}


def test_a_pair_of_functions_and_their_names_are_a_layer():
    layer = Remembering(3, 4, rng=np.random.default_rng(0), dtype=np.float32)
    assert {value.dtype for value in layer.params.values()} == {np.dtype(np.float32)}
    layer = Remembering(3, 4, rng=np.random.default_rng(0))
    problem = a_problem(layer)
    errors = check_layer(layer, problem.x, problem.state, problem.mask)
    assert errors.keys() == {"W", "a", "x", "state.h", "state.h_before"}
    assert max(errors.values()) < 1e-7, errors
    h, last = layer.forward(problem.x, problem.state)
    assert isinstance(last, TwoMemories)
    assert np.array_equal(last.h_before, h[-2])
    assert layer.trace._fields == ("squashed", "h_before", "h")
    assert np.array_equal(layer.trace.squashed, h)
    assert type(layer.trace).__name__ == "RememberingTrace"


def exchanged(step=remembering_step, step_backward=remembering_step_backward, **names):
    """The layer above with one part of it exchanged, as somebody might write it."""
    return type("Mine", (Remembering,), {"cell": (step, step_backward), **names})


def step_with(change):
    return lambda *arguments: change(*remembering_step(*arguments))


def back_with(change):
    return lambda *arguments: change(*remembering_step_backward(*arguments))


MISTAKES = {
    "no second part": (
        lambda: exchanged(step_with(lambda h, before, cache: (h, cache))),
        r"step of Mine\(3, 4\) must return h, h_before, cache, the last a dict; got 2 things",
    ),
    "nothing": (lambda: exchanged(lambda *_: None), r"must return h, h_before, cache, .*got NoneType"),
    "cache first": (
        lambda: exchanged(step_with(lambda h, b, cache: (cache, h, b))),
        "the last a dict; got 3",
    ),
    # Two rows of h must not be taken for h and a cache.
    "no cache": (
        lambda: exchanged(lambda x, h, params: x @ params["W"].T, state_type=HiddenState),
        r"step of Mine\(3, 4\) must return h, cache, the last a dict; got ndarray",
    ),
    "another shape": (
        lambda: exchanged(step_with(lambda h, b, cache: (h, b[:1], cache))),
        r"must return h_before of shape \(2, 4\), got \(1, 4\)",
    ),
    "no gate": (
        lambda: exchanged(step_with(lambda h, b, cache: (h, b, {**cache, "squashed": 0})), gates=("out",)),
        r"must put its gates into the cache: \['out'\] are not there",
    ),
    "no gradient": (
        lambda: exchanged(step_backward=back_with(lambda dx, dh, db, g: (dx, dh, db, {"W": g["W"]}))),
        r"must return grads of \['W', 'a'\], got \['W'\]",
    ),
    "gradient not summed": (
        lambda: exchanged(step_backward=back_with(lambda dx, dh, db, g: (dx, dh, db, {**g, "a": 1.0}))),
        r"must return da of shape \(4,\), got \(\)",
    ),
    "no grads": (
        lambda: exchanged(step_backward=back_with(lambda dx, dh, db, g: (dx, dh, db))),
        r"step backward of Mine.* must return dx, dh_prev, dh_before_prev, grads, the last a dict; got 3",
    ),
    "dx of another shape": (
        lambda: exchanged(step_backward=back_with(lambda dx, *rest: (dx[:, :1], *rest))),
        r"must return dx of shape \(2, 3\), got \(2, 1\)",
    ),
    "no cell": (
        lambda: type("Mine", (RecurrentLayer,), {"first_weights": lambda self, rng: {}}),
        "Mine must name its cell: cell = step, step_backward",
    ),
    "half a cell": (lambda: exchanged(cell=remembering_step), "Mine must name its cell"),
    "weights in a list": (
        lambda: exchanged(first_weights=lambda self, rng: [1.0]),
        "first_weights must return a dict of arrays, got list",
    ),
    "names for a state": (
        lambda: exchanged(state_type=("h", "c")),
        "must be a named tuple that begins with h",
    ),
    "h not first": (
        lambda: exchanged(state_type=namedtuple("Backwards", "h_before h")),
        "the state_type of Mine must be a named tuple that begins with h",
    ),
    "a gate called as the state": (
        lambda: exchanged(gates=("h_before",)),
        r"no gate may be called as a part of the state .*got \['h_before'\]",
    ),
    "axes of nothing": (lambda: exchanged(state_axes={"n": "B"}), r"may name these parts only; got \['n'\]"),
}


@pytest.mark.parametrize(("mistake", "message"), MISTAKES.values(), ids=MISTAKES)
def test_who_writes_a_layer_is_told_what_is_missing(mistake, message):
    def use():
        layer = mistake()(3, 4)
        h, _ = layer.forward(np.ones((5, 2, 3)))
        layer.backward(h)

    with pytest.raises(TypeError, match=message):
        use()


def test_layers_that_begin_with_one_array_do_not_share_it():
    shared = np.ones((4, 3))
    kind = exchanged(first_weights=lambda self, rng: {"W": shared, "a": np.ones(4)})
    first, second = kind(3, 4), kind(3, 4)
    first.params["W"] += 1
    assert (second.params["W"] == 1).all()
    assert (shared == 1).all()


def test_what_a_cell_returns_in_double_precision_comes_in_the_layers_own():
    kind = exchanged(step_with(lambda h, b, cache: (h.astype(float), b.astype(float), cache)))
    h, last = kind(3, 4, dtype=np.float32).forward(np.ones((5, 2, 3), np.float32))
    assert {array.dtype for array in (h, *last)} == {np.dtype(np.float32)}


@every_layer
def test_a_trace_and_a_state_survive_pickling(kind):
    layer = a_layer(kind)
    _, last = layer.forward(np.ones((5, 2, 3)))
    for value in (layer.trace, last):
        again = pickle.loads(pickle.dumps(value))
        assert type(again) is type(value)
        assert_equal(tuple(again), tuple(value), 0)


@every_layer
def test_a_cell_may_not_change_between_forward_and_backward(kind):
    layer = a_layer(kind)
    h, _ = layer.forward(np.ones((5, 2, 3)))
    layer.cell = loud(*layer.cell)
    with pytest.raises(RuntimeError, match="backward needs the cell that forward used"):
        layer.backward(h)


def test_a_layer_may_show_fewer_gates_than_the_one_it_is_made_from():
    class Curt(LSTM):
        gates = ("f",)

    layer = Curt(3, 4)
    layer.forward(np.ones((5, 2, 3)))
    assert layer.trace._fields == ("f", "c", "h")


# Bad input


def stretched(state):
    h, *others = state
    return (np.pad(h, ((0, 0), (0, 1))), *others)


def with_nan(array, *index):
    array = array.copy()
    array[index] = np.nan
    return array


# What comes in, for a layer (3, 4) that has just read (6, 2, 3), and what it is told
BAD_CALLS = {
    "2-D x": (lambda l, p: l.forward(p.x[0]), r"x must have shape \(T, B, D=3\), got 2-D \(2, 3\)"),
    "features": (lambda l, p: l.forward(p.x[..., 1:]), r"x must have shape \(T, B, D=3\), got \(6, 2, 2\)"),
    "NaN": (
        lambda l, p: l.forward(with_nan(p.x, 1, 0, 2)),
        r"x must be finite, got nan at index \(1, 0, 2\)",
    ),
    "overflow": (
        lambda l, p: type(l)(3, 4, dtype=np.float32).forward(p.x + 1e39),
        r"x must be finite, got 1e\+39 at index \(0, 0, 0\)",
    ),
    "infinity": (lambda l, p: l.forward(p.x + np.inf), r"x must be finite, got inf at index \(0, 0, 0\)"),
    "no step": (lambda l, p: l.forward(p.x[:0]), r"x must not be empty: .*\(T, B, D=3\), got \(0, 2, 3\)"),
    "no sequence": (lambda l, p: l.forward(p.x[:, :0]), r"x must not be empty: .*got \(6, 0, 3\)"),
    "integers": (lambda l, p: l.forward(p.x.astype(int)), r"x must hold floats, got dtype int64: .*astype"),
    "words": (lambda l, p: l.forward([[["a", "b", "c"]]]), r"x must hold floats, got dtype <U1"),
    "ragged": (
        lambda l, p: l.forward([[[1.0]], [[1.0, 2.0]]]),
        r"x must have shape \(T, B, D=3\), got lists of",
    ),
    "mask shape": (
        lambda l, p: l.forward(p.x, mask=p.mask.T),
        r"mask must have shape \(T=6, B=2\), got \(2, 6\)",
    ),
    "mask dtype": (
        lambda l, p: l.forward(p.x, mask=p.mask.astype(int)),
        r"mask must hold booleans, .*got dtype int64",
    ),
    "mask false at first": (
        lambda l, p: l.forward(p.x, mask=p.mask & [True, False]),
        r"mask must be True at the first step .*False for \[1\] of the batch",
    ),
    "state size": (
        lambda l, p: l.forward(p.x, stretched(p.state)),
        r"state(\.h)? must have shape \(B=2, H=4\), got \(2, 5\)",
    ),
    "state batch": (
        lambda l, p: l.forward(p.x, pick(p.state, [0])),
        r"state(\.h)? must have shape \(B=2, H=4\), got \(1, 4\)",
    ),
    "state NaN": (
        lambda l, p: l.forward(p.x, tuple(with_nan(part, *[0] * part.ndim) for part in p.state)),
        r"state(\.h)? must be finite, got nan",
    ),
    "three states": (lambda l, p: l.forward(p.x, (p.x, p.x, p.x)), r"state must "),
    "step of a sequence": (lambda l, p: l.step(p.x), r"x must have shape \(B, D=3\), got 3-D \(6, 2, 3\)"),
    "dh shape": (
        lambda l, p: l.backward(p.dh[1:]),
        r"dh must have shape \(T=6, B=2, H=4\), got \(5, 2, 4\)",
    ),
    "dh of one step": (
        lambda l, p: l.backward(p.dh[-1]),
        r"dh must have shape \(T=6, B=2, H=4\), got 2-D \(2, 4\)",
    ),
    "dh NaN": (lambda l, p: l.backward(with_nan(p.dh, 5, 1, 3)), r"dh must be finite, got nan"),
    "dstate size": (
        lambda l, p: l.backward(p.dh, stretched(p.dstate)),
        r"dstate(\.h)? must have shape \(B=2, H=4\), got \(2, 5\)",
    ),
}


@every_layer
@pytest.mark.parametrize(("call", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_input_is_named_and_a_call_that_raises_changes_nothing(kind, call, message):
    layer, twin = a_layer(kind), a_layer(kind)
    problem = a_problem(layer)
    for one in (layer, twin):
        run(one, *problem)
        one.forward(problem.x)
    trace, grads, params = copy.deepcopy((tuple(layer.trace), layer.grads, layer.params))

    with pytest.raises(ValueError, match=message):
        call(layer, problem)

    assert_equal(tuple(layer.trace), trace, 0)
    assert_equal(layer.grads, grads, 0)
    assert_equal(layer.params, params, 0)
    assert_equal(layer.backward(problem.dh)[0], twin.backward(problem.dh)[0], 0)
    assert_equal(layer.grads, twin.grads, 0)


@every_layer
def test_a_state_of_the_wrong_kind_is_named(kind):
    layer = a_layer(kind)
    x, zeros = np.ones((1, 2, 3)), np.zeros((2, 4))
    wrong, message = {
        ("h",): (
            zeros,
            r"state must be a tuple of h \(B, H\), got ndarray of shape \(2, 4\)",
        ),
        ("h", "c"): (
            zeros,
            r"state must be a tuple of h \(B, H\), c \(B, H\), got ndarray of shape \(2, 4\)",
        ),
        ("h", "c", "n", "m"): (zeros, r"a tuple of h .*, m \(B, H\), got ndarray of shape"),
        ("h", "C", "n", "m"): ((zeros,) * 3, r"C \(B, H, H\), n \(B, H\), m \(B\), got tuple of 3"),
    }[layer.state_type._fields]
    with pytest.raises(ValueError, match=message):
        layer.forward(x, wrong)


@every_layer
def test_backward_needs_a_forward_of_its_own(kind):
    layer = a_layer(kind)
    problem = a_problem(layer)
    with pytest.raises(RuntimeError, match=r"\.backward needs a forward pass of its own: call forward first"):
        layer.backward(problem.dh)
    assert layer.grads == {}

    layer.forward(problem.x)
    layer.backward(problem.dh)
    grads = layer.grads
    with pytest.raises(RuntimeError, match="again before each further backward"):
        layer.backward(problem.dh)
    assert layer.grads is grads


@every_layer
def test_parameters_may_not_change_between_forward_and_backward(kind):
    layer = a_layer(kind)
    problem = a_problem(layer)
    expected = run(copy.deepcopy(layer), problem.x, dh=problem.dh)
    for name, value in layer.params.items():
        layer.forward(problem.x)
        value.flat[-1] += 1e-9
        with pytest.raises(RuntimeError, match=rf"that forward read, but {name} has changed since: update"):
            layer.backward(problem.dh)
        value.flat[-1] -= 1e-9
        kept, layer.params[name] = value, 2 * value
        with pytest.raises(RuntimeError, match=f"{name} has changed"):
            layer.backward(problem.dh)
        layer.params[name] = kept
    layer.forward(problem.x)
    layer.backward(problem.dh)
    assert_equal(layer.grads, expected.grads, 1e-6)


@every_layer
def test_the_trace_needs_a_forward(kind):
    with pytest.raises(RuntimeError, match=r"\.trace is filled by forward: call forward first"):
        a_layer(kind).trace  # noqa: B018


@every_layer
@pytest.mark.parametrize("size", [0, -1, 2.5, True, "3", None])
def test_a_size_is_a_whole_number_of_at_least_one(kind, size):
    with pytest.raises(ValueError, match=f"input_size must be a whole number of at least 1, got {size!r}"):
        LAYERS[kind](size, 4)
    with pytest.raises(ValueError, match=f"hidden_size must be a whole number of at least 1, got {size!r}"):
        LAYERS[kind](3, size)


@every_layer
def test_a_layer_computes_in_float32_or_float64_only(kind):
    for dtype in (int, np.float16, complex, "foo"):
        with pytest.raises(ValueError, match="dtype must be float32 or float64, got"):
            LAYERS[kind](3, 4, dtype=dtype)


@every_layer
def test_randomness_comes_from_a_generator_only(kind):
    for rng in (0, np.random, "seed"):
        with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator"):
            LAYERS[kind](3, 4, rng=rng)


def test_a_cell_whose_state_type_was_forgotten_is_told_what_its_step_must_take():
    class Forgetful(LSTM):
        state_type = HiddenState

    said = r"the step of Forgetful\(3, 4\), whose state_type is HiddenState, must take x, h_prev, params: "
    with pytest.raises(TypeError, match=said):
        Forgetful(3, 4).forward(np.ones((2, 1, 3)))


def test_a_type_error_inside_a_cell_is_shown_as_it_is():
    def broken(x, h_prev, params):
        return x + None, {}

    class Broken(RNN):
        cell = broken, rnn_step_backward

    with pytest.raises(TypeError, match="unsupported operand"):
        Broken(3, 4).forward(np.ones((2, 1, 3)))


def test_a_part_of_the_state_may_have_a_size_of_its_own():
    class SlotState(NamedTuple):
        h: np.ndarray
        M: np.ndarray

    def step(x, h_prev, M_prev, params):
        M = 0.5 * M_prev + params["s"][:, None] * (x @ params["W"].T)[:, None]
        return M.sum(axis=1), M, {"x": x}

    def step_backward(dh, dM, cache, params):
        dM = dM + dh[:, None]
        written = cache["x"] @ params["W"].T
        da = (dM * params["s"][:, None]).sum(axis=1)
        grads = {"W": da.T @ cache["x"], "s": np.einsum("bkh,bh->k", dM, written)}
        return da @ params["W"], np.zeros_like(dh), 0.5 * dM, grads

    class Slots(RecurrentLayer):
        cell = step, step_backward
        state_type = SlotState
        state_axes: ClassVar = {"M": "BKH"}

        @property
        def sizes(self):
            return super().sizes | {"K": 5}

        def first_weights(self, rng):
            W = rng.standard_normal((self.hidden_size, self.input_size))
            return {"W": W, "s": rng.standard_normal(5)}

    rng = np.random.default_rng(0)
    errors = check_layer(Slots(3, 4, rng=rng), rng.standard_normal((4, 2, 3)))
    assert max(errors.values()) < 1e-7

    class Unknown(Slots):
        state_axes: ClassVar = {"M": "BQH"}

    with pytest.raises(TypeError, match=r"state_axes knows \['B', 'D', 'H', 'K'\], got \['Q'\]"):
        Unknown(3, 4)
