"""The series that statsmodels carries: what is read, how holes are filled, and what a window is."""

import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import time_series as module
from lstmlib.time_series import NAMES, fill, measured_series, windows

PARTS = {
    # 29 March stands alone in its month; 12 April has no value, and no week of May and June has one
    "co2": "date,co2\n19580329,310\n19580405,312\n19580412,\n19580419,314\n"
    "19580503,\n19580607,\n19580705,319\n",
    "sunspots": '"YEAR","SUNACTIVITY"\n1700,5\n1701,11.5\n',
    "elnino": '"YEAR","JAN","FEB"\n1950,23.11,24.2\n1951,24.19,25.28\n',
}


@pytest.fixture
def datasets(tmp_path):
    for name, text in PARTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.csv").write_text(text)
    return tmp_path


def test_a_month_is_the_mean_of_its_weeks_and_a_month_without_one_lies_on_the_line(datasets):
    one = measured_series("co2", datasets)
    np.testing.assert_allclose(one.values, [313, 315, 317, 319], rtol=1e-12)
    assert one.filled.tolist() == [False, True, True, False]
    assert (one.season, one.first, one.step, one.unit) == (12, 1958, "month", "ppm")


def test_years_and_months_are_read_in_order_row_by_row(datasets):
    assert measured_series("sunspots", datasets).values.tolist() == [5, 11.5]
    assert measured_series("sunspots", datasets)[2:] == (11, 1700, "year", "sunspots")
    assert measured_series("elnino", datasets).values.tolist() == [23.11, 24.2, 24.19, 25.28]
    assert measured_series("elnino", datasets)[2:] == (12, 1950, "month", "°C")


def test_what_is_missing_is_said(datasets, monkeypatch):
    with pytest.raises(ValueError, match=r"name must be one of \['co2', .*got 'nile'"):
        measured_series("nile", datasets)
    (datasets / "co2/co2.csv").unlink()
    with pytest.raises(ValueError, match=r"datasets must be a folder with co2/co2\.csv"):
        measured_series("co2", datasets)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install --no-deps statsmodels==0\.15\.0"):
        measured_series("co2")


@pytest.mark.skipif(importlib.util.find_spec("statsmodels") is None, reason="statsmodels carries the series")
def test_the_series_of_the_package_are_those_that_the_page_counts():
    found = {name: measured_series(name) for name in NAMES}
    assert {name: len(one.values) for name, one in found.items()} == {
        "co2": 525,
        "sunspots": 309,
        "elnino": 732,
    }
    assert {name: one.filled.sum() for name, one in found.items()} == {"co2": 5, "sunspots": 0, "elnino": 0}
    # June and October 1958, and February to April 1964, counted from April 1958
    assert np.flatnonzero(found["co2"].filled).tolist() == [2, 6, 70, 71, 72]
    assert found["co2"].values[-1] == pytest.approx(np.mean([370.3, 370.8, 371.2, 371.3, 371.5]), abs=0.3)
    assert found["sunspots"].values[-1] == 2.9
    assert found["elnino"].values[-1] == 22.07
    assert "statsmodels" not in sys.modules


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-100, 100)), max_size=12), st.floats(-9, 9), st.floats(-9, 9))
def test_a_filled_hole_lies_between_its_neighbours_and_nothing_else_changes(middle, first, last):
    raw = np.array([first, *middle, last], float)  # None becomes NaN
    values, holes = fill(raw)
    assert holes.tolist() == np.isnan(raw).tolist()
    np.testing.assert_array_equal(values[~holes], raw[~holes])
    for k in np.flatnonzero(holes):
        before = max(j for j in range(k) if not holes[j])
        behind = min(j for j in range(k, len(raw)) if not holes[j])
        share = (k - before) / (behind - before)
        expected = raw[before] * (1 - share) + raw[behind] * share
        assert values[k] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.data())
def test_a_window_holds_the_values_from_its_place_on(values, data):
    width = data.draw(st.integers(1, len(values)))
    found = windows(values, width)
    assert found.tolist() == [values[k : k + width] for k in range(len(values) - width + 1)]
    found[:] = 0  # it is a copy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fill([np.nan, 1.0]), "begins and ends with one that is no NaN"),
        (lambda: fill([]), "begins and ends with one that is no NaN"),
        (lambda: fill([[1.0]]), "a row of numbers"),
        (lambda: windows([1.0, 2.0], 3), "values must be at least 3, the width, got 2"),
        (lambda: windows([1.0, np.nan], 1), "values"),
        (lambda: windows([1.0], 0), "width must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()
