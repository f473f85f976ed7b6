"""How long the LSTM takes, forward and backward in float32, beside others that do the same work.

Each contender lives in a process of its own, and they take turns: whatever else the machine does
hits all of them alike, and no contender meets the threads of another still spinning. `README.md`
in this folder says what is measured and how to read it.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from tqdm import tqdm

SIZES = [(50, 1, 16, 32), (100, 32, 32, 64), (100, 32, 64, 128), (200, 64, 128, 256), (100, 64, 512, 512)]
TURNS = 7
SECONDS_IN_A_TURN = 0.3
# Long enough for the last contender's threads to stop waiting for more work.
PAUSE = 0.3
AVX512 = {"OPENBLAS_CORETYPE": "SkylakeX"}

Pass = Callable[[], object]


# The contenders: each makes one forward and backward pass over arrays of the given size.


def lstmlib(T: int, B: int, D: int, H: int) -> Pass:
    """The layer of this package, by its public methods with all their checks."""
    from lstmlib.lstm import LSTM

    rng = np.random.default_rng(0)
    layer = LSTM(D, H, rng=rng, dtype=np.float32)
    x, dh = rng.standard_normal((T, B, D), np.float32), rng.standard_normal((T, B, H), np.float32)

    def one_pass() -> None:
        layer.forward(x)
        layer.backward(dh)

    return one_pass


def nn_lstm(T: int, B: int, D: int, H: int) -> Pass:
    """PyTorch's own layer."""
    torch = torch_on_our_threads()
    module = torch.nn.LSTM(D, H)
    x, dh = torch.randn(T, B, D, requires_grad=True), torch.randn(T, B, H)

    def one_pass() -> None:
        module.zero_grad()
        x.grad = None
        module(x)[0].backward(dh)

    return one_pass


def per_gate_loop(T: int, B: int, D: int, H: int) -> Pass:
    """PyTorch's autograd over the equations as textbooks write them: two products for each gate and step."""
    torch = torch_on_our_threads()
    shapes = {"W_x": (D, H), "W_h": (H, H), "b": (H,)}
    weights = {
        gate: {name: (torch.randn(shape) / H**0.5).requires_grad_() for name, shape in shapes.items()}
        for gate in "ifgo"
    }
    x, dh = torch.randn(T, B, D, requires_grad=True), torch.randn(T, B, H)

    def gate(name: str, x_t: object, h: object) -> object:
        w = weights[name]
        return x_t @ w["W_x"] + h @ w["W_h"] + w["b"]

    def one_pass() -> None:
        for tensor in [x, *(w for one in weights.values() for w in one.values())]:
            tensor.grad = None
        h, c = torch.zeros(B, H), torch.zeros(B, H)
        outputs = []
        for x_t in x:
            i = torch.sigmoid(gate("i", x_t, h))
            f = torch.sigmoid(gate("f", x_t, h))
            g = torch.tanh(gate("g", x_t, h))
            o = torch.sigmoid(gate("o", x_t, h))
            c = f * c + i * g
            h = o * torch.tanh(c)
            outputs.append(h)
        torch.stack(outputs).backward(dh)

    return one_pass


def matrix_products(T: int, B: int, D: int, H: int) -> Pass:
    """In NumPy, the products alone that no LSTM can do without, and nothing between them."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    W_x, W_h, W_x_columns, W_h_columns = (
        normal(4 * H, D),
        normal(4 * H, H),
        normal(D, 4 * H),
        normal(H, 4 * H),
    )
    x, h, da = normal(T * B, D), normal(T, B, H), normal(T, B, 4 * H)
    h_rows, da_rows = h.reshape(T * B, H), da.reshape(T * B, 4 * H)
    a, dx, a_t, dh_t = normal(T * B, 4 * H), normal(T * B, D), normal(B, 4 * H), normal(B, H)

    def one_pass() -> None:
        np.matmul(x, W_x_columns, out=a)
        for h_t in h:
            np.dot(h_t, W_h_columns, a_t)
        for da_t in da:
            np.dot(da_t, W_h, dh_t)
        np.matmul(da_rows, W_x, out=dx)
        _ = da_rows.T @ x, da_rows.T @ h_rows

    return one_pass


def torch_on_our_threads():
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return torch


# A contender in its process


class Contender:
    """A process that makes passes when it is told to, and times each."""

    def __init__(
        self, name: str, make: Callable[..., Pass], size: tuple, environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.times: list[float] = []
        self.peak_mb = 0.0
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        with environment_of(environment or {}):
            # The BLAS reads its settings when it is loaded.
            self.process = context.Process(target=work, args=(theirs, make, size), daemon=True)
            self.process.start()
        theirs.close()

    def take_turn(self) -> None:
        time.sleep(PAUSE)
        self.connection.send(SECONDS_IN_A_TURN)
        times, self.peak_mb = self.connection.recv()
        self.times += times

    def stop(self) -> None:
        self.connection.send(None)
        self.process.join()


def work(connection: Connection, make: Callable[..., Pass], size: tuple) -> None:
    """Serve turns until told to stop. Every turn begins with a pass that is not timed."""
    one_pass = make(*size)
    before = peak_memory(reset=True)
    while (seconds := connection.recv()) is not None:
        one_pass()
        times = []
        while len(times) < 3 or sum(times) < seconds:
            start = time.perf_counter()
            one_pass()
            times.append(time.perf_counter() - start)
        connection.send((times, peak_memory() - before))


def peak_memory(reset: bool = False) -> float:
    """Most memory that this process has held at once, in MB; where Linux allows it, since the last reset."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    except (OSError, TypeError):
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@contextmanager
def environment_of(changes: dict[str, str]):
    before = os.environ.copy()
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# The comparison


