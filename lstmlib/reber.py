"""The Reber grammars, for `lstm/training`: which symbols may come next, and what has to be remembered for it.

A batch is a `TaskBatch`, as of every task in `lstmlib.tasks`, and `rng`, a `numpy.random.Generator`, is the
only source of randomness.
"""

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lstmlib.activations import Array
from lstmlib.layer import check_rng, check_size
from lstmlib.tasks import TaskBatch

REBER_SYMBOLS = "BTPSXVE"

END_STATE = "end"
Grammar = dict[Any, dict[str, Any]]
"""For each state the symbols that may come next, all equally likely, each with the state it leads to."""

REBER: Grammar = {
    0: {"B": 1},
    1: {"T": 2, "P": 3},
    2: {"S": 2, "X": 4},
    3: {"T": 3, "V": 5},
    4: {"X": 3, "S": 6},
    5: {"P": 4, "V": 6},
    6: {"E": END_STATE},
}

# B, then T or P, a whole Reber string, the same T or P again, E. The state within the inner string
# carries the branch along: it is what has to be remembered.
EMBEDDED_REBER: Grammar = {
    0: {"B": 1},
    1: {branch: (branch, 0) for branch in "TP"},
    **{
        (branch, state): {symbol: (branch, following) for symbol, following in choices.items()}
        for branch in "TP"
        for state, choices in REBER.items()
    },
    **{(branch, END_STATE): {branch: 2} for branch in "TP"},
    2: {"E": END_STATE},
}


def reber(B: int, *, rng: Generator | None = None) -> TaskBatch:
    """Read a Reber string, and say after each symbol which may come next, for a batch of B strings.

    `x` (T, B, 7) is one-hot over `REBER_SYMBOLS`, without the final E, after which nothing comes; `target`
    (T, B, 7) is 1 for each symbol that may come next. They are equally likely, so the next symbol's
    probabilities are `target / target.sum(axis=-1, keepdims=True)`.

    Raises ValueError for a B below 1, or an `rng` that is no Generator. From Reber 1967; Cleeremans,
    Servan-Schreiber & McClelland 1989.

    A string has 8 symbols on average. With eₖ the number of symbols still to come in state k of `REBER`,
    e₆ = 1, e₅ = 1 + (e₄ + e₆)/2, e₄ = 1 + (e₃ + e₆)/2, e₃ = 1 + (e₃ + e₅)/2 and so on;
    solved, e₄ = 13/3, e₅ = 11/3, e₃ = 17/3, e₂ = 19/3, e₁ = 7, e₀ = 8.

    >>> batch = reber(2, rng=np.random.default_rng(0))
    >>> ["".join(REBER_SYMBOLS[k] for k in np.flatnonzero(legal)) for legal in batch.target[:3, 0]]
    ['TP', 'TV', 'PV']
    """
    return _next_symbols(REBER, B, rng)


def embedded_reber(B: int, *, rng: Generator | None = None) -> TaskBatch:
    """As `reber`, with strings that end as they began: the second symbol comes again last but one.

    A string is B, then T or P, a Reber string, the same T or P, and E: 12 symbols on average. The inner
    string says nothing about the branch, so a network must remember it all the while. From Cleeremans,
    Servan-Schreiber & McClelland 1989; Hochreiter & Schmidhuber 1997, section 5.1.

    >>> batch = embedded_reber(2, rng=np.random.default_rng(0))
    >>> bool((batch.x[1] == batch.x[batch.lengths - 1, [0, 1]]).all())
    True
    """
    return _next_symbols(EMBEDDED_REBER, B, rng)


def reber_string(grammar: Grammar = REBER, *, rng: Generator | None = None) -> str:
    """A random string of `REBER` or `EMBEDDED_REBER`, by a walk through the grammar.

    Raises ValueError for an `rng` that is no Generator.

    >>> reber_string(EMBEDDED_REBER, rng=np.random.default_rng(1))
    'BTBPVVETE'
    """
    rng = check_rng(rng)
    state, string = 0, ""
    while state != END_STATE:
        choices = grammar[state]
        symbol = list(choices)[rng.integers(len(choices))]
        string, state = string + symbol, choices[symbol]
    return string


def legal_next(prefix: str, grammar: Grammar = REBER) -> str:
    """The symbols that may follow `prefix`: none after a whole string, or after a mistake.

    >>> legal_next("BTX"), legal_next("BTXSE"), legal_next("BB")
    ('XS', '', '')
    """
    return "".join(grammar.get(_walk(prefix, grammar), ""))


def is_legal(string: str, grammar: Grammar = REBER) -> bool:
    """Whether `string` is a whole string of the grammar.

    >>> is_legal("BTXSE"), is_legal("BTXS"), is_legal("BPBTXSETE", EMBEDDED_REBER)
    (True, False, False)
    """
    return _walk(string, grammar) == END_STATE


def predicts_legal_symbols(y: Array, batch: TaskBatch) -> NDArray[np.bool_]:
    """The criterion of 1997 for a Reber string: at every step the legal symbols score highest.

    `y` (T, B, 7) are a network's scores for a batch of `reber` or `embedded_reber`. Returns booleans (B,),
    True where every legal symbol has a higher score than every other, at all real steps. Raises ValueError
    for scores that do not have the shape of the target. From Hochreiter & Schmidhuber 1997, section 5.1.

    >>> batch = reber(2, rng=np.random.default_rng(0))
    >>> predicts_legal_symbols(batch.target, batch), predicts_legal_symbols(-batch.target, batch)
    (array([ True,  True]), array([False, False]))
    """
    if np.shape(y) != batch.target.shape:
        raise ValueError(f"y must have the shape of the target, {batch.target.shape}, got {np.shape(y)}")
    legal = batch.target > 0
    lowest_legal = np.where(legal, y, np.inf).min(axis=-1)
    highest_other = np.where(legal, -np.inf, y).max(axis=-1)
    return ((lowest_legal > highest_other) | ~batch.mask).all(axis=0)


def _next_symbols(grammar: Grammar, B: int, rng: Generator | None) -> TaskBatch:
    B, rng = check_size(B, "B"), check_rng(rng)
    strings = [reber_string(grammar, rng=rng) for _ in range(B)]
    lengths = np.array([len(string) - 1 for string in strings])
    mask = np.arange(lengths.max())[:, None] < lengths
    x, target = np.zeros((2, *mask.shape, len(REBER_SYMBOLS)))
    for b, string in enumerate(strings):
        state: Any = 0
        for t, symbol in enumerate(string[:-1]):
            state = grammar[state][symbol]
            x[t, b, REBER_SYMBOLS.index(symbol)] = 1
            target[t, b, [REBER_SYMBOLS.index(legal) for legal in grammar[state]]] = 1
    return TaskBatch(x, target, mask)


def _walk(string: str, grammar: Grammar) -> Any:
    """The state that `string` leads to, or None where it breaks the grammar."""
    state: Any = 0
    for symbol in string:
        state = grammar.get(state, {}).get(symbol)
    return state
