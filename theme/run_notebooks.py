"""Runs the notebooks that have no outputs yet, one on each core, before Sphinx reads them.

MyST-NB would run them one after the other. It finds their outputs in its cache instead.
"""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from tqdm import tqdm

# A claim that falls becomes a note on its page, and the log keeps to what a reader can use.
KERNEL = ["--ext=asserted", "--IPKernelApp.log_level=40"]


def run_new_notebooks(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Fill MyST-NB's cache for the pages that are about to be read."""
    if env.mystnb_config.execution_mode != "cache":
        return
    cache = get_cache(env.mystnb_config.execution_cache_path)
    new: dict[Path, NotebookNode] = {}
    for name in docnames:
        path = Path(env.doc2path(name))
        text = path.read_text(encoding="utf-8")
        reader = create_nb_reader(str(path), env.myst_config, env.mystnb_config, text)
        if reader is None:
            continue
        notebook = reader.read(text)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            new[path] = notebook
    if not new:
        return
    # The longest first, as far as their length tells.
    order = sorted(new, key=lambda path: path.stat().st_size, reverse=True)
    with (
        ProcessPoolExecutor(cores()) as pool,
        tqdm(
            total=len(new), desc="Running the notebooks", bar_format="{desc}: {n} of {total} [{elapsed}]"
        ) as bar,
    ):
        runs = {
            pool.submit(run, path, new[path], env.mystnb_config.execution_timeout): path for path in order
        }
        for done in as_completed(runs):
            bar.update()
            # One that stopped is left to MyST-NB, which says where.
            if done.result() is not None:
                notebook, seconds = done.result()
                bundle = CacheBundleIn(notebook, str(runs[done]), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def run(path: Path, notebook: NotebookNode, timeout: int) -> tuple[NotebookNode, float] | None:
    """One notebook with its outputs, and how long it took; None where it stopped."""
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    result = single_nb_execution(
        notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False, extra_arguments=KERNEL
    )
    return None if result.err else (result.nb, result.time)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
