"""Every claim of the course, tried on every processor that this one can play.

Training is chaotic: other kernels, another Python or another number of threads change the last bit, and
after some hundred updates the run is another run. So an asserted outcome of training is a draw, and this
command draws it many times: it runs the code of every notebook under several kernels and every Python that it
is given, records both sides of every comparison that an `assert` makes, and says how far each stands from
falling, in units of its spread, which is the standard deviation over those runs that came out differently.

    make claims                                       all notebooks; what has been run is not run again
    python experiments/claims.py sequences            notebooks whose path holds a word; nothing is written
    python experiments/claims.py --as Nehalem pytest  any other command on a processor of another name
    python experiments/claims.py --as another pytest  with other kernels than this processor's, about as fast

It exits with 1 where a claim fell, or stands within three spreads of its edge.
"""

import argparse
import ast
import contextlib
import csv
import functools
import hashlib
import io
import json
import math
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import stdev
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "theme"))
PACKAGE = ROOT / "lstmlib/__init__.py"
RUNS = ROOT / "_build/claims"
CLAIMS_TABLE = Path(__file__).with_suffix(".csv")
RUNS_TABLE = Path(__file__).with_name("claims_runs.csv")
ENOUGH = 3  # spreads

# What NumPy, OpenBLAS, PyTorch and its libraries take for the processor. NumPy's list is cut down to what its
# build knows, since it refuses other names.
OLD = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
}
AVX2 = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
}
AVX512 = {"ATEN_CPU_CAPABILITY": "avx512", "OPENBLAS_CORETYPE": "SkylakeX"}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PROCESSORS: dict[str, dict[str, str]] = {
    "as it is": {},
    "as it is, two threads": dict.fromkeys(THREADS, "2"),
    "Prescott": OLD | {"OPENBLAS_CORETYPE": "Prescott"},
    "Nehalem": OLD | {"OPENBLAS_CORETYPE": "Nehalem"},
    "Sandybridge": OLD | {"OPENBLAS_CORETYPE": "Sandybridge", "MKL_CBWR": "AVX"},
    "Haswell": AVX2 | {"OPENBLAS_CORETYPE": "Haswell"},
    "SkylakeX": AVX512,
}
# Whoever lacks these instructions cannot play that processor: the libraries take the name for granted, and
# stop at the first instruction that is not there.
NEEDS = {
    "Prescott": "SSE3",
    "Nehalem": "SSE42",
    "Sandybridge": "AVX",
    "Haswell": "AVX2",
    "SkylakeX": "AVX512_SKX",
}
# What a page computes with, as their distributions are called
PACKAGES = ("numpy", "torch", "scikit-learn", "sacrebleu")


def main() -> int:
    """Run what has not been run, write the result, and name the claims that fell or nearly did."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("only", nargs="*", help="run the notebooks whose path holds one of these words")
    parser.add_argument("--python", nargs="*", default=[], help="further Pythons with the course's packages")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time (2)")
    parser.add_argument("--worker", nargs=2, metavar=("NOTEBOOK", "FILE"), help=argparse.SUPPRESS)
    if sys.argv[1:2] == ["--as"] and len(sys.argv) > 3 and sys.argv[2] in (*PROCESSORS, "another"):
        if sys.argv[2] not in (*playable(), "another"):
            parser.error(f"this processor cannot play {sys.argv[2]}: it lacks {NEEDS[sys.argv[2]]}")
        played = another() if sys.argv[2] == "another" else settings(sys.argv[2])
        os.execvpe(sys.argv[3], sys.argv[3:], os.environ | played)
    options = parser.parse_args()
    if options.worker:
        run_notebook(*map(Path, options.worker))
        return 0
    notebooks = sorted(ROOT.glob("chapters/**/*.ipynb"))
    if options.only:
        notebooks = [path for path in notebooks if any(word in str(path) for word in options.only)]
    if not notebooks:
        parser.error(f"no notebook's path holds any of: {', '.join(options.only)}")
    pythons = [describe(python) for python in [sys.executable, *options.python]]
    # Every processor with this Python, and each further Python with the processor as it is.
    plan = [(pythons[0], name) for name in playable()] + [(python, "as it is") for python in pythons[1:]]
    found = collect(notebooks, plan, options.jobs)
    pages = {page: summarise(runs) for page, runs in found.items()}
    if not options.only:
        write(plan, pages)
    return tell(pages, len(plan))


# One notebook, in a process of its own


def run_notebook(notebook: Path, file: Path) -> None:
    """Run a notebook's code in this process, and write down what its assertions compared."""
    from asserted import Claim, Recorder
    from IPython.display import display

    claims: dict[tuple[str, str], dict[str, Any]] = {}

    def note(claim: Claim) -> None:
        kept = claims.setdefault(
            (claim.cell, claim.words),
            {"cell": claim.cell, "claim": claim.words, "holds": True, "compared": {}},
        )
        kept["holds"] &= claim.holds
        for key, one in claim.comparisons.items():
            # Within a loop, the time that it was closest to falling
            if str(key) not in kept["compared"] or one.margin < kept["compared"][str(key)]["margin"]:
                kept["compared"][str(key)] = one._asdict()

    recorder = Recorder(note)
    names = {"__name__": "__main__", "display": display, **recorder.names}
    os.chdir(notebook.parent)
    with contextlib.redirect_stdout(io.StringIO()):
        for cell, source in code(notebook):
            recorder.cell = cell
            tree = recorder.visit(ast.parse(source))
            exec(compile(ast.fix_missing_locations(tree), f"<{notebook.stem}, {cell}>", "exec"), names)
            if "plt" in names:
                names["plt"].close("all")
    file.write_text(json.dumps(list(claims.values())), encoding="utf-8")


