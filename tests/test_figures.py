"""The Python half of the figures; `test_live_figures` moves the other half."""

import re
import zlib
from itertools import pairwise

import gallery
import numpy as np
import pytest
import torch
from conftest import ROOT, assert_mean, unpacked
from gallery import EXAMPLES, sliders
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import moving_digits
from lstmlib.ablation import UnsquashedLSTM, clamp
from lstmlib.attention import AdditiveAttention, DotAttention, scaled_dot_product_attention
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.coupled_lstm import CoupledLSTM
from lstmlib.electrocardiogram import HZ, KINDS
from lstmlib.figures import (
    Alignment,
    CodeReader,
    Counters,
    Family,
    FourParts,
    Gate,
    GradientByLag,
    LSTMCell,
    MovingDigit,
    PenReader,
    PenWriter,
    RecallReader,
    SelfAttention,
    SpokenNumber,
    ThreeSwitches,
    Trainer,
    TuneWriter,
    UnrolledLoop,
)
from lstmlib.figures.canvas import FOLDER, module_source
from lstmlib.figures.family import PEEPHOLES, PUBLISHED, check_parts
from lstmlib.figures.four_parts import read_chord
from lstmlib.figures.gradient_by_lag import EVENTS
from lstmlib.figures.lstm_cell import NAMES_BY_NOTATION
from lstmlib.figures.moving_digit import Telling
from lstmlib.figures.pen_writer import Written, chance_from
from lstmlib.figures.recall_reader import _names
from lstmlib.figures.three_switches import INPUTS, TASKS
from lstmlib.gradients import gradient_norm_by_lag
from lstmlib.lstm import LSTM, lstm_step
from lstmlib.mixture import mixture_of, point_of
from lstmlib.mlstm import MLSTM
from lstmlib.no_forget_lstm import NoForgetLSTM
from lstmlib.number_words import ENGLISH, GERMAN, number_words, translation_batch
from lstmlib.peephole_lstm import PeepholeLSTM
from lstmlib.readout import Readout
from lstmlib.rnn import RNN
from lstmlib.slstm import SLSTM
from lstmlib.stories import PLACES, WORDS, as_question, as_text, read_story, stories
from lstmlib.strokes import LETTERS, for_reading, ink_of, new_writer, write
from lstmlib.translation import Translator
from lstmlib.tunes import KEYS, METRES, SYMBOLS, notes_of

SCANS = {"one": np.eye(8), "two": np.tril(np.ones((8, 8))) / 2}


class AnEye(torch.nn.Module):
    """The eye of the page about films, small and untrained."""

    def __init__(self, C=3, d=6):
        super().__init__()
        self.near = torch.nn.Conv2d(1, C, 5, stride=2, padding=2)
        self.far = torch.nn.Conv2d(C, 2 * C, 3, stride=2, padding=1)
        self.mix, self.answer = torch.nn.Linear(32 * C, d), torch.nn.Linear(d, 12)

    def forward(self, x):
        h = self.far(self.near(x).relu()).relu()
        y = self.answer(self.mix(h.flatten(1)).relu())
        return torch.cat([y[:, :10].softmax(1), y[:, 10:]], 1)


@pytest.mark.parametrize(
    ("figure", "count"), [(Gate, 6), (LSTMCell, 5), (UnrolledLoop, 2), (GradientByLag, 2)]
)
def test_every_number_has_a_slider_with_a_label(figure, count):
    labels = [slider.description for slider in sliders(figure())]
    assert len(labels) == len(set(labels)) == count
    assert all(labels)


SLIDERS = {
    # what stands at each slider, its ends, its step, and how it shows its number
    "Gate": [
        ("a₁ pre-activation", -8, 8, 0.1, ".2f"),
        ("σ(a₁) gate", 0, 1, 0.01, ".2f"),
        ("a₂ pre-activation", -8, 8, 0.1, ".2f"),
        ("σ(a₂) gate", 0, 1, 0.01, ".2f"),
        ("a₃ pre-activation", -8, 8, 0.1, ".2f"),
        ("σ(a₃) gate", 0, 1, 0.01, ".2f"),
    ],
    "LSTMCell": [
        ("f forget gate", 0, 1, 0.01, ".2f"),
        ("i input gate", 0, 1, 0.01, ".2f"),
        ("g candidate", -1, 1, 0.01, ".2f"),
        ("o output gate", 0, 1, 0.01, ".2f"),
        ("c cell state before", -2, 2, 0.01, ".2f"),
    ],
    "UnrolledLoop": [
        ("w weight of the letter", -3, 3, 0.1, ".2f"),
        ("u weight of the loop", -3, 3, 0.1, ".2f"),
    ],
    "GradientByLag": [
        ("‖W‖ of the weights", 0.2, 2, 0.05, ".2f"),
        ("T steps", 5, 50, 1, ".0f"),
        ("b forget bias", -2, 6, 0.1, ".2f"),
    ],
    "Threshold": [
        ("threshold", 0, 3, 0.05, ".2f"),
        ("first second", 0, 4, 1, ".0f"),
    ],
    "Counters": [("n whole string", 1, 60, 1, ".0f")],
    "SpokenNumber": [("t time in seconds", 0, 1, 0.2, ".2f")],
    "PenWriter": [("b bias", 0, 3, 0.1, ".2f")],
    "SelfAttention": [("temperature", 0.1, 4, 0.1, ".2f")],
    "Trainer": [
        ("gap", 5, 60, 1, ".0f"),
        ("units", 2, 16, 1, ".0f"),
        ("A forget bias", -2, 6, 0.1, ".2f"),
        ("B forget bias", -2, 6, 0.1, ".2f"),
        ("input bias", -6, 2, 0.1, ".2f"),
        ("clip (0: off)", 0, 5, 0.1, ".2f"),
    ],
    "TuneWriter": [("temperature", 0.2, 2, 0.1, ".2f")],
    "CodeReader": [("unit", 0, 3, 1, ".0f"), ("temperature", 0.2, 1.5, 0.1, ".2f")],
    "FourParts": [("temperature", 0.2, 2, 0.1, ".2f")],
    "Family": [("D inputs", 1, 64, 1, ".0f"), ("H units", 1, 64, 1, ".0f")],
}


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_has_its_label_its_ends_and_its_step(name):
    found = sliders(EXAMPLES[name]())
    assert [(s.description, s.min, s.max, s.step, s.readout_format) for s in found] == SLIDERS[name]
    assert all(s.style.description_width == "auto" for s in found)


