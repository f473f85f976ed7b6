"""Bach's chorales in four parts, for `applications/polyphony`, on a grid of quarters: read from MusicXML.

The files are those of the folder `bach` that the package `music21` carries. They are read by path, as what
they are: zipped XML. The package itself is not imported.

A chorale here says which pitch each of the four voices sings on each quarter note. It does not say what
comes between two quarters, nor whether a pitch is held or sung again. A passage that the choir repeats is
there once.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_size
from lstmlib.tunes import linked

Pitches = NDArray[np.int64]

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
"""The voices, from above; a file with other parts, such as instruments, is not read."""

REST = 0
"""What stands for a pitch where a voice is silent."""

LOWEST, HIGHEST = 31, 84
"""The lowest and the highest key of a roll: the low G of a bass and the high C of a soprano."""

KEYS = HIGHEST - LOWEST + 1
"""How many keys a roll has."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Chorale(NamedTuple):
    """A chorale: its file, its sharps (flats are negative), and its `pitches` (T, 4) by quarter.

    A pitch is as MIDI counts it: 60 is the middle C, and 0 a rest.
    """

    file: str
    sharps: int
    pitches: Pitches


def chorales(corpus: Path | None = None) -> list[Chorale]:
    """The chorales for `VOICES` and nobody else, in the order of their files' names.

    A file is left out if its parts have other names, if its signature changes within it, or if a pitch
    lies outside the roll when the signature is taken away (`without_signature`).

    Parameters
    ----------
    corpus : path of a folder that holds the files; without it, that of the installed music21.

    Raises ImportError where music21 is not installed, ValueError for a folder without the files.
    """
    if corpus is None:
        spec = find_spec("music21")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError(
                "chorales reads the files of chorales that the package music21 carries, which is not "
                "installed here. Install it with: pip install music21==10.5.1"
            )
        corpus = Path(spec.submodule_search_locations[0]) / "corpus" / "bach"
    paths = sorted(corpus.glob("*.mxl"))
    if not paths:
        raise ValueError(f"corpus must be a folder with files *.mxl, got {corpus}")
    found = []
    for path in paths:
        try:
            chorale = read_chorale(path)
            roll(without_signature(chorale).pitches)
        except ValueError:
            continue
        found.append(chorale)
    return found


def read_chorale(path: Path) -> Chorale:
    """The chorale of a compressed file of MusicXML (`.mxl`).

    The grid is that of the bars: where a chorale begins with a part of a bar, its first quarter is the
    first that begins within it.

    Raises ValueError for a file that is none, has other parts than `VOICES`, more than one note at once in a
    part, or more than one signature.
    """
    try:
        with ZipFile(path) as file:
            container = ET.fromstring(file.read("META-INF/container.xml"))
            [name] = [part.attrib["full-path"] for part in container.iterfind(".//{*}rootfile")]
            score = ET.fromstring(file.read(name))
    except (BadZipFile, KeyError, ET.ParseError) as error:
        raise ValueError(f"{path.name} is no compressed MusicXML: {error}") from error
    names = tuple(name.text for name in score.iterfind("part-list/score-part/part-name"))
    if names != VOICES:
        raise ValueError(f"{path.name} must have the parts {VOICES}, got {names}")
    if any(score.find(several) is not None for several in (".//note/chord", ".//backup")):
        raise ValueError(f"{path.name} must have one note at a time in each part")
    sharps = {int(fifths.text or "") for fifths in score.iter("fifths")}
    if len(sharps) != 1:
        raise ValueError(f"{path.name} must have one signature, got {sorted(sharps)}")
    voices = [_sung(part) for part in score.iterfind("part")]
    quarters = min(map(len, voices))
    pitches = np.stack([voice[:quarters] for voice in voices], axis=1)
    return Chorale(path.stem, sharps.pop(), pitches)


def _sung(part: ET.Element) -> Pitches:
    """What a part sings on each quarter (T,)."""
    divisions = int(part.findtext(".//divisions") or "")
    starts, pitches, now = [], [], 0
    bars: list[int] = []
    for measure in part.iterfind("measure"):
        bars.append(now)
        for note in measure.iterfind("note"):
            starts.append(now)
            pitches.append(_pitch(note.find("pitch")))
            now += int(note.findtext("duration") or 0)  # a grace note has none
    first = (bars[1] if len(bars) > 1 else 0) % divisions
    grid = np.arange(first, now, divisions)
    return np.array(pitches, np.int64)[np.searchsorted(starts, grid, side="right") - 1]


def _pitch(pitch: ET.Element | None) -> int:
    if pitch is None:
        return REST
    step, octave = pitch.findtext("step") or "", int(pitch.findtext("octave") or "")
    return 12 * (octave + 1) + _STEPS[step] + int(pitch.findtext("alter") or 0)


def without_signature(chorale: Chorale) -> Chorale:
    """The same chorale higher or lower, so that it needs neither sharps nor flats at the clef.

    It moves by at most six semitones: C major stays, D major goes down by two, A major up by three.

    >>> two = Chorale("", 2, np.array([[74, 69, 66, 0]]))
    >>> without_signature(two).pitches
    array([[72, 67, 64,  0]])
    """
    semitones = (-7 * chorale.sharps + 6) % 12 - 6
    moved = np.where(chorale.pitches == REST, REST, chorale.pitches + semitones)
    return chorale._replace(sharps=0, pitches=moved)


def roll(pitches: Sequence[Sequence[int]] | Pitches) -> Array:
    """Which keys are down on each quarter: 1 or 0, an array (T, `KEYS`) from `LOWEST` on.

    Two voices on one pitch press one key. Raises ValueError for a pitch outside the roll.

    >>> keys = roll([[72, 67, 64, 48], [72, 72, 0, 48]])
    >>> keys.shape, keys.sum(axis=1)
    ((2, 54), array([4., 2.]))
    """
    sung = np.asarray(pitches)
    if sung.ndim != 2 or not np.issubdtype(sung.dtype, np.integer):
        raise ValueError(f"pitches must be whole numbers (T, voices), got {sung.dtype} of shape {sung.shape}")
    t, voice = np.nonzero(sung != REST)
    heard = sung[t, voice]
    if heard.size and not LOWEST <= heard.min() <= heard.max() <= HIGHEST:
        raise ValueError(
            f"a pitch must be 0 or lie from {LOWEST} to {HIGHEST}, got {sung.min()}, {sung.max()}"
        )
    keys = np.zeros((len(sung), KEYS))
    keys[t, heard - LOWEST] = 1
    return keys


def relatives(some: Sequence[Chorale], run: int = 12) -> NDArray[np.intp]:
    """Which chorales belong together: a number for each, the same for two whose melodies share a run.

    A melody is the soprano's, as steps from one quarter to the next, so it is the same in all keys; `run` is
    how many steps in a row two must share. Two that share none have the same number too where a third
    shares a run with each, and so on. A family has the number of its first chorale.

    >>> low, other = np.array([[60], [62], [64], [65]]), np.array([[60], [59], [57], [55]])
    >>> some = [Chorale("", 0, pitches) for pitches in (low, other, low + 5)]
    >>> relatives(some, run=3)
    array([0, 1, 0])
    """
    melodies = [tuple(map(str, np.diff(chorale.pitches[:, 0]))) for chorale in some]
    return linked(melodies, check_size(run, "run"))
