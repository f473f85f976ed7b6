"""Folk tunes as symbols, for `applications/composing`: read from ABC files, told apart, counted, heard.

The files are those of two collections that the package `music21` carries: *O'Neill's Music of Ireland*, of
1903, and *Ryan's Mammoth Collection*, of 1883. They are read by path; the package itself is not imported.

A tune here is one line: every part once, with its last ending, one note at a time. A symbol is a pitch as
ABC writes it (`G`, `^c`, `d'`; `z` is a rest), a length that follows it where it is not 1 (`2`, `/2`, `3/2`),
`>` or `<` between two notes (the first one and a half times as long and the second half as long, or the other
way round), `(3` before three notes in the time of two, or `|`, a bar line. Lengths count in units that the
metre fixes: an eighth note, in 2/4 a sixteenth. Letters are read with the key's sharps and flats, as in ABC.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstmlib.activations import Array
from lstmlib.checks import check_size

COLLECTIONS = ("oneills1850", "ryansMammoth")
"""The folders of music21's corpus that are read, and no others."""

METRES = {"6/8": 6, "C|": 8, "C": 8, "2/4": 8, "3/4": 6, "9/8": 9}
"""The metres, each with the length of a bar in its units."""

KEYS = {"A": 3, "Am": 0, "Bb": -2, "C": 0, "D": 2, "Dm": -1, "Em": 1, "F": -1, "G": 1, "Gm": -2}
"""The keys, each with its sharps; flats are negative."""

BAR, REST, TRIPLET, DOTTED, SNAP = "|", "z", "(3", ">", "<"
PITCHES = (
    *("G,", "A,", "B,", "C", "D", "E", "F", "G", "A", "B"),
    *("c", "d", "e", "f", "g", "a", "b", "c'", "d'", "e'"),
    *("^D", "^F", "^G", "^A", "^c", "^d", "^f", "^g"),
    *("=E", "=F", "=G", "=B", "=c", "=d", "=e", "=f", "=g"),
    *("_B", "_e"),
)
LENGTHS = ("2", "3", "4", "6", "8", "/2", "3/2", "/4")
SYMBOLS = (*PITCHES, REST, *LENGTHS, DOTTED, SNAP, TRIPLET, BAR)
"""All symbols of the tunes that `folk_tunes` reads; those that stand there less often are left out."""

_UNITS = {"2/4": Fraction(1, 16)}
_PITCH = re.compile(r"(\^|_|=|)([A-Ga-g])([,']*)")
_LENGTH = re.compile(r"\d+(/\d+)?|/\d+")
_TOKEN = re.compile(
    r"(?P<pitch>(?:\^|_|=)?[A-Ga-g][,']*|[zx])(?P<length>\d*/*\d*)"
    r"|(?P<broken>[<>])(?![<>])|\((?P<tuplet>\d)|(?P<bar>[|:\[\]]+ *(?:\[? *(?P<ending>\d))?)"
    r"|[-(). ~*`\t\\H-Yh-wy]"
)
_LEFT_OUT = re.compile(r'%.*|"[^"]*"|\{[^}]*\}|![^!\n]*!|\[[IPQRNr]:[^]]*\]|\+[a-z]+\+')
_CHORD = re.compile(r"\[((?:[=^_]?[A-Ga-g][,']*\d*/*\d*)+)\](\d*/*\d*)")


class Tune(NamedTuple):
    """A tune: what it is called, where it stands, its metre, its key, and its symbols."""

    title: str
    collection: str
    metre: str
    key: str
    symbols: tuple[str, ...]


class Note(NamedTuple):
    """A note that sounds: its pitch as MIDI counts it (60 is the middle C), when, and how long, in units."""

    pitch: int
    start: float
    length: float