TIES = {
    "Gate": [("value", name) for name in ("a1", "s1", "a2", "s2", "a3", "s3")],
    "LSTMCell": [
        *[("value", name) for name in ("f", "i", "g", "o", "c_prev")],
        *[(f"label_{name}", "description") for name in ("f", "i", "g", "o", "c_prev")],
        ("lowest", "min"),
        ("highest", "max"),
    ],
    "UnrolledLoop": [("value", "w"), ("value", "u")],
    "GradientByLag": [("value", "gain"), ("value", "length"), ("value", "forget_bias")],
    "ThreeSwitches": [],
    "Alignment": [],
    "Threshold": [("value", "threshold"), ("value", "start")],
    "Counters": [("value", "n")],
    "PenReader": [],
    "RecallReader": [],
    "SelfAttention": [("value", "temperature")],
    "SpokenNumber": [("value", "time")],
    "PenWriter": [("value", "bias")],
    "PictureReader": [],
    "StoryReader": [],
    "Trainer": [("value", name) for name in ("gap", "units", "forget_a", "forget_b", "input_bias", "clip")],
    "TuneWriter": [("value", "temperature")],
    "FourParts": [("value", "temperature")],
    "MovingDigit": [],
    "Family": [("value", "inputs"), ("value", "units")],
    "CodeReader": [("value", "unit"), ("value", "temperature")],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_slider_is_tied_to_its_value_in_the_browser(name, monkeypatch):
    ties = []
    monkeypatch.setattr("ipywidgets.jslink", lambda one, other: ties.append((one, other)))
    figure = EXAMPLES[name]()
    canvas, *found = figure.children
    assert [(one[1], other[1]) for one, other in ties] == TIES[name]
    for k, slider in enumerate(found):
        assert ties[k] == ((slider, "value"), (canvas, TIES[name][k][1]))
        assert slider.value == getattr(canvas, TIES[name][k][1])
    if name == "LSTMCell":
        labels, (lowest, highest) = ties[5:10], ties[10:]
        assert [one for one, _ in labels] == [(canvas, f"label_{n}") for n in ("f", "i", "g", "o", "c_prev")]
        assert [other for _, other in labels] == [(slider, "description") for slider in found]
        assert lowest == ((canvas, "lowest"), (found[4], "min"))
        assert highest == ((canvas, "highest"), (found[4], "max"))
        assert (canvas.lowest, canvas.highest) == (found[4].min, found[4].max)


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_a_script_asks_of_its_figure_travels_to_it(name):
    figure = EXAMPLES[name]()
    canvas = figure.children[0]
    script = type(figure).__module__.split(".")[-1]
    asked = set(re.findall(r'model\.get\("(\w+)"\)', (FOLDER / f"{script}.mjs").read_text()))
    assert len(asked) >= 2
    declared = {
        name for c in type(canvas).mro() if "lstmlib" in c.__module__ for name in c.class_own_traits()
    }
    assert len(declared) >= len(asked)
    assert asked | declared <= set(canvas.get_state())
    assert "lstmlib-figure" in figure._dom_classes
    assert ".lstmlib-figure svg" in canvas.get_state()["_css"]
    assert canvas.get_state()["_esm"] == module_source(script)


def test_gate_lets_through_the_selector_vector_times_the_input():
    # σ(0) = 1/2, σ(ln 3) = 3/4, σ(−ln 3) = 1/4
    figure = Gate(x=[1.0, -2.0, 0.5], a=[0.0, np.log(3), -np.log(3)])
    np.testing.assert_allclose(figure.a, [0, 1.0986122886681098, -1.0986122886681098], rtol=1e-15)
    np.testing.assert_allclose(figure.s, [0.5, 0.75, 0.25], rtol=1e-15)
    np.testing.assert_allclose(figure.y, [0.5, -1.5, 0.125], rtol=1e-15)
    figure.children[0].set_trait("s2", 0.1)
    np.testing.assert_allclose(figure.y, [0.5, -0.2, 0.125], rtol=1e-15)


def test_lstm_cell_computes_what_lstm_step_computes():
    rng = np.random.default_rng(0)
    f, i, o = rng.uniform(0.05, 0.95, 3)
    g, c_prev = rng.uniform(-0.9, 0.9, 2)
    figure = LSTMCell(f=f, i=i, g=g, o=o, c_prev=c_prev)
    # With no weights at all, the biases alone set the gates: σ(logit(s)) = s.
    logit = np.log([i / (1 - i), f / (1 - f), o / (1 - o)])
    params = {
        "W_x": np.zeros((4, 1)),
        "W_h": np.zeros((4, 1)),
        "b": np.array([logit[0], logit[1], np.arctanh(g), logit[2]]),
    }
    h, c, _ = lstm_step(np.zeros((1, 1)), np.zeros((1, 1)), np.array([[c_prev]]), params)
    assert figure.c == pytest.approx(c.item(), abs=1e-14)
    assert figure.h == pytest.approx(h.item(), abs=1e-14)


def test_values_follow_the_canvas_as_they_do_when_a_slider_moves():
    figure = LSTMCell(f=1.0, i=0.0, c_prev=1.0)
    assert figure.c == 1.0
    figure.children[0].f = 0.5
    assert figure.c == 0.5


def test_trace_is_empty_before_the_first_step_and_holds_what_was_played():
    figure = LSTMCell()
    assert figure.trace.c.shape == (0,)
    figure.children[0].history = [[1.0, 0.0, 0.9, 0.0, 0.9, 0.0]]
    assert figure.trace.c.tolist() == [0.9]
    assert figure.trace._fields == ("i", "f", "g", "o", "c", "h")
    figure.children[0].history = [[1, 0, 1, 0, 1, 0]] * 2  # as JavaScript sends whole numbers
    assert figure.trace.c.dtype == float
    assert figure.trace.c.shape == (2,)


def test_the_sequence_of_an_lstm_cell_is_there_in_python_with_the_reader_s_changes():
    figure = LSTMCell(sequence=[(1, 0, 0.5, 1), (0, 1, 0, 1)])
    assert figure.sequence.shape == (2, 4)
    figure.children[0].sequence = [[1.0, 0.0, 0.25, 1.0], [0.0, 1.0, 0.0, 1.0]]
    assert figure.sequence[0, 2] == 0.25


def test_what_restart_and_start_over_go_back_to_is_how_the_figure_began():
    cell = LSTMCell(f=0.1, i=0.2, g=-0.3, o=0.4, c_prev=-0.5, sequence=[(1, 0, 0.5, 1)])
    values = {"f": 0.1, "i": 0.2, "g": -0.3, "o": 0.4, "c_prev": -0.5}
    begun = values | {"sequence": [[1.0, 0.0, 0.5, 1.0]], "start": 0.0}
    switches = {"i": [0.0] * 5, "f": [1.0] * 5, "o": [0.0] * 5}
    for figure, expected in [(cell, begun), (ThreeSwitches(), switches)]:
        canvas = figure.children[0]
        assert canvas.initial == expected
        assert {name: getattr(canvas, name) for name in expected} == expected


def test_every_notation_of_an_lstm_cell_names_every_value_and_no_two_alike():
    assert len({str(names) for names in NAMES_BY_NOTATION.values()}) == len(NAMES_BY_NOTATION) == 4
    for names in NAMES_BY_NOTATION.values():
        assert names.keys() == set("figoch")
        assert len({symbol for symbol, _ in names.values()}) == 6


@pytest.mark.parametrize(
    ("notation", "symbols", "names"),
    [
        # of f, i, g, o, c and h
        (
            "this book",
            "f i g o c h",
            "forget gate, input gate, candidate, output gate, cell state, hidden state",
        ),
        (
            "capital letters",
            "f i C̃ o C h",
            "forget gate, input gate, candidate values, output gate, cell state, hidden state",
        ),
        (
            "Γ for gates",
            "Γf Γu c̃ Γo c a",
            "forget gate, update gate, candidate, output gate, memory cell, activation",
        ),
        (
            "LTM and STM",
            "f i N V LTM STM",
            "forget factor, ignore factor, new information, use factor, memory, memory",
        ),
    ],
)
def test_a_notation_has_its_own_symbols_and_names(notation, symbols, names):
    pairs = dict(zip("figoch", zip(symbols.split(), names.split(", "), strict=True), strict=True))
    assert NAMES_BY_NOTATION[notation] == pairs
    travels = dict(LSTMCell().children[0].notations)[notation]
    assert travels == pairs | {"c_prev": (pairs["c"][0], f"{pairs['c'][1]} before")}


def test_unrolled_loop_computes_what_an_rnn_of_one_unit_computes():
    figure = UnrolledLoop(word="abacab", w=1.3, u=-0.7)
    layer = RNN(1, 1)
    layer.params["W_x"][:], layer.params["W_h"][:], layer.params["b"][:] = 1.3, -0.7, 0
    h, _ = layer.forward(np.array([1.0, -1, 1, 0, 1, -1]).reshape(6, 1, 1))
    np.testing.assert_allclose(figure.h, h[:, 0, 0], rtol=0, atol=1e-15)
    figure.children[0].word = "ba"
    np.testing.assert_allclose(figure.x, [-1.0, 1.0])


@pytest.mark.parametrize("kind", ["linear", "tanh", "ReLU"])
def test_gradient_by_lag_is_that_of_torch(kind):
    figure, T = GradientByLag(gain=1.1, length=12, kind=kind), 12
    squash = {"linear": lambda a: a, "tanh": torch.tanh, "ReLU": torch.relu}[kind]
    W, x = torch.tensor(figure.W), torch.tensor(EVENTS)

    def read(h, start, stop):
        for t in range(start, stop):
            h = squash(W @ h + x[t])
        return h

    # A step back by lag k is one back to h_{T−k}, from which the last k of the numbers are read.
    states = [read(torch.zeros(4, dtype=torch.float64), 0, T - lag) for lag in range(T)]
    jacobians = [
        torch.autograd.functional.jacobian(lambda h, lag=lag: read(h, T - lag, T), state)
        for lag, state in enumerate(states)
    ]
    expected = [torch.linalg.matrix_norm(jacobian, 2) for jacobian in jacobians]
    np.testing.assert_allclose(figure.norms, expected, rtol=1e-10)


def test_the_kinds_and_the_fixed_numbers_of_gradient_by_lag_are_those_that_travel():
    figure = GradientByLag(forget_bias=-1.5)
    canvas = figure.children[0]
    assert canvas.kinds == ["linear", "tanh", "ReLU"]
    np.testing.assert_array_equal(canvas.U, GradientByLag(gain=1).W)
    np.testing.assert_array_equal(canvas.x, EVENTS)
    np.testing.assert_allclose(np.linalg.svd(canvas.U)[1], [1, 0.8, 0.5, 0.2], rtol=1e-12)
    assert EVENTS.shape == (50, 4)
    assert EVENTS.std() == pytest.approx(0.5, abs=0.05)
    assert (figure.gain, figure.length, figure.kind, figure.forget_bias) == (1.2, 30, "tanh", -1.5)
    assert type(figure.length) is int
    assert GradientByLag().forget_bias is None


@pytest.mark.parametrize("gain", [0.4, 1.0, 1.9])
def test_gradient_by_lag_is_that_of_an_rnn(gain):
    figure = GradientByLag(gain=gain, length=40, kind="tanh")
    layer = RNN(4, 4)
    layer.params["W_x"][:], layer.params["W_h"][:], layer.params["b"][:] = np.eye(4), figure.W, 0
    expected = gradient_norm_by_lag(layer, EVENTS[:40, None])[:, 0]
    np.testing.assert_allclose(figure.norms, expected, rtol=1e-10)


def test_gradient_by_lag_of_a_linear_network_is_the_norm_of_a_power_and_none_passes_the_bound():
    assert np.linalg.norm(GradientByLag(gain=1.0).W, 2) == pytest.approx(1, abs=1e-12)
    linear = GradientByLag(gain=1.4, length=20, kind="linear")
    powers = [np.linalg.norm(np.linalg.matrix_power(linear.W, lag), 2) for lag in range(20)]
    np.testing.assert_allclose(linear.norms, powers, rtol=1e-10)
    for kind in ("linear", "tanh", "ReLU"):
        norms = GradientByLag(gain=1.4, length=20, kind=kind).norms
        assert (norms <= 1.4 ** np.arange(20) * (1 + 1e-12)).all()


def test_the_belt_keeps_what_an_lstm_without_a_loop_keeps():
    figure = GradientByLag(length=30, forget_bias=1.5)
    layer = LSTM(1, 1)
    layer.params["W_h"][:] = layer.params["W_x"][:] = 0
    layer.params["W_x"][1], layer.params["b"][1] = 1, 1.5
    measured = gradient_norm_by_lag(layer, EVENTS[:30, None, :1], of="c")[:, 0]
    np.testing.assert_allclose(figure.belt, measured, rtol=1e-12)
    assert GradientByLag().belt is None


STEM = [[1.0, 1.8], [1.0, 0.0]]


def a_reader(C=6, H=5, k=9):
    """A reader of ink as the page about handwriting trains it, untrained, in PyTorch."""
    torch.manual_seed(0)
    parts = {
        "conv": torch.nn.Conv1d(3, C, k, stride=2, padding=k // 2),
        "there": torch.nn.LSTM(C, H),
        "back": torch.nn.LSTM(C, H),
        "read": torch.nn.Linear(2 * H, 27),
    }
    with torch.no_grad():
        parts["read"].weight *= 20  # so that it says something
        parts["read"].bias[0] = 1
    return torch.nn.ModuleDict(parts)


def read_by_torch(reader, ink):
    """Probabilities (T, 27), in float64."""
    reader = reader.double()
    x = torch.tensor(for_reading(ink).points.T)[None]
    with torch.no_grad():
        h = reader["conv"](x).relu().permute(2, 0, 1)
        back = reader["back"](h.flip(0))[0].flip(0)
        return reader["read"](torch.cat([reader["there"](h)[0], back], 2))[:, 0].softmax(1).numpy()


def test_a_pen_reader_reads_what_its_torch_model_reads():
    rng = np.random.default_rng(0)
    figure = PenReader(a_reader().state_dict(), threshold=0.0)
    said = set()
    for word in ("a", "gate", "six"):
        writer = new_writer(rng)._replace(size=1.0, slope=0.0, slant=0.0)
        strokes = [stroke + np.array([1.0, 0]) for stroke in write(word, writer, rng).strokes]
        low = min(stroke[:, 1].min() for stroke in strokes)
        figure.strokes = [stroke - [0, low] for stroke in strokes]
        y = read_by_torch(a_reader(), figure.ink)
        np.testing.assert_allclose(figure.reading.y, y, atol=1e-6)
        path = y.argmax(axis=1)
        kept = [k for t, k in enumerate(path) if k and (t == 0 or k != path[t - 1])]
        assert figure.word == figure.reading.word == "".join(LETTERS[k - 1] for k in kept)
        target = torch.tensor([kept])
        loss = torch.nn.functional.ctc_loss(
            torch.tensor(np.log(y))[:, None], target, [len(y)], [len(kept)], reduction="sum"
        )
        assert figure.reading.probability == pytest.approx(np.exp(-loss.item()), rel=1e-5)
        said.add(figure.word)
    assert len(said) == 3


def test_a_pen_reader_says_no_word_for_ink_that_it_cannot_judge():
    figure = PenReader(a_reader().state_dict(), threshold=0.0)
    assert (figure.ink, figure.reading, figure.word) == (None, None, None)
    for strokes in (
        [[[1.0, 1.0]]],  # a dot
        [[[1.0, 1.0], [5.0, 1.0]]],  # a level line
        [[[1.0, 0.0], [1.0, 0.3]]],  # too small
        [[[0.1 * k % 10, k % 2] for k in range(150)]],  # too much
    ):
        figure.strokes = strokes
        assert figure.ink is not None
        assert (figure.reading, figure.word) == (None, None)
    figure = PenReader(a_reader().state_dict(), {"a stem": [STEM]}, threshold=1.0)
    assert figure.reading.probability < 1
    assert figure.word is None


def test_a_pen_reader_shows_its_first_sample_and_python_may_choose_another():
    samples = {"a stem": [STEM], "two": [STEM, [[2.0, 1.0], [2.0, 0.0]]]}
    figure = PenReader(a_reader().state_dict(), samples)
    canvas = figure.children[0]
    assert (figure.sample, len(figure.ink.strokes)) == ("a stem", 1)
    figure.sample = "two"
    assert (canvas.sample, len(figure.ink.strokes)) == (1, 2)
    figure.sample = None
    assert (canvas.sample, figure.ink) == (-1, None)
    figure.strokes = [np.array(STEM)]
    np.testing.assert_array_equal(figure.strokes, [STEM])
    np.testing.assert_allclose(figure.ink.points, ink_of([STEM]).points)
    with pytest.raises(
        ValueError, match=re.escape("sample must be None or one of ['a stem', 'two'], got 'x'")
    ):
        figure.sample = "x"


def test_the_weights_of_a_pen_reader_travel_compressed_and_whole():
    reader = a_reader(C=48, H=40)
    canvas = PenReader(reader.state_dict()).children[0]
    assert len(canvas.data) < 300 * 1024
    W = reader["conv"].weight.detach().numpy()
    found = unpacked(canvas)["convolution.W"].reshape(48, 9, 3)
    np.testing.assert_array_equal(found, W.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("read.bias"), "missing: read.bias"),
        (
            lambda w: w.update({"conv.weight": w["conv.weight"][:, :2]}),
            "conv.weight must have shape (C, 3, K)",
        ),
        (lambda w: w.update({"read.bias": w["read.bias"][:5]}), "read.bias must have shape (27,), got (5,)"),
        (
            lambda w: w.update({"back.weight_hh_l0": w["back.weight_ih_l0"]}),
            "back.weight_hh_l0 must have shape",
        ),
    ],
)
def test_weights_of_another_shape_are_named(change, message):
    weights = dict(a_reader().state_dict())
    change(weights)
    with pytest.raises(ValueError, match=re.escape(message)):
        PenReader(weights)


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        ([[[1.0, 5.0]]], "strokes[0], y must be a number from -1.2 to 2.6, got 5.0"),
        ([STEM, [[11.0, 0.0]]], "strokes[1], x must be a number from 0 to 10, got 11.0"),
        ([[1.0, 2.0]], "strokes[0] must hold places (N, 2), at least one; got shape (2,)"),
    ],
)
def test_strokes_that_leave_the_paper_are_named(strokes, message):
    figure = PenReader(a_reader().state_dict())
    with pytest.raises(ValueError, match=re.escape(message)):
        figure.strokes = strokes
    assert figure.strokes == []
    with pytest.raises(ValueError, match="threshold must be a number from 0 to 1, got 2"):
        PenReader(a_reader().state_dict(), threshold=2)


def a_translator(attention, encoder=None, size=4):
    rng = np.random.default_rng(0)
    encoder = encoder or BidirectionalLSTM(len(ENGLISH), size, rng=rng)
    return Translator(encoder, LSTM(len(GERMAN), size, rng=rng), attention, rng=rng)


def test_alignment_says_what_its_translator_says_with_and_without_a_word():
    model = a_translator(AdditiveAttention(4, 4, 3, rng=np.random.default_rng(1)))
    figure = Alignment({"additive": model}, 421)
    batch = translation_batch(number_words([421]))
    words, weights = model.translate(batch.source, batch.source_mask, 20)
    said = " ".join(GERMAN.decode(words[:, 0])).split("<end>")[0].split()
    assert len(said) > 0
    assert figure.german == tuple(said)
    np.testing.assert_allclose(figure.alignment, weights[: len(said), 0], atol=1e-5)
    figure.children[0].hidden = [1]
    assert len(figure.alignment) > 0
    assert (figure.alignment[:, 1] == 0).all()
    np.testing.assert_allclose(figure.alignment.sum(axis=1), 1)


def test_the_weights_of_an_alignment_travel_compressed_and_whole():
    model = a_translator(DotAttention(32), size=32)
    canvas = Alignment({"dot": model, "same": model}).children[0]
    assert len(canvas.data) < 300 * 1024
    assert canvas.scorings == ["dot", "same"]
    found = unpacked(canvas)
    there, back = model.encoder.directions.values()
    layers = {"encoder.there": there, "encoder.back": back, "decoder": model.decoder}
    for part, layer in (layers | {"readout": model.readout}).items():
        for param, array in layer.params.items():
            np.testing.assert_array_equal(found[f"1.{part}.{param}"], array.astype(np.float32))
    # The dot product has no weights.
    assert not any("attention" in name for name in found)
    sent = sum(array.size for array in found.values())
    assert sent == 2 * sum(v.size for layer in model.layers for v in layer.params.values())


def test_the_limits_of_what_a_reader_types_are_those_of_python():
    assert Gate(a=[0, 0, 8]).a[2] == Gate().children[0].reach == 8
    longest = UnrolledLoop().children[0].longest
    assert len(UnrolledLoop(word="abcdefghij").h) == longest == 10
    with pytest.raises(ValueError, match="word must be 1 to 10 letters"):
        UnrolledLoop(word="a" * (longest + 1))
    canvas = Alignment({"dot": a_translator(DotAttention(4))}).children[0]
    [highest] = number_words([canvas.highest])
    assert highest.english[0] == "nine"
    with pytest.raises(ValueError, match="must be whole and lie between"):
        number_words([canvas.highest + 1])


def test_an_alignment_travels_with_its_words_and_begins_at_21():
    figure = Alignment({name: a_translator(DotAttention(4)) for name in ("one", "other")})
    canvas = figure.children[0]
    assert canvas.vocabulary == {"english": list(ENGLISH.symbols), "german": list(GERMAN.symbols)}
    assert GERMAN.decode([canvas.start, canvas.end]) == ["<start>", "<end>"]
    assert (figure.number, figure.scoring, figure.hidden, figure.english) == (
        21,
        "one",
        [],
        ("twenty", "one"),
    )
    figure.number = np.int64(7)
    assert type(canvas.number) is int


def test_a_translation_that_does_not_end_has_20_words():
    model = a_translator(DotAttention(4))
    model.readout.params["b"][GERMAN.symbols.index("und")] = 100
    figure = Alignment({"dot": model})
    assert figure.german == ("und",) * 20
    assert figure.alignment.shape == (20, 2)


def test_a_translation_is_said_up_to_its_end():
    model = a_translator(DotAttention(4))
    model.readout.params["b"][GERMAN.symbols.index("<end>")] = 100
    figure = Alignment({"dot": model})
    assert figure.german == ()
    assert figure.alignment.shape == (0, 2)


