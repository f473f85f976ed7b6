"""A hostile class: what each submission gets, and that none costs another one a point."""

import ast
import csv
import json
import re
import socket
import subprocess
import sys
import tempfile
import unicodedata
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "coursework"))
from grader import __main__ as command
from grader import feedback
from grader.assignment import SOURCE, Cell, load
from grader.marking import mark
from grader.notes import note
from grader.sandbox import Raised, Sandbox, isolates
from grader.submissions import find

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the grader runs on Linux and macOS")

DOUBLE = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
SQUARE = "def square(x):\n    ### BEGIN SOLUTION\n    return x**2\n    ### END SOLUTION"
TEST = """assert {name}(1) == {one}, "{name}: of one"
### BEGIN HIDDEN TESTS
x = fresh.standard_normal(5)
assert np.allclose({name}(x), reference.{name}(x)), "{name}: of new numbers"
### END HIDDEN TESTS"""
CELLS = {
    "setup": ("given", "import numpy as np"),
    "double": ("answer", DOUBLE),
    "test-double": ("test", TEST.format(name="double", one=2)),
    "square": ("answer", SQUARE),
    "test-square": ("test", TEST.format(name="square", one=1)),
    "say": ("written", "Why?"),
}
MARKS = {
    "given": {"grade": False, "solution": False, "locked": True},
    "answer": {"grade": False, "solution": True, "locked": False},
    "test": {"grade": True, "solution": False, "locked": True, "points": 2},
    "written": {"grade": True, "solution": True, "locked": False, "points": 3},
}


