"""Symbols and their numbers, for every page that reads a text or a sentence.

A vocabulary numbers symbols; `pad` stands sequences of numbers side by side, in the (T, B) of a batch.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lstmlib.checks import Mask

Numbers = NDArray[np.intp]

CHARACTERS = "\n !\"#%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~"
"""The alphabet of `corpora.reference_text`: the same under every Python."""

CODE_CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))
"""The alphabet of `corpora.python_source`."""

PAD, START, END = SIGNS = "<pad>", "<start>", "<end>"
"""The signs that every vocabulary of sentences begins with, so that their numbers are 0, 1 and 2."""


class Vocabulary:
    """Symbols, each once, and their numbers: the position in the list is the number.

    Raises ValueError for no symbols, or one that is there twice.

    >>> letters = Vocabulary("abc")
    >>> letters.encode("cab"), "".join(letters.decode([2, 0, 1])), len(letters)
    (array([2, 0, 1]), 'cab', 3)
    """

    def __init__(self, symbols: Iterable[Hashable]) -> None:
        self.symbols = tuple(symbols)
        if not self.symbols:
            raise ValueError("symbols must hold at least one symbol")
        symbol, count = Counter(self.symbols).most_common(1)[0]
        if count > 1:
            raise ValueError(f"symbols must differ from each other, but {symbol!r} is there {count} times")
        self._number = {symbol: number for number, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self)} symbols"

    def encode(self, sequence: Iterable[Hashable]) -> Numbers:
        """The numbers (T,) of a sequence of symbols; ValueError for one that the vocabulary does not have."""
        try:
            return np.array([self._number[symbol] for symbol in sequence], np.intp)
        except KeyError as unknown:
            raise ValueError(f"symbol {unknown.args[0]!r} is not in the {self!r}") from None

    def decode(self, numbers: Iterable[int]) -> list[Hashable]:
        """The symbols of a sequence of numbers; ValueError for a number outside the vocabulary."""
        numbers = [int(number) for number in numbers]
        outside = [number for number in numbers if not 0 <= number < len(self)]
        if outside:
            raise ValueError(f"numbers must lie between 0 and {len(self) - 1}, got {outside[0]}")
        return [self.symbols[number] for number in numbers]


def pad(sequences: Sequence[Numbers]) -> tuple[Numbers, Mask]:
    """Stand sequences of different lengths side by side, with 0, the number of PAD, below the short ones.

    Returns the numbers (T, B), with T the longest of the B lengths, and the mask (T, B), True where a
    number comes from a sequence. Raises ValueError for no sequences, or an empty one.

    >>> numbers, mask = pad([np.array([5, 6, 7]), np.array([8])])
    >>> numbers.T
    array([[5, 6, 7],
           [8, 0, 0]])
    >>> mask.T
    array([[ True,  True,  True],
           [ True, False, False]])
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    if not lengths.size or not lengths.all():
        raise ValueError(f"sequences must be one or more, none of them empty; got lengths {lengths.tolist()}")
    mask = np.arange(lengths.max())[:, None] < lengths
    numbers = np.zeros(mask.shape, np.intp)
    numbers.T[mask.T] = np.concatenate(sequences)
    return numbers, mask
