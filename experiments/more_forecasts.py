"""The networks of the page on the right tool, with every setting that was tried, and for longer.

    python experiments/more_forecasts.py [--jobs 2]

Series, networks and training are those of `chapters/applications/the_right_tool`: its cells before the runs
are executed, and then each network learns to forecast each series, one step ahead or one season ahead, from
each of `WAYS` to show the series to it and with each of `RATES`, from each of `SEEDS`. Its root mean square
errors on the cases for choosing and on those of the test, after each of `BUDGETS`, are a row of
`more_forecasts.csv`, with versions and processor. The page takes from here, for each series and network, the
setting whose mean error on the cases for choosing is smallest. A run that stands there is not repeated.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from long_runs import Rows, Run, complete, definitions, machine

TABLE = Path(__file__).with_suffix(".csv")
PAGE, CELL = "applications/the_right_tool", "runs"
SERIES = "co2", "sunspots", "elnino"
AHEAD = "one step", "one season"
NETWORKS = "LSTM", "window"
WAYS = "values", "changes", "seasons", "anomalies"
RATES = 0.003, 0.01
SEEDS = range(3)
BUDGETS = 100, 200, 400, 800, 1600


def learn(task: str, setting: str, seed: int) -> Rows:
    """One run: a row for each budget."""
    page = definitions(PAGE, CELL)
    (name, ahead), (network, way, rate) = task.split(", "), setting.split(", ")
    one, h = page["series"][name], AHEAD.index(ahead)
    errors = page["learn_series"](one, h, network, way, float(rate), seed, BUDGETS)
    return [
        {"task": task, "setting": setting, "seed": seed, "updates": updates}
        | {"choosing": f"{choosing:.4g}", "test": f"{test:.4g}"}
        | machine()
        for updates, (choosing, test) in zip(BUDGETS, errors, strict=True)
    ]


def runs() -> Iterator[Run]:
    """All that the table is to hold."""
    tasks = map(", ".join, product(SERIES, AHEAD))
    settings = (f"{network}, {way}, {rate}" for network, way, rate in product(NETWORKS, WAYS, RATES))
    yield from product(tasks, settings, SEEDS)


if __name__ == "__main__":
    complete(TABLE, runs(), learn, __doc__)
