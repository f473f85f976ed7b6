"""The arithmetic of the live figures: JavaScript's is that of lstmlib, in Node and in the browser."""

import base64
import json
import math
import re
import shutil
import subprocess
import sysconfig
from functools import partial
from itertools import compress, product

import gallery
import numpy as np
import pytest
from conftest import ROOT, assert_mean, unpacked
from gallery import moving_digit, picture_reader

from lstmlib.ablation import UnsquashedLSTM
from lstmlib.activations import sigmoid, softmax
from lstmlib.attention import AdditiveAttention, DotAttention
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.counting_languages import END as LAST
from lstmlib.counting_languages import counted, legal_next
from lstmlib.coupled_lstm import CoupledLSTM
from lstmlib.ctc import ctc_loss, greedy_decode
from lstmlib.figures import (
    Alignment,
    CodeReader,
    Counters,
    Family,
    FourParts,
    GradientByLag,
    PenReader,
    PenWriter,
    RecallReader,
    SelfAttention,
    ThreeSwitches,
    Threshold,
    TuneWriter,
)
from lstmlib.figures.canvas import module_source
from lstmlib.figures.family import CONFLICTS, NEEDS, PUBLISHED, SWITCHES, check_parts, read_stream
from lstmlib.figures.four_parts import MOST_NOTES, read_chord
from lstmlib.figures.gradient_by_lag import DIRECTION, EVENTS, KINDS
from lstmlib.figures.moving_digit import _look, _tell
from lstmlib.figures.pen_writer import FACTOR, PRIME, chance_from
from lstmlib.figures.picture_reader import LONGEST, TOOLS, _convolve, _describe, _regions
from lstmlib.figures.recall_reader import _names
from lstmlib.figures.spoken_number import _mu_law
from lstmlib.figures.three_switches import INPUTS
from lstmlib.figures.trainer import CELLS, LIMITS, Trainer
from lstmlib.figures.trainer import TASKS as ASKED
from lstmlib.gradients import numerical_gradient
from lstmlib.gru import GRU
from lstmlib.lstm import LSTM, lstm_step
from lstmlib.mixture import mixture_of, point_of
from lstmlib.mlstm import MLSTM
from lstmlib.moving_digits import DIRECTIONS, WORDS, directions_of, sentence, walk
from lstmlib.no_forget_lstm import NoForgetLSTM
from lstmlib.number_words import ENGLISH, GERMAN, number_words, translation_batch
from lstmlib.peephole_lstm import PeepholeLSTM
from lstmlib.readout import Readout, cross_entropy, squared_error
from lstmlib.rnn import RNN
from lstmlib.slstm import SLSTM
from lstmlib.stories import PLACES, as_question, as_text, read_question, read_story, stories, where_is
from lstmlib.strokes import FURTHEST, SPREAD, STEP, for_reading, ink_of, new_writer, spread, write
from lstmlib.training import Adam, train
from lstmlib.translation import Translator
from lstmlib.tunes import KEYS, METRES, SYMBOLS, bar_lengths, notes_of
from lstmlib.vocabulary import END, START

# The modules of lstmlib/figures in which it stands
CELL, CTC = "cell_arithmetic", "ctc_arithmetic"
ATTENTION, TRANSLATOR = "translator_arithmetic", "alignment"
ALARMS = "threshold_arithmetic"
COUNTERS = "counters_arithmetic"
READER, PEN = "reader_arithmetic", "pen_reader"
WRITER = "writer_arithmetic"
STORIES = "story_arithmetic"
CODE = "code_arithmetic"
TUNE, TUNES = "tune_arithmetic", "tune_writer"
FAMILY = "family_arithmetic"
CHORDS, PARTS = "parts_arithmetic", "four_parts"
SENTENCE, PLANES, BY_HAND = "attention_arithmetic", "attention_planes", "self_attention"
RECALL, TYPED = "recall_arithmetic", "recall_text"
TRAINER, TASKS, WORKER, RACE = "trainer_arithmetic", "trainer_tasks", "trainer_worker", "trainer"
# A script that is an address can be imported in both places.
CALL = """async ({ source, argument }) => {
  const module = await import("data:text/javascript," + encodeURIComponent(source));
  return await (FUNCTION)(module, argument);
}"""
IN_NODE = """import { readFileSync } from "node:fs";
process.stdout.write(JSON.stringify(await (CALL)(JSON.parse(readFileSync(0, "utf8")))));"""


DIGIT = "moving_digit"


def node(call, given):
    """What the pinned Node answers."""
    program = shutil.which("node", path=sysconfig.get_path("scripts"))
    command = [program, "--input-type=module", "--eval", IN_NODE.replace("CALL", call)]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def call(evaluate, module, function, argument):
    """What a function in JavaScript makes of a module of the figures and an argument."""
    source = module_source(module)
    # A module hands none of what it imports on.
    source = re.sub(r"^(?!export )((async )?function|const) ", r"export \g<0>", source, flags=re.M)
    return evaluate(CALL.replace("FUNCTION", function), {"source": source, "argument": argument})


@pytest.fixture(params=["Node", "browser"])
def javascript(request):
    if request.param == "Node":
        yield partial(call, node)
    else:
        page = request.getfixturevalue("browser").new_page()
        yield partial(call, page.evaluate)
        page.close()


