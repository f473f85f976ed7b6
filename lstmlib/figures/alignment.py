"""A trained translator that travels in the page: a number to choose, and where each word looks."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from lstmlib.attention import AdditiveAttention, DotAttention
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.figures.arrays import pack
from lstmlib.figures.canvas import Canvas, Figure, module_source, one_of, shared
from lstmlib.number_words import ENGLISH, GERMAN, number_words
from lstmlib.translation import Translator
from lstmlib.vocabulary import END, START

MOST_WORDS = 20
"""The most words that a translation may have."""
HIGHEST_NUMBER = 999_999
"""The highest that `number_words` has words for."""


class _AlignmentCanvas(Canvas):
    _esm = module_source("alignment")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    vocabulary = traitlets.Dict({"english": list(ENGLISH.symbols), "german": list(GERMAN.symbols)}).tag(
        sync=True
    )
    start, end = (traitlets.Int(GERMAN.symbols.index(word)).tag(sync=True) for word in (START, END))
    number = traitlets.Int().tag(sync=True)
    highest = traitlets.Int(HIGHEST_NUMBER).tag(sync=True)
    hidden: Any = traitlets.List().tag(sync=True)
    scoring = traitlets.Unicode().tag(sync=True)
    scorings: Any = traitlets.List().tag(sync=True)
    longest = traitlets.Int(MOST_WORDS).tag(sync=True)

    @traitlets.observe("number")
    def _show_every_word(self, _: Any) -> None:
        self.hidden = []


def _number(number: int, name: str) -> int:
    number_words([number])
    return int(number)


class Alignment(Figure):
    """A trained translator of number words, with its weights in the page.

    The reader types a number, chooses a score, and hides words from the attention; the page translates, and
    draws the attention weights. The weights travel as float32, compressed.

    `models` holds for each score's name a `Translator` from `ENGLISH` to `GERMAN`, with a
    `BidirectionalLSTM` and dot or additive attention. `number`, `scoring` and `hidden` are as the reader
    has set them; Python may set them too.

    Raises ValueError for no models, a model of another kind, or a number that is not from 0 to 999,999.

    >>> rng = np.random.default_rng(0)
    >>> from lstmlib.lstm import LSTM
    >>> encoder, decoder = BidirectionalLSTM(len(ENGLISH), 4, rng=rng), LSTM(len(GERMAN), 4, rng=rng)
    >>> figure = Alignment({"dot": Translator(encoder, decoder, DotAttention(4), rng=rng)}, number=42)
    >>> figure.english
    ('forty', 'two')
    """

    def __init__(self, models: Mapping[str, Translator], number: int = 21) -> None:
        if not models:
            raise ValueError("models must hold at least one translator, under the name of its score")
        self._models = {name: _in_float32(name, model) for name, model in models.items()}
        arrays = {
            f"{k}.{name}": array
            for k, model in enumerate(self._models.values())
            for name, array in _arrays(model).items()
        }
        names = list(self._models)
        super().__init__(_AlignmentCanvas(**pack(arrays), scorings=names, scoring=names[0]), number=number)

    number = shared("number", _number)

    @property
    def english(self) -> tuple[str, ...]:
        """The number in words."""
        return number_words([self.number])[0].english

    @property
    def scoring(self) -> str:
        """The score whose translator speaks."""
        return self._canvas.scoring

    @scoring.setter
    def scoring(self, scoring: str) -> None:
        self._canvas.scoring = one_of(self._models)(scoring, "scoring")

    @property
    def hidden(self) -> list[int]:
        """Positions of the source that the attention does not see."""
        return list(self._canvas.hidden)

    @hidden.setter
    def hidden(self, hidden: Sequence[int]) -> None:
        places = range(len(self.english))
        if not set(hidden) < set(places):
            raise ValueError(
                f"hidden must be positions from 0 to {places[-1]}, and leave one to be seen; got {hidden!r}"
            )
        self._canvas.hidden = list(hidden)

    @property
    def german(self) -> tuple[str, ...]:
        """What the network says."""
        return self._translate()[0]

    @property
    def alignment(self) -> np.ndarray:
        """The attention weights for each word said, (T, S)."""
        return self._translate()[1]

    def _translate(self) -> tuple[tuple[str, ...], np.ndarray]:
        source = ENGLISH.encode(self.english)[:, None]
        visible = np.ones_like(source, bool)
        visible[self.hidden] = False
        model = self._models[self.scoring]
        words, weights = model.translate(source, np.ones_like(visible), self._canvas.longest, visible)
        said = GERMAN.decode(words[:, 0])
        end = said.index(END) if END in said else len(said)
        assert weights is not None  # every model here has attention
        return tuple(map(str, said[:end])), weights[:end, 0]


def _in_float32(name: str, model: Translator) -> Translator:
    """A copy in float64 whose weights are those that the page gets."""
    fits = (
        isinstance(model, Translator)
        and isinstance(model.encoder, BidirectionalLSTM)
        and isinstance(model.attention, DotAttention | AdditiveAttention)
        and (model.encoder.input_size, model.decoder.input_size) == (len(ENGLISH), len(GERMAN))
    )
    if not fits:
        raise ValueError(
            f"models[{name!r}] must be a Translator of number words with a BidirectionalLSTM and dot or "
            f"additive attention, got {type(model).__name__}"
        )
    copied = copy.deepcopy(model)
    for array in _arrays(copied).values():
        array[...] = array.astype(np.float32)
    return copied


def _arrays(model: Translator) -> dict[str, np.ndarray]:
    """Every array of a translator, under the name that the page finds it at."""
    encoder: Any = model.encoder
    attention: Any = model.attention
    parts = {
        "encoder.there": encoder.directions["forward"],
        "encoder.back": encoder.directions["backward"],
        "decoder": model.decoder,
        "attention": attention,
        "readout": model.readout,
    }
    return {
        f"{part}.{param}": array for part, layer in parts.items() for param, array in layer.params.items()
    }
