"""The model of writing: curves through their points, the law of speed, ink that is the same at any size."""

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.strokes import (
    ALPHABET,
    DENSE,
    LETTERS,
    RATE,
    SPREAD,
    STEP,
    Ink,
    curve_through,
    for_reading,
    ink_of,
    new_writer,
    resample,
    spread,
    times,
    write,
)

words = st.text(LETTERS, min_size=1, max_size=5)
seeds = st.integers(0, 10**6)


def hand(seed, word):
    rng = np.random.default_rng(seed)
    return write(word, new_writer(rng), rng)


def lengths(strokes):
    return np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes])


def test_every_letter_has_forms_that_keep_to_their_lines():
    assert "".join(ALPHABET) == LETTERS
    for letter, forms in ALPHABET.items():
        for form in forms:
            heights = [y for stroke in form for _, y in stroke]
            assert all(len(stroke) >= 2 for stroke in form)
            assert (min(heights) < -0.4) == (letter in "gjpqy")
            assert (max(heights) > 1.3) == (letter in "bdfhijklt")


def test_no_two_letters_are_written_alike():
    forms = [form for forms in ALPHABET.values() for form in forms]
    assert len(set(forms)) == len(forms)


def test_a_curve_goes_through_its_points_and_has_a_corner_where_one_is_there_twice():
    points = [(0.0, 0.0), (1.0, 2.0), (1.0, 2.0), (2.0, 0.0), (3.0, 1.0)]
    via, curve = curve_through(points)
    path = curve @ via
    assert via.tolist() == [[0, 0], [1, 2], [2, 0], [3, 1]]
    np.testing.assert_allclose(path[::DENSE], via, atol=1e-12)
    np.testing.assert_allclose(curve.sum(axis=1), 1, atol=1e-12)  # moved points move the curve as they do
    # The first piece has two points, and is straight; the direction jumps at the corner, not at (2, 0).
    np.testing.assert_allclose(path[: DENSE + 1, 1], 2 * path[: DENSE + 1, 0], atol=1e-12)
    angles = np.unwrap(np.arctan2(*np.diff(path, axis=0).T[::-1]))
    turns = np.abs(np.diff(angles))
    assert turns[DENSE - 1] > 1.5 > 0.7 > turns[2 * DENSE - 1]


