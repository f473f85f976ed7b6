"""What several test modules share: where the built site is."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build/html"
READERS = ROOT / "_build/notebooks"


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site. `make test` builds it before the tests run."""
    if not (SITE / "index.html").exists():
        pytest.fail("the book is not built: run `make book` first, or `make test`, which does both")
    return SITE


@pytest.fixture(scope="session")
def readers() -> Path:
    """The folder of the readers' notebooks, which the build writes beside the site."""
    if not READERS.is_dir():
        pytest.fail("there are no readers' notebooks: run `make book` first, or `make test`, which does both")
    return READERS
