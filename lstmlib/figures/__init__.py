"""Figures with sliders, alive in a kernel and on a page without one.

Each figure is a canvas drawn by the browser (`NAME.mjs`) and ipywidgets sliders tied to it with
`jslink` (`NAME.py`), so that all arithmetic runs in the page. With a kernel, the same values stand
in Python.
"""

from lstmlib.figures.gate import Gate
from lstmlib.figures.lstm_cell import LSTMCell

__all__ = ["Gate", "LSTMCell"]
