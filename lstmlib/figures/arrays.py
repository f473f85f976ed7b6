"""Arrays on their way to the page: the weights of a torch model under our names, and all in one piece."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lstmlib.activations import Array


def pack(arrays: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """`data`, all numbers as float32, compressed, and `places`, the path and the shape of each array.

    The dots of a name lead from object to object; `unpack` of arrays.mjs makes these of it.

    >>> pack({"readout.W": np.zeros((2, 3)), "readout.b": np.zeros(2)})["places"]
    [[['readout', 'W'], [2, 3]], [['readout', 'b'], [2]]]
    """
    flat = np.concatenate([np.ravel(array) for array in arrays.values()]).astype("<f4")
    places = [[name.split("."), list(np.shape(array))] for name, array in arrays.items()]
    return {"data": zlib.compress(flat.tobytes(), 9), "places": places}


def of_lstm(part: str) -> dict[str, str]:
    """Our names for the weights of one `torch.nn.LSTM`, and PyTorch's."""
    names = {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b": "bias_ih_l0"}
    return {f"{part}.{ours}": f"{part}.{torchs}" for ours, torchs in names.items()}


def from_torch(weights: Mapping[str, ArrayLike], names: Mapping[str, str]) -> dict[str, Array]:
    """The arrays of a `state_dict` under our names, in float32; an LSTM's two biases become their sum.

    Raises ValueError for names that `weights` has not.
    """
    seconds = {ours: name.replace("bias_ih", "bias_hh") for ours, name in names.items() if "bias_ih" in name}
    needed = [*names.values(), *seconds.values()]
    missing = [name for name in needed if name not in weights]
    if missing:
        raise ValueError(f"weights must have {', '.join(needed)}; missing: {', '.join(missing)}")
    arrays = {ours: np.asarray(weights[name], np.float32) for ours, name in names.items()}
    for ours, name in seconds.items():
        arrays[ours] = arrays[ours] + np.asarray(weights[name], np.float32)
    return {ours: array.astype(float) for ours, array in arrays.items()}


def check_shapes(
    arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]], names: Mapping[str, str]
) -> None:
    """Raises ValueError, in PyTorch's names, for an array that has another shape."""
    for ours, shape in shapes.items():
        if arrays[ours].shape != shape:
            raise ValueError(f"{names[ours]} must have shape {shape}, got {arrays[ours].shape}")
