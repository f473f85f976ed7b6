"""Finds what was handed in: a folder, or the zip of a learning platform."""

import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from grader.marking import MOST_BYTES

CANVAS = re.compile(r"(?P<student>\D.*?)(?P<late>_LATE)?_(?P<user>\d+)_\d+_.*?(-(?P<version>\d+))?\.\w+$")
MOODLE = re.compile(r"(?P<student>.+?)_(?P<user>\d+)_assignsubmission_(file|onlinetext)_?$")


@dataclass(frozen=True)
class Submission:
    """The newest notebook of a student; `path` is None where there is none."""

    student: str
    path: Path | None
    late: bool = False
    name: str = ""
    """The id without the platform's number: what the student knows of it."""


def find(where: Path, folder: Path, due: datetime | None = None) -> list[Submission]:
    """All submissions in a folder or a zip, one for each student, by their ids.

    Known are `ID.ipynb`, `ID/anything.ipynb` (deeper too, as nbgrader collects them), and the names that
    Canvas and Moodle give; where two students have one name there, the platform's number is added.
    A zip is unpacked into `folder`; a folder that all its files lie in is no student's. ValueError where
    there is nothing, or a zip cannot be read.
    """
    if where.suffix == ".zip":
        try:
            files = _below_what_they_share(_unpacked(where, folder))
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{where} cannot be unpacked: {error}") from None
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
        name = unicodedata.normalize("NFC", name)  # macOS writes ü as u and a sign
        student, user, late, version = _whose(name)
        late = late or (due is not None and changed > due)
        found.setdefault((student, user), []).append((version, changed, late, path))
    if not found:
        raise ValueError(f"no file in {where}")
    alike = Counter(student for student, _ in found)
    return [
        replace(
            _newest(student if alike[student] == 1 else f"{student}_{user}", found[student, user]),
            name=student,
        )
        for student, user in sorted(found)
    ]


def _newest(student: str, files: list[tuple[int, datetime, bool, Path]]) -> Submission:
    notebooks = [file for file in files if file[3].suffix.lower() == ".ipynb"]
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


def _below_what_they_share(files: list[tuple[str, Path, datetime]]) -> list[tuple[str, Path, datetime]]:
    """Names without a folder that holds all of them, as some programs put around what they pack."""
    tops = {PurePosixPath(name).parts[0] for name, _, _ in files}
    flat = all(len(PurePosixPath(name).parts) == 2 for name, _, _ in files)
    if len(files) > 1 and len(tops) == 1 and flat and not MOODLE.match(*tops):
        return [(PurePosixPath(name).name, path, changed) for name, path, changed in files]
    return files


def _unpacked(where: Path, folder: Path) -> list[tuple[str, Path, datetime]]:
    """Every file of a zip under a number of its own: no name in it decides where something is written."""
    files = []
    if not zipfile.is_zipfile(where):
        raise ValueError(f"submissions must be a folder or a .zip, and {where} is no zip")
    with zipfile.ZipFile(where) as archive:
        for number, entry in enumerate(archive.infolist()):
            if entry.is_dir() or "__MACOSX" in entry.filename:
                continue
            path = folder / str(number) / f"notebook{PurePosixPath(entry.filename).suffix.lower()[:10]}"
            path.parent.mkdir(parents=True)
            with archive.open(entry) as packed:
                path.write_bytes(packed.read(MOST_BYTES + 1))
            try:
                changed = datetime(*entry.date_time)
            except ValueError:  # some programs write no day into a zip
                changed = datetime.min
            files.append((entry.filename, path, changed))
    return files
