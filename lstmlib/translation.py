"""The encoder and decoder of `attention/encoder_decoder`, put together from the layers of the course.

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

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array, log_softmax
from lstmlib.attention import Attention
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.checks import Mask, check_size
from lstmlib.layer import RecurrentLayer
from lstmlib.readout import Readout, cross_entropy
from lstmlib.vocabulary import END, PAD, SIGNS, START, Numbers, Vocabulary

_PAD, _START, _END = Vocabulary(SIGNS).encode((PAD, START, END))


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
    encoder : RecurrentLayer or BidirectionalLSTM
        Reads one-hot words of the source; its input size is the size of that vocabulary.
    decoder : RecurrentLayer
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
    >>> from lstmlib import LSTM
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
        encoder: RecurrentLayer | BidirectionalLSTM,
        decoder: RecurrentLayer,
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
        """Score every next word, given the right previous ones: teacher forcing.

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

    def _read(self, source: Numbers, mask: Mask) -> tuple[Array, Any]:
        """The encoder's states, and the state that the decoder starts from."""
        keys, last = self.encoder.forward(self._one_hot(source, self.encoder), mask=mask)
        return keys, last if self.attention is None else None

    def _say(
        self, previous: Numbers, state: Any, keys: Array, visible: Mask
    ) -> tuple[Array, Any, Array | None]:
        """Scores of the words that follow the previous ones, the decoder's last state, and the weights."""
        queries, state = self.decoder.forward(self._one_hot(previous, self.decoder), state)
        if self.attention is None:
            return self.readout.forward(queries), state, None
        context, weights = self.attention.forward(queries, keys, visible)
        return self.readout.forward(np.concatenate([queries, context], axis=-1)), state, weights

    @staticmethod
    def _one_hot(numbers: Numbers, layer: RecurrentLayer | BidirectionalLSTM) -> Array:
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
    >>> from lstmlib import LSTM
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
        state = type(state)(*(part[beam][goes] for part in state))
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
