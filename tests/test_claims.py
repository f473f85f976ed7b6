"""The instruments that watch claims, and the table that they made."""

import ast
import csv
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import ROOT

sys.path.insert(0, str(ROOT / "experiments"))
import claims
from asserted import Recorder, fallen

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def recorded(source):
    """The claims of a piece of code."""
    found = []
    recorder = Recorder(found.append)
    tree = recorder.visit(ast.parse(source))
    exec(compile(ast.fix_missing_locations(tree), "<cell>", "exec"), dict(recorder.names))
    return found


def margins(source):
    (claim,) = recorded(source)
    return claim.holds, [round(one.margin, 12) for one in claim.comparisons.values()]


@pytest.mark.parametrize(
    ("source", "holds", "wanted"),
    [
        ("assert 0.7 < 0.9", True, [0.2]),
        ("assert 0.9 > 0.7 >= 0.7", True, [0.2, 0.0]),
        ("assert 1 < 3 > 5", False, [2, -2]),
        ("import numpy as np\nassert (np.array([3.0, 9.0]) > 2).all()", True, [1]),
        ("import numpy as np\nassert np.allclose([1.0, 2.0], [1.0, 2.01], rtol=0, atol=0.02)", True, [0.01]),
        ("assert all(x < 4 for x in (1, 2, 3))", True, [1]),
        ("assert (5 < 3) == False", True, [2]),
        ("assert 'a' in 'abc' and [1] == [1]", True, []),
        ("import torch\nassert torch.ones(2, requires_grad=True).sum() > 1", True, [1]),
        ("import torch\nassert (torch.ones(2) == torch.ones(2)).all()", True, []),
        ("import numpy as np\nassert np.array_equal([np.nan], [1.0]) or np.nan != 1", True, []),
    ],
)
def test_a_margin_is_the_distance_from_the_edge(source, holds, wanted):
    assert margins(source) == (holds, wanted)


def test_a_claim_that_falls_does_not_stop_the_code_and_says_what_came():
    first, second = recorded("assert 0.465 > 0.7\nassert [1, 2] == [3]")
    assert not first.holds
    assert first.came == ["expected 0.465 > 0.7, came 0.465 and 0.7"]
    assert second.came == ["expected [1, 2] = [3], came [1, 2] and [3]"]


def test_a_loop_is_told_each_time_and_functions_keep_what_they_return():
    source = "def f(x):\n    assert x < 3\n    return 1 < 2 < 3\nfor k in range(3):\n    assert f(k) is True"
    assert len(recorded(source)) == 6


def test_a_run_is_repeated_where_what_its_page_imports_has_changed_and_not_elsewhere():
    files = {path.stem for path in claims.imported([ast.parse("from lstmlib.reber import reber")])}
    assert {"reber", "tasks", "layer", "activations", "__init__"} <= files
    assert not {"corpora", "translation", "ctc"} & files
    assert claims.imported([ast.parse("import numpy")]) == []


def run(tmp_path, source):
    notebook, file = tmp_path / "page.ipynb", tmp_path / "out.json"
    cell = nbformat.v4.new_code_cell(source, id="a-cell")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL), notebook)
    return notebook, file


def test_a_claim_too_close_to_its_edge_is_told_apart_from_a_firm_one(tmp_path, capsys):
    draws = [0.75, 0.80, 0.71, 0.78, 0.71]  # the last is the third once more, and adds nothing to the spread
    runs = []
    for draw in draws:
        tries = recorded(f"x = {draw}\nassert x > 0.7\nassert x > 0.1\nassert 1 < 2")
        runs.append(
            [
                {
                    "cell": "a",
                    "claim": claim.words,
                    "holds": claim.holds,
                    "compared": {str(key): one._asdict() for key, one in claim.comparisons.items()},
                }
                for claim in tries
            ]
        )
    close, firm, same = claims.summarise(runs)
    assert (close["tried"], close["different"]) == (5, 4)
    # The standard deviation of the draws is 0.0392.
    assert claims.spreads(close) == pytest.approx(0.01 / 0.0392, rel=1e-2)
    assert claims.spreads(firm) == pytest.approx(0.61 / 0.0392, rel=1e-2)
    assert claims.spreads(same) == float("inf")
    assert claims.tell({"page": [close, firm, same]}, 4) == 1
    assert "!!" in capsys.readouterr().out
    assert claims.tell({"page": [firm, same]}, 4) == 0


def printed(code, settings):
    """What code prints on the processor of these settings, whichever the tests are played on."""
    played = {name for processor in claims.PROCESSORS.values() for name in processor}
    own = {name: value for name, value in os.environ.items() if name not in played}
    run = [sys.executable, "-c", code]
    return subprocess.run(
        run, env=own | settings, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def product_under(settings):
    random = "np.random.default_rng(0).random((99, 99))"
    return printed(f"import numpy as np; a = {random}; print((a @ a).tobytes().hex())", settings)


X86 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="no other kernels are known for this processor"
)


