"""Forecasts that ran on: every run is there, and the page takes its settings and says what the runs say."""

import re
import sys
from importlib.util import find_spec
from statistics import mean

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import more_forecasts
from long_runs import definitions, over_seeds, read

if find_spec("statsmodels") is None:
    pytest.skip("statsmodels carries the series", allow_module_level=True)


@pytest.fixture(scope="module")
def errors():
    """Errors of the three runs, by part, task, setting and updates."""
    table = more_forecasts.TABLE
    return {part: over_seeds(table, part, "task", "setting") for part in ("choosing", "test")}


@pytest.fixture(scope="module")
def page():
    return definitions(more_forecasts.PAGE, more_forecasts.CELL)


@pytest.fixture(scope="module")
def text():
    cells = nbformat.read(ROOT / f"chapters/{more_forecasts.PAGE}.ipynb", 4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def task_of(name, h):
    return f"{name}, {more_forecasts.AHEAD[h]}"


def test_every_run_is_there():
    rows = read(more_forecasts.TABLE)
    assert list(rows) == list(more_forecasts.runs())
    for run in rows.values():
        assert [int(row["updates"]) for row in run] == list(more_forecasts.BUDGETS)


def test_the_page_takes_the_settings_with_the_smallest_error_in_the_part_for_choosing(errors, page):
    assert len(page["settings"]) == 12
    for (kind, name, h), (way, rate, updates) in page["settings"].items():
        tried = {
            key: mean(runs)
            for key, runs in errors["choosing"].items()
            if key[0] == task_of(name, h) and key[1].startswith(f"{kind}, ") and key[2] <= 400
        }
        assert len(tried) == 24
        assert min(tried, key=tried.__getitem__) == (task_of(name, h), f"{kind}, {way}, {rate}", updates)


def test_the_table_of_the_page_has_the_mean_of_every_three_runs(errors, page, text):
    [rows] = re.findall(r"^\| task \| linear .*\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    expected = []
    for (kind, name, h), (way, rate, _) in page["settings"].items():
        if kind == "LSTM":
            digits, task = 1 if name == "sunspots" else 2, task_of(name, h)
            runs = [errors["test"][task, f"LSTM, {way}, {rate}", n] for n in more_forecasts.BUDGETS]
            numbers = [page["by_line"][name, h], *map(mean, runs)]
            expected.append(f"| {task} | " + " | ".join(f"{number:.{digits}f}" for number in numbers) + " |")
    assert rows.splitlines() == expected


def test_the_sentences_about_the_table_hold(errors, page):
    leads = {}
    for (kind, name, h), (way, rate, _) in page["settings"].items():
        if kind == "LSTM":
            for updates in more_forecasts.BUDGETS:
                wrong = mean(errors["test"][task_of(name, h), f"LSTM, {way}, {rate}", updates])
                leads[name, h, updates] = 1 - wrong / page["by_line"][name, h]
    assert {key for key, lead in leads.items() if lead > 0.1} == {("co2", 1, 800), ("co2", 1, 1600)}
    later = [mean(errors["choosing"]["co2, one season", "LSTM, changes, 0.003", n]) for n in (400, 800, 1600)]
    assert later[0] < min(later[1:])


def test_what_the_page_says_of_sunspots_holds(errors, page):
    line = page["by_line"]["sunspots", 0]
    tried = {
        key: mean(runs)
        for key, runs in errors["test"].items()
        if key[0] == "sunspots, one step" and key[1].startswith("LSTM, ") and key[2] <= 400
    }
    assert len(tried) == 24
    assert sum(error < line for error in tried.values()) == 8
    cycle = "sunspots, one season"
    assert page["settings"]["LSTM", "sunspots", 1] == ("changes", 0.003, 100)
    taken, other = (
        mean(errors["choosing"][cycle, f"LSTM, {way}, 0.003", 100]) for way in ("changes", "seasons")
    )
    assert 0 < other - taken < 0.05
    found = mean(errors["test"][cycle, "LSTM, seasons, 0.003", 100])
    assert f"{found:.1f}" == "29.8"
    assert found < page["by_line"]["sunspots", 1]


def test_what_the_page_says_of_carbon_dioxide_as_values_holds(errors, page):
    for rate in more_forecasts.RATES:
        for updates in more_forecasts.BUDGETS:
            assert min(errors["test"]["co2, one step", f"LSTM, values, {rate}", updates]) > 10
    one = page["series"]["co2"]
    assert f"{page['wrong_by'](page['rules'](one)['last value'], one)[1, 0]:.2f}" == "1.27"


def test_what_the_page_says_of_the_sea_a_year_ahead_holds(errors, page):
    task, one = "elnino, one season", page["series"]["elnino"]
    way, rate, updates = page["settings"]["LSTM", "elnino", 1]
    assert way != "anomalies"
    assert max(errors["test"][task, "LSTM, anomalies, 0.003", 100]) < 1
    network = mean(errors["choosing"][task, f"LSTM, {way}, {rate}", updates])
    line = min(found[0] for found in page["line_errors"](one, 1).values())
    rule = min(page["wrong_by"](said, one)[0, 1] for said in page["rules"](one).values())
    assert network < line < rule


def test_every_row_of_the_tables_names_a_page_that_is_there_and_cells_that_assert(text):
    folder = (ROOT / f"chapters/{more_forecasts.PAGE}.ipynb").parent
    rows = re.findall(r"^\| .*\]\(.*\.ipynb\), cells? .*\|$", text, re.MULTILINE)
    assert len(rows) > 30
    for row in rows:
        for path, cells in re.findall(r"\]\(([\w./]+\.ipynb)\), cells? ((?:`[\w-]+`(?: and )?)+)", row):
            code = {
                cell.id: cell.source
                for cell in nbformat.read(folder / path, 4).cells
                if cell.cell_type == "code"
            }
            for name in re.findall(r"`([\w-]+)`", cells):
                assert re.search(r"^ *assert ", code[name], re.MULTILINE), (path, name)
