"""The real data of the chapters, from installed packages and never from the network.

`reference_text` is English prose that every Python carries, for `rnn/recurrent_network`.
`python_source` is the code of its standard library, for `lstm/inside_a_trained_lstm`.
`number_words` pairs the English and the German name of a number, for `attention/attention`:
English says the tens before the units, German the units before the tens.
"""

import ast
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Mask = NDArray[np.bool_]

CHARACTERS = "\n !\"#%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~"
"""The alphabet of `reference_text`: the same under every Python."""

PAD, START, END = "<pad>", "<start>", "<end>"


class Vocabulary:
    """Symbols and their numbers: the position in the list is the number.

    Parameters
    ----------
    symbols : str or sequence
        Characters, or words; each once.

    Raises
    ------
    ValueError
        For no symbols, or one that is there twice.

    Examples
    --------
    >>> letters = Vocabulary("abc")
    >>> letters.encode("cab")
    array([2, 0, 1])
    >>> "".join(letters.decode([2, 0, 1])), len(letters)
    ('cab', 3)
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
        """The numbers of a sequence of symbols.

        Parameters
        ----------
        sequence : str or sequence of symbols

        Returns
        -------
        array of int (T,)

        Raises
        ------
        ValueError
            For a symbol that the vocabulary does not have.
        """
        try:
            return np.array([self._number[symbol] for symbol in sequence], np.intp)
        except KeyError as unknown:
            raise ValueError(f"symbol {unknown.args[0]!r} is not in the {self!r}") from None

    def decode(self, numbers: Iterable[int]) -> list[Hashable]:
        """The symbols of a sequence of numbers.

        Parameters
        ----------
        numbers : sequence of int
            Each from 0 to the size of the vocabulary less 1.

        Returns
        -------
        list of symbols

        Raises
        ------
        ValueError
            For a number outside the vocabulary.
        """
        numbers = [int(number) for number in numbers]
        outside = [number for number in numbers if not 0 <= number < len(self)]
        if outside:
            raise ValueError(f"numbers must lie between 0 and {len(self) - 1}, got {outside[0]}")
        return [self.symbols[number] for number in numbers]


# Characters


def reference_text() -> str:
    """English prose: the paragraphs of the language reference that Python carries for `help()`.

    Headings, code, grammar and lists are left out, a paragraph that is there twice is kept
    once, and each paragraph becomes a line. All characters are in `CHARACTERS`. The text is
    well over 100,000 characters long, but its length and its words differ from one version of
    Python to the next.

    Returns
    -------
    str

    Raises
    ------
    ImportError
        Where Python was installed without its `pydoc_data`.

    Examples
    --------
    >>> text = reference_text()
    >>> len(text) > 100_000, set(text) <= set(CHARACTERS)
    (True, True)
    >>> Vocabulary(CHARACTERS).encode("Python").shape
    (6,)
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise ImportError(
            "reference_text reads pydoc_data, a part of Python's standard library that this "
            "installation lacks: use a complete Python, such as the one from python.org"
        ) from None
    paragraphs = (part for name in sorted(topics) for part in re.split(r"\n\s*\n", topics[name]))
    prose = (_in_one_line(paragraph) for paragraph in paragraphs if _is_prose(paragraph))
    allowed = set(CHARACTERS)
    return "\n".join(line for line in dict.fromkeys(prose) if allowed.issuperset(line))


CODE_CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))
"""The alphabet of `python_source`."""


def python_source(*modules: str) -> str:
    """Source code of installed modules, all in one layout.

    Comments and docstrings are left out, `ast.unparse` sets the spaces, the quotes and the
    brackets, and formatted string literals become calls of `format`, so that the code looks alike
    whoever wrote it and whichever Python reads it. All characters are in `CODE_CHARACTERS`; others
    are written as ?. A module of the standard library differs from one version of Python to the
    next.

    Parameters
    ----------
    *modules : str
        Names of modules written in Python, such as "argparse"; they are read, and of what they
        belong to only the package above them is imported.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        For no modules.
    ImportError
        For a module that is not there, or that has no source.

    Examples
    --------
    >>> code = python_source("csv", "textwrap")
    >>> "import re" in code, '\"\"\"' in code, set(code) <= set(CODE_CHARACTERS)
    (True, False, True)
    """
    if not modules:
        raise ValueError("modules must name at least one module, such as 'argparse'")
    trees = (_FormatCalls().visit(_without_docstrings(_source(name))) for name in modules)
    code = "".join(ast.unparse(tree) + "\n" for tree in trees)
    allowed = set(CODE_CHARACTERS)
    return "".join(character if character in allowed else "?" for character in code)


