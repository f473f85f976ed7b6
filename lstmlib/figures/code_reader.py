"""A trained reader of code that travels in the page, and the same layer before training: a text for both."""

from typing import Any, NamedTuple

import numpy as np
import traitlets

from lstmlib.activations import Array, log_softmax, softmax
from lstmlib.figures.arrays import pack
from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, shared
from lstmlib.figures.pen_writer import HIGHEST_SEED, _seed, chance_from
from lstmlib.lstm import LSTM
from lstmlib.readout import Readout
from lstmlib.vocabulary import CODE_CHARACTERS

MOST_TYPED = 2000
"""The most characters that a text may have."""
MOST_WRITTEN = 500
"""The most that the network writes after it."""
AT_ONCE = 100
TEMPERATURE = Between(0.2, 1.5)
TEXT = """\
def mean(values):
    total = sum(values)
    if not values:
        raise ValueError('values must hold a number (or more)')
    return {'mean': total / len(values)}
"""
"""What stands in the field if nothing else is said."""


class CodeReading(NamedTuple):
    """What both networks make of a text of T characters, for one unit.

    `i`, `f`, `g`, `o`, `c` are those of the trained layer, each (T,), and `untrained` is c before training.
    `level` is the mean of the unit's output over the typed text. `nats` and `held` are -log p of each
    character, with the unit as it is and held still at `level`; NaN for the first character and for those
    that the alphabet does not have.
    """

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    untrained: Array
    level: float
    nats: Array
    held: Array


class _CodeReaderCanvas(Canvas):
    _esm = module_source("code_reader")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    alphabet = traitlets.Unicode().tag(sync=True)
    longest = traitlets.Int(MOST_TYPED).tag(sync=True)
    most = traitlets.Int(MOST_WRITTEN).tag(sync=True)
    once = traitlets.Int(AT_ONCE).tag(sync=True)
    highest = traitlets.Int(HIGHEST_SEED).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    written = traitlets.Unicode().tag(sync=True)
    place = traitlets.Int().tag(sync=True)
    unit = traitlets.Float().tag(sync=True)
    still = traitlets.Bool().tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)

    @traitlets.observe("text")
    def _forget_what_was_written(self, _: Any) -> None:
        self.written = ""


def _text(text: str, name: str) -> str:
    if not isinstance(text, str) or not 1 <= len(text) <= MOST_TYPED:
        raise ValueError(f"{name} must have 1 to {MOST_TYPED} characters, got {text!r:.40}")
    return text