def folk_tunes(corpus: Path | None = None) -> list[Tune]:
    """The tunes of both collections, in the order of files and numbers.

    A tune is left out if its metre or key is none of `METRES` and `KEYS`, if these change within it, if it
    has a sign that none of `SYMBOLS` says, such as a group of five notes, or fewer than 40 symbols or more
    than 400.

    Parameters
    ----------
    corpus : path of a folder that holds those of `COLLECTIONS`; without it, that of the installed music21.

    Raises ImportError where music21 is not installed, ValueError for a folder without the collections.
    """
    if corpus is None:
        spec = find_spec("music21")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError(
                "folk_tunes reads the collections of tunes that the package music21 carries, which is not "
                "installed here. Install it with: pip install music21==10.5.1"
            )
        corpus = Path(spec.submodule_search_locations[0]) / "corpus"
    tunes, known = [], set(SYMBOLS)
    for collection in COLLECTIONS:
        paths = sorted((corpus / collection).glob("*.abc"))
        if not paths:
            raise ValueError(f"corpus must be a folder with {collection}/*.abc, got {corpus}")
        for path in paths:
            text = path.read_bytes().decode("latin-1").replace("\r", "")
            for part in re.split(r"^(?=X:)", text, flags=re.M)[1:]:
                try:
                    tune = read_tune(part, collection)
                except ValueError:
                    continue
                if known.issuperset(tune.symbols) and 40 <= len(tune.symbols) <= 400:
                    tunes.append(tune)
    return tunes


def read_tune(text: str, collection: str = "") -> Tune:
    """The tune of a text in ABC.

    Raises ValueError for a key, a metre or a sign that this module does not know.

    >>> tune = read_tune("X:1\\nT:Two bars\\nM:6/8\\nL:1/8\\nK:G\\nG2A B>cd | {e}g3 (3def g |]")
    >>> tune.key, " ".join(tune.symbols)
    ('G', 'G 2 A B > c d | g 3 (3 d e f g')
    """
    head, found, rest = text.partition("\nK:")
    if not found:
        raise ValueError("text must have a line that begins with K:, the key")
    fields = dict(re.findall(r"^([TML]): *(.*?) *(?:%.*)?$", head, re.M)[::-1])  # the first of each
    written_key, _, body = rest.partition("\n")
    body = re.split(r"\n\s*\n", body)[0]
    key = re.sub(r"min(or)?$|m$", "m", re.sub(r"maj(or)?$|M$", "", written_key.split("%")[0].strip()))
    metre = {"4/4": "C", "2/2": "C|"}.get(fields.get("M", ""), fields.get("M", ""))
    if key not in KEYS:
        raise ValueError(f"the key must be one of {list(KEYS)}, got {written_key!r}")
    if metre not in METRES:
        raise ValueError(f"the metre must be one of {list(METRES)}, got {fields.get('M')!r}")
    if re.search(r"^[KML]:|\[[KML]:", body, re.M):
        raise ValueError("key, metre and unit must not change within a tune")
    body = re.sub(r"^[A-Za-z]:.*$", "", body, flags=re.M)
    unit = Fraction(fields.get("L", "1/8")) / _UNITS.get(metre, Fraction(1, 8))
    return Tune(fields.get("T", ""), collection, metre, key, tuple(_symbols(body, unit)))


def _symbols(body: str, unit: Fraction) -> list[str]:
    """The symbols of a tune's lines; `unit` is their unit of length, in ours."""
    text = re.sub(r"\\?\n", " ", _LEFT_OUT.sub("", body))
    text = _CHORD.sub(lambda chord: _highest(chord[1]) + chord[2], text)
    symbols: list[str] = []
    place, skipping = 0, False
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"the tune has a sign that no symbol says: {text[place : place + 8]!r}")
        place = token.end()
        if token["bar"]:
            # Of two endings the second is kept: the first is skipped, up to the sign that repeats
            skipping = (skipping and ":" not in token["bar"] and not token["ending"]) or token[
                "ending"
            ] == "1"
            if symbols and symbols[-1] != BAR:
                symbols.append(BAR)
        elif skipping:
            continue
        elif token["pitch"]:
            symbols.append(token["pitch"].replace("x", REST))
            length = _fraction(token["length"]) * unit
            if length != 1:
                symbols.append(_length_symbol(length))
        elif token["broken"]:
            symbols.append(token["broken"])
        elif token["tuplet"]:
            if token["tuplet"] != "3":
                raise ValueError(f"the tune has a group of {token['tuplet']} notes")
            symbols.append(TRIPLET)
    while symbols and symbols[-1] == BAR:
        symbols.pop()
    if not any(map(is_pitch, symbols)):
        raise ValueError("the tune has no note")
    return symbols


