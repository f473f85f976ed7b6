"""One cell, many notations, for `lstm/notation`: exact converters, and the way to PyTorch and back.

The LSTM of every framework is the same function. What differs is what its matrices are called,
whether they act on columns (W x) or on the rows of a batch (x W), and in which order the four gates
are stacked. Weights read in the wrong order raise no error: they compute something else.

=========  ===================================================================  ===============
notation   parameters                                                           order of gates
=========  ===================================================================  ===============
lstmlib    W_x (4H, D), W_h (4H, H), b (4H,)                                    i, f, g, o
torch      weight_ih_l0 (4H, D), weight_hh_l0 (4H, H),                          i, f, g, o
           bias_ih_l0 (4H,), bias_hh_l0 (4H,)
keras      kernel (D, 4H), recurrent_kernel (H, 4H), bias (4H,)                 i, f, c, o
onnx       W (1, 4H, D), R (1, 4H, H), B (1, 8H): the bias of W, then of R      i, o, f, c
cs231n     Wx (D, 4H), Wh (H, 4H), b (4H,)                                      i, f, o, g
colah      W_i, W_f, W_C, W_o (H, H+D) on [h, x]; b_i, b_f, b_C, b_o (H,)       one by one
ltm_stm    W_i, W_f, W_n, W_v (H, H+D) on [STM, E]; b_i, b_f, b_n, b_v (H,)     one by one
=========  ===================================================================  ===============

The candidate memory g is called c in Keras and ONNX, C̃ in colah's post and N where the two memories
are LTM and STM; the output gate o is V there.

References
----------
torch: documentation of `torch.nn.LSTM`, Variables. keras: documentation of `keras.layers.LSTMCell`;
the order is that in which its source splits `kernel`. onnx: specification of the operator LSTM,
inputs W, R, B. cs231n: Stanford's CS231n, assignment 3. colah: C. Olah 2015, *Understanding LSTM
Networks*. ltm_stm: the LSTM lesson of Udacity's *Deep Learning* course.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lstmlib.activations import Array
from lstmlib.checks import check_array
from lstmlib.gru import GRU
from lstmlib.layer import Params, RecurrentLayer
from lstmlib.lstm import LSTM
from lstmlib.rnn import RNN


def convert(params: Mapping[str, ArrayLike], *, source: str, target: str) -> Params:
    """The parameters of one LSTM layer, from one notation to another: new arrays of the same dtype.

    Blocks are moved and transposed, nothing is computed, so the way there and back returns every bit. The
    exception is two biases becoming one: torch and onnx keep a bias for each matrix, which act as their
    sum. From torch to onnx both are kept; to a notation with one bias goes the sum, rounded, and on the way
    back it stands in the first with zeros in the second. How the sum was split cannot be recovered.

    `source` and `target` are two of `LAYOUTS`; the table of the module has the names, shapes and gate order
    of each. A layer without biases has zeros for them; a stack goes layer by layer. Raises ValueError for
    an unknown notation, a missing or unexpected key, shapes that do not fit each other, different dtypes,
    values that are no finite floats, or a use gate's `W_u` in ltm_stm. From columns in the order i, f, c, o
    to rows in the order i, o, f, c:

    >>> kernel = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> params = {"kernel": kernel, "recurrent_kernel": kernel, "bias": np.zeros(4)}
    >>> convert(params, source="keras", target="onnx")["W"].ravel()
    array([1., 4., 2., 3.])
    """
    read_from, write_to = _find(source, "source"), _find(target, "target")
    return write_to.write(read_from.read(_check_params(params, source, read_from.axes)))


# Every notation reads into this form and writes from it


class _Cell(NamedTuple):
    """The gates i, f, g, o along the first axis, and a bias for each of the two matrices."""

    W_x: Array  # (4, H, D)
    W_h: Array  # (4, H, H)
    b_x: Array  # (4, H)
    b_h: Array  # (4, H)


def _one_bias(b_x: Array, b_h: Array) -> Array:
    """b_x + b_h, and b_x in every bit where b_h is 0: the sum −0 + 0 would be +0."""
    return np.where(b_h == 0, b_x, b_x + b_h)


@dataclass
class _Stacked:
    """One matrix for all gates: names of W_x, W_h and one bias or two, and the order of the gates."""

    names: tuple[str, ...]
    order: str
    acts_on_rows: bool = False

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        W_x, W_h, *biases = self.names
        if self.acts_on_rows:
            matrices = {W_x: ("D", "4H"), W_h: ("H", "4H")}
        else:
            matrices = {W_x: ("4H", "D"), W_h: ("4H", "H")}
        return {**matrices, **{bias: ("4H",) for bias in biases}}

    def read(self, p: Params) -> _Cell:
        W_x, W_h, *biases = (self._split(p[name].T if self.acts_on_rows else p[name]) for name in self.names)
        return _Cell(W_x, W_h, biases[0], biases[1] if len(biases) == 2 else np.zeros_like(biases[0]))

    def write(self, cell: _Cell) -> Params:
        parts = cell if len(self.names) == 4 else (cell.W_x, cell.W_h, _one_bias(cell.b_x, cell.b_h))
        stacked = [self._join(part) for part in parts]
        if self.acts_on_rows:
            stacked = [np.ascontiguousarray(part.T) for part in stacked]
        return dict(zip(self.names, stacked, strict=True))

    def _split(self, stacked: Array) -> Array:
        """(4H, …) in this order to (4, H, …) in the order i, f, g, o."""
        return stacked.reshape(4, -1, *stacked.shape[1:])[[self.order.index(gate) for gate in "ifgo"]]

    def _join(self, gates: Array) -> Array:
        """The inverse of `_split`."""
        return gates[["ifgo".index(gate) for gate in self.order]].reshape(-1, *gates.shape[2:])


class _Onnx:
    """Stacked like the others, inside an axis for the direction, with both biases in one array."""

    axes: ClassVar[dict[str, tuple[str, ...]]] = {
        "W": ("directions", "4H", "D"),
        "R": ("directions", "4H", "H"),
        "B": ("directions", "8H"),
    }
    inside = _Stacked(("W", "R", "Wb", "Rb"), "iofg")

    def read(self, p: Params) -> _Cell:
        Wb, Rb = np.split(p["B"][0], 2)
        return self.inside.read({"W": p["W"][0], "R": p["R"][0], "Wb": Wb, "Rb": Rb})

    def write(self, cell: _Cell) -> Params:
        p = self.inside.write(cell)
        return {"W": p["W"][None], "R": p["R"][None], "B": np.concatenate([p["Wb"], p["Rb"]])[None]}


@dataclass
class _OneByOne:
    """A matrix on [h, x] and a bias for each gate: the letters that name i, f, g, o."""

    letters: str

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        matrices = {f"W_{letter}": ("H", "H+D") for letter in self.letters}
        return matrices | {f"b_{letter}": ("H",) for letter in self.letters}

    def read(self, p: Params) -> _Cell:
        W, b = (np.stack([p[f"{kind}_{letter}"] for letter in self.letters]) for kind in "Wb")
        H = b.shape[1]
        return _Cell(W[..., H:], W[..., :H], b, np.zeros_like(b))

    def write(self, cell: _Cell) -> Params:
        W, b = np.concatenate([cell.W_h, cell.W_x], axis=2), _one_bias(cell.b_x, cell.b_h)
        matrices = {f"W_{letter}": W[k].copy() for k, letter in enumerate(self.letters)}
        return matrices | {f"b_{letter}": b[k] for k, letter in enumerate(self.letters)}


_LAYOUTS: dict[str, _Stacked | _Onnx | _OneByOne] = {
    "lstmlib": _Stacked(("W_x", "W_h", "b"), "ifgo"),
    "torch": _Stacked(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), "ifgo"),
    "keras": _Stacked(("kernel", "recurrent_kernel", "bias"), "ifgo", acts_on_rows=True),
    "onnx": _Onnx(),
    "cs231n": _Stacked(("Wx", "Wh", "b"), "ifog", acts_on_rows=True),
    "colah": _OneByOne("ifCo"),
    "ltm_stm": _OneByOne("ifnv"),
}

LAYOUTS = tuple(_LAYOUTS)
"""The notations that `convert` knows."""


# PyTorch's modules


def to_torch(layer: RecurrentLayer | Sequence[RecurrentLayer]) -> Any:
    """The same layer, or stack of layers, as a PyTorch module: an LSTM, an RNN or a GRU.

    The module computes the same h, and the same gradients: ∂L/∂W_x is `weight_ih_l0.grad`, ∂L/∂b is
    `bias_ih_l0.grad`. LSTM and RNN have one bias b here and two there; b becomes the first and zeros the
    second. Both then receive the gradient of b, so that a step of plain gradient descent moves their sum
    twice as far as it moves b: to train alike, freeze the second.

    A list is a stack, the first layer reading the input; all are of one class, hidden size and dtype. The
    module is time-major as here, with its own copy of the weights; h_0 and c_0 are (layers, B, H). Raises
    ValueError for a layer that PyTorch does not have, or layers that do not fit onto each other.

    >>> to_torch([LSTM(3, 4), LSTM(4, 4)])
    LSTM(3, 4, num_layers=2)
    """
    import torch

    layers = list(layer) if isinstance(layer, Sequence) else [layer]
    _check_stack(layers)
    first = layers[0]
    module = getattr(torch.nn, type(first).__name__)(
        first.input_size, first.hidden_size, len(layers), dtype=getattr(torch, first.dtype.name)
    )
    with torch.no_grad():
        for k, part in enumerate(layers):
            p = part.params
            b_x, b_h = (p["b_x"], p["b_h"]) if isinstance(part, GRU) else (p["b"], np.zeros_like(p["b"]))
            for name, value in zip(_torch_names(k), (p["W_x"], p["W_h"], b_x, b_h), strict=True):
                getattr(module, name).copy_(torch.tensor(value))
    return module


def from_torch(module: Any) -> Any:
    """The same layer out of a PyTorch LSTM, RNN or GRU, or for more than one layer a list of them.

    The two biases of LSTM and RNN become one, their sum, rounded once; a GRU keeps both; zeros stand for
    those that the module has not. `batch_first` says how a module wants its input laid out, not what it
    computes: it is left out of account, and the layer reads (T, B, D), time first, as every layer here.

    The weights are copied. Raises ValueError for another module, or one that no layer here computes: it
    must have one direction, no projection, no dropout, tanh, and float32 or float64.

    >>> from_torch(to_torch(RNN(3, 4)))
    RNN(3, 4)
    """
    import torch

    classes = {torch.nn.LSTM: LSTM, torch.nn.RNN: RNN, torch.nn.GRU: GRU}
    if type(module) not in classes:
        raise ValueError(f"module must be a torch.nn.LSTM, RNN or GRU, got {type(module).__name__}")
    _check_module(module)
    layers = []
    for k in range(module.num_layers):
        input_size = module.input_size if k == 0 else module.hidden_size
        dtype = str(module.weight_ih_l0.dtype).removeprefix("torch.")
        layer = classes[type(module)](input_size, module.hidden_size, dtype=dtype)
        W_x, W_h, b_x, b_h = (_to_numpy(getattr(module, name, None)) for name in _torch_names(k))
        if b_x is None:
            b_x = b_h = np.zeros(len(W_x), layer.dtype)
        biases = {"b_x": b_x, "b_h": b_h} if isinstance(layer, GRU) else {"b": _one_bias(b_x, b_h)}
        for name, value in {"W_x": W_x, "W_h": W_h, **biases}.items():
            layer.params[name][...] = value
        layers.append(layer)
    return layers if len(layers) > 1 else layers[0]


def _torch_names(k: int) -> list[str]:
    return [f"{name}_l{k}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


def _to_numpy(parameter: Any) -> Any:
    return None if parameter is None else parameter.detach().cpu().numpy()


# What comes in


def _find(name: str, argument: str) -> _Stacked | _Onnx | _OneByOne:
    if name not in LAYOUTS:
        raise ValueError(f"{argument} must be one of {', '.join(LAYOUTS)}; got {name!r}")
    return _LAYOUTS[name]


def _check_params(params: Any, source: str, axes: dict[str, tuple[str, ...]]) -> Params:
    _check_keys(params, source, axes)
    arrays = {name: np.asarray(params[name]) for name in axes}
    # First what each array must be on its own, then what they must be together.
    for name, array in arrays.items():
        check_array(array, name, axes[name], {}, array.dtype)
    sizes = _sizes(arrays, axes)
    for name, array in arrays.items():
        check_array(array, name, axes[name], sizes, array.dtype)
    dtypes = sorted({str(array.dtype) for array in arrays.values()})
    if len(dtypes) > 1:
        raise ValueError(f"params must share one dtype, got {' and '.join(dtypes)}")
    return arrays


def _check_keys(params: Any, source: str, axes: dict[str, tuple[str, ...]]) -> None:
    layout = ", ".join(f"{name} ({', '.join(letters)})" for name, letters in axes.items())
    expected = f"one layer in {source} is {layout.replace('directions', '1')}"
    if not isinstance(params, Mapping):
        raise ValueError(f"params must be a dict of arrays, got {type(params).__name__}: {expected}")
    if source == "ltm_stm" and not {"W_u", "b_u"}.isdisjoint(params):
        raise ValueError(
            "the use gate's W_u has no counterpart in the standard cell, where U_t = tanh(LTM_t) without "
            "weights: leave out W_u and b_u"
        )
    missing = [name for name in axes if name not in params]
    if missing:
        raise ValueError(f"params lacks {', '.join(missing)}: {expected}; a bias it has not is zeros")
    unexpected = [str(name) for name in params if name not in axes]
    if unexpected:
        raise ValueError(f"params must not have {', '.join(unexpected)}: {expected}")


def _sizes(arrays: Params, axes: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Sizes of all axes, from the first array that shows H and the first that shows D."""
    shown: dict[str, int] = {}
    for name, array in arrays.items():
        for letter, size in zip(axes[name], array.shape, strict=True):
            shown.setdefault(letter, size)
    H = shown["H"]
    D = shown["D"] if "D" in shown else max(shown["H+D"] - H, 1)
    return {"directions": 1, "H": H, "D": D, "4H": 4 * H, "8H": 8 * H, "H+D": H + D}