def _truth(value: bool, name: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value


class CodeReader(Figure):
    """A trained LSTM that reads what is typed, character by character, beside the same layer before training.

    The reader types a text of up to 2,000 characters; each is coloured by the cell state of one unit, above
    or below its mean over the text, and a slider chooses the unit. At the place that is marked the figure
    says the unit's gates, and which characters are likeliest to come next. With `still` the output of the
    unit is replaced by its mean over the text, and the figure shows at which characters the loss rises. And
    the network writes on, drawn at a temperature. A character that the alphabet does not have is read as
    zeros. The weights travel as float32, compressed, after they were rounded to float16; all that Python
    says is of these weights.

    `layer` and `readout` are the trained network, with a one-hot character of `alphabet` as input, and
    `fresh` is the layer before training. `text`, `written` (what the network added), `place` (counted from
    0, at first the last), `unit`, `still`, `temperature` and `seed` are as the reader has set them; Python
    may set them too, all but `written`, to which `write_on` adds.

    Raises ValueError for networks of other sizes, a text that is empty or longer, a place outside the text, a
    unit that the layer does not have, a temperature outside 0.2 to 1.5, or a seed that is no whole number
    from 0 to 999.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fresh = LSTM(3, 4, rng=rng)
    >>> figure = CodeReader(LSTM(3, 4, rng=rng), Readout(4, 3, rng=rng), fresh, "ab\\n", text="abba")
    >>> figure.write_on(3)
    >>> figure.text, len(figure.written), figure.reading.c.shape
    ('abba', 3, (7,))
    """

    def __init__(
        self,
        layer: LSTM,
        readout: Readout,
        fresh: LSTM,
        alphabet: str = CODE_CHARACTERS,
        text: str = TEXT,
        unit: int = 0,
        temperature: float = 0.7,
        seed: int = 1,
    ) -> None:
        _check_sizes(layer, readout, fresh, alphabet)
        self._layer, self._fresh, self._readout = _rounded(layer), _rounded(fresh), _rounded_readout(readout)
        parts: dict[str, LSTM | Readout] = {
            "lstm": self._layer,
            "readout": self._readout,
            "fresh": self._fresh,
        }
        arrays = {f"{part}.{name}": a for part, made in parts.items() for name, a in made.params.items()}
        self._units = Between(0, layer.hidden_size - 1)
        canvas = _CodeReaderCanvas(**pack(arrays), alphabet=alphabet)
        super().__init__(canvas, text=text, unit=unit, temperature=temperature, seed=seed)
        self.place = len(text) - 1
        self._add_slider("unit", "unit", self._units, 1).readout_format = ".0f"
        self._add_slider("temperature", "temperature", TEMPERATURE, 0.1)

    text = shared("text", _text)
    still = shared("still", _truth)
    temperature = shared("temperature", TEMPERATURE.check)
    seed = shared("seed", _seed)
    written = property(lambda self: self._canvas.written)

    @property
    def unit(self) -> int:
        """The unit that is shown: the nearest, where a number beside the slider is not whole."""
        return int(self._canvas.unit + 0.5)

    @unit.setter
    def unit(self, unit: int) -> None:
        if not self._units.check(unit, "unit").is_integer():
            raise ValueError(f"unit must be a whole number, got {unit!r}")
        self._canvas.unit = unit

    @property
    def place(self) -> int:
        """The character that is marked, counted from 0."""
        return min(self._canvas.place, len(self._whole) - 1)

    @place.setter
    def place(self, place: int) -> None:
        if not isinstance(place, int | np.integer) or not 0 <= place < len(self._whole):
            raise ValueError(f"place must be a whole number from 0 to {len(self._whole) - 1}, got {place!r}")
        self._canvas.place = int(place)

    @property
    def reading(self) -> CodeReading:
        """What both networks make of the text, and of what was written after it."""
        x, numbers = self._read()
        h, _ = self._layer.forward(x)
        trace = {name: getattr(self._layer.trace, name)[:, 0, self.unit] for name in "ifgoc"}
        self._fresh.forward(x)
        still = self._network(True)
        return CodeReading(
            **trace,
            untrained=self._fresh.trace.c[:, 0, self.unit],
            level=self._level,
            nats=_nats(self._readout.forward(h)[:, 0], numbers),
            held=_nats(still[1].forward(still[0].forward(x)[0])[:, 0], numbers),
        )

    @property
    def expected(self) -> Array:
        """The probability of each character of the alphabet to come after the one that is marked."""
        layer, readout = self._network(self.still)
        return softmax(readout.forward(layer.forward(self._read()[0][: self.place + 1])[0])[-1, 0])

    def write_on(self, count: int = AT_ONCE) -> None:
        """Add `count` characters to the text, each drawn at the temperature, and up to 500 in all."""
        layer, readout = self._network(self.still)
        h, state = layer.forward(self._read()[0])
        begin = len(self.written)
        count = min(count, MOST_WRITTEN - begin)
        rows = np.eye(layer.input_size)
        for u in chance_from(self.seed * MOST_WRITTEN + begin, count):
            p = softmax(readout.forward(h)[-1, 0] / self.temperature)
            number = min(int(np.searchsorted(np.cumsum(p), u, side="right")), len(rows) - 1)
            self._canvas.written += self._canvas.alphabet[number]
            h, state = layer.forward(rows[number][None, None], state)

    @property
    def _whole(self) -> str:
        return self.text + self.written

    def _read(self) -> tuple[Array, list[int]]:
        """One row for each character (T, 1, V), zeros for one that is unknown; and its number, or -1."""
        numbers = [self._canvas.alphabet.find(character) for character in self._whole]
        return np.eye(self._layer.input_size + 1)[numbers][:, None, :-1], numbers

    @property
    def _level(self) -> float:
        h, _ = self._layer.forward(self._read()[0][: len(self.text)])
        return float(h[:, 0, self.unit].mean())

    def _network(self, still: bool) -> tuple[LSTM, Readout]:
        """The trained network; with `still`, as if the output of the unit were `level` at every step."""
        if not still:
            return self._layer, self._readout
        level, layer, readout = self._level, _rounded(self._layer), _rounded_readout(self._readout)
        for params, name in ((layer.params, "W_h"), (readout.params, "W")):
            params["b"] += level * params[name][:, self.unit]
            params[name][:, self.unit] = 0
        return layer, readout


def _nats(scores: Array, numbers: list[int]) -> Array:
    """-log p of each character, by the scores after the one before it."""
    log_p = log_softmax(scores)
    known = [(t, number) for t, number in enumerate(numbers) if t and number >= 0]
    nats = np.full(len(numbers), np.nan)
    for t, number in known:
        nats[t] = -log_p[t - 1, number]
    return nats


def _check_sizes(layer: Any, readout: Any, fresh: Any, alphabet: str) -> None:
    V = len(alphabet)
    if len(set(alphabet)) != V or not V:
        raise ValueError(f"alphabet must hold characters that differ from each other, got {alphabet!r:.40}")
    for name, given in (("layer", layer), ("fresh", fresh)):
        if type(given) is not LSTM or given.input_size != V:
            raise ValueError(f"{name} must be an LSTM with {V} inputs, one for each character, got {given!r}")
    H = layer.hidden_size
    if fresh.hidden_size != H:
        raise ValueError(f"fresh must have as many units as layer, {H}, got {fresh!r}")
    if not isinstance(readout, Readout) or (readout.input_size, readout.output_size) != (H, V):
        raise ValueError(f"readout must be a Readout with {H} inputs and {V} outputs, got {readout!r}")


def _rounded(layer: LSTM) -> LSTM:
    """A copy in float64 with the weights that the page gets."""
    made = LSTM(layer.input_size, layer.hidden_size)
    _copy(layer, made)
    return made


def _rounded_readout(readout: Readout) -> Readout:
    made = Readout(readout.input_size, readout.output_size)
    _copy(readout, made)
    return made


def _copy(given: LSTM | Readout, made: LSTM | Readout) -> None:
    for name, array in given.params.items():
        made.params[name][...] = array.astype(np.float16)
