"""The Python half of the figures; `test_browser` moves the other half."""

import re

import numpy as np
import pytest
from ipywidgets import FloatSlider

from lstmlib.figures import Gate, LSTMCell
from lstmlib.figures.canvas import module_source
from lstmlib.lstm import lstm_step


def sliders(figure):
    return [child for child in figure.children if isinstance(child, FloatSlider)]


@pytest.mark.parametrize(("figure", "count"), [(Gate, 6), (LSTMCell, 5)])
def test_every_number_has_a_slider_with_a_label(figure, count):
    labels = [slider.description for slider in sliders(figure())]
    assert len(labels) == len(set(labels)) == count
    assert all(labels)


def test_gate_lets_through_the_selector_vector_times_the_input():
    figure = Gate(x=[1.0, -2.0, 0.5], a=[0.0, 8.0, -8.0])
    np.testing.assert_allclose(figure.s, 1 / (1 + np.exp([0.0, -8.0, 8.0])), atol=1e-15)
    np.testing.assert_allclose(figure.y, figure.s * [1.0, -2.0, 0.5], atol=0)


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
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


@pytest.mark.parametrize("name", ["gate", "lstm_cell"])
def test_a_canvas_is_one_module_with_nothing_left_to_import(name):
    source = module_source(name)
    assert "import " not in re.sub(r"//.*", "", source)
    assert source.count("export default") == 1