def notebook(cells=CELLS, **changed):
    """A notebook of the small assignment, with some cells changed, or left out (None), or added."""
    made = []
    for name, (kind, source) in (cells | {k.replace("_", "-"): v for k, v in changed.items() if v}).items():
        if changed.get(name.replace("-", "_"), "") is None:
            continue
        make = nbformat.v4.new_markdown_cell if kind == "written" else nbformat.v4.new_code_cell
        cell = make(source)
        if kind != "free":
            cell.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, "task": False, **MARKS[kind]}
        made.append(cell)
    return nbformat.v4.new_notebook(cells=made)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The assignment, where the grader finds it."""
    source = tmp_path_factory.mktemp("source")
    (source / "small").mkdir()
    nbformat.write(notebook(), source / "small/small.ipynb")
    return load("small", source)


@pytest.fixture
def graded(small, tmp_path):
    """Mark a notebook, or what else a file may hold."""

    def grade(what, seconds=12):
        path = tmp_path / "submitted" / "it.ipynb"
        path.parent.mkdir()
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            nbformat.write(what, path)
        before = path.read_bytes()
        result = mark(small, path, "anna", seconds=seconds, megabytes=500)
        assert path.read_bytes() == before
        return result

    return grade


def answer(source):
    return ("answer", source)


RIGHT = "def double(x):\n    return x + x"
WRONG = "def double(x):\n    return 3 * x"
CHEAT = "import numpy as np\nnp.allclose = lambda *a, **k: True\n" + WRONG
LEAVE = "import os\ndef double(x):\n    os._exit(0)"
BOMB = "import numpy as np\nkept = []\ndef double(x):\n    while True:\n        kept.append(np.ones(2**22))"
FORKS = "import os, time\ndef double(x):\n    while True:\n        os.fork() or time.sleep(60)"
WARNS = "import sys\nprint('!', file=sys.stderr)\n"
AS_USUAL = "%matplotlib inline\nimport matplotlib.pyplot as plt\ninput('?')\n"
FORGED = "import os\nos.write(4, b'5\\n')\n"
FLOOD = "import os\nwhile True: os.write(4, b'x' * 2**20)"
SPOILS = "def double(x):\n    y = 2 * x\n    x *= 0\n    return y"
ASKS = "def double(x):\n    return reference.double(x)"
GROWS = "def double(x):\n    return np.ones((9000, 1))"
ITERATOR = "def double(x):\n    return map(float, 2 * x) if np.ndim(x) else 2 * x"
CLASS = {
    "right": ({"double": answer(RIGHT)}, 2, 2, "graded"),
    "wrong": ({"double": answer(WRONG)}, 0, 2, "graded"),
    "untouched": ({"double": answer("def double(x):\n    raise NotImplementedError()")}, 0, 2, "graded"),
    "loops in a function": ({"double": answer("def double(x):\n    while True: pass")}, 0, 2, "timed out"),
    "loops at top level": ({"double": answer(RIGHT + "\nwhile True: pass")}, 0, 2, "timed out"),
    "raises": ({"double": answer(RIGHT + "\n1 / 0")}, 2, 2, "graded"),
    "syntax error": ({"double": answer("def double(x) return")}, 0, 2, "graded"),
    "edits a test": ({"double": answer(WRONG), "test_double": ("test", "pass")}, 0, 2, "graded"),
    "deletes a test": ({"double": answer(WRONG), "test_double": None}, 0, 2, "graded"),
    "deletes a test of what is right": ({"test_double": None}, 2, 2, "graded"),
    "deletes the setup": ({"setup": None}, 2, 2, "graded"),
    "deletes an answer": ({"double": None}, 0, 2, "missing cells"),
    "leaves the kernel": (
        {"double": answer("import os\ndef double(x):\n    os._exit(0)")},
        0,
        2,
        "kernel died",
    ),
    "takes all memory": (
        {
            "double": answer(
                "import numpy as np\ndef double(x):\n    return [np.ones(2**26) for _ in range(99)]"
            )
        },
        0,
        2,
        "out of memory",
    ),
    "starts many processes": (
        {
            "double": answer(
                "import os, time\ndef double(x):\n    while True:\n        os.fork() or time.sleep(60)"
            )
        },
        0,
        2,
        "too many processes",
    ),
    "writes to stderr": (
        {"double": answer("import sys\nprint('!', file=sys.stderr)\n" + RIGHT)},
        2,
        2,
        "graded",
    ),
    "prints a megabyte": ({"double": answer("print('x' * 2**20)\n" + RIGHT)}, 2, 2, "graded"),
    "replaces allclose": ({"double": answer(CHEAT)}, 0, 2, "graded"),
    "replaces modules": (
        {"double": answer("import sys\nsys.modules['numpy'] = sys.modules['json'] = None\n" + WRONG)},
        0,
        0,
        "graded",
    ),
    "returns what is equal to everything": (
        {"double": answer("class Same:\n    __eq__ = lambda *a: True\ndef double(x):\n    return Same()")},
        0,
        2,
        "graded",
    ),
    "asks for the reference": (
        {"double": answer("def double(x):\n    return reference.double(x)")},
        0,
        2,
        "graded",
    ),
    "walks the stack and the memory": (
        {
            "double": answer(
                "import gc, sys\n"
                "def double(x):\n"
                "    frame = sys._getframe()\n"
                "    while frame is not None:\n"
                "        if 'reference' in {**frame.f_globals, **frame.f_locals}:\n"
                "            return frame.f_globals['reference'].double(x)\n"
                "        frame = frame.f_back\n"
                "    for one in gc.get_objects():\n"
                "        if getattr(one, '__name__', '') == 'double' and one is not double:\n"
                "            return one(x)\n"
            )
        },
        0,
        2,
        "graded",
    ),
    "works as in a notebook": ({"double": answer(AS_USUAL + RIGHT)}, 2, 2, "graded"),
    "forges an answer": (
        {"double": answer(FORGED + RIGHT)},
        0,
        2,
        "kernel died",
    ),
    "fills the pipe": (
        {"double": answer(FLOOD)},
        0,
        2,
        "answered too much",
    ),
    "spoils its argument": (
        {"double": answer(SPOILS)},
        0,
        2,
        "graded",
    ),
    "empties the arguments that the reference reads next": (
        {"double": answer("def double(x):\n    if np.ndim(x): x[:] = 0\n    return 2 * x")},
        0,
        2,
        "graded",
    ),
    "answers what grows": ({"double": answer(GROWS)}, 0, 2, "graded"),
    "returns an iterator": ({"double": answer(ITERATOR)}, 2, 2, "graded"),
    "a copied cell": ({"again": ("free", WRONG)}, 2, 2, "graded"),
}


@pytest.mark.parametrize("name", CLASS)
def test_a_submission_gets_what_it_deserves(graded, name):
    changed, double, square, status = CLASS[name]
    # A loop need not be waited for; what fills the memory needs its time on a busy machine.
    result = graded(notebook(**changed), seconds=12 if "loops" in name else 60)
    assert (result.points["test-double"], result.points["test-square"]) == (double, square), result.reasons
    assert result.points["say"] is None
    assert result.status == status
    assert "reference" not in " ".join(result.reasons.values()) or name == "asks for the reference"


def test_a_submission_has_a_limit_for_all_of_it(graded):
    sleeps = {f"sleep-{number}": ("free", "import time\ntime.sleep(1.8)") for number in range(12)}
    result = graded(notebook(sleeps | CELLS), seconds=2)
    assert result.total == 0
    assert result.status == "timed out"
    assert result.reasons["test-square"] == "Not tested: your code took too long in all."


def test_a_test_that_was_deleted_stands_behind_the_code_that_it_tests(graded):
    bare = notebook(setup=None, test_double=None, test_square=None)
    for cell in bare.cells:
        if cell.source == SQUARE:
            cell.metadata.pop("nbgrader")
    result = graded(bare)
    assert (result.points["test-double"], result.points["test-square"]) == (2, 2), result.reasons


def test_a_note_names_foreign_imports_and_the_public_solution(small):
    long = "def square(x):\n    return {}  # for any number at all"
    source = SQUARE.replace("return x**2", "return x**2  # for any number at all")
    cells = [replace(cell, source=source) if cell.name == "square" else cell for cell in small.cells]
    assignment = replace(small, cells=tuple(cells))
    copied = [Cell("answer", "square", long.format("x**2")), Cell("free", "", "import torch.nn as nn")]
    assert note(assignment, copied) == "imports torch.nn; 100% of the lines of the public solution"
    assert (
        note(assignment, [Cell("answer", "square", long.format("x * x")), Cell("free", "", "nope (")]) == ""
    )


@pytest.mark.skipif(not isolates(), reason="this machine cannot shut a process off")
def test_what_an_assignment_goes_without_is_not_there(small, tmp_path):
    path = tmp_path / "it.ipynb"
    uses = "def double(x):\n    import nbformat\n    return nbformat.read and 2 * x"
    nbformat.write(notebook(double=answer(uses)), path)
    assert mark(small, path, "anna").points["test-double"] == 2
    assert mark(replace(small, without=("nbformat",)), path, "anna").points["test-double"] == 0


def test_a_process_that_is_lost_again_and_again_is_given_up(graded):
    leaves = {f"leave-{number}": ("free", "import os\nos._exit(0)") for number in range(6)}
    result = graded(notebook(leaves | CELLS))
    assert (result.total, result.status) == (0, "kernel died")
    assert result.reasons["test-double"] == "Not tested: your code was stopped 6 times before."


@pytest.mark.parametrize(
    "content",
    [b"", b"{ nope", b"%PDF-1.4", b'{"cells": 3}', b"\xff\xfe\x00", b" " * (50 * 2**20)],
    ids=["empty", "malformed", "not a notebook", "no cells", "not text", "large"],
)
def test_a_file_that_is_no_notebook_is_unreadable(graded, content):
    result = graded(content)
    assert result.status == "unreadable"
    assert result.total == 0


@pytest.mark.skipif(not isolates(), reason="this machine cannot shut a process off")
@pytest.mark.parametrize(
    "source",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 2)",
        f"assert list(__import__('pathlib').Path({str(SOURCE.parent)!r}).iterdir())",
        f"assert list(__import__('pathlib').Path({str(ROOT / '.git')!r}).iterdir())",
        f"open({str(ROOT / 'README.md')!r}, 'a')",
        "open('/tmp/left-behind', 'w')",
        "open(__import__('os').__file__, 'a')",
        f"assert __import__('os').system('umount {SOURCE.parent}') == 0",
    ],
    ids=["socket", "solutions", "history", "write", "write elsewhere", "write into Python", "uncover"],
)
def test_what_the_sandbox_does_not_let_through(source):
    with Sandbox(seconds=20) as sandbox, pytest.raises(Exception, match="Error"):
        sandbox.run(source)


@pytest.mark.skipif(not isolates(), reason="this machine cannot shut a process off")
def test_a_socket_with_a_name_is_closed_too():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/bus")
        listener.listen()
        ask = f"import socket\nsocket.socket(socket.AF_UNIX).connect('{folder}/bus')"
        with Sandbox(seconds=20) as sandbox, pytest.raises(Raised):
            sandbox.run(ask)


@pytest.mark.skipif(not isolates(), reason="this machine cannot shut a process off")
def test_the_other_submissions_are_hidden(graded, tmp_path):
    peek = (
        f"import os\ndef double(x):\n    return 2 * x if os.listdir({str(tmp_path / 'submitted')!r}) else 0"
    )
    assert graded(notebook(double=answer(peek))).points["test-double"] == 0


def test_a_class_is_graded_twice_with_the_same_result(small, tmp_path, monkeypatch):
    source = tmp_path / "source"
    (source / "small").mkdir(parents=True)
    nbformat.write(notebook(), source / "small/small.ipynb")
    monkeypatch.setattr(command, "SOURCE", source)
    monkeypatch.setattr(command, "load", lambda name: load(name, source))
    folder = tmp_path / "class"
    (folder / "Ünal Ö").mkdir(parents=True)
    nbformat.write(notebook(), folder / "Ünal Ö/it.ipynb")
    (folder / "carl.ipynb").write_text("{ nope")
    (folder / "dora").mkdir()
    (folder / "dora/essay.docx").write_text("no notebook")
    nbformat.write(notebook(double=answer(WRONG)), folder / "beaolsen_LATE_77_1_small.ipynb")
    nbformat.write(notebook(), folder / "beaolsen_LATE_77_2_small-1.ipynb")
    odd = notebook()
    odd.cells.append(nbformat.v4.new_markdown_cell("![plot](attachment:plot.png)"))
    odd.cells.append(nbformat.v4.new_code_cell("1", metadata={"nbgrader": None}))
    nbformat.write(odd, folder / "=1+1.ipynb")
    (folder / "a_b.ipynb").write_text("")
    (folder / "a;b.ipynb").write_text("")
    out = tmp_path / "grades"
    monkeypatch.setattr(sys, "argv", ["grader", "small", str(folder), "--out", str(out)])
    command.main()
    first = (out / "small/grades.csv").read_text(encoding="utf-8")
    rows = {row["id"]: row for row in csv.DictReader(first.splitlines())}
    assert {name: (row["total"], row["status"]) for name, row in rows.items()} == {
        "beaolsen": ("4", "late"),
        "carl": ("0", "unreadable"),
        "dora": ("0", "no notebook"),
        "Ünal Ö": ("4", "graded"),
        "'=1+1": ("4", "graded"),
        "a_b": ("0", "unreadable"),
        "a;b": ("0", "unreadable"),
    }
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (out / "small/feedback").iterdir()}
    assert len(pages) == 7
    assert {"beaolsen", "carl", "dora", "Ünal Ö", "a_b"} < set(pages)
    monkeypatch.setattr(command, "grade_one", None)  # what is graded is not graded again
    command.main()
    assert (out / "small/grades.csv").read_text(encoding="utf-8") == first


def test_feedback_quotes_no_hidden_test(small, tmp_path):
    path = tmp_path / "in" / "it.ipynb"
    path.parent.mkdir()
    handed_out = {
        f"test_{name}": ("test", TEST.format(name=name, one=one).split("### BEGIN")[0])
        for name, one in (("double", 2), ("square", 1))
    }
    odd = notebook(double=answer(WRONG), **handed_out)
    odd.cells.append(nbformat.v4.new_markdown_cell("[x](javascript:alert(3)) [y](https://example.org)"))
    odd.cells.append(nbformat.v4.new_markdown_cell("## Mine\n\n<script>alert(1)</script> <b onclick='x()'>"))
    output = nbformat.v4.new_output("display_data", {"text/html": "<script>alert(2)</script>"})
    odd.cells.append(nbformat.v4.new_code_cell("1", outputs=[output]))
    nbformat.write(odd, path)
    result = mark(small, path, "anna")
    feedback.write(tmp_path / "page.html", small, result, path)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "double: of one" in page
    assert re.search(r"<h2[^>]*>Mine", page)
    assert re.search(r"<h1[^>]*>small: anna", page)
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert 'href="https://example.org"' in page
    assert "<b onclick" not in page
    assert "reference.double" not in page
    assert "standard_normal" not in page


def test_feedback_of_a_text_that_would_take_hours(small, tmp_path):
    path = tmp_path / "in" / "it.ipynb"
    path.parent.mkdir()
    odd = notebook()
    odd.cells += [
        nbformat.v4.new_markdown_cell("[" * 200_000),
        nbformat.v4.new_code_cell("x = 1\n" * 200_000),
    ]
    nbformat.write(odd, path)
    feedback.write(tmp_path / "page.html", small, mark(small, path, "anna"), path)
    assert (tmp_path / "page.html").stat().st_size < 3_000_000


def test_names_of_learning_platforms(tmp_path):
    import zipfile

    archive = tmp_path / "all.zip"
    names = {
        "doejane_123_456_small.ipynb": "doejane",
        "leeann_LATE_124_457_small.ipynb": "leeann",
        "roejohn_201_458_small.ipynb": "roejohn_201",
        "roejohn_202_459_small.ipynb": "roejohn_202",
        "Max Müller_991_assignsubmission_file_/small.ipynb": "Max Müller",
        "kim\\small.ipynb": "kim",
        "2026_11_22_ben.ipynb": "2026_11_22_ben",
        unicodedata.normalize("NFD", "Jürgen.IPYNB"): "Jürgen",
        f"zoe.{'x' * 248}": "zoe",
        "../../evil.ipynb": "evil",
        "__MACOSX/._x.ipynb": None,
    }
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, "{}")
    found = find(archive, tmp_path / "unpacked")
    assert {one.student for one in found} == {name for name in names.values() if name}
    assert [one.student for one in found if one.late] == ["leeann"]
    assert {one.name for one in found} >= {"roejohn", "Max Müller"}
    assert "roejohn_201" not in {one.name for one in found}
    assert [one.student for one in found if one.path is None] == ["zoe"]
    assert all(one.path.is_relative_to(tmp_path / "unpacked") for one in found if one.path)
    with pytest.raises(ValueError, match=r"a folder or a \.zip"):
        find(tmp_path / "none", tmp_path)
    (tmp_path / "broken.zip").write_text("no zip")
    with pytest.raises(ValueError, match="is no zip"):
        find(tmp_path / "broken.zip", tmp_path)


def test_a_folder_around_the_whole_class_is_no_student(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for name in ("anna", "bert"):
            file.writestr(f"class/{name}.ipynb", "{}")
    assert [one.student for one in find(tmp_path / "all.zip", tmp_path / "unpacked")] == ["anna", "bert"]
    damaged = (tmp_path / "all.zip").read_bytes().replace(b"{}", b"[]", 1)
    (tmp_path / "damaged.zip").write_bytes(damaged)
    with pytest.raises(ValueError, match="cannot be unpacked"):
        find(tmp_path / "damaged.zip", tmp_path / "again")


def test_a_file_changed_after_the_day_is_late(tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class/anna.ipynb").write_text("{}")
    for due, late in ((datetime(2020, 1, 1), True), (datetime(2999, 1, 1), False)):
        assert [one.late for one in find(tmp_path / "class", tmp_path, due)] == [late]


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_an_assignment_is_whole(path):
    assignment = load(path.stem)
    cells = {cell.name: cell for cell in assignment.cells}
    assert len(cells) == len(assignment.cells)
    assert sum(assignment.points.values()) == 20
    head = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
    for word in ("It trains", "You need", "Time", "Points"):
        assert f"**{word}**" in "".join(head)
    for cell in assignment.cells:
        if cell.kind in ("answer", "written"):
            assert cell.source.count("### BEGIN SOLUTION") == cell.source.count("### END SOLUTION") > 0
        if cell.kind == "test":
            assert "### BEGIN HIDDEN TESTS" in cell.source
            nodes = list(ast.walk(ast.parse(cell.source)))
            asserts = [node for node in nodes if isinstance(node, ast.Assert)]
            assert asserts
            assert all(node.msg is not None for node in asserts)


def test_the_command_tells_what_was_wrong(tmp_path):
    asked = [sys.executable, "-m", "grader", "nothing", str(tmp_path)]
    ran = subprocess.run(asked, cwd=ROOT / "coursework", capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "assignment must be one of" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(Path(ROOT / "coursework").glob("grades"))
