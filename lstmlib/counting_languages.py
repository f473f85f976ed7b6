"""Languages that need a counter or a stack, for `applications/grammar`: which symbols may come next.

A language is named by its symbols. Letters stand for blocks of equal length, one block for each letter:
"ab" is aⁿbⁿ, "abc" is aⁿbⁿcⁿ, with n of at least 1. `BRACKETS` are two kinds of brackets, well nested, at
any depth (Dyck-2). A batch is a `TaskBatch`, as of every task in `lstmlib.tasks`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.checks import check_rng, check_size
from lstmlib.tasks import TaskBatch

BRACKETS = "()[]"
PAIRS = {"(": ")", "[": "]"}
END = "."
"""Where it is among the legal symbols, the string may end."""


def counted(n: int, symbols: str = "ab") -> str:
    """The string with n of each letter, such as aⁿbⁿ.

    Raises ValueError for an n below 1, or symbols that are no letters.

    >>> counted(2), counted(3, "abc")
    ('aabb', 'aaabbbccc')
    """
    if _symbols(symbols) == BRACKETS:
        raise ValueError(f"symbols must be letters, such as 'ab', got {symbols!r}: see nested_brackets")
    return "".join(check_size(n, "n") * letter for letter in symbols)


def nested_brackets(depth: int, *, rng: Generator | None = None) -> str:
    """A random string of `BRACKETS` that is exactly `depth` deep at its deepest.

    Until that depth is reached the next symbol opens with probability 0.7, afterwards with 0.3; a closing
    one is drawn only where something is open, an opening one never beyond `depth`. The kind of an opening
    bracket is a coin's. Raises ValueError for a depth below 1, or an `rng` that is no Generator.

    >>> nested_brackets(2, rng=np.random.default_rng(1))
    '()[[]]'
    """
    depth, rng = check_size(depth, "depth"), check_rng(rng)
    string, stack, reached = "", "", False
    while stack or not reached:
        opens = not stack or (len(stack) < depth and rng.random() < (0.3 if reached else 0.7))
        if opens:
            bracket = "(["[rng.integers(2)]
            string, stack = string + bracket, stack + bracket
        else:
            string, stack = string + PAIRS[stack[-1]], stack[:-1]
        reached |= len(stack) == depth
    return string


def legal_next(string: str, symbols: str = "ab") -> list[str]:
    """For each symbol of `string` those that may come after it, `END` among them where it may end there.

    An opening bracket may come anywhere, a closing one only where it closes what was opened last. Raises
    ValueError for a symbol that is not of the language, or not legal where it stands.

    >>> legal_next("aabb"), legal_next("([", BRACKETS), legal_next("()", BRACKETS)
    (['ab', 'ab', 'b', '.'], ['([)', '([]'], ['([)', '([.'])
    """
    brackets = _symbols(symbols) == BRACKETS
    legal, found = "".join(PAIRS) if brackets else symbols[0], []
    owed: list[str] = []  # the closing brackets still to come, the next one last
    counts = dict.fromkeys(symbols, 0)
    for t, symbol in enumerate(string):
        if symbol not in symbols:
            raise ValueError(f"string[{t}] must be one of {symbols!r}, got {symbol!r}")
        if symbol not in legal:
            wanted = repr(legal) if legal != END else "the end"
            raise ValueError(f"string[{t}] is {symbol!r}, where the grammar allows {wanted}")
        if brackets:
            if symbol in PAIRS:
                owed.append(PAIRS[symbol])
            else:
                owed.pop()
            legal = "".join(PAIRS) + (owed[-1] if owed else END)
        else:
            counts[symbol] += 1
            legal = _legal_letters(symbol, counts, symbols)
        found.append(legal)
    return found


def next_symbol_batch(strings: Sequence[str], symbols: str = "ab") -> TaskBatch:
    """Read each string, and say after every symbol which may come next.

    `x` (T, B, K) is one-hot over the K symbols, zeros in the padding; `target` (T, B, K + 1) is 1 for each
    legal next symbol, with `END` as the last column, and 0 elsewhere. T is the longest string's length.

    Raises ValueError for no strings, an empty string, or one that `legal_next` refuses. As in Gers &
    Schmidhuber 2001, where a string also began with a start symbol.

    >>> next_symbol_batch(["ab", "aabb"]).target[:, 0]
    array([[1., 1., 0.],
           [0., 0., 1.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """
    if isinstance(strings, str) or not len(strings) or not all(strings):
        raise ValueError(f"strings must be a list of strings of at least one symbol, got {strings!r}")
    legal = [legal_next(string, symbols) for string in strings]
    mask = np.arange(max(map(len, strings)))[:, None] < np.array([len(string) for string in strings])
    x, target = (np.zeros((*mask.shape, count)) for count in (len(symbols), len(symbols) + 1))
    column = {symbol: k for k, symbol in enumerate(symbols + END)}
    for b, string in enumerate(strings):
        for t, symbol in enumerate(string):
            x[t, b, column[symbol]] = 1
            target[t, b, [column[one] for one in legal[b][t]]] = 1
    return TaskBatch(x, target, mask)


def steps_right(y: ArrayLike, batch: TaskBatch) -> NDArray[np.bool_]:
    """Where the scores are positive for the legal next symbols, and for no others.

    `y` (T, B, K + 1) are a network's scores for a batch of `next_symbol_batch`; a symbol with a positive
    score counts as allowed. Returns booleans (T, B), True in the padding too, so that `.all(axis=0)` says
    which strings are right at every symbol. Raises ValueError for scores of another shape than the target.

    >>> batch = next_symbol_batch(["ab"])
    >>> steps_right(batch.target - 0.5, batch)[:, 0], steps_right(np.ones((2, 1, 3)), batch)[:, 0]
    (array([ True,  True]), array([False, False]))
    """
    scores = np.asarray(y)
    if scores.shape != batch.target.shape:
        raise ValueError(f"y must have the shape of the target, {batch.target.shape}, got {scores.shape}")
    return ((scores > 0) == (batch.target > 0)).all(axis=-1) | ~batch.mask


def _legal_letters(last: str, counts: dict[str, int], symbols: str) -> str:
    """What may follow a block that `last` belongs to: the first may go on, the others must fill up."""
    block = symbols.index(last)
    if block == 0:
        return symbols[:2]
    return last if counts[last] < counts[symbols[0]] else (symbols + END)[block + 1]


def _symbols(symbols: str) -> str:
    """`symbols` if they name a language, or a ValueError."""
    letters = isinstance(symbols, str) and symbols.isalpha() and len(set(symbols)) == len(symbols) > 1
    if not letters and symbols != BRACKETS:
        raise ValueError(f"symbols must be different letters, such as 'ab', or {BRACKETS!r}, got {symbols!r}")
    return symbols
