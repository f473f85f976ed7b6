"""Says which claims did not hold in the book just built, and how to report them; exits with 1 if any fell."""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "experiments"))

from asserted import fallen
from claims import processor
from course_site import repository

ROOT = Path(__file__).parent.parent


def main(site: Path) -> int:
    """Read the built pages of `site`."""
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    found = [(page, *one) for page in pages for one in fallen(page.read_text(encoding="utf-8"))]
    if not found:
        return 0
    print(f"\n{len(found)} claim(s) of the course did not hold on this machine:\n")
    # The names are those of .github/ISSUE_TEMPLATE/fallen_claim.yml.
    for page, claim, came in found:
        name = page.relative_to(site).with_suffix("")
        print(f"  Page:       {name}\n  Claim:      {claim}\n  What came:  {came}\n")
    known = repository(ROOT)
    form = f"{known[0]}/issues/new?template=fallen_claim.yml" if known else ""
    print(
        f"The site is built all the same, with a note in place of each: {site / 'index.html'}\n"
        f"Please report it, with the lines above and these:\n\n"
        f"  Processor:  {processor()} ({platform.machine()})\n"
        f"  Python:     {platform.python_version()}, {platform.platform()}\n"
        f"  Versions:   {', '.join(f'{name} {version(name)}' for name in ('lstmlib', 'numpy', 'torch'))}\n\n"
        f"at {form or 'the repository that this copy comes from'}"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