def test_a_catmull_rom_spline_is_halfway_where_its_formula_says():
    # Between P1 and P2, halfway: (−P0 + 9 P1 + 9 P2 − P3) / 16
    points = np.array([(0.0, 0.0), (1.0, 3.0), (2.0, -1.0), (4.0, 0.5)])
    via, curve = curve_through([tuple(point) for point in points])
    expected = np.array([-1, 9, 9, -1]) / 16 @ points
    np.testing.assert_allclose((curve @ via)[DENSE + DENSE // 2], expected, rtol=1e-12)


def test_a_closed_letter_ends_where_it_began():
    via, _ = curve_through(ALPHABET["o"][0][0])
    assert via[0].tolist() == via[-1].tolist()


@given(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(0.5, 4))
def test_the_law_of_speed_draws_an_ellipse_as_two_springs_do(a, b, tempo):
    # x = a cos s, y = b sin s has v = (ab)^(1/3) κ^(−1/3): so equal steps of s take equal times.
    s = np.linspace(0, 2 * np.pi, 4001)
    at = times(np.stack([a * np.cos(s), b * np.sin(s)], axis=1), tempo, straight=0)
    np.testing.assert_allclose(at / at[-1], s / (2 * np.pi), atol=2e-3)
    assert at[-1] == pytest.approx(2 * np.pi * np.cbrt(a * b) / tempo, rel=1e-3)


def test_a_pen_is_slow_where_its_path_bends_and_its_angular_speed_has_the_power_two_thirds():
    # Circles of radius R: v = tempo R^(1/3), angular speed v / R = tempo κ^(2/3)
    s = np.linspace(0, 2 * np.pi, 1001)
    radii = np.array([0.1, 0.5, 2.0])
    rounds = [times(R * np.stack([np.cos(s), np.sin(s)], 1), 3.0, straight=0)[-1] for R in radii]
    np.testing.assert_allclose(2 * np.pi / np.array(rounds), 3.0 * radii ** (-2 / 3), rtol=1e-4)
    assert times([[0.0, 0.0], [1.0, 0.0]], 2.0, straight=0.125)[-1] == pytest.approx(0.25)  # v = 2 · 2


@given(words, seeds)
def test_ink_is_made_of_strokes_and_of_letters_in_their_order(word, seed):
    ink = hand(seed, word)
    T = len(ink.points)
    assert ink.points.shape == (T, 3)
    assert ink.letters.shape == (T,)
    assert ink.points[0].tolist() == [0, 0, 1]
    assert set(ink.points[:, 2]) <= {0, 1}
    assert ink.points[:, 2].sum() == len(ink.strokes)
    assert (np.diff(ink.letters) >= 0).all()
    assert set(ink.letters) == set(range(len(word)))
    # Between letters the pen is in the air
    assert (ink.points[1:, 2][np.diff(ink.letters) == 1] == 1).all()
    again = ink_of(ink.strokes, ink.letters[ink.points[:, 2] == 1].tolist())
    np.testing.assert_allclose(again.points, ink.points, atol=1e-12)
    np.testing.assert_array_equal(again.letters, ink.letters)


@given(seeds)
def test_a_stroke_takes_the_time_of_its_path(seed):
    rng = np.random.default_rng(seed)
    writer = new_writer(rng)._replace(unsteadiness=0.0, slant=0.0, slope=0.0, size=1.0)
    for letter in "omx":
        ink = write(letter, writer, rng)
        for stroke, (via, curve) in zip(ink.strokes, writer.letters[letter], strict=True):
            path = curve @ via * [writer.width, 1]
            assert len(stroke) - 1 == max(1, round(times(path, writer.tempo)[-1] * RATE))
            np.testing.assert_allclose(
                np.ptp(stroke[[0, -1]], axis=0), np.ptp(path[[0, -1]], axis=0), atol=1e-9
            )


@pytest.mark.parametrize(("name", "change"), [("slant", (0.5, 0)), ("slope", (0, 0.2)), ("size", (0, 0))])
def test_slant_leans_a_stem_slope_lifts_a_line_and_size_scales(name, change):
    steady = new_writer(np.random.default_rng(3))
    steady = steady._replace(unsteadiness=0.0, slant=0.0, slope=0.0, size=1.0)
    other = steady._replace(**{name: {"slant": 0.5, "slope": 0.2, "size": 1.7}[name]})
    [one, two] = (np.concatenate(write("ink", w, np.random.default_rng(0)).strokes) for w in (steady, other))
    by_height, by_way = change
    x, y = one.T
    expected = {
        "slant": np.stack([x + by_height * y, y], 1),
        "slope": np.stack([x - by_way * y, y + by_way * x], 1),
        "size": 1.7 * one,
    }[name]
    np.testing.assert_allclose(two, expected - expected[0], atol=1e-9)


def test_writers_differ_and_one_writer_hardly_does(rng):
    within, between = [], []
    for _ in range(30):
        writers = [new_writer(rng), new_writer(rng)]
        one, again, other = (write("c", w, rng).strokes[0] for w in (*writers[:1] * 2, writers[1]))
        ends = [stroke[-1] / np.abs(stroke).max() for stroke in (one, again, other)]
        within.append(np.abs(ends[0] - ends[1]).sum())
        between.append(np.abs(ends[0] - ends[2]).sum())
    assert np.mean(within) < np.mean(between)


def test_via_points_differ_by_the_habit(rng):
    off = [
        stroke.via - curve_through(points)[0]
        for _ in range(40)
        for letter in "cmnrsvz"
        for stroke, points in zip(new_writer(rng, 0.1).letters[letter], ALPHABET[letter][0], strict=True)
    ]
    off = np.concatenate(off).ravel()
    assert_mean(off, 0)
    assert off.std() == pytest.approx(0.1, rel=0.05)


@given(words, seeds, st.floats(0.1, 1))
def test_resampled_strokes_keep_their_ends_and_have_equal_steps(word, seed, step):
    ink = hand(seed, word)
    even = resample(ink, step)
    assert len(even.strokes) == len(ink.strokes)
    for before, after, length in zip(ink.strokes, even.strokes, lengths(ink.strokes), strict=True):
        np.testing.assert_allclose(after[[0, -1]], before[[0, -1]], atol=1e-9)
        assert len(after) - 1 == max(1, int(length / step + 0.5))
        # A chord is at most as long as its arc.
        assert (np.hypot(*np.diff(after, axis=0).T) <= length / (len(after) - 1) + 1e-9).all()
    np.testing.assert_array_equal(np.unique(even.letters), np.unique(ink.letters))


def test_points_stand_at_equal_distance_along_a_bent_line():
    bent = ink_of([[[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]])
    expected = [[0, 0], [0.75, 0], [1, 0.5], [1, 1.25], [1, 2]]
    np.testing.assert_allclose(resample(bent, 0.75).strokes[0], expected, atol=1e-12)


def test_a_dot_is_two_points_at_one_place():
    dot = resample(ink_of([[[0.0, 0.0], [1.0, 0.0]], [[3.0, 3.0]], [[4.0, 4.0], [4.0, 4.0]]]), 1.0)
    np.testing.assert_array_equal(
        dot.points, [[0, 0, 1], [1, 0, 0], [2, 3, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0]]
    )


def test_spread_is_that_of_very_many_points_at_equal_distance():
    ink = hand(5, "gait")
    dense = np.concatenate([stroke[:-1] for stroke in resample(ink, 1e-4).strokes])
    assert spread(ink) == pytest.approx(dense[:, 1].std(), rel=1e-3)
    assert spread(ink_of([[[0.0, 3.0], [5.0, 3.0]]])) == 0.0
    assert spread(ink_of([[[1.0, 3.0]]])) == 0.0


@given(words, seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_what_is_read_knows_nothing_of_size_and_place(word, seed, size, place):
    ink = hand(seed, word)
    moved = ink_of([size * stroke + place for stroke in ink.strokes])
    one, other = for_reading(ink).points, for_reading(moved).points
    fine = for_reading(ink, step=STEP / 50, furthest=1e9)
    assert spread(ink_of([stroke * STEP / 50 for stroke in fine.strokes])) == pytest.approx(SPREAD, rel=0.01)
    if len(one) == len(other):  # a stroke's length may lie at the edge where it is rounded
        np.testing.assert_allclose(one, other, atol=1e-6)
    else:
        assert abs(len(one) - len(other)) <= len(ink.strokes)


def test_a_far_jump_counts_as_two():
    ink = for_reading(ink_of([[[0.0, 0.0], [0.0, 1.0]], [[50.0, 1.0], [50.0, 0.0]]]))
    assert np.abs(ink.points[:, :2]).max() * STEP == 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: write("", new_writer()), "word must be one or more letters from a to z, got ''"),
        (lambda: write("Ink", new_writer()), "word must be one or more letters from a to z, got 'Ink'"),
        (lambda: write("a", new_writer(), rng=1), "rng must be a numpy.random.Generator"),
        (lambda: new_writer("seed"), "rng must be a numpy.random.Generator"),
        (lambda: new_writer(habit=-1), "habit must be at least 0, got -1"),
        (lambda: times([[0.0, 0.0]]), r"path must have shape \(N, 2\) with N of at least 2, got \(1, 2\)"),
        (lambda: times(np.eye(2), 0), "tempo must be above 0 and straight at least 0, got 0 and 0.5"),
        (lambda: ink_of([]), "strokes must hold at least one stroke, got none"),
        (lambda: ink_of([np.zeros((0, 2))]), r"strokes\[0\] must hold finite places \(N, 2\)"),
        (lambda: ink_of([[[0.0, np.nan]]]), r"strokes\[0\] must hold finite places \(N, 2\)"),
        (lambda: ink_of([np.eye(2)], [0, 1]), "letters must have a number for each of 1 strokes, got 2"),
        (lambda: resample(ink_of([np.eye(2)]), 0), "step must be above 0, got 0"),
        (lambda: for_reading(ink_of([[[0.0, 1.0], [2.0, 1.0]]])), "ink must have some height"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_ink_is_points_and_letters():
    assert Ink._fields == ("points", "letters")
