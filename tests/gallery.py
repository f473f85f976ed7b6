"""Every figure once, small and untrained: a page shows each twice, and several tests ask about them."""

import numpy as np
from ipywidgets import FloatSlider

from lstmlib import LSTM, BidirectionalLSTM, figures, moving_digits
from lstmlib.attention import AdditiveAttention, DotAttention
from lstmlib.electrocardiogram import HZ
from lstmlib.number_words import ENGLISH, GERMAN
from lstmlib.readout import Readout
from lstmlib.stories import MOST_SENTENCES, PLACES, WORDS
from lstmlib.strokes import new_writer, write
from lstmlib.translation import Translator

SIZE = 4


def sliders(figure):
    return [child for child in figure.children if isinstance(child, FloatSlider)]


def torch_lstm(part, inputs, rng):
    """The weights of an LSTM under the names of PyTorch, of a size that training gives."""
    shapes = {"weight_ih_l0": (4 * SIZE, inputs), "weight_hh_l0": (4 * SIZE, SIZE)}
    shapes |= {"bias_ih_l0": 4 * SIZE, "bias_hh_l0": 4 * SIZE}
    return {f"{part}.{name}": rng.normal(0, 0.5, shape) for name, shape in shapes.items()}


def alignment():
    rng = np.random.default_rng(0)
    attentions = {"dot": DotAttention(SIZE), "additive": AdditiveAttention(SIZE, SIZE, 3, rng=rng)}
    models = {}
    for name, attention in attentions.items():
        encoder = BidirectionalLSTM(len(ENGLISH), SIZE, rng=rng)
        models[name] = Translator(encoder, LSTM(len(GERMAN), SIZE, rng=rng), attention, rng=rng)
    return figures.Alignment(models, 421)


def code_reader(**options):
    rng = np.random.default_rng(0)
    layer, fresh = (LSTM(96, SIZE, rng=rng) for _ in range(2))
    for name, spread in (("W_x", 1.5), ("W_h", 1.0)):
        layer.params[name] = rng.normal(0, spread, layer.params[name].shape)
    readout = Readout(SIZE, 96, rng=rng)
    readout.params["W"] *= 6
    arguments = {"layer": layer, "readout": readout, "fresh": fresh, "text": "f(a, [b])\nx = 'y'\n"}
    return figures.CodeReader(**arguments | options)


def counters():
    rng = np.random.default_rng(0)
    return figures.Counters(
        {name: (LSTM(2, 3, rng=rng), Readout(3, 3, rng=rng)) for name in ("one", "other")}
    )


def moving_digit(**options):
    """A digit drawn by a hand of noise, and networks that have learned nothing, but speak up."""
    rng, V = np.random.default_rng(1), len(moving_digits.WORDS)
    eye = {"near.weight": rng.normal(0, 0.5, (3, 1, 5, 5)), "near.bias": rng.normal(0, 0.5, 3)}
    eye |= {"far.weight": rng.normal(0, 0.3, (5, 3, 3, 3)), "far.bias": rng.normal(0, 0.5, 5)}
    eye |= {"mix.weight": rng.normal(0, 0.2, (6, 80)), "mix.bias": rng.normal(0, 0.5, 6)}
    eye |= {"answer.weight": rng.normal(0, 4, (12, 6)), "answer.bias": rng.normal(0, 0.5, 12)}
    teller = torch_lstm("read", 12, rng) | torch_lstm("say", 3, rng)
    teller |= {"embed.weight": rng.normal(0, 3, (V, 3))}
    teller["say.bias_ih_l0"][SIZE : 2 * SIZE] += 4  # what was read is kept
    teller["read.weight_ih_l0"] *= 3
    teller |= {"out.weight": rng.normal(0, 3, (V, SIZE)), "out.bias": rng.normal(0, 0.5, V)}
    scans = {name: rng.integers(17, size=(8, 8)) / 16 for name in ("three", "eight")}
    arguments = {"eye": eye, "teller": teller, "scans": scans, "threshold": 0.0}
    figure = figures.MovingDigit(**arguments | options)
    figure.moves = [0, 0, 0, -1, 2, 2, 2]
    return figure


