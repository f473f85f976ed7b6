"""The data against the packages it comes from, and against what the chapters rely on."""

import ast
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from lstmlib.data import (
    CHARACTERS,
    CODE_CHARACTERS,
    END,
    ENGLISH,
    GERMAN,
    PAD,
    START,
    Vocabulary,
    number_words,
    pad,
    python_source,
    reference_text,
    split,
    split_english,
    split_german,
    translation_batch,
)

# Every number below ten thousand, and some from each hundred above.
NUMBERS = [*range(10_000), *range(10_000, 1_000_000, 97), 999_999]


@pytest.fixture(scope="module")
def pairs():
    return number_words(NUMBERS)


def in_english(words):
    """English words with num2words' hyphens and commas: the inverse of `split_english`."""
    name = " ".join(words)
    for tens in ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"):
        for unit in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"):
            name = name.replace(f"{tens} {unit}", f"{tens}-{unit}")
    return name.replace("thousand ", "thousand, ").replace("thousand, and", "thousand and")


# Vocabulary


@given(st.text(alphabet=CHARACTERS))
def test_decode_undoes_encode(text):
    vocabulary = Vocabulary(CHARACTERS)
    assert "".join(vocabulary.decode(vocabulary.encode(text))) == text


def test_a_symbol_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="symbol 'z' is not in the Vocabulary of 2 symbols"):
        Vocabulary("ab").encode("az")


@pytest.mark.parametrize("number", [-1, 2])
def test_a_number_outside_the_vocabulary_is_named(number):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {number}"):
        Vocabulary("ab").decode([0, number])


def test_a_symbol_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="'b' is there 2 times"):
        Vocabulary("abcb")


def test_a_vocabulary_without_symbols_is_refused():
    with pytest.raises(ValueError, match="at least one symbol"):
        Vocabulary("")


# Characters


def test_the_text_is_long_and_in_the_alphabet():
    text = reference_text()
    assert len(text) > 100_000
    assert set(text) <= set(CHARACTERS)


def test_python_source_is_code_without_words_about_it():
    code = python_source("argparse", "csv")
    assert len(code) > 30_000
    assert set(code) <= set(CODE_CHARACTERS)
    nodes = list(ast.walk(ast.parse(code)))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    assert not any(ast.get_docstring(node) for node in nodes if isinstance(node, kinds))
    assert "#" not in "".join(line for line in code.splitlines() if "'" not in line and '"' not in line)
    assert python_source("csv") in code


def test_formatted_string_literals_become_calls_that_say_the_same(tmp_path, monkeypatch):
    literals = [
        "f'{a}'",
        "f'{{x}} {a!r:>{n}} {b:.2f}'",
        """f'{n:0{n}d} {f"{a} {{}}"}'""",
        "f'{b:+.{n}f}{a}' 'plain {}'",
    ]
    (tmp_path / "literals.py").write_text(f"said = [{', '.join(literals)}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = python_source("literals")
    values = {"a": "left", "b": 0.125, "n": 8}
    exec(code, values)
    assert values["said"] == [eval(literal, dict(values)) for literal in literals]
    assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(ast.parse(code)))


def test_a_module_without_source_is_named():
    for name in ("sys", "no_such_module"):
        with pytest.raises(ImportError, match=f"'{name}' must be a module with source code"):
            python_source(name)
    with pytest.raises(ValueError, match="must name at least one module"):
        python_source()


def test_the_text_is_prose_and_no_paragraph_is_there_twice():
    lines = reference_text().split("\n")
    assert len(lines) == len(set(lines))
    assert all(line == " ".join(line.split()) and line[0].isalpha() for line in lines)
    assert sum(" the " in line for line in lines) > len(lines) / 2


def test_the_text_is_the_same_each_time():
    assert reference_text() == reference_text()


def test_headings_code_repeats_and_foreign_characters_are_left_out(monkeypatch):
    prose = "A paragraph of ordinary prose, long enough to be kept, with “quotes” –\nand a line break."
    topics = {
        "b": f'The "if" statement\n******************\n\n{prose}\n\n   if_stmt ::= "if" expression\n',
        "a": f"{prose}\n\n{prose.replace('ordinary', 'Greek λ')}\n\n   An indented paragraph, {prose}",
        "c": f"A term that is explained\n   {prose}",
    }
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", type("topics", (), {"topics": topics}))
    assert reference_text() == prose.replace("“", '"').replace("”", '"').replace("–\n", "- ")


def test_a_python_without_its_documentation_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match="use a complete Python"):
        reference_text()


# Number words


def test_german_parts_make_the_word_of_num2words(pairs):
    assert all("".join(pair.german) == num2words(pair.number, lang="de") for pair in pairs)