def test_a_threshold_counts_alarms_by_hand():
    figure = gallery.threshold()
    # Above 1: the scores 2, 3 (odd) and 1.5 (normal); the odd beat of 0.9 is missed.
    assert figure.count == (3, 2, 2 / 3, 2 / 3, 4.0)
    figure.threshold = 0.0
    assert figure.count == (8, 3, 3 / 8, 1.0, 20.0)
    figure.threshold = 3.0  # above it, not at it
    assert figure.count[:2] == (0, 0)
    assert np.isnan(figure.count.precision)
    assert figure.count.recall == 0
    figure.threshold, figure.detector = 1.0, "other"
    assert figure.count[:2] != (3, 2)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), threshold=st.floats(0, 3))
def test_a_higher_threshold_never_raises_more_alarms(seed, threshold):
    rng = np.random.default_rng(seed)
    scores, odd = rng.uniform(-1, 4, 50), rng.uniform(size=50) < 0.3
    odd[0] = True
    figure = gallery.threshold(scores={"one": scores, "other": scores}, odd=odd, threshold=threshold)
    count = figure.count
    alarm = scores.astype(np.float32) > threshold
    assert count.alarms == alarm.sum()
    assert count.right == (alarm & odd).sum()
    assert count.recall == (alarm & odd).sum() / odd.sum()
    assert count.false_per_hour == (alarm & ~odd).sum() / 0.25
    figure.threshold = min(3, threshold + 0.5)
    higher = figure.count
    assert higher.alarms <= count.alarms
    assert higher.recall <= count.recall
    assert higher.false_per_hour <= count.false_per_hour


def test_the_numbers_of_a_threshold_travel_compressed_and_whole():
    signal = np.linspace(0, 1, 12 * HZ)
    figure = gallery.threshold(signal=signal)
    canvas = figure.children[0]
    found = unpacked(canvas)
    assert list(found) == [
        "signal",
        "beat",
        "kind",
        "odd",
        "drawn.0",
        "scores.0",
        "drawn.1",
        "scores.1",
    ]
    np.testing.assert_array_equal(found["signal"], signal.astype(np.float32))
    np.testing.assert_array_equal(found["scores.0"], np.float32([0.1, 0.5, 2, 1, 0.9, 3, 0.2, 1.5]))
    assert canvas.detectors == ["one", "other"]
    assert canvas.kinds == list(KINDS)
    assert (canvas.hz, canvas.seconds, canvas.hours, canvas.limits) == (128, 8, 0.25, [0, 3])
    assert (figure.threshold, figure.start, figure.detector) == (1.0, 0.0, "one")


def a_counter(symbols="ab", units=3, seed=0):
    rng = np.random.default_rng(seed)
    return LSTM(len(symbols), units, rng=rng), Readout(units, len(symbols) + 1, rng=rng)


def test_counters_read_what_lstm_step_reads_and_allow_what_has_a_positive_score():
    layer, readout = a_counter("abc", 4)
    readout.params["b"][:] = [1, -1, 0.05, -0.05]
    figure = Counters({"one": (layer, readout)}, "abc")
    figure.string = "aabbc"
    params = {name: array.astype(np.float32).astype(float) for name, array in layer.params.items()}
    W, b = (readout.params[name].astype(np.float32).astype(float) for name in ("W", "b"))
    h = c = np.zeros((1, 4))
    for t, symbol in enumerate("aabbc"):
        h, c, _ = lstm_step(np.eye(3)[["abc".index(symbol)]], h, c, params)
        np.testing.assert_allclose(figure.c["one"][t], c[0], rtol=0, atol=1e-12)
        positive = (h @ W.T + b)[0] > 0
        assert figure.allowed["one"][t] == "".join(np.array([*"abc."])[positive])
    assert figure.legal == ["ab", "ab", "b", "c", "c"]
    wrong = [t for t in range(5) if figure.allowed["one"][t] != figure.legal[t]]
    assert figure.first_wrong == {"one": wrong[0] + 1}


def test_counters_that_are_right_after_every_symbol_were_never_wrong():
    layer, readout = a_counter()
    for array in (*layer.params.values(), *readout.params.values()):
        array[...] = 0
    readout.params["b"][:] = [1, 1, -1]  # allows a and b, always
    figure = Counters({"always": (layer, readout)})
    figure.string = "aaa"
    assert figure.first_wrong == {"always": None}
    figure.string = "aab"
    assert figure.first_wrong == {"always": 3}


# The layer with the arithmetic of a cell that the family can name, and the gate that is held at 1
LAYERS = {
    "the LSTM of 2000": (LSTM, ""),
    "the LSTM of 1997": (NoForgetLSTM, ""),
    "the peephole LSTM": (PeepholeLSTM, ""),
    "the coupled LSTM": (CoupledLSTM, ""),
    "LSTM-i, no input gate": (LSTM, "i"),
    "LSTM-o, no output gate": (LSTM, "o"),
    "the LSTM without output activation": (UnsquashedLSTM, ""),
    "the sLSTM": (SLSTM, ""),
    "the mLSTM": (MLSTM, ""),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_published_cell_has_the_size_of_its_layer(name):
    parts = next(parts for parts, called, _ in PUBLISHED if called == name)
    kind, held = LAYERS[name]
    for D, H in ((8, 16), (1, 1), (5, 3), (64, 64)):
        figure, layer = Family(parts, D, H), kind(D, H)
        clamped = len(held) * H * (D + H + 1)
        assert figure.name == name
        assert figure.parameters == sum(array.size for array in layer.params.values()) - clamped
        _, state = layer.forward(np.zeros((1, 1, D)))
        assert figure.carried == sum(part.size for part in state)


def as_layer(kind, held):
    """The layer that reads pre-activations as they are: inputs a_i, a_f, a_g, a_o, or q, k, v, o, i, f."""
    if kind is MLSTM:
        layer = MLSTM(10, 2)
        layer.params |= {"W_x": np.eye(10)[:8], "b": np.zeros(8), "W_g": np.eye(10)[8:], "b_g": np.zeros(2)}
        return layer
    layer, order = kind(4, 1), {NoForgetLSTM: "igo", CoupledLSTM: "fgo"}.get(kind, "ifgo")
    layer.params["W_x"] = np.eye(4)[["ifgo".index(gate) for gate in order]]
    layer.params["W_h"], layer.params["b"] = np.zeros((len(order), 1)), np.zeros(len(order))
    if kind is PeepholeLSTM:
        layer.params |= {f"p_{gate[0]}": np.array([w]) for gate, w in PEEPHOLES.items()}
    if held:
        clamp(layer, *held)
    return layer


def as_inputs(kind, stream):
    """What such a layer reads of the stream."""
    x, key, a_i, a_f, a_o = np.array(stream).T
    if kind is not MLSTM:
        return np.stack([a_i, a_f, np.arctanh(x), a_o], axis=1)[:, None]
    k = np.eye(2)[key.astype(int)]
    rows = [k, np.sqrt(2) * k, np.stack([x, 0 * x], 1), np.stack([a_o, a_o], 1), np.stack([a_i, a_f], 1)]
    return np.concatenate(rows, axis=1)[:, None]


@pytest.mark.parametrize("name", LAYERS)
def test_a_published_cell_reads_the_stream_as_its_layer_does(name):
    parts = next(parts for parts, called, _ in PUBLISHED if called == name)
    kind, held = LAYERS[name]
    figure, layer = Family(parts), as_layer(kind, held)
    state, found = None, []
    for x in as_inputs(kind, figure.children[0].stream):
        state, _ = layer.step(x, state)
        found.append((state.C[0, 0] if kind is MLSTM else state.c[0, 0], state.h[0, 0]))
    c, h = (np.array(values) for values in zip(*found, strict=True))
    np.testing.assert_allclose(figure.reading.c, c, rtol=0, atol=1e-12)
    np.testing.assert_allclose(figure.reading.h, h, rtol=0, atol=1e-12)


def test_the_stream_by_hand():
    # Sums of what is to be taken, from step 6 on anew; the gates are never quite shut, so to 0.005
    figure = Family(["input", "forget", "output"])
    np.testing.assert_allclose(
        figure.reading.c, [0.5, 0.9, 0.9, 1.2, 1.2, -0.6, -0.6, -1.1, -1.1, -0.9], atol=0.005
    )
    np.testing.assert_allclose(figure.reading.h, [0, 0, 0, 1.2, 1.2, 0, 0, 0, -1.1, -0.9], atol=0.005)
    figure.parts = ["input", "output"]  # never anew
    np.testing.assert_allclose(figure.reading.c[5:], [0.6, 0.6, 0.1, 0.1, 0.3], atol=0.005)
    figure.parts = ["input", "forget", "coupled"]  # one number, and no sum
    np.testing.assert_allclose(figure.reading.c, [0] * 5 + [-0.6] * 5, atol=0.005)
    figure.parts = ["input", "forget", "output", "exponential"]  # a mean of what was taken
    np.testing.assert_allclose(figure.reading.h[[3, 4, 8, 9]], [0.4, 0.4, -0.55, -0.3], atol=0.005)
    figure.parts = ["input", "forget", "output", "exponential", "matrix"]  # one for each letter
    np.testing.assert_allclose(figure.reading.h[[3, 4, 8, 9]], [0.4, 0.4, -0.6, -0.2], atol=0.005)
    figure.parts = [
        "input",
        "forget",
        "output",
        "peepholes",
    ]  # above 0.8 it is full
    np.testing.assert_allclose(figure.reading.c[[1, 3]], [0.5 / (1 + np.exp(-3)) + 0.4, 0.58], atol=0.01)


def test_a_family_names_no_cell_twice_and_none_that_there_is_not():
    assert len({frozenset(parts) for parts, *_ in PUBLISHED}) == len(PUBLISHED) > 12
    for parts, name, by in PUBLISHED:
        assert check_parts(parts) == list(parts)
        assert Family(parts).name == name
        assert len(by) > 5
    assert Family([]).name is None
    assert Family(["input", "forget", "coupled"]).parameters * 2 == Family().parameters


def test_the_weights_of_counters_travel_in_float32_and_a_long_string_by_its_runs():
    pair = a_counter("abc")
    figure = Counters({"one": pair, "other": a_counter("abc", 2, seed=1)}, "abc", n=2)
    canvas = figure.children[0]
    assert [name for name, *_ in canvas.models] == ["one", "other"]
    for made, travels in zip(pair, canvas.models[0][1:], strict=True):
        assert made.params.keys() == travels.keys()
        for param, array in made.params.items():
            np.testing.assert_array_equal(travels[param], array.astype(np.float32))
    assert (figure.n, figure.string, canvas.text, canvas.symbols) == (2, "aabbcc", "aabbcc", "abc")
    figure.n = 5
    assert (figure.string, canvas.text) == ("aaaaabbbbbccccc", "a5b5c5")
    figure.string = "a" * 100 + "b"
    assert (figure.n, canvas.text, len(figure.legal)) == (5, "a100b1", 101)
    assert figure.string == "a" * 100 + "b"


def two_clips():
    """What a figure of two clips is made of: 1.5 s of sound, and six steps for the symbols blank, 4 and 7."""
    rng = np.random.default_rng(0)
    probabilities = np.full((2, 6, 3), 0.1)
    for clip, symbols in enumerate([[0, 1, 1, 0, 2, 0], [0, 2, 0, 2, 1, 1]]):
        probabilities[clip, range(6), symbols] = 0.8
    return {
        "words": ["siebenundvierzig", "vierundsiebzig"],
        "voices": ["Male1", "Female1"],
        "numbers": ["47", "74"],
        "sounds": rng.uniform(-1, 1, (2, 12000)),
        "rate": 8000,
        "pictures": rng.uniform(-14, 3, (2, 20, 5)),
        "probabilities": probabilities,
        "symbols": ["", "4", "7"],
    }


def test_a_spoken_number_is_written_without_repeats_and_blanks():
    figure = SpokenNumber(**two_clips())
    assert (figure.clip, figure.time, figure.written) == (0, 0.0, "47")
    figure.children[0].clip = 1
    assert figure.written == "774"
    np.testing.assert_array_equal(figure.probabilities, two_clips()["probabilities"][1])


def test_sounds_and_pictures_travel_as_bytes_that_keep_what_is_heard_and_seen():
    given = two_clips()
    canvas = SpokenNumber(**given).children[0]
    y = np.frombuffer(zlib.decompress(canvas.sounds), np.uint8) / 127.5 - 1
    heard = np.sign(y) * (256 ** np.abs(y) - 1) / 255  # μ-law, as G.711 has its inverse
    # A step is a 127.5th of the logarithm's range, ln 256; half of one at most is lost.
    lost = np.abs(heard - given["sounds"].ravel())
    assert (lost <= (np.abs(given["sounds"].ravel()) + 1 / 255) * np.log(256) / 255 * 1.05).all()
    seen = np.frombuffer(zlib.decompress(canvas.pictures), np.uint8)
    low, high = given["pictures"].min(), given["pictures"].max()
    np.testing.assert_allclose(low + seen / 255 * (high - low), given["pictures"].ravel(), atol=17 / 510)
    assert (canvas.shape, canvas.seconds, canvas.rate) == ([5, 20], 1.5, 8000)
    assert not any(
        zlib.decompress(SpokenNumber(**given | {"pictures": np.ones((2, 3, 4))}).children[0].pictures)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voices": ["Male1"]}, "voices must have one for each of the 2 words, got 1"),
        ({"numbers": ["1", "2", "3"]}, "numbers must have one for each of the 2 words, got 3"),
        ({"sounds": np.zeros((3, 9))}, r"sounds must have shape \(N=2, L\), got \(3, 9\)"),
        ({"sounds": np.full((2, 9), -1.5)}, "sounds must lie from -1 to 1, got 1.5"),
        ({"rate": 4000}, "rate must be from 8000 to 48000 samples a second, got 4000"),
        ({"rate": 8000.5}, "rate must be a whole number"),
        ({"pictures": np.zeros((2, 9))}, r"pictures must have shape \(N=2, T, M\), got 2-D"),
        ({"symbols": ["", "1"]}, r"probabilities must have shape \(N=2, S, K=2\)"),
        ({"probabilities": np.full((2, 6, 3), 0.3)}, "probabilities must be at least 0, and sum to 1"),
        ({"probabilities": np.full((2, 6, 3), [2, -0.5, -0.5])}, "probabilities must be at least 0"),
    ],
)
def test_what_no_spoken_number_can_be_made_of_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        SpokenNumber(**two_clips() | change)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("clip", 2, "clip must be a whole number from 0 to 1, got 2"),
        ("clip", -1, "clip must be a whole number"),
        ("clip", 0.0, "clip must be a whole number"),
        ("time", 1.6, "time must be a number from 0 to 1.5, got 1.6"),
        ("time", "now", "time must be a number"),
    ],
)
def test_a_clip_or_a_time_that_there_is_not_is_refused(name, wrong, message):
    figure = SpokenNumber(**two_clips())
    figure.clip, figure.time = 1, 0.75
    with pytest.raises(ValueError, match=message):
        setattr(figure, name, wrong)
    assert (figure.clip, figure.time) == (1, 0.75)


