"""Three measured series for `applications/the_right_tool`: carbon dioxide, sunspots, a sea's temperature.

The files are those that the package `statsmodels` carries, in `datasets`. They are read by path; the package
itself, and pandas, which it needs, are not imported. Its authors say of all three that the data are in the
public domain.
"""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_array, check_size


class Series(NamedTuple):
    """A series: a number for each month or each year, in order, and what is known about it.

    Attributes
    ----------
    values : array (T,)
        In `unit`, with no hole.
    filled : array of bool (T,)
        True where nothing was measured, and the value lies on the straight line between its neighbours.
    season : int
        After how many values it repeats, more or less: 12 months, or 11 years.
    first : int
        The year of the first value.
    step : str
        What lies between two values, `month` or `year`.
    unit : str
        What the values count.
    """

    values: Array
    filled: NDArray[np.bool_]
    season: int
    first: int
    step: str
    unit: str


NAMES = ("co2", "sunspots", "elnino")
"""The series, as their folders in statsmodels are called."""


def measured_series(name: str, datasets: Path | None = None) -> Series:
    """One of the three series that statsmodels carries.

    `co2`: the share of carbon dioxide in the air of Mauna Loa, Hawaii, from April 1958 to December 2001, in
    parts per million of volume. The file has a mean for each week, and holes. Here a month is the mean of its
    weeks that were measured, by the date that the file gives a week. Five months have no such week; they lie
    on the straight line between their neighbours. The first week, alone in March 1958, is left out. From
    Keeling & Whorf 2004.

    `sunspots`: the mean number of sunspots of each year from 1700 to 2008, by the National Geophysical Data
    Center. One cycle is about 11 years, and no two are alike.

    `elnino`: the temperature of the sea's surface off Peru (0 to 10° south, 80 to 90° west), in degrees
    Celsius, a mean for each month from 1950 to 2010. From NOAA, ERSST.V3B, region Niño 1+2.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    datasets : path of a folder that holds NAME/NAME.csv; without it, that of the installed statsmodels.

    Raises ImportError where statsmodels is not installed, ValueError for another name, or a folder without
    the file.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {list(NAMES)}, got {name!r}")
    if datasets is None:
        spec = find_spec("statsmodels")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError(
                "measured_series reads files that the package statsmodels carries, which is not installed "
                "here. Install it with: pip install --no-deps statsmodels==0.15.0"
            )
        datasets = Path(spec.submodule_search_locations[0]) / "datasets"
    path = datasets / name / f"{name}.csv"
    if not path.is_file():
        raise ValueError(f"datasets must be a folder with {name}/{name}.csv, got {datasets}")
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    if name == "co2":
        values, filled = fill(_months(rows))
        return Series(values, filled, 12, 1958, "month", "ppm")
    table = np.array(rows, float)
    values = table[:, 1:].ravel()
    season, step, unit = (11, "year", "sunspots") if name == "sunspots" else (12, "month", "°C")
    return Series(values, np.zeros(len(values), bool), season, int(table[0, 0]), step, unit)


def _months(rows: list[list[str]]) -> Array:
    """The mean of each month from weeks, `YYYYMMDD` and a number or nothing; NaN where none was measured."""
    weeks: dict[int, list[float]] = {}
    for date, value in rows:
        month = 12 * int(date[:4]) + int(date[4:6]) - 1
        weeks.setdefault(month, [])
        if value:
            weeks[month].append(float(value))
    first, last = min(weeks) + 1, max(weeks)  # the first month has one week
    return np.array([np.mean(weeks[m]) if weeks.get(m) else np.nan for m in range(first, last + 1)])


def fill(values: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Values whose holes, NaN, lie on the straight line between their neighbours, and where these were.

    Before the first value and behind the last there is no line: ValueError.

    >>> fill([1.0, np.nan, np.nan, 4.0])
    (array([1., 2., 3., 4.]), array([False,  True,  True, False]))
    """
    values = np.array(values, float)
    holes = np.isnan(values)
    if values.ndim != 1 or not len(values) or holes[0] or holes[-1]:
        raise ValueError("values must be a row of numbers that begins and ends with one that is no NaN")
    places = np.arange(len(values))
    return np.interp(places, places[~holes], values[~holes]), holes


def windows(values: ArrayLike, width: int) -> Array:
    """All runs of `width` values, the oldest first: row k holds values k to k + width − 1.

    Raises ValueError for values that are not a row of finite numbers, or fewer than `width`.

    >>> windows([1.0, 2, 3, 4], 3)
    array([[1., 2., 3.],
           [2., 3., 4.]])
    """
    values, width = check_array(values, "values", ("T",), {}, np.dtype(float)), check_size(width, "width")
    if len(values) < width:
        raise ValueError(f"values must be at least {width}, the width, got {len(values)}")
    return np.lib.stride_tricks.sliding_window_view(values, width).copy()