@X86
def test_the_processors_that_are_played_compute_in_different_ways():
    names = {"Prescott", "Haswell", "SkylakeX"} & set(claims.playable())
    assert len({product_under(claims.settings(name)) for name in names}) > 1


def test_a_processor_whose_instructions_are_missing_is_not_played(monkeypatch, capsys):
    from numpy._core import _multiarray_umath

    old = _multiarray_umath.__cpu_features__ | {"AVX512_SKX": False}
    monkeypatch.setattr(_multiarray_umath, "__cpu_features__", old)
    assert "SkylakeX" not in claims.playable()
    assert {"as it is", "as it is, two threads"} <= set(claims.playable())
    monkeypatch.setattr(sys, "argv", ["claims.py", "--as", "SkylakeX", "true"])
    with pytest.raises(SystemExit):
        claims.main()
    assert "cannot play SkylakeX: it lacks AVX512_SKX" in capsys.readouterr().err


@X86
def test_the_tests_compute_in_another_way_than_the_book():
    asked = "import sys; sys.path.insert(0, 'experiments'); import claims; print(claims.another())"
    assert product_under(ast.literal_eval(printed(asked, {}))) != product_under({})


def test_the_table_of_claims_is_of_these_notebooks():
    with claims.CLAIMS_TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {(row["Page"], row["Claim"]) for row in rows}
    asserted = set()
    for path in sorted(ROOT.glob("chapters/**/*.ipynb")):
        page = path.relative_to(ROOT).as_posix()
        for _, source in claims.code(path):
            asserted |= {
                (f"[](../{page})", f"`{ast.unparse(node.test)}`")
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.Assert)
            }
    assert listed == asserted, "the notebooks assert something else by now: run `make claims`"
    assert all(row["Fell"] == "0" for row in rows)
    near = [row for row in rows if row["Spreads"] != "the same" and float(row["Spreads"]) < claims.ENOUGH]
    assert near == []


@pytest.fixture(scope="module")
def broken_book(tmp_path_factory):
    """A book of one page whose claim falls."""
    folder = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "references.bib", "lstmlib", "requirements.txt", "theme"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    cells = [
        nbformat.v4.new_markdown_cell("# A page\n\nOne page of a book."),
        nbformat.v4.new_code_cell("x = 0.465\nassert x > 0.7\nprint('and goes on')"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), folder / "page.ipynb")
    tool = Path(sys.executable).with_name("jupyter-book")
    build = [tool, "build", folder, "-q", "-W", "-n", "--keep-going"]
    return folder / "_build/html", subprocess.run(build, capture_output=True, text=True, check=False)


def test_a_page_whose_claim_falls_is_built_with_a_note_and_no_traceback(broken_book):
    site, built = broken_book
    page = (site / "page.html").read_text()
    assert built.returncode == 0, built.stderr
    assert fallen(page) == [("x > 0.7", "expected x > 0.7, came 0.465 and 0.7")]
    assert "and goes on" in page
    assert "Traceback" not in page
    assert "AssertionError" not in page


def test_the_last_lines_name_the_page_the_claim_and_where_to_report_it(broken_book):
    site, _ = broken_book
    command = [sys.executable, ROOT / "theme/fallen_claims.py", site]
    environment = os.environ | {"GITHUB_REPOSITORY": "fork/lstms", "GITHUB_REF_NAME": "main"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for wanted in ("  page\n", "x > 0.7", "came 0.465", "https://github.com/fork/lstms/issues", str(site)):
        assert wanted in done.stdout


def test_the_last_lines_say_all_that_the_form_for_a_fallen_claim_asks(broken_book):
    site, _ = broken_book
    command = [sys.executable, ROOT / "theme/fallen_claims.py", site]
    environment = os.environ | {"GITHUB_REPOSITORY": "fork/lstms"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    [name] = re.findall(r"https://github.com/fork/lstms/issues/new\?template=(\S+)", said)
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    asked = [field["attributes"]["label"] for field in form["body"] if field["type"] != "markdown"]
    assert re.findall(r"^  (\w[\w ]*):  +\S", said, re.MULTILINE) == asked


def test_the_terminal_shows_progress_and_no_line_about_sockets(broken_book):
    _, built = broken_book
    assert "Running the notebooks: 1 of 1" in built.stderr
    assert "TCP" not in built.stdout + built.stderr


def test_no_page_of_the_book_has_a_claim_that_fell(site):
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert {
        path.name: fallen(path.read_text(encoding="utf-8")) for path in pages if fallen(path.read_text())
    } == {}