SOLUTIONS = [
    # i, f, o for each of the tasks, as the page gives them
    ([0, 1, 0, 0, 0], [1] * 5, [0, 0, 0, 0, 1]),
    ([1, 1, 1, 0, 0], [1] * 5, [0, 0, 0, 0, 1]),
    ([1] * 5, [0] * 5, [1] * 5),
    ([0.5, 0, 0, 0, 0.5], [1] * 5, [0, 0, 0, 0, 1]),
]


@pytest.mark.parametrize("task", range(4))
def test_three_switches_is_solved_by_its_solution_and_by_no_other_task_s(task):
    assert len(SOLUTIONS) == len(TASKS)
    for other, (i, f, o) in enumerate(SOLUTIONS):
        figure = ThreeSwitches(task=task)
        assert not figure.solved
        canvas = figure.children[0]
        canvas.i, canvas.f, canvas.o = ([float(v) for v in gate] for gate in (i, f, o))
        assert figure.solved == (other == task)


def test_three_switches_computes_what_lstm_step_computes():
    figure, rng = ThreeSwitches(), np.random.default_rng(0)
    canvas = figure.children[0]
    canvas.i, canvas.f, canvas.o = rng.uniform(0.05, 0.95, (3, 5)).tolist()
    h = c = np.zeros((1, 1))
    for t, x in enumerate(INPUTS):
        i, f, o = (np.log(gate[t] / (1 - gate[t])) for gate in (figure.i, figure.f, figure.o))
        params = {
            "W_x": np.zeros((4, 1)),
            "W_h": np.zeros((4, 1)),
            "b": np.array([i, f, np.arctanh(x), o]),
        }
        h, c, _ = lstm_step(np.zeros((1, 1)), h, c, params)
        assert all(isinstance(gate, np.ndarray) for gate in (figure.i, figure.f, figure.o))
        assert figure.c[t] == pytest.approx(c.item(), abs=1e-14)
        assert figure.h[t] == pytest.approx(h.item(), abs=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Alignment({}), "models must hold at least one translator"),
        (lambda: gallery.threshold(threshold=3.5), "threshold must be a number from 0 to 3, got 3.5"),
        (lambda: gallery.threshold(start=4.5), "start must be a number from 0 to 4, got 4.5"),
        (lambda: gallery.threshold(drawn={}), "drawn must hold at least one detector"),
        (lambda: gallery.threshold(scores={}), "scores 0 must be one row of finite numbers, got shape (0,)"),
        (lambda: gallery.threshold(odd=[True]), "scores 0 must have 1 entries, as many as odd, got 8"),
        (lambda: gallery.threshold(odd=[False] * 8), "odd must be True for one beat at least"),
        (lambda: gallery.threshold(hours=0), "hours must be a number above 0, got 0"),
        (
            lambda: gallery.threshold(signal=np.zeros(8 * HZ), beat=np.arange(12).repeat(86)[: 8 * HZ]),
            "signal must last longer than 8 s, 1024 samples",
        ),
        (lambda: gallery.threshold(signal=[np.nan] * 2000), "signal must be one row of finite numbers"),
        (
            lambda: gallery.threshold(kind=[0] * 11, drawn={"one": [0] * 11}),
            "beat must name each of the 11 beats of kind",
        ),
        (lambda: gallery.threshold(kind=[6] * 12), "kind hold places in KINDS, 0 to 5"),
        (lambda: Counters({}), "models must hold at least one pair of LSTM and Readout"),
        (
            lambda: Counters({"x": a_counter("abc")}),
            "models['x'] must be an LSTM with 2 inputs and at most 16",
        ),
        (lambda: Counters({"x": a_counter(units=17)}), "and a Readout with 3 outputs, got (LSTM(2, 17), Rea"),
        (lambda: Counters({"x": a_counter()[0]}), "models['x'] must be an LSTM with 2 inputs"),
        (lambda: Counters({"x": a_counter()}, "()[]"), "symbols must be letters, such as 'ab', got '()[]'"),
        (lambda: Counters({"x": a_counter()}, n=61), "n must be a number from 1 to 60, got 61"),
        (
            lambda: Alignment({"dot": a_translator(None, LSTM(len(ENGLISH), 4))}),
            "models['dot'] must be a Translator of number words with a BidirectionalLSTM",
        ),
        (lambda: Alignment({"dot": a_translator(DotAttention(4))}, -1), "must be whole and lie between"),
        (lambda: UnrolledLoop(word="a b"), "word must be 1 to 10 letters from a to z, got 'a b'"),
        (lambda: UnrolledLoop(word=""), "word must be 1 to 10 letters from a to z, got ''"),
        (lambda: UnrolledLoop(u=4), "u must be a number from -3 to 3, got 4"),
        (lambda: ThreeSwitches(task=4), "task must be a whole number from 0 to 3, got 4"),
        (lambda: GradientByLag(gain=0), "gain must be a number from 0.2 to 2, got 0"),
        (lambda: GradientByLag(length=100), "length must be a number from 5 to 50, got 100"),
        (lambda: GradientByLag(forget_bias=7), "forget_bias must be a number from -2 to 6, got 7"),
        (lambda: GradientByLag(kind="σ"), "kind must be one of ['linear', 'tanh', 'ReLU'], got 'σ'"),
        (lambda: LSTMCell(f=1.5), "f must be a number from 0 to 1, got 1.5"),
        (lambda: LSTMCell(g=-2), "g must be a number from -1 to 1, got -2"),
        (lambda: LSTMCell(c_prev=float("nan")), "c_prev must be a number from -2 to 2, got nan"),
        (lambda: LSTMCell(i="open"), "i must be a number from 0 to 1, got 'open'"),
        (lambda: LSTMCell(sequence=[(0.5, 0.5)]), "1 to 8 rows (i, f, g, o), got shape (1, 2)"),
        (lambda: LSTMCell(sequence=[(1, 1, 3, 1)]), "sequence[0], g must be a number from -1 to 1"),
        (lambda: LSTMCell(sequence=[(1, 1, 1, 1)] * 3), "the cell state after sequence[2] must"),
        (lambda: Gate(x=[1.0, 2.0]), "x must hold 3 numbers, got 2"),
        (lambda: Gate(a=[0.0, 9.0, 0.0]), "a[1] must be a number from -8 to 8, got 9.0"),
    ],
)
def test_values_outside_their_range_are_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("figure", "name", "low", "high"),
    [
        (UnrolledLoop, "w", -3, 3),
        (UnrolledLoop, "u", -3, 3),
        (GradientByLag, "gain", 0.2, 2),
        (GradientByLag, "length", 5, 50),
        (GradientByLag, "forget_bias", -2, 6),
        *[(LSTMCell, name, 0, 1) for name in "fio"],
        (LSTMCell, "g", -1, 1),
        (LSTMCell, "c_prev", -2, 2),
    ],
)
def test_a_number_may_be_anything_between_its_limits_and_nothing_beyond(figure, name, low, high):
    for value in (low, high, np.float64(low)):
        assert getattr(figure(**{name: value}), name) == value
    for value in (low - 1e-6, high + 1e-6):
        with pytest.raises(ValueError, match=re.escape(f"{name} must be a number from {low} to {high}, got")):
            figure(**{name: value})


@pytest.mark.parametrize(("name", "limit"), [("x", 2), ("a", 8)])
def test_the_limits_of_a_gate_s_vectors(name, limit):
    assert getattr(Gate(**{name: [-limit, 0, limit]}), name).tolist() == [-limit, 0, limit]
    for value in (-limit - 1e-6, limit + 1e-6):
        with pytest.raises(ValueError, match=rf"{name}\[2\] must be a number from -{limit} to {limit}"):
            Gate(**{name: [0, 0, value]})


def test_how_every_figure_begins_if_nothing_is_said():
    gate, cell, loop, switches = Gate(), LSTMCell(), UnrolledLoop(), ThreeSwitches()
    assert (gate.x.tolist(), gate.a.tolist()) == ([1.5, -1.0, 0.8], [3.0, 0.0, -3.0])
    assert (cell.f, cell.i, cell.g, cell.o, cell.c_prev) == (0.9, 0.5, 0.8, 0.7, 1.0)
    assert (cell.notation, cell.children[0].start) == ("this book", 0)
    assert cell.sequence.tolist() == [
        # i, f, g, o: write 0.9, hold it through two steps, read it, forget most, pile up a negative number
        [1, 0, 0.9, 0],
        [0, 1, -0.5, 0],
        [0, 1, 0.7, 0],
        [0, 1, 0, 1],
        [0, 0.1, 0, 1],
        [0.8, 1, -0.9, 1],
    ]
    assert (loop.word, loop.w, loop.u) == ("aab", 1.0, 0.5)
    canvas = switches.children[0]
    assert (switches.task, canvas.tolerance, canvas.x) == (0, 0.01, [0.4, -0.8, 0.7, -0.3, 0.6])
    assert canvas.tasks == [
        ["The second number, at the end", [0, 0, 0, 0, -0.8]],
        ["The sum of the first three, at the end", [0, 0, 0, 0, 0.3]],
        ["Every number as it comes", [0.4, -0.8, 0.7, -0.3, 0.6]],
        ["Half of first + half of last, at the end", [0, 0, 0, 0, 0.5]],
    ]


def test_a_sequence_has_1_to_8_rows_and_its_state_ends_at_2():
    assert LSTMCell(sequence=[(0, 1, 0, 1)] * 8).sequence.shape == (8, 4)
    for rows in ([(0, 1, 0, 1)] * 9, np.zeros((0, 4)), np.zeros(4)):
        with pytest.raises(ValueError, match=r"sequence must be 1 to 8 rows \(i, f, g, o\), got shape"):
            LSTMCell(sequence=rows)
    figure = LSTMCell(sequence=[(1, 1, -1, 1)] * 2)  # c = −1, −2
    with pytest.raises(ValueError, match=r"after sequence\[2\] must be a number from -2 to 2, got 3\.0"):
        LSTMCell(sequence=[(1, 1, 1, 1)] * 3)
    figure.children[0].sequence = [[1, 0, 1, 1]]  # as JavaScript sends whole numbers
    assert figure.sequence.dtype == float
    for row, name in [
        ((-1e-6, 0, 0, 0), "i"),
        ((0, 1.1, 0, 0), "f"),
        ((0, 0, -1.1, 0), "g"),
        ((0, 0, 0, 2), "o"),
    ]:
        with pytest.raises(ValueError, match=rf"sequence\[1\], {name} must be a number from"):
            LSTMCell(sequence=[(0, 0, 0, 0), row])


def test_a_task_is_a_number_and_no_truth_value():
    for wrong in (True, -1, 1.0, "1"):
        with pytest.raises(ValueError, match="task must be a whole number from 0 to 3, got"):
            ThreeSwitches(task=wrong)
    with pytest.raises(ValueError, match="word must be 1 to 10 letters from a to z, got 7"):
        UnrolledLoop(word=7)


def test_what_python_sets_of_a_threshold_is_checked():
    figure = gallery.threshold()
    figure.threshold, figure.start, figure.detector = 2.5, 3, "other"
    canvas = figure.children[0]
    assert (canvas.threshold, canvas.start, canvas.detector) == (2.5, 3.0, "other")
    for name, wrong, message in [
        ("threshold", -0.1, "threshold must be a number from 0 to 3, got -0.1"),
        ("threshold", "1", "threshold must be a number from 0 to 3, got '1'"),
        ("start", 5, "start must be a number from 0 to 4, got 5"),
        ("detector", "none", "detector must be one of ['one', 'other'], got 'none'"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            setattr(figure, name, wrong)
    assert (figure.threshold, figure.start, figure.detector) == (2.5, 3.0, "other")


SETTINGS = [
    # what Python may set, a value that fits, one that does not, and what is said of it
    (UnrolledLoop, "word", "abba", "ab1", "word must be 1 to 10 letters from a to z, got 'ab1'"),
    (UnrolledLoop, "u", -2.5, 4, "u must be a number from -3 to 3, got 4"),
    (GradientByLag, "gain", 0.5, 3, "gain must be a number from 0.2 to 2, got 3"),
    (GradientByLag, "length", 7, 4, "length must be a number from 5 to 50, got 4"),
    (GradientByLag, "kind", "ReLU", "relu", "kind must be one of ['linear', 'tanh', 'ReLU'], got 'relu'"),
    (LSTMCell, "f", 0.25, -1, "f must be a number from 0 to 1, got -1"),
    (LSTMCell, "c_prev", -1.5, "1", "c_prev must be a number from -2 to 2, got '1'"),
    (LSTMCell, "notation", "LTM and STM", "colah", "notation must be one of ['this book', "),
    (ThreeSwitches, "task", 2, 4, "task must be a whole number from 0 to 3, got 4"),
    (ThreeSwitches, "o", [0.0, 1, 0, 1, 0.5], [0.0], "o must hold 5 numbers, one for each step, got 1"),
    (Trainer, "cell_a", "gru", "none", "cell_a must be one of ['rnn', 'lstm97', 'lstm', 'gru'], got 'none'"),
    (
        Trainer,
        "cell_b",
        "none",
        "LSTM",
        "cell_b must be one of ['rnn', 'lstm97', 'lstm', 'gru', 'none'], got",
    ),
    (Trainer, "task", "bell", "copying", "task must be one of ['hold', 'echo', 'adding', 'order', 'bell'], "),
    (Trainer, "gap", 60, 61, "gap must be a number from 5 to 60, got 61"),
    (Trainer, "gap", 5, 7.5, "gap must be a whole number, got 7.5"),
    (Trainer, "units", 2, 1, "units must be a number from 2 to 16, got 1"),
    (Trainer, "rate", 0.0001, 0, "rate must be a number from 0.0001 to 10, got 0"),
    (Trainer, "forget_a", -2, 6.5, "forget_a must be a number from -2 to 6, got 6.5"),
    (Trainer, "forget_b", 6, "1", "forget_b must be a number from -2 to 6, got '1'"),
    (Trainer, "input_bias", -6, 3, "input_bias must be a number from -6 to 2, got 3"),
    (Trainer, "clip", 0, -1, "clip must be a number from 0 to 5, got -1"),
    (Trainer, "seed", 99, True, "seed must be a whole number, got True"),
    (Family, "inputs", 1, 65, "inputs must be a number from 1 to 64, got 65"),
    (Family, "units", 64, 2.5, "units must be a whole number, got 2.5"),
    (Family, "parts", [], ["gate"], "parts must be some of ['input', 'forget', 'output', "),
    (Family, "parts", ["matrix"], "matrix", "parts must be several of ['input', 'forget', 'output', "),
    (Family, "parts", ["tanh"], ["coupled", "forget"], "has 'coupled' without 'input'. To be coupled, "),
    (Family, "parts", ["output"], ["exponential"], "has 'exponential' without 'input'. An exponential "),
    (
        Family,
        "parts",
        ["forget"],
        ["peepholes", "tanh"],
        "'peepholes' without 'forget' or 'input' or 'output'",
    ),
    (ThreeSwitches, "i", [1.0] * 5, [0, 0, 0, 0, 2.0], "i[4] must be a number from 0 to 1, got 2.0"),
]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "string must have 1 to 1000 symbols, got ''"),
        ("a" * 1001, "string must have 1 to 1000 symbols, got 'aaa"),
        ("abc", "string[2] must be one of 'ab', got 'c'"),
        ("aba", "string[2] is 'a', where the grammar allows the end"),
        (7, "string must have 1 to 1000 symbols, got 7"),
    ],
)
def test_counters_read_only_what_the_grammar_allows(wrong, message):
    figure = Counters({"x": a_counter()})
    figure.string = "aab"
    with pytest.raises(ValueError, match=re.escape(message)):
        figure.string = wrong
    assert figure.string == "aab"
    figure.string = "a" * 1000
    assert len(figure.c["x"]) == figure.children[0].longest == 1000


