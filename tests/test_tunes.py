"""Folk tunes: what ABC says, what belongs together, how long a bar is and how it sounds."""

import importlib.util
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib import tunes as module
from lstmlib.tunes import (
    COLLECTIONS,
    KEYS,
    LENGTHS,
    METRES,
    SYMBOLS,
    Note,
    Tune,
    bar_lengths,
    bars_that_add_up,
    ends_on_key_note,
    families,
    folk_tunes,
    is_pitch,
    notes_of,
    places,
    read_tune,
)

HEAD = "X:1\nT:A tune\nM:{}\nL:{}\nK:{}\n"


def symbols_of(body, metre="C", unit="1/8", key="D"):
    return " ".join(read_tune(HEAD.format(metre, unit, key) + body).symbols)


@pytest.mark.parametrize(
    ("body", "symbols"),
    [
        ("ABc d2e/f//|", "A B c d 2 e /2 f /4"),
        ("^c_B=f g,G,c'|", "^c _B =f g, G, c'"),
        ("A>B c<d|e3/2f/|", "A > B c < d | e 3/2 f /2"),
        ("(3ABc (de)f-f|", "(3 A B c d e f f"),
        ('{ag}A "Am"B !trill!c ~d .e u"2"f|', "A B c d e f"),
        ("|:A B:|\n|:c d:|", "A B | c d"),
        ("A B||c d|]", "A B | c d"),
        ("A|1B:|2c||d", "A | c | d"),
        ("A |[1 B c :| [2 d |", "A | d"),
        ("A |1 B | c :|2 d e | f", "A | d e | f"),
        ("[Ac]B [DFA]2 [^fd]", "c B A 2 ^f"),
        ("z2 A x3\\\nB % said twice: AAAA\nc", "z 2 A z 3 B c"),
        ("A\nw: la la\nB\n\nX:2\n", "A B"),
    ],
)
def test_a_line_of_abc_says_its_symbols(body, symbols):
    assert symbols_of(body) == symbols


def test_lengths_count_in_the_units_of_the_metre():
    assert symbols_of("A2 B c/", "2/4", "1/16") == "A 2 B c /2"
    assert symbols_of("A2 B c/", "2/4", "1/8") == "A 4 B 2 c"
    assert symbols_of("A2 B c/", "6/8", "1/4") == "A 4 B 2 c"
    assert symbols_of("A2 B c/", "6/8", "1/16") == "A B /2 c /4"


@pytest.mark.parametrize(
    ("metre", "key", "read"),
    [
        ("4/4", "Am", ("C", "Am")),
        ("2/2", "Amin", ("C|", "Am")),
        ("C|", "GM", ("C|", "G")),
        ("6/8", "Bb", ("6/8", "Bb")),
    ],
)
def test_names_of_metres_and_keys_are_read_in_all_spellings(metre, key, read):
    tune = read_tune(HEAD.format(metre, "1/8", key) + "ABc|", "a book")
    assert (tune.metre, tune.key) == read
    assert (tune.title, tune.collection) == ("A tune", "a book")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.format("C", "1/8", "Ddor") + "A|", r"the key must be one of \[.*'Gm'\], got 'Ddor'"),
        (HEAD.format("5/4", "1/8", "D") + "A|", r"the metre must be one of \['6/8', .*\], got '5/4'"),
        (HEAD.format("C", "1/8", "D") + "A|\nK:G\nB|", "must not change within a tune"),
        (HEAD.format("C", "1/8", "D") + "A [M:6/8] B|", "must not change within a tune"),
        (HEAD.format("C", "1/8", "D") + "(5ABcde|", "a group of 5 notes"),
        (HEAD.format("C", "1/8", "D") + "A>>B|", "no symbol says: '>>B|'"),
        (HEAD.format("C", "1/8", "D") + "Z4|", "no symbol says: 'Z4|'"),
        (HEAD.format("C", "1/8", "D") + "z|z|", "no note"),
        ("X:1\nT:Without a key\n", "a line that begins with K:"),
    ],
)
def test_what_no_symbol_says_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        read_tune(text)


@pytest.fixture
def corpus(tmp_path):
    """Two books of two tunes and of one, and what is no tune for us."""
    line = "ABcd efga | bagf edcB | " * 4
    for k, collection in enumerate(COLLECTIONS):
        (tmp_path / collection).mkdir()
        text = HEAD.format("C", "1/8", "D") + line + "\n\n" + HEAD.format("C", "1/8", "Dlyd") + line
        text += "\n\n" + HEAD.format("C", "1/8", "D") + line * (1 - k) + "A|\n"
        (tmp_path / collection / "1.abc").write_text(text.replace("\n", "\r\n"), encoding="latin-1")
    return tmp_path


def test_both_books_are_read_and_tunes_that_are_too_short_or_in_another_key_are_left_out(corpus):
    found = folk_tunes(corpus)
    assert [tune.collection for tune in found] == [COLLECTIONS[0], COLLECTIONS[0], COLLECTIONS[1]]
    assert all(set(tune.symbols) <= set(SYMBOLS) for tune in found)


def test_what_is_missing_is_said(corpus, monkeypatch):
    (corpus / COLLECTIONS[1] / "1.abc").unlink()
    with pytest.raises(ValueError, match=f"corpus must be a folder with {COLLECTIONS[1]}/"):
        folk_tunes(corpus)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install music21==10\.5\.1"):
        folk_tunes()


@pytest.mark.skipif(importlib.util.find_spec("music21") is None, reason="music21 carries the tunes")
def test_the_tunes_of_the_package_are_those_that_the_page_counts():
    found = folk_tunes()
    assert len(found) == 2747
    assert {tune.key for tune in found} == set(KEYS)
    assert {tune.metre for tune in found} == set(METRES)
    used = {symbol for tune in found for symbol in tune.symbols}
    assert used == set(SYMBOLS)
    shares = [bars_that_add_up(tune.symbols, tune.metre) for tune in found]
    assert np.concatenate(shares).mean() > 0.85  # a reader that miscounts lengths has none


