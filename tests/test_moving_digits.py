"""Films of a moving digit against what a film is: each frame drawn pixel by pixel, each path walked again."""

import re

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib.moving_digits import (
    DIRECTIONS,
    FRAMES,
    LEGS,
    NAMES,
    ROOM,
    SCREEN,
    SHORTEST,
    WORDS,
    directions_of,
    film,
    moving_digits,
    new_path,
    sentence,
    walk,
    with_specks,
)
from lstmlib.vocabulary import END, PAD, START

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(seeds)
def test_a_path_stays_on_the_screen_and_goes_the_directions_that_are_said(rng):
    directions, path = new_path(rng)
    assert path.shape == (FRAMES, 2)
    assert path.min() >= 0
    assert path.max() <= ROOM
    assert 1 <= len(directions) <= LEGS
    # By hand: the steps, without rests, fall into runs of one direction, each long enough
    steps = [tuple(step) for step in np.diff(path, axis=0).tolist() if step != [0, 0]]
    for direction in directions:
        count = 0
        while steps and steps[0] == DIRECTIONS[direction]:
            steps.pop(0)
            count += 1
        assert count >= SHORTEST
    assert steps == []
    assert directions_of(path) == directions


def test_every_number_of_legs_comes_and_no_direction_is_favoured(rng):
    drawn = [new_path(rng)[0] for _ in range(2000)]
    for count in (1, 2, 3):
        assert_mean([len(directions) == count for directions in drawn], 1 / 3)
    for direction in DIRECTIONS:
        assert_mean([directions[0] == direction for directions in drawn], 0.25)


def test_a_walk_is_the_sum_of_its_steps():
    np.testing.assert_array_equal(walk((2, 5), [3, 1, -1, 1]), [[2, 5], [3, 5], [3, 6], [3, 6], [3, 7]])
    np.testing.assert_array_equal(walk((0, 8), []), [[0, 8]])


def test_a_step_that_is_none_of_the_four_is_named():
    with pytest.raises(ValueError, match=re.escape("got a step of (1, 1)")):
        directions_of([[0, 0], [1, 1]])
    assert directions_of([[3, 3], [3, 3]]) == ()


@settings(max_examples=10)
@given(seeds)
def test_a_frame_is_the_scan_at_its_place_and_nothing_else(rng):
    scans, paths = rng.random((3, 8, 8), np.float32), rng.integers(ROOM + 1, size=(4, 3, 2))
    frames = film(scans, paths)
    for t in range(4):
        for b in range(3):
            expected = np.zeros((SCREEN, SCREEN), np.float32)
            row, column = paths[t, b]
            expected[row : row + 8, column : column + 8] = scans[b]
            np.testing.assert_array_equal(frames[t, b], expected)


def test_films_are_those_of_scans_from_the_pool_with_their_words(rng):
    scans, digits = rng.random((20, 8, 8), np.float32), rng.integers(10, size=20)
    films = moving_digits(scans, digits, 30, rng=rng)
    assert films.frames.shape == (FRAMES, 30, SCREEN, SCREEN)
    assert films.words.shape == (LEGS + 2, 30)
    for b in range(30):
        row, column = films.paths[0, b]
        [scan] = np.flatnonzero(
            (scans == films.frames[0, b, row : row + 8, column : column + 8]).all(axis=(1, 2))
        )
        said = WORDS.decode(films.words[:, b])
        end = said.index(END)
        assert said[0] == NAMES[digits[scan]]
        assert tuple(said[1:end]) == directions_of(films.paths[:, b])
        assert set(said[end + 1 :]) <= {PAD}
        assert sentence(films.words[:, b]) == (
            f"{'an' if digits[scan] == 8 else 'a'} {said[0]} moves " + ", then ".join(map(str, said[1:end]))
        )


@pytest.mark.parametrize(
    "words",
    [
        (END,),
        ("three", END),
        ("left", "three", END),
        ("three", "left"),
        ("three", "four", END),
        ("three", "left", START, END),
    ],
)
def test_what_is_no_sentence_is_said_to_be_none(words):
    assert sentence(WORDS.encode(words)) is None


def test_specks_replace_a_share_of_the_pixels_anew_in_each_frame(rng):
    frames = np.full((FRAMES, 20, SCREEN, SCREEN), 2.0, np.float32)
    found = with_specks(frames, 0.2, rng=rng)
    struck = found != 2
    assert_mean(struck.ravel(), 0.2)
    assert_mean(found[struck], 0.5)
    assert_mean((struck[0] & struck[1]).ravel(), 0.04)
    assert found.dtype == np.float32
    assert (frames == 2).all()
    np.testing.assert_array_equal(with_specks(frames, 0.0), frames)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: film(np.ones((1, 8, 7)), np.ones((2, 1, 2))),
            "scans must have shape (B, 8, 8), got (1, 8, 7)",
        ),
        (
            lambda: film(np.ones((2, 8, 8)), np.ones((2, 1, 2))),
            "paths must have shape (T, B=2, 2), got (2, 1, 2)",
        ),
        (
            lambda: film(np.ones((1, 8, 8)), np.array([[[0, 0]], [[0, 9]]])),
            "paths must lie between 0 and 8, got 9 at frame 1",
        ),
        (lambda: moving_digits(np.ones((2, 8, 8)), [1], 3), "scans and digits must be equally many"),
        (lambda: moving_digits(np.ones((0, 8, 8)), [], 3), "and not none, got 0, 0"),
        (lambda: moving_digits(np.ones((1, 8, 8)), [1], 0), "B must be a whole number of at least 1, got 0"),
        (lambda: new_path(3), "rng must be a numpy.random.Generator"),
        (lambda: with_specks(np.ones((1, 1)), 1.5), "share must be a number from 0 to 1, got 1.5"),
        (lambda: with_specks(np.ones((1, 1)), np.nan), "share must be a finite number, got nan"),
    ],
)
def test_what_cannot_be_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
