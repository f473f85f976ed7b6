"""What may come into a layer, an attention or a loss: each check returns the array or names what is wrong."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask: TypeAlias = NDArray[np.bool_]


def check_mask(mask: ArrayLike, **sizes: int) -> Mask:
    """`mask` as a new array of booleans with the axes and sizes that are given, or a ValueError.

    Parameters
    ----------
    mask : what came in
    **sizes : int
        Length of each axis under its letter, in order, such as ``T=6, B=2``.

    Returns
    -------
    array of bool

    Raises
    ------
    ValueError
        For another dtype or another shape.

    Examples
    --------
    >>> check_mask([[True, False]], B=2, T=1)
    Traceback (most recent call last):
    ValueError: mask must have shape (B=2, T=1), got (1, 2)
    """
    array = np.array(mask)
    if array.dtype != bool:
        raise ValueError(f"mask must hold booleans, True for a real position; got dtype {array.dtype}")
    if array.shape != tuple(sizes.values()):
        wanted = ", ".join(f"{axis}={size}" for axis, size in sizes.items())
        raise ValueError(f"mask must have shape ({wanted}), got {array.shape}")
    return array