@pytest.mark.parametrize(("figure", "name", "fits", "wrong", "message"), SETTINGS)
def test_what_the_reader_sets_python_may_set_too(figure, name, fits, wrong, message):
    figure = figure()
    setattr(figure, name, fits)
    np.testing.assert_array_equal(getattr(figure, name), fits)
    np.testing.assert_array_equal(getattr(figure.children[0], name), fits)
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, wrong)
    np.testing.assert_array_equal(getattr(figure, name), fits)


def test_the_sliders_of_an_lstm_cell_bear_the_names_that_python_chose():
    figure = LSTMCell()
    figure.notation = "Γ for gates"
    assert [slider.description for slider in sliders(figure)] == [
        "Γf forget gate",
        "Γu update gate",
        "c̃ candidate",
        "Γo output gate",
        "c memory cell before",
    ]


def test_an_alignment_translates_the_number_and_hides_the_words_that_python_chose():
    models = {name: a_translator(DotAttention(4)) for name in ("one", "other")}
    figure = Alignment(models, 21)
    figure.scoring, figure.hidden = "other", [1]
    assert figure.children[0].scoring == "other"
    assert len(figure.alignment) > 0
    assert (figure.alignment[:, 1] == 0).all()
    figure.number = 300
    assert figure.english == ("three", "hundred")
    assert figure.hidden == []
    for name, wrong, message in [
        ("number", 1_000_000, "must be whole and lie between"),
        ("scoring", "dot", "scoring must be one of ['one', 'other'], got 'dot'"),
        ("hidden", [2], "hidden must be positions from 0 to 1, and leave one to be seen; got [2]"),
        ("hidden", [1, 0], "and leave one to be seen; got [1, 0]"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            setattr(figure, name, wrong)
    assert (figure.number, figure.scoring, figure.hidden) == (300, "other", [])
    figure.number = 421
    with pytest.raises(ValueError, match="hidden must be positions from 0 to 4, and"):
        figure.hidden = [5]


def test_a_module_that_two_imports_share_is_written_out_once_and_first(tmp_path, monkeypatch):
    texts = {
        "figure": 'import { left } from "./left.mjs";\nimport { right } from "./right.mjs";\n'
        "export default left + right;\n",
        "left": 'import { base } from "./base.mjs";\nexport const left = base + 1;\n',
        "right": 'import { base } from "./base.mjs";\nexport const right = base + 2;\n',
        "base": "export const base = 3;\nexport const other = 4;\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.mjs").write_text(text)
    monkeypatch.setattr("lstmlib.figures.canvas.FOLDER", tmp_path)
    lines = [line for line in module_source("figure").splitlines() if line]
    assert lines == [
        "const base = 3;",
        "const other = 4;",
        "const left = base + 1;",
        "const right = base + 2;",
        "export default left + right;",
    ]


CANVASES = sorted(
    path.stem for path in (ROOT / "lstmlib/figures").glob("*.mjs") if "export default" in path.read_text()
)


@pytest.mark.parametrize("name", CANVASES)
def test_a_canvas_is_one_module_with_nothing_left_to_import(name):
    source = module_source(name)
    assert "import " not in re.sub(r"//.*", "", source)
    assert source.count("export default") == 1
    declared = re.findall(r"^(?:async )?(?:const|let|class|function\*?) (\w+)", source, re.MULTILINE)
    assert sorted(declared) == sorted(set(declared))  # else no browser runs it
    assert len(declared) > 5


def a_writer(H=8, M=3, seed=0):
    """The state dict of an untrained torch model as `PenWriter` takes it, that lifts the pen now and then."""
    torch.manual_seed(seed)
    model = torch.nn.ModuleDict({"lstm": torch.nn.LSTM(29, H), "read": torch.nn.Linear(H, 6 * M + 1)})
    weights = {name: 2 * array for name, array in model.state_dict().items()}
    weights["read.bias"][0] = -1.5
    return weights


def test_a_pen_writer_writes_what_torch_and_the_mixture_say():
    weights, H = a_writer(), 8
    figure = PenWriter(weights, text="ax", bias=0.7, seed=3)
    for k, written in enumerate(figure.written):
        assert written.letter == "ax"[k]
        # From the place in the row that belongs to letter k of seed 3, four numbers a point
        chance = chance_from((8 * 3 + k) * 240, 240).reshape(60, 4)
        double = {name: array.double() for name, array in weights.items()}
        lstm, read = torch.nn.LSTM(29, H).double(), torch.nn.Linear(H, 19).double()
        lstm.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "lstm."})
        read.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "read."})
        before, state = np.array([0.0, 0.0, 1.0]), None
        for t in range(60):
            x = np.concatenate([before, np.eye(26)[ord(written.letter) - ord("a")]])
            with torch.no_grad():
                h, state = lstm(torch.tensor(x)[None], state)
                raw = read(h)[0].numpy()
            pick, lift, u, v = chance[t]
            radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
            normal = radius * np.array([np.cos(angle), np.sin(angle)])
            point = point_of(mixture_of(raw, 0.7), np.array([pick, lift]), normal)
            if before[2] and point[2]:
                break
            # Two biases were added in float32 on the way
            np.testing.assert_allclose(written.points[t], point, atol=1e-5)
            before = point
        assert len(written.points) == (60 if not written.ended else t)


def test_the_strokes_of_a_letter_end_where_the_pen_is_lifted():
    points = np.array([[4.0, 8, 0], [0, -4, 1], [-4, 0, 0], [8, 0, 1]])
    one, other = Written("t", points, True).strokes
    np.testing.assert_allclose(one, [[1, 2], [1, 1]])
    np.testing.assert_allclose(other, [[0, 1], [2, 1]])
    assert Written("t", points[:0], True).strokes == []


def test_a_pen_writer_says_the_same_for_the_same_seed_and_for_a_letter_wherever_it_stands_first():
    figure = PenWriter(a_writer(), text="abc", seed=7)
    first = figure.written
    figure.text = "axyz"
    np.testing.assert_array_equal(figure.written[0].points, first[0].points)
    figure.text, figure.seed = "abc", 8
    assert any(len(one.points) for one in figure.written)
    assert [one.points.tolist() for one in figure.written] != [one.points.tolist() for one in first]
    figure.seed = 7
    for one, other in zip(figure.written, first, strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_chance_is_one_long_row_of_even_numbers():
    row = chance_from(5, 20_000)
    np.testing.assert_array_equal(chance_from(105, 10), row[100:110])
    assert 0 < row.min() < row.max() < 1
    assert_mean(row, 0.5)
    assert_mean((row[1:] - 0.5) * (row[:-1] - 0.5), 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": "ab1"}, "text must be 1 to 8 letters from a to z, got 'ab1'"),
        ({"text": ""}, "text must be 1 to 8 letters from a to z, got ''"),
        ({"text": "abcdefghi"}, "text must be 1 to 8 letters from a to z, got 'abcdefghi'"),
        ({"bias": 3.1}, "bias must be a number from 0 to 3, got 3.1"),
        ({"seed": 1000}, "seed must be a whole number from 0 to 999, got 1000"),
        ({"seed": True}, "seed must be a whole number from 0 to 999, got True"),
        ({"weights": {}}, "missing: lstm.weight_ih_l0"),
        ({"weights": a_writer() | {"read.bias": np.zeros(8)}}, "read.bias must hold 6 M + 1 numbers, got 8"),
        (
            {"weights": a_writer() | {"lstm.weight_ih_l0": np.zeros((32, 3))}},
            "lstm.weight_ih_l0 must have shape (32, 29), got (32, 3)",
        ),
    ],
)
def test_a_pen_writer_names_what_it_cannot_take(changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        PenWriter(**{"weights": a_writer(), **changed})
    figure = PenWriter(a_writer())
    for name, value in changed.items():
        if name != "weights":
            with pytest.raises(ValueError, match=re.escape(message)):
                setattr(figure, name, value)
    assert (figure.text, figure.bias, figure.seed) == ("lstm", 0.5, 1)


def answered_by_torch(figure, lstm, memory):
    """Probabilities of both networks and the looks, in PyTorch and float64."""
    x = torch.eye(len(WORDS)).double()[torch.tensor(figure.sentences)].sum(1)[:, None]
    asked = torch.tensor(WORDS.encode(re.findall(r"\w+", figure.question.lower())[-1:]))
    q = torch.eye(len(WORDS)).double()[asked]
    lstm, memory = ({k: torch.tensor(a) for k, a in weights.items()} for weights in (lstm, memory))
    layer = torch.nn.LSTM(2 * len(WORDS), gallery.SIZE).double()
    layer.load_state_dict({name[5:]: array for name, array in lstm.items() if name[:5] == "lstm."})
    u, looks = q @ memory["ask.weight"].T, []
    memories = torch.einsum("tbv,kvd->ktbd", x, memory["words"])
    memories = memories + memory["times"][:, : len(x)].flip(1)[:, :, None]
    with torch.no_grad():
        h = layer(torch.cat([x, q.expand(len(x), -1, -1)], 2))[0][-1]
        for m, c in pairwise(memories):
            looks.append((m * u).sum(2).softmax(0))
            u = u + (looks[-1][..., None] * c).sum(0)
        scores = [
            state @ weights["read.weight"].T + weights["read.bias"]
            for state, weights in ((h, lstm), (u, memory))
        ]
    return *(one[0].softmax(0).numpy() for one in scores), torch.stack(looks)[..., 0].numpy()


def story_weights():
    """What the gallery's StoryReader is made of, once more."""
    given = {}
    figures = gallery.figures
    try:
        gallery.figures = type("Catch", (), {"StoryReader": staticmethod(given.update)})
        gallery.EXAMPLES["StoryReader"]()
    finally:
        gallery.figures = figures
    return {
        name: {k: np.asarray(a, np.float32).astype(float) for k, a in given[name].items()}
        for name in ("lstm", "memory")
    }


def test_a_story_reader_answers_as_its_torch_models_do():
    weights, rng = story_weights(), np.random.default_rng(0)
    figure, said = gallery.story_reader(), set()
    for T in (1, 2, 7, 20):
        batch = stories(T, 1, things=True, rng=rng)
        figure.story = "\n".join(as_text(sentence) for sentence in batch.sentences[:, 0])
        figure.question = as_question(batch.asked[0])
        lstm, memory, looks = answered_by_torch(figure, **weights)
        np.testing.assert_allclose(figure.reading.lstm, lstm, atol=1e-6)
        np.testing.assert_allclose(figure.reading.memory, memory, atol=1e-10)
        np.testing.assert_allclose(figure.reading.looks, looks, atol=1e-10)
        assert figure.reading.looks.shape == (2, T)
        assert figure.whereabouts.place == batch.place[0]
        said |= {int(lstm.argmax()), int(memory.argmax())}
    assert len(said) > 2


def test_a_story_reader_shows_its_first_sample_and_python_may_choose_another():
    figure = gallery.story_reader()
    canvas = figure.children[0]
    assert (figure.sample, figure.question) == ("carried", "Where is the lamp?")
    assert (PLACES[figure.whereabouts.place], figure.whereabouts.facts) == ("garden", (1, 2))
    figure.sample = "nobody"
    assert (canvas.sample, canvas.question, figure.whereabouts) == (1, "Where is Ben?", (None, ()))
    figure.sample = None
    figure.story = "Ben ran to the attic."
    assert (canvas.sample, canvas.story, figure.whereabouts) == (-1, "Ben ran to the attic.", (0, (0,)))
    assert figure.sentences == read_story("ben ran attic")


def test_the_weights_of_a_story_reader_travel_compressed_and_whole():
    V, rng = len(WORDS), np.random.default_rng(0)
    memory = {"words": rng.normal(size=(3, V, 64)), "times": rng.normal(size=(3, 20, 64))}
    memory |= {"ask.weight": rng.normal(size=(64, V)), "read.weight": np.ones((6, 64))}
    canvas = gallery.story_reader(memory=memory | {"read.bias": np.ones(6)}).children[0]
    assert len(canvas.data) < 300 * 1024
    for k in range(3):
        np.testing.assert_array_equal(unpacked(canvas)[f"memory.words.{k}"], memory["words"][k].astype("f4"))


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("story", "Eve went to the attic.", "sentence 1 has “eve”, which is none of the words"),
        ("story", " . ", "there is no sentence in the story"),
        ("story", "anna went to the attic. " * 21, "a story may have 20 sentences here, and this one has 21"),
        ("question", "who is anna?", "the question has “who”"),
        ("question", "where is the attic?", "a question must be like “where is anna”"),
        ("sample", "x", "sample must be None or one of ['carried', 'nobody', 'short'], got 'x'"),
    ],
)
def test_what_python_sets_of_a_story_reader_is_checked(name, wrong, message):
    figure = gallery.story_reader()
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, wrong)
    assert (figure.sample, figure.question) == ("carried", "Where is the lamp?")


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("lstm", {"read.bias": np.zeros(5)}, "read.bias must have shape (6,), got (5,)"),
        ("lstm", {"lstm.weight_ih_l0": np.zeros((16, 24))}, "lstm.weight_ih_l0 must have shape (16, 48)"),
        ("memory", {"times": np.zeros((3, 10, 4))}, "times must have shape (3, 20, 4), got (3, 10, 4)"),
        ("memory", {"words": np.zeros((1, 24, 4))}, "words must have shape (K + 1, V, D)"),
    ],
)
def test_weights_of_a_story_reader_of_another_shape_are_named(part, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        gallery.story_reader(**{part: story_weights()[part] | change})


def test_a_story_reader_wants_all_weights_and_a_sample():
    with pytest.raises(ValueError, match=re.escape("missing: words, times, ask.weight")):
        gallery.story_reader(memory={})
    with pytest.raises(ValueError, match="samples must hold at least one story and question"):
        gallery.story_reader(samples={})


def a_tune_writer(H=8, D=5, seed=0):
    """The state dict of an untrained torch model as `TuneWriter` takes it, that ends now and then."""
    torch.manual_seed(seed)
    parts = {"embed": torch.nn.Embedding(69, D), "lstm": torch.nn.LSTM(D, H), "read": torch.nn.Linear(H, 53)}
    weights = {name: 2 * array for name, array in torch.nn.ModuleDict(parts).state_dict().items()}
    weights["read.bias"][52] = 1.0
    return weights


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_tune_is_what_torch_says_and_chance_picks_at_any_temperature(temperature):
    weights, H, D = a_tune_writer(), 8, 5
    double = {name: array.double() for name, array in weights.items()}
    lstm, read = torch.nn.LSTM(D, H).double(), torch.nn.Linear(H, 53).double()
    lstm.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "lstm."})
    read.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "read."})
    for metre, key, seed in (("6/8", "A", 0), ("9/8", "Gm", 7), ("C", "F", 999)):
        figure = TuneWriter(weights, key, metre, temperature, seed)
        numbers = [53 + list(METRES).index(metre), 53 + len(METRES) + list(KEYS).index(key)]
        for u in chance_from(400 * seed, 400):
            with torch.no_grad():
                h, _ = lstm(double["embed.weight"][numbers])
                p = (read(h[-1]) / temperature).softmax(0).numpy()
            numbers.append(int(np.argmax(p.cumsum() > u)))
            if numbers[-1] == 52:
                break
        assert figure.ended == (numbers[-1] == 52)
        assert figure.composed == [SYMBOLS[k] for k in numbers[2:] if k != 52]
        assert figure.notes == notes_of(figure.composed, key)


