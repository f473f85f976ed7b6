"""Static figures: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lstmlib import plots
from lstmlib.plots import plot_attention, plot_gates, plot_runs


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def contrast_with_white(color):
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color)]
    return 1.05 / (np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)


@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREEN", "GREY"])
def test_a_line_in_each_colour_stands_out_from_white_paper(name):
    assert contrast_with_white(getattr(plots, name)) >= 3  # WCAG 2.2, 1.4.11


def test_the_style_is_known_to_matplotlib():
    with plt.rc_context():
        plt.rcParams |= plots.STYLE
        assert plt.rcParams["font.size"] == 12


def test_every_run_is_drawn_and_the_line_goes_through_the_means(ax):
    plot_runs(ax, [10, 20], [[0.5, 1.0], [0.2, 0.6]], "s--", label="RNN")
    means, *runs = ax.lines
    np.testing.assert_allclose(means.get_ydata(), [0.75, 0.4])
    assert (means.get_linestyle(), means.get_label()) == ("--", "RNN")
    np.testing.assert_allclose([run.get_ydata() for run in runs], [[0.5, 0.2], [1.0, 0.6]])
    assert {run.get_linestyle() for run in runs} == {"None"}
    assert {run.get_color() for run in runs} == {means.get_color()}


@pytest.mark.parametrize("runs", [[1.0, 2.0], [[1.0, 2.0]], np.ones((2, 2, 2))])
def test_runs_must_have_a_row_for_each_place(ax, runs):
    with pytest.raises(ValueError, match=r"runs has shape .*expected \(2, R\)"):
        plot_runs(ax, [10, 20], runs)
    assert not ax.lines


def test_a_weight_is_written_in_its_own_row_and_column_in_percent(ax):
    plot_attention(ax, [[0.93, 0.04, 0.03], [0.0, 0.3, 0.7]], ["four", "and", "ten"], ["vier", "zehn"])
    written = {(text.get_position(), text.get_text()) for text in ax.texts}
    assert written == {((0, 0), "93"), ((1, 1), "30"), ((2, 1), "70")}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["four", "and", "ten"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["vier", "zehn"]


def test_labels_must_fit_the_weights(ax):
    with pytest.raises(ValueError, match=r"weights has shape \(2, 3\), expected \(T, S\) = \(3, 2\)"):
        plot_attention(ax, np.ones((2, 3)), ["a", "b"], ["a", "b", "c"])
    assert not ax.images


def test_an_open_gate_is_black_and_its_first_step_is_number_one(ax):
    plot_gates(ax, {"input": [1.0, 0.0, 0.0, 0.0], "forget": [0.0, 1.0, 1.0, 1.0]})
    [image] = ax.images
    shades = image.cmap(image.norm(image.get_array()))[..., 0]
    np.testing.assert_allclose(shades, [[0, 1, 1, 1], [1, 0, 0, 0]], atol=1e-12)
    assert image.get_extent() == [0.5, 4.5, 1.5, -0.5]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["input", "forget"]


@pytest.mark.parametrize("gates", [{}, {"i": [1.0], "f": [1.0, 0.0]}, {"i": np.ones((3, 2))}])
def test_gates_must_be_sequences_of_one_length(ax, gates):
    with pytest.raises(ValueError, match=r"gates have shapes .*expected the same shape \(T,\)"):
        plot_gates(ax, gates)
