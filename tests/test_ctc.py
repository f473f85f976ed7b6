"""CTC against every path written out, against PyTorch, and against its own differences."""

from itertools import groupby, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.ctc import BLANK, ctc_loss, edit_distance, greedy_decode

few_labels = st.lists(st.integers(1, 3), max_size=3)


def what_it_says(path):
    """Repeats merged first, blanks taken out then."""
    return [symbol for symbol, _ in groupby(path) if symbol != BLANK]


def by_every_path(scores, labels):
    """−ln of the sum over all paths that say the labels, one by one."""
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    T, K = y.shape
    paths = (path for path in product(range(K), repeat=T) if what_it_says(path) == labels)
    with np.errstate(divide="ignore"):
        return -np.log(sum(np.prod(y[np.arange(T), path]) for path in paths))


@given(labels=few_labels, T=st.integers(1, 5), seed=st.integers(0, 99))
def test_the_loss_is_that_of_all_paths_that_say_the_labels(labels, T, seed):
    scores = np.random.default_rng(seed).normal(size=(T, 1, 4))
    loss, _ = ctc_loss(scores, [labels])
    assert loss[0] == pytest.approx(by_every_path(scores[:, 0], labels), rel=1e-12)


def test_loss_and_gradient_are_those_of_pytorch(rng):
    T, K = 30, 6
    scores, lengths = rng.normal(size=(T, 5, K)), [30, 25, 8, 30, 12]
    labels = [[1, 1, 2, 2, 3], [5, 4, 5, 4], [], [2] * 9, [3]]
    theirs = torch.tensor(scores, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        theirs.log_softmax(dim=-1),
        torch.tensor([label for said in labels for label in said]),
        lengths,
        [len(said) for said in labels],
        blank=BLANK,
        reduction="none",
    )
    expected.sum().backward()
    loss, dscores = ctc_loss(scores, labels, lengths)
    assert np.allclose(loss, expected.detach(), rtol=1e-12)
    assert np.allclose(dscores, theirs.grad, atol=1e-12)


def test_the_gradient_is_that_of_central_differences(rng):
    scores, labels = rng.normal(size=(6, 2, 4)), [[1, 1, 3], [2]]
    _, dscores = ctc_loss(scores, labels)
    step = 1e-6
    for index in np.ndindex(scores.shape):
        up, down = scores.copy(), scores.copy()
        up[index] += step
        down[index] -= step
        slope = (ctc_loss(up, labels).loss - ctc_loss(down, labels).loss).sum() / (2 * step)
        assert dscores[index] == pytest.approx(slope, abs=1e-8)


@given(seed=st.integers(0, 99), shift=st.floats(-1e3, 1e3))
def test_only_differences_between_scores_count(seed, shift):
    scores = np.random.default_rng(seed).normal(size=(7, 1, 4))
    loss, dscores = ctc_loss(scores, [[1, 2]])
    moved = ctc_loss(scores + shift, [[1, 2]])
    assert moved.loss == pytest.approx(loss, rel=1e-9)
    assert np.allclose(dscores.sum(axis=-1), 0, atol=1e-12)


def test_a_sequence_without_labels_costs_its_blanks(rng):
    scores = rng.normal(size=(4, 1, 3))
    log_blank = scores[:, 0, BLANK] - np.log(np.exp(scores[:, 0]).sum(axis=1))
    assert ctc_loss(scores, [[]]).loss[0] == pytest.approx(-log_blank.sum())


@pytest.mark.parametrize(("labels", "steps"), [([1, 2, 3], 3), ([1, 1], 3), ([1, 1, 1], 5)])
def test_one_step_fewer_than_the_labels_need_makes_the_loss_infinite(rng, labels, steps):
    scores = rng.normal(size=(steps, 1, 4))
    assert np.isfinite(ctc_loss(scores, [labels]).loss[0])
    loss, dscores = ctc_loss(scores[1:], [labels])
    assert loss[0] == np.inf
    assert not dscores.any()


