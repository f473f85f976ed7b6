"""The encoder and decoder of `attention/attention`, put together from the layers of the course.

k_1 … k_S = encoder(source)                       a state for every word read
q_t = decoder(word_{t−1}, q_{t−1})                a state for every word said
α_t, context_t = attention(q_t, k_1 … k_S)        where to look, and what is found there
word_t ~ softmax(W [q_t, context_t] + b)

Without attention the decoder starts from the encoder's last state, the only thing it is told, and
reads out q_t alone. With attention it starts from zero: whatever it knows of the source, it looked up.

The context goes to the readout and not into the next step, as Luong's does, so that all queries of
a sentence are known at once and one product scores them all. Bahdanau's decoder reads the context
in its next step.
"""

import copy
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array, log_softmax
from lstmlib.attention import Attention
from lstmlib.checks import Mask, check_array, check_mask, check_rng, check_size
from lstmlib.layer import Params
from lstmlib.lstm import LSTM, LSTMState
from lstmlib.readout import Readout, cross_entropy
from lstmlib.vocabulary import END, PAD, SIGNS, START, Numbers, Vocabulary

_PAD, _START, _END = Vocabulary(SIGNS).encode((PAD, START, END))


class BidirectionalLSTM:
    """Two LSTMs, one of which reads from the end, side by side.

    h_t = [→h_t, ←h_t]: what stands before position t and what stands after it, each in H/2 numbers.

    Arguments are those of `LSTM`. `params` and `grads` are those of both, with `forward.` or `backward.`
    before each name; an array put into `params` is the LSTM's from then on. Raises ValueError for an odd
    `hidden_size`, and as `LSTM`. From Schuster & Paliwal 1997; Bahdanau, Cho & Bengio 2015, section 3.2.

    >>> layer = BidirectionalLSTM(3, 4, rng=np.random.default_rng(0))
    >>> h, state = layer.forward(np.ones((5, 2, 3)))
    >>> h.shape, state.h.shape, state.c.shape
    ((5, 2, 4), (2, 4), (2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: Generator | None = None,
        dtype: Any = np.float64,
        forget_bias: float = 1.0,
    ) -> None:
        self.hidden_size = check_size(hidden_size, "hidden_size")
        if hidden_size % 2:
            raise ValueError(f"hidden_size must be even, half for each direction; got {hidden_size}")
        rng = check_rng(rng)
        self.directions = {
            name: LSTM(input_size, hidden_size // 2, rng=rng, dtype=dtype, forget_bias=forget_bias)
            for name in ("forward", "backward")
        }
        self.input_size, self.dtype = self.directions["forward"].input_size, self.directions["forward"].dtype
        self.grads: Params = {}
        self._mask: Mask | None = None

    def __repr__(self) -> str:
        return f"BidirectionalLSTM({self.input_size}, {self.hidden_size})"

    def __copy__(self) -> "BidirectionalLSTM":
        # As a copy of an LSTM: it shares the weights, and nothing that the next call writes over.
        twin = object.__new__(type(self))
        directions = {name: copy.copy(layer) for name, layer in self.directions.items()}
        vars(twin).update(vars(self) | {"directions": directions})
        return twin

    @property
    def params(self) -> MutableMapping[str, Array]:
        """The parameters of both directions."""
        return _Joint(self.directions)

    @params.setter
    def params(self, params: Mapping[str, Array]) -> None:
        self.params.update(params)

    def forward(
        self, x: ArrayLike, state: None = None, mask: ArrayLike | None = None
    ) -> tuple[Array, LSTMState]:
        """Read a batch of sequences (T, B, D) from both ends.

        Returns h (T, B, H), and the state after the last step of each direction, an `LSTMState`. Both
        directions start from zero, so `state` is None. Where `mask` (T, B) is False the step is skipped, on
        both ways; the way back starts at the last step that is True. Raises ValueError as `LSTM.forward`,
        and for a `state`.
        """
        if state is not None:
            raise ValueError("state must be left out: a BidirectionalLSTM starts from zero at both ends")
        axes, sizes = ("T", "B", "D"), {"D": self.input_size}
        x = check_array(x, "x", axes, sizes, self.dtype)
        T, B, _ = x.shape
        real: Mask = np.ones((T, B), bool) if mask is None else check_mask(mask, T=T, B=B)
        reversed_x, reversed_real = reverse_sequences(x, real), reverse_sequences(real, real)
        there, last_there = self.directions["forward"].forward(x, mask=real)
        back, last_back = self.directions["backward"].forward(reversed_x, mask=reversed_real)
        last = (np.concatenate(parts, axis=-1) for parts in zip(last_there, last_back, strict=True))
        self._mask = real
        return np.concatenate([there, reverse_sequences(back, real)], axis=-1), LSTMState(*last)

    def backward(self, dh: ArrayLike, dstate: LSTMState | None = None) -> tuple[Array, None]:
        """Backpropagation through both directions: dx (T, B, D), and None for the first state; fills `grads`.

        `dh` is (T, B, H), `dstate` an `LSTMState` of arrays (B, H). Raises RuntimeError without a `forward`
        since the last `backward`, or if `params` have changed since; ValueError as `LSTM.backward`.
        """
        if self._mask is None:
            raise RuntimeError(
                "BidirectionalLSTM.backward needs a forward pass of its own: call forward first, "
                "and again before each further backward"
            )
        sizes = dict(zip("TBH", (*self._mask.shape, self.hidden_size), strict=True))
        checked = check_array(dh, "dh", ("T", "B", "H"), sizes, self.dtype)
        dh_there, dh_back = np.split(checked, 2, axis=-1)
        last_there, last_back = None, None
        if dstate is not None:
            last_there, last_back = zip(*(np.split(part, 2, axis=-1) for part in dstate), strict=True)
        dx_there, _ = self.directions["forward"].backward(dh_there, last_there)
        dh_back = reverse_sequences(dh_back, self._mask)
        dx_back, _ = self.directions["backward"].backward(dh_back, last_back)
        self.grads = {
            f"{direction}.{name}": grad
            for direction, layer in self.directions.items()
            for name, grad in layer.grads.items()
        }
        dx = dx_there + reverse_sequences(dx_back, self._mask)
        self._mask = None
        return dx, None


class _Joint(MutableMapping[str, Array]):
    """The parameters of several layers as one dict: what is set in it is set in its layer."""

    def __init__(self, layers: dict[str, LSTM]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> Array:
        layer, _, own = name.partition(".")
        return self._layers[layer].params[own]

    def __setitem__(self, name: str, value: Array) -> None:
        if name not in self:
            raise KeyError(f"params has {', '.join(self)}; got {name!r}")
        layer, _, own = name.partition(".")
        self._layers[layer].params[own] = value

    def __delitem__(self, name: str) -> None:
        layer, _, own = name.partition(".")
        del self._layers[layer].params[own]

    def __iter__(self) -> Iterator[str]:
        return (f"{name}.{own}" for name, layer in self._layers.items() for own in layer.params)

    def __len__(self) -> int:
        return sum(len(layer.params) for layer in self._layers.values())

    def __ior__(self, other: Mapping[str, Array]) -> "_Joint":
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(dict(self))


def reverse_sequences(x: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Reverse each sequence of x (T, B, …), and leave its padding at the end. Done twice, it changes nothing.

    A sequence ends with the last step that its mask (T, B) says is real; a step skipped before that moves
    with the others.

    >>> x = np.array([[1, 5], [2, 6], [3, 0]])
    >>> reverse_sequences(x, x > 0).T
    array([[3, 2, 1],
           [6, 5, 0]])
    """
    steps = np.arange(len(mask))[:, None]
    length = np.where(mask, steps + 1, 0).max(axis=0)
    order = np.where(steps < length, length - 1 - steps, steps)
    return x[order, np.arange(mask.shape[1])]


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