def code(notebook: Path) -> list[tuple[str, str]]:
    """Name and source of each code cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [(cell["id"], "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


# All of them


def collect(
    notebooks: list[Path], plan: list[tuple[dict[str, str], str]], jobs: int
) -> dict[str, list[list[dict]]]:
    """What every run of the plan recorded, by page; runs that are on the disk are not repeated."""
    from tqdm import tqdm

    RUNS.mkdir(parents=True, exist_ok=True)
    files = {
        (notebook, python["path"], name): RUNS / f"{digest(notebook, python, name)}.json"
        for python, name in plan
        for notebook in notebooks
    }
    todo = {key: file for key, file in files.items() if not file.exists()}
    with (
        ThreadPoolExecutor(jobs) as pool,
        tqdm(total=len(files), initial=len(files) - len(todo), unit="run") as bar,
    ):

        def work(item: tuple[tuple[Path, str, str], Path]) -> None:
            (notebook, python, name), file = item
            run(notebook, python, name, file)
            bar.set_postfix_str(f"{notebook.stem}, {name}")
            bar.update()

        list(pool.map(work, todo.items()))
    found: dict[str, list[list[dict]]] = {}
    for (notebook, _, _), file in files.items():
        page = notebook.relative_to(ROOT).with_suffix("").as_posix()
        found.setdefault(page, []).append(json.loads(file.read_text(encoding="utf-8")))
    return found


def run(notebook: Path, python: str, name: str, file: Path) -> None:
    """One notebook on one processor, or a RuntimeError with its traceback."""
    part = file.with_suffix(".part")
    done = subprocess.run(
        [python, __file__, "--worker", notebook, part],
        env={
            **os.environ,
            **dict.fromkeys(THREADS, "1"),
            **settings(name),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "MPLBACKEND": "agg",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{notebook.relative_to(ROOT)} did not run ({name}, {python}):\n{done.stderr}")
    part.rename(file)


def playable() -> list[str]:
    """Those of the processors that this one can play."""
    from numpy._core._multiarray_umath import __cpu_features__

    return [name for name in PROCESSORS if name not in NEEDS or __cpu_features__.get(NEEDS[name])]


def settings(name: str) -> dict[str, str]:
    """The variables that make this processor play another."""
    variables = dict(PROCESSORS[name])
    if "NPY_DISABLE_CPU_FEATURES" in variables:
        from numpy._core._multiarray_umath import __cpu_dispatch__

        known = [one for one in variables["NPY_DISABLE_CPU_FEATURES"].split() if one in __cpu_dispatch__]
        variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(known)
    return variables


def digest(notebook: Path, python: dict[str, str], name: str) -> str:
    """Changes with what decides a run: the code as Python reads it, the packages, the processor."""
    trees = [ast.parse(source) for _, source in code(notebook)]
    modules = [*imported(trees), ROOT / "theme/asserted.py"]
    parts = [ast.dump(tree) for tree in trees + [bare(module) for module in modules]]
    versions = [python[key] for key in ("python", *PACKAGES)]
    parts += [str(sorted(PROCESSORS[name].items())), *versions, processor()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def imported(trees: list[ast.Module]) -> list[Path]:
    """The files of `lstmlib` that code imports, with all that these import; not what only draws."""
    found: set[Path] = set()
    new = set().union(*map(named, trees))
    while new:
        found |= new
        new = set().union(*(named(bare(file)) for file in new)) - found
    return sorted(found - {PACKAGE.with_name("plots.py")})


def named(tree: ast.Module) -> set[Path]:
    """The files of `lstmlib` that import statements name; who imports from a package runs the package too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
    names = {name for name in names if name.partition(".")[0] == "lstmlib"}
    files = {ROOT / f"{name.replace('.', '/')}.py" for name in names}
    return {file for file in [*files, *([PACKAGE] if names else [])] if file.exists()}


@functools.cache
def bare(module: Path) -> ast.Module:
    """A module without its comments and docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return tree


def describe(python: str) -> dict[str, str]:
    """Path and versions of a Python that has the course's packages."""
    ask = (
        "import json, platform; from importlib.metadata import version; "
        f"found = {{name: version(name) for name in {PACKAGES}}}; "
        "print(json.dumps({'python': platform.python_version(), **found}))"
    )
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} lacks the course's packages (requirements.txt):\n{done.stderr}")
    return {"path": python, **json.loads(done.stdout)}


