"""The stories of the page on questions, against a reader that goes through them sentence by sentence."""

import re

import numpy as np
import pytest
from conftest import assert_mean
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.stories import (
    LEAVES,
    MOVES,
    PEOPLE,
    PLACES,
    TAKES,
    THINGS,
    WORDS,
    as_question,
    as_text,
    read_question,
    read_story,
    stories,
    where_is,
)


def replayed(lines, name):
    """Where `name` is after a story, by words alone: no numbers, no facts."""
    at, holder = {}, {}
    for line in lines:
        who, verb, what = line.replace("to ", "").replace("the ", "").split()
        if verb in MOVES:
            at[who] = what
        elif verb in TAKES:
            holder[what] = who
        else:
            at[what] = at.get(holder.pop(what, who))
    return at.get(holder.get(name, name))


def in_words(batch, b):
    return [as_text(sentence) for sentence in batch.sentences[:, b]]


@given(st.integers(1, 25), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_answer_is_what_a_reader_finds_who_goes_from_sentence_to_sentence(T, things, seed):
    batch = stories(T, 8, things=things, rng=np.random.default_rng(seed))
    assert batch.sentences.shape == (T, 8, 3)
    for b in range(8):
        [name] = WORDS.decode([batch.asked[b]])
        assert name in PEOPLE + THINGS * things
        assert replayed(in_words(batch, b), name) == PLACES[batch.place[b]]
        found = where_is([tuple(s) for s in batch.sentences[:, b]], batch.asked[b])
        assert found.place == batch.place[b]
        assert batch.facts[:, b].tolist() == [*found.facts, *found.facts][:2]


@given(st.integers(2, 25), st.integers(0, 2**32 - 1))
def test_a_story_of_the_facts_alone_has_the_same_answer(T, seed):
    batch = stories(T, 8, things=True, rng=np.random.default_rng(seed))
    for b in range(8):
        kept = sorted(set(batch.facts[:, b]))
        told = [tuple(batch.sentences[t, b]) for t in kept]
        assert where_is(told, batch.asked[b]).place == batch.place[b]


def test_nobody_takes_what_another_holds_or_leaves_what_they_have_not():
    batch = stories(30, 200, things=True, rng=np.random.default_rng(0))
    for b in range(200):
        at, holder, lies = {}, {}, {}
        for line in in_words(batch, b):
            who, verb, what = line.replace("to ", "").replace("the ", "").split()
            if verb in MOVES:
                assert at.get(who) != what
                at[who] = what
            elif verb in TAKES:
                assert what not in holder
                assert who not in holder.values()
                assert lies.get(what, at[who]) == at[who]
                holder[what] = who
            else:
                assert holder.pop(what) == who
                lies[what] = at[who]


def test_people_places_verbs_and_things_are_equally_likely(rng):
    batch = stories(10, 4000, rng=rng)
    who, verb, what = np.moveaxis(batch.sentences, 2, 0)
    for one in WORDS.encode(PEOPLE):
        assert_mean(who == one, 1 / len(PEOPLE))
        assert_mean(batch.asked == one, 1 / len(PEOPLE))
    for one in WORDS.encode(MOVES):
        assert_mean(verb == one, 1 / len(MOVES))
    for one in WORDS.encode(PLACES):
        assert_mean(what[0] == one, 1 / len(PLACES))
        assert_mean(batch.place == one - len(PEOPLE), 1 / len(PLACES))
    batch = stories(20, 4000, things=True, rng=rng)
    asked = np.isin(batch.asked, WORDS.encode(THINGS))
    told = np.isin(batch.sentences[..., 2], WORDS.encode(THINGS)).any(axis=0)
    assert_mean(asked[told], 1 / 2)
    assert not asked[~told].any()


def test_some_stories_are_those_at_their_positions(rng):
    batch = stories(6, 10, things=True, rng=rng)
    some = batch.some(np.array([7, 2]))
    for k, b in enumerate((7, 2)):
        assert in_words(some, k) == in_words(batch, b)
        assert (some.asked[k], some.place[k]) == (batch.asked[b], batch.place[b])
        np.testing.assert_array_equal(some.facts[:, k], batch.facts[:, b])


# By hand: a story, who or what is asked for, the place, and the sentences that tell it, from 1
BY_HAND = [
    ("anna went to the attic", "anna", "attic", (1,)),
    ("anna went to the attic", "ben", None, ()),
    ("anna took the lamp", "lamp", None, (1,)),
    ("anna took the lamp. anna went to the attic", "lamp", "attic", (1, 2)),
    ("anna ran attic. anna took lamp. anna left lamp. anna ran office", "lamp", "attic", (3, 1)),
    ("ben ran attic. anna took lamp. ben took lamp. anna ran office", "lamp", "attic", (3, 1)),
    ("ben ran attic. ben dropped book. ben ran office", "book", "attic", (2, 1)),
]


@pytest.mark.parametrize(("text", "name", "place", "facts"), BY_HAND)
def test_a_careful_reader_by_hand(text, name, place, facts):
    found = where_is(read_story(text), read_question(f"where is {name}"))
    assert found.place == (None if place is None else PLACES.index(place))
    assert tuple(fact + 1 for fact in found.facts) == facts


@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_what_is_told_is_read_again(T, seed):
    batch = stories(T, 4, things=True, rng=np.random.default_rng(seed))
    for b in range(4):
        expected = [tuple(sentence) for sentence in batch.sentences[:, b]]
        for text in (". ".join(in_words(batch, b)), "\n".join(in_words(batch, b)).upper()):
            assert read_story(text) == expected
        assert read_question(as_question(batch.asked[b])) == batch.asked[b]


def test_the_numbers_of_words_go_by_groups():
    groups = PEOPLE + PLACES + THINGS + MOVES + TAKES + LEAVES
    assert WORDS.encode(groups).tolist() == list(range(len(groups)))
    assert read_story("ben took the lamp") == [tuple(WORDS.encode(["ben", "took", "lamp"]))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stories(0, 1), "T must be a whole number of at least 1, got 0"),
        (lambda: stories(1, 1.5), "B must be a whole number of at least 1, got 1.5"),
        (lambda: stories(1, 1, rng=7), "rng must be a numpy.random.Generator"),
        (lambda: read_story(" .\n "), "there is no sentence in the story"),
        (lambda: read_story("Eve slept."), "sentence 1 has “eve”, which is none of the words"),
        (lambda: read_story("a. " * 21), "a story may have 20 sentences here, and this one has 21"),
        (lambda: read_story("x" * 10_000), "sentence 1 has “xxxxxxxxxxxxxxxxxxxx…”, which"),
        (
            lambda: read_story("ben ran to the attic. ben took the attic"),
            "sentence 2 must be like “anna went",
        ),
        (lambda: read_question("where is the attic"), "a question must be like “where is anna”"),
        (lambda: read_question("who is anna"), "the question has “who”"),
        (lambda: read_question(""), "a question must be like"),
    ],
)
def test_what_cannot_be_read_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