class Translator:
    """Encoder, decoder and, between them, attention or one vector.

    Raises ValueError for sizes that do not fit together. From Sutskever, Vinyals & Le 2014 without
    attention; Bahdanau, Cho & Bengio 2015 and Luong, Pham & Manning 2015 with it.

    Parameters
    ----------
    encoder : LSTM or BidirectionalLSTM
        Reads one-hot words of the source; its input size is the size of that vocabulary.
    decoder : LSTM
        Reads one-hot words of the target, the previous one at each step.
    attention : Attention, optional
        Of the decoder's states over the encoder's. Without one the decoder gets the encoder's last state
        instead, which must have its size.
    rng : numpy.random.Generator, optional
        Source of the readout's initial weights.

    Attributes
    ----------
    layers : list
        Everything that has parameters, for an optimiser.

    Examples
    --------
    >>> from lstmlib.attention import DotAttention
    >>> rng = np.random.default_rng(0)
    >>> encoder, decoder = BidirectionalLSTM(5, 8, rng=rng), LSTM(6, 8, rng=rng)
    >>> model = Translator(encoder, decoder, DotAttention(8), rng=rng)
    >>> words, real = np.array([[3, 4], [4, 0]]), np.array([[True, True], [True, False]])
    >>> logits, weights = model.forward(TranslationBatch(words, real, words, words, real))
    >>> logits.shape, weights.shape
    ((2, 2, 6), (2, 2, 2))
    """

    def __init__(
        self,
        encoder: LSTM | BidirectionalLSTM,
        decoder: LSTM,
        attention: Attention | None = None,
        *,
        rng: Generator | None = None,
    ) -> None:
        self.encoder, self.decoder, self.attention = encoder, decoder, attention
        self._check_sizes()
        context_size = 0 if attention is None else attention.key_size
        self.readout = Readout(
            decoder.hidden_size + context_size, decoder.input_size, rng=rng, dtype=decoder.dtype
        )
        self.layers = [
            part for part in (encoder, decoder, attention, self.readout) if part is not None and part.params
        ]

    def forward(self, batch: TranslationBatch) -> tuple[Array, Array | None]:
        """Score every next word, given the right previous ones.

        Returns logits (T, B, V) and weights (T, B, S), or None without attention, for S source words and T
        target words of B sentences.
        """
        keys, start = self._read(batch.source, batch.source_mask)
        logits, _, weights = self._say(batch.previous, start, keys, batch.source_mask)
        return logits, weights

    def loss(self, batch: TranslationBatch) -> float:
        """Forward and backward: fills every layer's `grads`, and returns the loss.

        The loss is the mean cross-entropy of the real words, in nats for each word.
        """
        logits, _ = self.forward(batch)
        loss, dlogits = cross_entropy(logits, batch.target, batch.target_mask)
        dread = self.readout.backward(dlogits)
        dqueries, dcontext = np.split(dread, [self.decoder.hidden_size], axis=-1)
        if self.attention is None:
            _, dlast = self.decoder.backward(dqueries)
            shape = (*batch.source.shape, self.encoder.hidden_size)
            self.encoder.backward(np.zeros(shape, dread.dtype), dlast)
        else:
            dscored, dkeys = self.attention.backward(dcontext)
            self.decoder.backward(dqueries + dscored)
            self.encoder.backward(dkeys)
        return loss

    def translate(
        self, source: Numbers, mask: Mask, longest: int, visible: Mask | None = None
    ) -> tuple[Numbers, Array | None]:
        """Say the likeliest word, read it as the previous one, and go on until END.

        Parameters
        ----------
        source, mask : array of int (S, B), array of bool (S, B)
        longest : int
            Number of steps T.
        visible : array of bool (S, B), optional
            What the attention may look at, of what the encoder has read; all of it if left out.

        Returns
        -------
        words : array of int (T, B)
            END closes a sentence, PAD fills it up.
        weights : array (T, B, S), or None without attention
        """
        keys, state = self._read(source, mask)
        previous = np.full((1, source.shape[1]), _START)
        ended = np.zeros(source.shape[1], bool)
        words, looks = [], list[Any]()
        for _ in range(longest):
            logits, state, weights = self._say(previous, state, keys, mask if visible is None else visible)
            previous = logits.argmax(axis=-1)
            words.append(np.where(ended, _PAD, previous))
            looks.append(weights)
            ended |= previous[0] == _END
        return np.concatenate(words), None if self.attention is None else np.concatenate(looks)

    def _read(self, source: Numbers, mask: Mask) -> tuple[Array, LSTMState | None]:
        """The encoder's states, and the state that the decoder starts from."""
        keys, last = self.encoder.forward(self._one_hot(source, self.encoder), mask=mask)
        return keys, last if self.attention is None else None

    def _say(
        self, previous: Numbers, state: LSTMState | None, keys: Array, visible: Mask
    ) -> tuple[Array, LSTMState, Array | None]:
        """Scores of the words that follow the previous ones, the decoder's last state, and the weights."""
        queries, state = self.decoder.forward(self._one_hot(previous, self.decoder), state)
        if self.attention is None:
            return self.readout.forward(queries), state, None
        context, weights = self.attention.forward(queries, keys, visible)
        return self.readout.forward(np.concatenate([queries, context], axis=-1)), state, weights

    @staticmethod
    def _one_hot(numbers: Numbers, layer: LSTM | BidirectionalLSTM) -> Array:
        if numbers.max() >= layer.input_size:
            raise ValueError(
                f"the {layer!r} reads words numbered below {layer.input_size}, got {numbers.max()}: "
                "its input size must be the size of the vocabulary"
            )
        return np.eye(layer.input_size, dtype=layer.dtype)[numbers]

    def _check_sizes(self) -> None:
        encoder, decoder, attention = self.encoder, self.decoder, self.attention
        if attention is None and encoder.hidden_size != decoder.hidden_size:
            raise ValueError(
                "encoder and decoder must have one hidden_size when a state goes from one to the other, "
                f"got {encoder.hidden_size} and {decoder.hidden_size}"
            )
        wanted = (decoder.hidden_size, encoder.hidden_size)
        if attention is not None and (attention.query_size, attention.key_size) != wanted:
            raise ValueError(
                "attention must have the decoder's hidden_size as query_size and the encoder's as key_size, "
                f"{wanted}, got {(attention.query_size, attention.key_size)}"
            )


