"""Small stories of people who walk about and carry things, for `applications/question_answering`.

A sentence is three words, who, verb and what: *anna went to the attic*, *anna took the lamp*, *anna left the
lamp*. What stands between them is always the same.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.layer import check_rng, check_size
from lstmlib.vocabulary import Numbers, Vocabulary

PEOPLE = "anna", "ben", "carla", "david"
PLACES = "attic", "cellar", "garden", "kitchen", "office", "studio"
THINGS = "apple", "book", "lamp"
MOVES, TAKES, LEAVES = ("went", "walked", "ran"), ("took", "grabbed"), ("left", "dropped")
"""Verbs; those of one group mean the same."""
WORDS = Vocabulary((*PEOPLE, *PLACES, *THINGS, *MOVES, *TAKES, *LEAVES, "to", "the", "where", "is"))
"""All words, and their numbers: first the people, then the places, then the things."""
MOST_SENTENCES = 20
"""The most sentences that `read_story` takes."""

Sentence = tuple[int, int, int]

_AS_IN = "“anna went to the attic”, “ben took the lamp” or “ben left the lamp”"
_FIRST_PLACE, _FIRST_THING = len(PEOPLE), len(PEOPLE) + len(PLACES)
_FIRST_MOVE, _FIRST_TAKE, _FIRST_LEAVE = WORDS.encode([MOVES[0], TAKES[0], LEAVES[0]])


class Stories(NamedTuple):
    """B stories of T sentences each, a question on each, its answer, and the sentences that tell it.

    `sentences` (T, B, 3) are numbers of `WORDS`: who, verb, what. `asked` (B,) is the number of a person or
    a thing, and `place` (B,) the answer, a position in `PLACES`. `facts` (2, B) are positions of sentences:
    for a thing, who touched it last, and the move that brought them and it to where it is; for a person
    their last move, twice.
    """

    sentences: Numbers
    asked: Numbers
    place: Numbers
    facts: Numbers

    def some(self, b: slice | Numbers) -> "Stories":
        """The stories at these positions of the batch."""
        return Stories(self.sentences[:, b], self.asked[b], self.place[b], self.facts[:, b])


class Whereabouts(NamedTuple):
    """Where somebody is, a position in `PLACES`, or None where the story does not say; and which sentences
    tell it, in the order in which a reader needs them."""

    place: int | None
    facts: tuple[int, ...]


def stories(T: int, B: int, *, things: bool = False, rng: Generator | None = None) -> Stories:
    """B random stories of T sentences, and a question on each that it can answer.

    At each step somebody is chosen at random. Without `things` they go to a place, another than where they
    are, and a person is asked for. With `things` they leave what they hold in half of the cases, or, if they
    hold nothing, take a random thing, if it was never mentioned or lies where they are; else they go. Then
    half of the questions ask for a thing, where one was mentioned. Of those who, or which, can be asked for,
    each is equally likely.

    Raises ValueError for a T or B below 1, or an `rng` that is no Generator.

    >>> batch = stories(3, 1, rng=np.random.default_rng(0))
    >>> [as_text(sentence) for sentence in batch.sentences[:, 0]]
    ['david went to the cellar', 'anna ran to the kitchen', 'david went to the studio']
    >>> as_question(batch.asked[0]), PLACES[batch.place[0]], batch.facts[:, 0]
    ('where is anna', 'kitchen', array([1, 1]))
    """
    T, B, rng = check_size(T, "T"), check_size(B, "B"), check_rng(rng)
    people, nobody, b = len(PEOPLE), -1, np.arange(B)
    sentences = np.zeros((T, B, 3), np.intp)
    # Of people, and behind them of things: their place, and the two sentences that tell it
    place, first, second = np.full((3, B, people + len(THINGS)), -1)
    holder = np.full((B, len(THINGS)), nobody)
    for t in range(T):
        who, thing = rng.integers(people, size=B), rng.integers(len(THINGS), size=B)
        here = place[b, who]
        further = (here + rng.integers(1, len(PLACES), size=B)) % len(PLACES)
        to = np.where(here < 0, rng.integers(len(PLACES), size=B), further)
        held = holder == who[:, None]
        holds = held.any(axis=1)
        thing = np.where(holds, held.argmax(axis=1), thing)
        lies = (holder[b, thing] == nobody) & (place[b, people + thing] == here)
        free = lies | (place[b, people + thing] < 0)
        acts = things & (here >= 0) & (rng.random(B) < 0.5)
        leaves, takes = acts & holds, acts & ~holds & free
        moves = ~leaves & ~takes
        verb = np.select([moves, takes], [_FIRST_MOVE, _FIRST_TAKE], _FIRST_LEAVE)
        verb += rng.integers(np.where(moves, len(MOVES), len(TAKES)))
        what = np.where(moves, _FIRST_PLACE + to, _FIRST_THING + thing)
        sentences[t] = np.stack([who, verb, what], axis=-1)

        goes = np.hstack([np.arange(people) == who[:, None], held]) & moves[:, None]
        place, second = np.where(goes, to[:, None], place), np.where(goes, t, second)
        touched = (np.arange(len(THINGS)) == thing[:, None]) & ~moves[:, None]
        holder = np.where(touched, np.where(takes, who, nobody)[:, None], holder)
        for table, value in ((place, here), (first, np.full(B, t)), (second, second[b, who])):
            table[:, people:] = np.where(touched, value[:, None], table[:, people:])
    first[:, :people] = second[:, :people]
    wanted = (np.arange(place.shape[1]) >= people) == (things & (rng.random(B) < 0.5))[:, None]
    k = np.where(place < 0, -1, wanted + rng.random(place.shape)).argmax(axis=1)
    asked = np.where(k < people, k, _FIRST_THING - people + k)
    return Stories(sentences, asked, place[b, k], np.stack([first[b, k], second[b, k]]))


def where_is(sentences: Sequence[Sentence], asked: int) -> Whereabouts:
    """What a careful reader says of a story: who moves takes along what they hold.

    Any order of sentences has a meaning: somebody who takes a thing has it, whoever had it before, and where
    somebody leaves it, it stays. `sentences` are numbers of `WORDS`, `asked` is a person's or a thing's.

    >>> story = read_story("Ben went to the attic. Ben took the lamp. Ben ran to the cellar.")
    >>> place, facts = where_is(story, read_question("where is the lamp?"))
    >>> PLACES[place], facts
    ('cellar', (1, 2))
    """
    known: dict[int, Whereabouts] = {}
    holder: dict[int, int] = {}
    nowhere = Whereabouts(None, ())
    for t, (who, verb, what) in enumerate(sentences):
        if verb < _FIRST_TAKE:
            place = int(what) - _FIRST_PLACE
            known[who] = Whereabouts(place, (t,))
            for thing in (thing for thing, person in holder.items() if person == who):
                known[thing] = Whereabouts(place, (known[thing].facts[0], t))
            continue
        there = known.get(who, nowhere)
        known[what] = Whereabouts(there.place, (t, *there.facts))
        holder.pop(what, None)
        if verb < _FIRST_LEAVE:
            holder[what] = who
    return known.get(asked, nowhere)


def as_text(sentence: Sequence[int]) -> str:
    """A sentence in words.

    >>> as_text(WORDS.encode(["ben", "took", "lamp"]))
    'ben took the lamp'
    """
    who, verb, what = WORDS.decode(sentence)
    return f"{who} {verb} {'to ' if verb in MOVES else ''}the {what}"


def as_question(asked: int) -> str:
    """The question for a person or a thing, in words."""
    [word] = WORDS.decode([asked])
    return f"where is {'the ' if word in THINGS else ''}{word}"


def read_story(text: str) -> list[Sentence]:
    """The sentences of a text, which end with a full stop or a line.

    Capitals do not matter, and *to* and *the* may be missing. Raises ValueError for a text without a
    sentence, with more than 20, with a word that is not in `WORDS`, or a sentence of another form; the
    message says which one it is.

    >>> read_story("Anna went to the attic.")
    [(0, 13, 4)]
    >>> read_story("Anna slept.")
    Traceback (most recent call last):
    ValueError: sentence 1 has “slept”, which is none of the words that are known here
    """
    parts = [part.split() for part in re.split(r"[.!?;\n]", text.lower())]
    parts = [words for words in parts if words]
    if not parts:
        raise ValueError("there is no sentence in the story")
    if len(parts) > MOST_SENTENCES:
        raise ValueError(f"a story may have {MOST_SENTENCES} sentences here, and this one has {len(parts):,}")
    return [_read(words, f"sentence {k}") for k, words in enumerate(parts, 1)]


def read_question(text: str) -> int:
    """The number of the person or the thing that a question asks for.

    Raises ValueError for a word that is not in `WORDS`, or a question of another form.

    >>> WORDS.decode([read_question("Where is the lamp?")])
    ['lamp']
    """
    words = text.lower().replace("?", " ").split()
    _check_words(words, "the question")
    if len(words) > 2 and words[:2] == ["where", "is"]:
        *between, last = words[2:]
        if last in PEOPLE + THINGS and between in ([], ["the"]):
            return int(WORDS.encode([last])[0])
    raise ValueError("a question must be like “where is anna” or “where is the lamp”")


def _read(words: Sequence[str], name: str) -> Sentence:
    _check_words(words, name)
    found = [word for word in words if word not in ("to", "the")]
    if len(found) == 3:
        who, verb, what = found
        ends = PLACES if verb in MOVES else THINGS if verb in TAKES + LEAVES else ()
        if who == words[0] and who in PEOPLE and what == words[-1] and what in ends:
            return tuple(map(int, WORDS.encode(found)))  # type: ignore[return-value]
    raise ValueError(f"{name} must be like {_AS_IN}")


def _check_words(words: Sequence[str], name: str) -> None:
    for word in words:
        if word not in WORDS.symbols:
            shown = word if len(word) <= 20 else f"{word[:20]}…"
            raise ValueError(f"{name} has “{shown}”, which is none of the words that are known here")
