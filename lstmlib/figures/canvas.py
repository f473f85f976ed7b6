"""What every figure is made of: its script in one text, its style, its sliders, its checks."""

import re
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "figure.css").read_text(encoding="utf-8")


def module_source(name: str) -> str:
    """`NAME.mjs` with the modules it imports written out before it, since anywidget takes one text."""
    source = (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    needed = re.findall(r'^import .* from "\./(\w+)\.mjs";$', source, re.M)
    inlined = [re.sub(r"^export ", "", module_source(part), flags=re.M) for part in needed]
    return "\n".join([*inlined, re.sub(r"^import .*\n", "", source, flags=re.M)])


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
        style={"description_width": "9.5em"},
    )
    ipywidgets.jslink((made, "value"), (canvas, name))
    return made


def within(value: float, name: str, low: float, high: float) -> float:
    """`value` as a float, or a ValueError that names it and its range."""
    if not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")
    return float(value)
