"""Optimisers, clipping and the loop against `torch.optim`; and the page, on which no bar may stay."""

import io
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lstmlib.lstm import LSTM
from lstmlib.notation import to_torch
from lstmlib.readout import Readout, cross_entropy, squared_error
from lstmlib.rnn import RNN
from lstmlib.tasks import TaskBatch
from lstmlib.training import (
    SGD,
    Adam,
    clip_gradients,
    hold_out,
    sequence_loss,
    train,
    truncated_backpropagation,
)

D, H, O = 2, 3, 2


class Parameters:
    """The least that can be trained: named arrays and a gradient for each."""

    def __init__(self, rng, dtype=np.float64):
        self.params = {
            "W": rng.standard_normal((2, 3)).astype(dtype),
            "b": rng.standard_normal(2).astype(dtype),
        }
        self.grads = {}


def copies_in_torch(layers):
    return [
        torch.tensor(param.copy(), requires_grad=True) for layer in layers for param in layer.params.values()
    ]


def draw_gradients(layers, copies, rng, size=1.0):
    for layer in layers:
        layer.grads = {name: size * rng.standard_normal(p.shape) for name, p in layer.params.items()}
    grads = [grad for layer in layers for grad in layer.grads.values()]
    for copy, grad in zip(copies, grads, strict=True):
        copy.grad = torch.tensor(grad)


def assert_equal_params(layers, copies, atol=1e-12):
    params = [param for layer in layers for param in layer.params.values()]
    for param, copy in zip(params, copies, strict=True):
        np.testing.assert_allclose(param, copy.detach().numpy(), rtol=0, atol=atol)


# Optimisers


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda ls: SGD(ls, 0.1), lambda ps: torch.optim.SGD(ps, 0.1)),
        (lambda ls: SGD(ls, 0.1, 0.9), lambda ps: torch.optim.SGD(ps, 0.1, 0.9)),
        (lambda ls: Adam(ls), lambda ps: torch.optim.Adam(ps)),
        (
            lambda ls: Adam(ls, 0.1, betas=(0.5, 0.8), epsilon=1e-3),
            lambda ps: torch.optim.Adam(ps, 0.1, betas=(0.5, 0.8), eps=1e-3),
        ),
    ],
    ids=["SGD", "SGD with momentum", "Adam", "Adam, all numbers given"],
)
def test_an_optimiser_equals_torch_over_twenty_steps(rng, ours, theirs):
    layers = [Parameters(rng), Parameters(rng)]
    copies = copies_in_torch(layers)
    optimiser, reference = ours(layers), theirs(copies)
    for size in np.geomspace(1e-3, 1e3, 20):  # gradients from tiny to large: Adam's averages must follow
        draw_gradients(layers, copies, rng, size)
        optimiser.step()
        reference.step()
        assert_equal_params(layers, copies)


@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_a_step_changes_the_layers_own_arrays_and_keeps_float32(rng, optimiser):
    layer = Parameters(rng, np.float32)
    W, before = layer.params["W"], layer.params["W"].copy()
    layer.grads = {name: np.ones_like(p) for name, p in layer.params.items()}
    optimiser([layer], 0.1).step()
    assert layer.params["W"] is W
    assert W.dtype == np.float32
    np.testing.assert_allclose(W, before - 0.1, rtol=1e-5)  # Adam's first step has the size η as well


def test_the_learning_rate_may_change_between_steps(rng):
    layer = Parameters(rng)
    before = layer.params["b"].copy()
    layer.grads = {name: np.ones_like(p) for name, p in layer.params.items()}
    optimiser = SGD([layer], 1.0)
    optimiser.learning_rate = 0.5
    optimiser.step()
    np.testing.assert_allclose(layer.params["b"], before - 0.5)


# Clipping


def test_clipping_equals_torch(rng):
    layers = [Parameters(rng), Parameters(rng)]
    copies = copies_in_torch(layers)
    draw_gradients(layers, copies, rng)
    norm = clip_gradients(layers, 0.5)
    expected = torch.nn.utils.clip_grad_norm_(copies, 0.5).item()
    assert norm == pytest.approx(expected, rel=1e-14)
    grads = [grad for layer in layers for grad in layer.grads.values()]
    for grad, copy in zip(grads, copies, strict=True):
        # PyTorch divides by the norm + 1e-6, so that its result is shorter by that much.
        np.testing.assert_allclose(grad, copy.grad.numpy() * (1 + 1e-6 / norm), rtol=1e-12)
    assert clip_gradients(layers, math.inf) == pytest.approx(0.5, rel=1e-14)


