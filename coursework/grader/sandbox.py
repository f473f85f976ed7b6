"""Runs the student's code in a process of its own: no network, no solutions, bounded time and memory."""

import contextlib
import json
import math
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

import numpy as np
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
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(_alone(Path(folder), [], ["true"]), capture_output=True, check=False)
    return tried.returncode == 0


def _alone(folder: Path, hidden: list[Path], command: list[str]) -> list[str]:
    """A command that sees every file read-only, `hidden` empty, and a `folder` of its own to write in."""
    steps = ["mount -o remount,bind,ro /"]
    for mount in _writable_mounts():
        # Some are the system's own, and closed to us anyway.
        steps.append(f"(mount -o remount,bind,ro {shlex.quote(mount)} || true) 2>/dev/null")
    own = shlex.quote(str(folder))
    steps.append(f"mount -t tmpfs -o size=256m,nr_inodes=10k none {own} && cd {own}")
    for path in hidden:
        where = shlex.quote(str(path))
        if any(path.is_relative_to(above) for above in hidden if above != path):
            continue
        if path.is_file():
            steps.append(f"mount --bind /dev/null {where}")
        elif not (ROOT.is_relative_to(path) or folder.is_relative_to(path)):
            steps.append(f"mount -t tmpfs -o size=64k,ro none {where}")
    # To connect to a socket in the file system is no network, and no write; the session bus starts programs.
    for where in _named_sockets():
        steps.append(f"(mount --bind /dev/null {shlex.quote(where)} || true) 2>/dev/null")
    # As root one could write here, and be outside.
    steps.append(
        "(mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || true) 2>/dev/null"
    )
    # In a namespace within, from which nothing of this can be undone
    steps.append("exec unshare --user --map-current-user --mount " + shlex.join(command))
    ends = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    apart = "--user --map-root-user --net --pid --fork --mount --mount-proc --kill-child"
    return [*ends, "unshare", *shlex.split(apart), "sh", "-c", " && ".join(steps)]


def _writable_mounts() -> list[str]:
    """Where other file systems are mounted that can be written to."""
    found = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, options, *_ = line.split()
        if "rw" in options.split(",") and kind not in ("proc", "devpts", "mqueue"):
            found.append(where.encode().decode("unicode_escape"))
    return [where for where in dict.fromkeys(found) if where not in ("/", "/dev")]


def _named_sockets() -> list[str]:
    """The sockets that programs of this machine listen at, by their paths."""
    lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    paths = {line.split(maxsplit=7)[7] for line in lines if len(line.split(maxsplit=7)) == 8}
    return sorted(path for path in paths if path.startswith("/") and Path(path).exists())


def _memory(process: psutil.Process) -> int:
    """Bytes; what processes share is shared out among them, where the system tells."""
    whole = process.memory_full_info()
    return getattr(whole, "pss", whole.rss)


def _unchanged(given: Any, came: Any) -> bool:
    """Whether a function left its arguments as they were, but for rounding."""
    if isinstance(given, np.ndarray):
        alike = isinstance(came, np.ndarray) and given.shape == came.shape
        return alike and np.allclose(given, came, rtol=1e-9, atol=1e-9, equal_nan=True)
    if isinstance(given, dict):
        return isinstance(came, dict) and all(_unchanged(one, came.get(name)) for name, one in given.items())
    if isinstance(given, list | tuple):
        return (
            isinstance(came, list | tuple) and len(given) == len(came) and all(map(_unchanged, given, came))
        )
    return True


class Sandbox:
    """A process for one submission; `run`, `look` and `call` ask it, and a `with` statement ends it.

    Parameters
    ----------
    hidden : paths
        Files and folders that the student's code must not see, such as the other submissions.
    seconds, megabytes, processes
        What a cell may take (a call of a function: a sixth of it), and what the process and its children
        may use in all.
    until
        When all of it ends, by `time.monotonic()`.
    """

    def __init__(
        self,
        *hidden: Path,
        seconds: float = 60,
        megabytes: int = 2000,
        processes: int = 16,
        until: float = math.inf,
    ) -> None:
        self.seconds, self.megabytes, self.processes = seconds, megabytes, processes
        self.until = until
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
            _alone(self.folder, self.hidden, start) if isolates() else start,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=kept | home | one,
            start_new_session=True,
        )
        self._rest = bytearray()
        os.set_blocking(self.process.stdin.fileno(), False)
        if not self._starts():
            self.__exit__()
            raise RuntimeError('the sandbox does not start: see "How it grades" in coursework/README.md')
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
        reply = self._ask(request, self.seconds / 6)
        # A reference that reads its arguments afterwards must not read what the student made of them.
        if "args" in reply and not _unchanged(args, unpacked(reply["args"])):
            raise Raised(f"ValueError: {name} changed an array that came in; work on a copy of it")
        return unpacked(reply["value"])

    def _starts(self) -> bool:
        """Whether the worker says that it is there."""
        try:
            return json.loads(self._line(time.monotonic() + 60)) == {"ready": True}
        except (Stopped, ValueError):
            return False

    def _ask(self, request: dict, seconds: float) -> dict:
        if self.status is not None:
            raise Stopped(self.status)
        end = min(time.monotonic() + seconds, self.until)
        self._send(json.dumps(request).encode() + b"\n", end)
        try:
            reply = json.loads(self._line(end))
        except (ValueError, RecursionError):
            self._stop("kernel died")
        if isinstance(reply, dict) and isinstance(reply.get("error"), str):
            raise Raised(f"{reply['error'][:50]}: {str(reply.get('message'))[:400]}")
        if not isinstance(reply, dict) or not reply.keys() & {"done", "callable", "value"}:
            self._stop("kernel died")
        return reply

    def _send(self, message: bytes, end: float) -> None:
        stream = self.process.stdin.fileno()
        while message:
            if not select.select([], [stream], [], max(0, end - time.monotonic()))[1]:
                self._stop("timed out")
            try:
                message = message[os.write(stream, message) :]
            except BlockingIOError:
                continue
            except OSError:
                self._stop("kernel died")

    def _line(self, end: float) -> bytes:
        stream = self.process.stdout.fileno()
        while (place := self._rest.find(b"\n")) < 0:
            if len(self._rest) > 4 * worker.MOST:
                self._stop("answered too much")
            left = end - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                self._stop("timed out")
            came = os.read(stream, 2**20)
            if not came:
                self._stop("kernel died")
            self._rest += came
        line = bytes(self._rest[:place])
        del self._rest[: place + 1]
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
                first = psutil.Process(self.process.pid)
                for one in (first, *first.children(recursive=True)):
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