def test_steps_after_the_end_count_for_nothing(rng):
    scores = rng.normal(size=(9, 2, 4))
    loss, dscores = ctc_loss(scores, [[1, 2], [3]], [5, 9])
    assert loss[0] == ctc_loss(scores[:5, :1], [[1, 2]]).loss[0]
    assert not dscores[5:, 0].any()
    assert dscores[5:, 1].any()
    scores[5:, 0] += rng.normal(size=(4, 4))
    assert ctc_loss(scores, [[1, 2], [3]], [5, 9]).loss[0] == loss[0]


def test_hopeless_scores_give_a_finite_loss():
    scores = np.zeros((50, 1, 3))
    scores[..., 2] = 800.0  # e^800 is infinite as a float
    loss, dscores = ctc_loss(scores, [[1] * 10])
    assert np.isfinite(loss).all()
    assert np.isfinite(dscores).all()


def test_float32_stays_float32(rng):
    loss, dscores = ctc_loss(rng.normal(size=(5, 1, 3)).astype(np.float32), [[1]])
    assert loss.dtype == dscores.dtype == np.float32


@given(path=st.lists(st.integers(0, 3), min_size=1, max_size=12), length=st.integers(1, 12))
def test_greedy_decoding_says_what_the_likeliest_path_says(path, length):
    length = min(length, len(path))
    scores = np.eye(4)[path][:, None]
    assert greedy_decode(scores) == [what_it_says(path)]
    assert greedy_decode(scores, [length]) == [what_it_says(path[:length])]


@given(said=few_labels, right=few_labels, other=few_labels)
def test_the_edit_distance_is_a_distance(said, right, other):
    assert edit_distance(said, right) == edit_distance(right, said)
    assert (edit_distance(said, right) == 0) == (said == right)
    assert edit_distance(said, right) <= edit_distance(said, other) + edit_distance(other, right)


@pytest.mark.parametrize(
    ("said", "right", "edits"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("ab", "ba", 2),
    ],
)
def test_the_edit_distance_counts_insertions_deletions_and_replacements(said, right, edits):
    assert edit_distance(said, right) == edits


@pytest.mark.parametrize(
    ("scores", "labels", "lengths", "message"),
    [
        (np.zeros((2, 3)), [[1]], None, r"scores must have shape \(T, B, K\), got 2-D"),
        (np.zeros((2, 1, 3), int), [[1]], None, "scores must hold floats"),
        (np.full((2, 1, 3), np.nan), [[1]], None, "scores must be finite"),
        (
            np.zeros((2, 2, 3)),
            [[1]],
            None,
            "labels must hold a sequence for each of the 2 in the batch, got 1",
        ),
        (
            np.zeros((2, 1, 3)),
            [[3]],
            None,
            r"labels\[0\] must hold numbers from 1 to 2, since 0 is the blank",
        ),
        (np.zeros((2, 1, 3)), [[0]], None, r"labels\[0\] must hold numbers from 1 to 2"),
        (np.zeros((2, 1, 3)), [[0.5]], None, r"labels\[0\] must be a sequence of whole numbers"),
        (np.zeros((2, 1, 3)), [1], None, r"labels\[0\] must be a sequence of whole numbers"),
        (np.zeros((2, 1, 3)), [[1]], [3], "lengths must be 1 whole numbers from 1 to 2"),
        (np.zeros((2, 1, 3)), [[1]], [0], "lengths must be 1 whole numbers from 1 to 2"),
        (np.zeros((2, 1, 3)), [[1]], [1, 2], "lengths must be 1 whole numbers"),
        (np.zeros((2, 1, 3)), [[1]], [1.0], "lengths must be 1 whole numbers"),
    ],
)
def test_wrong_input_is_named(scores, labels, lengths, message):
    with pytest.raises(ValueError, match=message):
        ctc_loss(scores, labels, lengths)