def _highest(chord: str) -> str:
    """The highest note of a chord, where the melody is, with its length; accidentals do not count."""
    notes = re.findall(r"[=^_]?[A-Ga-g][,']*\d*/*\d*", chord)
    return max(notes, key=lambda note: _step(_pitch_of(note)[1:]))


def _pitch_of(note: str) -> tuple[str, str, str]:
    found = _PITCH.match(note)
    assert found is not None
    return found[1], found[2], found[3]


def _step(name: tuple[str, str] | Sequence[str]) -> int:
    """The place of a letter with its marks on the staff: C is 0, D 1, c 7."""
    letter, marks = name
    octave = letter.islower() + marks.count("'") - marks.count(",")
    return "CDEFGAB".index(letter.upper()) + 7 * octave


def _fraction(length: str) -> Fraction:
    """What ABC's length says: "" is 1, "3" 3, "/" and "/2" a half, "3/2" one and a half."""
    above, slash, below = length.partition("/")
    halves = below.count("/") + 1
    return Fraction(int(above or 1), (int(below.strip("/") or 2**halves)) if slash else 1)


def _length_symbol(length: Fraction) -> str:
    above = "" if length.numerator == 1 and length.denominator > 1 else str(length.numerator)
    return above if length.denominator == 1 else f"{above}/{length.denominator}"


def is_pitch(symbol: str) -> bool:
    """Whether a symbol is a note with a pitch; a rest is none.

    >>> [symbol for symbol in ("G", "^c'", "z", "2", "|", "(3") if is_pitch(symbol)]
    ['G', "^c'"]
    """
    return _PITCH.fullmatch(symbol) is not None


def families(tunes: Sequence[Tune], run: int = 16) -> NDArray[np.intp]:
    """Which tunes belong together: a number for each, the same for two that share `run` symbols in a row.

    Two that share none have the same number too where a third shares a run with each, and so on. A family
    has the number of its first tune.

    >>> tunes = [Tune("", "", "C", "G", tuple(line)) for line in ("ABcd", "gfeA", "Bcde", "fedc")]
    >>> families(tunes, run=3)
    array([0, 1, 0, 3])
    """
    return linked([tune.symbols for tune in tunes], run)


def linked(lines: Sequence[Sequence[str]], run: int) -> NDArray[np.intp]:
    """`families` for any lines of symbols: a number for each, the same for those linked by shared runs.

    >>> linked(["ABcd", "gfeA", "Bcde", "fedc"], run=3)
    array([0, 1, 0, 3])
    """
    run, parent = check_size(run, "run"), list(range(len(lines)))

    def first(k: int) -> int:
        while parent[k] != k:
            parent[k] = k = parent[parent[k]]
        return k

    owner: dict[tuple[str, ...], int] = {}
    for k, line in enumerate(map(tuple, lines)):
        for place in range(len(line) - run + 1):
            other = first(owner.setdefault(line[place : place + run], k))
            if other != first(k):
                parent[max(other, first(k))] = min(other, first(k))
    return np.array([first(k) for k in range(len(lines))], np.intp)


def places(symbols: Sequence[str]) -> Array:
    """Before each symbol, how much time has passed since the last bar line, in units.

    >>> places(["A", "2", "B", ">", "c", "|", "(3", "d", "e", "f"]).round(2)
    array([0.  , 1.  , 2.  , 3.  , 3.5 , 4.  , 0.  , 0.  , 0.67, 1.33])
    """
    return np.array(_perform(symbols)[0]) / 3


def bar_lengths(symbols: Sequence[str]) -> Array:
    """How long each bar is, in units: from the beginning to the first bar line, and so on to the end.

    >>> bar_lengths(["A", "|", "B", "2", "c", "|", "d", "3"])
    array([1., 3., 3.])
    """
    return np.array(_perform(symbols)[2]) / 3