def beam_search(model: Translator, source: Numbers, width: int, longest: int = 40) -> tuple[float, Numbers]:
    """The likeliest sentence that is found by keeping the best few beginnings at every step.

    log p(y | source) = Σ_t log p(y_t | y_1 … y_{t−1}, source)

    Each beginning is extended by every word, and the `width` likeliest extensions are kept. One that says
    END leaves the beam. No term of the sum is above 0, so the search is over when no beginning is likelier
    than the best sentence that has ended. A width of 1 is greedy decoding.

    Raises ValueError for a width below 1, or a source that is no sentence of the encoder's vocabulary. From
    Sutskever, Vinyals & Le 2014, section 3.2.

    Parameters
    ----------
    source : array of int (S,)
        One sentence.
    width, longest : int
        Number of beginnings kept, and of steps, END included.

    Returns
    -------
    log_p : float
        In nats; −∞ where no sentence has ended.
    words : array of int
        Without START and END.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Translator(LSTM(5, 8, rng=rng), LSTM(6, 8, rng=rng), rng=rng)
    >>> log_p, words = beam_search(model, np.array([3, 4]), width=2)
    >>> bool(log_p < 0), words
    (True, array([], dtype=int64))
    """
    width, column = check_size(width, "width"), np.asarray(source)[:, None]
    keys, state = model._read(column, np.ones_like(column, bool))
    said, score = np.array([[_START]]), np.zeros(1)
    best, found = -np.inf, said[1:, 0]
    while score.max(initial=-np.inf) > best and len(said) <= longest:
        copies = np.repeat(keys, len(score), axis=1)
        logits, state, _ = model._say(said[-1:], state, copies, np.ones(copies.shape[:2], bool))
        total = score[:, None] + log_softmax(logits[0])
        kept = np.argsort(-total, axis=None)[:width]
        beam, word = np.unravel_index(kept, total.shape)
        said, score = np.vstack([said[:, beam], word]), total[beam, word]
        ended, goes = np.flatnonzero(word == _END), word != _END
        if ended.size and score[ended[0]] > best:  # the likeliest of a step comes first
            best, found = float(score[ended[0]]), said[1:-1, ended[0]]
        said, score = said[:, goes], score[goes]
        state = LSTMState(*(part[beam][goes] for part in state))
    return best, found


