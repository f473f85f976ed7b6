"""A trained Transformer that recalls a value by its key, and where its two blocks look."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from lstmlib.activations import softmax
from lstmlib.attention import causal_mask
from lstmlib.figures.arrays import check_shapes, from_torch, pack
from lstmlib.figures.canvas import Canvas, Figure, module_source, shared

KEYS, VALUES = 16, 16
MOST_PAIRS = 4
"""As many as in training."""
HEADS = 2
BLOCKS = 2
ERF = np.vectorize(math.erf, otypes=[float])


class _RecallReaderCanvas(Canvas):
    _esm = module_source("recall_reader")
    data = traitlets.Bytes().tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    settings: Any = traitlets.Dict(
        {"keys": KEYS, "values": VALUES, "most": MOST_PAIRS, "heads": HEADS, "trained": MOST_PAIRS}
    ).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)


def _names() -> dict[str, str]:
    """Our names for the weights, and those of the page's torch model."""
    names = {"embed.W": "embed.weight", "read.W": "read.weight", "read.b": "read.bias"}
    parts = {
        "into.W": "look.in_proj_weight", "into.b": "look.in_proj_bias",
        "out.W": "look.out_proj.weight", "out.b": "look.out_proj.bias",
        "first.scale": "norms.0.weight", "first.shift": "norms.0.bias",
        "second.scale": "norms.1.weight", "second.shift": "norms.1.bias",
        "hidden.W": "think.0.weight", "hidden.b": "think.0.bias",
        "back.W": "think.2.weight", "back.b": "think.2.bias",
    }  # fmt: skip
    for n in range(BLOCKS):
        names |= {f"blocks.{n}.{ours}": f"blocks.{n}.{torchs}" for ours, torchs in parts.items()}
    return names


def _sequence(text: str, name: str) -> str:
    """The text as it is, or a ValueError where it is no sequence."""
    pattern = r"\s*(([a-p])[\s,;]*(\d+)[\s,;]*)+([a-p])[\s,;]*"
    found = isinstance(text, str) and re.fullmatch(pattern, text.lower())
    keys = re.findall("[a-p]", text.lower()) if found else []
    pairs = keys[:-1]
    fits = keys and len(pairs) <= MOST_PAIRS and len(set(pairs)) == len(pairs) and keys[-1] in pairs
    if not fits or max(int(value) for value in re.findall(r"\d+", text)) >= VALUES:
        raise ValueError(
            f"{name} must hold 1 to {MOST_PAIRS} pairs of a key, a to p, each once, and a value, 0 to "
            f"{VALUES - 1}, and then one of these keys, as in 'a3 f12 a'; got {text!r:.60}"
        )
    return text


class RecallReader(Figure):
    """A Transformer of two blocks with its weights in the page, and a sequence to type for it.

    The sequence has up to four pairs of a key, a letter from a to p, and a value, a number from 0 to 15, and
    then the key that is asked for. The page draws the weights of both blocks, the mean of two heads, and says
    the answer beside the right one. The weights travel as float32, compressed.

    `weights` is the `state_dict` of the page's torch model: `embed` of 32 symbols (keys, then values), two
    `blocks` with the parts `look` (two heads), `norms` and `think`, and `read` with 16 answers. Python may
    set `text`. Raises ValueError for weights of another shape, and for a text that is no such sequence.
    """

    def __init__(self, weights: Mapping[str, ArrayLike], text: str = "c7 k0 a3 f12 a") -> None:
        names = _names()
        self._weights = from_torch(weights, names)
        _check(self._weights, names)
        super().__init__(_RecallReaderCanvas(**pack(self._weights)), text=text)

    text = shared("text", _sequence)

    @property
    def symbols(self) -> list[int]:
        """What is read: 0 to 15 are the keys, 16 to 31 the values."""
        parts = re.findall(r"[a-p]|\d+", self.text.lower())
        return [KEYS + int(part) if part.isdigit() else ord(part) - ord("a") for part in parts]

    @property
    def right(self) -> int:
        """The value that was paired with the key asked for."""
        return self.symbols[self.symbols.index(self.symbols[-1]) + 1] - KEYS

    @property
    def probabilities(self) -> np.ndarray:
        """How probable each value is, (16,)."""
        return self._recall()[1]

    @property
    def looks(self) -> np.ndarray:
        """The weights of each block, the mean of its heads, (2, T, T)."""
        return self._recall()[0]

    def _recall(self) -> tuple[np.ndarray, np.ndarray]:
        w, T = self._weights, len(self.symbols)
        D = w["embed.W"].shape[1]
        angle = np.arange(T)[:, None] * 10000 ** (-np.arange(0, D, 2) / D)
        x = w["embed.W"][self.symbols] + np.hstack([np.sin(angle), np.cos(angle)])
        looks = []
        for n in range(BLOCKS):
            block = {name.split(".", 2)[2]: array for name, array in w.items() if f"blocks.{n}." in name}
            made = _normal(x, block, "first") @ block["into.W"].T + block["into.b"]
            q, k, v = made.reshape(T, 3, HEADS, D // HEADS).transpose(1, 2, 0, 3)
            scores = q @ k.swapaxes(1, 2) / np.sqrt(D // HEADS)
            weights = softmax(np.where(causal_mask(T), scores, -np.inf))
            found = (weights @ v).swapaxes(0, 1).reshape(T, D)
            x = x + found @ block["out.W"].T + block["out.b"]
            hidden = _normal(x, block, "second") @ block["hidden.W"].T + block["hidden.b"]
            hidden = hidden / 2 * (1 + ERF(hidden / np.sqrt(2)))
            x = x + hidden @ block["back.W"].T + block["back.b"]
            looks.append(weights.mean(axis=0))
        return np.stack(looks), softmax(w["read.W"] @ x[-1] + w["read.b"])


def _normal(x: np.ndarray, block: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Layer normalisation of each row."""
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return centred / spread * block[f"{name}.scale"] + block[f"{name}.shift"]


def _check(weights: Mapping[str, np.ndarray], names: Mapping[str, str]) -> None:
    """Whether all arrays fit one another."""
    embed = weights["embed.W"]
    if embed.ndim != 2 or embed.shape[0] != KEYS + VALUES or embed.shape[1] % (2 * HEADS):
        raise ValueError(
            f"embed.weight must have shape ({KEYS + VALUES}, D) with D a multiple of {2 * HEADS}, "
            f"got {embed.shape}"
        )
    D, F = embed.shape[1], len(weights["blocks.0.hidden.b"])
    shapes: dict[str, tuple[int, ...]] = {"read.W": (VALUES, D), "read.b": (VALUES,)}
    of_block = {
        "into.W": (3 * D, D), "into.b": (3 * D,), "out.W": (D, D), "out.b": (D,),
        "first.scale": (D,), "first.shift": (D,), "second.scale": (D,), "second.shift": (D,),
        "hidden.W": (F, D), "hidden.b": (F,), "back.W": (D, F), "back.b": (D,),
    }  # fmt: skip
    for n in range(BLOCKS):
        shapes |= {f"blocks.{n}.{name}": shape for name, shape in of_block.items()}
    check_shapes(weights, shapes, names)
