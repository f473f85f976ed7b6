"""What every figure is made of: its script in one text, its style, its sliders, its checks."""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import ipywidgets
import numpy as np

FOLDER = Path(__file__).parent


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


class Between(NamedTuple):
    """The limits of a number."""

    low: float
    high: float

    def check(self, value: float, name: str) -> float:
        """`value` as a float, or a ValueError that names it and its range."""
        if not isinstance(value, int | float | np.number) or not self.low <= value <= self.high:
            raise ValueError(f"{name} must be a number from {self.low} to {self.high}, got {value!r}")
        return float(value)


def one_of(options: Collection[str]) -> Callable[[str, str], str]:
    """The check of a choice."""

    def check(value: str, name: str) -> str:
        if value not in options:
            raise ValueError(f"{name} must be one of {list(options)}, got {value!r}")
        return value

    return check


def shared(name: str, check: Callable, read: Callable = lambda value: value) -> property:
    """A value of the canvas under its own name, which Python may set as the reader does."""

    def get(figure: Any) -> Any:
        return read(getattr(figure._canvas, name))

    def put(figure: Any, value: Any) -> None:
        setattr(figure._canvas, name, check(value, name))

    return property(get, put)


class Canvas(anywidget.AnyWidget):
    """What the browser draws; a subclass has the script, and the values that travel."""

    _css = "".join((FOLDER / sheet).read_text(encoding="utf-8") for sheet in ("parts.css", "figure.css"))


class Figure(ipywidgets.VBox):
    """A canvas with sliders under it; `values` are what a subclass has `shared` of it, to begin with."""

    def __init__(self, canvas: Canvas, **values: Any) -> None:
        self._canvas = canvas
        for name, value in values.items():
            setattr(self, name, value)
        super().__init__([canvas])
        self.add_class("lstmlib-figure")

    def _add_slider(self, name: str, label: str, limits: Between, step: float) -> ipywidgets.FloatSlider:
        """A slider tied to the canvas's value `name`, in the browser too."""
        slider = ipywidgets.FloatSlider(
            value=getattr(self._canvas, name),
            min=limits.low,
            max=limits.high,
            step=step,
            description=label,
            style={"description_width": "auto"},  # figure.css makes room for the longest
        )
        ipywidgets.jslink((slider, "value"), (self._canvas, name))
        self.children += (slider,)
        return slider
