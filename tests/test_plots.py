"""Static figures: what is drawn is what was given."""

import re
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT
from matplotlib.colors import to_rgb

from lstmlib import plots
from lstmlib.plots import COLOUR_OF, plot_attention, plot_gates, plot_runs


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def linear(color):
    return np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color)])


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREEN", "GREY"])
def test_a_line_in_each_colour_stands_out_from_white_paper(name):
    assert contrast(getattr(plots, name), "white") >= 3  # WCAG 2.2, 1.4.11


# What somebody without red, green or blue cones sees of linear red, green and blue: Machado, Oliveira and
# Fernandes, A physiologically-based model for simulation of color vision deficiency, 2009, severity 1.
SEEN_BY = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(rgb):
    """CIE L*a*b* of linear sRGB, with a white of D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = to_xyz @ np.clip(rgb, 0, 1) / to_xyz.sum(axis=1)
    X, Y, Z = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * Y - 16, 500 * (X - Y), 200 * (Y - Z)])


# The sheet names each colour twice, for light pages and for dark ones.
SHEET = (ROOT / "lstmlib/figures/parts.css").read_text()
OWN_NAMES = dict(re.findall(r"\.part-(\w) \{ --part: var\((--[\w-]+)\)", SHEET))
LIGHT, DARK = (
    {part: re.findall(rf"{name}: (#\w+);", SHEET)[mode] for part, name in OWN_NAMES.items()}
    for mode in (0, 1)
)


def test_a_part_has_one_colour_in_plots_figures_and_the_drawing_of_the_cell():
    assert LIGHT == COLOUR_OF
    assert set(COLOUR_OF) == set("figoch")
    drawing = (ROOT / "chapters/lstm/lstm_cell.svg").read_text()
    inks = set(re.findall(r'(?:stroke|fill)="(#\w+)"', drawing))
    assert set(COLOUR_OF.values()) <= inks
    for part, colour in COLOUR_OF.items():
        symbols = re.findall(rf'<text fill="(#\w+)"[^>]*>{part}<tspan', drawing)
        assert symbols, part
        assert set(symbols) == {colour}, part


@pytest.mark.parametrize(
    ("colours", "grounds"), [(LIGHT, ["#fff"]), (DARK, ["#121212", "#14181e", "#1f1f1f"])]
)
def test_the_parts_colours_can_be_read_and_told_apart(colours, grounds):
    for part, colour in colours.items():
        assert min(contrast(colour, ground) for ground in grounds) >= 4.5, part  # WCAG 2.2, 1.4.3
    for eyes, sees in SEEN_BY.items():
        seen = {part: lab(np.asarray(sees) @ linear(colour)) for part, colour in colours.items()}
        for one, other in combinations(seen, 2):
            # Seven times what is just seen as another colour, a distance of about 2.3
            assert np.linalg.norm(seen[one] - seen[other]) >= 16, (eyes, one, other)


def test_the_style_is_known_to_matplotlib():
    with plt.rc_context():
        plt.rcParams |= plots.STYLE
        assert plt.rcParams["font.size"] == 12


def test_no_frame_stands_around_a_plot_or_its_legend():
    with plt.rc_context(plots.STYLE):
        fig, ax = plt.subplots()
        ax.plot([0, 1], label="loss")
        assert not ax.legend().get_frame_on()
        assert [name for name, spine in ax.spines.items() if spine.get_visible()] == ["left", "bottom"]
        plt.close(fig)


def test_long_labels_stay_within_the_figure():
    with plt.rc_context(plots.STYLE):
        fig, ax = plt.subplots()
        plot_attention(ax, np.eye(2), ["a long label below"] * 2, ["a long label on the left"] * 2)
        fig.draw_without_rendering()
        for label in ax.get_xticklabels() + ax.get_yticklabels():
            assert fig.bbox.containsx(label.get_window_extent().x0)
            assert fig.bbox.containsy(label.get_window_extent().y0)
        plt.close(fig)


def test_every_run_is_drawn_and_the_line_goes_through_the_means(ax):
    plot_runs(ax, [10, 20], [[0.5, 1.0], [0.2, 0.6]], "s--", label="RNN")
    means, *runs = ax.lines
    np.testing.assert_allclose(means.get_ydata(), [0.75, 0.4])
    assert (means.get_linestyle(), means.get_label()) == ("--", "RNN")
    np.testing.assert_allclose([run.get_ydata() for run in runs], [[0.5, 0.2], [1.0, 0.6]])
    assert {run.get_linestyle() for run in runs} == {"None"}
    assert {run.get_color() for run in runs} == {means.get_color()}
    assert ax.get_xticks().tolist() == [10, 20]


@pytest.mark.parametrize("runs", [[1.0, 2.0], [[1.0, 2.0]], np.ones((2, 2, 2))])
def test_runs_must_have_a_row_for_each_place(ax, runs):
    with pytest.raises(ValueError, match=r"runs has shape .*expected \(2, R\)"):
        plot_runs(ax, [10, 20], runs)
    assert not ax.lines


def test_a_weight_is_written_in_its_own_row_and_column_in_percent(ax):
    plot_attention(ax, [[0.901, 0.05, 0.049], [0.0, 0.3, 0.7]], ["four", "and", "ten"], ["vier", "zehn"])
    written = {(text.get_position(), text.get_text()) for text in ax.texts}
    assert written == {((0, 0), "90"), ((1, 0), "5"), ((1, 1), "30"), ((2, 1), "70")}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["four", "and", "ten"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["vier", "zehn"]


def test_a_written_weight_stands_out_from_its_tile(ax):
    weights = np.linspace(0.05, 1, 20)
    plot_attention(ax, [weights], range(20), ["said"])
    [image] = ax.images
    tiles = image.cmap(image.norm(weights))[:, :3]
    assert len(ax.texts) == 20
    for text, tile in zip(ax.texts, tiles, strict=True):
        assert contrast(text.get_color(), tile) >= 4, text.get_text()


def test_labels_must_fit_the_weights(ax):
    with pytest.raises(ValueError, match=r"weights has shape \(2, 3\), expected \(T, S\) = \(3, 2\)"):
        plot_attention(ax, np.ones((2, 3)), ["a", "b"], ["a", "b", "c"])
    assert not ax.images


def test_an_open_gate_is_dark_and_its_first_step_is_number_one(ax):
    plot_gates(ax, {"echo": [1.0, 0.0, 0.0, 0.0], "keep, f": [0.0, 1.0, 0.5, 1.0]})
    [image] = ax.images
    white, black, ink = np.ones(3), np.zeros(3), np.array(to_rgb(COLOUR_OF["f"]))
    drawn = [[black, white, white, white], [white, ink, (white + ink) / 2, ink]]
    np.testing.assert_allclose(image.get_array(), drawn, atol=1e-12)
    assert image.get_extent() == [0.5, 4.5, 1.5, -0.5]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["echo", "keep, f"]


@pytest.mark.parametrize("gates", [{}, {"i": [1.0], "f": [1.0, 0.0]}, {"i": np.ones((3, 2))}])
def test_gates_must_be_sequences_of_one_length(ax, gates):
    with pytest.raises(ValueError, match=r"gates have shapes .*expected the same shape \(T,\)"):
        plot_gates(ax, gates)
