"""The long time lags of 1997, at the lengths of the paper and by its own stopping rules.

    python experiments/long_lags.py [--jobs 2]

Every task of `TASKS` is learnt by every network of `NETWORKS` from each of `SEEDS`. A run is a row of
`long_lags_runs.csv`, with versions and processor; one that stands there is not repeated.
The page `reference/long_lags` shows `long_lags.csv`, in which the runs stand side by side.
"""

import argparse
import csv
import platform
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from threadpoolctl import threadpool_info
from tqdm import tqdm

from lstmlib.ablation import clamp
from lstmlib.activations import softmax
from lstmlib.layer import RecurrentLayer
from lstmlib.lstm import LSTM
from lstmlib.readout import Readout, cross_entropy, squared_error
from lstmlib.rnn import RNN
from lstmlib.tasks import ADDING_TOLERANCE, TaskBatch, adding, latching, temporal_order
from lstmlib.training import Adam, sequence_loss, train

RUNS = Path(__file__).with_name("long_lags_runs.csv")
TABLE = Path(__file__).with_name("long_lags.csv")
SEEDS = 0, 1, 2
BATCH = 32
MOST = 100_000
"""Sequences after which a run is given up."""


class Task(NamedTuple):
    """A task of the paper, with its rule: when it counts as learnt."""

    draw: Callable[[int, Generator], TaskBatch]
    lag: int
    sizes: tuple[int, int, int]
    """Inputs, units of the LSTM, outputs."""
    tolerance: float
    """A sequence is right if every output is less than this from what is asked for."""
    in_a_row: int
    """So many sequences, one after the other, have to be right ..."""
    published: str
    """Sequences needed in the paper, and its table."""
    mean_error: float = 1.0
    """... and their mean error has to be below this."""