def pen_reader():
    rng = np.random.default_rng(0)
    weights = {"conv.weight": rng.normal(0, 0.5, (7, 3, 9)), "conv.bias": rng.normal(0, 0.5, 7)}
    weights |= torch_lstm("there", 7, rng) | torch_lstm("back", 7, rng)
    weights |= {"read.weight": rng.normal(0, 2, (27, 2 * SIZE)), "read.bias": rng.normal(0, 0.5, 27)}
    inks = {}
    for word in ("no", "it", "on", "cat", "six"):
        writer = new_writer(rng)._replace(size=1.0, slope=0.0, slant=0.0)
        inks[word] = [
            np.clip(stroke + np.array([2, 0]), [0, -1.2], [10, 2.6])
            for stroke in write(word, writer, rng).strokes
        ]
    return figures.PenReader(weights, inks, 0.0)


def pen_writer():
    rng = np.random.default_rng(0)
    weights = torch_lstm("lstm", 29, rng)
    weights |= {"read.weight": rng.normal(0, 0.5, (13, SIZE)), "read.bias": np.full(13, -1.0)}
    return figures.PenWriter(weights, "abc")


def picture_reader(**options):
    """Pages of noise, and a network that has learned nothing, but looks about."""
    rng = np.random.default_rng(45)
    C, D, H, A, E = 3, 5, SIZE, 6, 2
    shapes = {"see.0.weight": (C, 1, 3, 3), "see.0.bias": C, "see.3.weight": (D, C, 3, 3), "see.3.bias": D}
    shapes |= {"place": (36, D), "start.weight": (H, D), "start.bias": H, "embed.weight": (13, E)}
    shapes |= {"cell.weight_ih": (4 * H, E + D), "cell.weight_hh": (4 * H, H)}
    shapes |= {"cell.bias_ih": 4 * H, "cell.bias_hh": 4 * H, "read.weight": (13, H + D), "read.bias": 13}
    shapes |= {"W_q.weight": (A, H), "W_k.weight": (A, D), "v.weight": (1, A)}
    weights = {name: rng.normal(0, 0.7, shape) for name, shape in shapes.items()}
    for name, factor in {"embed": 5, "cell.weight_hh": 6, "v": 2, "read": 4, "W_q": 3}.items():
        weights[name if "_hh" in name else f"{name}.weight"] *= factor
    weights["read.bias"][10:] = -20, 4, -20  # neither the start nor a filler
    scans = rng.integers(17, size=(10, 8, 8)) / 16
    pages = {"one": np.zeros((24, 24)), "three": np.zeros((24, 24))}
    pages["one"][8:16, 16:] = scans[7, ::-1]
    for k in range(3):
        pages["three"][8 * k : 8 * k + 8, 8 * k : 8 * k + 8] = scans[k, ::-1]
    pictures = {"one": (pages["one"], [7]), "three": (pages["three"], [0, 1, 2])}
    return figures.PictureReader(**{"weights": weights, "scans": scans, "pictures": pictures} | options)


def recall_reader(**options):
    """A Transformer of the least width, with weights of chance that speak up."""
    rng, D = np.random.default_rng(0), 4
    weights = {"embed.weight": rng.normal(0, 1, (32, D)), "read.weight": rng.normal(0, 2, (16, D))}
    weights |= {"read.bias": rng.normal(0, 0.5, 16)}
    shapes = {
        "look.in_proj_weight": (3 * D, D), "look.in_proj_bias": 3 * D,
        "look.out_proj.weight": (D, D), "look.out_proj.bias": D,
        "norms.0.weight": D, "norms.0.bias": D, "norms.1.weight": D, "norms.1.bias": D,
        "think.0.weight": (3, D), "think.0.bias": 3, "think.2.weight": (D, 3), "think.2.bias": D,
    }  # fmt: skip
    for n in range(2):
        weights |= {f"blocks.{n}.{name}": rng.normal(0, 1, shape) for name, shape in shapes.items()}
    return figures.RecallReader(**{"weights": weights} | options)


