"""The browser that prints the site, weighs its pages and runs its tests."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# The first draws no window around a page, and so takes half of the processor's time.
NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
MISSING = "no browser: install Chromium (on Debian, `apt-get install chromium-headless-shell`)"


def installed() -> str | None:
    """Where the machine has its Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A headless Chromium that reaches no other machine; the program ends with a hint where there is none."""
    found = installed()
    if found is None:
        sys.exit(MISSING)
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", offline]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*quiet, *options])
        yield browser
        browser.close()
