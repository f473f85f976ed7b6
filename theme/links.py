"""Tries the links that leave the site, for `make links`, and runs no notebook for it."""

import re

from sphinx.application import Sphinx


def run_nothing(app: Sphinx) -> None:
    """Leave the notebooks as they are: links stand in the text."""
    if app.builder.name == "linkcheck":
        app.config.nb_execution_mode = "off"
        app.config.suppress_warnings += ["mystnb.glue", "ref"]  # numbers and figures that no run brought


def ask_the_registry(app: Sphinx, uri: str) -> str:
    """Ask doi.org itself whether it knows a DOI: publishers turn scripts away."""
    return re.sub(r"^https://doi\.org/(?=10\.)", "https://doi.org/api/handles/", uri)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("builder-inited", run_nothing, priority=400)  # before MyST-NB reads the mode
    app.connect("linkcheck-process-uri", ask_the_registry)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
