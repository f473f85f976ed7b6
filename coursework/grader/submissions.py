"""Finds what was handed in: a folder, or the zip of a learning platform."""

import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from grader.marking import MOST_BYTES

CANVAS = re.compile(r"(?P<student>.+?)(?P<late>_LATE)?_\d+_\d+_.*?(-(?P<version>\d+))?\.\w+$")
MOODLE = re.compile(r"(?P<student>.+?)_\d+_assignsubmission_file_?$")


@dataclass(frozen=True)
class Submission:
    """The newest notebook of a student; `path` is None where there is none."""

    student: str
    path: Path | None
    late: bool = False
    versions: int = 1


def find(where: Path, folder: Path, due: datetime | None = None) -> list[Submission]:
    """All submissions in a folder or a zip, one for each student, by their ids.

    Known are `ID.ipynb`, `ID/anything.ipynb` (deeper too, as nbgrader collects them), and the names that
    Canvas and Moodle give. A zip is unpacked into `folder`. ValueError where there is nothing.
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
    found: dict[str, list[tuple[int, datetime, bool, Path]]] = {}
    for name, path, changed in files:
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        student, late, version = _whose(name)
        late = late or (due is not None and changed > due)
        found.setdefault(student, []).append((version, changed, late, path))
    if not found:
        raise ValueError(f"no file in {where}")
    return [_newest(student, found[student]) for student in sorted(found)]


def _newest(student: str, files: list[tuple[int, datetime, bool, Path]]) -> Submission:
    notebooks = [file for file in files if file[3].suffix == ".ipynb"]
    if not notebooks:
        return Submission(student, None)
    _, _, late, path = max(notebooks)
    return Submission(student, path, late, len(notebooks))


def _whose(name: str) -> tuple[str, bool, int]:
    """The student of a file, whether it is late, and its version."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    parts = tuple(part for part in parts if part not in ("..", "/", "__MACOSX"))
    if moodle := MOODLE.match(parts[0]):
        return moodle["student"], False, 0
    if len(parts) > 1:
        return parts[0], False, 0
    if canvas := CANVAS.match(parts[0]):
        return canvas["student"], bool(canvas["late"]), int(canvas["version"] or 0)
    return Path(parts[0]).stem, False, 0


def _unpacked(where: Path, folder: Path) -> list[tuple[str, Path, datetime]]:
    """Every file of a zip under a number of its own: no name in it decides where something is written."""
    files = []
    with zipfile.ZipFile(where) as archive:
        for number, entry in enumerate(archive.infolist()):
            if entry.is_dir() or "__MACOSX" in entry.filename:
                continue
            path = folder / str(number) / f"notebook{PurePosixPath(entry.filename).suffix}"
            path.parent.mkdir(parents=True)
            with archive.open(entry) as packed:
                path.write_bytes(packed.read(MOST_BYTES + 1))
            files.append((entry.filename, path, datetime(*entry.date_time)))
    return files
