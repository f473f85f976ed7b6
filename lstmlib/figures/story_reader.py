"""Two trained networks that travel in the page: a story and a question to type, and what each answers."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import Array, softmax
from lstmlib.figures.arrays import check_shapes, from_torch, of_lstm, pack
from lstmlib.figures.canvas import Canvas, Figure, module_source, shared
from lstmlib.lstm import LSTM
from lstmlib.stories import (
    LEAVES,
    MOST_SENTENCES,
    MOVES,
    PEOPLE,
    PLACES,
    TAKES,
    THINGS,
    WORDS,
    Sentence,
    Whereabouts,
    read_question,
    read_story,
    where_is,
)

LSTM_NAMES = {**of_lstm("lstm"), "lstm.read.W": "read.weight", "lstm.read.b": "read.bias"}
MEMORY_NAMES = {
    "memory.words": "words",
    "memory.times": "times",
    "memory.ask": "ask.weight",
    "memory.read.W": "read.weight",
    "memory.read.b": "read.bias",
}


class Reading(NamedTuple):
    """What the networks make of a story: for each a probability of every place (6,), and the looks (K, T)."""

    lstm: Array
    memory: Array
    looks: Array


class _StoryReaderCanvas(Canvas):
    _esm = module_source("story_reader")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    grammar: Any = traitlets.Dict(
        {
            "people": list(PEOPLE),
            "places": list(PLACES),
            "things": list(THINGS),
            "moves": list(MOVES),
            "takes": list(TAKES),
            "leaves": list(LEAVES),
            "words": list(WORDS.symbols),
            "most": MOST_SENTENCES,
        }
    ).tag(sync=True)
    samples: Any = traitlets.List().tag(sync=True)
    sample = traitlets.Int(-1).tag(sync=True)
    story = traitlets.Unicode().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)

    @traitlets.observe("sample")
    def _show_the_sample(self, _: Any) -> None:
        if self.sample >= 0:
            _, self.story, self.question = self.samples[self.sample]


def _story(text: str, name: str) -> str:
    read_story(text)
    return text


def _question(text: str, name: str) -> str:
    read_question(text)
    return text


class StoryReader(Figure):
    """An LSTM and a memory network, with their weights in the page, and a story to write for them.

    The reader picks one of `samples`, or types a story of up to 20 sentences and a question; the page draws
    for every sentence how much each look of the memory network weighs it, and says what both networks
    answer, and what a careful reader does (`where_is`). What cannot be read gets a sentence. The weights
    travel as float32, compressed.

    `lstm` is the `state_dict` of a torch model with the parts `lstm` (an `LSTM` over sentences, each a bag of
    words with the question's word beside it) and `read` (`Linear`). `memory` is that of a memory network:
    `words` (K + 1, V, D) and `times` (K + 1, 20, D) for K looks, `ask` (`Linear` without bias) and `read`.
    `samples` has for each name a story and a question. `story`, `question` and `sample` are as the reader has
    set them; Python may set them too.

    Raises ValueError for weights of another shape, no samples, or a text that `read_story` or
    `read_question` does not take.
    """

    def __init__(
        self,
        lstm: Mapping[str, ArrayLike],
        memory: Mapping[str, ArrayLike],
        samples: Mapping[str, tuple[str, str]],
    ) -> None:
        self._lstm, self._memory = _lstm(lstm), _memory(memory)
        if not samples:
            raise ValueError("samples must hold at least one story and question, under a name")
        travelling = [
            [name, _story(story, name), _question(question, name)]
            for name, (story, question) in samples.items()
        ]
        looks = range(len(self._memory["memory.words"]))
        arrays = {**self._lstm, **self._memory}
        for part in ("memory.words", "memory.times"):
            arrays |= {f"{part}.{k}": arrays[part][k] for k in looks}
            del arrays[part]
        canvas = _StoryReaderCanvas(**pack(arrays), samples=travelling)
        super().__init__(canvas, sample=next(iter(samples)))

    story = shared("story", _story)
    question = shared("question", _question)

    @property
    def sample(self) -> str | None:
        """The name of the story that was picked; None where the reader's own is shown."""
        return None if self._canvas.sample < 0 else self._canvas.samples[self._canvas.sample][0]

    @sample.setter
    def sample(self, sample: str | None) -> None:
        names = [name for name, *_ in self._canvas.samples]
        if sample is not None and sample not in names:
            raise ValueError(f"sample must be None or one of {names}, got {sample!r}")
        self._canvas.sample = -1 if sample is None else names.index(sample)

    @property
    def sentences(self) -> list[Sentence]:
        """The story, as numbers of `WORDS`."""
        return read_story(self.story)

    @property
    def whereabouts(self) -> Whereabouts:
        """What a careful reader says."""
        return where_is(self.sentences, read_question(self.question))

    @property
    def reading(self) -> Reading:
        """What the networks make of the story and the question."""
        words, asked = np.eye(len(WORDS)), read_question(self.question)
        x = words[np.array(self.sentences)].sum(axis=1)
        beside = np.hstack([x, np.tile(words[asked], (len(x), 1))])
        layer = LSTM(2 * len(WORDS), self._lstm["lstm.W_h"].shape[1])
        layer.params.update({name: self._lstm[f"lstm.{name}"] for name in ("W_x", "W_h", "b")})
        h, _ = layer.forward(beside[:, None])
        memory = self._memory
        u, looks = memory["memory.ask"] @ words[asked], []
        memories = [
            x @ table + times[: len(x)][::-1]
            for table, times in zip(memory["memory.words"], memory["memory.times"], strict=True)
        ]
        for m, c in pairwise(memories):
            looks.append(softmax(m @ u))
            u = u + looks[-1] @ c
        return Reading(
            softmax(self._lstm["lstm.read.W"] @ h[-1, 0] + self._lstm["lstm.read.b"]),
            softmax(memory["memory.read.W"] @ u + memory["memory.read.b"]),
            np.stack(looks),
        )


def _lstm(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    arrays = from_torch(weights, LSTM_NAMES)
    V, H, P = len(WORDS), len(arrays["lstm.b"]) // 4, len(PLACES)
    shapes: dict[str, tuple[int, ...]] = {"lstm.W_x": (4 * H, 2 * V), "lstm.W_h": (4 * H, H)}
    shapes |= {"lstm.b": (4 * H,), "lstm.read.W": (P, H), "lstm.read.b": (P,)}
    check_shapes(arrays, shapes, LSTM_NAMES)
    return arrays


def _memory(weights: Mapping[str, ArrayLike]) -> dict[str, Array]:
    arrays = from_torch(weights, MEMORY_NAMES)
    D, K, P = len(arrays["memory.ask"]), len(arrays["memory.words"]), len(PLACES)
    if K < 2:
        raise ValueError(f"words must have shape (K + 1, V, D), with K looks, at least one; got {K} tables")
    shapes: dict[str, tuple[int, ...]] = {"memory.words": (K, len(WORDS), D), "memory.ask": (D, len(WORDS))}
    shapes |= {"memory.times": (K, MOST_SENTENCES, D), "memory.read.W": (P, D), "memory.read.b": (P,)}
    check_shapes(arrays, shapes, MEMORY_NAMES)
    return arrays