def spoken_number():
    """Five tones of a second, and what a network of three symbols might say of them."""
    rng = np.random.default_rng(0)
    tones = 0.1 * np.sin(2 * np.pi * np.outer([400, 500, 600, 700, 800], np.arange(8000)) / 8000)
    said = [[0, 1, 1, 0, 2], [0, 2, 0, 2, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [2, 0, 0, 0, 1]]
    return figures.SpokenNumber(
        ["eins", "zwei", "drei", "vier", "sechs"],
        ["low"] * 5,
        ["12", "21", "1", "2", "21"],
        tones,
        8000,
        rng.random((5, 20, 6)),
        np.eye(3)[said] * 0.7 + 0.1,
        ["", "1", "2"],
    )


def story_reader(**options):
    rng = np.random.default_rng(0)
    V, P = len(WORDS), len(PLACES)
    lstm = torch_lstm("lstm", 2 * V, rng)
    lstm |= {"read.weight": rng.normal(0, 2, (P, SIZE)), "read.bias": rng.normal(0, 0.5, P)}
    memory = {
        "words": rng.normal(0, 1, (3, V, SIZE)),
        "times": rng.normal(0, 1, (3, MOST_SENTENCES, SIZE)),
        "ask.weight": rng.normal(0, 1, (SIZE, V)),
        "read.weight": rng.normal(0, 1, (P, SIZE)),
        "read.bias": rng.normal(0, 1, P),
    }
    carried = "Anna went to the attic. Anna took the lamp. Anna ran to the garden."
    samples = {
        "carried": (carried, "Where is the lamp?"),
        "nobody": (carried, "Where is Ben?"),
        "short": ("Ben went to the attic.", "Where is Ben?"),
    }
    return figures.StoryReader(**{"lstm": lstm, "memory": memory, "samples": samples} | options)


def threshold(**options):
    """Twelve seconds with a beat each second, and two detectors; eight beats count, three of them odd."""
    rng = np.random.default_rng(0)
    arguments = {
        "signal": rng.uniform(-0.5, 1.2, 12 * HZ),
        "beat": np.repeat(np.arange(12), HZ),
        "kind": [0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0],
        "drawn": {"one": [0, 0, 0, 0, 2, 0, 0, 1.5, 0.5, 0, 0, 0], "other": rng.uniform(0, 3, 12)},
        "scores": {"one": [0.1, 0.5, 2, 1, 0.9, 3, 0.2, 1.5], "other": rng.uniform(0, 3, 8)},
        "odd": [False, False, True, False, True, True, False, False],
        "hours": 0.25,
    }
    return figures.Threshold(**arguments | options)


def tune_writer():
    rng = np.random.default_rng(0)
    weights = torch_lstm("lstm", 3, rng) | {"embed.weight": rng.normal(0, 1, (69, 3))}
    weights |= {"read.weight": rng.normal(0, 1, (53, SIZE)), "read.bias": rng.normal(0, 1, 53)}
    return figures.TuneWriter(weights)


def four_parts():
    """Two writers that have learned nothing, but press few keys."""
    rng, made = np.random.default_rng(0), []
    for _ in range(2):
        weights = torch_lstm("lstm", 54 + 12, rng)
        weights |= {"read.weight": rng.normal(0, 1, (54, SIZE)), "read.bias": rng.normal(-2.5, 0.5, 54)}
        made.append(weights | {"below": rng.normal(0, 0.5, (54, 54)), "many": rng.normal(0, 0.5, (54, 6))})
    return figures.FourParts(*made)


EXAMPLES = {
    "Alignment": alignment,
    "CodeReader": code_reader,
    "Counters": counters,
    "Family": figures.Family,
    "FourParts": four_parts,
    "Gate": figures.Gate,
    "GradientByLag": lambda: figures.GradientByLag(forget_bias=1.0),
    "LSTMCell": figures.LSTMCell,
    "MovingDigit": moving_digit,
    "PenReader": pen_reader,
    "PenWriter": pen_writer,
    "PictureReader": picture_reader,
    "RecallReader": recall_reader,
    "SelfAttention": figures.SelfAttention,
    "SpokenNumber": spoken_number,
    "StoryReader": story_reader,
    "ThreeSwitches": figures.ThreeSwitches,
    "Threshold": threshold,
    "Trainer": lambda: figures.Trainer("lstm", "gru", gap=12),
    "TuneWriter": tune_writer,
    "UnrolledLoop": figures.UnrolledLoop,
}
