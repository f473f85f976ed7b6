"""What every figure is made of: its script in one text, its style, its sliders, its checks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "figure.css").read_text(encoding="utf-8")


def module_source(name: str) -> str:
    """`NAME.mjs` with each module it imports written out before it, since anywidget takes one text."""
    texts: dict[str, str] = {}

    def write_out(module: str) -> None:
        source = (FOLDER / f"{module}.mjs").read_text(encoding="utf-8")
        for needed in re.findall(r'^import .* from "\./(\w+)\.mjs";$', source, re.M):
            if needed not in texts:
                write_out(needed)
        texts[module] = re.sub(r"^import .*\n", "", source, flags=re.M)

    write_out(name)
    own = texts.pop(name)
    return "\n".join([*(re.sub(r"^export ", "", text, flags=re.M) for text in texts.values()), own])


def slider(
    canvas: Any, name: str, label: str, low: float, high: float, step: float
) -> ipywidgets.FloatSlider:
    """A slider tied to the canvas's value `name`, in the browser too."""
    made = ipywidgets.FloatSlider(
        value=getattr(canvas, name),
        min=low,
        max=high,
        step=step,
        description=label,
        style={"description_width": "auto"},  # figure.css makes room for the longest
    )
    ipywidgets.jslink((made, "value"), (canvas, name))
    return made


def shared(name: str, check: Callable[..., Any], *limits: float) -> property:
    """A value of the canvas under its own name, which Python may set as the reader does."""

    def get(figure: Any) -> Any:
        return getattr(figure._canvas, name)

    def put(figure: Any, value: Any) -> None:
        setattr(figure._canvas, name, check(value, name, *limits))

    return property(get, put)


def within(value: float, name: str, low: float, high: float) -> float:
    """`value` as a float, or a ValueError that names it and its range."""
    if not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")
    return float(value)
