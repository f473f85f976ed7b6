"""Every assignment, as `make coursework` proves it: solved, untouched, on the site, and on other machines."""

import html
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from grader.__main__ import grade
from grader.assignment import SOURCE, load
from grader.marking import mark
from grader.release import release
from grader.submissions import Submission

ASSIGNMENTS = sorted(SOURCE.glob("*/*.ipynb"))
SITE = SOURCE.parents[1] / "_build/html"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def by_stem(path):
    return path.stem


@pytest.mark.parametrize("path", ASSIGNMENTS, ids=by_stem)
def test_its_solution_gets_all_points(path):
    assignment = load(path.stem)
    began = time.monotonic()
    result = mark(assignment, path, "solution")
    tested = {cell.name: cell.points for cell in assignment.cells if cell.kind == "test"}
    assert {name: result.points[name] for name in tested} == tested, result.reasons
    assert result.status == "graded"
    assert not result.reasons
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("path", ASSIGNMENTS, ids=by_stem)
def test_an_untouched_student_version_gets_nothing_and_is_told_why(path, tmp_path):
    assignment = load(path.stem)
    (tmp_path / "in").mkdir()
    nbformat.write(release(path), tmp_path / "in/it.ipynb")
    result = mark(assignment, tmp_path / "in/it.ipynb", "anna")
    assert result.total == 0
    assert result.status == "graded"
    for cell in assignment.cells:
        if cell.kind == "test":
            assert result.reasons[cell.name]


def said(path):
    """What an assignment's hidden tests and rubrics say in words."""
    for cell in load(path.stem).cells:
        for part in re.findall(r"### BEGIN HIDDEN TESTS(.*?)### END", cell.source, re.S):
            yield from (text for text in re.findall(r'"([^"{}\n]{25,})"', part) if " " in text)
        if cell.kind == "written":
            part = re.search(r"### BEGIN SOLUTION(.*)### END", cell.source, re.S)
            yield from (line.strip() for line in part[1].splitlines() if len(line.strip()) > 40)


def test_no_answer_stands_on_the_site():
    pages = [path for kind in ("html", "js", "ipynb", "txt") for path in SITE.rglob(f"*.{kind}")]
    assert len(pages) > 30
    secrets = [line for path in ASSIGNMENTS for line in said(path)]
    assert len(secrets) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8", errors="ignore")
        assert "BEGIN SOLUTION" not in text
        assert "BEGIN HIDDEN TESTS" not in text
        plain = html.unescape(re.sub(r"<[^>]+>", "", text)) if page.suffix == ".html" else text
        assert [line for line in secrets if line in plain] == [], page


@pytest.fixture
def thirty(tmp_path):
    """A class of thirty: every third one right, untouched, or wrong."""
    path = SOURCE / "rnn_by_hand/rnn_by_hand.ipynb"
    right = path.read_text(encoding="utf-8")
    versions = right, nbformat.writes(release(path)), right.replace("np.tanh(x @", "np.sin(x @")
    for number in range(30):
        folder = tmp_path / "class" / f"student-{number:02}"
        folder.mkdir(parents=True)
        (folder / "it.ipynb").write_text(versions[number % 3], encoding="utf-8")
    folders = sorted((tmp_path / "class").iterdir())
    return [Submission(folder.name, folder / "it.ipynb") for folder in folders]


def test_a_class_of_thirty_takes_less_than_ten_minutes(thirty, tmp_path):
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        marks = grade("rnn_by_hand", thirty, tmp_path / "grades", pool, [tmp_path / "class"], 60)
    assert [one.total for one in marks] == [14, 0, 5] * 10
    assert time.monotonic() - began < 600


@pytest.mark.filterwarnings("ignore")
def test_dask_takes_the_place_of_the_pool_and_loses_nobody(thirty, tmp_path):
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client, ThreadPoolExecutor(1) as aside:
        client.run(sys.path.insert, 0, str(Path(__file__).parent))
        first = next(iter(cluster.workers.values()))
        asked = "rnn_by_hand", thirty[:6], tmp_path / "grades", client.get_executor(), [], 60
        graded = aside.submit(grade, *asked)
        time.sleep(3)
        first.process.process.kill()
        marks = graded.result()
    assert [one.total for one in marks] == [14, 0, 5] * 2
    assert [one.status for one in marks] == ["graded"] * 6