def bars_that_add_up(symbols: Sequence[str], metre: str) -> NDArray[np.bool_]:
    """Whether each bar has the metre's length; the first and the last, often parts of one, are left out.

    Raises ValueError for a metre that there is not.

    >>> bars_that_add_up("A | B c d e f g | a b c | d".split(), "6/8")
    array([ True, False])
    """
    if metre not in METRES:
        raise ValueError(f"metre must be one of {list(METRES)}, got {metre!r}")
    return bar_lengths(symbols)[1:-1] == METRES[metre]


def ends_on_key_note(symbols: Sequence[str], key: str) -> bool:
    """Whether the last note, in any octave, is the one that the key is named after.

    Raises ValueError for a key that there is not.

    >>> ends_on_key_note(["d", "G", "2"], "Gm"), ends_on_key_note(["G", "B"], "G")
    (True, False)
    """
    _check_key(key)
    played = _perform(symbols, key)[1]
    scale = notes_of([key[0]], key)[0].pitch
    return bool(played) and (played[-1].pitch - scale) % 12 == 0


def notes_of(symbols: Sequence[str], key: str) -> list[Note]:
    """What sounds, in order: letters become pitches by the key, or by an accidental before them in the bar.

    Symbols may stand in any order, as where a network wrote them. A length, `>` or `<` that follows no note
    of its bar changes nothing. Raises ValueError for a key that there is not.

    >>> [note.pitch for note in notes_of("F ^c c f | c".split(), "G")]
    [66, 73, 73, 78, 72]
    >>> notes_of("A > B".split(), "G")[1]
    Note(pitch=71, start=1.5, length=0.5)
    """
    _check_key(key)
    return [Note(pitch, start / 3, length / 3) for pitch, start, length in _perform(symbols, key)[1]]


def _check_key(key: str) -> None:
    if key not in KEYS:
        raise ValueError(f"key must be one of {list(KEYS)}, got {key!r}")


def _perform(symbols: Sequence[str], key: str = "C") -> tuple[list[float], list[Note], list[float]]:
    """The place in the bar before each symbol, all notes, and the length of each bar.

    All in thirds of a unit, so that three notes in the time of two stay exact.
    """
    signature = _signature(key)
    before: list[float] = []
    notes: list[Note] = []
    bars: list[float] = []
    place, begin, last, factor, triplet = 0.0, 0.0, 0.0, 1.0, 0
    held: dict[str, int] = {}
    sounding = False
    for symbol in symbols:
        before.append(place)
        if symbol == BAR:
            bars.append(place)
            begin, place, last, held = begin + place, 0.0, 0.0, {}
            continue
        if symbol == TRIPLET:
            triplet = 3
            continue
        if symbol in (DOTTED, SNAP):
            change = (last if symbol == DOTTED else -last) / 2
            factor = (0.5 if symbol == DOTTED else 1.5) if last else factor
        elif symbol == REST or is_pitch(symbol):
            change = factor * (2 if triplet else 3)
            last, factor, triplet, sounding = 0.0, 1.0, max(0, triplet - 1), symbol != REST
            if sounding:
                notes.append(Note(_midi(symbol, signature, held), begin + place, 0.0))
        else:
            change = last * (float(_fraction(symbol)) - 1)
        place, last = place + change, last + change
        if sounding and last:
            notes[-1] = notes[-1]._replace(length=last)
    return before, notes, [*bars, place]


def _signature(key: str) -> dict[str, int]:
    """The letters that a key raises by a semitone, or lowers."""
    sharps = KEYS[key]
    if sharps >= 0:
        return dict.fromkeys("FCGDAEB"[:sharps], 1)
    return dict.fromkeys("BEADGCF"[:-sharps], -1)


def _midi(symbol: str, signature: dict[str, int], held: dict[str, int]) -> int:
    """The pitch of a note; its accidental is `held` for the rest of the bar."""
    accidental, letter, marks = _pitch_of(symbol)
    if accidental:
        held[letter + marks] = {"^": 1, "_": -1, "=": 0}[accidental]
    octave = letter.islower() + marks.count("'") - marks.count(",")
    natural = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}[letter.upper()]
    return natural + 12 * octave + held.get(letter + marks, signature.get(letter.upper(), 0))
