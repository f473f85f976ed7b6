"""The race of the page on questions, run on for longer than the page can afford.

    python experiments/more_questions.py [--jobs 2]

Stories, networks and training are those of `chapters/applications/question_answering`, whose cells with
definitions are executed. Every network learns from each of `SEEDS`, and its shares of the test right after
each of `BUDGETS` are a row of `more_questions.csv`, with versions and processor. A run that stands there is
not repeated.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from claims import ROOT, code
from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "applications/question_answering", "thousand-print"
LATER = "memory", "both"
"""Cells with definitions behind the first that trains."""
NETWORKS = {
    "LSTM, question beside": ("StoryLSTM", {}, 0.02),
    "LSTM, question first": ("StoryLSTM", {"question": "first"}, 0.02),
    "LSTM, question last": ("StoryLSTM", {"question": "last"}, 0.02),
    "LSTM, word by word": ("StoryLSTM", {"question": "last"}, 0.02),
    "LSTM, 64 units": ("StoryLSTM", {"H": 64}, 0.02),
    "LSTM and two looks": ("LookingLSTM", {}, 0.02),
    "one look": ("MemoryNetwork", {"looks": 1}, 0.01),
    "one wide look": ("MemoryNetwork", {"looks": 1, "D": 88}, 0.01),
    "two looks": ("MemoryNetwork", {"looks": 2}, 0.01),
    "three looks": ("MemoryNetwork", {"looks": 3}, 0.01),
    "window of ten": ("Flat", {"window": True}, 0.005),
}
"""The network of the page, how it is made, and its learning rate."""
FEW = "LSTM, question beside", "two looks"
"""What learns from 1,000 stories too."""
SEEDS = range(3)
BUDGETS = 400, 800, 1600, 3200


def prepared() -> dict[str, Any]:
    """What the page defines."""
    names = definitions(PAGE, CELL)
    sources = dict(code(ROOT / f"chapters/{PAGE}.ipynb"))
    for cell in LATER:
        exec(sources[cell], names)
    return names


def learn(stories: str, network: str, seed: int) -> Rows:
    """One run: the shares right after each budget."""
    names = prepared()
    name, options, rate = NETWORKS[network]
    make = partial(names[name], **options)
    view = names["word_by_word" if network == "LSTM, word by word" else "as_vectors"]
    _, shares = names["study"](make, rate, BUDGETS, seed, 1000 if stories == "1,000" else None, view)
    return [
        {"stories": stories, "network": network, "seed": seed, "updates": updates}
        | {kind: f"{share:.3f}" for kind, share in zip(("persons", "things", "left"), kinds, strict=True)}
        | machine()
        for updates, kinds in zip(BUDGETS, shares, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    for stories, networks in (("new", NETWORKS), ("1,000", FEW)):
        yield from ((stories, network, seed) for network in networks for seed in SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
