"""What several test modules share: where the built site is, a browser, and what a sample can tell."""

import os
import sys
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from browsing import reader, served
from hypothesis import settings

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build/html"
READERS = ROOT / "_build/notebooks"
sys.path.insert(0, str(ROOT / "theme"))

# The deadline is for one example, of which the first may wait for PyTorch's import: it stops what would never
# end. In CI the examples are the same each time, so that whoever repeats a run there meets the same failure.
settings.register_profile(
    "course", max_examples=50, deadline=timedelta(seconds=30), derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("course")


@pytest.fixture
def rng():
    """A generator, the same for every test."""
    return np.random.default_rng(0)


def unpacked(canvas):
    """The arrays that a figure's canvas sends to the page, each under its name."""
    *parts, rest = np.split(
        np.frombuffer(zlib.decompress(canvas.data), "<f4"),
        np.cumsum([np.prod(shape) for _, shape in canvas.places]),
    )
    assert len(rest) == 0
    named = zip(canvas.places, parts, strict=True)
    return {".".join(path): part.reshape(shape) for (path, shape), part in named}


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from browser import MISSING, chromium, installed  # needs playwright, which lstmlib's own tests do not

    if not (installed() or os.environ.get("CI")):
        pytest.skip(f"{MISSING} to run these tests")
    assert installed(), "CI never skips the browser: .ci/run installs Chromium"
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site. `make test` builds it before the tests run."""
    if not (SITE / "index.html").exists():
        pytest.fail("the book is not built: run `make book` first, or `make test`, which does both")
    return SITE


@pytest.fixture(scope="session")
def address(site):
    with served(site) as found:
        yield found


@pytest.fixture
def visit(browser, address):
    with reader(browser, address) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def readers() -> Path:
    """The folder of the readers' notebooks, which the build writes beside the site."""
    if not READERS.is_dir():
        pytest.fail("there are no readers' notebooks: run `make book` first, or `make test`, which does both")
    return READERS


def assert_mean(sample, mean, standard_errors=5):
    """The sample's mean is what it should be, as far as a sample of this size can tell."""
    sample = np.asarray(sample, float)
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    assert abs(sample.mean() - mean) < standard_errors * error
