"""What the course adds to Sphinx: front-end packages, fresh outputs, links to its own repository."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import packages
import readers
from run_notebooks import run_new_notebooks
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

import lstmlib

LAUNCH = """**Launch it.** On the site, the rocket at the top of a chapter opens it on Binder or Colab. Binder
comes with all that a notebook needs; on Colab, its first cell installs this course's package.
"""


def install_packages(app: Sphinx, config: Config) -> None:
    """Fetch the front-end packages that package-lock.json pins, unless they are there."""
    if packages.install() != 0:
        raise ExtensionError("the site's front-end packages could not be installed: see npm's message above")


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
    """Address and commit of the repository that the book is built from, or None without an address."""
    commit = _git(root, "rev-parse", "--verify", "HEAD") or "HEAD"
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}", commit
    remote = re.fullmatch(
        r"(?:https://|ssh://git@|git@)(?:[^@/]*@)?([\w.-]+)[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?",
        _git(root, "remote", "get-url", "origin"),
    )
    if remote is None:
        return None
    return f"https://{remote[1]}/{remote[2]}", commit


def link_repository(app: Sphinx, config: Config) -> None:
    """Point the launch and repository buttons at the repository, or show none.

    What is launched are the readers' notebooks, which the workflow publishes on a branch of their own.
    """
    options = config.html_theme_options
    found = repository(Path(app.srcdir))
    config.myst_substitutions["launch"] = ""
    if found is None:
        options["launch_buttons"] = {}
        return
    url, _ = found
    options |= {"repository_url": url, "repository_branch": "notebooks", "use_repository_button": True}
    if not url.startswith("https://github.com/"):
        options["launch_buttons"].pop("colab_url", None)  # Colab opens GitHub alone
        return
    config.myst_substitutions["launch"] = LAUNCH


def name_the_site(app: Sphinx, config: Config) -> None:
    """Absolute addresses for search engines and link previews, where the site's own is known."""
    if site := os.environ.get("SITE_URL"):
        config.html_baseurl = config.ogp_site_url = site.rstrip("/") + "/"


def say_the_version(app: Sphinx, config: Config) -> None:
    """End the footer of every page with the version of what it was built from."""
    config.html_theme_options["extra_footer"] += f" Version {lstmlib.__version__}."


def launch_a_notebook(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Launch the notebook of a page that is written as text: the theme would open the text."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []) if group.get("label") == "launch-buttons" else []:
            button["url"] = re.sub(rf"/{pagename}\.md$", f"/{pagename}.ipynb", button["url"])


def write_readers_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Write what the launch and download buttons hand out."""
    if exception is None and app.builder.name == "html":
        readers.write(app, repository(Path(app.srcdir)))


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
    app.connect("config-inited", say_the_version)
    app.connect("env-before-read-docs", run_new_notebooks)
    app.connect("html-page-context", launch_a_notebook, priority=600)  # after the theme's own
    app.connect("build-finished", write_readers_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