def test_english_words_make_the_name_of_num2words(pairs):
    assert all(in_english(pair.english) == num2words(pair.number) for pair in pairs)


def test_every_word_is_used_and_in_the_vocabulary(pairs):
    assert {word for pair in pairs for word in pair.english} == set(ENGLISH.symbols[3:])
    assert {part for pair in pairs for part in pair.german} == set(GERMAN.symbols[3:])
    assert ENGLISH.symbols[:3] == GERMAN.symbols[:3] == (PAD, START, END)


def test_german_says_the_units_before_the_tens():
    [pair] = number_words([421_653])
    assert pair.english == (
        *("four", "hundred", "and", "twenty", "one", "thousand"),
        *("six", "hundred", "and", "fifty", "three"),
    )
    assert pair.german == (
        *("vier", "hundert", "ein", "und", "zwanzig", "tausend"),
        *("sechs", "hundert", "drei", "und", "fünfzig"),
    )
    assert pair.alignment() == [0, 1, 4, None, 3, 5, 6, 7, 10, None, 9]


def test_an_alignment_uses_every_english_word_but_and_once(pairs):
    for pair in pairs:
        used = [position for position in pair.alignment() if position is not None]
        others = [position for position, word in enumerate(pair.english) if word != "and"]
        assert sorted(used) == others


def test_a_repeated_word_is_aligned_in_order():
    [pair] = number_words([1121])
    assert pair.english == ("one", "thousand", "one", "hundred", "and", "twenty", "one")
    assert pair.german == ("ein", "tausend", "ein", "hundert", "ein", "und", "zwanzig")
    assert pair.alignment() == [0, 1, 2, 3, 6, None, 5]


@pytest.mark.parametrize("name", ["", "zwanzigx", "xzwanzig", "einundundzw", "one"])
def test_a_word_that_is_no_german_number_is_refused(name):
    with pytest.raises(ValueError, match="German number"):
        split_german(name)


def test_a_name_that_is_no_english_number_is_refused():
    with pytest.raises(ValueError, match="'dozen' is not in"):
        split_english("two dozen")


@pytest.mark.parametrize("number", [-1, 1_000_000, 1.5, True, "7"])
def test_a_number_that_cannot_be_named_is_refused(number):
    with pytest.raises(ValueError, match="between 0 and 999,999"):
        number_words([number])


def test_without_num2words_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(ImportError, match="pip install num2words"):
        number_words([7])


# Split and batch


def test_a_split_is_disjoint_complete_and_repeatable():
    training, held_out = split(range(100), 30, np.random.default_rng(0))
    assert len(held_out) == 30
    assert sorted(training + held_out) == list(range(100))
    assert held_out != sorted(held_out)
    assert (training, held_out) == split(range(100), 30, np.random.default_rng(0))
    assert (training, held_out) != split(range(100), 30, np.random.default_rng(1))


@pytest.mark.parametrize("held_out", [0, 5, 6, 2.0, True, "2", None])
def test_a_split_leaves_a_whole_number_on_both_sides(held_out):
    with pytest.raises(ValueError, match=f"a whole number between 1 and 4, got {held_out!r}"):
        split(range(5), held_out, np.random.default_rng(0))


def test_a_batch_is_the_pairs_again_once_padding_is_taken_off(pairs):
    some = pairs[::1999]
    batch = translation_batch(some)
    for k, pair in enumerate(some):
        real = batch.target_mask[:, k]
        assert tuple(ENGLISH.decode(batch.source[batch.source_mask[:, k], k])) == pair.english
        assert tuple(GERMAN.decode(batch.previous[real, k])) == (START, *pair.german)
        assert tuple(GERMAN.decode(batch.target[real, k])) == (*pair.german, END)


def test_a_batch_is_time_major_with_padding_at_the_end(pairs):
    some = pairs[::1999]
    batch = translation_batch(some)
    lengths = [len(pair.english) for pair in some]
    assert batch.source.shape == (max(lengths), len(some))
    assert batch.source_mask.sum(axis=0).tolist() == lengths
    [padding] = GERMAN.encode([PAD])
    for numbers, mask in [
        (batch.source, batch.source_mask),
        (batch.previous, batch.target_mask),
        (batch.target, batch.target_mask),
    ]:
        assert ((numbers == padding) == ~mask).all()
        assert (np.diff(mask.astype(int), axis=0) <= 0).all()


@pytest.mark.parametrize("sequences", [[], [np.array([1]), np.array([], int)]])
def test_nothing_cannot_be_padded(sequences):
    with pytest.raises(ValueError, match="none of them empty"):
        pad(sequences)