def test_a_gradient_that_is_short_enough_stays_as_it_is(rng):
    layer = Parameters(rng)
    draw_gradients([layer], copies_in_torch([layer]), rng)
    before = {name: grad.copy() for name, grad in layer.grads.items()}
    norm = clip_gradients([layer], math.inf)
    assert clip_gradients([layer], norm) == norm
    for name, grad in layer.grads.items():
        np.testing.assert_array_equal(grad, before[name])


def test_two_names_for_one_gradient_are_both_clipped_once(rng):
    layer = Parameters(rng)
    layer.params = {"b_x": np.zeros(2), "b_h": np.zeros(2)}
    layer.grads = dict.fromkeys(("b_x", "b_h"), np.array([3.0, 4.0]))
    assert clip_gradients([layer], 1.0) == pytest.approx(math.sqrt(50))
    assert clip_gradients([layer], math.inf) == pytest.approx(1.0)


def test_a_float32_gradient_whose_square_overflows_is_still_clipped(rng):
    layer = Parameters(rng, np.float32)
    layer.grads = {"W": np.full((2, 3), 1e30, np.float32), "b": np.zeros(2, np.float32)}
    assert clip_gradients([layer], 1.0) == pytest.approx(1e30 * math.sqrt(6))
    np.testing.assert_allclose(layer.grads["W"], 1 / math.sqrt(6), rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_has_no_direction_to_keep(rng, value):
    layer = Parameters(rng)
    layer.grads = {"W": np.ones((2, 3)), "b": np.array([value, 0.0])}
    with pytest.raises(FloatingPointError, match=f"the norm of the gradient is {value}"):
        clip_gradients([layer], 1.0)


# The loop


class NumPyModel:
    """An LSTM that reads a sequence, and a readout of its last state."""

    def __init__(self, rng):
        self.layers = [LSTM(D, H, rng=rng), Readout(H, O, rng=rng)]

    def loss_of(self, batch):
        x, target = batch
        lstm, readout = self.layers
        h, _ = lstm.forward(x)
        loss, dy = squared_error(readout.forward(h[-1]), target)
        dh = np.zeros_like(h)
        dh[-1] = readout.backward(dy)
        lstm.backward(dh)
        return loss


class TorchModel(torch.nn.Module):
    """The same model with the same weights."""

    def __init__(self, model):
        super().__init__()
        lstm, readout = model.layers
        self.lstm = torch.nn.LSTM(D, H, dtype=torch.float64)
        self.linear = torch.nn.Linear(H, O, dtype=torch.float64)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(torch.tensor(lstm.params["W_x"]))
            self.lstm.weight_hh_l0.copy_(torch.tensor(lstm.params["W_h"]))
            self.lstm.bias_ih_l0.copy_(torch.tensor(lstm.params["b"]))
            self.lstm.bias_hh_l0.zero_()
            self.linear.weight.copy_(torch.tensor(readout.params["W"]))
            self.linear.bias.copy_(torch.tensor(readout.params["b"]))
        # PyTorch's second bias would double the learning rate of the first.
        self.lstm.bias_hh_l0.requires_grad_(False)

    def loss_of(self, batch):
        x, target = (torch.tensor(part) for part in batch)
        h, _ = self.lstm(x)
        return torch.nn.functional.mse_loss(self.linear(h[-1]), target)

    def trained(self):
        return [p for p in self.parameters() if p.requires_grad]


def sums(rng, count):
    """Batches of the task to sum each feature over five steps."""
    for _ in range(count):
        x = rng.uniform(-1, 1, (5, 8, D))
        yield x, x.sum(axis=0)


@pytest.mark.parametrize("clip_norm", [None, 1.0], ids=["free", "clipped"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda ls: SGD(ls, 0.05, 0.9), lambda ps: torch.optim.SGD(ps, 0.05, 0.9)),
        (lambda ls: Adam(ls, 0.03), lambda ps: torch.optim.Adam(ps, 0.03)),
    ],
    ids=["SGD", "Adam"],
)
def test_the_same_model_learns_the_same_in_numpy_and_in_torch(rng, ours, theirs, clip_norm):
    model = NumPyModel(rng)
    reference = TorchModel(model)
    batches = list(sums(rng, 60))
    losses = train(model.loss_of, ours(model.layers), batches, clip_norm=clip_norm)
    expected = train(reference.loss_of, theirs(reference.trained()), batches, clip_norm=clip_norm)
    # Clipping divides by the norm here and by the norm + 1e-6 in PyTorch.
    np.testing.assert_allclose(losses, expected, rtol=1e-10 if clip_norm is None else 1e-3)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_clip_norm_bounds_the_step(rng, kind):
    batches = list(sums(rng, 1))
    model = NumPyModel(rng)
    reference = TorchModel(model)
    before = [p.copy() for layer in model.layers for p in layer.params.values()]
    if kind == "numpy":
        train(model.loss_of, SGD(model.layers, 1.0), batches, clip_norm=0.01)
        after = [p for layer in model.layers for p in layer.params.values()]
    else:
        train(reference.loss_of, torch.optim.SGD(reference.trained(), 1.0), batches, clip_norm=0.01)
        after = [p.detach().numpy() for p in reference.trained()]
    moved = math.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(after, before, strict=True)))
    assert moved == pytest.approx(0.01, rel=1e-4)


