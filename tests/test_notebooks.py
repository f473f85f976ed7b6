"""What every notebook owes its reader, as far as it can be read off the file; nbval runs them."""

import ast
import copy
import re
import sys
import tomllib
from collections import Counter, defaultdict

import nbformat
import pytest
import yaml
from conftest import ROOT
from readers import BESIDE

NOTEBOOKS = sorted(ROOT.glob("chapters/**/*.ipynb"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())


def name(path):
    return path.relative_to(ROOT).with_suffix("").as_posix()


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def text(path):
    cells = nbformat.read(path, 4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_the_table_of_contents_lists_every_page_and_no_other():
    listed = [page["file"] for part in TOC["parts"] for page in part["chapters"]]
    reference = [str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.glob("reference/*.md")]
    assert sorted(listed) == sorted([*map(name, NOTEBOOKS), *reference])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_reads_well_as_a_diff(path):
    notebook = nbformat.read(path, 4)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code_cells(path):
        checked = "nbval-check-output" in cell.metadata.get("tags", [])
        assert checked or not cell.outputs, f"an output is not stripped: run `make lint`\n{cell.source}"
        assert cell.execution_count is None or checked


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_code_cell_is_short_and_installs_nothing(path):
    for cell in code_cells(path):
        lines = cell.source.splitlines()
        counted = [line for line in lines if line and not line.startswith(("import ", "from "))]
        assert len(counted) <= 15, f"longer than 15 lines:\n{cell.source}"
        assert not cell.source.lstrip().startswith(("!", "%"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_imports_stand_in_the_first_cell(path):
    first, *rest = code_cells(path)
    assert "import" in first.source
    for cell in rest:
        nodes = ast.walk(ast.parse(cell.source))
        late = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not late, f"an import outside the first cell:\n{cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_measures_what_it_claims(path):
    nodes = (node for cell in code_cells(path) for node in ast.walk(ast.parse(cell.source)))
    assert sum(isinstance(node, ast.Assert) for node in nodes) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_the_time_at_the_head_is_what_reading_takes(path):
    """At 200 words and 25 lines of code a minute, without the exercises."""
    cells = nbformat.read(path, 4).cells
    heads = [number for number, cell in enumerate(cells) if "\n## Exercises" in f"\n{cell.source}"]
    words = sum(len(cell.source.split()) for cell in cells[: heads[0] + 1] if cell.cell_type == "markdown")
    lines = sum(len(cell.source.splitlines()) for cell in cells[: heads[0]] if cell.cell_type == "code")
    (said,) = re.findall(r"\*\*Time\.\*\* (\d+) minutes", cells[0].source)
    assert abs(int(said) - words / 200 - lines / 25) <= 6


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_page_has_three_exercises_each_with_a_solution_and_folded_answers(path):
    page = text(path)
    exercises = page.count("{exercise}") + page.count("{exercise-start}")
    solutions = page.count("{solution}") + page.count("{solution-start}")
    assert exercises >= 3
    assert solutions == exercises
    assert page.count("dropdown") >= 2 * exercises, "hints and solutions are folded"


def test_no_figure_and_no_exercise_has_the_label_of_another():
    labels = []
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, 4).cells:
            labels += re.findall(r"^:label: (\S+)", cell.source, re.MULTILINE)
            labels += filter(None, [cell.metadata.get("mystnb", {}).get("figure", {}).get("name")])
    assert len(labels) > 150
    assert {label for label, count in Counter(labels).items() if count > 1} == set()


def test_no_function_is_defined_in_two_notebooks():
    homes = defaultdict(set)
    for path in NOTEBOOKS:
        for cell in code_cells(path):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    homes[node.name].add(name(path))
    assert {function: pages for function, pages in homes.items() if len(pages) > 1} == {}


def renamed_by_position(definition):
    """A definition without its docstring, each name and each constant replaced by when it first appears."""
    tree, seen = copy.deepcopy(definition), {}
    tree.body = body(tree)
    for node in ast.walk(tree):
        for field in ("id", "name", "arg", "value"):
            value = getattr(node, field, None)
            mine = isinstance(node, ast.Constant) if field == "value" else isinstance(value, str)
            if mine and not isinstance(node, ast.keyword):  # a keyword is its callee's name
                setattr(node, field, seen.setdefault((type(value), value), len(seen)))
    return ast.dump(tree)


def body(definition):
    return definition.body[ast.get_docstring(definition) is not None :]


def copies(notebooks):
    """Definitions of at least four lines that stand in several notebooks, under whatever names."""
    homes = defaultdict(set)
    for page, sources in notebooks.items():
        for source in sources:
            for node in ast.walk(ast.parse(source)):
                if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                    continue
                if len(ast.unparse(body(node)).splitlines()) >= 4:
                    homes[renamed_by_position(node)].add((page, node.name))
    groups = [group for group in homes.values() if len({page for page, _ in group}) > 1]
    return {tuple(sorted(f"{page}: {function}" for page, function in group)) for group in groups}


def test_no_work_is_written_out_in_two_notebooks_under_other_names():
    notebooks = {name(path): [cell.source for cell in code_cells(path)] for path in NOTEBOOKS}
    assert copies(notebooks) == set()


def test_a_copy_is_found_whatever_it_is_called():
    original = "def f(x, n):\n    'Say.'\n    y = x + 1\n    y = y * n\n    y = y.sum(axis=0)\n    return y"
    renamed = "def g(a, b):\n    c = a + 2\n    c = c * b\n    c = c.sum(axis=0)\n    return c"
    assert copies({"one": [original], "two": [renamed]}) == {("one: f", "two: g")}
    assert copies({"one": [original, renamed]}) == set()  # a page may vary what it has shown
    for change in (("c * b", "c * a"), ("sum", "max"), ("axis", "where"), ("a + 2", "a - 2")):
        assert copies({"one": [original], "two": [renamed.replace(*change)]}) == set(), change


def test_what_the_notebooks_import_is_what_the_package_and_binder_install():
    trees = [ast.parse(cell.source) for path in NOTEBOOKS for cell in code_cells(path)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "find_spec"]
    imported |= {call.args[0].value for call in calls}  # read, but not imported
    outside = {module.split(".")[0] for module in imported} - sys.stdlib_module_names - {"lstmlib"}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["dependencies"] + project["optional-dependencies"]["notebooks"]
    installed = {entry.split(">")[0] for entry in entries}
    distribution = {"sklearn": "scikit-learn"}
    # What one page alone needs comes by its reader's notebook and by Binder's postBuild instead.
    needed = outside - set(BESIDE)
    assert {distribution.get(module, module.replace("_", "-")) for module in needed} <= installed
    assert set(BESIDE) <= outside
    pins, post_build = (ROOT / "requirements.txt").read_text(), (ROOT / ".binder/postBuild").read_text()
    for package in BESIDE.values():
        *_, pin = package.split()
        assert pin in pins.splitlines()
        assert f" {package}\n" in post_build
        assert pin.split("=")[0] not in (ROOT / "pyproject.toml").read_text()

    binder = yaml.safe_load((ROOT / ".binder/environment.yml").read_text())["dependencies"]
    on_conda = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
    assert {on_conda.get(name, name) for name in installed} <= {entry.split("=")[0] for entry in binder}
