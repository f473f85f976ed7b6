"""Chorales in four parts: what MusicXML says, which keys that presses, and which chorales belong together."""

import importlib.util
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import chorales as module
from lstmlib.chorales import (
    HIGHEST,
    KEYS,
    LOWEST,
    VOICES,
    Chorale,
    chorales,
    read_chorale,
    relatives,
    roll,
    without_signature,
)

CONTAINER = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'


def note(text):
    """A note in XML from one such as `C#4:2`, a rest from `-:2`; a grace note has no length."""
    name, _, length = text.partition(":")
    duration = f"<duration>{length}</duration>" if length else "<grace/>"
    if name == "-":
        return f"<note><rest/>{duration}</note>"
    alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(name[1:-1], "")
    return f"<note><pitch><step>{name[0]}</step>{alter}<octave>{name[-1]}</octave></pitch>{duration}</note>"


def part_of(bars, divisions=2, sharps=0):
    """The inside of a part: bars are separated by `|`."""
    head = f"<attributes><divisions>{divisions}</divisions><key><fifths>{sharps}</fifths></key></attributes>"
    measures = ["".join(map(note, bar.split())) for bar in bars.split("|")]
    return "".join(f"<measure>{head * (k == 0)}{inside}</measure>" for k, inside in enumerate(measures))


def score_of(parts, names=VOICES):
    listed = "".join(f"<score-part><part-name>{name}</part-name></score-part>" for name in names)
    inside = "".join(f"<part>{part}</part>" for part in parts)
    return f"<score-partwise><part-list>{listed}</part-list>{inside}</score-partwise>"


@pytest.fixture
def file(tmp_path):
    """Writes a score into a compressed file, by default as `score.xml`."""

    def write(score, name="one", container=CONTAINER):
        path = tmp_path / f"{name}.mxl"
        with ZipFile(path, "w") as packed:
            if container:
                packed.writestr("META-INF/container.xml", container)
            packed.writestr("score.xml", score)
        return path

    return write


def sung(file, bars, divisions=2):
    """What a soprano sings, while the others have the same note throughout."""
    others = [part_of("G3:99")] * 3
    return read_chorale(file(score_of([part_of(bars, divisions), *others]))).pitches[:, 0].tolist()


@pytest.mark.parametrize(
    ("bars", "pitches"),
    [
        ("C4:2 D4:2 E4:2 F4:2", [60, 62, 64, 65]),
        ("C4:4 D4:2 | B3:8", [60, 60, 62, 59, 59, 59, 59]),
        ("C4:1 D4:1 E4:3 F4:1", [60, 64, 64]),
        ("C4:2 -:4 D4:2", [60, 0, 0, 62]),
        ("Bb4:2 F#4:2 Cb4:2 B#4:2", [70, 66, 59, 72]),
        ("C4:2 D4 E4:2", [60, 64]),
        # Bars give the grid, also where the first is only part of one
        ("C4:2 | D4:2 E4:2", [60, 62, 64]),
        ("C4:1 | D4:2 E4:2", [62, 64]),
        ("C4:1 D4:2 | E4:2 F4:2", [62, 64, 65]),
    ],
)
def test_a_voice_is_what_it_sings_on_each_quarter(file, bars, pitches):
    assert sung(file, bars) == pitches


def test_lengths_count_in_the_divisions_of_each_part(file):
    assert sung(file, "C4:12 D4:6 E4:6 F4:12", divisions=12) == [60, 62, 65]
    parts = [part_of(f"C4:{d} D4:{d} E4:{d}", d) for d in (1, 2, 3, 24)]
    found = read_chorale(file(score_of(parts)))
    assert found.pitches.tolist() == [[60] * 4, [62] * 4, [64] * 4]


def test_a_chorale_has_the_name_of_its_file_and_its_signature_and_the_quarters_that_all_have(file):
    parts = [part_of("C4:8", sharps=-3), *[part_of("C4:4 E4:2", sharps=-3)] * 3]
    found = read_chorale(file(score_of(parts), "bwv1"))
    assert (found.file, found.sharps) == ("bwv1", -3)
    assert found.pitches.tolist() == [[60] * 4, [60] * 4, [60, 64, 64, 64]]


WHOLE = [part_of("C4:2 D4:2")] * 4


@pytest.mark.parametrize(
    ("score", "options", "message"),
    [
        ("no xml", {}, "one.mxl is no compressed MusicXML: syntax error"),
        (score_of(WHOLE), {"container": ""}, "one.mxl is no compressed MusicXML: .*container.xml"),
        (
            score_of(WHOLE),
            {"container": CONTAINER.replace("score", "other")},
            "no compressed MusicXML: .*other.xml",
        ),
        (score_of(WHOLE[:2], ("Soprano", "Horn")), {}, r"must have the parts .* got \('Soprano', 'Horn'\)"),
        (score_of([part_of("C4:2", sharps=k % 2) for k in range(4)]), {}, r"one signature, got \[0, 1\]"),
        (score_of(WHOLE).replace("<pitch>", "<chord/><pitch>", 1), {}, "must have one note at a time"),
        (score_of(WHOLE).replace("</note>", "</note><backup/>", 1), {}, "must have one note at a time"),
    ],
)
def test_a_file_that_is_no_chorale_says_why(file, score, options, message):
    with pytest.raises(ValueError, match=message):
        read_chorale(file(score, **options))


