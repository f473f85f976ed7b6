"""Grade a folder of submissions, or the zip of a learning platform.

    python -m grader rnn_by_hand submissions.zip

It writes `grades/ASSIGNMENT/grades.csv` and a page of feedback for each student. What has been graded is not
graded again: stop it and go on at any time.
"""

import argparse
import contextlib
import csv
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from grader import feedback
from grader.assignment import SOURCE, Assignment, load
from grader.marking import MOST_BYTES, Mark, mark
from grader.sandbox import isolates
from grader.submissions import Submission, find

FINAL = "graded", "late", "missing cells", "unreadable", "no notebook"


def grade_one(name: str, submission: Submission, hidden: list[Path], seconds: float) -> Mark:
    """One submission, wherever this runs: a thread here, or a worker of Dask elsewhere."""
    assignment = load(name)
    if submission.path is None:
        return Mark(submission.student, "no notebook", dict.fromkeys(assignment.points, 0.0))
    # Cells and numbers are drawn from the name that the student knows.
    result = mark(
        assignment, submission.path, submission.name or submission.student, *hidden, seconds=seconds
    )
    result.student = submission.student
    if submission.late and result.status == "graded":
        result.status = "late"
    return result


def grade(
    name: str,
    submissions: list[Submission],
    folder: Path,
    executor: Executor,
    hidden: list[Path],
    seconds: float,
) -> list[Mark]:
    """All submissions; a mark is kept under what it is of, and read again where that has not changed."""
    kept = folder / "marks"
    kept.mkdir(parents=True, exist_ok=True)
    marks: dict[str, Mark] = {}
    waiting: dict[Future, tuple[Submission, Path]] = {}
    for submission in submissions:
        path = kept / f"{_key(name, submission)}.json"
        with contextlib.suppress(OSError, ValueError, TypeError):
            marks[submission.student] = Mark(**json.loads(path.read_text(encoding="utf-8")))
        if submission.student not in marks:
            waiting[executor.submit(grade_one, name, submission, hidden, seconds)] = submission, path
    for done in tqdm(_finished(waiting), total=len(waiting), unit="submission", disable=None):
        submission, path = waiting[done]
        try:
            result = done.result()
        except Exception as error:  # nobody else pays for it
            print(f"{submission.student}: the grader failed: {error!r}", file=sys.stderr)
            result = Mark(submission.student, "grader failed")
        else:
            if result.status in FINAL:  # what a busy machine stopped is tried again
                part = path.with_suffix(".part")
                part.write_text(json.dumps(asdict(result)), encoding="utf-8")
                part.replace(path)
        marks[submission.student] = result
    return [marks[submission.student] for submission in submissions]


def _finished(waiting: Iterable[Future]) -> Iterator[Future]:
    """As they finish; who stops it does not wait for those that have not begun."""
    try:
        yield from as_completed(waiting)
    except BaseException:
        for one in waiting:
            one.cancel()
        raise


def _key(name: str, submission: Submission) -> str:
    parts = [submission.student.encode(), str(submission.late).encode()]
    for path in (SOURCE / name / f"{name}.ipynb", submission.path):
        with contextlib.suppress(OSError):  # `mark` says so of a file that cannot be read
            if path is not None:
                with path.open("rb") as file:
                    parts.append(file.read(MOST_BYTES + 1))
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:24]


def write_csv(path: Path, assignment: Assignment, marks: list[Mark]) -> None:
    """One row for each student; what is graded by hand is left empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", *assignment.points, "total", "status", "note"])
        for one in marks:
            points = [one.points.get(name) for name in assignment.points]
            shown = ["" if value is None else f"{value:g}" for value in points]
            # A spreadsheet takes what begins like this for a formula.
            student = f"'{one.student}" if one.student[0] in "=+-@\t\r" else one.student
            table.writerow([student, *shown, f"{one.total:g}", one.status, one.note])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="grader", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("assignment", help="a folder of coursework/source")
    parser.add_argument("submissions", type=Path, help="a folder, or a .zip of Canvas or Moodle")
    parser.add_argument("--out", type=Path, default=Path("grades"), help="where to write (grades)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (2)")
    parser.add_argument("--seconds", type=float, default=60, help="limit for each cell and each call (60)")
    parser.add_argument("--due", type=_local, help="later files are late, 2026-12-01T12:00")
    parser.add_argument("--scheduler", help="address of a Dask scheduler, in place of this machine")
    asked = parser.parse_args()
    if not isolates():
        print("This machine cannot shut a process off from network and files; see coursework/README.md.")
    folder = asked.out / asked.assignment
    with tempfile.TemporaryDirectory(prefix="submissions-") as unpacked:
        try:
            assignment = load(asked.assignment)
            submissions = find(asked.submissions, Path(unpacked), asked.due)
        except ValueError as error:
            parser.error(str(error))
        hidden = [Path(unpacked), asked.submissions, asked.out]
        with _executor(asked) as executor:
            marks = grade(asked.assignment, submissions, folder, executor, hidden, asked.seconds)
        write_csv(folder / "grades.csv", assignment, marks)
        (folder / "feedback").mkdir(exist_ok=True)
        for submission, one in zip(submissions, marks, strict=True):
            page = folder / "feedback" / f"{_file_name(one.student)}.html"
            try:
                feedback.write(page, assignment, one, submission.path)
            except Exception as error:  # whatever is in the notebook, the overview stays
                print(f"{one.student}: feedback without the notebook: {error!r}", file=sys.stderr)
                feedback.write(page, assignment, one, None)
    print(f"{len(marks)} students: {folder / 'grades.csv'}, and feedback beside it")


def _local(text: str) -> datetime:
    """A time of this machine, as those of the files are."""
    time = datetime.fromisoformat(text)
    return time.astimezone().replace(tzinfo=None) if time.tzinfo else time


def _executor(asked: argparse.Namespace) -> Executor:
    if asked.scheduler is None:
        return ThreadPoolExecutor(asked.jobs)
    from distributed import Client

    return Client(asked.scheduler).get_executor()


def _file_name(student: str) -> str:
    """The id, where a file may have this name; else one that no other id has."""
    plain = "".join(one if one.isalnum() or one in "-. " else "_" for one in student).strip(". ")
    plain = plain if len(plain.encode()) < 150 else plain[:40]
    return plain if plain == student else f"{plain}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"


if __name__ == "__main__":
    main()
