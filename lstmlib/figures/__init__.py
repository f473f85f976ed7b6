"""Figures with sliders, alive in a kernel and on a page without one.

Each is a canvas drawn by the browser (`NAME.mjs`) and ipywidgets sliders tied to it with `jslink`
(`NAME.py`), so that all arithmetic runs in the page. With a kernel, the same values stand in Python.
"""

from lstmlib.figures.alignment import Alignment
from lstmlib.figures.code_reader import CodeReader
from lstmlib.figures.counters import Counters
from lstmlib.figures.family import Family
from lstmlib.figures.four_parts import FourParts
from lstmlib.figures.gate import Gate
from lstmlib.figures.gradient_by_lag import GradientByLag
from lstmlib.figures.lstm_cell import LSTMCell
from lstmlib.figures.moving_digit import MovingDigit
from lstmlib.figures.pen_reader import PenReader
from lstmlib.figures.pen_writer import PenWriter
from lstmlib.figures.picture_reader import PictureReader
from lstmlib.figures.recall_reader import RecallReader
from lstmlib.figures.self_attention import SelfAttention
from lstmlib.figures.spoken_number import SpokenNumber
from lstmlib.figures.story_reader import StoryReader
from lstmlib.figures.three_switches import ThreeSwitches
from lstmlib.figures.threshold import Threshold
from lstmlib.figures.trainer import Trainer
from lstmlib.figures.tune_writer import TuneWriter
from lstmlib.figures.unrolled_loop import UnrolledLoop

__all__ = [
    "Alignment",
    "CodeReader",
    "Counters",
    "Family",
    "FourParts",
    "Gate",
    "GradientByLag",
    "LSTMCell",
    "MovingDigit",
    "PenReader",
    "PenWriter",
    "PictureReader",
    "RecallReader",
    "SelfAttention",
    "SpokenNumber",
    "StoryReader",
    "ThreeSwitches",
    "Threshold",
    "Trainer",
    "TuneWriter",
    "UnrolledLoop",
]
