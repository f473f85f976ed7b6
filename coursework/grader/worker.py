"""What runs beside the student's code: it executes cells, and calls functions for the tests.

It is started with its source on the command line (`python -c`), in a sandbox, and answers requests on what
were its standard input and output; the student's code finds both closed. A request and an answer are each one
line of JSON. Nothing of the tests, and no solution, is ever in this process.
"""

import base64
import builtins
import collections.abc
import json
import os
import resource
import sys

MOST = 8 * 2**20
"""Bytes of one answer."""
MOST_ENTRIES = 5000
"""Of one answer: two that the tests put together may have the square of it."""


def packed(value, depth=0):
    """Plain data as JSON has it; arrays by type, shape and bytes."""
    import numpy as np

    if depth > 8:
        raise TypeError("too deeply nested")
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            value = value.astype(float)
        if value.dtype.kind not in "biufc" or value.nbytes > MOST:
            raise TypeError(f"an array of {value.dtype} with {value.size} entries")
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    if isinstance(value, tuple):
        return {"tuple": [packed(one, depth + 1) for one in value]}
    if isinstance(value, list | range | collections.abc.Iterator | collections.abc.ValuesView):
        return {"list": [packed(one, depth + 1) for one in value]}
    if isinstance(value, collections.abc.Mapping):
        return {"dict": [[packed(k, depth + 1), packed(v, depth + 1)] for k, v in value.items()]}
    raise TypeError(f"a {type(value).__name__}")


def unpacked(value):
    """What `packed` packed."""
    import numpy as np

    ((kind, content),) = [(k, v) for k, v in value.items() if k not in ("dtype", "shape")]
    if kind in ("tuple", "list", "dict") and len(content) > MOST_ENTRIES:
        raise ValueError(f"a {kind} of {len(content)} entries")
    if kind == "array":
        dtype = np.dtype(value["dtype"])
        if dtype.kind not in "biufc":
            raise TypeError(f"an array of {dtype}")
        array = np.frombuffer(base64.b64decode(content), dtype).reshape(value["shape"]).copy()
        if max(array.size, *array.shape, 0) > MOST_ENTRIES:
            raise ValueError(f"an array of {array.size} entries")
        return array
    if kind == "dict":
        return {unpacked(k): unpacked(v) for k, v in content}
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(unpacked(one) for one in content)
    return content


def answer(shell, request):
    """What a request asks for: to run a cell, to look at a name, to call a function."""
    space = shell.user_ns
    if request["do"] == "run":
        result = shell.run_cell(request["source"], store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error
        return {"done": True}
    name = request["name"]
    if name not in space:
        raise NameError(f"{name} is not defined")
    if request["do"] == "look":
        return {"callable": True} if callable(space[name]) else {"value": packed(space[name])}
    positional, named = unpacked(request["args"]), unpacked(request["kwargs"])
    value = packed(space[name](*positional, **named))
    return {"value": value, "args": packed(positional)}  # which the function may have changed


def main():
    # 0, 1 and 2 are the student's from here on, and lead nowhere.
    asked, said = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["MPLBACKEND"] = "agg"
    from IPython.core.interactiveshell import InteractiveShell

    class Shell(InteractiveShell):
        """As in a notebook: `%matplotlib inline` and `exit()` do no harm."""

        def enable_gui(self, gui=None):
            """Draw nowhere."""

        def ask_exit(self):
            """Go on."""

    shell = Shell.instance()
    shell.register_magic_function(lambda line: None, "line", "matplotlib")
    builtins.input = lambda prompt="": ""
    shell.history_manager.enabled = False
    dumps, write, flush = json.dumps, said.write, said.flush
    write(b'{"ready": true}\n')
    flush()
    for line in asked:
        try:
            reply = answer(shell, json.loads(line))
        except BaseException as error:  # the student's, whatever it is
            reply = {"error": type(error).__name__[:50], "message": str(error)[:400]}
        text = dumps(reply).encode()
        if len(text) > 2 * MOST:
            text = dumps({"error": "ValueError", "message": "the answer is too large"}).encode()
        write(text + b"\n")
        flush()


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main()