def test_a_tune_is_the_same_for_the_same_seed_and_ends_or_is_stopped():
    figure = TuneWriter(a_tune_writer(), seed=3)
    first = figure.composed
    figure.seed = 4
    assert figure.composed != first
    figure.seed = 3
    assert figure.composed == first
    endless = a_tune_writer()
    endless["read.bias"][52] = -1e4
    figure = TuneWriter(endless)
    assert (len(figure.composed), figure.ended) == (400, False)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"key": "H"}, "key must be one of ['A', 'Am', 'Bb', 'C', 'D', 'Dm', 'Em', 'F', 'G', 'Gm'], got 'H'"),
        ({"key": "E"}, "key must be one of"),
        ({"metre": "5/4"}, "metre must be one of ['6/8', 'C|', 'C', '2/4', '3/4', '9/8'], got '5/4'"),
        ({"temperature": 0}, "temperature must be a number from 0.2 to 2, got 0"),
        ({"temperature": "hot"}, "temperature must be a number from 0.2 to 2, got 'hot'"),
        ({"seed": 1000}, "seed must be a whole number from 0 to 999, got 1000"),
        ({"weights": {}}, "weights must have embed.weight, lstm.weight_ih_l0"),
        (
            {"weights": a_tune_writer() | {"read.bias": np.zeros(5)}},
            "read.bias must have shape (53,), got (5,)",
        ),
        (
            {"weights": a_tune_writer() | {"embed.weight": np.zeros((60, 5))}},
            "embed.weight must have shape (69, 5), got (60, 5)",
        ),
    ],
)
def test_a_tune_writer_names_what_it_cannot_take(changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TuneWriter(**{"weights": a_tune_writer(), **changed})
    figure = TuneWriter(a_tune_writer())
    for name, value in changed.items():
        if name != "weights":
            with pytest.raises(ValueError, match=re.escape(message)):
                setattr(figure, name, value)
    assert (figure.key, figure.metre, figure.temperature, figure.seed) == ("G", "6/8", 0.8, 1)


def a_part_writer(H=8, seed=0):
    """The state dict of an untrained torch model as `FourParts` takes it, that presses a few keys."""
    torch.manual_seed(seed)
    parts = torch.nn.ModuleDict({"lstm": torch.nn.LSTM(66, H), "read": torch.nn.Linear(H, 54)})
    weights = {name: 2 * array for name, array in parts.state_dict().items()}
    weights["read.bias"] -= 2.5
    return weights | {"below": torch.randn(54, 54), "many": torch.randn(54, 6)}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("writer", ["coins", "chain"])
def test_chords_are_what_torch_says_of_all_keys_at_once_and_chance_picks(writer, temperature):
    weights = {"coins": a_part_writer(seed=0), "chain": a_part_writer(seed=1)}
    double = {name: array.double() for name, array in weights[writer].items()}
    lstm, read = torch.nn.LSTM(66, 8).double(), torch.nn.Linear(8, 54).double()
    lstm.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "lstm."})
    read.load_state_dict({name[5:]: array for name, array in double.items() if name[:5] == "read."})
    for opening, seed in (("", 0), ("C3 G3 E4 C5", 999)):
        figure = FourParts(**weights, writer=writer, opening=opening, temperature=temperature, seed=seed)
        made = figure.composed
        assert len(made) == 32
        rows = torch.zeros(33, 1, 66).double()
        for t, chord in enumerate(made, 1):
            rows[t, 0, [pitch - 31 for pitch in chord]] = 1
        down = rows[1:, 0, :54]
        with torch.no_grad():
            scores = read(lstm(rows[:-1])[0])[:, 0]
            if writer == "chain":
                n = (down.cumsum(dim=1) - down).clamp(max=5).long()
                scores += down @ double["below"].tril(-1).T + double["many"][torch.arange(54), n]
            p = (scores / temperature).sigmoid().numpy()
        picked = chance_from(1728 * seed, 1728).reshape(32, 54) < p
        drawn = slice(1 if opening else 0, None)
        np.testing.assert_array_equal(picked[drawn], down.numpy()[drawn] == 1)
        assert (made[0] == [48, 55, 64, 72]) == bool(opening)


def test_chords_are_the_same_for_the_same_seed_and_what_comes_after_depends_on_the_opening():
    figure = FourParts(a_part_writer(), a_part_writer(seed=1), seed=3)
    first = figure.composed
    figure.seed = 4
    assert figure.composed != first
    figure.seed = 3
    assert figure.composed == first
    figure.opening = "C3 G3 E4 C5"
    assert figure.composed[1:] != first[1:]
    figure.opening, figure.writer = "", "coins"
    assert figure.composed != first


@pytest.mark.parametrize(
    ("text", "pitches"),
    [
        ("", []),
        ("  ,  ", []),
        ("c4", [60]),
        ("C5,G3 C5\tE4", [55, 64, 72]),
        ("F#3 Gb3 B#3 Cb4", [54, 59, 60]),
        ("G1 C6", [31, 84]),
    ],
)
def test_a_chord_is_read_from_the_lowest_note_and_a_note_counts_once(text, pitches):
    assert read_chord(text) == pitches


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"writer": "Bach"}, "writer must be one of ['chain', 'coins'], got 'Bach'"),
        ({"opening": "C4 H4"}, "opening must be notes such as C4 or F#3, got 'H4'"),
        ({"opening": "x" * 10_000}, f"opening must be notes such as C4 or F#3, got '{'x' * 20}'"),
        ({"opening": "F#1"}, "opening must have notes from G1 to C6, got 'F#1'"),
        ({"opening": "C6 C#6"}, "opening must have notes from G1 to C6, got 'C#6'"),
        ({"opening": "C4 " * 9}, "opening must have at most 8 notes, got 9"),
        ({"opening": 60}, "opening must be a text, got 60"),
        ({"temperature": 0}, "temperature must be a number from 0.2 to 2, got 0"),
        ({"temperature": "hot"}, "temperature must be a number from 0.2 to 2, got 'hot'"),
        ({"seed": 1000}, "seed must be a whole number from 0 to 999, got 1000"),
        ({"chain": {}}, "weights must have lstm.weight_ih_l0"),
        ({"coins": a_part_writer() | {"below": np.zeros((54, 53))}}, "below must have shape (54, 54)"),
        ({"chain": a_part_writer() | {"many": np.zeros((54, 5))}}, "many must have shape (54, 6)"),
        (
            {"chain": a_part_writer() | {"read.bias": np.zeros(5)}},
            "read.bias must have shape (54,), got (5,)",
        ),
        (
            {"coins": a_part_writer() | {"lstm.weight_ih_l0": np.zeros((32, 53))}},
            "lstm.weight_ih_l0 must have shape (32, 54), got (32, 53)",
        ),
    ],
)
def test_four_parts_names_what_it_cannot_take(changed, message):
    both = {"coins": a_part_writer(), "chain": a_part_writer()}
    with pytest.raises(ValueError, match=re.escape(message)):
        FourParts(**{**both, **changed})
    figure = FourParts(**both)
    for name, value in changed.items():
        if name not in both:
            with pytest.raises(ValueError, match=re.escape(message)):
                setattr(figure, name, value)
    assert (figure.writer, figure.opening, figure.temperature, figure.seed) == ("chain", "", 1.0, 1)


def a_teller(H=5, E=4):
    parts = {"read": torch.nn.LSTM(12, H), "embed": torch.nn.Embedding(len(moving_digits.WORDS), E)}
    parts |= {"say": torch.nn.LSTM(E, H), "out": torch.nn.Linear(H, len(moving_digits.WORDS))}
    return torch.nn.ModuleDict(parts)


EYE_WEIGHTS, TELLER_WEIGHTS = AnEye().state_dict(), a_teller().state_dict()


def an_eye_and_a_teller():
    """In float64, with numbers that float32 holds, and so large that something is said."""
    torch.manual_seed(2)
    eye, teller = AnEye(), a_teller()
    with torch.no_grad():
        for weight in (*eye.parameters(), *teller.parameters()):
            weight *= 2
        eye.answer.weight *= 20
        teller["embed"].weight *= 3
        teller["out"].weight *= 4
    return eye.double(), teller.double()


def test_a_moving_digit_is_told_what_its_torch_models_say():
    eye, teller = an_eye_and_a_teller()
    figure, rng, said = (
        MovingDigit(eye.state_dict(), teller.state_dict(), SCANS, 0.0),
        np.random.default_rng(0),
        set(),
    )
    for k in range(20):
        figure.scan = ("one", "two")[k % 2]
        figure.start, figure.moves = (4, 4), rng.integers(-1, 4, size=4)
        path = [(4, 4)]
        for move in [*figure.moves, *[-1] * 7]:
            step = {-1: (0, 0), 0: (0, -1), 1: (0, 1), 2: (-1, 0), 3: (1, 0)}[move]
            path.append((path[-1][0] + step[0], path[-1][1] + step[1]))
        assert figure.path.tolist() == [list(place) for place in path]
        frames = np.zeros((12, 16, 16))
        for frame, (row, column) in zip(frames, path, strict=True):
            frame[row : row + 8, column : column + 8] = SCANS[figure.scan]
        np.testing.assert_array_equal(figure.frames, frames)
        with torch.no_grad():
            state = teller["read"](eye(torch.tensor(frames)[:, None])[:, None])[1]
            word, words, probability = 1, [], 1.0
            while word != 2 and len(words) < 5:
                h, state = teller["say"](teller["embed"](torch.tensor([[word]])), state)
                p = teller["out"](h)[0, 0].softmax(0)
                word = int(p.argmax())
                words.append(word)
                probability *= p[word].item()
        assert figure.telling.words == tuple(words)
        assert figure.telling.probability == pytest.approx(probability, rel=1e-4)
        said.add(figure.telling.words)
    assert len(said) > 2


def test_a_moving_digit_keeps_silent_about_a_path_that_no_training_film_has(monkeypatch):
    figure = gallery.moving_digit()
    words = tuple(moving_digits.WORDS.encode(("three", "left", "<end>")).tolist())
    monkeypatch.setattr("lstmlib.figures.moving_digit._tell", lambda *_: Telling(words, 0.7))
    figure.start = (4, 4)
    for moves in ([], [-1] * 11, [0, 0], [0, 0, 0, 2], [0, 1] * 4, [0] * 3 + [1, 0, 3] * 2):
        figure.moves = moves
        assert figure.sentence is None
    figure.start = (8, 8)
    figure.moves = [0] * 3 + [2] * 3 + [1] * 3
    assert figure.sentence == "a three moves left"
    figure.children[0].settings = figure.children[0].settings | {"threshold": 0.71}
    assert figure.sentence is None
    figure.start = (8, 8)
    figure.moves = [0] * 3 + [2] * 3
    words = tuple(moving_digits.WORDS.encode(("left", "three", "<end>")).tolist())
    monkeypatch.setattr("lstmlib.figures.moving_digit._tell", lambda *_: Telling(words, 1.0))
    assert figure.sentence is None  # it is none


def test_a_new_start_takes_the_moves_of_a_digit_back():
    figure = gallery.moving_digit()
    assert len(figure.moves) == 7
    figure.start = (0, 8)
    assert (figure.moves, figure.start, figure.scan) == ([], (0, 8), "three")
    assert gallery.moving_digit(scan="eight").scan == "eight"


def test_the_weights_of_a_moving_digit_travel_compressed_and_whole():
    torch.manual_seed(0)
    eye, teller = AnEye(16, 48), a_teller(48, 16)
    canvas = MovingDigit(eye.state_dict(), teller.state_dict(), SCANS).children[0]
    assert len(canvas.data) < 300 * 1024
    found = unpacked(canvas)
    np.testing.assert_array_equal(found["far.W"].reshape(32, 16, 3, 3), eye.far.weight.detach().numpy())
    column = teller["say"].weight_ih_l0 @ teller["embed"].weight[7]
    np.testing.assert_allclose(found["say.W_x"][:, 7], column.detach().numpy(), atol=1e-6)
    assert not any("embed" in name for name in found)