def test_batches_may_be_a_generator_and_losses_are_plain_floats(rng):
    model = NumPyModel(rng)
    losses = train(model.loss_of, SGD(model.layers, 0.1), sums(rng, 3))
    assert len(losses) == 3
    assert {type(loss) for loss in losses} == {float}


def test_no_batches_give_no_losses(rng):
    model = NumPyModel(rng)
    assert train(model.loss_of, SGD(model.layers, 0.1), []) == []


# What goes wrong


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_before_it_spoils_a_parameter(rng, value):
    model = NumPyModel(rng)
    losses = iter([1.0, 0.5, value])
    before = []

    def loss_of(batch):
        before[:] = [p.copy() for layer in model.layers for p in layer.params.values()]
        model.loss_of(batch)
        return next(losses)

    with pytest.raises(FloatingPointError, match=f"at step 2, .* the loss is {value}.*clip_norm=1.0"):
        train(loss_of, SGD(model.layers, 0.1), sums(rng, 3))
    after = [p for layer in model.layers for p in layer.params.values()]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_a_torch_loss_that_is_not_finite_stops_before_it_spoils_a_parameter():
    weight = torch.ones(1, requires_grad=True)
    with pytest.raises(FloatingPointError, match=r"at step 0, .* the loss is inf.*a clip_norm below 0\.5"):
        train(
            lambda x: (x * weight).sum(),
            torch.optim.SGD([weight], 0.1),
            [torch.tensor(np.inf)],
            clip_norm=0.5,
        )
    assert weight.item() == 1


def test_a_finite_loss_with_a_gradient_that_is_not_stops_too():
    weight = torch.zeros(1, requires_grad=True)
    with pytest.raises(FloatingPointError, match=r"at step 0, .* the norm of the gradient is inf"):
        train(lambda _: weight.sqrt().sum(), torch.optim.SGD([weight], 0.1), [None])
    assert weight.item() == 0