def test_a_file_that_is_not_zipped_says_so(tmp_path):
    path = tmp_path / "two.mxl"
    path.write_text(score_of(WHOLE))
    with pytest.raises(ValueError, match=r"two\.mxl is no compressed MusicXML: File is not a zip"):
        read_chorale(path)


def test_a_folder_gives_its_chorales_in_order_and_leaves_out_the_rest(file, tmp_path):
    file(score_of(WHOLE), "b")
    file(score_of(WHOLE[:2], ("Soprano", "Horn")), "c")
    file(score_of([part_of("C8:2 D4:2")] * 4), "d")  # higher than the roll
    path = file(score_of(WHOLE), "a")
    assert [chorale.file for chorale in chorales(path.parent)] == ["a", "b"]
    with pytest.raises(ValueError, match=r"corpus must be a folder with files \*\.mxl"):
        chorales(tmp_path / "nowhere")


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install music21==10\.5\.1"):
        chorales()


@pytest.mark.skipif(importlib.util.find_spec("music21") is None, reason="music21 carries the chorales")
def test_the_chorales_of_the_package_are_those_that_the_page_counts():
    found = chorales()
    assert (len(found), sum(len(chorale.pitches) for chorale in found)) == (361, 19_689)
    assert len(set(relatives(found))) == 202
    for chorale in found:
        assert chorale.pitches.shape == (len(chorale.pitches), 4)
        assert abs(without_signature(chorale).pitches - chorale.pitches).max() <= 6
    four = np.concatenate([roll(chorale.pitches).sum(axis=1) == 4 for chorale in found])
    assert four.mean() > 0.85
    # A reader with a wrong grid or accidental finds other last chords than these
    [one] = [chorale for chorale in found if chorale.file == "bwv10.7"]
    assert (one.sharps, one.pitches[-1].tolist()) == (-2, [67, 62, 59, 43])


def test_a_signature_goes_by_the_shortest_way_and_rests_stay():
    major = {0: 0, 1: 7, 2: 2, 3: 9, 4: 4, 5: 11, -1: 5, -2: 10, -3: 3, -4: 8, -5: 1, 6: 6, 7: 1, -7: 11}
    for sharps, tonic in major.items():
        chorale = Chorale("", sharps, np.array([[60 + tonic, 0, 48 + tonic, 36 + tonic]]))
        moved = without_signature(chorale)
        assert moved.sharps == 0
        assert moved.pitches[0, 1] == 0
        assert set(moved.pitches[0, [0, 2, 3]] % 12) == {0}
        assert abs(moved.pitches - chorale.pitches).max() <= 6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.just(0) | st.integers(LOWEST, HIGHEST), min_size=4, max_size=4), max_size=8))
def test_a_roll_has_the_keys_that_are_sung_and_no_others(pitches):
    found = roll(np.array(pitches, int).reshape(-1, 4))
    assert found.shape == (len(pitches), KEYS)
    for keys, sung_now in zip(found, pitches, strict=True):
        assert {int(k) + LOWEST for k in np.flatnonzero(keys)} == set(sung_now) - {0}
        assert set(keys) <= {0, 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: roll([[60.5, 48]]), r"whole numbers \(T, voices\), got float64 of shape \(1, 2\)"),
        (lambda: roll(np.array([60, 48])), r"whole numbers \(T, voices\), got int64 of shape \(2,\)"),
        (lambda: roll([[LOWEST - 1, 60]]), "0 or lie from 31 to 84, got 30, 60"),
        (lambda: roll([[60, HIGHEST + 1]]), "0 or lie from 31 to 84, got 60, 85"),
        (lambda: roll([[60, -60]]), "0 or lie from 31 to 84, got -60, 60"),
        (lambda: relatives([], run=0), "run must be a whole number of at least 1, got 0"),
        (lambda: relatives([], run=2.5), "run must be a whole number of at least 1, got 2.5"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()


lines = st.lists(st.sampled_from([60, 62, 64]), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(melodies=st.lists(lines, min_size=1, max_size=7), run=st.integers(1, 4), data=st.data())
def test_relatives_are_linked_by_shared_runs_in_whatever_key_and_by_nothing_else(melodies, run, data):
    shifts = [data.draw(st.integers(-5, 5)) for _ in melodies]
    some = [
        Chorale("", 0, np.array(line)[:, None] + shift) for line, shift in zip(melodies, shifts, strict=True)
    ]
    steps = [np.diff(line).tolist() for line in melodies]
    runs = [{tuple(line[t : t + run]) for t in range(len(line) - run + 1)} for line in steps]
    linked = np.array([[bool(a & b) or a is b for b in runs] for a in runs])
    for _ in melodies:  # until nothing more is reached
        linked = linked @ linked
    found = relatives(some, run)
    np.testing.assert_array_equal(found[:, None] == found, linked)
    assert all(found[k] == np.flatnonzero(row)[0] for k, row in enumerate(linked))


def test_the_other_voices_make_no_relatives():
    melodies = np.array([[60, 62, 64, 65], [60, 59, 57, 55]])
    same = np.array([50, 52, 53, 55])
    some = [Chorale("", 0, np.stack([melody, same], axis=1)) for melody in melodies]
    assert relatives(some, run=3).tolist() == [0, 1]
    assert relatives([]).tolist() == []
