"""The encoder–decoder against central differences, against PyTorch, and against its mask."""

from itertools import product

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import GRU, MLSTM, SLSTM
from lstmlib.attention import AdditiveAttention, DotAttention, GeneralAttention
from lstmlib.gradients import check_gradients
from lstmlib.lstm import LSTM
from lstmlib.number_words import ENGLISH, GERMAN, number_words, translation_batch
from lstmlib.training import Adam, train
from lstmlib.translation import (
    BidirectionalLSTM,
    TranslationBatch,
    Translator,
    beam_search,
    bleu,
)
from lstmlib.vocabulary import END, PAD

H, A = 4, 3
ATTENTIONS = {
    "none": lambda rng: None,
    "dot": lambda rng: DotAttention(H),
    "general": lambda rng: GeneralAttention(H, H, rng=rng),
    "additive": lambda rng: AdditiveAttention(H, H, A, rng=rng),
}
every_attention = pytest.mark.parametrize("kind", ATTENTIONS)
MASK = np.arange(5)[:, None] < np.array([5, 2, 4])


def a_translator(kind, encoder=BidirectionalLSTM, words=6, parts=7, seed=0):
    rng = np.random.default_rng(seed)
    attention = ATTENTIONS[kind](rng)
    model = Translator(encoder(words, H, rng=rng), LSTM(parts, H, rng=rng), attention, rng=rng)
    for layer in model.layers:
        for value in layer.params.values():
            value[...] = rng.standard_normal(value.shape)
    return model


def a_batch(words=6, parts=7, seed=1):
    rng = np.random.default_rng(seed)
    source_mask = np.arange(4)[:, None] < np.array([4, 2, 3])
    target_mask = np.arange(3)[:, None] < np.array([2, 3, 1])
    return TranslationBatch(
        np.where(source_mask, rng.integers(1, words, source_mask.shape), 0),
        source_mask,
        rng.integers(1, parts, target_mask.shape),
        np.where(target_mask, rng.integers(1, parts, target_mask.shape), 0),
        target_mask,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Translator(LSTM(3, 4), LSTM(3, 5)), "one hidden_size"),
        (lambda: Translator(LSTM(3, 4), LSTM(3, 5), DotAttention(4)), "attention must have"),
        (lambda: a_translator("dot", words=5).forward(a_batch(words=9)), "size of the vocabulary"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@every_attention
@pytest.mark.parametrize("encoder", [LSTM, BidirectionalLSTM])
def test_every_gradient_of_the_model_equals_central_differences(kind, encoder):
    model, batch = a_translator(kind, encoder), a_batch()
    model.loss(batch)
    arrays = {
        f"{k} {name}": value for k, part in enumerate(model.layers) for name, value in part.params.items()
    }
    grads = {
        f"{k} {name}": value for k, part in enumerate(model.layers) for name, value in part.grads.items()
    }

    errors = check_gradients(lambda _: model.loss(batch), arrays, grads)
    assert max(errors.values()) < 1e-7


def test_without_attention_the_last_state_is_all_that_the_decoder_is_told():
    model, batch = a_translator("none"), a_batch()
    logits, weights = model.forward(batch)
    assert weights is None
    one_hot = np.eye(6)[batch.source], np.eye(7)[batch.previous]
    _, last = model.encoder.forward(one_hot[0], mask=batch.source_mask)
    h, _ = model.decoder.forward(one_hot[1], last)
    expected = h @ model.readout.params["W"].T + model.readout.params["b"]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-14)


@every_attention
def test_padding_changes_nothing(kind):
    model, batch = a_translator(kind), a_batch()
    longer = batch._replace(
        source=np.pad(batch.source, ((0, 3), (0, 0))),
        source_mask=np.pad(batch.source_mask, ((0, 3), (0, 0))),
    )
    (logits, weights), (longer_logits, longer_weights) = model.forward(batch), model.forward(longer)
    np.testing.assert_allclose(longer_logits, logits, rtol=0, atol=1e-13)
    if weights is not None:
        np.testing.assert_allclose(longer_weights[..., :4], weights, rtol=0, atol=1e-13)
        assert (longer_weights[..., 4:] == 0).all()
    assert model.loss(longer) == pytest.approx(model.loss(batch), rel=1e-13)


@every_attention
def test_what_stands_in_the_padding_of_the_target_does_not_count(kind):
    model, batch = a_translator(kind), a_batch()
    other = batch._replace(
        previous=np.where(batch.target_mask, batch.previous, 3),
        target=np.where(batch.target_mask, batch.target, 5),
    )
    assert model.loss(other) == pytest.approx(model.loss(batch), rel=1e-13)


@every_attention
def test_the_words_said_are_those_that_the_decoder_was_told_it_said(kind):
    model, batch = a_translator(kind, parts=len(GERMAN)), a_batch(parts=len(GERMAN))
    words, weights = model.translate(batch.source, batch.source_mask, longest=6)
    start, end, padding = GERMAN.encode(["<start>", END, PAD])
    previous = np.vstack([np.full((1, 3), start), words[:-1]])
    logits, expected_weights = model.forward(batch._replace(previous=previous))
    before_end = np.cumsum(words == end, axis=0) - (words == end) == 0
    np.testing.assert_array_equal(words[before_end], logits.argmax(axis=-1)[before_end])
    assert (words[~before_end] == padding).all()
    if weights is not None:
        np.testing.assert_allclose(weights[before_end], expected_weights[before_end], rtol=0, atol=1e-13)