def _check_stack(layers: list[Any]) -> None:
    if not layers:
        raise ValueError("to_torch needs at least one layer, got an empty list")
    for layer in layers:
        if type(layer) not in (LSTM, RNN, GRU):
            raise ValueError(f"PyTorch has a module for LSTM, RNN and GRU, got {type(layer).__name__}")
        if isinstance(layer, GRU) and not layer.options["reset_after"]:
            raise ValueError(
                "torch.nn.GRU applies the reset gate after the matrix, got GRU(reset_after=False)"
            )
    first = layers[0]
    for k, layer in enumerate(layers[1:], 1):
        wanted = (type(first).__name__, first.hidden_size, first.hidden_size, first.dtype)
        got = (type(layer).__name__, layer.input_size, layer.hidden_size, layer.dtype)
        if got != wanted:
            raise ValueError(
                f"layer {k} of a stack on {first!r} must be {wanted[0]}{wanted[1:3]} of {wanted[3]}, "
                f"got {got[0]}{got[1:3]} of {got[3]}"
            )


def _check_module(module: Any) -> None:
    """Refuse by name what no layer here computes."""
    dtype = str(module.weight_ih_l0.dtype)
    refused = [
        (module.bidirectional, "bidirectional=True", "a layer reads one way: take two modules"),
        (module.proj_size > 0, f"proj_size={module.proj_size}", "no layer here projects its state"),
        (module.dropout > 0, f"dropout={module.dropout}", "set module.dropout = 0, as in evaluation"),
        (
            getattr(module, "nonlinearity", "tanh") != "tanh",
            "nonlinearity='relu'",
            "the RNN here has tanh",
        ),
        (dtype not in ("torch.float32", "torch.float64"), f"dtype {dtype}", "call module.float() first"),
    ]
    for applies, what, advice in refused:
        if applies:
            raise ValueError(f"module has {what}: {advice}")