def bleu(said: Sequence[Sequence[Hashable]], references: Sequence[Sequence[Hashable]]) -> float:
    """How many pieces of what was said stand in the reference, over a whole corpus, from 0 to 100.

    BLEU = 100 · min(1, exp(1 − r/c)) · (p₁ p₂ p₃ p₄)^¼

    Of all pieces of n words that were said, p_n is the share that stands in the reference; a piece counts
    there as often as the reference has it, and no more. Said were c words, and the references have r. Each
    sentence is a sequence of words, with one reference. As `sacrebleu` computes it without smoothing: 0
    where no four words in a row are right.

    Raises ValueError for no sentences, or another number of references. From Papineni et al.
    2002, section 2.3.

    >>> round(bleu(["abcde"], ["abcdf"]), 2)  # p = 4/5, 3/4, 2/3, 1/2
    66.87
    """
    if not said or len(said) != len(references):
        raise ValueError(
            f"said and references must be as many, and one at least; got {len(said)} and {len(references)}"
        )
    shares = []
    for n in (1, 2, 3, 4):
        pairs = [(_pieces(s, n), _pieces(r, n)) for s, r in zip(said, references, strict=True)]
        right = sum((pieces & allowed).total() for pieces, allowed in pairs)
        if right == 0:
            return 0.0
        shares.append(right / sum(pieces.total() for pieces, _ in pairs))
    c, r = sum(map(len, said)), sum(map(len, references))
    return float(100 * min(1.0, np.exp(1 - r / c)) * np.prod(shares) ** 0.25)


def _pieces(words: Sequence[Hashable], n: int) -> Counter:
    """How often each run of n words is there."""
    return Counter(zip(*(words[k:] for k in range(n)), strict=False))
