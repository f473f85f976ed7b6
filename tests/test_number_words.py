"""The number words against `num2words`, and the batches that are made of them."""

import sys

import numpy as np
import pytest
from num2words import num2words

from lstmlib.number_words import (
    ENGLISH,
    GERMAN,
    number_words,
    split_english,
    split_german,
    translation_batch,
)
from lstmlib.vocabulary import END, PAD, START

# Every number below ten thousand, and some from each hundred above.
NUMBERS = [*range(10_000), *range(10_000, 1_000_000, 97), 999_999]


@pytest.fixture(scope="module")
def pairs():
    return number_words(NUMBERS)


def in_english(words):
    """English words with num2words' hyphens and commas: the inverse of `split_english`."""
    name = " ".join(words)
    for tens in ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"):
        for unit in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"):
            name = name.replace(f"{tens} {unit}", f"{tens}-{unit}")
    return name.replace("thousand ", "thousand, ").replace("thousand, and", "thousand and")


# Words


def test_german_parts_make_the_word_of_num2words(pairs):
    assert all("".join(pair.german) == num2words(pair.number, lang="de") for pair in pairs)


def test_english_words_make_the_name_of_num2words(pairs):
    assert all(in_english(pair.english) == num2words(pair.number) for pair in pairs)


def test_every_word_is_used_and_in_the_vocabulary(pairs):
    assert {word for pair in pairs for word in pair.english} == set(ENGLISH.symbols[3:])
    assert {part for pair in pairs for part in pair.german} == set(GERMAN.symbols[3:])
    assert ENGLISH.symbols[:3] == GERMAN.symbols[:3] == (PAD, START, END)


def test_german_says_the_units_before_the_tens():
    [pair] = number_words([421_653])
    assert pair.english == (
        *("four", "hundred", "and", "twenty", "one", "thousand"),
        *("six", "hundred", "and", "fifty", "three"),
    )
    assert pair.german == (
        *("vier", "hundert", "ein", "und", "zwanzig", "tausend"),
        *("sechs", "hundert", "drei", "und", "fünfzig"),
    )
    assert pair.alignment() == [0, 1, 4, None, 3, 5, 6, 7, 10, None, 9]


def test_an_alignment_uses_every_english_word_but_and_once(pairs):
    for pair in pairs:
        used = [position for position in pair.alignment() if position is not None]
        others = [position for position, word in enumerate(pair.english) if word != "and"]
        assert sorted(used) == others


def test_a_repeated_word_is_aligned_in_order():
    [pair] = number_words([1121])
    assert pair.english == ("one", "thousand", "one", "hundred", "and", "twenty", "one")
    assert pair.german == ("ein", "tausend", "ein", "hundert", "ein", "und", "zwanzig")
    assert pair.alignment() == [0, 1, 2, 3, 6, None, 5]


@pytest.mark.parametrize("name", ["", "zwanzigx", "xzwanzig", "einundundzw", "one"])
def test_a_word_that_is_no_german_number_is_refused(name):
    with pytest.raises(ValueError, match="German number"):
        split_german(name)


def test_a_name_that_is_no_english_number_is_refused():
    with pytest.raises(ValueError, match="'dozen' is not in"):
        split_english("two dozen")


@pytest.mark.parametrize("number", [-1, 1_000_000, 1.5, True, "7"])
def test_a_number_that_cannot_be_named_is_refused(number):
    with pytest.raises(ValueError, match="between 0 and 999,999"):
        number_words([number])


def test_without_num2words_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(ImportError, match="pip install num2words"):
        number_words([7])


# Batches


def test_a_batch_is_the_pairs_again_once_padding_is_taken_off(pairs):
    some = pairs[::1999]
    batch = translation_batch(some)
    for k, pair in enumerate(some):
        real = batch.target_mask[:, k]
        assert tuple(ENGLISH.decode(batch.source[batch.source_mask[:, k], k])) == pair.english
        assert tuple(GERMAN.decode(batch.previous[real, k])) == (START, *pair.german)
        assert tuple(GERMAN.decode(batch.target[real, k])) == (*pair.german, END)


def test_a_batch_is_time_major_with_padding_at_the_end(pairs):
    some = pairs[::1999]
    batch = translation_batch(some)
    lengths = [len(pair.english) for pair in some]
    assert batch.source.shape == (max(lengths), len(some))
    assert batch.source_mask.sum(axis=0).tolist() == lengths
    [padding] = GERMAN.encode([PAD])
    for numbers, mask in [
        (batch.source, batch.source_mask),
        (batch.previous, batch.target_mask),
        (batch.target, batch.target_mask),
    ]:
        assert ((numbers == padding) == ~mask).all()
        assert (np.diff(mask.astype(int), axis=0) <= 0).all()