@every_attention
def test_training_reduces_the_loss_until_the_sentences_are_right(kind):
    pairs = number_words([3, 21, 34, 56, 78])
    rng, batch = np.random.default_rng(0), translation_batch(pairs)
    size = 12
    attention = {"none": None, "dot": DotAttention(size)}.get(kind, AdditiveAttention(size, size, 6, rng=rng))
    encoder = BidirectionalLSTM(len(ENGLISH), size, rng=rng)
    model = Translator(encoder, LSTM(len(GERMAN), size, rng=rng), attention, rng=rng)
    losses = train(model.loss, Adam(model.layers, 0.02), [batch] * 120, clip_norm=1.0, progress=False)
    assert losses[-1] < losses[0] / 20
    words, _ = model.translate(batch.source, batch.source_mask, longest=len(batch.target))
    np.testing.assert_array_equal(words, batch.target)


# The search for a likely sentence


def log_p_of(model, source, words):
    """Log p(words, END | source), by the loss of the one sentence."""
    start, end = GERMAN.encode(["<start>", END])
    column, target = np.asarray(source)[:, None], np.array([*words, end])[:, None]
    batch = TranslationBatch(
        column,
        np.ones(column.shape, bool),
        np.array([start, *words])[:, None],
        target,
        np.ones(target.shape, bool),
    )
    return -model.loss(batch) * len(target)


@every_attention
@pytest.mark.parametrize("encoder", [LSTM, BidirectionalLSTM])
def test_a_beam_that_keeps_everything_finds_the_likeliest_of_all_sentences(kind, encoder):
    source, parts, longest, lengths = np.array([1, 4, 2]), 5, 4, []
    end = GERMAN.encode([END])[0]
    others = [word for word in range(parts) if word != end]
    sentences = [words for length in range(longest) for words in product(others, repeat=length)]
    for seed in range(6):
        model = a_translator(kind, encoder, parts=parts, seed=seed)
        model.readout.params["W"] *= 4  # so that the likeliest sentence is not always the empty one
        model.readout.params["b"][end] -= 4
        of_each = [log_p_of(model, source, words) for words in sentences]
        log_p, words = beam_search(model, source, width=parts**longest, longest=longest)
        assert log_p == pytest.approx(max(of_each), rel=1e-12)
        assert tuple(words) == sentences[int(np.argmax(of_each))]
        lengths.append(len(words))
    assert max(lengths) > 0


@every_attention
def test_a_beam_of_one_says_what_greedy_decoding_says(kind):
    for seed in range(20):
        model, source = a_translator(kind, parts=7, seed=seed), np.array([1, 4, 2])
        said, _ = model.translate(source[:, None], np.ones((3, 1), bool), longest=8)
        log_p, words = beam_search(model, source, width=1, longest=8)
        end = GERMAN.encode([END])[0]
        ended = list(said[:, 0]).index(end) if end in said else None
        assert np.isneginf(log_p) == (ended is None)
        if ended is not None:
            np.testing.assert_array_equal(words, said[:ended, 0])
            assert log_p == pytest.approx(log_p_of(model, source, words), rel=1e-12)
            for longest in (ended, ended + 1):  # END is the last step that is needed
                cut, _ = beam_search(model, source, width=1, longest=longest)
                assert cut == (log_p if longest > ended else -np.inf)


@pytest.mark.parametrize("cell", [GRU, MLSTM, SLSTM])
def test_a_beam_carries_whatever_state_its_decoder_has(cell):
    rng = np.random.default_rng(0)
    model = Translator(cell(6, H, rng=rng), cell(7, H, rng=rng), rng=rng)
    source = np.array([1, 2, 5])
    said, _ = model.translate(source[:, None], np.ones((3, 1), bool), 8)
    _, words = beam_search(model, source, width=1, longest=8)
    assert np.array_equal(words, said[: len(words), 0])


@pytest.mark.parametrize("width", [0, -1, 1.5])
def test_a_beam_keeps_at_least_one_beginning(width):
    with pytest.raises(ValueError, match="width must be a whole number of at least 1"):
        beam_search(a_translator("none"), np.array([1, 2]), width)


# BLEU

sentence = st.lists(st.sampled_from("abc"), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(sentence, sentence), min_size=1, max_size=6))
def test_bleu_is_that_of_sacrebleu_without_smoothing(pairs):
    said, references = zip(*pairs, strict=True)
    in_one_line = [[" ".join(words) for words in side] for side in (said, references)]
    theirs = sacrebleu.corpus_bleu(
        in_one_line[0], [in_one_line[1]], smooth_method="none", tokenize="none", force=True
    )
    assert bleu(said, references) == pytest.approx(theirs.score, rel=1e-9, abs=1e-9)


def test_bleu_by_hand():
    # Of 7 words 2 are right, a "the" counting as often as the reference has it; no pair is.
    assert bleu([["the"] * 7], [["the", "cat", "is", "on", "the", "mat"]]) == 0
    # p = 5/6, 4/5, 3/4, 2/3, with a product of 1/3; c = 6 and r = 7.
    said, reference = "a b c d e f", "a b c d e g h"
    expected = 100 * np.exp(1 - 7 / 6) * (1 / 3) ** 0.25
    assert bleu([said.split()], [reference.split()]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("said", "references"), [([], []), (["a b"], ["a b", "c"])])
def test_bleu_needs_a_reference_for_each_sentence(said, references):
    with pytest.raises(ValueError, match="must be as many"):
        bleu(said, references)