def without(weights, name):
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: MovingDigit(without(EYE_WEIGHTS, "mix.bias"), TELLER_WEIGHTS, SCANS),
            "missing: mix.bias",
        ),
        (
            lambda: MovingDigit(
                EYE_WEIGHTS,
                TELLER_WEIGHTS | {"out.weight": np.ones((3, 5))},
                SCANS,
            ),
            "out.weight must have shape (17, 5), got (3, 5)",
        ),
        (
            lambda: MovingDigit(EYE_WEIGHTS | {"far.weight": np.ones((6, 3, 2, 2))}, TELLER_WEIGHTS, SCANS),
            "far.weight must have shape (C, D, K, K) with an odd K, got (6, 3, 2, 2)",
        ),
        (
            lambda: MovingDigit(EYE_WEIGHTS | {"answer.weight": np.ones((11, 6))}, TELLER_WEIGHTS, SCANS),
            "answer.weight must have shape (12, 6), got (11, 6)",
        ),
        (lambda: MovingDigit(EYE_WEIGHTS, TELLER_WEIGHTS, {}), "scans must hold at least one image"),
        (
            lambda: MovingDigit(EYE_WEIGHTS, TELLER_WEIGHTS, {"a": 2 * np.ones((8, 8))}),
            "scans['a'] must hold 8 x 8 numbers from 0 to 1",
        ),
        (
            lambda: MovingDigit(EYE_WEIGHTS, TELLER_WEIGHTS, SCANS, 1.5),
            "threshold must be a number from 0 to 1, got 1.5",
        ),
        (
            lambda: MovingDigit(EYE_WEIGHTS, TELLER_WEIGHTS, SCANS, scan="x"),
            "scan must be one of ['one', 'two'], got 'x'",
        ),
    ],
)
def test_what_no_moving_digit_can_be_made_of_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("start", (0, 9), "start must be two whole numbers from 0 to 8, got (0, 9)"),
        ("start", (0.5, 1), "start must be two whole numbers"),
        ("start", (1,), "start must be two whole numbers"),
        ("moves", [0] * 12, "moves must be up to 11 whole numbers from -1 to 3"),
        ("moves", [4], "moves must be up to 11 whole numbers from -1 to 3, got [4]"),
        ("moves", [0] * 5, "moves must not lead off the screen, but frame 6 is there"),
        ("scan", "nine", "scan must be one of ['three', 'eight'], got 'nine'"),
    ],
)
def test_where_a_digit_cannot_be_is_named_and_nothing_changes(name, value, message):
    figure = gallery.moving_digit()
    figure.start = (4, 4)
    before = figure.start, figure.moves, figure.scan
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, value)
    assert (figure.start, figure.moves, figure.scan) == before


class AReader(torch.nn.Module):
    """The network of the page about pictures that looks, small and untrained; it says what `read` prefers."""

    def __init__(self, C=3, d=5, H=6, A=4):
        super().__init__()
        pool, relu = torch.nn.MaxPool2d(2), torch.nn.ReLU()
        near, far = torch.nn.Conv2d(1, C, 3, padding=1), torch.nn.Conv2d(C, d, 3, padding=1)
        self.see = torch.nn.Sequential(near, pool, relu, far, pool, relu)
        self.place, self.embed = torch.nn.Parameter(torch.randn(36, d)), torch.nn.Embedding(13, 4)
        self.start, self.cell = torch.nn.Linear(d, H), torch.nn.LSTMCell(4 + d, H)
        self.W_q, self.W_k = torch.nn.Linear(H, A, bias=False), torch.nn.Linear(d, A, bias=False)
        self.v, self.read = torch.nn.Linear(A, 1, bias=False), torch.nn.Linear(H + d, 13)

    @torch.no_grad()
    def forward(self, page, hidden):
        """Words, their probabilities, and the looks."""
        regions = self.see(page[None, None]).flatten(2).transpose(1, 2)[0] + self.place
        h = torch.tanh(self.start(regions.mean(0, keepdim=True)))
        c, word, said = torch.zeros_like(h), 10, []
        while word != 11 and len(said) < 10:
            scores = self.v(torch.tanh(self.W_q(h) + self.W_k(regions)))[:, 0]
            weights = scores.masked_fill(hidden.flatten(), -torch.inf).softmax(0)
            context = weights[None] @ regions
            h, c = self.cell(torch.hstack([self.embed(torch.tensor([word])), context]), (h, c))
            p = self.read(torch.hstack([h, context]))[0].softmax(0)
            word = int(p.argmax())
            said.append((word, p[word].item(), weights.reshape(6, 6).numpy()))
        return zip(*said, strict=True)


def test_a_page_is_read_as_its_torch_model_reads_it():
    torch.manual_seed(1)
    model = AReader()
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 3
        model.cell.weight_hh *= 3
    model, rng, read = model.double(), np.random.default_rng(0), set()
    figure = gallery.picture_reader(weights=model.state_dict())
    for k in range(40):
        figure.cells = np.where(rng.random(9) < 0.4, rng.integers(14, size=9), -1)
        figure.hidden = rng.choice(9, k % 9, replace=False)
        hidden = np.zeros((6, 6), bool)
        for place in figure.hidden:
            hidden[2 * (place // 3) : 2 * (place // 3) + 2, 2 * (place % 3) : 2 * (place % 3) + 2] = True
        if figure.digits:
            words, probabilities, looks = model(torch.tensor(figure.page), torch.tensor(hidden))
            assert figure.reading.words == words
            np.testing.assert_allclose(figure.reading.probabilities, probabilities, atol=1e-5)
            np.testing.assert_allclose(figure.reading.looks, looks, atol=1e-5)
            read.add(words)
    assert len(read) > 5


def test_a_page_is_taken_apart_into_its_digits_and_put_together_again():
    rng = np.random.default_rng(0)
    page = np.zeros((24, 24))
    page[:8, 16:], page[16:, 8:16] = rng.random((2, 8, 8))
    figure = gallery.picture_reader(pictures={"mine": (page, [4, 4])})
    assert (figure.picture, figure.cells) == ("mine", [-1, -1, 10, -1, -1, -1, -1, 11, -1])
    assert figure.digits == (4, 4)
    np.testing.assert_array_equal(figure.page, page)
    figure.cells = [-1] * 8 + [8]
    assert (figure.picture, figure.digits) == (None, (8,))
    np.testing.assert_array_equal(figure.page[16:, 16:], figure.children[0].scans[8])
    assert figure.page.sum() == figure.page[16:, 16:].sum()
    figure.picture = "mine"
    assert figure.digits == (4, 4)
    figure.picture = None
    assert figure.digits == (8,)


def test_of_an_empty_page_nothing_is_said():
    figure = gallery.picture_reader(pictures={})
    assert (figure.picture, figure.digits, figure.reading.words) == (None, (), ())
    assert (figure.page.sum(), figure.reading.looks.shape) == (0, (0, 6, 6))


def test_the_weights_of_a_reader_of_pictures_travel_compressed_and_whole():
    torch.manual_seed(0)
    model = AReader(32, 48, 64, 48)
    canvas = gallery.picture_reader(weights=model.state_dict()).children[0]
    assert len(canvas.data) < 300 * 1000
    found = unpacked(canvas)
    np.testing.assert_array_equal(
        found["eye.far.W"].reshape(48, 32, 3, 3), model.see[3].weight.detach().numpy()
    )
    column = model.cell.weight_ih[:, :4] @ model.embed.weight[7]
    np.testing.assert_allclose(found["cell.words"][:, 7], column.detach().numpy(), atol=1e-6)
    both = (model.cell.bias_ih + model.cell.bias_hh).detach().numpy()
    np.testing.assert_array_equal(found["cell.b"], both)
    assert not any("embed" in name for name in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {}}, "missing: see.0.weight, see.0.bias"),
        (
            {"weights": AReader().state_dict() | {"v.weight": np.ones((2, 4))}},
            "v.weight must have shape (1, 4), got (2, 4)",
        ),
        (
            {"weights": AReader().state_dict() | {"see.3.weight": np.ones((5, 3, 2, 2))}},
            "see.3.weight must have shape (C, D, K, K) with an odd K, got (5, 3, 2, 2)",
        ),
        ({"scans": np.ones((9, 8, 8))}, "scans must hold 10 x 8 x 8 numbers from 0 to 1"),
        (
            {"pictures": {"a": (2 * np.ones((24, 24)), [1] * 9)}},
            "the page of 'a' must hold 24 x 24 numbers from 0 to 1",
        ),
        (
            {"pictures": {"a": (np.ones((24, 24)), [1])}},
            "'a' has 9 digits on its page, and is said to be [1]",
        ),
        ({"pictures": {"a": (np.ones((24, 24)), [10] * 9)}}, "'a' has 9 digits on its page"),
    ],
)
def test_what_no_reader_of_pictures_can_be_made_of_is_named(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        gallery.picture_reader(**options)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("picture", "x", "picture must be None or one of ['one', 'three'], got 'x'"),
        ("cells", [0] * 8, "cells must be 9 whole numbers from -1 to 13"),
        ("cells", [14] * 9, "cells must be 9 whole numbers from -1 to 13"),
        ("cells", [-2] * 9, "cells must be 9 whole numbers from -1 to 13"),
        ("cells", [0.5] * 9, "cells must be 9 whole numbers from -1 to 13"),
        ("hidden", range(9), "hidden must be places from 0 to 8, and leave one to be seen"),
        ("hidden", [9], "hidden must be places from 0 to 8, and leave one to be seen; got [9]"),
        ("step", 11, "step must be a whole number from 0 to 10, got 11"),
        ("step", -1, "step must be a whole number from 0 to 10, got -1"),
        ("step", 1.5, "step must be a whole number from 0 to 10, got 1.5"),
        ("tool", "paint", "tool must be one of ['hide', 'erase', '0', '1'"),
    ],
)
def test_what_a_reader_of_pictures_cannot_show_is_named_and_nothing_changes(name, value, message):
    figure = gallery.picture_reader()
    figure.hidden, figure.step, figure.tool = [3, 1], 2, "7"
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, value)
    assert (figure.picture, figure.hidden, figure.step, figure.tool) == ("one", [1, 3], 2, "7")
    assert figure.digits == (7,)


def a_code_reader(dtype=np.float64, **options):
    """A figure over an alphabet of five characters, and the networks of rounded weights that it shows."""
    rng = np.random.default_rng(3)
    layer, fresh = (LSTM(5, 6, rng=rng, dtype=dtype) for _ in range(2))
    readout = Readout(6, 5, rng=rng, dtype=dtype)
    readout.params["b"] += rng.normal(0, 1, 5).astype(dtype)
    figure = CodeReader(layer, readout, fresh, **{"alphabet": "ab (\n", "text": "ab(b a"} | options)
    copies = LSTM(5, 6), Readout(6, 5), LSTM(5, 6)
    for copied, made in zip(copies, (layer, readout, fresh), strict=True):
        for name, array in made.params.items():
            copied.params[name][...] = array.astype(np.float16)
    return figure, *copies


def read_by_steps(layer, text, still=None):
    """All hidden states, and the trace; `still` is a unit, and the level that stands in its place."""
    h, c, trace, seen = np.zeros((1, 6)), np.zeros((1, 6)), [], []
    for character in text:
        before = h.copy()
        if still:
            before[0, still[0]] = still[1]
        x = np.array([[float(character == known) for known in "ab (\n"]])
        h, c, cache = lstm_step(x, before, c, layer.params)
        trace.append([*(cache[name][0] for name in "ifgo"), c[0]])
        seen.append(h[0].copy())
        if still:
            seen[-1][still[0]] = still[1]
    return np.array(seen), np.array(trace)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_code_reader_says_what_lstm_step_says_of_rounded_weights(dtype):
    figure, layer, readout, fresh = a_code_reader(dtype, unit=4)
    text = "ab(b aé(\n"
    figure.text = text
    h, trace = read_by_steps(layer, text)
    found = figure.reading
    np.testing.assert_allclose([found.i, found.f, found.g, found.o, found.c], trace[:, :, 4].T, atol=1e-12)
    np.testing.assert_allclose(found.untrained, read_by_steps(fresh, text)[1][:, 4, 4], atol=1e-12)
    assert found.level == pytest.approx(h[:, 4].mean(), abs=1e-12)
    # Holding a unit still is to put its mean in its place, for the gates and for the readout
    for states, nats in ((h, found.nats), (read_by_steps(layer, text, (4, found.level))[0], found.held)):
        scores = states @ readout.params["W"].T + readout.params["b"]
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected = [-np.log(p[t - 1, "ab (\n".index(text[t])]) for t in (1, 2, 3, 4, 5, 7, 8)]
        np.testing.assert_allclose(nats[[1, 2, 3, 4, 5, 7, 8]], expected, atol=1e-12)
        assert np.isnan(nats[[0, 6]]).all()
        figure.place = 7
        np.testing.assert_allclose(figure.expected, p[7], atol=1e-12)
        figure.still = True


def test_an_unknown_character_is_read_as_zeros():
    figure, layer, _, _ = a_code_reader()
    figure.text = "é"
    assert figure.reading.c == pytest.approx(read_by_steps(layer, "?")[1][0, 4, 0])
    assert np.isnan(figure.reading.nats).all()


def test_a_code_reader_writes_on_by_chance_from_its_seed():
    figure, layer, readout, _ = a_code_reader(temperature=0.5, seed=7)
    figure.write_on(20)
    text = "ab(b a"
    for u in chance_from(7 * 500, 20):
        scores = (read_by_steps(layer, text)[0][-1] @ readout.params["W"].T + readout.params["b"]) / 0.5
        p = np.exp(scores) / np.exp(scores).sum()
        text += "ab (\n"[int(np.argmax(p.cumsum() > u))]
    assert "ab(b a" + figure.written == text
    assert len(figure.reading.c) == 26
    # One at a time writes the same, and another seed something else
    other, *_ = a_code_reader(temperature=0.5, seed=7)
    for _ in range(20):
        other.write_on(1)
    assert other.written == figure.written
    other.text = "ab(b ab"
    assert other.written == ""
    other.text, other.seed = "ab(b a", 8
    other.write_on(20)
    assert other.written != figure.written
    other.write_on(1000)
    assert len(other.written) == other.children[0].most == 500


def test_what_the_network_wrote_changes_neither_the_mean_of_a_unit_nor_the_text():
    figure, *_ = a_code_reader()
    before = figure.reading
    figure.still = True
    figure.write_on(30)
    assert (figure.text, figure.reading.level) == ("ab(b a", before.level)
    np.testing.assert_allclose(figure.reading.held[1:6], before.held[1:], atol=1e-12)


