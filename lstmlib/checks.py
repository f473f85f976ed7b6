"""What may come in: each check returns what the caller goes on with, or says what to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array

Mask: TypeAlias = NDArray[np.bool_]


def as_read(params: Mapping[str, Array]) -> dict[str, bytes]:
    """What a forward pass computed with, for `check_unchanged` to compare before the way back."""
    return {name: value.tobytes() for name, value in params.items()}


def check_unchanged(params: Mapping[str, Array], read: Mapping[str, bytes] | None, layer: str) -> None:
    """Raise a RuntimeError where `params` are no longer those that the forward pass of `layer` read.

    The way back multiplies by the weights again: with others its gradient would belong to neither. `read`
    is None where there was no forward pass, or `backward` has used it.
    """
    if read is None:
        raise RuntimeError(
            f"{layer}.backward needs a forward pass of its own: call forward first, "
            "and again before each further backward"
        )
    changed = [name for name, value in params.items() if value.tobytes() != read.get(name)]
    if changed:
        raise RuntimeError(
            f"{layer}.backward needs the params that forward read, but {', '.join(changed)} has changed "
            "since: update after backward, or call forward again"
        )


def check_size(size: int, name: str) -> int:
    """`size` as a whole number of at least 1, or a ValueError that names it."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {size!r}")
    return int(size)


def check_number(value: float, name: str) -> float:
    """`value` as a finite number, or a ValueError that names it."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def check_dtype(dtype: Any) -> np.dtype:
    """`dtype` as float32 or float64, or a ValueError."""
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {checked}")
    return checked


def check_rng(rng: Generator | None) -> Generator:
    """`rng`, a fresh generator in place of None, or a ValueError."""
    if rng is not None and not isinstance(rng, Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, as default_rng(0) gives; got {rng!r}")
    return rng or np.random.default_rng()


def check_array(
    value: ArrayLike, name: str, axes: tuple[str, ...], sizes: dict[str, int], dtype: np.dtype
) -> Array:
    """`value` as a finite, non-empty array of `dtype`, or a ValueError that says what to change.

    `axes` has a letter for each axis, `sizes` the size of those that are known. Integers are refused.

    >>> check_array([1.0, 2.0], "dh", ("H",), {"H": 3}, np.dtype(float))
    Traceback (most recent call last):
    ValueError: dh must have shape (H=3), got (2,)
    """

    def wanted() -> str:
        return ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in axes)

    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must have shape ({wanted()}), got lists of different lengths") from None
    if array.dtype.kind != "f":
        raise ValueError(
            f"{name} must hold floats, got dtype {array.dtype}: one-hot or embed symbols, "
            "or convert numbers with .astype(float)"
        )
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have shape ({wanted()}), got {array.ndim}-D {array.shape}")
    if 0 in array.shape:
        raise ValueError(f"{name} must not be empty: expected ({wanted()}), got {array.shape}")
    if any(sizes.get(axis, size) != size for axis, size in zip(axes, array.shape, strict=True)):
        raise ValueError(f"{name} must have shape ({wanted()}), got {array.shape}")
    with np.errstate(over="ignore"):
        checked = array.astype(dtype, copy=False)
    if not np.isfinite(checked).all():
        first = tuple(int(k) for k in np.argwhere(~np.isfinite(checked))[0])
        raise ValueError(f"{name} must be finite, got {array[first]} at index {first}")
    return checked


def check_mask(mask: ArrayLike | None, shape: tuple[int, ...], axes: str = "") -> Mask:
    """`mask` as a new array of booleans of `shape`, True everywhere in place of None, or a ValueError.

    `axes` has a letter for each axis, or is left out where they have no names.

    >>> check_mask([[True, False]], (2, 1), "TB")
    Traceback (most recent call last):
    ValueError: mask must have shape (T=2, B=1), got (1, 2)
    """
    array = np.ones(shape, bool) if mask is None else np.array(mask)
    if array.dtype != bool:
        raise ValueError(f"mask must hold booleans, True for a real position; got dtype {array.dtype}")
    if array.shape != shape:
        named = ", ".join(f"{axis}={size}" for axis, size in zip(axes, shape, strict=True)) if axes else ""
        raise ValueError(f"mask must have shape {f'({named})' if axes else shape}, got {array.shape}")
    return array