def test_cell_arithmetic_in_javascript_is_that_of_lstmlib(javascript):
    rng = np.random.default_rng(0)
    a = rng.uniform(-30, 30, 200)
    gates = rng.uniform(-4, 4, (200, 4))
    c_prev = rng.uniform(-3, 3, 200)
    x = rng.uniform(-3, 3, 200)
    zeros = np.zeros((200, 1))
    params = {"W_x": np.eye(4), "W_h": np.zeros((4, 1)), "b": np.zeros(4)}
    h, c, cache = lstm_step(gates, zeros, c_prev[:, None], params)
    found = javascript(
        CELL,
        """({ sigmoid, logit, select, lstmCell }, { a, x, cells }) => {
          const s = a.map(sigmoid);
          const out = cells.map(lstmCell);
          return { s, back: s.map(logit), y: select(s, x), c: out.map((r) => r.c), h: out.map((r) => r.h) };
        }""",
        {
            "a": a.tolist(),
            "x": x.tolist(),
            "cells": [
                {**{k: cache[k][n, 0].item() for k in "ifgo"}, "c_prev": c_prev[n].item()} for n in range(200)
            ],
        },
    )
    np.testing.assert_allclose(found["s"], sigmoid(a), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["y"], sigmoid(a) * x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["c"], c[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["h"], h[:, 0], rtol=0, atol=1e-12)
    near = np.abs(a) < 8
    np.testing.assert_allclose(np.array(found["back"])[near], a[near], rtol=1e-9)


def test_the_arithmetic_of_loops_and_gradients_in_javascript_is_that_of_lstmlib(javascript):
    rng = np.random.default_rng(0)
    x, (w, u) = rng.choice([-1.0, 0, 1], 10), rng.uniform(-3, 3, 2)
    gates = dict(zip("ifo", rng.uniform(0, 1, (3, 5)).tolist(), strict=True))
    matrices = rng.standard_normal((20, 4, 4)) * 10.0 ** rng.integers(-9, 9, (20, 1, 1))
    figures = [GradientByLag(gain=s, length=50, kind=k) for s in (0.2, 0.9, 1.5, 2) for k in KINDS]
    found = javascript(
        CELL,
        """(
          { forgetProduct, loop, memory, spectralNorm, gradientByLag },
          { x, w, u, gates, inputs, matrices, U, events, figures },
        ) => ({
          h: loop({ w, u, x }),
          cells: memory({ ...gates, x: inputs }).map((step) => [step.c, step.h]),
          norms: matrices.map(spectralNorm),
          belt: forgetProduct({ bias: 1.7, noise: events.map((row) => row[0]) }),
          curves: figures.map(([gain, kind]) => gradientByLag({ gain, kind, U, x: events })),
        })""",
        {
            "x": x.tolist(),
            "w": w,
            "u": u,
            "gates": gates,
            "inputs": list(INPUTS),
            "matrices": matrices.tolist(),
            "U": DIRECTION.tolist(),
            "events": EVENTS.tolist(),
            "figures": [[figure.gain, figure.kind] for figure in figures],
        },
    )
    h, expected = 0.0, []
    for value_in in x:
        h = np.tanh(w * value_in + u * h)
        expected.append(h)
    np.testing.assert_allclose(found["h"], expected, rtol=0, atol=1e-12)
    switches = ThreeSwitches()
    for name, values in gates.items():
        setattr(switches.children[0], name, values)
    np.testing.assert_allclose(found["cells"], np.stack([switches.c, switches.h], 1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["norms"], np.linalg.norm(matrices, 2, axis=(1, 2)), rtol=1e-12)
    belt = GradientByLag(length=50, forget_bias=1.7).belt
    np.testing.assert_allclose(found["belt"], belt, rtol=1e-12)
    for figure, curve in zip(figures, found["curves"], strict=True):
        np.testing.assert_allclose(curve, figure.norms, rtol=1e-9, atol=1e-300)


@pytest.fixture(scope="module")
def translators():
    """Two translators, half trained: their weights are no longer small, and one look is not like another."""
    rng = np.random.default_rng(0)
    pairs = number_words(rng.choice(1_000_000, 2000, replace=False).tolist())
    models = {}
    for name, attention in {"dot": DotAttention(8), "additive": AdditiveAttention(8, 8, 6, rng=rng)}.items():
        encoder = BidirectionalLSTM(len(ENGLISH), 8, rng=rng)
        models[name] = Translator(encoder, LSTM(len(GERMAN), 8, rng=rng), attention, rng=rng)
        batches = (translation_batch([pairs[k] for k in rng.integers(2000, size=32)]) for _ in range(60))
        train(models[name].loss, Adam(models[name].layers, 0.03), batches, clip_norm=1.0)
    return models


@pytest.mark.parametrize("name", ["dot", "additive"])
def test_the_steps_of_a_translator_in_javascript_are_those_of_lstmlib(javascript, translators, name):
    model, rng = translators[name], np.random.default_rng(1)
    scores = rng.uniform(995, 1005, 7)  # whose exponentials no float64 holds
    h, c = rng.uniform(-1, 1, (2, 1, 8))
    word = rng.integers(len(GERMAN))
    source = rng.integers(3, len(ENGLISH), 6)  # words, and none of the three signs before them
    hidden = np.array([False, True, False, False, True, False])
    keys, _ = model.encoder.forward(np.eye(len(ENGLISH))[source][:, None])
    context, weights = model.attention.forward(h[None], keys, ~hidden[:, None])
    words, looks = model.translate(source[:, None], np.ones((6, 1), bool), 20, ~hidden[:, None])
    start, end = GERMAN.encode([START, END])
    length = [*words[:, 0], end].index(end)

    def plain(layer):
        return {param: array.tolist() for param, array in layer.params.items()}

    there, back = (plain(model.encoder.directions[way]) for way in ("forward", "backward"))
    found = javascript(
        ATTENTION,
        """(
          { softmax, affineOfSymbol, lstmStep, encode, attend, translate },
          { scores, state, word, source, hidden, model, ends },
        ) => {
          const keys = encode(source, model.encoder);
          return {
            softmax: softmax(scores),
            step: lstmStep(affineOfSymbol(word, model.decoder.W_x, model.decoder.b), state, model.decoder),
            keys,
            look: attend(state.h, keys, hidden, model.attention),
            said: translate(source, hidden, model, ends),
          };
        }""",
        {
            "scores": scores.tolist(),
            "state": {"h": h[0].tolist(), "c": c[0].tolist()},
            "word": int(word),
            "source": source.tolist(),
            "hidden": hidden.tolist(),
            "model": {
                "encoder": {"there": there, "back": back},
                "decoder": plain(model.decoder),
                "attention": plain(model.attention),
                "readout": plain(model.readout),
            },
            "ends": {"start": int(start), "end": int(end), "longest": 20},
        },
    )
    h_next, c_next, _ = lstm_step(np.eye(len(GERMAN))[[word]], h, c, model.decoder.params)
    assert length > 0
    assert [one["word"] for one in found["said"]] == words[:length, 0].tolist()
    for one, other in [
        (found["softmax"], softmax(scores)),
        (found["step"]["h"], h_next[0]),
        (found["step"]["c"], c_next[0]),
        (found["keys"], keys[:, 0]),
        (found["look"]["weights"], weights[0, 0]),
        (found["look"]["context"], context[0, 0]),
        ([said["weights"] for said in found["said"]], looks[:length, 0]),
    ]:
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_the_translator_in_the_page_is_the_one_in_python(javascript, translators):
    numbers_read = [0, 7, 21, 105, 1005, 90_017, 300_000, 421_653, 999_999]
    figure = Alignment(translators, 21)
    canvas = figure.children[0]
    sources = {n: number_words([n])[0].english for n in numbers_read}
    cases = [(name, n, hidden) for name in translators for n in numbers_read for hidden in ([], [0])]
    cases = [case for case in cases if len(sources[case[1]]) > len(case[2])]
    found = javascript(
        TRANSLATOR,
        """async ({ unpack, inEnglish, translate }, given) => {
          const { data, places, scorings, vocabulary, limits, cases } = given;
          const models = await unpack(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), places);
          return cases.map(([name, n, hidden]) => {
            const english = inEnglish(n);
            const words = english.map((word) => vocabulary.english.indexOf(word));
            const mask = words.map((_, s) => hidden.includes(s));
            const said = translate(words, mask, models[scorings.indexOf(name)], limits);
            return [english, said.map((one) => vocabulary.german[one.word]), said.map((one) => one.weights)];
          });
        }""",
        {
            "data": base64.b64encode(canvas.data).decode(),
            "places": canvas.places,
            "scorings": canvas.scorings,
            "vocabulary": canvas.vocabulary,
            "limits": {name: getattr(canvas, name) for name in ("start", "end", "longest")},
            "cases": cases,
        },
    )
    for (name, n, hidden), (english, german, weights) in zip(cases, found, strict=True):
        assert tuple(english) == sources[n]
        figure.number, figure.scoring = n, name
        figure.hidden = hidden
        assert tuple(german) == figure.german
        np.testing.assert_allclose(np.reshape(weights, figure.alignment.shape), figure.alignment, atol=1e-5)
    assert len({str(german) for _, german, _ in found}) > 5


def test_alarms_are_counted_in_javascript_as_in_lstmlib(javascript):
    rng = np.random.default_rng(0)
    scores, odd = np.float32(rng.uniform(-1, 4, 300)), rng.uniform(size=300) < 0.2
    scores[:20] = np.arange(20) / 4  # some stand on the threshold itself
    thresholds = [0, 0.25, 1, 1.7, 3, *rng.uniform(0, 3, 10)]
    found = javascript(
        ALARMS,
        """({ countAlarms }, { scores, odd, thresholds }) =>
          thresholds.map((threshold) => ({
            ...countAlarms(scores, odd, threshold, 0.75),
            none: countAlarms([], [], threshold, 1),
          }))""",
        {"scores": scores.tolist(), "odd": odd.tolist(), "thresholds": thresholds},
    )
    beat = np.arange(10).repeat(128)
    figure = Threshold(np.zeros(1280), beat, np.zeros(10), {"": np.zeros(10)}, {"": scores}, odd, 0.75)
    for threshold, one in zip(thresholds, found, strict=True):
        figure.threshold = threshold
        count = figure.count
        assert (one["alarms"], one["right"]) == count[:2]
        assert one["precision"] == pytest.approx(count.precision, abs=1e-15)
        assert one["recall"] == pytest.approx(count.recall, abs=1e-15)
        assert one["falsePerHour"] == pytest.approx(count.false_per_hour, abs=1e-12)
        assert one["none"] == {
            "alarms": 0, "right": 0, "precision": None, "recall": None, "falsePerHour": 0,
        }  # fmt: skip


def sentences(count):
    """Figures with words, arrows and settings of chance."""
    rng = np.random.default_rng(0)
    for k in range(count):
        n = 2 + k % 4
        figure = SelfAttention([f"word {k}" for k in range(n)], *rng.uniform(-2, 2, (3, n, 2)))
        figure.order, figure.temperature = rng.permutation(n), rng.uniform(0.1, 4)
        figure.scaled, figure.positions, figure.causal = (bool(on) for on in rng.integers(2, size=3))
        figure.heads = int(rng.integers(1, 3))
        yield figure


def state_of(figure):
    canvas = figure.children[0]
    return {name: getattr(canvas, name) for name in canvas.initial}


def test_a_sentence_looks_at_itself_in_javascript_as_in_lstmlib(javascript):
    figures = list(sentences(80))
    found = javascript(
        SENTENCE,
        """({ selfAttention, byWord }, cases) => cases.map(([values, atPlace]) => {
          const { weights, outputs } = selfAttention(values, atPlace);
          return { weights, outputs, words: byWord(outputs, values.order) };
        })""",
        [[state_of(figure), figure.children[0].at_place] for figure in figures],
    )
    for figure, one in zip(figures, found, strict=True):
        np.testing.assert_allclose(one["weights"], figure.weights, rtol=0, atol=1e-12)
        np.testing.assert_allclose(one["outputs"], figure.outputs, rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.array(one["words"])[figure.order], figure.outputs, rtol=0, atol=1e-12)


def test_the_same_outputs_in_another_order_are_the_same_set(javascript):
    rows = [[0, 1], [0, 1], [1, 0]]
    cases = [
        rows[::-1],
        [[0, 1], [1, 0], [1, 0]],
        [[0, 1], [0, 1 + 1e-12], [1, 0]],
        [[0, 1], [0, 1.01], [1, 0]],
    ]
    found = javascript(
        SENTENCE,
        """({ sameSet, movedWords }, { rows, cases }) =>
          cases.map((other) => [sameSet(rows, other), movedWords(rows, other)])""",
        {"rows": rows, "cases": cases},
    )
    assert [same for same, _ in found] == [True, False, True, False]
    assert [[one["word"] for one in moved] for _, moved in found] == [[0, 2], [1], [], [1]]
    assert found[0][1][0]["by"] == pytest.approx(np.sqrt(2), abs=1e-15)
    assert found[3][1][0]["by"] == pytest.approx(0.01, abs=1e-12)


def test_a_sequence_is_recalled_in_javascript_as_in_lstmlib(javascript):
    texts = ["a0 a", "p15 b3 p", "c7 k0 a3 f12 a", "d1 e1 f1 g2 g"]
    rng, figures = np.random.default_rng(0), []
    state = {name: np.shape(array) for name, array in gallery.recall_reader()._weights.items()}
    for text in texts * 5:
        weights = {_names()[name]: rng.normal(0, 1, shape) for name, shape in state.items()}
        figures.append(RecallReader(weights, text))
    nested = [
        [name.split("."), array.tolist()] for figure in figures for name, array in figure._weights.items()
    ]
    found = javascript(
        RECALL,
        """({ recall }, { all, each, symbols }) => symbols.map((sequence, k) => {
          const network = {};
          for (const [path, array] of all.slice(each * k, each * (k + 1)))
            path.slice(0, -1).reduce((at, key) => (at[key] ??= {}), network)[path.at(-1)] = array;
          return recall(sequence, network, 2);
        })""",
        {"all": nested, "each": len(state), "symbols": [figure.symbols for figure in figures]},
    )
    for figure, one in zip(figures, found, strict=True):
        np.testing.assert_allclose(one["probabilities"], figure.probabilities, rtol=0, atol=1e-12)
        np.testing.assert_allclose(one["looks"], figure.looks, rtol=0, atol=1e-12)


def test_the_error_function_in_javascript_is_python_s(javascript):
    x = [0, 1e-300, -1e-9, 0.5, -1.7, 3, 5.99, -6, 6.01, 40, *np.random.default_rng(0).uniform(-7, 7, 300)]
    found = javascript(RECALL, "({ erf }, x) => x.map(erf)", x)
    np.testing.assert_allclose(found, [math.erf(one) for one in x], rtol=1e-14, atol=1e-15)


def test_a_typed_sequence_is_read_or_met_with_a_sentence(javascript):
    good = {"a0 a": [0, 16, 0], "C7, K0; a3 f12 K": [2, 23, 10, 16, 0, 19, 5, 28, 10], "b03b": [1, 19, 1]}
    bad = {
        "": "There is nothing in it. Type 1 to 4 pairs of a key, a to p, and a value, 0 to 15, and",
        " ,; ": "There is nothing in it.",
        "a": "A sequence has 1 to 4 pairs here, and this one has 0.",
        "a1": "It ends with a value, and asks for nothing. Type a key after it.",
        "a1 b": "The key b has no value in this sequence, so there is no right answer.",
        "a16 a": "A value is a number from 0 to 15, and 16 is not.",
        "a1 a2 a": "The key a has two values.",
        "q1 q": "“q” is no key: the keys are the letters a to p.",
        "1a a": "“1” stands where a key is expected. Type 1 to 4 pairs",
        "a b1 a": "“b” stands where a value is expected.",
        "a1 b2 c3 d4 e5 a": "A sequence has 1 to 4 pairs here, and this one has 5.",
        "a-1 a": "“-” is no key",
        "a1 a\N{DOG FACE}": "“\N{DOG FACE}” is no key",
        "é1 é": "“é” is no key",
        "a1 b2 " * 1700 + "a": "A sequence has 1 to 4 pairs here, and this one has 3400.",
        "a" + "9" * 10_000: f"A value is a number from 0 to 15, and {'9' * 20} is not.",
    }
    found = javascript(
        TYPED,
        """({ readSequence }, texts) =>
          texts.map((text) => readSequence(text, { keys: 16, values: 16, most: 4 }))""",
        [*good, *bad],
    )
    figure = gallery.recall_reader()
    for one, (text, symbols) in zip(found, good.items(), strict=False):
        figure.text = text
        assert one["symbols"] == figure.symbols == symbols
        assert one["right"] == figure.right == symbols[one["at"]] - 16
    for one, message in zip(found[len(good) :], bad.values(), strict=True):
        assert one.startswith(message)


def test_what_a_swap_did_to_the_outputs_is_said_in_a_sentence():
    before = [[0, 0], [1, 0], [0, 1]]
    cases = [before, [[1, 0], [0, 0], [0, 1]], [[0, 0], [1, 0], [0.25, 1]], [[0, 0.5], [1, 0.25], [0, 1]]]
    found = call(
        node,
        BY_HAND,
        """({ compared }, { before, cases }) => [
          ...cases.map((after) => compared([0, 1, 2], [1, 0, 2], before, after, ["a", "b", "c"])),
          compared([0, 1, 2], [1, 2, 0], before, before, ["a", "b", "c"]),
        ]""",
        {"before": before, "cases": cases},
    )
    same = "Every word has the output that it had: the set of outputs is the same. "
    assert found == [
        f"You swapped “a” and “b”. {same}",
        "You swapped “a” and “b”. Words have traded outputs, but the set is the same: another output for “a” "
        "and “b”, most “a”, by 1.00. ",
        "You swapped “a” and “b”. The set of outputs has changed: another output for “c”, by 0.25. ",
        "You swapped “a” and “b”. The set of outputs has changed: another output for “a” and “b”, most “a”, "
        "by 0.50. ",
        f"The words stand in another order. {same}",
    ]


def test_the_tip_under_the_pointer_is_the_nearest_and_a_place_there_is_that_of_the_arrow():
    figure = SelfAttention(["a", "b"], [[2, -2], [1.9, -2]], [[0, 0], [0, 0]], [[0.5, 1], [-2, 2]])
    found = call(
        node,
        PLANES,
        """({ nearestTip, planeOf, toPicture, toPlane }, values) => {
          const at = (kind, arrow) => toPicture(arrow, planeOf(kind), 2);
          const tip = (kind, arrow, more) => nearestTip(at(kind, arrow), { ...values, limit: 2, ...more });
          return {
            back: toPlane(at("v", [0.5, 1]), planeOf("v"), 2),
            tips: [
              tip("q", [2, -2]), tip("q", [1.88, -2]), tip("q", [1.9, -2], { word: 0 }),
              tip("k", [0.1, 0], { word: 1, kind: "k" }), tip("k", [0.1, 0], { word: 0, kind: "k" }),
              tip("v", [-1.9, 1.8]), tip("v", [2, -2]), tip("output", [0, 0]),
            ].map((one) => one && one.kind + one.word),
          };
        }""",
        state_of(figure) | {"word": 1, "kind": "v"},
    )
    np.testing.assert_allclose(found["back"], [0.5, 1], atol=1e-12)
    # Of two tips in one place the chosen one is taken
    assert found["tips"] == ["q0", "q1", "q1", "k1", "k0", "v1", None, None]


@pytest.mark.parametrize("symbols", ["ab", "abc"])
def test_what_a_network_counts_and_allows_in_the_page_is_what_it_does_in_python(javascript, symbols):
    rng = np.random.default_rng(0)
    models = {}
    for name in ("one", "two", "three"):
        models[name] = LSTM(len(symbols), 5, rng=rng), Readout(5, len(symbols) + 1, rng=rng)
        for array in (part for made in models[name] for part in made.params.values()):
            array += rng.normal(0, 2, array.shape)  # scores of either sign
    figure = Counters(models, symbols)
    strings = [counted(n, symbols) for n in (1, 3, 50)] + [counted(9, symbols)[:k] for k in (1, 5, 10, 17)]
    found = javascript(
        COUNTERS,
        """({ readString, legalNext }, { strings, symbols, models }) => strings.map((string) => ({
          read: models.map(([, layer, readout]) => readString(string, symbols, { layer, readout })),
          legal: legalNext(string, symbols).legal,
        }))""",
        {"strings": strings, "symbols": symbols, "models": figure.children[0].models},
    )
    outputs, seen = np.array([*symbols, LAST]), set()
    for string, one in zip(strings, found, strict=True):
        figure.string = string
        assert one["legal"] == legal_next(string, symbols)
        for name, steps in zip(models, one["read"], strict=True):
            np.testing.assert_allclose([step["c"] for step in steps], figure.c[name], rtol=0, atol=1e-10)
            assert [step["allowed"] for step in steps] == figure.allowed[name]
            for step in steps:
                assert step["allowed"] == "".join(outputs[np.array(step["scores"]) > 0])
                seen.add(step["allowed"])
    assert len(seen) > 3


def test_a_string_that_breaks_the_grammar_is_found_where_python_finds_it(javascript):
    strings = ["", "a", "b", "aab", "aba", "abb", "abc", "aabbcc", "aabbccc", "aabcc", "abca", "c", "aabbca"]
    found = javascript(
        COUNTERS,
        """({ legalNext, spellOut }, strings) => ({
          broken: strings.map((string) => legalNext(string, "abc")).map((r) => [r.wrong, r.wanted]),
          runs: ["a3b2", "ab", "a12", "3a", "", "a0", "b😀2"].map(spellOut),
        })""",
        strings,
    )
    for string, (wrong, wanted) in zip(strings, found["broken"], strict=True):
        if wrong < 0:
            assert wanted == (legal_next(string, "abc") or ["a"])[-1]
        else:
            legal = ["a", *legal_next(string[:wrong], "abc")][-1]
            assert wanted == legal
            with pytest.raises(ValueError, match=rf"string\[{wrong}\]"):
                legal_next(string, "abc")
    runs = [None if run is None else [(one["symbol"], one["count"]) for one in run] for run in found["runs"]]
    assert runs == [
        [("a", 3), ("b", 2)],
        [("a", 1), ("b", 1)],
        [("a", 12)],
        None,
        [],
        [("a", 0)],
        [("b", 1), ("😀", 2)],
    ]


@pytest.fixture(scope="module")
def inks():
    """Strokes of words, with a dot and a place that was reported twice among them."""
    rng = np.random.default_rng(2)
    strokes = [write(word, new_writer(rng), rng).strokes for word in ("i", "jazz", "quick", "mill")]
    twice = [
        [[0.0, 0.0], [0.0, 0.0], [0.3, 1.0], [0.3, 1.0], [2.0, 0.5]],
        [[3.0, 1.0]],
        [[9.0, 0.0], [9.0, 1.0]],
    ]
    return [*strokes, [np.array(stroke) for stroke in twice]]


def test_ink_is_brought_to_one_form_in_javascript_as_in_lstmlib(javascript, inks):
    found = javascript(
        READER,
        """({ forReading, spread }, { inks, form }) =>
          inks.map((strokes) => ({ ...forReading(strokes, form), spread: spread(strokes) }))""",
        {
            "inks": [[stroke.tolist() for stroke in strokes] for strokes in inks],
            "form": {"step": STEP, "wanted": SPREAD, "furthest": FURTHEST},
        },
    )
    for strokes, one in zip(inks, found, strict=True):
        ink = ink_of(strokes)
        points = for_reading(ink).points
        assert one["spread"] == pytest.approx(spread(ink), rel=1e-12)
        np.testing.assert_allclose(one["points"], points, rtol=0, atol=1e-10)
        # Where each point lies on the paper: where strokes begin and end, nothing was moved.
        begins = np.flatnonzero(points[:, 2])
        places = np.array(one["places"])
        np.testing.assert_allclose(places[begins], [stroke[0] for stroke in strokes], atol=1e-10)
        ends = np.append(begins[1:], len(points)) - 1
        np.testing.assert_allclose(places[ends], [stroke[-1] for stroke in strokes], atol=1e-10)


def random_reader(seed, C=7, H=5):
    """Weights under the names of PyTorch, large enough that letters are said."""
    rng = np.random.default_rng(seed)
    shapes = {"conv.weight": (C, 3, 9), "conv.bias": (C,), "read.weight": (27, 2 * H), "read.bias": (27,)}
    for part in ("there", "back"):
        shapes |= {f"{part}.weight_ih_l0": (4 * H, C), f"{part}.weight_hh_l0": (4 * H, H)}
        shapes |= {f"{part}.bias_ih_l0": (4 * H,), f"{part}.bias_hh_l0": (4 * H,)}
    return {
        name: rng.normal(0, 1.5 if name == "read.weight" else 0.5, shape) for name, shape in shapes.items()
    }


def test_a_reader_in_javascript_reads_as_the_figure_does_in_python(javascript, inks):
    strokes = [[stroke - np.min(np.concatenate(ink), axis=0) for stroke in ink] for ink in inks]
    strokes = [[np.clip(stroke * 0.9, 0, 2.5) for stroke in ink] for ink in strokes]
    samples = {f"ink {k}": ink for k, ink in enumerate(strokes)}
    figure = PenReader(random_reader(0), samples, 0.0)
    canvas = figure.children[0]
    found = javascript(
        PEN,
        """async ({ unpack, judge }, { data, places, samples, settings }) => {
          const network = await unpack(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), places);
          return samples.map(([, strokes]) => judge(strokes, network, settings));
        }""",
        {
            "data": base64.b64encode(canvas.data).decode(),
            "places": canvas.places,
            "samples": canvas.samples,
            "settings": canvas.settings,
        },
    )
    letters = 0
    for name, one in zip(samples, found, strict=True):
        figure.sample = name
        np.testing.assert_allclose(one["y"], figure.reading.y, rtol=0, atol=1e-10)
        assert "".join(canvas.letters[symbol - 1] for symbol in one["word"]) == figure.reading.word
        assert one["probability"] == pytest.approx(figure.reading.probability, rel=1e-9)
        assert len(one["at"]) == len(one["y"])
        letters += len(one["word"])
    assert letters > 10


def test_paths_in_javascript_are_counted_as_in_lstmlib(javascript):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(12, 30, 4)) * 2
    words = [[], [1], [1, 1], [1, 2, 1], [3, 3, 3]]
    y = softmax(scores)
    found = javascript(
        CTC,
        """({ greedy, probabilityOf }, { all, words }) => all.map((y) => ({
          said: greedy(y),
          p: words.map((word) => probabilityOf(word, y)),
        }))""",
        {"all": y.transpose(1, 0, 2).tolist(), "words": words},
    )
    for b, one in enumerate(found):
        loss = [ctc_loss(scores[:, b : b + 1], [word]).loss[0] for word in words]
        np.testing.assert_allclose(one["p"], np.exp(-np.array(loss)), rtol=1e-10)
        assert [[said["symbol"] for said in one["said"]]] == greedy_decode(scores[:, b : b + 1])
        for said in one["said"]:  # each at a step at which it is the likeliest symbol
            assert y[said["at"], b].argmax() == said["symbol"]
    one_letter = np.array([[0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    highest = javascript(CTC, "({ greedy }, y) => greedy(y)", one_letter.tolist())
    assert highest == [{"symbol": 1, "at": 1}]


def test_the_sound_of_a_clip_in_javascript_is_that_of_lstmlib(javascript):
    every_byte = "({ fromMuLaw }) => Array.from({ length: 256 }, (_, byte) => fromMuLaw(byte))"
    samples = javascript("sound_arithmetic", every_byte, None)
    # Each byte stands for the sample that it is made of.
    np.testing.assert_array_equal(_mu_law(np.array(samples)), np.arange(256))
    assert samples[0] == -1
    assert samples[-1] == pytest.approx(1, abs=1e-12)


def test_the_spikes_of_a_clip_in_javascript_are_those_of_lstmlib(javascript):
    rng = np.random.default_rng(0)
    scores = 3 * rng.standard_normal((30, 20, 4)) + [2, 0, 0, 0]
    probabilities = softmax(scores).swapaxes(0, 1)
    found = javascript(CTC, "({ greedy }, clips) => clips.map(greedy)", probabilities.tolist())
    decoded = greedy_decode(scores)
    assert len({len(symbols) for symbols in decoded}) > 3
    for one, symbols, rows in zip(found, decoded, probabilities, strict=True):
        assert [spike["symbol"] for spike in one] == symbols
        path = rows.argmax(axis=1)
        for spike in one:  # the highest of its own run of equal symbols
            start = end = spike["at"]
            while start > 0 and path[start - 1] == spike["symbol"]:
                start -= 1
            while end < 29 and path[end + 1] == spike["symbol"]:
                end += 1
            assert spike["at"] == start + rows[start : end + 1, spike["symbol"]].argmax()


def test_chance_and_mixtures_in_javascript_are_those_of_lstmlib(javascript):
    rng = np.random.default_rng(0)
    raw, uniform = rng.normal(0, 2, (50, 25)), rng.random((50, 2))
    normal, biases = rng.standard_normal((50, 2)), rng.uniform(0, 3, 50)
    places = [0, 1, 2, 240, 8 * 999 * 240]
    found = javascript(
        WRITER,
        """({ chanceFrom, mixtureOf, normals, pointOf }, { raw, uniform, normal, biases, places }) => ({
          rows: places.map((place) => Array.from({ length: 9 }, chanceFrom(place))),
          normals: uniform.map(([u, v]) => normals(u, v)),
          said: raw.map((numbers, k) => mixtureOf(numbers, biases[k])),
          points: raw.map((numbers, k) => pointOf(mixtureOf(numbers, biases[k]), uniform[k], normal[k])),
        })""",
        {
            "raw": raw.tolist(),
            "uniform": uniform.tolist(),
            "normal": normal.tolist(),
            "biases": biases.tolist(),
            "places": places,
        },
    )
    for place, row in zip(places, found["rows"], strict=True):
        np.testing.assert_array_equal(row, chance_from(place, 9))
        # The s-th number of the row is a power of the factor
        assert row[3] * PRIME == pytest.approx(pow(FACTOR, place + 4, PRIME), abs=1e-6)
    u, v = uniform.T
    both = np.sqrt(-2 * np.log(u)) * np.array([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)])
    np.testing.assert_allclose(found["normals"], both.T, rtol=0, atol=1e-12)
    for k, said in enumerate(found["said"]):
        mixture = mixture_of(raw[k], biases[k])
        assert said["pen"] == pytest.approx(mixture.pen, abs=1e-12)
        for name, array in [
            ("weight", mixture.weights),
            ("mean", mixture.means),
            ("deviation", mixture.deviations),
            ("rho", mixture.correlations),
        ]:
            np.testing.assert_allclose([one[name] for one in said["gaussians"]], array, rtol=1e-12)
        point = point_of(mixture, uniform[k], normal[k])
        np.testing.assert_allclose(found["points"][k], point, rtol=1e-11, atol=1e-11)


def test_the_writer_in_the_page_is_the_one_in_python(javascript):
    # Weights of a size that training gives: what was written matters for what is written next.
    rng = np.random.default_rng(1)
    shapes = {"weight_ih_l0": (64, 29), "weight_hh_l0": (64, 16), "bias_ih_l0": 64, "bias_hh_l0": 64}
    weights = {f"lstm.{name}": rng.normal(0, 0.5, shape) for name, shape in shapes.items()}
    weights |= {"read.weight": rng.normal(0, 0.5, (25, 16)), "read.bias": rng.normal(0, 0.5, 25)}
    figure = PenWriter(weights, text="qwertyz", bias=0.3, seed=12)
    canvas = figure.children[0]
    cases = [("qwertyz", 0.3, 12), ("aaaaaaaa", 0.0, 999), ("lstm", 3.0, 0)]
    found = javascript(
        WRITER,
        """({ chanceFrom, writeLetter }, { network, cases, letters, longest, most }) =>
          cases.map(([text, bias, seed]) => [...text].map((letter, k) => {
            const chance = chanceFrom((longest * seed + k) * 4 * most);
            const made = writeLetter(letters.indexOf(letter), network, { bias, chance, most });
            return [made.points.map(({ point }) => point), made.ended];
          }))""",
        {
            "network": {
                part: {
                    name[len(part) + 1 :]: array.tolist()
                    for name, array in figure._arrays.items()
                    if part in name
                }
                for part in ("lstm", "readout")
            },
            "cases": cases,
            **{name: getattr(canvas, name) for name in ("letters", "longest", "most")},
        },
    )
    endings = set()
    for (text, bias, seed), letters in zip(cases, found, strict=True):
        figure.text, figure.bias, figure.seed = text, bias, seed
        for written, (points, ended) in zip(figure.written, letters, strict=True):
            assert written.ended == ended
            np.testing.assert_allclose(np.reshape(points, (-1, 3)), written.points, rtol=0, atol=1e-10)
            endings.add((ended, len(points)))
    assert len(endings) > 5


def test_the_weights_of_a_writer_travel_as_they_are():
    weights = {
        "lstm.weight_ih_l0": np.arange(4 * 29.0).reshape(4, 29),
        "lstm.weight_hh_l0": np.full((4, 1), 0.1),
        "lstm.bias_ih_l0": np.ones(4),
        "lstm.bias_hh_l0": np.ones(4),
        "read.weight": np.zeros((7, 1)),
        "read.bias": np.arange(7.0),
    }
    canvas = PenWriter(weights).children[0]
    found = unpacked(canvas)
    np.testing.assert_array_equal(found["lstm.W_x"], weights["lstm.weight_ih_l0"])
    np.testing.assert_array_equal(found["lstm.W_h"], np.full((4, 1), np.float32(0.1)))
    np.testing.assert_array_equal(found["lstm.b"], [2, 2, 2, 2])
    np.testing.assert_array_equal(found["readout.b"], np.arange(7.0))


def told(batch, b):
    """A story of a batch as a text, and its question."""
    text = ". ".join(as_text(sentence) for sentence in batch.sentences[:, b])
    return f"{text}.", f"{as_question(batch.asked[b])}?"


def test_both_networks_answer_in_javascript_as_in_lstmlib(javascript):
    figure, rng = gallery.story_reader(), np.random.default_rng(1)
    batches = [stories(T, 5, things=True, rng=rng) for T in (1, 3, 10, 20)]
    texts = [told(batch, b) for batch in batches for b in range(5)]
    canvas = figure.children[0]
    found = javascript(
        "story_reader",
        """async (reader, { data, places, texts, grammar }) => {
          const { unpack, readStory, readQuestion, storyLSTM, memoryNetwork } = reader;
          const { lstm, memory } = await unpack(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), places);
          return texts.map(([story, question]) => {
            const { sentences } = readStory(story, grammar);
            const { asked } = readQuestion(question, grammar);
            return {
              sentences, asked, lstm: storyLSTM(sentences, asked, lstm),
              ...memoryNetwork(sentences, asked, memory),
            };
          });
        }""",
        {
            "data": base64.b64encode(canvas.data).decode(),
            "places": canvas.places,
            "texts": texts,
            "grammar": canvas.grammar,
        },
    )
    for (story, question), one in zip(texts, found, strict=True):
        figure.story, figure.question = story, question
        assert [tuple(sentence) for sentence in one["sentences"]] == figure.sentences
        np.testing.assert_allclose(one["lstm"], figure.reading.lstm, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one["y"], figure.reading.memory, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one["looks"], figure.reading.looks, rtol=0, atol=1e-10)


def test_a_careful_reader_in_javascript_is_that_of_lstmlib(javascript):
    rng = np.random.default_rng(2)
    texts = [told(batch, b) for batch in (stories(12, 60, things=True, rng=rng),) for b in range(60)]
    texts += [
        # What the grammar never says
        ("ben took the lamp. ben went to the attic", "where is lamp"),
        ("anna left the book. anna ran to the hall".replace("hall", "attic"), "where is the book"),
        (
            "anna went to the attic. anna took the lamp. ben ran to the cellar. ben took the lamp. "
            "anna ran to the garden",
            "where is the lamp?",
        ),
        ("carla went to the attic", "where is david"),
    ]
    found = javascript(
        STORIES,
        """({ readStory, readQuestion, whereIs }, { texts, grammar }) => texts.map(([story, question]) =>
          whereIs(readStory(story, grammar).sentences, readQuestion(question, grammar).asked, grammar))""",
        {"texts": texts, "grammar": gallery.story_reader().children[0].grammar},
    )
    for (story, question), one in zip(texts, found, strict=True):
        place, facts = where_is(read_story(story), read_question(question))
        assert (one["place"], tuple(one["facts"])) == (place, facts)
    assert {one["place"] for one in found} == {None, *range(len(PLACES))}


def test_what_cannot_be_read_is_refused_in_javascript_where_python_refuses_it(javascript):
    went = "anna went to the attic"
    texts = ["", " . \n", "Eve went to the attic", went + ". ben ran to the attic" * 20, "x" * 10_000]
    texts += ["anna went to the lamp", "anna took the attic", "the anna went to attic", "anna", f"{went} the"]
    texts += [f"{went} and ben", "anna anna went attic", "where is anna", "constructor is", "é. ß"]
    texts += ["Anna WENT attic!\nben took the\tlamp;", "anna went to to the the attic"]
    questions = ["", "?", "where is the", "where is", "is anna", "where is the attic", "where the is anna"]
    questions += ["where is the the lamp", "where is anna lamp", "who is anna", "where is " + "y" * 10_000]
    questions += ["where is anna", "WHERE IS THE LAMP ?"]
    found = javascript(
        STORIES,
        """({ readStory, readQuestion }, { texts, questions, grammar }) => [
          texts.map((text) => readStory(text, grammar)),
          questions.map((text) => readQuestion(text, grammar)),
        ]""",
        {
            "texts": texts,
            "questions": questions,
            "grammar": gallery.story_reader().children[0].grammar,
        },
    )
    refused = 0
    for read, given, answers, name in (
        (read_story, texts, found[0], "sentences"),
        (read_question, questions, found[1], "asked"),
    ):
        for text, one in zip(given, answers, strict=True):
            try:
                expected = read(text)
            except ValueError as error:
                refused += 1
                # The same words, but for capitals and what each is asked for elsewhere
                start = re.split(r"[,“]", str(error))[0].lower()
                assert one["wrong"].lower().startswith(start), (text[:50], one)
                assert len(one["wrong"]) < 160
            else:
                assert one == {name: [list(s) for s in expected] if name == "sentences" else expected}
    assert refused == 15 + 11


def a_composer(rng, H=16, D=6):
    """Weights of a size that training gives, under the names of PyTorch."""
    shapes = {
        "weight_ih_l0": (4 * H, D),
        "weight_hh_l0": (4 * H, H),
        "bias_ih_l0": 4 * H,
        "bias_hh_l0": 4 * H,
    }
    weights = {f"lstm.{name}": rng.normal(0, 0.7, shape) for name, shape in shapes.items()}
    weights |= {"embed.weight": rng.normal(0, 1, (69, D)), "read.weight": rng.normal(0, 1, (53, H))}
    return weights | {"read.bias": rng.normal(0, 0.5, 53)}


def test_the_composer_in_the_page_is_the_one_in_python(javascript):
    figure = TuneWriter(a_composer(np.random.default_rng(2)))
    arrays = figure._arrays
    network = {"embed": arrays["embed"].tolist()}
    for part in ("lstm", "readout"):
        network[part] = {
            name[len(part) + 1 :]: array.tolist() for name, array in arrays.items() if part in name
        }
    cases = [("6/8", "A", 1.0, 0), ("9/8", "Gm", 0.3, 5), ("2/4", "Bb", 2.0, 999), ("C", "C", 0.8, 42)]
    found = javascript(
        TUNES,
        """({ chanceFrom, composing }, { network, cases }) => cases.map(([head, temperature, seed]) =>
          [...composing(network, head,
            { temperature, chance: chanceFrom(400 * seed), end: 52, most: 400 })])""",
        {
            "network": network,
            "cases": [
                [[53 + list(METRES).index(metre), 59 + list(KEYS).index(key)], temperature, seed]
                for metre, key, temperature, seed in cases
            ],
        },
    )
    lengths = set()
    for (metre, key, temperature, seed), numbers in zip(cases, found, strict=True):
        figure.metre, figure.key, figure.temperature, figure.seed = metre, key, temperature, seed
        assert [SYMBOLS[k] for k in numbers if k != 52] == figure.composed
        assert (numbers[-1] == 52) == figure.ended
        lengths.add(len(numbers))
    assert len(lengths) > 1


def test_the_scores_of_the_composer_are_those_of_lstmlib(javascript):
    rng = np.random.default_rng(3)
    figure = TuneWriter(a_composer(rng))
    arrays = figure._arrays
    symbols = rng.integers(69, size=50)
    h = c = np.zeros((1, 16))
    expected = []
    for symbol in symbols:
        params = {name: arrays[f"lstm.{name}"] for name in ("W_x", "W_h", "b")}
        h, c, _ = lstm_step(arrays["embed"][[symbol]], h, c, params)
        expected.append(arrays["readout.W"] @ h[0] + arrays["readout.b"])
    found = javascript(
        TUNE,
        """({ affine, lstmStep, zeroState }, { embed, lstm, W, b, symbols }) => {
          let state = zeroState(lstm);
          return symbols.map((symbol) => {
            state = lstmStep(affine(embed[symbol], lstm.W_x, lstm.b), state, lstm);
            return affine(state.h, W, b);
          });
        }""",
        {
            "embed": arrays["embed"].tolist(),
            "lstm": {name: arrays[f"lstm.{name}"].tolist() for name in ("W_x", "W_h", "b")},
            "W": arrays["readout.W"].tolist(),
            "b": arrays["readout.b"].tolist(),
            "symbols": symbols.tolist(),
        },
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_symbols_sound_in_the_page_as_in_python(javascript):
    rng = np.random.default_rng(4)
    # Any order, with many notes; then again with few
    share = np.array([3.0 if symbol.isalpha() else 1.0 for symbol in SYMBOLS])
    texts = [rng.choice(SYMBOLS, 60, p=p / p.sum()).tolist() for p in (share, share**0.1) for _ in range(40)]
    keys = [list(KEYS)[k % len(KEYS)] for k in range(len(texts))]
    found = javascript(
        TUNE,
        "({ perform }, { texts, sharps }) => texts.map((symbols, k) => perform(symbols, sharps[k]))",
        {"texts": texts, "sharps": [KEYS[key] for key in keys]},
    )
    for symbols, key, said in zip(texts, keys, found, strict=True):
        expected = notes_of(symbols, key)
        assert [note["pitch"] for note in said["notes"]] == [note.pitch for note in expected]
        for name in ("start", "length"):
            values = [getattr(note, name) for note in expected]
            np.testing.assert_allclose([note[name] for note in said["notes"]], values, rtol=1e-12)
        np.testing.assert_allclose(said["bars"], bar_lengths(symbols), rtol=1e-12)
    hertz = javascript(TUNE, "({ hertz }, pitches) => pitches.map(hertz)", [69, 81, 60])
    np.testing.assert_allclose(hertz, [440, 880, 261.6255653], rtol=1e-9)


def test_the_weights_of_a_composer_travel_as_they_are():
    weights = a_composer(np.random.default_rng(5))
    found = unpacked(TuneWriter(weights).children[0])
    np.testing.assert_array_equal(found["embed"], weights["embed.weight"].astype(np.float32))
    both = [weights[f"lstm.bias_{name}_l0"].astype(np.float32) for name in ("ih", "hh")]
    np.testing.assert_array_equal(found["lstm.b"], both[0] + both[1])
    np.testing.assert_array_equal(found["readout.W"], weights["read.weight"].astype(np.float32))


# Reads a text, as it grows and changes; then what a figure shows of it.
READ_CODE = """(m, { lstm, readout, fresh, alphabet, texts, typed, unit, temperature, seed, count }) => {
  const whole = { lstm, readout };
  const [trained, untrained] = [m.reading(whole), m.reading({ lstm: fresh })];
  const all = (one) => { while (one.left()) one.readOne(); };
  let numbers;
  for (const text of texts) {
    numbers = m.numbersOf([...text], alphabet);
    for (const one of [trained, untrained]) { one.turnTo(numbers); all(one); }
  }
  const level = m.meanOutput(trained, typed, unit);
  const network = m.heldStill(whole, unit, level);
  const held = m.reading(network);
  held.turnTo(numbers);
  all(held);
  const gates = numbers.map((number, t) => m.gatesOf(number, trained.states[t], lstm, unit));
  const written = [[trained, whole], [held, network]].map(([{ states }, one]) =>
    m.writeOn(states.at(-1), one, { temperature, chance: m.chanceFrom(seed * 500), count }));
  return {
    gates, level, written, nats: trained.nats, held: held.nats, mean: m.meanNats(trained, typed),
    c: [trained, untrained].map(({ states }) => states.slice(1).map((state) => state.c[unit])),
    next: [m.nextOf(trained.states.at(-1), readout), m.nextOf(held.states.at(-1), network.readout)],
  };
}"""


def assert_reads_as_in_python(javascript, figure, texts, atol):
    """What the page makes of a text is what the figure says in Python, of the same rounded weights."""
    canvas = figure.children[0]
    given = {"lstm": figure._layer, "readout": figure._readout, "fresh": figure._fresh}
    given = {name: {k: a.tolist() for k, a in made.params.items()} for name, made in given.items()}
    figure.text = texts[-1]
    settings = {"unit": figure.unit, "temperature": figure.temperature, "seed": figure.seed, "count": 60}
    texts = {"texts": texts, "typed": len(texts[-1]), "alphabet": canvas.alphabet}
    found = javascript("code_reader", READ_CODE, given | settings | texts)
    expected = figure.reading
    for name in "ifgo":
        np.testing.assert_allclose(
            [gates[name] for gates in found["gates"]], getattr(expected, name), rtol=0, atol=atol
        )
    np.testing.assert_allclose(found["c"], [expected.c, expected.untrained], rtol=0, atol=atol)
    assert found["level"] == pytest.approx(expected.level, abs=atol)
    for name in ("nats", "held"):
        values = np.array(found[name], float)  # None is NaN
        np.testing.assert_allclose(values, getattr(expected, name), rtol=0, atol=atol)
    if len(figure.text) > 1:
        assert found["mean"] == pytest.approx(np.nanmean(expected.nats), abs=atol)
    for still, numbers, p in zip((False, True), found["written"], found["next"], strict=True):
        canvas.written = ""
        figure.still, figure.place = still, len(figure.text) - 1
        np.testing.assert_allclose(p, figure.expected, rtol=0, atol=atol)
        figure.write_on(60)
        assert "".join(canvas.alphabet[number] for number in numbers) == figure.written
    figure.still, canvas.written = False, ""


def test_a_text_is_read_and_continued_in_javascript_as_the_figure_does_in_python(javascript):
    rng = np.random.default_rng(6)
    layer, fresh = (LSTM(7, 9, rng=rng) for _ in range(2))
    for params in (layer.params, fresh.params):
        params |= {name: rng.normal(0, 1, array.shape) for name, array in params.items()}
    readout = Readout(9, 7, rng=rng)
    readout.params["b"] += rng.normal(0, 1, 7)
    figure = CodeReader(layer, readout, fresh, "abc (\n)", seed=9)
    for unit, texts in enumerate(
        (
            ["a"],
            ["ab(c)", "ab(c)\n", "ab(b)\n", "ab"],
            ["b" * 50 + "ca", "b" * 50 + "cab(", "c" + "b" * 50],
            ["aé(😀)", "aé(c)", "(a😀b)é\nc"],
        )
    ):
        figure.unit, figure.temperature = 2 * unit, (0.2, 0.7, 1.0, 1.5)[unit]
        assert_reads_as_in_python(javascript, figure, texts, 1e-12)


def a_part_writer(rng, H=16):
    """Weights of a size that training gives, under the names of PyTorch."""
    shapes = {
        "weight_ih_l0": (4 * H, 66),
        "weight_hh_l0": (4 * H, H),
        "bias_ih_l0": 4 * H,
        "bias_hh_l0": 4 * H,
    }
    weights = {f"lstm.{name}": rng.normal(0, 0.7, shape) for name, shape in shapes.items()}
    weights |= {"read.weight": rng.normal(0, 1, (54, H)), "read.bias": rng.normal(-2.5, 0.5, 54)}
    return weights | {"below": rng.normal(0, 1, (54, 54)), "many": rng.normal(0, 1, (54, 6))}


def four_parts_and_networks(seed):
    """A figure, and its two networks as the page finds them."""
    rng = np.random.default_rng(seed)
    figure = FourParts(a_part_writer(rng), a_part_writer(rng))
    networks = {}
    for name, arrays in figure._arrays.items():
        networks[name] = {"below": arrays["below"].tolist(), "many": arrays["many"].tolist()}
        for part in ("lstm", "readout"):
            names = [name for name in arrays if name.startswith(part)]
            networks[name][part] = {name[len(part) + 1 :]: arrays[name].tolist() for name in names}
    return figure, networks


def test_the_chords_in_the_page_are_those_in_python(javascript):
    figure, networks = four_parts_and_networks(2)
    cases = [
        ("chain", "", 1.0, 0),
        ("coins", "", 1.0, 0),
        ("chain", "C3 G3 E4 C5", 0.3, 5),
        ("coins", "B1", 2.0, 999),
        ("chain", "C3 D3 E3 F3 G3 A3 B3 C4", 2.0, 42),
    ]
    found = javascript(
        PARTS,
        """({ chanceFrom, chords }, { networks, cases }) => cases.map(([who, opening, temperature, seed]) => {
          const chance = chanceFrom(32 * 54 * seed);
          const coming = chords(networks[who], opening, { temperature, chance });
          return Array.from({ length: 32 }, () => coming.next().value);
        })""",
        {
            "networks": networks,
            "cases": [
                [writer, [pitch - 31 for pitch in read_chord(opening)], temperature, seed]
                for writer, opening, temperature, seed in cases
            ],
        },
    )
    counts = set()
    for (writer, opening, temperature, seed), made in zip(cases, found, strict=True):
        figure.writer, figure.opening = writer, opening
        figure.temperature, figure.seed = temperature, seed
        assert [[key + 31 for key in chord] for chord in made] == figure.composed
        counts |= {len(chord) for chord in made}
    assert max(counts) > 6  # more keys than `many` has numbers for
    assert len(counts) > 3


@pytest.mark.parametrize("writer", ["coins", "chain"])
def test_the_chance_of_each_key_is_that_of_lstmlib_to_a_billionth(javascript, writer):
    figure, networks = four_parts_and_networks(3)
    arrays, rng, temperature = figure._arrays[writer], np.random.default_rng(4), 0.8
    params = {name: arrays[f"lstm.{name}"] for name in ("W_x", "W_h", "b")}
    h = c = np.zeros((1, 16))
    before, draws, expected = np.zeros(54), [], []
    # Draws a billionth below or above the chance that Python finds, so that keys go down as chosen
    for chosen in rng.random((20, 54)) < 0.1:
        h, c, _ = lstm_step(before[None], h, c, params)
        before = chosen.astype(float)
        scores = arrays["readout.W"] @ h[0] + arrays["readout.b"] + np.tril(arrays["below"], -1) @ before
        below = np.minimum(np.cumsum(before) - before, 5).astype(int)
        p = sigmoid((scores + arrays["many"][np.arange(54), below]) / temperature)
        draws += (p * np.where(chosen, 1 - 1e-9, 1 + 1e-9)).tolist()
        expected.append(np.flatnonzero(chosen).tolist())
    found = javascript(
        CHORDS,
        """({ chords }, { network, draws, temperature }) => {
          const coming = chords(network, [], { temperature, chance: () => draws.shift() });
          return Array.from({ length: 20 }, () => coming.next().value);
        }""",
        {"network": networks[writer], "draws": draws, "temperature": temperature},
    )
    assert found == expected


def test_a_chord_is_read_in_the_page_as_in_python(javascript):
    rng = np.random.default_rng(5)
    names = [
        f"{letter}{sign}{octave}"
        for letter in "ABCDEFGacg"
        for sign in ("", "#", "b")
        for octave in "12344556"
    ]
    texts = [" ".join(rng.choice(names, rng.integers(1, 5))) for _ in range(60)]
    texts += [
        "",
        " ,, ",
        "C3,G3  E4,C5",
        "C4 " * 8,
        "C4 " * 9,
        "H4",
        "C",
        "C10",
        "C##4",
        "4C",
        "c4c4",
        "x" * 10_000,
    ]
    texts += ["G1 C6", "F#1", "Gb1", "C#6", "B#5", "B#6", "Cb1", "C4\u00a0E4", "♯4"]
    found = javascript(
        CHORDS,
        "({ readChord }, { texts, limits }) => texts.map((text) => readChord(text, limits))",
        {"texts": texts, "limits": {"lowest": 31, "highest": 84, "most": MOST_NOTES}},
    )
    refused = 0
    for text, said in zip(texts, found, strict=True):
        try:
            expected = read_chord(text)
        except ValueError as error:
            refused += 1
            words = {
                "at most": "at most 8",
                "notes such as": "is no note",
                "notes from": "no choir of the training",
            }
            [meant] = [mine for theirs, mine in words.items() if theirs in str(error)]
            assert meant in said
            assert len(said) < 160
        else:
            assert said == expected
    assert 10 < refused < len(texts) - 40


def test_the_weights_of_four_parts_travel_as_they_are():
    rng = np.random.default_rng(6)
    both = {"coins": a_part_writer(rng), "chain": a_part_writer(rng)}
    found = unpacked(FourParts(**both).children[0])
    for name, weights in both.items():
        sent = weights["lstm.weight_ih_l0"].astype(np.float32)[:, :54]
        np.testing.assert_array_equal(found[f"{name}.lstm.W_x"], sent)
        np.testing.assert_array_equal(found[f"{name}.readout.b"], weights["read.bias"].astype(np.float32))
        used = name == "chain"
        np.testing.assert_array_equal(
            found[f"{name}.below"], used * np.tril(weights["below"], -1).astype(np.float32)
        )
        np.testing.assert_array_equal(found[f"{name}.many"], used * weights["many"].astype(np.float32))


def every_cell():
    """All sets of parts that make a cell."""
    for which in product([False, True], repeat=len(SWITCHES)):
        try:
            yield check_parts(list(compress(SWITCHES, which)))
        except ValueError:
            continue


def test_every_cell_of_the_family_has_the_same_size_and_reads_the_same_in_javascript(javascript):
    rng, cells = np.random.default_rng(0), list(every_cell())
    assert len(cells) == 74  # by hand: 46 with a vector, 28 with a matrix
    sizes = rng.integers(1, 65, (len(cells), 2)).tolist()
    rows = rng.uniform(-1, 1, (20, 5)) * [3, 0, 12, 12, 12]
    rows[:, 1] = rng.integers(0, 2, 20)
    peepholes = dict(zip(("input", "forget", "output"), rng.uniform(-3, 3, 3).tolist(), strict=True))
    found = javascript(
        FAMILY,
        """(m, { cells, sizes, rows, peepholes }) => cells.map((parts, k) => {
          const steps = m.readStream(parts, rows, peepholes);
          return {
            sizes: [m.countParameters(parts, ...sizes[k]), m.countCarried(parts, sizes[k][1])],
            c: steps.map(({ c }) => c), n: steps.map(({ n }) => n), h: steps.map(({ h }) => h),
          };
        })""",
        {"cells": cells, "sizes": sizes, "rows": rows.tolist(), "peepholes": peepholes},
    )
    for parts, (D, H), one in zip(cells, sizes, found, strict=True):
        figure = Family(parts, D, H)
        assert one["sizes"] == [figure.parameters, figure.carried]
        assert (
            np.abs([*figure.reading.c.ravel(), *figure.reading.h]).max() <= 2
        )  # what the picture has room for
        expected = read_stream(parts, rows, peepholes)
        for name in "cnh":
            values = np.reshape(one[name], getattr(expected, name).shape)
            np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-12, atol=1e-12)


def test_a_switch_turned_always_leaves_a_cell_and_says_why_another_moved(javascript):
    cells = list(every_cell())
    rules = {"order": list(SWITCHES), "conflicts": CONFLICTS, "needs": NEEDS}
    found = javascript(
        FAMILY,
        """(m, { cells, rules }) => cells.map((parts) => rules.order.map((part) => {
          const now = m.turn(parts, part, rules);
          return [now, m.reasons(parts, now, rules)];
        }))""",
        {"cells": cells, "rules": rules},
    )
    for parts, turns in zip(cells, found, strict=True):
        for part, (now, why) in zip(SWITCHES, turns, strict=True):
            assert check_parts(now) == now
            assert (part in now) != (part in parts)
            moved = set(now) ^ set(parts)
            assert (len(why) > 0) == (len(moved) > 1)
            # Nothing moves that may stay: to turn this one alone would leave no cell
            if len(moved) > 1:
                with pytest.raises(ValueError, match="parts has"):
                    check_parts(set(parts) ^ {part})


def step_by(equations, D, H, params, x, state):
    """One step by equations as the figure writes them, each read as a line of Python."""
    names = {"σ": sigmoid, "tanh": np.tanh, "exp": np.exp, "log": np.log, "max": np.maximum, "H": H} | params
    names |= {f"{name}_before": value for name, value in state.items()} | {"x": x}
    for equation in equations:
        if "kept divided" in equation:
            continue  # a way to keep c and n, which changes no h
        line = re.sub(r"  \(.*\)$", "", equation)
        line = re.sub(r"(\w)_\{t−1\}", r"\1_before", line)
        line = re.sub(r"\b(\w)_t\b", r"\1", line)
        line = line.replace("v k^⊤", "outer(v, k)").replace("√H", "H**0.5").replace("−", "-")
        line = line.replace("|n^⊤ q|", "abs(n @ q)").replace("C q", "(C @ q)").replace("⊙", "*")
        line = re.sub(r"(W_\w) \[(\w+), (\w+)\]", r"\1 @ concatenate([\2, \3])", line)
        line = re.sub(r"(W_\w) x", r"\1 @ x", line)
        line = re.sub(r"\b([if]) (?=[kCno])", r"\1 * ", line).replace("tanh c", "tanh(c)")
        left, right = line.split(" = ")
        names[left] = eval(right, {"outer": np.outer, "concatenate": np.concatenate, "abs": abs}, names)
    return {name: names[name] for name in state}


def weights_by_gate(layer, blocks):
    """W_i and b_i, ..., the columns for h first; p_i, ... where there are any."""
    rows = dict(zip(blocks, range(len(blocks)), strict=True))
    H, found = layer.hidden_size, {}
    for gate, n in rows.items():
        cut = slice(n * H, (n + 1) * H)
        both = [layer.params[name][cut] for name in ("W_h", "W_x") if name in layer.params]
        found |= {f"W_{gate}": np.concatenate(both, axis=1), f"b_{gate}": layer.params["b"][cut]}
    if "W_g" in layer.params:
        for n, gate in enumerate("if"):
            found |= {f"W_{gate}": layer.params["W_g"][n], f"b_{gate}": layer.params["b_g"][n]}
    return found | {name: array for name, array in layer.params.items() if name.startswith("p_")}


def test_the_equations_that_a_published_cell_shows_are_those_of_its_layer():
    kinds = {
        "the LSTM of 2000": (LSTM, "ifgo"),
        "the LSTM of 1997": (NoForgetLSTM, "igo"),
        "the peephole LSTM": (PeepholeLSTM, "ifgo"),
        "the coupled LSTM": (CoupledLSTM, "fgo"),
        "the LSTM without output activation": (UnsquashedLSTM, "ifgo"),
        "the sLSTM": (SLSTM, "ifgo"),
        "the mLSTM": (MLSTM, "qkvo"),
    }
    parts = {name: parts for parts, name, _ in PUBLISHED if name in kinds}
    texts = call(node, FAMILY, "({ equations }, cells) => cells.map(equations)", list(parts.values()))
    D, H, rng = 3, 4, np.random.default_rng(2)
    for name, equations in zip(parts, texts, strict=True):
        kind, blocks = kinds[name]
        layer = kind(D, H, rng=rng)
        layer.params = {key: rng.normal(0, 0.7, array.shape) for key, array in layer.params.items()}
        weights = weights_by_gate(layer, blocks)
        zero = np.zeros(H)
        state = {"h": zero, "C": np.zeros((H, H)), "n": zero} if kind is MLSTM else {"h": zero, "c": zero}
        state |= {"n": zero} if kind is SLSTM else {}
        inputs = rng.normal(size=(6, 1, D))
        h, _ = layer.forward(inputs)
        for t, x in enumerate(inputs[:, 0]):
            state = step_by(equations, D, H, weights, x, state)
            np.testing.assert_allclose(state["h"], h[t, 0], rtol=0, atol=1e-12, err_msg=name)


def random_way(figure, rng):
    """Set a start and moves that stay on the screen: legs and rests, sometimes too short or too many."""
    while True:
        legs = rng.integers(-1, 4, size=rng.integers(1, 6))
        moves = np.repeat(legs, rng.integers(1, 6, size=len(legs)))[:11].tolist()
        figure.start = rng.integers(9, size=2)
        try:
            figure.moves = moves
        except ValueError:
            continue
        return moves


def test_a_teller_in_javascript_looks_and_tells_as_the_figure_does_in_python(javascript):
    figure, rng, asked = moving_digit(), np.random.default_rng(0), []
    for k in range(30):
        figure.scan = ("three", "eight")[k % 2]
        moves = random_way(figure, rng)
        asked.append((figure.scan, figure.start, moves, figure.frames, figure.telling, figure.sentence))
    canvas = figure.children[0]
    found = javascript(
        DIGIT,
        """async (module, { data, places, settings, scans, words, asked }) => {
          const { unpack, pathOf, frameOf, look, tell, judge } = module;
          const network = await unpack(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), places);
          const images = Object.fromEntries(scans);
          return asked.map(([scan, start, moves]) => {
            const path = pathOf(start, moves, settings);
            const frames = path.map((place) => frameOf(images[scan], place, settings));
            const answers = frames.map((frame) => look(frame, network, settings));
            const told = tell(answers, network, settings);
            const { said, why } = judge(moves, told, words, settings);
            return { frames: frames.map((frame) => [...frame]), answers, said: said ?? null, why, ...told };
          });
        }""",
        {
            "data": base64.b64encode(canvas.data).decode(),
            "places": canvas.places,
            "settings": canvas.settings,
            "scans": canvas.scans,
            "words": canvas.words,
            "asked": [(scan, start, moves) for scan, start, moves, *_ in asked],
        },
    )
    weights = figure._weights
    for one, (_, _, _, frames, telling, expected) in zip(found, asked, strict=True):
        np.testing.assert_allclose(np.reshape(one["frames"], (12, 16, 16)), frames, rtol=0, atol=1e-7)
        answers = _look(np.reshape(one["frames"], (12, 16, 16)), weights)
        np.testing.assert_allclose(one["answers"], answers, rtol=0, atol=1e-10)
        assert tuple(one["words"]) == telling.words
        assert one["probability"] == pytest.approx(telling.probability, rel=1e-5)
        exact = _tell(answers, weights)
        assert one["probability"] == pytest.approx(exact.probability, rel=1e-10)
        assert one["said"] == expected
        assert ("why" in one) == (expected is None)
    assert len({tuple(one["words"]) for one in found}) > 3


def test_sentences_and_legs_in_javascript_are_those_of_lstmlib(javascript):
    rng, canvas = np.random.default_rng(0), moving_digit().children[0]
    words = [rng.integers(len(WORDS), size=5).tolist() for _ in range(100)]
    words += [WORDS.encode(said).tolist() for said in (["eight", "left", "down", END], ["one", "up", END])]
    moves = rng.integers(-1, 4, size=(50, 11)).tolist()
    found = javascript(
        DIGIT,
        """({ sentenceOf, legsOf }, { all, words, moves, settings }) => ({
          said: all.map((one) => sentenceOf(one, words, settings) ?? null),
          legs: moves.map((one) => legsOf(one)),
        })""",
        {"all": words, "words": canvas.words, "moves": moves, "settings": canvas.settings},
    )
    assert found["said"] == [sentence(one) for one in words]
    assert found["said"][-2:] == ["an eight moves left, then down", "a one moves up"]
    for one, legs in zip(moves, found["legs"], strict=True):
        assert tuple(list(DIRECTIONS)[leg["way"]] for leg in legs) == directions_of(walk((0, 0), one))
        assert sum(leg["pixels"] for leg in legs) == sum(move >= 0 for move in one)


PICTURE, PICTURES = "picture_arithmetic", "picture_reader"
# What the weights are called in the page, from the names of `_arrays`
TREE = """const tree = (weights) => {
  const all = {};
  for (const [name, array] of Object.entries(weights)) {
    const path = name.split(".");
    path.slice(0, -1).reduce((at, key) => (at[key] ??= {}), all)[path.at(-1)] = array;
  }
  return all;
};"""


def test_a_reader_of_pictures_in_javascript_computes_what_lstmlib_does(javascript):
    """With random weights, of which none is a float32."""
    rng, figure = np.random.default_rng(0), picture_reader()
    weights = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in figure._weights.items()}
    settings = figure.children[0].settings
    images, regions = rng.uniform(-1, 1, (3, 6, 6)), rng.normal(0, 1, (36, 5))
    filters, bias = rng.normal(0, 1, (4, 27)), rng.normal(0, 1, 4)
    cells = [rng.integers(-1, 14, 9).tolist() for _ in range(6)]
    hidden = [sorted(rng.choice(9, k, replace=False).tolist()) for k in (0, 1, 2, 4, 7, 8)]
    found = javascript(
        PICTURE,
        """({ convolve, pageOf, regionsOf, hiddenRegions, onPlaces, describe }, given) => {
          TREE
          const { weights, settings, images, filters, bias, regions, cells, hidden, scans } = given;
          const network = tree(weights);
          return {
            seen: convolve(images, 6, { W: filters, b: bias }).map((one) => [...one]),
            places: onPlaces(regions.map((row) => row[0]), settings),
            said: hidden.map((one) => describe(regions, hiddenRegions(one, settings), network, settings)),
            pages: cells.map((one) => [...pageOf(one, scans, settings)]),
            regions: cells.map((one) => regionsOf(pageOf(one, scans, settings), network.eye, settings)),
          };
        }""".replace("TREE", TREE),
        {
            "weights": {name: array.tolist() for name, array in weights.items()},
            "settings": settings,
            "images": images.reshape(3, 36).tolist(),
            "filters": filters.tolist(),
            "bias": bias.tolist(),
            "regions": regions.tolist(),
            "cells": cells,
            "hidden": hidden,
            "scans": figure.children[0].scans,
        },
    )
    np.testing.assert_allclose(
        np.reshape(found["seen"], (4, 3, 3)), _convolve(images, filters, bias), rtol=0, atol=1e-12
    )
    squares = regions[:, 0].reshape(3, 2, 3, 2).sum(axis=(1, 3)).ravel()
    np.testing.assert_allclose(found["places"], squares, rtol=0, atol=1e-12)
    for said, places in zip(found["said"], hidden, strict=True):
        expected = _describe(regions, places, weights)
        assert [one["word"] for one in said] == list(expected.words)
        for name, value in (("probability", expected.probabilities), ("weights", expected.looks)):
            one = np.reshape([one[name] for one in said], value.shape)
            np.testing.assert_allclose(one, value, rtol=0, atol=1e-12)
    assert len({str([one["word"] for one in said]) for said in found["said"]}) > 2
    for one, page, where in zip(cells, found["pages"], found["regions"], strict=True):
        figure.cells = one
        np.testing.assert_array_equal(np.reshape(page, (24, 24)), figure.page)
        np.testing.assert_allclose(where, _regions(figure.page, weights), rtol=0, atol=1e-12)


def test_the_reader_of_pictures_in_the_page_is_the_one_in_python(javascript):
    """With its weights as they travel."""
    figure, rng = picture_reader(), np.random.default_rng(2)
    canvas, asked = figure.children[0], []
    for k in range(30):
        figure.cells = np.where(rng.random(9) < 0.5, rng.integers(14, size=9), -1)
        figure.hidden = rng.choice(9, k % 9, replace=False)
        if figure.digits:
            asked.append((figure.cells, figure.hidden, figure.reading))
    found = javascript(
        PICTURES,
        """async (module, { data, places, settings, scans, asked }) => {
          const { unpack, pageOf, regionsOf, hiddenRegions, describe } = module;
          const network = await unpack(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), places);
          return asked.map(([cells, hidden]) => {
            const regions = regionsOf(pageOf(cells, scans, settings), network.eye, settings);
            return describe(regions, hiddenRegions(hidden, settings), network, settings);
          });
        }""",
        {
            "data": base64.b64encode(canvas.data).decode(),
            "places": canvas.places,
            "settings": canvas.settings,
            "scans": canvas.scans,
            "asked": [(cells, hidden) for cells, hidden, _ in asked],
        },
    )
    for said, (_, hidden, expected) in zip(found, asked, strict=True):
        assert tuple(one["word"] for one in said) == expected.words
        looks = np.reshape([one["weights"] for one in said], (-1, 6, 6))
        np.testing.assert_allclose(looks, expected.looks, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            [one["probability"] for one in said], expected.probabilities, rtol=0, atol=1e-9
        )
        for place in hidden:
            row, column = 2 * (place // 3), 2 * (place % 3)
            assert not looks[:, row : row + 2, column : column + 2].any()
    assert len({expected.words for *_, expected in asked}) > 5
    assert any(len(expected.words) < LONGEST for *_, expected in asked)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_press_does_is_said_in_words(javascript, tool):
    said = javascript(PICTURES, "({ asTool }, tool) => asTool(tool)", tool)
    if tool.isdigit():
        assert said == f"puts {'an' if tool == '8' else 'a'} {tool}"
    else:
        assert said.startswith(tool)


def test_a_hand_that_trembles_moves_the_digit_in_legs_and_never_off_the_screen(javascript):
    rng, settings = np.random.default_rng(0), moving_digit().children[0].settings
    # A hand goes five cells to the right and four down, half a cell off its line now and then
    way = [*((0, t) for t in np.linspace(0, 5, 30)), *((t, 5) for t in np.linspace(0, 4, 30))]
    hand = (np.array(way) + rng.uniform(-0.6, 0.6, (60, 2))).tolist()
    wild = np.cumsum(rng.uniform(-2, 2, (80, 2)), axis=0).tolist()
    found = javascript(
        DIGIT,
        """({ follow }, { hands, settings }) => hands.map(([start, hand]) => {
          const room = { ...settings, last: settings.frames - 1 };
          const held = { grip: start.map(() => 0), start, place: start, moves: [] };
          for (const [row, column] of hand) follow(held, [start[0] + row, start[1] + column], room);
          return held;
        })""",
        {
            "hands": [[[2, 2], hand], [[4, 4], wild], [[0, 0], [[-5, 0]]], [[0, 0], [[0, 20]]]],
            "settings": settings,
        },
    )
    straight, wandered, pushed, far = found
    assert directions_of(walk((2, 2), straight["moves"])) == ("right", "down")
    assert "why" not in straight
    for one in found:
        path = walk(one["start"], one["moves"])
        assert (path >= 0).all()
        assert (path <= 8).all()
        assert path[-1].tolist() == one["place"]
        assert len(one["moves"]) <= 11
    assert wandered["moves"]
    assert (pushed["why"], pushed["moves"]) == ("edge", [])
    assert (far["why"], far["moves"]) == ("edge", [1] * 8)


LAYERS = {"rnn": RNN, "lstm97": NoForgetLSTM, "lstm": LSTM, "gru": GRU}
# How many outputs and from which step on an answer is due: classes and numbers, at the end and all along
KINDS_OF_ANSWER = {
    "class at the end": (4, 11),
    "classes": (2, 5),
    "a number": (1, 11),
    "numbers": (1, 0),
}


def a_network(cell, O, rng, D=3, H=4):
    """A layer and a readout with random weights, biases too, and all their numbers in one row."""
    layer, readout = LAYERS[cell](D, H, rng=rng), Readout(H, O, rng=rng)
    for one in (layer, readout):
        for array in one.params.values():
            array[...] = rng.normal(0, 0.7, array.shape)
    return layer, readout


def in_a_row(layers, name):
    return np.concatenate([getattr(one, name)[key].ravel() for one in layers for key in one.params])


@pytest.mark.parametrize("kind", KINDS_OF_ANSWER)
@pytest.mark.parametrize("cell", LAYERS)
def test_twenty_updates_in_javascript_are_those_of_lstmlib(javascript, cell, kind):
    rng, (O, start), (T, B, D, H) = np.random.default_rng(1), KINDS_OF_ANSWER[kind], (12, 5, 3, 4)
    layer, readout = a_network(cell, O, rng, D, H)
    x = rng.normal(0, 1, (20, T, B, D))
    target = rng.integers(O, size=(20, T, B)) if O > 1 else rng.normal(0, 1, (20, T, B))
    due = np.broadcast_to(np.arange(T)[:, None] >= start, (T, B))

    def loss_of(batch):
        y = readout.forward(layer.forward(batch[0])[0])
        right = batch[1] if O > 1 else batch[1][..., None]
        value, dy = (cross_entropy if O > 1 else squared_error)(y, right, due)
        layer.backward(readout.backward(dy))
        return value

    sizes = {"T": T, "B": B, "D": D, "O": O}
    before = in_a_row((layer, readout), "params")
    found = javascript(
        TRAINER,
        """(module, { cell, sizes, H, from, weights, x, target }) => {
          const { makeNetwork, forward, lossOf, backward, update } = module;
          const network = makeNetwork(cell, sizes, H);
          network.weights.set(weights);
          forward(network, x[0], from);
          lossOf(network, target[0], from);
          backward(network, x[0], from);
          const grads = [...network.grads];
          const settings = { rate: 0.05, clip: 0.3 };
          const losses = x.map((one, k) => update(network, { x: one, target: target[k], from }, settings));
          return { grads, losses, weights: [...network.weights] };
        }""",
        {
            "cell": cell,
            "sizes": sizes,
            "H": H,
            "from": start,
            "weights": before.tolist(),
            "x": x.reshape(20, -1).tolist(),
            "target": target.reshape(20, -1).tolist(),
        },
    )
    loss_of((x[0], target[0]))
    np.testing.assert_allclose(found["grads"], in_a_row((layer, readout), "grads"), rtol=0, atol=1e-12)
    optimiser, batches = Adam([layer, readout], 0.05), list(zip(x, target, strict=True))
    losses = train(loss_of, optimiser, batches, clip_norm=0.3, progress=False)
    np.testing.assert_allclose(found["losses"], losses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["weights"], in_a_row((layer, readout), "params"), rtol=0, atol=1e-9)
    assert np.abs(in_a_row((layer, readout), "params") - before).max() > 0.1


@pytest.mark.parametrize("cell", LAYERS)
def test_what_arrives_at_the_memory_in_javascript_is_the_gradient_of_lstmlib(javascript, cell):
    rng, (T, B, D, H) = np.random.default_rng(2), (9, 4, 3, 4)
    layer, readout = a_network(cell, 1, rng, D, H)
    x, target = rng.normal(0, 1, (T, B, D)), rng.normal(0, 1, (T, B))
    found = javascript(
        TRAINER,
        """({ makeNetwork, forward, lossOf, backward }, { cell, sizes, H, weights, x, target }) => {
          const network = makeNetwork(cell, sizes, H);
          network.weights.set(weights);
          forward(network, x, 0);
          lossOf(network, target, sizes.T - 1);
          backward(network, x, sizes.T - 1);
          return [...network.reach];
        }""",
        {
            "cell": cell,
            "sizes": {"T": T, "B": B, "D": D, "O": 1},
            "H": H,
            "weights": in_a_row((layer, readout), "params").tolist(),
            "x": x.ravel().tolist(),
            "target": target.ravel().tolist(),
        },
    )

    # The memory after step t is what goes into the rest of the sequence; h with it where it shows c.
    def loss_from(t, memory):
        states = [layer.forward(x[: t + 1])[1]]
        if len(states[0]) == 1:
            state = (memory,)
        else:
            layer.forward(x[: t + 1])
            state = (layer.trace.o[-1] * np.tanh(memory), memory)
        h = layer.forward(x[t + 1 :], type(states[0])(*state))[1].h if t + 1 < T else state[0]
        return squared_error(readout.forward(h), target[-1][:, None])[0]

    for t in range(T):
        start = layer.forward(x[: t + 1])[1][-1].copy()
        norm = np.linalg.norm(numerical_gradient(lambda memory, t=t: loss_from(t, memory), start))
        assert found[t] == pytest.approx(norm, rel=1e-5)


def test_first_weights_in_javascript_are_drawn_as_those_of_lstmlib(javascript):
    found = javascript(
        WORKER,
        """({ firstWeights, makeNetwork, chanceFrom }, cells) => cells.map((cell) => {
          const network = makeNetwork(cell, { T: 1, B: 1, D: 3, O: 2 }, 16);
          firstWeights(network, chanceFrom(7), { forget: 4, input: -3 });
          return Object.fromEntries(Object.entries(network.p).map(([name, array]) => [name, [...array]]));
        })""",
        list(LAYERS),
    )
    for (cell, Layer), params in zip(LAYERS.items(), found, strict=True):
        layer = Layer(3, 16)
        assert list(params) == [*layer.params, "W", "b_y"]
        for name, array in layer.params.items():
            assert len(params[name]) == array.size
        for name, fan in (("W_x", 19), ("W", 18)):
            assert max(params[name]) < np.sqrt(6 / fan)
            assert np.std(params[name]) == pytest.approx(np.sqrt(2 / fan), rel=0.25)
        for block in np.reshape(params["W_h"], (-1, 16, 16)):
            np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-12)
        biases = {name: np.reshape(params[name], (-1, 16)) for name in layer.params if name[0] == "b"}
        gates = {"rnn": ["h"], "lstm97": ["i", "g", "o"]}.get(cell, layer.gates)
        for gate, row in zip(gates, biases.get("b", biases.get("b_x")), strict=True):
            assert set(row) == {{"i": -3, "f": 4, "z": 4}.get(gate, 0)}
        assert not np.any(params["b_y"])


@pytest.fixture(scope="module")
def batches():
    """For each task of the trainer a thousand sequences with a gap of 20, and what it says of them."""
    found = call(
        node,
        TASKS,
        """({ TASKS, batchFor, fill, constantLoss, marksOf, chanceFrom }) =>
          Object.fromEntries(Object.keys(TASKS).map((task) => {
            const batch = fill(task, 20, batchFor(task, 20, 1000), chanceFrom(1));
            const marks = marksOf(task, batch);
            const constant = constantLoss(task, 20);
            return [task, { ...batch, constant, marks, x: [...batch.x], target: [...batch.target] }];
          }))""",
        None,
    )
    for one in found.values():
        one["x"] = np.reshape(one["x"], (one["T"], one["B"], one["D"]))
        one["target"] = np.reshape(one["target"], (one["T"], one["B"]))
    return found


def test_a_trainer_has_the_tasks_and_cells_that_it_names(batches):
    assert list(batches) == list(ASKED)
    assert list(LAYERS) == list(CELLS)


def test_the_loss_of_a_constant_is_that_of_the_best_one(batches):
    for name, one in batches.items():
        answers = one["target"][one["from"] :]
        if one["O"] > 1:
            counts = np.bincount(answers.astype(int).ravel(), minlength=one["O"])
            assert len(counts) == one["O"]
            share = counts / counts.sum()
            best, spread = -np.sum(share * np.log(share)), 0.01
        else:
            best, spread = answers.var(), 0.05 * one["constant"]
        assert abs(one["constant"] - best) < spread, name


def test_a_bit_is_held_over_noise(batches):
    one = batches["hold"]
    assert one["x"].shape == (21, 1000, 1)
    assert set(one["x"][0, :, 0]) == {-1, 1}
    np.testing.assert_array_equal(one["target"][20], one["x"][0, :, 0] > 0)
    assert_mean(one["x"][1:], 0)
    assert one["x"][1:].std() == pytest.approx(0.2, rel=0.02)
    assert (one["from"], one["marks"]) == (20, [[0, "1" if one["x"][0, 0, 0] > 0 else "−1"]])


def test_three_bits_are_echoed_after_the_gap(batches):
    one = batches["echo"]
    bits, flags = one["x"][..., 0], one["x"][..., 1]
    assert set(bits[:3].ravel()) == {-1, 1}
    assert not bits[3:].any()
    np.testing.assert_array_equal(flags, np.repeat([0, 1], [20, 3])[:, None] * np.ones(1000))
    np.testing.assert_array_equal(one["target"][20:], bits[:3] > 0)


def test_two_marked_numbers_are_added_one_of_each_half(batches):
    one = batches["adding"]
    number, mark = one["x"][..., 0], one["x"][..., 1]
    assert number.min() > 0
    assert number.max() < 1
    np.testing.assert_array_equal(mark[:10].sum(axis=0), 1)
    np.testing.assert_array_equal(mark[10:].sum(axis=0), 1)
    assert (mark.sum(axis=1) > 50).all()
    np.testing.assert_allclose(one["target"][-1], (number * mark).sum(axis=0), atol=1e-12)


def test_the_order_of_two_symbols_far_apart_is_the_class(batches):
    one = batches["order"]
    symbols = one["x"].argmax(axis=-1)
    np.testing.assert_array_equal(one["x"].sum(axis=-1), 1)
    assert (symbols[0] == 6).all()
    assert (symbols[-1] == 7).all()
    relevant = (symbols == 4) | (symbols == 5)
    np.testing.assert_array_equal(relevant.sum(axis=0), 2)
    assert set(np.flatnonzero(relevant.any(axis=1))) == {2, 3, 4, 12, 13, 14}
    classes = [2 * (one["x"][2:5, :, 5].sum(axis=0)) + one["x"][12:15, :, 5].sum(axis=0)]
    np.testing.assert_array_equal(one["target"][-1], classes[0])
    assert [text for _, text in one["marks"]] == ["XY"[int(k)] for k in divmod(one["target"][-1, 0], 2)]


def test_a_sum_starts_again_at_a_bell(batches):
    one = batches["bell"]
    number, bell = one["x"][..., 0], one["x"][..., 1]
    assert bell[0].all()
    assert_mean(bell[1:], 0.1)
    assert abs(number).max() < 0.5
    total = np.zeros(1000)
    for t in range(25):
        total = np.where(bell[t] == 1, 0, total) + number[t]
        np.testing.assert_allclose(one["target"][t], total, atol=1e-12)


RUN = {"cells": ["lstm", "lstm"], "task": "hold", "gap": 5, "units": 4, "rate": 0.02, "forget": [1, 1]}
RUN |= {"input": 0, "clip": 1, "seed": 3, "most": 200}


def a_run(javascript, updates, **settings):
    """What a session reports after so many updates, and before them the first weights of both networks."""
    return javascript(
        WORKER,
        """({ session }, { settings, updates }) => {
          const one = session(settings);
          const first = one.runs.map(({ network }) => [...network.weights]);
          const reports = updates.map((count) => (one.advance(count), one.report()));
          return { first, reports };
        }""",
        {"settings": RUN | settings, "updates": updates},
    )


def test_two_cells_of_a_kind_begin_alike_and_learn_from_the_same_batches(javascript):
    found = a_run(javascript, [40])
    assert found["first"][0] == found["first"][1]
    one, other = found["reports"][0]["networks"]
    assert one == other
    assert a_run(javascript, [40]) == found
    biased = a_run(javascript, [40], forget=[1, 4])
    assert biased["reports"][0]["networks"][0] == one
    differ = np.flatnonzero(np.subtract(*biased["first"]))
    W_x_and_W_h = 4 * 4 * (1 + 4)
    np.testing.assert_array_equal(differ, W_x_and_W_h + np.arange(4, 8))
    another = a_run(javascript, [40], seed=4)
    assert another["first"] != found["first"]
    alone = a_run(javascript, [40], cells=["lstm"])
    assert alone["reports"][0]["networks"] == [one]


def test_a_run_reports_every_tenth_update_once_learns_and_ends(javascript):
    found = a_run(javascript, [15, 10, 500])["reports"]
    assert [[update for update, _ in report["networks"][0]["points"]] for report in found] == [
        [10],
        [20],
        list(range(30, 201, 10)),
    ]
    assert [(report["updates"], report["done"]) for report in found] == [
        (15, False),
        (25, False),
        (200, True),
    ]
    start, end = found[0]["networks"][0], found[2]["networks"][0]
    assert end["points"][-1] == [200, end["loss"]]
    assert end["loss"] < 0.05 < 0.5 < start["loss"]
    assert end["test"]["right"] == 1
    assert np.shape(end["states"]) == (6, 4)
    assert set(end["gates"]) == {"i", "f", "o"}
    assert all(0 < value < 1 for values in end["gates"].values() for value in values)
    assert end["reach"][-1] == 1
    assert len(end["reach"]) == 6


def test_a_run_that_breaks_down_stops_and_the_other_goes_on(javascript):
    settings = {"cells": ["rnn", "lstm"], "task": "adding", "gap": 20, "rate": 10, "clip": 0, "most": 50}
    [report] = a_run(javascript, [50], **settings)["reports"]
    broke = [network["broke"] for network in report["networks"]]
    assert broke[0] == 10
    assert report["networks"][0]["loss"] > 100 / 6
    found = javascript(
        WORKER,
        """({ session }, settings) => {
          const one = session(settings);
          one.runs[0].network.weights[0] = NaN;
          one.advance(3);
          const { networks } = one.report();
          return { broke: networks.map(({ broke }) => broke), loss: networks[1].loss, done: one.done() };
        }""",
        RUN,
    )
    assert found["broke"] == [1, 0]
    assert 0 < found["loss"] < 2
    assert not found["done"]


@pytest.mark.parametrize(
    ("gap", "forget", "updates", "seeds_that_learn"),
    [(40, 2, 200, 5), (40, 0, 1000, 0), (40, 0.5, 1000, 2), (20, 0.5, 1000, 5), (20, 0, 1000, 3)],
)
def test_of_five_seeds_as_many_win_the_bet_as_the_page_says(gap, forget, updates, seeds_that_learn):
    learned = """({ session }, { settings, updates }) => [1, 2, 3, 4, 5].filter((seed) => {
      const one = session({ ...settings, seed });
      const right = () => one.report().networks[0].test.right;
      for (let made = 0; made < updates && right() < 0.99; made += 100) one.advance(100);
      return right() >= 0.99;
    })"""
    settings = RUN | {
        "cells": ["lstm"],
        "gap": gap,
        "units": 8,
        "rate": 0.01,
        "forget": [forget],
        "most": 3000,
    }
    found = call(node, WORKER, learned, {"settings": settings, "updates": updates})
    assert len(found) == seeds_that_learn


def five_runs(figure, updates, measure):
    """For each network of a figure the results of the seeds 1 to 5 after these updates, and after all."""
    run = """({ session }, { settings, updates, measure }) => [1, 2, 3, 4, 5].map((seed) => {
      const one = session({ ...settings, seed });
      return [updates, settings.most - updates].map((more) => {
        one.advance(more);
        return one.report().networks.map(({ test }) => test[measure]);
      });
    })"""
    cells = [cell for cell in (figure.cell_a, figure.cell_b) if cell != "none"]
    settings = {name: getattr(figure, name) for name in ("task", "gap", "units", "rate", "clip")}
    settings |= {"cells": cells, "forget": [figure.forget_a, figure.forget_b], "input": figure.input_bias}
    settings["most"] = figure.children[0].most
    found = call(node, WORKER, run, {"settings": settings, "updates": updates, "measure": measure})
    return np.transpose(found, (2, 1, 0))


def test_the_race_of_the_first_page_ends_as_it_says():
    figure = Trainer("lstm", "rnn", task="adding", brief=True)
    assert 'Trainer("lstm", "rnn", task="adding", brief=True)' in (ROOT / "intro.md").read_text()
    (early, late), (plain_early, plain_late) = five_runs(figure, 1000, "loss")
    assert early.max() < 0.005 < 0.1 < plain_early.min()
    assert late.max() < 0.002
    np.testing.assert_array_equal(np.round(plain_late, 2), [0.05, 0.15, 0.07, 0.04, 0.08])
    assert 40 < np.median(plain_late / late) < 250
    wide = five_runs(Trainer("rnn", task="adding", units=16, rate=0.003), 1000, "loss")
    np.testing.assert_array_equal(np.round(wide[0, 1], 2), [0.12, 0.06, 0.06, 0.02, 0.15])
    figure.gap = 5
    (_, late), (_, plain_late) = five_runs(figure, 1000, "loss")
    assert late.max() < 0.0005 < plain_late.min() < plain_late.max() < 0.004
    assert 5 < np.median(plain_late / late) < 25


def test_the_other_task_of_the_first_page_ends_as_it_says():
    figure = Trainer("lstm", "rnn", task="hold")
    assert f"chapters/lstm/training.html{figure.address}" in (ROOT / "intro.md").read_text()
    figure.children[0].most = 500
    (_, lstms), (_, plain) = five_runs(figure, 250, "right")
    np.testing.assert_array_equal(plain, 1)
    np.testing.assert_array_equal(np.sort(np.round(lstms, 2)), [0.58, 1, 1, 1, 1])


# In the order of the address
RACE_SETTINGS = ["cell_a", "cell_b", "task", "gap", "units", "rate", "forget_a", "forget_b", "input_bias"]
RACE_SETTINGS += ["clip", "seed"]


def test_an_address_is_read_and_what_it_cannot_mean_is_named(javascript):
    now = {"cell_a": "lstm", "cell_b": "none", "task": "hold", "gap": 40, "units": 8, "rate": 0.01}
    now |= {"forget_a": 1, "forget_b": 1, "input_bias": 0, "clip": 1, "seed": 1}
    options = {"cell_a": [[c, c] for c in CELLS], "cell_b": [[c, c] for c in [*CELLS, "none"]]}
    options["task"] = [[task, task] for task in ASKED]
    asked = Trainer("gru", "rnn", task="bell", gap=7, rate=0.003, forget_b=-0.5, clip=0, seed=99).address
    wrong = [
        "#train=lstn", "#train=none", "#train=lstm,,hold",
        "#train=lstm,none,hold,61", "#train=lstm,none,hold,7.5",
        "#train=lstm,none,hold,40,8,fast", "#train=lstm,none,hold,40,8,1e400", "#train=%F0%9F",
        f"#train={'x' * 10_000}", f"#train={',' * 10_000}", f"{asked},1",
    ]  # fmt: skip
    found = javascript(
        RACE,
        """({ settingsIn }, { all, now, options, limits }) =>
          all.map((one) => settingsIn(one, now, options, limits))""",
        {
            "all": [asked, "", "#a-heading", "#train=", *wrong],
            "now": now,
            "options": options,
            "limits": {name: list(limits) for name, limits in LIMITS.items()},
        },
    )
    full = {"cell_a": "gru", "cell_b": "rnn", "task": "bell", "gap": 7, "rate": 0.003, "forget_b": -0.5}
    full |= {"clip": 0, "seed": 99}
    assert found[0] == {"values": full, "complaints": []}
    assert found[1] == found[2] == {"values": {}, "complaints": []}
    for one, text in zip(found[3:], ["", *wrong], strict=True):
        assert one["complaints"], text
        assert len("".join(one["complaints"])) < 1500
        assert one["values"] == (full if text.startswith(asked) else {})
    said = ["".join(one["complaints"]) for one in found[4:]]
    assert said[0].startswith("“lstn” is not one of rnn, lstm97, lstm, gru. ")
    assert "The gap must lie from 5 to 60, and 61 does not. " in said[3]
    assert "The gap must be a whole number, and 7.5 is not. " in said[4]
    assert "“fast” is not a number. " in said[5]


@pytest.mark.parametrize(
    "text", ["", " ", "NaN", "Infinity", "1e400", "-99", "1000", "😀", "lstm;", "0" * 10_000 + "x"]
)
def test_whatever_an_address_says_of_one_setting_it_is_refused_in_a_sentence_that_names_it(javascript, text):
    figure = Trainer("lstm", "gru")
    canvas = figure.children[0]
    now = dict(zip(RACE_SETTINGS, figure.address[len("#train=") :].split(","), strict=True))
    found = javascript(
        RACE,
        """({ settingsIn }, { all, now, options, limits }) =>
          all.map((one) => settingsIn(one, now, options, limits))""",
        {
            "all": ["#train=" + ",".join({**now, name: text}.values()) for name in RACE_SETTINGS],
            "now": {name: float(value) if name in LIMITS else value for name, value in now.items()},
            "options": {
                "cell_a": [cell for cell in canvas.cells if cell[0] != "none"],
                "cell_b": canvas.cells,
                "task": canvas.tasks,
            },
            "limits": canvas.limits,
        },
    )
    for name, one in zip(RACE_SETTINGS, found, strict=True):
        assert one["values"] == {}
        [said] = one["complaints"]
        assert f"stays {now[name]}. " in said
        assert len(said) < 200