def measure(size: tuple, avx512_is_idle: bool, progress: tqdm) -> dict:
    """Times and memory of every contender at one size."""
    contenders = [
        Contender("lstmlib", lstmlib, size),
        Contender("nn.LSTM", nn_lstm, size),
        Contender("per-gate loop", per_gate_loop, size),
        Contender("matrix products", matrix_products, size),
    ]
    if avx512_is_idle:
        contenders.append(Contender("lstmlib, AVX-512", lstmlib, size, AVX512))
        contenders.append(Contender("matrix products, AVX-512", matrix_products, size, AVX512))
    for _ in range(TURNS):
        for contender in contenders:
            progress.set_postfix_str(f"{size} {contender.name}")
            contender.take_turn()
            progress.update()
    for contender in contenders:
        contender.stop()
    return {
        contender.name: {
            "median_ms": 1e3 * statistics.median(contender.times),
            "least_ms": 1e3 * min(contender.times),
            "passes": len(contender.times),
            "peak_mb": contender.peak_mb,
        }
        for contender in contenders
    }


def ratios(results: dict) -> dict:
    """Median of each lstmlib over the medians of those beside it: 1 is parity, and less is faster."""
    kinds = {name: name.removeprefix("lstmlib") for name in results if name.startswith("lstmlib")}
    return {
        name: {
            other: results[name]["median_ms"] / results[other]["median_ms"]
            for other in ("nn.LSTM", "per-gate loop", f"matrix products{kind}")
        }
        for name, kind in kinds.items()
    }


def table(rows: list[dict]) -> str:
    """For each size its contenders, one to a line, each with the ratio of lstmlib to it."""
    ours = list(rows[0]["ratios"])
    lines = [
        f"{'T, B, D, H':>18}  {'':24} {'median ms':>9} {'least ms':>9} {'peak MB':>8}  ratio of "
        + "  of ".join(ours)
    ]
    for row in rows:
        size = ", ".join(map(str, row["size"]))
        for name, result in row["contenders"].items():
            columns = [
                f"{row['ratios'][one][name]:.2f}".rjust(len(one) + 4) if name in row["ratios"][one] else ""
                for one in ours
            ]
            lines.append(
                f"{size:>18}  {name:24} {result['median_ms']:9.2f} {result['least_ms']:9.2f} "
                f"{result['peak_mb']:8.1f}     " + columns[0].rjust(len(ours[0]) + 4) + "".join(columns[1:])
            )
            size = ""
        lines.append("")
    return "\n".join(line.rstrip() for line in lines)


def machine(threads: int) -> dict:
    """What the numbers depend on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": processor(),
        "threads": threads,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": importlib.metadata.version("torch"),
        "blas": f"{blas['name']} {blas['version']}",
        "blas kernels": blas_kernels(),
    }


def processor() -> str:
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def blas_kernels() -> str:
    """The processor whose kernels OpenBLAS has chosen here; empty for another BLAS."""
    said = subprocess.run(
        [sys.executable, "-c", "import numpy"],
        env={**os.environ, "OPENBLAS_VERBOSE": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Core: (\w+)", said.stdout + said.stderr)
    return found[1] if found else ""


def has_avx512() -> bool:
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return bool({"X86_V4", "AVX512_SKX"} & set(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for every contender (all cores)")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="where the JSON goes"
    )
    arguments = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        sys.exit("This benchmark compares with PyTorch, which is not installed: pip install torch")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)

    about = machine(arguments.threads)
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n", flush=True)
    avx512_is_idle = has_avx512() and about["blas kernels"] in ("Haswell", "Zen")
    rows = []
    with tqdm(total=len(SIZES) * TURNS * (6 if avx512_is_idle else 4), unit=" turns") as progress:
        for size in SIZES:
            results = measure(size, avx512_is_idle, progress)
            rows.append({"size": size, "contenders": results, "ratios": ratios(results)})
    print(f"\nForward and backward, float32\n\n{table(rows)}")
    arguments.output.write_text(json.dumps({"machine": about, "results": rows}, indent=1) + "\n")
    print(f"Written to {arguments.output}")


if __name__ == "__main__":
    main()
