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
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.attention import Attention
from lstmlib.checks import check_array, check_rng, check_size
from lstmlib.data import END, GERMAN, PAD, START, Mask, Numbers, TranslationBatch
from lstmlib.layer import Params
from lstmlib.lstm import LSTM, LSTMState
from lstmlib.readout import Readout, cross_entropy


class BidirectionalLSTM:
    """Two LSTMs, one of which reads from the end, side by side.

    h_t = [→h_t, ←h_t]: what stands before position t and what stands after it, each in H/2 numbers.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H; H is even.
    rng : numpy.random.Generator, optional
        Source of the initial weights.
    dtype : float32 or float64
    forget_bias : float
        Start of both forget gates' bias.

    Attributes
    ----------
    params, grads : dict
        Those of both LSTMs, with `forward.` or `backward.` before each name. An array put into
        `params` is the LSTM's from then on.

    Raises
    ------
    ValueError
        For an odd `hidden_size`, and as `LSTM`.

    References
    ----------
    Schuster & Paliwal 1997; Bahdanau, Cho & Bengio 2015, section 3.2.

    Examples
    --------
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
        """Read a batch of sequences from both ends.

        Parameters
        ----------
        x : array (T, B, D)
        state : None
            Both directions start from zero.
        mask : array of bool (T, B), optional
            Where it is False the step is skipped, on both ways; the way back starts at the last step
            that is True.

        Returns
        -------
        h : array (T, B, H)
        state : LSTMState of arrays (B, H)
            After the last step of each direction.

        Raises
        ------
        ValueError
            As `LSTM.forward`, and for a `state`.
        """
        if state is not None:
            raise ValueError("state must be left out: a BidirectionalLSTM starts from zero at both ends")
        axes, sizes = ("T", "B", "D"), {"D": self.input_size}
        x = check_array(x, "x", axes, sizes, self.dtype)
        real = np.ones(x.shape[:2], bool) if mask is None else np.asarray(mask)
        there, last_there = self.directions["forward"].forward(x, mask=real)
        # The way there has refused a mask that does not fit, so turning is safe from here on.
        back, last_back = self.directions["backward"].forward(turn(x, real), mask=turn(real, real))
        last = (np.concatenate(parts, axis=-1) for parts in zip(last_there, last_back, strict=True))
        self._mask = real
        return np.concatenate([there, turn(back, real)], axis=-1), LSTMState(*last)

    def backward(self, dh: ArrayLike, dstate: LSTMState | None = None) -> tuple[Array, None]:
        """Backpropagation through both directions; fills `grads`.

        Parameters
        ----------
        dh : array (T, B, H)
        dstate : LSTMState of arrays (B, H), optional

        Returns
        -------
        dx : array (T, B, D)
        dstate0 : None
            Both directions started from zero.

        Raises
        ------
        RuntimeError
            Without a `forward` since the last `backward`, or if `params` have changed since.
        ValueError
            As `LSTM.backward`.
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
        dx_back, _ = self.directions["backward"].backward(turn(dh_back, self._mask), last_back)
        self.grads = {
            f"{direction}.{name}": grad
            for direction, layer in self.directions.items()
            for name, grad in layer.grads.items()
        }
        dx = dx_there + turn(dx_back, self._mask)
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


def turn(x: Array, mask: Mask) -> Array:
    """Turn each sequence end to end, and leave its padding at the end. Done twice, it changes nothing.

    A sequence ends with the last step that its mask says is real; a step skipped before turns with it.

    Parameters
    ----------
    x : array (T, B, …)
    mask : array of bool (T, B)

    Returns
    -------
    array of the shape of `x`

    Examples
    --------
    >>> x = np.array([[1, 5], [2, 6], [3, 0]])
    >>> turn(x, x > 0).T
    array([[3, 2, 1],
           [6, 5, 0]])
    """
    steps = np.arange(len(mask))[:, None]
    length = np.where(mask, steps + 1, 0).max(axis=0)
    order = np.where(steps < length, length - 1 - steps, steps)
    return x[order, np.arange(mask.shape[1])]


class Translator:
    """Encoder, decoder and, between them, attention or one vector.

    Parameters
    ----------
    encoder : LSTM or BidirectionalLSTM
        Reads one-hot words of the source; its input size is the size of that vocabulary.
    decoder : LSTM
        Reads one-hot words of the target, the previous one at each step.
    attention : Attention, optional
        Of the decoder's states over the encoder's. Without one the decoder gets the encoder's
        last state instead, which must have its size.
    rng : numpy.random.Generator, optional
        Source of the readout's initial weights.

    Attributes
    ----------
    layers : list
        Everything that has parameters, for an optimiser.

    Raises
    ------
    ValueError
        For sizes that do not fit together.

    References
    ----------
    Sutskever, Vinyals & Le 2014 without attention; Bahdanau, Cho & Bengio 2015 and Luong, Pham &
    Manning 2015 with it.

    Examples
    --------
    >>> from lstmlib.attention import DotAttention
    >>> from lstmlib.data import ENGLISH, number_words, translation_batch
    >>> rng = np.random.default_rng(0)
    >>> encoder = BidirectionalLSTM(len(ENGLISH), 8, rng=rng)
    >>> model = Translator(encoder, LSTM(len(GERMAN), 8, rng=rng), DotAttention(8), rng=rng)
    >>> batch = translation_batch(number_words([7, 21]))
    >>> logits, weights = model.forward(batch)
    >>> logits.shape == (4, 2, len(GERMAN)), weights.shape
    (True, (4, 2, 2))
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

        Parameters
        ----------
        batch : TranslationBatch
            S source words and T target words of B sentences.

        Returns
        -------
        logits : array (T, B, V)
        weights : array (T, B, S), or None without attention
        """
        keys, last = self.encoder.forward(self._one_hot(batch.source, self.encoder), mask=batch.source_mask)
        start = last if self.attention is None else None
        queries, _ = self.decoder.forward(self._one_hot(batch.previous, self.decoder), start)
        if self.attention is None:
            return self.readout.forward(queries), None
        context, weights = self.attention.forward(queries, keys, batch.source_mask)
        return self.readout.forward(np.concatenate([queries, context], axis=-1)), weights

    def loss(self, batch: TranslationBatch) -> float:
        """Forward and backward: the mean cross-entropy of the real words, and every layer's `grads`.

        Parameters
        ----------
        batch : TranslationBatch

        Returns
        -------
        float
            In nats for each word.
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
        source : array of int (S, B)
        mask : array of bool (S, B)
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
        start, end, pad = GERMAN.encode((START, END, PAD))
        keys, last = self.encoder.forward(self._one_hot(source, self.encoder), mask=mask)
        state = last if self.attention is None else None
        previous = np.full((1, source.shape[1]), start)
        ended = np.zeros(source.shape[1], bool)
        words, looks = [], []
        for _ in range(longest):
            seen, state = self.decoder.forward(self._one_hot(previous, self.decoder), state)
            if self.attention is not None:
                context, weights = self.attention.forward(seen, keys, mask if visible is None else visible)
                seen = np.concatenate([seen, context], axis=-1)
                looks.append(weights)
            previous = self.readout.forward(seen).argmax(axis=-1)
            words.append(np.where(ended, pad, previous))
            ended |= previous[0] == end
        return np.concatenate(words), np.concatenate(looks) if looks else None

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