def test_training_that_diverges_names_the_step_and_a_remedy_that_helps():
    def losses_with(**remedy):
        layers = [RNN(1, 4, rng=np.random.default_rng(0)), Readout(4, 1, rng=np.random.default_rng(1))]

        def loss_of(batch):
            h, _ = layers[0].forward(batch)
            loss, dy = squared_error(layers[1].forward(h), np.ones((*h.shape[:2], 1)))
            layers[0].backward(layers[1].backward(dy))
            return loss

        # Fifty times too large a step for y = W h + b, which doubles its error again and again.
        return train(loss_of, SGD(layers, 50.0), [np.ones((5, 2, 1))] * 300, **remedy)

    with pytest.raises(FloatingPointError, match=r"at step \d+, .*overflow.*clip_norm=1\.0"):
        losses_with()
    assert np.isfinite(losses_with(clip_norm=1.0)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda layer: SGD(layer, 0.1), "layers must be a list of layers, objects with params and grads"),
        (lambda layer: Adam([]), r"layers must be a list of layers.*; got \[\]"),
        (lambda layer: Adam([layer, "W"]), "layers must be a list .*; got str among them"),
        (lambda layer: SGD([layer], 0.0), "learning_rate must be a number above 0, got 0.0"),
        (lambda layer: SGD([layer], math.nan), "learning_rate must be a finite number, got nan"),
        (lambda layer: Adam([layer], "0.1"), "learning_rate must be a finite number, got '0.1'"),
        (lambda layer: SGD([layer], True), "learning_rate must be a finite number, got True"),
        (lambda layer: SGD([layer], 0.1, 1.0), "momentum must be a number from 0 to below 1, got 1.0"),
        (lambda layer: Adam([layer], betas=(0.9, -0.1)), r"betas\[1\] must be a number from 0 to below 1"),
        (lambda layer: Adam([layer], epsilon=0), "epsilon must be a number above 0, got 0"),
        (lambda layer: clip_gradients([layer], 0), "max_norm must be a number above 0, got 0"),
        (
            lambda layer: train(float, SGD([layer], 1), [1], clip_norm=-1),
            "clip_norm must be a number above 0",
        ),
        (lambda layer: train(lambda _: None, SGD([layer], 1), [1]), "loss_of must return .* got NoneType"),
        (
            lambda layer: train(float, None, [1]),
            "a number needs an optimiser of lstmlib.training, got NoneType",
        ),
        (
            lambda layer: train(lambda _: torch.ones(1), SGD([layer], 1), [1]),
            "a torch tensor needs an optimiser of torch.optim, got SGD of lstmlib.training",
        ),
    ],
)
def test_bad_input_is_told_what_to_change(rng, call, message):
    with pytest.raises(ValueError, match=message):
        call(Parameters(rng))


@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_a_step_before_backward_is_refused_and_changes_nothing(rng, optimiser):
    layers = [Parameters(rng), Parameters(rng)]
    layers[0].grads = {name: np.ones_like(p) for name, p in layers[0].params.items()}
    before = layers[0].params["W"].copy()
    with pytest.raises(RuntimeError, match="Parameters has no gradient for W, b: call backward first"):
        optimiser(layers, 0.1).step()
    np.testing.assert_array_equal(layers[0].params["W"], before)


# The progress bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_shows_the_loss_in_a_terminal_and_is_wiped_out_at_the_end(rng, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    model = NumPyModel(rng)
    train(model.loss_of, SGD(model.layers, 0.1), list(sums(rng, 3)))
    written = sys.stderr.getvalue()
    assert "0/3" in written
    assert written.split("\r")[-1].strip() == ""


@pytest.mark.parametrize("stream", [Terminal, io.StringIO], ids=["progress=False", "no terminal"])
def test_no_bar_is_drawn_where_none_is_wanted(rng, monkeypatch, stream):
    monkeypatch.setattr("sys.stderr", stream())
    model = NumPyModel(rng)
    train(model.loss_of, SGD(model.layers, 0.1), sums(rng, 3), progress=stream is io.StringIO)
    assert sys.stderr.getvalue() == ""


def test_a_kernel_that_does_not_say_whether_input_may_ask_gets_no_bar(rng, monkeypatch):
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr("sys.stderr", Terminal())
    model = NumPyModel(rng)
    train(model.loss_of, SGD(model.layers, 0.1), sums(rng, 3))
    assert sys.stderr.getvalue() == ""


NOTEBOOK_CELL = """
import numpy as np
from lstmlib.readout import Readout, cross_entropy, squared_error
from lstmlib.training import SGD, train
layer = Readout(1, 1)
def loss_of(x):
    loss, dy = squared_error(layer.forward(x), x)
    layer.backward(dy)
    return loss
losses = train(loss_of, SGD([layer], 0.1), [np.ones((1, 1))] * 5)
print(len(losses))
"""


def test_a_notebook_executed_for_the_page_keeps_nothing_of_the_bar():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK_CELL)])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    assert notebook.cells[0].outputs == [{"output_type": "stream", "name": "stdout", "text": "5\n"}]


def test_a_notebook_that_a_person_has_open_shows_the_bar():
    jupyter_client = pytest.importorskip("jupyter_client")
    kernel, client = jupyter_client.manager.start_new_kernel()
    shown = []
    try:
        # As a front end with a person sends a cell: input() may ask.
        client.execute_interactive(NOTEBOOK_CELL, allow_stdin=True, output_hook=shown.append, timeout=120)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert any("0/5" in str(message["content"].get("data", "")) for message in shown)


# The loss of a batch of sequences