def another() -> dict[str, str]:
    """The variables that give OpenBLAS and PyTorch other kernels than this processor's, about as fast."""
    from numpy._core._multiarray_umath import __cpu_features__

    own = kernels()
    if not own or not __cpu_features__.get("X86_V2"):
        return {}  # nothing of the kind is known for this processor
    if not __cpu_features__.get("X86_V4"):
        return {"OPENBLAS_CORETYPE": "Sandybridge", "ATEN_CPU_CAPABILITY": "default"}
    other = "SkylakeX" if own <= {"Haswell", "Zen"} else "Haswell"
    return {"OPENBLAS_CORETYPE": other, "ATEN_CPU_CAPABILITY": "avx2"}


def kernels() -> set[str]:
    """Those that NumPy's OpenBLAS has chosen for this processor, by name."""
    import numpy  # noqa: F401, it is NumPy's that is asked
    from threadpoolctl import threadpool_info

    return {found["architecture"] for found in threadpool_info() if found["internal_api"] == "openblas"}


# What it comes to


def summarise(runs: list[list[dict]]) -> list[dict[str, Any]]:
    """For each claim of a page: how often it was tried, how often it fell, and its margins.

    Two settings may compute the same bits, and runs that are alike to the last of them tell nothing of the
    spread: it is taken over those that differ.
    """
    claims: dict[tuple[str, str], list[tuple[dict, int]]] = {}
    for one in [run for k, run in enumerate(runs) if run not in runs[:k]]:
        for claim in one:
            claims.setdefault((claim["cell"], claim["claim"]), []).append((claim, runs.count(one)))
    summary = []
    for (cell, words), found in claims.items():
        tries = [claim for claim, _ in found]
        varying = []
        for key in tries[0]["compared"]:
            every = [claim["compared"][key] for claim in tries if key in claim["compared"]]
            margins = [one["margin"] for one in every]
            spread = stdev(margins) if len(margins) > 1 else 0.0
            if spread > 0:
                varying.append(
                    {
                        "compared": every[0]["words"],
                        "left": between([one["left"] for one in every]),
                        "right": between([one["right"] for one in every]),
                        "spreads": min(margins) / spread,
                    }
                )
        summary.append(
            {
                "cell": cell,
                "claim": words,
                "tried": sum(times for _, times in found),
                "different": len(found),
                "fell": sum(times for claim, times in found if not claim["holds"]),
                "varying": varying,
            }
        )
    return summary


def between(values: list[float]) -> str:
    """One number where all are alike to three digits, else the least and the greatest."""
    least, greatest = f"{min(values):.3g}", f"{max(values):.3g}"
    return least if least == greatest else f"{least} … {greatest}"


def write(plan: list[tuple[dict[str, str], str]], pages: dict[str, list[dict]]) -> None:
    """The runs and the claims, as the tables of `reference/how_firm.md`."""
    with RUNS_TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["Played on", "Python", "NumPy", "PyTorch", "Settings"])
        own = f"none ({processor()}, for which OpenBLAS takes {' '.join(sorted(kernels()))})"
        for python, name in plan:
            played = " ".join(f"{key}={value}" for key, value in settings(name).items())
            versions = [python[key] for key in ("python", "numpy", "torch")]
            table.writerow([name, *versions, f"`{played}`" if played else own])
    with CLAIMS_TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["Page", "Claim", "Tried", "Different", "Fell", "Came", "Spreads"])
        for page, claims in pages.items():
            for claim in sorted(claims, key=spreads):
                closest = min(claim["varying"], key=lambda one: one["spreads"], default=None)
                table.writerow(
                    [
                        f"[](../{page}.ipynb)",
                        f"`{claim['claim']}`",
                        claim["tried"],
                        claim["different"],
                        claim["fell"],
                        f"{closest['left']} against {closest['right']}" if closest else "",
                        f"{closest['spreads']:.3g}" if closest else "the same",
                    ]
                )


def spreads(claim: dict[str, Any]) -> float:
    """How many spreads the claim's closest comparison stands from its edge; infinite where nothing varied."""
    return min((one["spreads"] for one in claim["varying"]), default=math.inf)


def processor() -> str:
    """The name of this machine's processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def tell(pages: dict[str, list[dict]], runs: int) -> int:
    """Print each claim's least margin, the closest last; 1 if one fell or stands too close."""
    rows = [
        (not claim["fell"], spreads(claim), page, claim) for page, claims in pages.items() for claim in claims
    ]
    bad = 0
    for held, least, page, claim in sorted(rows, key=lambda row: row[:2], reverse=True):
        close = not held or least < ENOUGH
        bad += close
        if math.isinf(least) and held:
            continue
        print(f"{'!!' if close else '  '} {least:9.3g} spreads  {page} [{claim['cell']}]  {claim['claim']}")
        if not held:
            print(f"      fell {claim['fell']} of {claim['tried']} times")
        for one in claim["varying"] if close else []:
            print(
                f"      {one['compared']}: {one['left']} against {one['right']}, {one['spreads']:.3g} spreads"
            )
    same = sum(math.isinf(row[1]) for row in rows)
    print(f"{len(rows)} claims, {runs} runs of each; {same} came out the same every time")
    print(f"{bad} fell or stand within {ENOUGH} spreads of their edge")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
