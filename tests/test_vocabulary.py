"""A vocabulary there and back, and sequences side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.vocabulary import CHARACTERS, Vocabulary, pad


@given(st.text(alphabet=CHARACTERS))
def test_decode_undoes_encode(text):
    vocabulary = Vocabulary(CHARACTERS)
    assert "".join(vocabulary.decode(vocabulary.encode(text))) == text


def test_a_symbol_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="symbol 'z' is not in the Vocabulary of 2 symbols"):
        Vocabulary("ab").encode("az")


@pytest.mark.parametrize("number", [-1, 2])
def test_a_number_outside_the_vocabulary_is_named(number):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {number}"):
        Vocabulary("ab").decode([0, number])


def test_a_symbol_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="'b' is there 2 times"):
        Vocabulary("abcb")


def test_a_vocabulary_without_symbols_is_refused():
    with pytest.raises(ValueError, match="at least one symbol"):
        Vocabulary("")


@pytest.mark.parametrize("sequences", [[], [np.array([1]), np.array([], int)]])
def test_nothing_cannot_be_padded(sequences):
    with pytest.raises(ValueError, match="none of them empty"):
        pad(sequences)
