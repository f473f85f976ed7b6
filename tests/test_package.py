"""The package as users get it: built, installed without the checkout, and used from a folder elsewhere."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

CHAPTERS = ["rnn/neural_network", "gates/selector_vectors", "lstm/backward_pass"]
EVERY_MODULE = """
import importlib, pkgutil, sys
import lstmlib

assert lstmlib.__file__.startswith(sys.prefix), f"not the wheel's: {lstmlib.__file__}"
for module in pkgutil.walk_packages(lstmlib.__path__, "lstmlib."):
    if not module.name.startswith(tuple(sys.argv[1:])):
        importlib.import_module(module.name)
        print(module.name)
"""
EVERY_FIGURE = """
from anywidget import AnyWidget
from lstmlib import figures

for name in figures.__all__:
    figure = EXAMPLES[name]()
    [canvas] = [child for child in figure.children if isinstance(child, AnyWidget)]
    assert "export default" in canvas._esm, name
    assert ".lstmlib-figure" in canvas._css, name
    assert "application/vnd.jupyter.widget-view+json" in figure._repr_mimebundle_(), name
    print(name)
"""


def run(*command, cwd):
    """What a command prints, run where neither the checkout nor its path is to be found."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel_of(source, folder):
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", folder, source, cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the sources: what an earlier build has left in the checkout would hide what is missing."""
    copy = tmp_path_factory.mktemp("tree") / "course"
    left_out = shutil.ignore_patterns(".*", "_build", "build", "*.egg-info", "node_modules", "__pycache__")
    return shutil.copytree(ROOT, copy, ignore=left_out)


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    return wheel_of(tree, tmp_path_factory.mktemp("wheel"))


def declared(requirements, extras):
    """The names of all distributions that requirements lead to."""
    found, waiting = set(), [(line, extras) for line in requirements]
    while waiting:
        line, chosen = waiting.pop()
        needed = Requirement(line)
        if needed.marker and not any(needed.marker.evaluate({"extra": extra}) for extra in ["", *chosen]):
            continue
        if (asked := (needed.name, frozenset(needed.extras))) not in found:
            found.add(asked)
            waiting += [(line, needed.extras) for line in metadata.requires(needed.name) or []]
    return {name for name, _ in found}


def environment(folder, wheel, extras=()):
    """The Python of a fresh environment that holds the wheel, what it declares, and nothing else.

    Downloading PyTorch for each run would take minutes. So the packages that the wheel's metadata leads
    to are links to those of the running environment, and `pip` confirms that they are all it asks for.
    """
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    described = metadata.PathDistribution(ZipPath(wheel, "-".join(wheel.name.split("-")[:2]) + ".dist-info/"))
    for name in declared(described.requires, extras):
        distribution = metadata.distribution(name)
        for part in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (site / part).exists():
                (site / part).symlink_to(distribution.locate_file(part))
    python = folder / "bin/python"
    install = [sys.executable, "-m", "pip", "--isolated", "--python", python, "install", "--no-index"]
    run(*install, f"lstmlib[{','.join(extras)}] @ {wheel.as_uri()}", cwd=folder)
    return python


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    return environment(tmp_path_factory.mktemp("user"), wheel, ["notebooks"])


def test_the_wheel_carries_every_file_of_the_package(wheel):
    inside = {name for name in ZipFile(wheel).namelist() if name.startswith("lstmlib/")}
    files = {path for path in (ROOT / "lstmlib").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert inside == {path.relative_to(ROOT).as_posix() for path in files}


def test_a_wheel_built_from_the_source_distribution_is_the_one_built_from_the_tree(tree, wheel, tmp_path):
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    run(sys.executable, "-c", build, cwd=tree)
    [source] = tmp_path.glob("*.tar.gz")

    def content(path):
        return sorted((file.filename, file.CRC) for file in ZipFile(path).infolist())

    assert content(wheel_of(source, tmp_path)) == content(wheel)


def test_numpy_and_tqdm_are_enough_for_all_but_the_figures(wheel, tmp_path):
    python = environment(tmp_path / "bare", wheel)
    imported = run(python, "-W", "error", "-c", EVERY_MODULE, "lstmlib.figures", cwd=tmp_path).split()
    assert {"lstmlib.lstm", "lstmlib.plots", "lstmlib.training", "lstmlib.corpora"} <= set(imported)


def test_every_module_imports_and_every_figure_is_made(python, tmp_path):
    assert "lstmlib.figures.canvas" in run(python, "-W", "error", "-c", EVERY_MODULE, cwd=tmp_path).split()
    examples = (ROOT / "tests/gallery.py").read_text()
    assert "LSTMCell" in run(python, "-W", "error", "-c", examples + EVERY_FIGURE, cwd=tmp_path).split()


def test_chapters_run_on_the_installed_package(python, tmp_path, monkeypatch):
    kernel = tmp_path / "jupyter/kernels/installed"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": command, "display_name": "installed", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(described))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for chapter in CHAPTERS:
        shutil.copy(ROOT / f"chapters/{chapter}.ipynb", tmp_path)
    options = ["-x", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-kernel-name=installed"]
    said = run(sys.executable, "-m", "pytest", *options, tmp_path, cwd=tmp_path)
    assert "passed" in said.splitlines()[-1]
    assert "skipped" not in said.splitlines()[-1]