@pytest.mark.parametrize("last", [False, True], ids=["every step", "the last step"])
@pytest.mark.parametrize("masked", [False, True], ids=["all steps", "padding"])
@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_the_loss_of_sequences_and_its_gradients_equal_those_of_pytorch(kind, masked, last, rng):
    T, B = 5, 3
    layer, readout = kind(D, H, rng=rng), Readout(H, O, rng=rng)
    x = rng.standard_normal((T, B, D))
    target = rng.integers(0, O, B if last else (T, B))
    lengths = np.array([5, 2, 4]) if masked else np.full(B, T)
    mask = np.arange(T)[:, None] < lengths
    batch = TaskBatch(x, target, mask) if masked else (x, target)
    loss = sequence_loss(layer, readout, cross_entropy, last=last)(batch)

    module = to_torch(layer)
    W, b = (torch.tensor(readout.params[name], requires_grad=True) for name in ("W", "b"))
    h, _ = module(torch.tensor(x))
    if last:
        logits, wanted = h[lengths - 1, range(B)] @ W.T + b, torch.tensor(target)
    else:
        logits, wanted = h[mask] @ W.T + b, torch.tensor(target)[mask]
    theirs = torch.nn.functional.cross_entropy(logits, wanted)
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(layer.grads["W_h"], module.weight_hh_l0.grad, atol=1e-12)
    np.testing.assert_allclose(layer.grads["W_x"], module.weight_ih_l0.grad, atol=1e-12)
    np.testing.assert_allclose(readout.grads["W"], W.grad, atol=1e-12)


# Truncated backpropagation


def a_chunked_problem(rng, chunks=3, K=4):
    layer, readout = LSTM(D, H, rng=rng), Readout(H, O, rng=rng)
    x, target = rng.standard_normal((chunks * K, 2, D)), rng.standard_normal((chunks * K, 2, O))
    return layer, readout, np.split(x, chunks), np.split(target, chunks)


def test_chunks_equal_torch_whose_state_is_detached(rng):
    layer, readout, xs, targets = a_chunked_problem(rng)
    module, linear = to_torch(layer), torch.nn.Linear(H, O, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(readout.params["W"]))
        linear.bias.copy_(torch.tensor(readout.params["b"]))
    loss_of, state = truncated_backpropagation(layer, readout, squared_error), None
    for x, target in zip(xs, targets, strict=True):
        loss = loss_of((x, target))
        module.zero_grad()
        h, state = module(torch.tensor(x), state)
        state = tuple(part.detach() for part in state)
        expected = torch.nn.functional.mse_loss(linear(h), torch.tensor(target))
        expected.backward()
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        for name, theirs in {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b": "bias_ih_l0"}.items():
            np.testing.assert_allclose(layer.grads[name], getattr(module, theirs).grad, rtol=0, atol=1e-12)


def test_the_losses_of_the_chunks_are_those_of_the_whole_sequence(rng):
    layer, readout, xs, targets = a_chunked_problem(rng)
    loss_of = truncated_backpropagation(layer, readout, squared_error)
    mean = np.mean([loss_of(chunk) for chunk in zip(xs, targets, strict=True)])
    h, _ = layer.forward(np.concatenate(xs))
    whole, _ = squared_error(readout.forward(h), np.concatenate(targets))
    assert mean == pytest.approx(whole, rel=1e-12)


def test_the_first_chunk_starts_from_the_state_that_is_given(rng):
    layer, readout, xs, targets = a_chunked_problem(rng)
    _, state = layer.forward(xs[0])
    given = truncated_backpropagation(layer, readout, squared_error, state)
    carried = truncated_backpropagation(layer, readout, squared_error)
    carried((xs[0], targets[0]))
    assert given((xs[1], targets[1])) == carried((xs[1], targets[1]))


# Held out


def test_a_split_is_disjoint_complete_and_repeatable():
    training, held_out = hold_out(range(100), 30, np.random.default_rng(0))
    assert len(held_out) == 30
    assert sorted(training + held_out) == list(range(100))
    assert held_out != sorted(held_out)
    assert (training, held_out) == hold_out(range(100), 30, np.random.default_rng(0))
    assert (training, held_out) != hold_out(range(100), 30, np.random.default_rng(1))


@pytest.mark.parametrize("held_out", [0, 5, 6, 2.0, True, "2", None])
def test_a_split_leaves_a_whole_number_on_both_sides(held_out):
    with pytest.raises(ValueError, match=f"a whole number between 1 and 4, got {held_out!r}"):
        hold_out(range(5), held_out, np.random.default_rng(0))
