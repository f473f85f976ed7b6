"""The back matter against the pages that it speaks of."""

import ast
import re
from pkgutil import resolve_name

import nbformat
import pytest
from conftest import ROOT

GLOSSARY = (ROOT / "reference/glossary.md").read_text()
CLAIMS = (ROOT / "reference/claims.md").read_text()
# A term at the margin, what it means indented below it, and at the end the page that explains it.
ENTRIES = re.findall(r"^(\S.*)\n  .*\(\.\./(chapters/\S+\.ipynb)\)$", GLOSSARY, re.MULTILINE)
# Where our code has it: the code, the sentence that a test's name says, and the test's file.
HOMES = re.findall(
    r"^  Code: \{py:obj\}`~(\S+)`\. Test: \[(.*)\]\(\.\./(tests/\w+\.py)\)\.$", GLOSSARY, re.MULTILINE
)
# A claim; its verdict, in which further cells may be named; a page and a cell.
VERDICTS = re.findall(
    r"^(\S.*)\.\n: (.*)\n  \[.*\]\(\.\./(chapters/\S+\.ipynb)\), cell `(\S+)`$", CLAIMS, re.MULTILINE
)


def cells(page, kind):
    return [cell for cell in nbformat.read(ROOT / page, 4).cells if cell.cell_type == kind]


def test_every_entry_was_found():
    assert len(ENTRIES) == GLOSSARY.count("](../chapters/") > 50
    assert len(VERDICTS) == CLAIMS.count("\n: ") > 30
    assert len(HOMES) == GLOSSARY.count("Code: ") == GLOSSARY.count("](../tests/") > 40
    terms = [term.lower() for term, _ in ENTRIES]
    assert terms == sorted(set(terms))


@pytest.mark.parametrize(("term", "page"), ENTRIES)
def test_the_page_that_a_term_leads_to_leads_back(term, page):
    text = "\n".join(cell.source for cell in cells(page, "markdown"))
    assert f"{{term}}`{term}`" in text or re.search(rf"\{{term\}}`[^`]* <{re.escape(term)}>`", text)


@pytest.mark.parametrize(("code", "sentence", "file"), HOMES)
def test_the_code_and_the_test_of_a_term_are_there(code, sentence, file):
    assert callable(resolve_name(code))
    tree = ast.parse((ROOT / file).read_text())
    tests = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert f"test_{sentence.replace(' ', '_')}" in tests


@pytest.mark.parametrize(("claim", "verdict", "page", "cell"), VERDICTS)
def test_the_cells_that_test_a_claim_hold_it_by_an_assert(claim, verdict, page, cell):
    code = {one.id: one.source for one in cells(page, "code")}
    for name in (cell, *re.findall(r"`([\w-]+)`", verdict)):
        assert re.search(r"^ *assert ", code[name], re.MULTILINE), name


def test_the_api_reference_has_every_module():
    listed = re.findall(r"automodule:: lstmlib\.(\w+)", (ROOT / "reference/api.md").read_text())
    modules = {path.stem for path in (ROOT / "lstmlib").glob("*.py")} - {"__init__"} | {"figures"}
    assert set(listed) == modules
    assert len(listed) == len(modules)


def test_every_module_imports_only_what_stands_above_it_in_the_api_reference():
    listed = re.findall(r"automodule:: lstmlib\.(\w+)", (ROOT / "reference/api.md").read_text())
    found = 0
    for at, module in enumerate(listed):
        one = ROOT / f"lstmlib/{module}.py"
        files = [one] if one.exists() else (ROOT / "lstmlib" / module).glob("*.py")
        for file in files:
            names = re.findall(r"^from lstmlib\.(\w+)", file.read_text(), re.MULTILINE)
            assert set(names) <= set(listed[: at + 1]), file.name
            found += len(names)
    assert found > 50


def minutes(page):
    """What a page says of its time: to read it, and for its exercises."""
    head = cells(page, "markdown")[0].source
    said = r"\*\*Time\.\*\* (\d+) minutes, and (?:(\d+) more|as much again) for the exercises\.$"
    read, exercises = re.search(said, head).groups()
    return int(read), int(exercises or read)


def test_the_teachers_tables_add_up_what_the_pages_say():
    text = (ROOT / "reference/for_teachers.md").read_text()
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in table.splitlines()]
        if not rows[0][0].startswith("Pages"):
            continue
        everything = []
        for pages, read, exercises in rows[2:-1]:
            named = re.findall(r"\(\.\./(chapters/\S+\.ipynb)\) (\d+)", pages)
            said = [minutes(page) for page, _ in named]
            assert [int(stated) for _, stated in named] == [first for first, _ in said]
            assert [int(read), int(exercises)] == [sum(part) for part in zip(*said, strict=True)]
            everything += said
        totals = [str(sum(part)) for part in zip(*everything, strict=True)]
        assert rows[-1] == [f"{len(everything)} pages", *totals]
