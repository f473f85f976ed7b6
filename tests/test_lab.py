"""A reader's notebook in JupyterLab and in Jupyter Notebook, run and played with in a browser."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress

import nbformat
import pytest
from browsing import keep_to
from conftest import ROOT
from playwright.sync_api import TimeoutError, expect

CHAPTER = ROOT / "_build/notebooks/chapters/gates/selector_vectors.ipynb"
# As a reader has them: no extension for this book's own Markdown; and nothing that asks another host.
DISABLED = {"jupyterlab-myst": True, "@jupyterlab/apputils-extension:announcements": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Jupyter server with settings of its own: its address, its token, and the folder that it serves."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("folder")
    (home / "labconfig").mkdir()
    (home / "labconfig/page_config.json").write_text(json.dumps({"disabledExtensions": DISABLED}))
    places = dict.fromkeys(
        ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"), home
    )
    options = ["--no-browser", "--allow-root", "--port=0", "--LabApp.extension_manager=readonly"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder,
            env={**os.environ, **places},
            stdout=log,
            stderr=log,
        )
    described = home / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + 180
    while not described.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert described.exists(), (home / "log").read_text()
    found = json.loads(described.read_text())
    yield found["url"], found["token"], folder
    process.terminate()
    process.wait(60)


@pytest.fixture(scope="module", params=["lab/tree", "notebooks"], ids=["JupyterLab", "Notebook"])
def opened(request, server, browser):
    """A reader's notebook, opened and run from top to bottom: the page and the file."""
    address, token, folder = server
    if not CHAPTER.exists():
        pytest.fail(
            "the readers' notebooks are not built: run `make book` first, or `make test`, which does both"
        )
    file = folder / f"{request.param.split('/')[0]}.ipynb"
    shutil.copy(CHAPTER, file)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    complaints = []
    keep_to(address, context, complaints)
    page = context.new_page()
    # What it asks all the same stands above all that is to be clicked; one question may follow another.
    page.add_locator_handler(
        page.locator(".jp-Dialog"),
        lambda dialog: dialog.first.locator(".jp-mod-accept").click(),
        no_wait_after=True,
    )
    page.goto(f"{address}{request.param}/{file.name}?token={token}")
    # Before it knows its kernel it reads as idle too, and would ask which one to start.
    expect(page.locator(".jp-KernelName")).to_have_text("Python 3 (ipykernel)")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    # That Notebook refuses its own fonts is not the course's fault.
    own = "Failed to load resource"
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type == "error" and own not in m.text else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    finished = page.get_by_text(f"[{len(run_cells(file))}]:", exact=True)
    # On a slow machine Jupyter may lose some of what it is asked, and complain. A reader starts over.
    for entry in ("Run All Cells", "Restart Kernel and Run All Cells…", "Restart Kernel and Run All Cells…"):
        complaints.clear()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name=entry, exact=True).click()
        with suppress(TimeoutError):
            finished.wait_for(state="attached")
            break
    expect(finished).to_be_attached()
    yield page, file
    context.close()
    assert complaints == []


def run_cells(file):
    """The cells that an execution counts: those with code in them."""
    cells = nbformat.read(file, 4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def evaluate(page, code):
    """What a new cell at the notebook's end answers."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    cells.last.locator(".jp-InputPrompt").click()
    for key in ("b", "Enter"):
        page.keyboard.press(key)
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")
    cell = cells.nth(before)
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"))
    return cell.locator(".jp-OutputArea-output").inner_text()


def test_a_notebook_runs_from_top_to_bottom(opened):
    page, file = opened
    with page.expect_response(lambda r: r.request.method == "PUT" and f"/{file.name}" in r.url):
        page.keyboard.press("Control+s")
    cells = run_cells(file)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    wrong = [
        o for cell in cells for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"
    ]
    assert wrong == []


def test_a_figure_draws_and_its_sliders_move_python(opened):
    page, _ = opened
    figure = page.locator(".lstmlib-figure")
    expect(figure.locator("svg")).to_be_visible()
    handle = figure.get_by_role("slider").first
    before = float(handle.get_attribute("aria-valuenow"))
    # Outside of a figure these keys are the notebook's own.
    handle.press("ArrowLeft")
    handle.press("ArrowLeft")
    moved = f"{before - 0.2:.1f}"
    expect(handle).to_have_attribute("aria-valuenow", moved)
    assert evaluate(page, "f'{figure.a[0]:.1f}'") == f"'{moved}'"


def test_a_value_set_in_python_moves_the_sliders(opened):
    page, _ = opened
    pre, gate = (page.locator(".lstmlib-figure").get_by_role("slider").nth(k) for k in (2, 3))
    assert pre.get_attribute("aria-valuenow") != "-1.5"
    assert evaluate(page, "figure.children[3].value = -1.5; 'set'") == "'set'"
    expect(pre).to_have_attribute("aria-valuenow", "-1.5")
    # The gate's slider is tied to it in the browser: σ(−1.5) = 0.18.
    expect(gate).to_have_attribute("aria-valuetext", re.compile("^0.18"))


def test_answers_are_folded(opened):
    page, _ = opened
    folded = page.locator(".jp-Notebook details")
    assert folded.count() >= 6, "two for each of three exercises"
    assert page.locator(".jp-Notebook details[open]").count() == 0
    folded.first.scroll_into_view_if_needed()
    answer = folded.first.locator("summary ~ *").first
    expect(answer).to_be_hidden()
    folded.first.locator("summary").click()
    expect(answer).to_be_visible()


def test_no_cell_shows_a_directive_or_a_role(opened):
    page, _ = opened
    texts = page.locator(".jp-MarkdownOutput").evaluate_all(
        """(cells) => cells.map((cell) => {
          const prose = cell.cloneNode(true);
          prose.querySelectorAll("pre").forEach((code) => code.remove());
          return prose.textContent;
        })"""
    )
    assert [text for text in texts if re.search(r"\{[a-z]+(:[a-z]+)?\}|```|:::", text)] == []
