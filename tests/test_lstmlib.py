"""The top of the package: what it offers, and what it costs to import."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import lstmlib
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.layer import ForgetGateLayer, RecurrentLayer

# The installed packages that an import of this one brings
IMPORTED = """
import sys
before = set(sys.modules)
import lstmlib
new = {name.split(".")[0] for name in set(sys.modules) - before}
from importlib.metadata import packages_distributions
print(*sorted(new & packages_distributions().keys() - {"lstmlib"}))
"""


def test_every_layer_of_the_library_and_train_stand_at_the_top():
    modules = [
        importlib.import_module(f"lstmlib.{found.name}") for found in pkgutil.iter_modules(lstmlib.__path__)
    ]
    layers = {
        name
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, RecurrentLayer | BidirectionalLSTM) and not inspect.isabstract(kind)
        if kind is not ForgetGateLayer  # what several layers have in common
        if not name.startswith("_")
    }
    assert len(layers) >= 10
    assert set(lstmlib.__all__) == layers | {"train", "__version__"}
    assert all(hasattr(lstmlib, name) for name in lstmlib.__all__)


def test_the_import_brings_numpy_and_nothing_else():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numpy"]


def test_the_version_is_the_one_that_is_installed():
    assert lstmlib.__version__ == version("lstmlib"), "install again: pip install -e ."