letters = st.text("abc", min_size=1, max_size=12).map(tuple)


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(letters, min_size=1, max_size=8), n=st.integers(1, 5))
def test_families_are_linked_by_shared_runs_and_by_nothing_else(lines, n):
    found = families([Tune("", "", "C", "G", line) for line in lines], run=n)
    runs = [{line[t : t + n] for t in range(len(line) - n + 1)} for line in lines]
    linked = np.array([[bool(a & b) or a is b for b in runs] for a in runs])
    for _ in lines:  # until nothing more is reached
        linked = linked @ linked
    np.testing.assert_array_equal(found[:, None] == found, linked)
    assert all(found[k] == np.flatnonzero(row)[0] for k, row in enumerate(linked))


def exact_bars(symbols):
    """The lengths of bars in fractions, note by note, with dots and groups."""
    bars, now, factor, left = [], [], Fraction(1), 0
    for symbol in symbols:
        if symbol == "|":
            bars.append(sum(now, Fraction(0)))
            now = []
        elif symbol == "(3":
            left = 3
        elif symbol in "<>":
            if now:
                now[-1] *= Fraction(3, 2) if symbol == ">" else Fraction(1, 2)
                factor = Fraction(1, 2) if symbol == ">" else Fraction(3, 2)
        elif is_pitch(symbol) or symbol == "z":
            now.append(factor * (Fraction(2, 3) if left else 1))
            factor, left = Fraction(1), max(0, left - 1)
        elif now:
            above, _, below = symbol.partition("/")
            now[-1] *= Fraction(int(above or 1), int(below or 1))
    return [*bars, sum(now, Fraction(0))]


@settings(max_examples=300, deadline=None)
@given(symbols=st.lists(st.sampled_from(["A", "^c", "z", "|", "(3", ">", "<", *LENGTHS]), max_size=30))
def test_bars_have_the_length_of_exact_arithmetic_whatever_order_symbols_stand_in(symbols):
    expected = exact_bars(symbols)
    np.testing.assert_allclose(bar_lengths(symbols), [float(bar) for bar in expected], rtol=1e-12, atol=1e-12)
    # The place before each symbol is the length of the bar so far
    so_far = [float(exact_bars(symbols[:t])[-1]) for t in range(len(symbols))]
    np.testing.assert_allclose(places(symbols), so_far, rtol=1e-12, atol=1e-12)
    notes = notes_of(symbols, "C")
    assert [note.pitch for note in notes] == [69 if s == "A" else 73 for s in symbols if s in ("A", "^c")]
    assert all(note.length > 0 for note in notes)
    assert all(one.start + one.length <= other.start + 1e-9 for one, other in pairwise(notes))


def test_bars_that_add_up_leave_out_the_first_and_the_last():
    line = "A | B c d e f g | a 3 b 2 | (3 a b c d > e f 2 | d"
    symbols = line.split()
    assert bars_that_add_up(symbols, "6/8").tolist() == [True, False, True]
    assert bars_that_add_up(["A"], "6/8").tolist() == []


# Keys as a piano has them: the scale of each, from its letters
SCALES = {
    "C": "60 62 64 65 67 69 71",
    "Am": "60 62 64 65 67 69 71",
    "G": "60 62 64 66 67 69 71",
    "Em": "60 62 64 66 67 69 71",
    "D": "61 62 64 66 67 69 71",
    "A": "61 62 64 66 68 69 71",
    "F": "60 62 64 65 67 69 70",
    "Dm": "60 62 64 65 67 69 70",
    "Bb": "60 62 63 65 67 69 70",
    "Gm": "60 62 63 65 67 69 70",
}


def test_a_letter_sounds_as_its_key_says():
    assert set(SCALES) == set(KEYS)
    for key, scale in SCALES.items():
        assert [note.pitch for note in notes_of("CDEFGAB", key)] == [int(pitch) for pitch in scale.split()]
        higher = [note.pitch for note in notes_of("cdefgab", key)]
        assert higher == [int(pitch) + 12 for pitch in scale.split()]
    assert [note.pitch for note in notes_of(["G,", "c'"], "C")] == [55, 84]


def test_an_accidental_holds_for_its_octave_to_the_end_of_the_bar():
    found = notes_of(["=F", "F", "f", "|", "F", "_e", "e", "|", "e"], "D")
    assert [note.pitch for note in found] == [65, 65, 78, 66, 75, 75, 76]


def test_rests_take_time_and_do_not_sound():
    assert notes_of(["A", "z", "2", "B", "2"], "C") == [Note(69, 0, 1), Note(71, 3, 2)]
    assert notes_of(["A", "z", "2", ">", "B"], "C")[-1] == Note(71, 4, 0.5)


def test_a_tune_ends_on_the_key_note_in_any_octave():
    for key in KEYS:
        letter = key[0]
        assert ends_on_key_note(["E", letter], key)
        assert ends_on_key_note([letter.lower(), "2", "z"], key)
        assert not ends_on_key_note([letter, "^" + letter], key)
    assert not ends_on_key_note([], "G")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bars_that_add_up(["A"], "7/8"), r"metre must be one of \['6/8', .*got '7/8'"),
        (lambda: notes_of(["A"], "H"), r"key must be one of \['A', .*got 'H'"),
        (lambda: ends_on_key_note(["A"], "E"), "key must be one of"),
        (lambda: families([], run=0), "run must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_told_what_to_change(call, message):
    with pytest.raises(ValueError, match=message):
        call()
