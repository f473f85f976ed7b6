"""Runs the student's code in a process of its own: no network, no solutions, bounded time and memory."""

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from grader import worker
from grader.worker import packed, unpacked

ROOT = Path(__file__).parents[2]
HIDDEN = ("coursework", ".git", "_build")
"""Folders of the course that the student's code finds empty: they hold solutions."""


class Stopped(Exception):
    """The student's process is gone: `status` says why."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Raised(Exception):
    """The student's code raised an error."""


@cache
def isolates() -> bool:
    """Whether this machine can shut a process off from network and files (Linux, with user namespaces)."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _unshare() -> list[str]:
    alone = "--user --map-root-user --net --pid --fork --mount --mount-proc --kill-child"
    return ["unshare", *alone.split()]


def _memory(process: psutil.Process) -> int:
    """Bytes; what processes share is shared out among them, where the system tells."""
    whole = process.memory_full_info()
    return getattr(whole, "pss", whole.rss)


class Sandbox:
    """A process for one submission; `run`, `look` and `call` ask it, and a `with` statement ends it.

    Parameters
    ----------
    hidden : paths
        Files and folders that the student's code must not see, such as the other submissions.
    seconds, megabytes, processes
        What a cell may take (a call of a function: a sixth of it), and what the process and its children
        may use in all.
    """

    def __init__(
        self, *hidden: Path, seconds: float = 60, megabytes: int = 2000, processes: int = 64
    ) -> None:
        self.seconds, self.megabytes, self.processes = seconds, megabytes, processes
        everything = [path.resolve() for path in (*(ROOT / name for name in HIDDEN), *hidden)]
        self.hidden = sorted({path for path in everything if path.exists()})
        self.status: str | None = None

    def __enter__(self) -> "Sandbox":
        self.folder = Path(tempfile.mkdtemp(prefix="grading-"))
        # Its source, since the folder that it stands in is hidden from it.
        start = [sys.executable, "-c", Path(worker.__file__).read_text(encoding="utf-8")]
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        home = {"HOME": str(self.folder), "IPYTHONDIR": str(self.folder), "MPLCONFIGDIR": str(self.folder)}
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            self._isolated(start) if isolates() else start,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=kept | home | one,
            start_new_session=True,
        )
        self._rest = b""
        if not self._starts():
            self._kill()
            raise RuntimeError('the sandbox does not start: see coursework/README.md, "What it needs"')
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, source: str) -> None:
        """Run a cell; Raised for an error in it."""
        self._ask({"do": "run", "source": source}, self.seconds)

    def look(self, name: str) -> Any:
        """What the student's code calls `name`: plain data, or a function that is called there."""
        found = self._ask({"do": "look", "name": name}, self.seconds / 6)
        if "callable" in found:
            return lambda *args, **kwargs: self.call(name, *args, **kwargs)
        return unpacked(found["value"])

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the student's function returns; Raised for an error in it."""
        request = {"do": "call", "name": name, "args": packed(args), "kwargs": packed(kwargs)}
        return unpacked(self._ask(request, self.seconds / 6)["value"])

    def _starts(self) -> bool:
        """Whether the worker says that it is there."""
        try:
            return json.loads(self._line(60)) == {"ready": True}
        except (Stopped, ValueError):
            return False

    def _isolated(self, start: list[str]) -> list[str]:
        """Empty folders over all that is hidden, the rest of the course read-only, and no way to undo it."""
        covered = []
        for path in self.hidden:
            where = shlex.quote(str(path))
            if any(path.is_relative_to(above) for above in self.hidden if above != path):
                continue
            if path.is_file():
                covered.append(f"mount --bind /dev/null {where}")
            elif not (ROOT.is_relative_to(path) or self.folder.is_relative_to(path)):
                covered.append(f"mount -t tmpfs none {where}")
        root = shlex.quote(str(ROOT))
        fixed = [f"mount --bind {root} {root}", f"mount -o remount,bind,ro {root}"]
        inner = "exec unshare --user --map-current-user --mount " + shlex.join(start)
        return [*_unshare(), "sh", "-c", " && ".join([*fixed, *covered, inner])]

    def _ask(self, request: dict, seconds: float) -> dict:
        if self.status is not None:
            raise Stopped(self.status)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            self._stop("kernel died")
        try:
            reply = json.loads(self._line(seconds))
        except ValueError:
            self._stop("kernel died")
        if "error" in reply:
            raise Raised(f"{reply['error']}: {reply['message']}")
        return reply

    def _line(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        end, stream = time.monotonic() + seconds, self.process.stdout.fileno()
        while b"\n" not in self._rest:
            if len(self._rest) > 3 * worker.MOST:
                self._stop("answered too much")
            ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
            if not ready:
                self._stop("timed out")
            came = os.read(stream, 2**20)
            if not came:
                self._stop("kernel died")
            self._rest += came
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def _stop(self, status: str) -> None:
        self.status = self.status or status
        self._kill()
        raise Stopped(self.status)

    def _kill(self) -> None:
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            children = []
        for one in children:
            with contextlib.suppress(psutil.Error):
                one.kill()
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _watch(self) -> None:
        """End the process if all that it started needs too much."""
        while self.process.poll() is None and self.status is None:
            used = number = 0
            try:
                for one in psutil.Process(self.process.pid).children(recursive=True):
                    used, number = used + _memory(one), number + 1
            except psutil.Error:
                pass
            if number > self.processes:
                self.status = "too many processes"
            elif used > self.megabytes * 2**20:
                self.status = "out of memory"
            if self.status is not None:
                self._kill()
            time.sleep(0.05)
