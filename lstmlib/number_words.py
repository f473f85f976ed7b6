"""Numbers in English and in German words, the sentences of `attention/encoder_decoder`.

English says the tens before the units, German the units before the tens: *forty two* is
*zwei·und·vierzig*.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from lstmlib.translation import TranslationBatch
from lstmlib.vocabulary import END, SIGNS, START, Vocabulary, pad

_COUNTERPART = {
    "null": "zero",
    "ein": "one",
    "eins": "one",
    "zwei": "two",
    "drei": "three",
    "vier": "four",
    "fünf": "five",
    "sechs": "six",
    "sieben": "seven",
    "acht": "eight",
    "neun": "nine",
    "zehn": "ten",
    "elf": "eleven",
    "zwölf": "twelve",
    "dreizehn": "thirteen",
    "vierzehn": "fourteen",
    "fünfzehn": "fifteen",
    "sechzehn": "sixteen",
    "siebzehn": "seventeen",
    "achtzehn": "eighteen",
    "neunzehn": "nineteen",
    "zwanzig": "twenty",
    "dreißig": "thirty",
    "vierzig": "forty",
    "fünfzig": "fifty",
    "sechzig": "sixty",
    "siebzig": "seventy",
    "achtzig": "eighty",
    "neunzig": "ninety",
    "hundert": "hundred",
    "tausend": "thousand",
}

ENGLISH = Vocabulary((*SIGNS, *dict.fromkeys(_COUNTERPART.values()), "and"))
"""Words of English number names."""

GERMAN = Vocabulary((*SIGNS, *_COUNTERPART, "und"))
"""Parts of German number names."""

# The longest part first, so that "siebzehn" is not cut after a shorter one.
_GERMAN_PART = re.compile("|".join(sorted((*_COUNTERPART, "und"), key=len, reverse=True)))


class NumberWords(NamedTuple):
    """A number, its English words and the parts of its German word."""

    number: int
    english: tuple[str, ...]
    german: tuple[str, ...]

    def alignment(self) -> list[int | None]:
        """For each German part, the position of the English word that it translates, or None.

        By a dictionary and not by a network: what attention finds can be held against it. The second `ein`
        belongs to the second `one`, and `und` to no word at all.

        >>> [pair] = number_words([421])
        >>> pair.alignment()
        [0, 1, 4, None, 3]
        """
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(self.english):
            positions.setdefault(word, []).append(position)
        return [positions[_COUNTERPART[part]].pop(0) if part != "und" else None for part in self.german]


def number_words(numbers: Iterable[int]) -> list[NumberWords]:
    """Name numbers from 0 to 999,999 in English and in German, as `num2words` does, cut into words.

    English loses its commas and hyphens. German writes a number as one word, which is cut into its parts;
    put together again they are that word. Raises ImportError where `num2words` is not installed, ValueError
    for a number outside the range.

    >>> [pair] = number_words([421])
    >>> pair.english, pair.german
    (('four', 'hundred', 'and', 'twenty', 'one'), ('vier', 'hundert', 'ein', 'und', 'zwanzig'))
    """
    try:
        from num2words import num2words
    except ImportError:
        raise ImportError(
            "number_words takes its words from the package num2words: pip install num2words"
        ) from None
    return [
        NumberWords(number, split_english(num2words(number)), split_german(num2words(number, lang="de")))
        for number in map(_in_range, numbers)
    ]


def split_english(name: str) -> tuple[str, ...]:
    """Cut the English name of a number into words; ValueError where not all of them are in `ENGLISH`.

    >>> split_english("one thousand, two hundred and thirty-four")
    ('one', 'thousand', 'two', 'hundred', 'and', 'thirty', 'four')
    """
    words = tuple(re.split(r", |[ -]", name))
    ENGLISH.encode(words)
    return words


def split_german(name: str) -> tuple[str, ...]:
    """Cut the German name of a number, one word, into parts; ValueError where they are not in `GERMAN`.

    >>> split_german("eintausendzweihundertvierunddreißig")
    ('ein', 'tausend', 'zwei', 'hundert', 'vier', 'und', 'dreißig')
    """
    parts = tuple(_GERMAN_PART.findall(name))
    if not parts or "".join(parts) != name:
        raise ValueError(f"name must be a German number below one million in one word, got {name!r}")
    return parts


def translation_batch(pairs: Sequence[NumberWords]) -> TranslationBatch:
    """Number the words of some pairs and fill them up to one length.

    >>> batch = translation_batch(number_words([7, 21]))
    >>> [ENGLISH.decode(column) for column in batch.source.T]
    [['seven', '<pad>'], ['twenty', 'one']]
    >>> GERMAN.decode(batch.previous[:, 1]), GERMAN.decode(batch.target[:, 1])
    (['<start>', 'ein', 'und', 'zwanzig'], ['ein', 'und', 'zwanzig', '<end>'])
    """
    source, source_mask = pad([ENGLISH.encode(pair.english) for pair in pairs])
    previous, target_mask = pad([GERMAN.encode((START, *pair.german)) for pair in pairs])
    target, _ = pad([GERMAN.encode((*pair.german, END)) for pair in pairs])
    return TranslationBatch(source, source_mask, previous, target, target_mask)


def _in_range(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < 1_000_000:
        raise ValueError(f"numbers must be whole and lie between 0 and 999,999, got {number!r}")
    return int(number)
