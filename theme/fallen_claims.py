"""Says which claims did not hold in the book just built, and how to report them; exits with 1 if any fell."""

import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy
from asserted import fallen
from course_site import repository

ROOT = Path(__file__).parent.parent


def main(site: Path) -> int:
    """Read the built pages of `site`."""
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    found = [(page, *one) for page in pages for one in fallen(page.read_text(encoding="utf-8"))]
    if not found:
        return 0
    print(f"\n{len(found)} claim(s) of the course did not hold on this machine:\n")
    for page, claim, came in found:
        print(f"  {page.relative_to(site).with_suffix('')}\n    claim: {claim}\n    {came}")
    known = repository(ROOT)
    where = f"{known[0]}/issues" if known else "the repository that this copy comes from"
    print(
        f"\nThe site is built all the same, with a note in place of each: {site / 'index.html'}\n"
        f"Please report it at {where}, with the lines above and this one:\n"
        f"  {platform.platform()}, {platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {numpy.__version__}"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
