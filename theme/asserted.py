"""What an `assert` compared: both sides of every comparison in it, and how far it stands from falling.

`experiments/claims.py` runs the notebooks with it on many processors, and the book is built with it, so that
a claim that falls is told in its own words where a traceback would stand.
"""

import ast
import html
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

COMPARE: dict[type[ast.cmpop], tuple[str, Callable]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("≤", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: ("≥", operator.ge),
    ast.Eq: ("=", operator.eq),
    ast.NotEq: ("≠", operator.ne),
    ast.In: ("in", lambda a, b: a in b),
    ast.NotIn: ("not in", lambda a, b: a not in b),
    ast.Is: ("is", operator.is_),
    ast.IsNot: ("is not", operator.is_not),
}
CLOSE = ("allclose", "isclose")
NOTE_TITLE = "A claim that did not hold where this page was built"
NOTE = (
    f'<div class="admonition warning fallen-claim"><p class="admonition-title">{NOTE_TITLE}</p>'
    "<p><code>{claim}</code></p><p>{came}</p></div>"
)


class Comparison(NamedTuple):
    """One comparison of two numbers, as it came out where it stood closest to falling."""

    words: str
    left: float
    right: float
    margin: float
    """How far the sides are from equality, or from the tolerance; negative where the claim fell."""


class Claim(NamedTuple):
    """One `assert`, each time that it was reached."""

    cell: str
    words: str
    holds: bool
    comparisons: dict[int, Comparison]
    came: list[str]
    """Those comparisons that were false, with what came, in words."""


class Recorder(ast.NodeTransformer):
    """Rewrites each `assert` so that it tells `listen` what it found and never raises.

    Parameters
    ----------
    listen : callable
        Called with a `Claim` each time that an `assert` is reached.
    """

    def __init__(self, listen: Callable[[Claim], None]) -> None:
        self.listen = listen
        self.cell = ""
        self._inside = False
        self._found: dict[int, Comparison] = {}
        self._came: list[str] = []
        self.names = {
            "__compared__": self._compared,
            "__close__": self._close,
            "__asserted__": self._asserted,
        }

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        words = ast.unparse(node.test)
        self._inside, self._count = True, 0
        test = self.visit(node.test)
        self._inside = False
        return _like(node, ast.Expr(_call("__asserted__", ast.Constant(words), test)))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if not self._inside:
            return node
        words = [ast.unparse(part) for part in (node.left, *node.comparators)]
        parts = [self.visit(part) for part in (node.left, *node.comparators)]
        signs = ast.List([ast.Constant(COMPARE[type(op)][0]) for op in node.ops], ast.Load())
        first, self._count = self._count, self._count + len(node.ops)
        names = ast.List([ast.Constant(word) for word in words], ast.Load())
        return _like(node, _call("__compared__", ast.Constant(first), names, signs, *parts))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        words = ast.unparse(node)
        self.generic_visit(node)
        if self._inside and isinstance(node.func, ast.Attribute) and node.func.attr in CLOSE:
            key, self._count = ast.Constant(self._count), self._count + 1
            call = _call("__close__", key, ast.Constant(words), node.func, *node.args)
            call.keywords = node.keywords
            return _like(node, call)
        return node

    # What the rewritten code calls

    def _compared(self, first: int, words: list[str], signs: list[str], *parts: Any) -> Any:
        by_sign = dict(COMPARE.values())
        result: Any = True
        for k, sign in enumerate(signs):
            left, right = parts[k], parts[k + 1]
            one = by_sign[sign](left, right)
            said = f"{words[k]} {sign} {words[k + 1]}"
            if sign in "<≤>≥":
                distance = _numbers(right) - _numbers(left)
                self._note(first + k, said, left, right, distance if sign in "<≤" else -distance)
            elif not np.asarray(one).all():
                self._came.append(f"expected {said}, came {_short(left)} and {_short(right)}")
            result = one if k == 0 else (result and one)
        return result

    def _close(
        self, key: int, words: str, close: Callable, a: Any, b: Any, *args: Any, **options: Any
    ) -> Any:
        result = close(a, b, *args, **options)
        tolerance = dict(zip(("rtol", "atol"), args, strict=False)) | options
        left, right = _numbers(a), _numbers(b)
        room = tolerance.get("atol", 1e-8) + tolerance.get("rtol", 1e-5) * np.abs(right)
        self._note(key, words, left, right, room - np.abs(left - right))
        return result

    def _note(self, key: int, words: str, left: Any, right: Any, margins: Any) -> None:
        left, right, margins = np.broadcast_arrays(_numbers(left), _numbers(right), margins)
        if margins.size == 0 or not np.isfinite(margins).all():
            return
        k = int(np.argmin(margins))
        new = Comparison(words, float(left.flat[k]), float(right.flat[k]), float(margins.flat[k]))
        if new.margin < 0:
            self._came.append(f"expected {words}, came {new.left:.4g} and {new.right:.4g}")
        old = self._found.get(key)
        if old is None or new.margin < old.margin:
            self._found[key] = new

    def _asserted(self, words: str, outcome: Any) -> None:
        holds, found, came = bool(outcome), self._found, self._came
        self._found, self._came = {}, []
        if holds:
            # A comparison may be false in an assertion that holds ("== (c < 2)", "or"): what counts is how
            # far it is from turning.
            found = {key: one._replace(margin=abs(one.margin)) for key, one in found.items()}
        self.listen(Claim(self.cell, words, holds, found, came))


def load_ipython_extension(shell: Any) -> None:
    """Have an IPython shell show a claim that falls as a note on the page, and go on."""
    from IPython.display import publish_display_data

    def tell(claim: Claim) -> None:
        if not claim.holds:
            publish_display_data(
                {
                    "text/html": NOTE.format(
                        claim=html.escape(claim.words), came=html.escape("; ".join(claim.came))
                    ),
                    "text/plain": f"{NOTE_TITLE}: {claim.words}\n" + "\n".join(claim.came),
                }
            )

    recorder = Recorder(tell)
    shell.ast_transformers.append(recorder)
    shell.user_ns.update(recorder.names)


def fallen(page: str) -> list[tuple[str, str]]:
    """Claim, and what came, of each note that stands on a built page."""
    pattern = re.escape(NOTE).replace(r"\{claim\}", "(.*?)").replace(r"\{came\}", "(.*?)")
    return [
        (html.unescape(claim), html.unescape(came)) for claim, came in re.findall(pattern, page, re.DOTALL)
    ]


def _numbers(value: Any) -> Any:
    """`value` as an array of floats, and NaN where it is no number."""
    try:
        return np.asarray(value.detach() if hasattr(value, "detach") else value, float)
    except (TypeError, ValueError):
        return np.asarray(np.nan)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _like(old: ast.AST, new: Any) -> Any:
    return ast.fix_missing_locations(ast.copy_location(new, old))
