"""The texts against the packages they come from, and against what the chapters rely on."""

import ast
import sys

import pytest

from lstmlib.corpora import python_source, reference_text
from lstmlib.vocabulary import CHARACTERS, CODE_CHARACTERS


def test_the_text_is_long_and_in_the_alphabet():
    text = reference_text()
    assert len(text) > 100_000
    assert set(text) <= set(CHARACTERS)


def test_python_source_is_code_without_words_about_it():
    code = python_source("argparse", "csv")
    assert len(code) > 30_000
    assert set(code) <= set(CODE_CHARACTERS)
    nodes = list(ast.walk(ast.parse(code)))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    assert not any(ast.get_docstring(node) for node in nodes if isinstance(node, kinds))
    assert "#" not in "".join(line for line in code.splitlines() if "'" not in line and '"' not in line)
    assert python_source("csv") in code


def test_formatted_string_literals_become_calls_that_say_the_same(tmp_path, monkeypatch):
    literals = [
        "f'{a}'",
        "f'{{x}} {a!r:>{n}} {b:.2f}'",
        """f'{n:0{n}d} {f"{a} {{}}"}'""",
        "f'{b:+.{n}f}{a}' 'plain {}'",
    ]
    (tmp_path / "literals.py").write_text(f"said = [{', '.join(literals)}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = python_source("literals")
    values = {"a": "left", "b": 0.125, "n": 8}
    exec(code, values)
    assert values["said"] == [eval(literal, dict(values)) for literal in literals]
    assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(ast.parse(code)))


def test_a_module_without_source_is_named():
    for name in ("sys", "no_such_module"):
        with pytest.raises(ImportError, match=f"'{name}' must be a module with source code"):
            python_source(name)
    with pytest.raises(ValueError, match="must name at least one module"):
        python_source()


def test_the_text_is_prose_and_no_paragraph_is_there_twice():
    lines = reference_text().split("\n")
    assert len(lines) == len(set(lines))
    assert all(line == " ".join(line.split()) and line[0].isalpha() for line in lines)
    assert sum(" the " in line for line in lines) > len(lines) / 2


def test_the_text_is_the_same_each_time():
    assert reference_text() == reference_text()


def test_headings_code_repeats_and_foreign_characters_are_left_out(monkeypatch):
    prose = "A paragraph of ordinary prose, long enough to be kept, with “quotes” –\nand a line break."
    topics = {
        "b": f'The "if" statement\n******************\n\n{prose}\n\n   if_stmt ::= "if" expression\n',
        "a": f"{prose}\n\n{prose.replace('ordinary', 'Greek λ')}\n\n   An indented paragraph, {prose}",
        "c": f"A term that is explained\n   {prose}",
    }
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", type("topics", (), {"topics": topics}))
    assert reference_text() == prose.replace("“", '"').replace("”", '"').replace("–\n", "- ")


def test_a_paragraph_is_prose_from_60_characters(monkeypatch):
    topics = {"a": "a" * 58 + ".", "b": "b" * 59 + "."}
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", type("topics", (), {"topics": topics}))
    assert reference_text() == topics["b"]


def test_a_python_without_its_documentation_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match="use a complete Python"):
        reference_text()