def test_the_weights_of_a_code_reader_travel_rounded_and_small():
    figure, layer, readout, fresh = a_code_reader()
    found = unpacked(figure.children[0])
    for part, made in (("lstm", layer), ("readout", readout), ("fresh", fresh)):
        for name, array in made.params.items():
            np.testing.assert_array_equal(found[f"{part}.{name}"], array)
    rng = np.random.default_rng(0)
    layer, fresh = (LSTM(96, 64, rng=rng) for _ in range(2))
    figure = CodeReader(layer, Readout(64, 96, rng=rng), fresh)
    assert 150_000 < len(figure.children[0].data) < 300_000
    assert max(path.stat().st_size for path in FOLDER.glob("code_*.mjs")) <= 15_000


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("text", "", "text must have 1 to 2000 characters, got ''"),
        ("text", "a" * 2001, "text must have 1 to 2000 characters, got 'aaa"),
        ("text", 7, "text must have 1 to 2000 characters, got 7"),
        ("place", 6, "place must be a whole number from 0 to 5, got 6"),
        ("place", -1, "place must be a whole number from 0 to 5, got -1"),
        ("place", 1.5, "place must be a whole number from 0 to 5, got 1.5"),
        ("unit", 6, "unit must be a number from 0 to 5, got 6"),
        ("unit", 1.5, "unit must be a whole number, got 1.5"),
        ("unit", "1", "unit must be a number from 0 to 5, got '1'"),
        ("still", 1, "still must be True or False, got 1"),
        ("temperature", 0.1, "temperature must be a number from 0.2 to 1.5, got 0.1"),
        ("temperature", 1.6, "temperature must be a number from 0.2 to 1.5, got 1.6"),
        ("seed", 1000, "seed must be a whole number from 0 to 999, got 1000"),
    ],
)
def test_what_python_sets_of_a_code_reader_is_checked(name, wrong, message):
    figure, *_ = a_code_reader()
    before = getattr(figure, name)
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, wrong)
    assert getattr(figure, name) == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"alphabet": "aab"}, "alphabet must hold characters that differ from each other, got 'aab'"),
        ({"alphabet": ""}, "alphabet must hold characters that differ from each other, got ''"),
        (
            {"layer": LSTM(4, 6)},
            "layer must be an LSTM with 5 inputs, one for each character, got LSTM(4,",
        ),
        ({"layer": RNN(5, 6)}, "layer must be an LSTM with 5 inputs, one for each character, got RNN(5,"),
        ({"fresh": LSTM(4, 6)}, "fresh must be an LSTM with 5 inputs"),
        ({"fresh": LSTM(5, 7)}, "fresh must have as many units as layer, 6, got LSTM(5, 7)"),
        (
            {"readout": Readout(6, 4)},
            "readout must be a Readout with 6 inputs and 5 outputs, got Readout(6",
        ),
        ({"readout": None}, "readout must be a Readout with 6 inputs and 5 outputs, got None"),
    ],
)
def test_networks_of_other_sizes_than_a_code_reader_s_are_named(changed, message):
    fits = {"layer": LSTM(5, 6), "readout": Readout(6, 5), "fresh": LSTM(5, 6), "alphabet": "ab (\n"}
    with pytest.raises(ValueError, match=re.escape(message)):
        CodeReader(**fits | changed)


def test_a_unit_typed_beside_the_slider_is_the_nearest_and_a_place_stays_in_the_text():
    figure, *_ = a_code_reader()
    assert figure.place == 5
    figure.children[0].unit = 2.5
    assert figure.unit == 3
    figure.text = "ab"
    assert figure.place == 1


def a_sentence(seed, n=4):
    """Words with arrows of chance, and in an order of chance."""
    rng = np.random.default_rng(seed)
    figure = SelfAttention([f"word {k}" for k in range(n)], *rng.uniform(-2, 2, (3, n, 2)))
    figure.order = rng.permutation(n)
    figure.temperature = rng.uniform(0.1, 4)
    return figure


def by_word(figure):
    """The outputs, a row for each word."""
    return figure.outputs[np.argsort(figure.order)]


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_sentence_looks_at_itself_as_scaled_dot_product_attention_does(scaled, positions, causal, heads):
    for seed, n in enumerate([2, 3, 4, 5]):
        figure = a_sentence(seed, n)
        figure.scaled, figure.positions, figure.causal, figure.heads = scaled, positions, causal, heads
        t = np.arange(n)
        added = positions * 0.5 * np.stack([np.sin(t), np.cos(t)], axis=1)
        q, k, v = (arrows[figure.order] + added for arrows in (figure.q, figure.k, figure.v))
        q = q / figure.temperature * (1 if scaled else np.sqrt(2 / heads))
        for head, numbers in enumerate(np.split(np.arange(2), heads)):
            # Each place is a sequence of the batch, with a mask of its own.
            mask = np.triu(np.ones((n, n), bool)) if causal else np.ones((n, n), bool)
            keys, values = (np.repeat(rows[:, None, numbers], n, axis=1) for rows in (k, v))
            expected, weights, _ = scaled_dot_product_attention(q[None, :, numbers], keys, values, mask)
            np.testing.assert_allclose(figure.weights[head], weights[0], rtol=0, atol=1e-13)
            np.testing.assert_allclose(figure.outputs[:, numbers], expected[0], rtol=0, atol=1e-13)
        assert figure.weights.shape == (heads, n, n)


@given(seed=st.integers(0, 10**6), n=st.integers(2, 5), data=st.data())
def test_without_positions_and_mask_swapped_words_keep_their_outputs(seed, n, data):
    figure = a_sentence(seed, n)
    figure.heads = data.draw(st.sampled_from([1, 2]))
    before = by_word(figure)
    figure.order = data.draw(st.permutations(range(n)))
    np.testing.assert_allclose(by_word(figure), before, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["positions", "causal"])
def test_with_positions_or_a_mask_swapped_words_get_other_outputs(name):
    figure = SelfAttention()
    setattr(figure, name, True)
    before = by_word(figure)
    figure.order = [1, 0, 2, 3]
    assert figure.sentence == ["bites", "dog", "old", "man"]
    moved = np.abs(by_word(figure) - before).max(axis=1)
    assert moved[:2].min() > 0.1
    if name == "causal":  # what stands later sees the same words, in another order
        assert moved[2:].max() < 1e-14


def test_a_low_temperature_leaves_one_word_and_two_heads_have_nothing_to_divide_by():
    figure = SelfAttention()
    figure.temperature = 0.1
    assert figure.weights.max(axis=2).min() > 0.9
    figure.temperature = 4.0
    assert figure.weights.max() < 0.6
    figure.heads = 2
    with_scale = figure.weights
    figure.scaled = False
    np.testing.assert_array_equal(figure.weights, with_scale)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([["one"]], "words must be 2 to 5 different words of at most 8 letters, got ['one']"),
        ([list("abcdef")], "words must be 2 to 5 different words"),
        ([["a", "a"]], "words must be 2 to 5 different words"),
        (["ab"], "words must be 2 to 5 different words"),
        ([["a", " "]], "words must be 2 to 5 different words"),
        ([["a", 3]], "words must be 2 to 5 different words"),
        ([["a", "overlarge"]], "words must be 2 to 5 different words"),
        ([["dog", "cat"]], "q, k and v must be given for words without arrows of their own: ['cat']"),
        ([["a", "b"], [[0, 0]] * 2, [[0, 0]] * 2], "v must hold 2 numbers from -2 to 2 for each of 2 words"),
    ],
)
def test_what_no_sentence_can_be_made_of_is_named(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SelfAttention(*arguments)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("q", [[0, 0]] * 3, "q must hold 2 numbers from -2 to 2 for each of 4 words"),
        ("k", [[0, 2.1]] * 4, "k must hold 2 numbers from -2 to 2"),
        ("v", [[0, np.nan]] * 4, "v must hold 2 numbers from -2 to 2"),
        ("v", "north", "v must hold 2 numbers from -2 to 2 for each of 4 words, got 'north'"),
        ("order", [0, 1, 2], "order must hold each number from 0 to 3 once, got [0, 1, 2]"),
        ("order", [0, 1, 1, 3], "order must hold each number from 0 to 3 once"),
        ("order", "back", "order must hold each number from 0 to 3 once, got 'back'"),
        ("scaled", 1, "scaled must be True or False, got 1"),
        ("positions", "on", "positions must be True or False, got 'on'"),
        ("causal", None, "causal must be True or False, got None"),
        ("heads", 3, "heads must be 1 or 2, got 3"),
        ("heads", True, "heads must be 1 or 2, got True"),
        ("temperature", 0, "temperature must be a number from 0.1 to 4, got 0"),
        ("word", 4, "word must be a whole number from 0 to 3, got 4"),
        ("word", 0.5, "word must be a whole number from 0 to 3, got 0.5"),
        ("kind", "key", "kind must be one of ['q', 'k', 'v'], got 'key'"),
    ],
)
def test_what_a_sentence_cannot_show_is_named_and_nothing_changes(name, value, message):
    figure = SelfAttention()
    figure.positions, figure.heads, figure.word, figure.kind = True, 2, 3, "v"
    state = figure.children[0].get_state()
    with pytest.raises(ValueError, match=re.escape(message)):
        setattr(figure, name, value)
    assert figure.children[0].get_state() == state


class ABlock(torch.nn.Module):
    """A block of the page on self-attention."""

    def __init__(self, d):
        super().__init__()
        self.look = torch.nn.MultiheadAttention(d, 2, batch_first=True)
        hidden = torch.nn.Linear(d, 4 * d), torch.nn.GELU(), torch.nn.Linear(4 * d, d)
        self.think = torch.nn.Sequential(*hidden)
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(d), torch.nn.LayerNorm(d)])

    def forward(self, x):
        y = self.norms[0](x)
        future = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        found, self.weights = self.look(y, y, y, attn_mask=future)
        x = x + found
        return x + self.think(self.norms[1](x))


class ATransformer(torch.nn.Module):
    """The page's network that recalls, untrained and loud."""

    def __init__(self, d=32):
        super().__init__()
        self.embed, self.read = torch.nn.Embedding(32, d), torch.nn.Linear(d, 16)
        self.blocks = torch.nn.Sequential(ABlock(d), ABlock(d))
        with torch.no_grad():
            for weight in self.parameters():
                weight += 0.2 * torch.randn(weight.shape)

    def forward(self, symbols):
        d = self.embed.embedding_dim
        angle = torch.arange(len(symbols))[:, None] * 10000 ** (-torch.arange(0, d, 2).double() / d)
        x = self.embed(torch.tensor(symbols)) + torch.hstack([angle.sin(), angle.cos()])
        scores = self.read(self.blocks(x[None]))[0, -1]
        looks = torch.cat([block.weights for block in self.blocks])
        return scores.softmax(0).detach().numpy(), looks.detach().numpy()


SEQUENCES = ["a0 a", "p15 b3 p", "c7 k0 a3 f12 a", "C7, K0; a3 f12 K", "c7k0a03f12f", " d1 e1 f1 g2 g "]


def test_a_sequence_is_recalled_as_its_torch_model_recalls_it():
    torch.manual_seed(0)
    said = set()
    for d in (4, 32, 32, 32):
        model = ATransformer(d)
        figure = RecallReader(model.state_dict())
        model = model.double()
        for figure.text in SEQUENCES:
            probabilities, looks = model(figure.symbols)
            np.testing.assert_allclose(figure.probabilities, probabilities, rtol=0, atol=1e-12)
            np.testing.assert_allclose(figure.looks, looks, rtol=0, atol=1e-12)
            said.add(probabilities.argmax())
    assert len(said) > 3


def test_what_is_right_is_the_value_of_the_key_asked_for():
    figure = gallery.recall_reader()
    found = []
    for figure.text in SEQUENCES:
        found.append(figure.right)
    assert found == [0, 15, 3, 0, 12, 2]
    assert figure.symbols == [3, 17, 4, 17, 5, 17, 6, 18, 6]


def test_the_weights_of_a_transformer_travel_compressed_and_whole():
    model = ATransformer()
    canvas = RecallReader(model.state_dict()).children[0]
    assert len(canvas.data) < 120 * 1000
    found = unpacked(canvas)
    assert sum(array.size for array in found.values()) == sum(p.numel() for p in model.parameters())
    np.testing.assert_array_equal(found["blocks.1.into.W"], model.blocks[1].look.in_proj_weight.detach())
    np.testing.assert_array_equal(found["blocks.0.second.shift"], model.blocks[0].norms[1].bias.detach())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embed.weight": np.ones((31, 4))}, "embed.weight must have shape (32, D) with D a multiple of 4"),
        ({"embed.weight": np.ones((32, 6))}, "embed.weight must have shape (32, D) with D a multiple of 4"),
        ({"read.bias": np.ones(15)}, "read.bias must have shape (16,), got (15,)"),
        (
            {"blocks.1.look.in_proj_weight": np.ones((4, 4))},
            "blocks.1.look.in_proj_weight must have shape (12, 4), got (4, 4)",
        ),
        ({"blocks.0.think.2.weight": np.ones((3, 4))}, "blocks.0.think.2.weight must have shape (4, 3)"),
    ],
)
def test_a_transformer_of_other_shapes_is_named(changes, message):
    state = unpacked(gallery.recall_reader().children[0])
    names = _names()
    weights = {names[ours]: array for ours, array in state.items()}
    with pytest.raises(ValueError, match=re.escape(message)):
        RecallReader(weights | changes)
    with pytest.raises(ValueError, match=re.escape("missing: embed.weight, read.weight")):
        RecallReader({})


@pytest.mark.parametrize(
    "text",
    ["", "a", "a1", "a1 b", "a16 a", "a1 a2 a", "q1 q", "1a a", "a b1 a", "a1 b2 c3 d4 e5 a", "a1 a a",
     "a-1 a", "a1 a\N{DOG FACE}", "é1 é", 7, None, "a1 " * 4000],
)  # fmt: skip
def test_what_is_no_sequence_to_recall_from_is_named_and_nothing_changes(text):
    figure = gallery.recall_reader()
    message = "text must hold 1 to 4 pairs of a key, a to p, each once, and a value, 0 to 15, and then one of"
    with pytest.raises(ValueError, match=message):
        figure.text = text
    assert figure.text == "c7 k0 a3 f12 a"


def test_a_trainer_says_its_settings_as_an_address():
    figure = Trainer("rnn", "gru", "order", 7, 16, 0.003, -0.5, 2, -4, 0, 99)
    assert figure.address == "#train=rnn,gru,order,7,16,0.003,-0.5,2,-4,0,99"
    canvas = figure.children[0]
    assert (canvas.gap, canvas.units, canvas.seed, canvas.most) == (7, 16, 99, 3000)
    assert type(figure.gap) is type(figure.units) is int
    assert Trainer().address == "#train=lstm,none,hold,40,8,0.01,1,1,0,1,1"


def test_the_scripts_of_a_trainer_are_small_and_the_worker_is_no_module():
    names = ("trainer", "trainer_drawing", "trainer_arithmetic", "trainer_tasks", "trainer_worker", "chance")
    sizes = {name: (FOLDER / f"{name}.mjs").stat().st_size for name in names}
    assert max(sizes.values()) <= 15_000
    assert sum(sizes.values()) - sizes["trainer_arithmetic"] - sizes["chance"] <= 30_000
    script = Trainer().children[0].script
    assert script == module_source("trainer_worker")
    assert not re.search("^(import|export) ", script, re.M)
