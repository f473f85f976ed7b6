"""Texts that are on every machine, from installed packages and never from the network."""

import ast
import re
from importlib.util import find_spec
from typing import Any

from lstmlib.vocabulary import CHARACTERS, CODE_CHARACTERS


def reference_text() -> str:
    """English prose: the paragraphs of the language reference that Python carries for `help()`.

    For `rnn/recurrent_network`. Headings, code, grammar and lists are left out, a paragraph that is
    there twice is kept once, and each paragraph becomes a line. All characters are in `CHARACTERS`. The
    text is well over 100,000 characters long, but its length and its words differ from one version of
    Python to the next.

    Raises ImportError where Python was installed without its `pydoc_data`.

    >>> text = reference_text()
    >>> len(text) > 100_000, set(text) <= set(CHARACTERS)
    (True, True)
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise ImportError(
            "reference_text reads pydoc_data, a part of Python's standard library that this "
            "installation lacks: use a complete Python, such as the one from python.org"
        ) from None
    paragraphs = (part for name in sorted(topics) for part in re.split(r"\n\s*\n", topics[name]))
    prose = (_in_one_line(paragraph) for paragraph in paragraphs if _is_prose(paragraph))
    allowed = set(CHARACTERS)
    return "\n".join(line for line in dict.fromkeys(prose) if allowed.issuperset(line))


def _is_prose(paragraph: str) -> bool:
    flush_left = not any(line[:1].isspace() for line in paragraph.split("\n"))
    return flush_left and len(paragraph) >= 60 and paragraph[0].isalpha() and paragraph[-1] in ".:;"


def _in_one_line(paragraph: str) -> str:
    plain = paragraph.translate(str.maketrans("‘’“”–—", "''\"\"--"))
    return " ".join(plain.split())


def python_source(*modules: str) -> str:
    """Source code of installed modules written in Python, such as "argparse", all in one layout.

    For `lstm/inside_a_trained_lstm`. Comments and docstrings are left out, `ast.unparse` sets the
    spaces, the quotes and the brackets, and formatted string literals become calls of `format`, so that
    the code looks alike whoever wrote it and whichever Python reads it. All characters are in
    `CODE_CHARACTERS`; others are written as ?. A module of the standard library differs from one version
    of Python to the next.

    The modules are read, and of what they belong to only the package above them is imported. Raises
    ValueError for no modules, ImportError for one that is not there or has no source.

    >>> code = python_source("csv", "textwrap")
    >>> "import re" in code, '\"\"\"' in code, set(code) <= set(CODE_CHARACTERS)
    (True, False, True)
    """
    if not modules:
        raise ValueError("modules must name at least one module, such as 'argparse'")
    trees = (_FormatCalls().visit(_without_docstrings(_source(name))) for name in modules)
    code = "".join(ast.unparse(tree) + "\n" for tree in trees)
    allowed = set(CODE_CHARACTERS)
    return "".join(character if character in allowed else "?" for character in code)


def _source(name: str) -> str:
    spec = find_spec(name)
    loader: Any = None if spec is None else spec.loader
    source = loader.get_source(name) if hasattr(loader, "get_source") else None
    if source is None:
        raise ImportError(f"{name!r} must be a module with source code: there is none here")
    return source


def _without_docstrings(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


class _FormatCalls(ast.NodeTransformer):
    """f"{a:>{n}} b" as "{:>{}} b".format(a, n): Pythons differ in how they write and split the first."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Call:
        values: list[ast.expr] = []
        template = self._template(node, values)
        return ast.Call(ast.Attribute(ast.Constant(template), "format", ast.Load()), values, [])

    def _template(self, node: ast.JoinedStr, values: list[ast.expr]) -> str:
        template = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                values.append(self.visit(part.value))
                conversion = "" if part.conversion < 0 else f"!{chr(part.conversion)}"
                form = part.format_spec
                spec = f":{self._template(form, values)}" if isinstance(form, ast.JoinedStr) else ""
                template += f"{{{conversion}{spec}}}"
            else:
                template += str(ast.literal_eval(part)).replace("{", "{{").replace("}", "}}")
        return template