def _source(name: str) -> str:
    spec = find_spec(name)
    loader: Any = None if spec is None else spec.loader
    source = loader.get_source(name) if hasattr(loader, "get_source") else None
    if source is None:
        raise ImportError(f"{name!r} must be a module with source code: there is none here")
    return source


def _without_docstrings(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


class _FormatCalls(ast.NodeTransformer):
    """f"{a:>{n}} b" as "{:>{}} b".format(a, n): Pythons differ in how they write and split the first."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Call:
        values: list[ast.expr] = []
        template = self._template(node, values)
        return ast.Call(ast.Attribute(ast.Constant(template), "format", ast.Load()), values, [])

    def _template(self, node: ast.JoinedStr, values: list[ast.expr]) -> str:
        template = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                values.append(self.visit(part.value))
                conversion = "" if part.conversion < 0 else f"!{chr(part.conversion)}"
                form = part.format_spec
                spec = f":{self._template(form, values)}" if isinstance(form, ast.JoinedStr) else ""
                template += f"{{{conversion}{spec}}}"
            else:
                template += str(ast.literal_eval(part)).replace("{", "{{").replace("}", "}}")
        return template


# Number words

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

ENGLISH = Vocabulary((PAD, START, END, *dict.fromkeys(_COUNTERPART.values()), "and"))
"""Words of English number names."""

GERMAN = Vocabulary((PAD, START, END, *_COUNTERPART, "und"))
"""Parts of German number names."""

# The longest part first, so that "siebzehn" is not cut after a shorter one.
_GERMAN_PART = re.compile("|".join(sorted((*_COUNTERPART, "und"), key=len, reverse=True)))


class NumberWords(NamedTuple):
    """A number, its English words and the parts of its German word."""

    number: int
    english: tuple[str, ...]
    german: tuple[str, ...]

    def alignment(self) -> list[int | None]:
        """For each German part, the position of the English word that it translates.

        By a dictionary and not by a network: what attention finds can be held against it. The
        second `ein` belongs to the second `one`, and `und` to no word at all.

        Returns
        -------
        list of int or None, one for each German part

        Examples
        --------
        >>> [pair] = number_words([421])
        >>> pair.alignment()
        [0, 1, 4, None, 3]
        """
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(self.english):
            positions.setdefault(word, []).append(position)
        return [positions[_COUNTERPART[part]].pop(0) if part != "und" else None for part in self.german]


def number_words(numbers: Iterable[int]) -> list[NumberWords]:
    """Name numbers in English and in German, as `num2words` does, cut into words.

    English loses its commas and hyphens. German writes a number as one word, which is cut into
    its parts; put together again they are that word.

    Parameters
    ----------
    numbers : iterable of int
        Each from 0 to 999,999.

    Returns
    -------
    list of NumberWords

    Raises
    ------
    ImportError
        Where `num2words` is not installed.
    ValueError
        For a number outside the range.

    Examples
    --------
    >>> [pair] = number_words([421])
    >>> pair.english
    ('four', 'hundred', 'and', 'twenty', 'one')
    >>> pair.german
    ('vier', 'hundert', 'ein', 'und', 'zwanzig')
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
    """Cut the English name of a number into words.

    Parameters
    ----------
    name : str

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        For anything that is not made of the words in `ENGLISH`.

    Examples
    --------
    >>> split_english("one thousand, two hundred and thirty-four")
    ('one', 'thousand', 'two', 'hundred', 'and', 'thirty', 'four')
    """
    words = tuple(re.split(r", |[ -]", name))
    ENGLISH.encode(words)
    return words


def split_german(name: str) -> tuple[str, ...]:
    """Cut the German name of a number into its parts.

    Parameters
    ----------
    name : str
        One word, as German writes it.

    Returns
    -------
    tuple of str
        Parts that make `name` when put together.

    Raises
    ------
    ValueError
        For anything that is not made of the parts in `GERMAN`.

    Examples
    --------
    >>> split_german("eintausendzweihundertvierunddreißig")
    ('ein', 'tausend', 'zwei', 'hundert', 'vier', 'und', 'dreißig')
    """
    parts = tuple(_GERMAN_PART.findall(name))
    if not parts or "".join(parts) != name:
        raise ValueError(f"name must be a German number below one million in one word, got {name!r}")
    return parts


def split(items: Sequence, held_out: int, rng: Generator) -> tuple[list, list]:
    """Shuffle, and keep some items away from training.

    Parameters
    ----------
    items : sequence
    held_out : int
        How many to keep away.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    training, held_out : lists

    Raises
    ------
    ValueError
        Where one of the two would be empty, or `held_out` is no whole number.

    Examples
    --------
    >>> training, test = split(range(5), 2, np.random.default_rng(0))
    >>> len(training), len(test), sorted(training + test)
    (3, 2, [0, 1, 2, 3, 4])
    """
    whole = isinstance(held_out, int | np.integer) and not isinstance(held_out, bool)
    if not whole or not 0 < held_out < len(items):
        raise ValueError(f"held_out must be a whole number between 1 and {len(items) - 1}, got {held_out!r}")
    order = rng.permutation(len(items))
    return [items[k] for k in order[held_out:]], [items[k] for k in order[:held_out]]


class TranslationBatch(NamedTuple):
    """Sequences of symbol numbers, each array (T, B), filled with PAD at the end.

    `source` is what the encoder reads. `previous` is what the decoder reads, START and then the
    right words; `target` is what it should say, the right words and then END. A mask is True
    where a word is real.
    """

    source: Numbers
    source_mask: Mask
    previous: Numbers
    target: Numbers
    target_mask: Mask


def translation_batch(pairs: Sequence[NumberWords]) -> TranslationBatch:
    """Number the words of some pairs and fill them up to one length.

    Parameters
    ----------
    pairs : sequence of NumberWords
        B of them.

    Returns
    -------
    TranslationBatch

    Examples
    --------
    >>> batch = translation_batch(number_words([7, 21]))
    >>> [ENGLISH.decode(column) for column in batch.source.T]
    [['seven', '<pad>'], ['twenty', 'one']]
    >>> GERMAN.decode(batch.previous[:, 1])
    ['<start>', 'ein', 'und', 'zwanzig']
    >>> GERMAN.decode(batch.target[:, 1])
    ['ein', 'und', 'zwanzig', '<end>']
    """
    source, source_mask = pad([ENGLISH.encode(pair.english) for pair in pairs])
    previous, target_mask = pad([GERMAN.encode((START, *pair.german)) for pair in pairs])
    target, _ = pad([GERMAN.encode((*pair.german, END)) for pair in pairs])
    return TranslationBatch(source, source_mask, previous, target, target_mask)


def pad(sequences: Sequence[Numbers]) -> tuple[Numbers, Mask]:
    """Stand sequences of different lengths side by side, with 0, the number of PAD, below the short ones.

    Parameters
    ----------
    sequences : B arrays of int, each (T_b,) with T_b ≥ 1

    Returns
    -------
    numbers : array of int (T, B)
        T is the longest of the T_b.
    mask : array of bool (T, B)
        True where a number comes from a sequence.

    Raises
    ------
    ValueError
        For no sequences, or an empty one.

    Examples
    --------
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


def _is_prose(paragraph: str) -> bool:
    flush_left = not any(line[:1].isspace() for line in paragraph.split("\n"))
    return flush_left and len(paragraph) >= 60 and paragraph[0].isalpha() and paragraph[-1] in ".:;"


def _in_one_line(paragraph: str) -> str:
    plain = paragraph.translate(str.maketrans("‘’“”–—", "''\"\"--"))
    return " ".join(plain.split())


def _in_range(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < 1_000_000:
        raise ValueError(f"numbers must be whole and lie between 0 and 999,999, got {number!r}")
    return int(number)