def two_sequence(T: int, B: int, rng: Generator) -> TaskBatch:
    """Task 3a: which sign the first three inputs had, after T to T + T/10 steps of noise of variance 0.2."""
    return latching(int(rng.integers(T, T + T // 10 + 1)), B, L=3, noise=0.2**0.5, rng=rng)


def distractors(q: int, p: int, B: int, rng: Generator) -> TaskBatch:
    """Task 2c: which of x and y stood before q or more of p other symbols.

    A sequence is b, then x or y, then q + k distractors, then the trigger e, which comes at each further step
    with probability 1/10. The symbols are one-hot: the distractors first, then e, b, x and y.
    """
    target, lengths = rng.integers(0, 2, B), q + 2 + rng.geometric(0.1, B)
    symbols = rng.integers(0, p, (lengths.max(), B))
    symbols[0], symbols[1], symbols[lengths - 1, np.arange(B)] = p + 1, p + 2 + target, p
    mask = np.arange(len(symbols))[:, None] < lengths
    return TaskBatch(np.eye(p + 4, dtype=np.float32)[symbols] * mask[..., None], target, mask)


def adding_of(T: int, B: int, rng: Generator) -> TaskBatch:
    """Section 5.4: add two marked numbers."""
    return adding(T, B, rng=rng)


def order_of(relevant: int, B: int, rng: Generator) -> TaskBatch:
    """Section 5.6: in which order two, or three, symbols came."""
    return temporal_order(100, B, relevant=relevant, rng=rng)


TASKS = {
    "two-sequence, 100 steps": Task(
        partial(two_sequence, 100), 100, (1, 3, 2), 0.2, 256, "39,850 (4)", mean_error=0.01
    ),
    "two-sequence, 1,000 steps": Task(
        partial(two_sequence, 1000), 1000, (1, 3, 2), 0.2, 256, "452,460 (4)", mean_error=0.01
    ),
    "task 2c, 50 steps": Task(partial(distractors, 50, 50), 50, (54, 2, 2), 0.2, 10_000, "30,000 (3)"),
    "task 2c, 1,000 steps": Task(
        partial(distractors, 1000, 50), 1000, (54, 2, 2), 0.2, 10_000, "203,000 (3)"
    ),
    "adding, 100 steps": Task(
        partial(adding_of, 100), 100, (2, 4, 1), ADDING_TOLERANCE, 2000, "74,000 (7)", mean_error=0.01
    ),
    "adding, 500 steps": Task(
        partial(adding_of, 500), 500, (2, 4, 1), ADDING_TOLERANCE, 2000, "209,000 (7)", mean_error=0.01
    ),
    "adding, 1,000 steps": Task(
        partial(adding_of, 1000), 1000, (2, 4, 1), ADDING_TOLERANCE, 2000, "853,000 (7)", mean_error=0.01
    ),
    "temporal order, two symbols": Task(
        partial(order_of, 2), 100, (8, 4, 4), 0.3, 2000, "31,390 (9)", mean_error=0.1
    ),
    "temporal order, three symbols": Task(
        partial(order_of, 3), 100, (8, 6, 8), 0.3, 2000, "571,100 (9)", mean_error=0.1
    ),
}
Run = dict[str, str | int]
NETWORKS = "LSTM without forget gate", "LSTM", "LSTM, usual start", "plain network"


def weights(*layers: RecurrentLayer | Readout) -> int:
    """The number of all parameters."""
    return sum(param.size for layer in layers for param in layer.params.values())


def network(name: str, task: Task, rng: Generator) -> tuple[RecurrentLayer, Readout]:
    """A fresh network; the plain one has the number of units that comes nearest to the LSTM's parameters.

    The biases follow the lag, as Tallec & Ollivier 2018 propose: its logarithm for the forget gate, and the
    negative of that for the input gate. The usual start has 1 and 0.
    """
    inputs, units, outputs = task.sizes

    def build(kind: type[RecurrentLayer], H: int) -> tuple[RecurrentLayer, Readout]:
        return kind(inputs, H, rng=rng, dtype=np.float32), Readout(H, outputs, rng=rng, dtype=np.float32)

    layer, readout = build(LSTM, units)
    if name == "plain network":
        wanted = weights(layer, readout)
        return build(RNN, min(range(1, 100), key=lambda H: abs(weights(*build(RNN, H)) - wanted)))
    if name != "LSTM, usual start":
        keep, write = (layer.blocks.index(gate) * units for gate in "fi")
        layer.params["b"][keep : keep + units] = np.log(task.lag)
        layer.params["b"][write : write + units] = -np.log(task.lag)
    if name == "LSTM without forget gate":
        clamp(layer, "f")
    return layer, readout


def learn(task_name: str, name: str, seed: int) -> Run:
    """One run: how many sequences it needed, and how many of 2,560 new ones are wrong afterwards."""
    task, rng = TASKS[task_name], np.random.default_rng(seed)
    layer, readout = network(name, task, rng)
    loss = squared_error if task.sizes[2] == 1 else cross_entropy
    recent: deque[np.ndarray] = deque(maxlen=-(-task.in_a_row // BATCH))

    def errors(y: np.ndarray, target: np.ndarray) -> np.ndarray:
        wanted = target if loss is squared_error else np.eye(y.shape[1])[target]
        return abs((y if loss is squared_error else softmax(y)) - wanted).max(axis=1)

    def recorded(y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
        recent.append(errors(y, target))
        return loss(y, target)

    def solved() -> bool:
        last = np.array(recent)
        return len(last) == recent.maxlen and last.max() < task.tolerance and last.mean() < task.mean_error

    def draw(B: int) -> TaskBatch:
        batch = task.draw(B, rng)
        return batch._replace(x=batch.x.astype(np.float32))

    def batches() -> Iterator[TaskBatch]:
        while not solved():
            yield draw(BATCH)

    loss_of = sequence_loss(layer, readout, recorded, last=True)
    some = islice(batches(), MOST // BATCH)
    used = len(train(loss_of, Adam([layer, readout], 0.01), some, clip_norm=1.0, progress=False))
    wrong = 0
    for test in (draw(256) for _ in range(10)):
        y = readout.forward(layer.forward(test.x, mask=test.mask)[1].h)
        wrong += int((errors(y, test.target) >= task.tolerance).sum())
    outcome = {"weights": weights(layer, readout), "sequences": used * BATCH}
    outcome |= {"solved": "yes" if solved() else "no", "wrong of 2,560": wrong}
    return {"task": task_name, "network": name, "seed": seed, **outcome, **machine()}


def machine() -> dict[str, str]:
    """What computed a run."""
    blas = next((pool.get("architecture") for pool in threadpool_info() if pool["user_api"] == "blas"), None)
    return {"Python": platform.python_version(), "NumPy": np.__version__, "kernels": blas or "unknown"}


def read() -> dict[tuple[str, str, int], Run]:
    """All runs that there are, by task, network and seed."""
    if not RUNS.exists():
        return {}
    with RUNS.open(newline="") as file:
        return {(row["task"], row["network"], int(row["seed"])): row for row in csv.DictReader(file)}


def table(rows: dict[tuple[str, str, int], Run]) -> list[dict[str, str]]:
    """The runs of a task and a network side by side: sequences needed, and how many are wrong afterwards."""

    def shown(run: Run) -> str:
        needed = f"{int(run['sequences']):,}" if run["solved"] == "yes" else "not solved"
        return f"{needed}\u00a0({run['wrong of 2,560']})"

    lines = []
    for name, task in TASKS.items():
        line = {"Task": name, "1997 (table)": task.published}
        for kind in NETWORKS:
            runs = [rows[name, kind, seed] for seed in SEEDS if (name, kind, seed) in rows]
            none = all(run["solved"] == "no" for run in runs)
            line[kind] = f"0 of {len(runs)} runs" if none else ", ".join(map(shown, runs))
        lines.append(line)
    return lines


def write(path: Path, lines: list[dict]) -> None:
    with path.open("w", newline="") as file:
        made = csv.DictWriter(file, lines[0], lineterminator="\n")
        made.writeheader()
        made.writerows(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    jobs, rows, plan = parser.parse_args().jobs, read(), list(product(TASKS, NETWORKS, SEEDS))
    with ProcessPoolExecutor(jobs) as pool:
        missing = {pool.submit(learn, *run): run for run in plan if run not in rows}
        for done in tqdm(as_completed(missing), total=len(missing), unit="run"):
            rows[missing[done]] = done.result()
            write(RUNS, [rows[run] for run in plan if run in rows])
    write(TABLE, table(rows))


if __name__ == "__main__":
    main()
