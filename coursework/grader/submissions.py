"""Finds what was handed in: a folder, or the zip of a learning platform."""

import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from grader.marking import MOST_BYTES

CANVAS = re.compile(r"(?P<student>.+?)(?P<late>_LATE)?_(?P<user>\d+)_\d+_.*?(-(?P<version>\d+))?\.\w+$")
MOODLE = re.compile(r"(?P<student>.+?)_(?P<user>\d+)_assignsubmission_file_?$")


@dataclass(frozen=True)
class Submission:
    """The newest notebook of a student; `path` is None where there is none."""

    student: str
    path: Path | None
    late: bool = False


def find(where: Path, folder: Path, due: datetime | None = None) -> list[Submission]:
    """All submissions in a folder or a zip, one for each student, by their ids.

    Known are `ID.ipynb`, `ID/anything.ipynb` (deeper too, as nbgrader collects them), and the names that
    Canvas and Moodle give; where two students have one name there, the platform's number is added.
    A zip is unpacked into `folder`. ValueError where there is nothing.
    """
    if where.suffix == ".zip":
        files = _unpacked(where, folder)
    elif where.is_dir():
        files = [
            (path.relative_to(where).as_posix(), path, datetime.fromtimestamp(path.stat().st_mtime))
            for path in sorted(where.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]
    else:
        raise ValueError(f"submissions must be a folder or a .zip, got {where}")
    found: dict[tuple[str, str], list[tuple[int, datetime, bool, Path]]] = {}
    for name, path, changed in files:
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        student, user, late, version = _whose(name)
        late = late or (due is not None and changed > due)
        found.setdefault((student, user), []).append((version, changed, late, path))
    if not found:
        raise ValueError(f"no file in {where}")
    alike = Counter(student for student, _ in found)
    return [
        _newest(student if alike[student] == 1 else f"{student}_{user}", found[student, user])
        for student, user in sorted(found)
    ]


def _newest(student: str, files: list[tuple[int, datetime, bool, Path]]) -> Submission:
    notebooks = [file for file in files if file[3].suffix == ".ipynb"]
    if not notebooks:
        return Submission(student, None)
    _, _, late, path = max(notebooks)
    return Submission(student, path, late)


def _whose(name: str) -> tuple[str, str, bool, int]:
    """The student of a file, the platform's number of the student, whether it is late, and its version."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    parts = tuple(part for part in parts if part not in ("..", "/", "__MACOSX")) or ("unnamed",)
    if moodle := MOODLE.match(parts[0]):
        return moodle["student"], moodle["user"], False, 0
    if len(parts) > 1:
        return parts[0], "", False, 0
    if canvas := CANVAS.match(parts[0]):
        return canvas["student"], canvas["user"], bool(canvas["late"]), int(canvas["version"] or 0)
    return Path(parts[0]).stem, "", False, 0


def _unpacked(where: Path, folder: Path) -> list[tuple[str, Path, datetime]]:
    """Every file of a zip under a number of its own: no name in it decides where something is written."""
    files = []
    if not zipfile.is_zipfile(where):
        raise ValueError(f"submissions must be a folder or a .zip, and {where} is no zip")
    with zipfile.ZipFile(where) as archive:
        for number, entry in enumerate(archive.infolist()):
            if entry.is_dir() or "__MACOSX" in entry.filename:
                continue
            path = folder / str(number) / f"notebook{PurePosixPath(entry.filename).suffix}"
            path.parent.mkdir(parents=True)
            with archive.open(entry) as packed:
                path.write_bytes(packed.read(MOST_BYTES + 1))
            try:
                changed = datetime(*entry.date_time)
            except ValueError:  # some programs write no day into a zip
                changed = datetime.min
            files.append((entry.filename, path, changed))
    return files
