"""Binder and Colab without either: fresh environments, the published notebooks, and their memory measured.

Needs a built book, git and the network. Where uv is installed it is used, and the variable
`UV_TORCH_BACKEND=cpu` then spares the gigabytes of CUDA.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import yaml

ROOT = Path(__file__).parent.parent
# One of each part, among the longest
CHAPTERS = [
    "rnn/vanishing_gradients",
    "gates/output_gate",
    "lstm/training",
    "attention/image_captioning",
    "applications/the_right_tool",
]
# One that needs the package alone, and one that needs another beside it
ON_COLAB = ["gates/selector_vectors", "applications/the_right_tool"]
LIMIT = 2e9
ON_PYPI = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        published = publish(folder)
        on_colab = [published / f"chapters/{chapter}.ipynb" for chapter in ON_COLAB]
        here = [from_checkout(chapter) for chapter in on_colab]
        python = environment(folder / "binder", binder_packages(published))
        run("bash", ".binder/postBuild", cwd=published, env=activated(python))
        peaks = [execute(python, published / f"chapters/{chapter}.ipynb", "Binder") for chapter in CHAPTERS]

        python = environment(
            folder / "colab", ["numpy", "matplotlib", "torch", "ipywidgets", "ipykernel", "nbclient"]
        )
        assert subprocess.run([python, "-c", "import lstmlib"], cwd=folder, capture_output=True).returncode
        for chapter, variables in zip(on_colab, here, strict=True):
            peaks.append(execute(python, chapter, "Colab", variables))
    assert max(peaks) < LIMIT, f"more than {LIMIT / 1e9:.0f} GB"


def publish(folder):
    """What the branch `notebooks` of a repository of its own holds, after it was published there."""
    run("git", "init", "--quiet", "--bare", folder / "remote")
    run("bash", ".ci/publish-notebooks", folder / "remote")
    run("git", "clone", "--quiet", "--branch", "notebooks", folder / "remote", folder / "published")
    return folder / "published"


def binder_packages(published):
    """The packages of `.binder/environment.yml` as PyPI names them, with their versions."""
    entries = yaml.safe_load((published / ".binder/environment.yml").read_text())["dependencies"]
    named = [entry.partition("=") for entry in entries]
    return [
        ON_PYPI.get(name, name) + (f"=={version}.*" if version else "")
        for name, _, version in named
        if name not in ("python", "pip")
    ]


def environment(folder, packages):
    """The Python of a fresh environment with these packages."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin/python"
    pip = (
        ["uv", "pip", "install", "--python", python]
        if shutil.which("uv")
        else [python, "-m", "pip", "install"]
    )
    run(*pip, "--quiet", *packages)
    return python


def from_checkout(chapter):
    """Variables with which git takes the address in a notebook's first cell for this checkout."""
    [(address, commit)] = re.findall(
        r"git\+([^\s\"@]+)@(\w+)", nbformat.read(chapter, 4).cells[0].source
    ) or [("", "")]
    assert address, (
        "the book was built where git knows no address of the repository: name one by git remote add"
    )
    print(f"Colab: {address} at {commit} is played by this checkout")
    here = {"GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf", "GIT_CONFIG_VALUE_0": address}
    return here | {"GIT_CONFIG_COUNT": "1"}


def execute(python, notebook, where, variables=None):
    """Run a notebook as a reader does, and return the most memory that it and its kernel have held."""
    start, peak = time.monotonic(), 0
    command = [python, "-m", "jupyter", "execute", notebook.name]
    process = psutil.Popen(command, cwd=notebook.parent, env=activated(python) | (variables or {}))
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.02)
    assert process.returncode == 0, f"{notebook.name} fails on {where}"
    print(
        f"{where}: {notebook.stem} took {time.monotonic() - start:.0f} s and {peak / 1e9:.2f} GB", flush=True
    )
    return peak


def activated(python):
    """The variables of a shell in which an environment is active, and which does not see the checkout."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return variables | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}


def run(*command, cwd=ROOT, env=None):
    subprocess.run([*map(str, command)], cwd=cwd, env=env, check=True)


if __name__ == "__main__":
    main()
