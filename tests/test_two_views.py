"""Every figure twice on one page, in a browser.

Beside them stand controls of another kind, tied to the same values: whatever they change, the figure did not
change itself, as when Python sets a value.
"""

import re
import subprocess
import sys
from itertools import compress
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browsing import handles, numbers, press, reader, served, value
from conftest import ROOT
from gallery import EXAMPLES, sliders
from test_arithmetic import call, node

from lstmlib.figures.canvas import module_source
from lstmlib.figures.family import BEGIN, CONFLICTS, NEEDS, SWITCHES
from lstmlib.figures.lstm_cell import NAMES_BY_NOTATION, SEQUENCE
from lstmlib.tunes import bar_lengths, bars_that_add_up, ends_on_key_note

GALLERY = (
    (ROOT / "tests/gallery.py").read_text()
    + """
from IPython.display import display
from ipywidgets import BoundedIntText, Text, jslink

made = {name: make() for name, make in EXAMPLES.items()}
for name, figure in made.items():
    figure.add_class(name)
    display(figure, figure)

for figure, name, Control, options in [
    ("ThreeSwitches", "task", BoundedIntText, {"max": 3}),
    ("LSTMCell", "notation", Text, {}),
    ("UnrolledLoop", "word", Text, {}),
    ("Alignment", "number", BoundedIntText, {"max": 999_999}),
    ("Alignment", "scoring", Text, {}),
    ("Threshold", "detector", Text, {}),
    ("Counters", "text", Text, {}),
    ("SpokenNumber", "clip", BoundedIntText, {"max": 4}),
    ("PenWriter", "text", Text, {}),
    ("StoryReader", "question", Text, {}),
    ("TuneWriter", "key", Text, {}),
    ("CodeReader", "text", Text, {}),
    ("FourParts", "opening", Text, {}),
    ("SelfAttention", "kind", Text, {}),
    ("RecallReader", "text", Text, {}),
    ("Trainer", "task", Text, {}),
    ("Family", "inputs", BoundedIntText, {"max": 64}),
    ("PictureReader", "step", BoundedIntText, {"max": 99}),
]:
    canvas = made[figure].children[0]
    control = Control(value=getattr(canvas, name), description=f"{figure} {name}", **options)
    jslink((control, "value"), (canvas, name))
    display(control)
"""
)
# What is typed into a figure's field, in one view and in the other
TYPED = {
    "Alignment": ("907", "21"),
    "UnrolledLoop": ("ba", "bab"),
    "Threshold": ("1.5", "0.5"),
    "Counters": ("aab", "a20b3", "ab"),
    "PenWriter": ("ba", "bab"),
    "RecallReader": ("a1 b2 a", "a1 b2 b", "p15 p", "a1 b2 c3 a", "c7 d8 d"),
    "StoryReader": ("where is anna", "where is the lamp", "where is ben"),
    "Trainer": ("5", "7"),
    "TuneWriter": ("Am", "D"),
    "CodeReader": ("7", "12"),
    "FourParts": ("C3 G3 E4 C5", "G3", ""),
}


# The buttons after which a figure goes on for a while
GOES_ON = {False: ("Play", "Write", "Write 100"), True: ("Train", "Step", "Again with another seed")}


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """Address of a book with one page, which shows every figure twice."""
    folder = tmp_path_factory.mktemp("gallery")
    for name in ("_config.yml", "references.bib", "lstmlib", "requirements.txt", "theme"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    cells = [nbformat.v4.new_markdown_cell("# All figures"), nbformat.v4.new_code_cell(GALLERY)]
    page = nbformat.v4.new_notebook(cells=cells)
    page.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (folder / "page.ipynb").write_text(nbformat.writes(page))
    tool = Path(sys.executable).with_name("jupyter-book")
    subprocess.run([tool, "build", folder, "-q"], check=True, capture_output=True)
    with served(folder / "_build/html") as address:
        yield address


@pytest.fixture
def views(browser, gallery):
    """Both views of a figure in the gallery."""
    with reader(browser, gallery) as open_page:

        def open_gallery(kind, **options):
            page = open_page("page", **options)
            page.wait_for_function(
                """(count) => {
                  const handles = [...document.querySelectorAll(".lstmlib-figure [role=slider]")];
                  const lines = [...document.querySelectorAll(".lstmlib-figure [aria-live]")];
                  return lines.filter((line) => line.textContent).length === count
                    && handles.every((handle) => handle.ariaLabel);
                }""",
                arg=2 * len(EXAMPLES),
            )
            found = page.locator(f".{kind}")
            assert found.count() == 2
            return found.nth(0), found.nth(1)

        yield open_gallery


def everything_shown(view):
    """All that a view draws, and where its controls stand; of its line only the numbers."""
    # "Composing …", "Writing …": not yet, and each view in its own time
    view.locator("[aria-live]").filter(has_not_text=re.compile("(Composing|Writing) …$")).wait_for()
    shown = view.evaluate(
        """(view) => ({
          drawn: [...view.querySelectorAll("svg")].map((canvas) => canvas.outerHTML),
          sliders: [...view.querySelectorAll("[role=slider]")].map((s) => [s.ariaLabel, s.ariaValueText]),
          fields: [...view.querySelectorAll("input, select")].map((field) => field.value),
          words: [...view.querySelectorAll("[role=group] button")].map((key) => key.textContent),
          pressed: [...view.querySelectorAll("[aria-pressed]")].map((key) => key.ariaPressed),
          line: view.querySelector("[aria-live]").textContent,
        })"""
    )
    return shown | {"line": numbers(shown["line"])}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_two_views_of_a_figure_show_the_same_whatever_is_done_in_one(views, kind):
    one, other = views(kind)
    seen = [everything_shown(one)]

    def same_and_new():
        shown = everything_shown(one)
        assert everything_shown(other) == shown
        seen.append(shown)
        return shown != seen[-2]

    assert not same_and_new()
    for handle in [h for view in (one, other) for h in handles(view).values()]:
        press(handle, "ArrowLeft" if value(handle) > 0 else "ArrowRight", 3)
        assert same_and_new()
    for view in (one, other):
        for choice in view.locator("select").all():
            for option in choice.locator("option").all()[::-1]:
                choice.select_option(option.get_attribute("value"))
                same_and_new()
        for field in view.locator(".controls input").all():
            for text in TYPED[kind]:
                field.fill(text)
                same_and_new()
        for key in view.get_by_role("button").all():
            if key.text_content() not in GOES_ON[kind == "Trainer"]:
                key.press("Enter")
                same_and_new()
                if kind == "LSTMCell" and key.text_content() == "Step":
                    press(handles(view)["f forget gate"], "Home")
                    same_and_new()
    assert len({str(shown) for shown in seen}) > 5


def test_a_second_view_starts_over_where_the_figure_began(views):
    one, other = views("ThreeSwitches")
    start = everything_shown(one)
    press(one.get_by_role("slider", name="write at step 2"), "End")
    press(one.get_by_role("slider", name="read at step 5"), "End")
    other.get_by_role("button", name="Start over").press("Enter")
    assert everything_shown(one) == everything_shown(other) == start


def test_a_step_in_one_view_is_a_step_in_the_other_and_changes_no_sequence(views):
    one, other = views("LSTMCell")
    strip = other.get_by_role("img").nth(1)
    before = numbers(strip.get_attribute("aria-label"))
    for t in range(1, 4):
        one.get_by_role("button", name="Step").press("Enter")
        assert f"Step {t} of {len(SEQUENCE)}" in other.locator("[aria-live]").text_content()
        assert numbers(strip.get_attribute("aria-label")) == before
    press(handles(other)["f forget gate"], "Home")
    for view in (one, other):
        assert "You lowered the forget gate of step 3 to 0.00" in view.locator("[aria-live]").text_content()


def test_a_task_set_from_outside_is_shown(views):
    for view in (found := views("ThreeSwitches")):
        assert view.get_by_label("Show", exact=True).input_value() == "0"
    found[0].page.get_by_label("ThreeSwitches task").fill("2")
    found[0].page.keyboard.press("Tab")
    for view in found:
        assert view.get_by_label("Show", exact=True).input_value() == "2"
        assert "step 1 should show 0.38" in view.locator("[aria-live]").text_content()


def test_a_notation_set_from_outside_names_every_value(views):
    found = views("LSTMCell")
    found[0].page.get_by_label("LSTMCell notation").fill("LTM and STM")
    names = NAMES_BY_NOTATION["LTM and STM"]
    for view in found:
        assert view.get_by_label("Names:").input_value() == "LTM and STM"
        view.get_by_label("V use factor").first.wait_for()
        assert list(handles(view)) == [
            *(" ".join(names[name]) for name in "figo"),
            " ".join(names["c"]) + " before",
        ]
        assert "STM = " in view.locator("svg").first.text_content()


def test_a_word_set_from_outside_is_read(views):
    found = views("UnrolledLoop")
    found[0].get_by_label("Type a word").fill("a1")
    found[0].page.get_by_label("UnrolledLoop word", exact=True).fill("bab")
    for view in found:
        assert view.get_by_label("Type a word").input_value() == "bab"
        assert view.get_by_label("Type a word").get_attribute("aria-invalid") != "true"
        assert "It reads the same backwards" in view.locator("[aria-live]").text_content()


def test_a_number_and_a_score_set_from_outside_are_translated(views):
    found = views("Alignment")
    page = found[0].page
    found[0].get_by_role("button", name="one", exact=True).press("Enter")
    for view in found:
        key = view.get_by_role("button", name="one", exact=True)
        assert key.get_attribute("aria-pressed") == "true"
        assert "You hid “one”" in view.locator("[aria-live]").text_content()
    page.get_by_label("Alignment scoring").fill("additive")
    for view in found:
        assert view.get_by_label("Score:").input_value() == "additive"
        assert "With the additive score" in view.locator("[aria-live]").text_content()
    page.get_by_label("Alignment number", exact=True).fill("35000")
    page.keyboard.press("Tab")
    for view in found:
        assert view.get_by_label("Number:").input_value() == "35000"
        assert view.get_by_role("button").all_text_contents() == ["thirty", "five", "thousand"]
        assert "thirty five thousand: the network says" in view.locator("[aria-live]").text_content()


def test_a_detector_set_from_outside_is_counted(views):
    found = views("Threshold")
    found[0].page.get_by_label("Threshold detector", exact=True).fill("other")
    for view in found:
        assert view.get_by_label("Detector:").input_value() == "other"
        assert view.locator("[aria-live]").text_content().startswith("other, threshold 1.00")


def test_the_alarms_shown_are_those_that_python_counts(views):
    figure = EXAMPLES["Threshold"]()
    view, _ = views("Threshold")
    line, field = view.locator("[aria-live]"), view.get_by_label("Threshold:")
    for threshold in (0, 0.55, 1, 1.75, 3):
        field.fill(str(threshold))
        figure.threshold = threshold
        count = figure.count
        precision = f"precision {count.precision:.2f}" if count.alarms else "no alarm, so no precision"
        said = (
            f"{count.alarms} alarms: {precision}, recall {count.recall:.2f}, {count.false_per_hour:.0f} false"
        )
        assert said in line.text_content()
    field.fill("1")
    assert "early beat at 4.0 s, alarm; normal beat at 7.0 s, false alarm" in line.text_content()


def test_a_string_set_from_outside_is_read(views):
    found = views("Counters")
    found[0].page.get_by_label("Counters text", exact=True).fill("a30b1")
    for view in found:
        assert view.get_by_label("Type a string").input_value() == "a30b1"
        assert "After a30b1 the grammar allows b." in view.locator("[aria-live]").text_content()


def test_a_clip_set_from_outside_is_shown_and_what_it_says_is_judged(views):
    found = views("SpokenNumber")
    for view in found:
        assert "“eins”: the network writes 12, which is right" in view.locator("[aria-live]").text_content()
    found[0].page.get_by_label("SpokenNumber clip", exact=True).fill("1")
    found[0].page.keyboard.press("Tab")
    for view in found:
        assert view.get_by_label("Clip:", exact=True).input_value() == "1"
        line = view.locator("[aria-live]").text_content()
        assert "“zwei”: the network writes 221, and 21 would be right (2 at 0.30 s, 2 at 0.70 s, 1" in line


# What a browser has that plays, one that will not, and one that knows no sound
HEARING = {
    "plays": "",
    "refuses": "AudioContext.prototype.resume = () => new Promise(() => {});"
    "Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'suspended' });",
    "knows no sound": "delete window.AudioContext;",
}


@pytest.mark.parametrize("hearing", HEARING)
def test_a_clip_is_played_after_a_click_alone_and_a_refusal_is_said(views, hearing):
    view, other = views("SpokenNumber")
    page = view.page
    page.evaluate(f"{HEARING[hearing]} window.made = 0")
    page.evaluate(
        """() => {
          const One = window.AudioContext;
          if (One) window.AudioContext = class extends One { constructor() { super(); window.made += 1; } };
        }"""
    )
    line, cursor = view.locator("[aria-live]"), view.locator(".cursor")
    press(handles(view)["t time in seconds"], "ArrowRight", 2)
    assert page.evaluate("window.made") == 0
    before = cursor.get_attribute("x1")
    view.get_by_role("button", name="Play").press("Enter")
    if hearing == "plays":
        view.get_by_text("It plays. ").wait_for()
        assert other.get_by_role("button", name="Play").count() == 1
        view.get_by_role("button", name="Stop").press("Enter")
        assert "Stopped. " in line.text_content()
        view.get_by_role("button", name="Play").press("Enter")
        view.get_by_text("Played to the end. ").wait_for()
        assert page.evaluate("window.made") == 2
    else:
        view.get_by_text("Your browser lets this page play no sound.").wait_for()
    assert view.get_by_role("button", name="Play").count() == 1
    assert cursor.get_attribute("x1") == before
    assert "At 0.40 s: 1 with 0.80, nothing with 0.10, 2 with 0.10" in line.text_content()


def whole_tune(view):
    """What the line says when the tune is there, to its end."""
    view.locator("[aria-live]").get_by_text(re.compile("symbols, .* bars?")).wait_for()
    return view.locator("[aria-live]").text_content()


def test_the_tune_in_the_page_is_the_one_that_lstmlib_composes(views):
    view, other = views("TuneWriter")
    expected = EXAMPLES["TuneWriter"]()
    [slider] = handles(view).values()
    settings = (("G", "6/8", 0), ("Bb", "9/8", -3), ("Em", "2/4", 9))
    for tune, (key, metre, steps) in enumerate(settings, 1):
        view.get_by_label("Key:").fill(key)
        view.get_by_label("Metre:").select_option(metre)
        press(slider, "ArrowRight" if steps > 0 else "ArrowLeft", abs(steps))
        expected.key, expected.metre, expected.temperature = key, metre, value(slider)
        said = whole_tune(view)
        made = expected.composed
        adding = bars_that_add_up(made, metre)
        bars = len(bar_lengths(made))
        assert f"Key {key}, metre {metre}, temperature {expected.temperature:.2f}, tune {tune}: " in said
        assert f": {len(made)} symbols, {bars} bar{'s' * (bars != 1)}. Of the {len(adding)} between" in said
        assert f"the last, {adding.sum()} add up" in said
        assert ("the key note." in said) == ends_on_key_note(made, key)
        assert ("did not end within 400 symbols" in said) == (not expected.ended)
        text = view.locator(".tune").text_content()
        assert text.startswith(f"M:{metre} L:1/{16 if metre == '2/4' else 8} K:{key} ")
        assert "".join(text.split(f"K:{key} ")[1].split()) == "".join(made) + "|]"
        assert view.locator("svg rect").count() == len(expected.notes)
        assert view.locator("svg").get_by_text("≠").count() == len(adding) - adding.sum()
        assert whole_tune(other).endswith(said.split("Key ")[1])
        view.get_by_role("button", name="Another tune").press("Enter")
        expected.seed = tune + 1
        assert "Another tune. " in whole_tune(view)


def test_what_is_no_key_gets_a_sentence_and_loses_nothing(views):
    view, _ = views("TuneWriter")
    line, field = view.locator("[aria-live]"), view.get_by_label("Key:")
    field.fill("am")
    assert "Key Am, metre 6/8" in whole_tune(view)
    kept = view.locator("svg").inner_html(), view.locator(".tune").text_content()
    for key, message in (
        ("H", "“H” is no key: a key is a letter from A to G"),
        ("", "There is no key in the field."),
        ("E", "“E” is a key, but no tune of the training was in it. The network knows A, Am, Bb"),
        ("x" * 10_000, f"“{'x' * 20}” is no key"),
    ):
        field.fill(key)
        assert message in line.text_content()
        assert "The figure still shows Am." in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
        assert (view.locator("svg").inner_html(), view.locator(".tune").text_content()) == kept
    field.fill("C")
    assert field.get_attribute("aria-invalid") == "false"
    assert "Key C, " in whole_tune(view)


@pytest.mark.parametrize("hearing", HEARING)
def test_a_tune_is_played_after_a_click_alone_and_a_refusal_is_said(views, hearing):
    view, other = views("TuneWriter")
    page = view.page
    whole_tune(view)
    page.evaluate(f"{HEARING[hearing]} window.made = 0")
    page.evaluate(
        """() => {
          const One = window.AudioContext;
          if (One) window.AudioContext = class extends One { constructor() { super(); window.made += 1; } };
        }"""
    )
    tune = view.locator(".tune").text_content()
    press(handles(view)["temperature"], "ArrowRight", 1)
    press(handles(view)["temperature"], "ArrowLeft", 1)
    whole_tune(view)
    assert page.evaluate("window.made") == 0
    view.get_by_role("button", name="Play").press("Enter")
    if hearing == "plays":
        view.get_by_text("It plays. ").wait_for()
        assert other.get_by_role("button", name="Play").count() == 1
        view.get_by_role("button", name="Stop").press("Enter")
        assert "Stopped. Key G" in view.locator("[aria-live]").text_content()
        # Another tune stops the one that plays
        view.get_by_role("button", name="Play").press("Enter")
        view.get_by_text("It plays. ").wait_for()
        view.get_by_role("button", name="Another tune").press("Enter")
        assert "Another tune. Key G" in whole_tune(view)
        assert page.evaluate("window.made") == 2
    else:
        view.get_by_text("Your browser lets this page play no sound.").wait_for()
        assert "Key G, metre 6/8" in whole_tune(view)
        assert view.locator(".tune").text_content() == tune
    assert view.get_by_role("button", name="Play").count() == 1


def spelled(character):
    return {" ": "a blank", "\n": "a line break"}.get(character, f"“{character}”")


def assert_says_what_python_says(line, figure):
    """The line of a text, with every number in it."""
    said, found = line.text_content(), figure.reading
    whole, at, typed = figure.text + figure.written, figure.place, len(figure.text)
    values = {"input gate": found.i, "forget gate": found.f, "candidate": found.g, "output gate": found.o}
    values = ", ".join(f"{k} {v[at]:.2f}" for k, v in (values | {"cell state": found.c}).items())
    wrote = ", which the network wrote" if at >= typed else ""
    parts = [
        f"Character {at + 1} of {len(whole)}, {spelled(whole[at])}{wrote}: unit {figure.unit} has {values} "
        f"(before training {found.untrained[at]:.2f}). Likeliest next: ",
        f"the network loses {np.nanmean(found.nats[:typed]):.2f} nats a character",
    ]
    if figure.still:
        rises = np.nan_to_num(found.held - found.nats)[:typed]
        parts.append(
            f"character, and {np.nanmean(found.held[:typed]):.2f} with unit {figure.unit} held still at "
            f"{found.level:.2f}. "
        )
        worst = rises.argmax()
        if rises[worst] > 0.05:
            by = f"(character {worst + 1}, by {rises[worst]:.2f})"
            parts.append(f"It rises most at {spelled(whole[worst])} {by}")
    for part in parts:
        assert re.sub(r"-(?=\d)", "−", part).replace("−0.00", "0.00") in said


def test_a_text_typed_is_read_in_the_page_as_lstmlib_reads_it(views):
    view, other = views("CodeReader")
    line, area, hold = (
        view.locator("[aria-live]"),
        view.get_by_label("Your text"),
        view.get_by_role("button", name="Hold this unit still"),
    )
    figure = EXAMPLES["CodeReader"]()
    assert_says_what_python_says(line, figure)
    for text in ("if (a):\n    b['c'] = [d]\n", "x", "f(é, '😀')"):
        area.fill(text)
        figure.text, figure.place = text, len(text) - 1
        if text == "x":
            assert "A text of one character has no loss: nothing comes before it." in line.text_content()
            continue
        if "é" in text:
            assert (
                "The network knows 96 characters, and not “é”, “😀”: it reads nothing there (▯)."
                in line.text_content()
            )
            assert view.locator(".text text").first.text_content() == "f(▯,\u00a0'▯')"
        assert_says_what_python_says(line, figure)
        for unit, key in ((3, "End"), (2, "ArrowLeft"), (1, "ArrowLeft")):
            press(handles(view)["unit"], key)
            figure.unit = unit
            for still in (True, False):
                hold.press("Enter")
                figure.still = still
                assert hold.get_attribute("aria-pressed") == str(still).lower()
                assert view.locator(".rises").count() == still
                assert_says_what_python_says(line, figure)
        assert other.get_by_label("Your text").input_value() == text


def test_a_place_is_chosen_by_keys_by_the_caret_and_by_a_click(views):
    view, other = views("CodeReader")
    line, area = view.locator("[aria-live]"), view.get_by_label("Your text")
    area.fill("ab(\n  cd)\nef")
    place = handles(view)["place in the text"]
    for key, at in (
        ("Home", 1),
        ("ArrowLeft", 1),
        ("ArrowRight", 2),
        ("ArrowDown", 6),
        ("ArrowDown", 12),
        ("ArrowDown", 12),
        ("ArrowUp", 6),
        ("End", 12),
        ("ArrowRight", 12),
        ("PageUp", 2),
        ("PageDown", 12),
    ):
        press(place, key)
        assert (value(place), line.text_content().count(f"Character {at} of 12, ")) == (at, 1)
    press(area, "ArrowUp")  # the caret stands behind two blanks
    assert "Character 6 of 12, a blank" in line.text_content()
    view.locator(".text svg").click(position={"x": 4.5 * 8.4, "y": 37})  # in the second row
    assert "Character 9 of 12, “)”" in line.text_content()
    assert "Character 9 of 12, “)”" in other.locator("[aria-live]").text_content()


def test_a_text_that_cannot_be_read_gets_a_sentence_and_loses_nothing(views):
    view, _ = views("CodeReader")
    line, area = view.locator("[aria-live]"), view.get_by_label("Your text")
    area.fill("a = [b]")
    kept = [drawn.inner_html() for drawn in view.locator("svg").all()]
    for text, message in (
        ("", "There is no character in the field. The picture still shows the text before."),
        ("x" * 10_000, "A text may have 2000 characters here, and this one has 10000. The picture still"),
        ("😀" * 2001, "A text may have 2000 characters here, and this one has 2001. The picture still"),
    ):
        area.fill(text)
        assert line.text_content().startswith(message)
        assert area.get_attribute("aria-invalid") == "true"
        assert area.input_value() == text
        assert [drawn.inner_html() for drawn in view.locator("svg").all()] == kept
    area.fill("a = [b]")
    area.fill("😀" * 2000)
    view.get_by_text(re.compile("Character 2000 of 2000")).wait_for()
    assert area.get_attribute("aria-invalid") == "false"
    seed = view.get_by_label("Seed:")
    for text in ("", "x", "-1", "1000", "1.5", "7" * 10_000):
        seed.fill(text)
        assert line.text_content().startswith("The seed must be a whole number from 0 to 999, and “")
        assert line.text_content().endswith("The figure still shows 1.")
    readout = view.locator(".widget-readout").first
    for text, unit in (("1.6", 2), ("ten", 2), ("-7", 0), ("99", 3)):
        readout.fill(text)
        readout.press("Enter")
        view.get_by_text(re.compile(f"unit {unit} has")).wait_for()


def test_a_network_writes_on_as_in_python_and_what_was_typed_comes_back(views):
    view, other = views("CodeReader")
    line, area = view.locator("[aria-live]"), view.get_by_label("Your text")
    one, many, back = (
        view.get_by_role("button", name=name, exact=True)
        for name in ("Write 1", "Write 100", "Back to what you typed")
    )
    figure = EXAMPLES["CodeReader"]()

    def written():
        drawn = "".join(view.locator(".text .written").all_text_contents())
        return drawn.replace("\u00a0", " ").replace("↵", "\n")

    back.press("Enter")
    assert line.text_content().startswith("All of it was typed. ")
    view.get_by_label("Seed:").fill("12")
    press(handles(view)["temperature"], "End")
    figure.seed, figure.temperature = 12, 1.5
    for still in (False, True):
        figure.still = still
        for _ in range(3):
            one.press("Enter")
            figure.write_on(1)
            figure.place = len(figure.text) + len(figure.written) - 1
            assert line.text_content().startswith(f"It wrote {spelled(figure.written[-1])}. ")
            assert written() == figure.written
            assert_says_what_python_says(line, figure)
        if not still:
            view.get_by_role("button", name="Hold this unit still").press("Enter")
    assert area.input_value() == figure.text
    many.press("Enter")
    assert line.text_content() == "Writing …"
    view.get_by_role("button", name="Stop").press("Enter")
    assert line.text_content().startswith("Stopped. Character ")
    begun = written()
    assert len(begun) < 90
    # All at once where less motion is asked for, and no more than there is room for
    view.page.emulate_media(reduced_motion="reduce")
    for count in range(1, 6):
        many.press("Enter")
        assert written()[: len(begun)] == begun
        assert len(written()) == min(len(begun) + 100 * count, 500)
    figure.write_on(500)
    assert written() == figure.written
    one.press("Enter")
    assert "The network has written 500 characters, and the figure has room for no more." in (
        line.text_content()
    )
    back.press("Enter")
    assert line.text_content().startswith("Back to what you typed. ")
    assert (written(), area.input_value()) == ("", figure.text)
    # A text that is changed takes back what was written after it, and stops the writing
    view.page.emulate_media(reduced_motion="no-preference")
    many.press("Enter")
    area.fill("a")
    view.page.wait_for_timeout(200)
    assert (written(), many.count()) == ("", 1)
    many.press("Enter")
    view.get_by_text("It wrote on. ").wait_for()
    assert len(written()) == 100
    assert "".join(other.locator(".text .written").all_text_contents()).count("") == 101


def all_chords(view):
    """What the line says when all chords are there."""
    view.locator("[aria-live]").get_by_text("chords that were drawn have four notes").wait_for()
    return view.locator("[aria-live]").text_content()


NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"]


def by_name(chord):
    return " ".join(f"{NOTES[pitch % 12]}{pitch // 12 - 1}" for pitch in chord) or "silence"


def test_the_chords_in_the_page_are_those_that_lstmlib_composes(views):
    view, other = views("FourParts")
    expected = EXAMPLES["FourParts"]()
    [slider] = handles(view).values()
    settings = (("chain", "", 0), ("coins", "C3 G3 E4 C5", -3), ("chain", "g3", 9))
    for piece, (writer, opening, steps) in enumerate(settings, 1):
        view.get_by_label("Who writes:").select_option(writer)
        view.get_by_label("First chord:").fill(opening)
        press(slider, "ArrowRight" if steps > 0 else "ArrowLeft", abs(steps))
        expected.writer, expected.opening, expected.temperature = writer, opening, value(slider)
        said, made = all_chords(view), expected.composed
        drawn = [len(chord) for chord in (made[1:] if opening else made)]
        who = {"chain": "A chain of keys", "coins": "Keys alone"}[writer]
        assert (
            f"{who}, temperature {expected.temperature:.2f}, piece {piece}: {drawn.count(4)} of {len(drawn)} "
            f"chords that were drawn have four notes; the fewest is {min(drawn)}, the most {max(drawn)}. "
            f"The first is {by_name(made[0])}, the last {by_name(made[-1])}." in said
        )
        text = "; ".join(f"{t}: {by_name(chord)}" for t, chord in enumerate(made, 1))
        assert view.locator(".chords").text_content() == text
        assert view.locator("svg rect").count() == sum(map(len, made))
        assert view.locator("svg rect.negative").count() == sum(
            len(chord) for chord in made if len(chord) != 4
        )
        assert all_chords(other).endswith(said.split(who)[1])
        view.get_by_role("button", name="Another").press("Enter")
        expected.seed = piece + 1
        assert "Another piece. " in all_chords(view)


def test_what_is_no_chord_gets_a_sentence_and_loses_nothing(views):
    view, other = views("FourParts")
    line, field = view.locator("[aria-live]"), view.get_by_label("First chord:")
    field.fill("c3 g3, E4 c5")
    assert "The first is C3 G3 E4 C5, the last" in all_chords(view)
    kept = view.locator("svg").inner_html(), view.locator(".chords").text_content()
    for text, message in (
        ("C3 H3", "“H3” is no note: a note is a letter from A to G, # or b where it has them, and an octave"),
        ("C4 " * 9, "These are 9 notes, and a chord here has at most 8."),
        ("C7", "“C7” is a note, but no choir of the training sings it. The lowest is G1, the highest C6."),
        ("x" * 10_000, f"“{'x' * 20}” is no note"),
    ):
        field.fill(text)
        assert message in line.text_content()
        assert "The figure still shows c3 g3, E4 c5." in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
        assert (view.locator("svg").inner_html(), view.locator(".chords").text_content()) == kept
    field.fill("")
    assert field.get_attribute("aria-invalid") == "false"
    assert "of 32 chords that were drawn" in all_chords(view)
    view.page.get_by_label("FourParts opening", exact=True).fill("C3 E3")
    for shown in (view, other):
        assert shown.get_by_label("First chord:").input_value() == "C3 E3"
        assert "of 31 chords that were drawn" in all_chords(shown)
        assert "The first is C3 E3, the last" in all_chords(shown)


@pytest.mark.parametrize("hearing", HEARING)
def test_chords_are_played_after_a_click_alone_and_a_refusal_is_said(views, hearing):
    view, other = views("FourParts")
    page, cursor = view.page, view.locator(".cursor")
    all_chords(view)
    page.evaluate(f"{HEARING[hearing]} window.made = 0")
    page.evaluate(
        """() => {
          const One = window.AudioContext;
          if (One) window.AudioContext = class extends One { constructor() { super(); window.made += 1; } };
        }"""
    )
    text = view.locator(".chords").text_content()
    press(handles(view)["temperature"], "ArrowRight", 1)
    press(handles(view)["temperature"], "ArrowLeft", 1)
    view.get_by_label("Who writes:").select_option("coins")
    view.get_by_label("Who writes:").select_option("chain")
    before = all_chords(view)
    assert page.evaluate("window.made") == 0
    view.get_by_role("button", name="Play").press("Enter")
    if hearing == "plays":
        view.get_by_text("It plays. ").wait_for()
        assert other.get_by_role("button", name="Play").count() == 1
        began = float(cursor.get_attribute("x1"))
        page.wait_for_function(
            "([line, x]) => Number(line.getAttribute('x1')) > x + 2", arg=[cursor.element_handle(), began]
        )
        view.get_by_role("button", name="Stop").press("Enter")
        assert "Stopped. A chain of keys" in view.locator("[aria-live]").text_content()
        # Another piece, or another writer, stops the one that plays
        for change in (
            lambda: view.get_by_role("button", name="Another").press("Enter"),
            lambda: view.get_by_label("Who writes:").select_option("coins"),
        ):
            view.get_by_role("button", name="Play").press("Enter")
            view.get_by_text("It plays. ").wait_for()
            change()
            all_chords(view)
            assert view.get_by_role("button", name="Play").count() == 1
        assert page.evaluate("window.made") == 3
    else:
        view.get_by_text("Your browser lets this page play no sound.").wait_for()
        assert f"The chords are all there, as picture and by name. {before}" in all_chords(view)
        assert view.locator(".chords").text_content() == text
    assert view.get_by_role("button", name="Play").count() == 1


UPDATE = re.compile(r"Update ([\d,]+) of 3,000")


def learned(view, text=UPDATE, timeout=60_000):
    """What the line says once it says this."""
    view.locator("[aria-live]").get_by_text(text).wait_for(timeout=timeout)
    return view.locator("[aria-live]").text_content()


def updates(said):
    return int(UPDATE.search(said)[1].replace(",", ""))


def test_two_networks_learn_by_keyboard_pause_and_go_on(views):
    view, other = views("Trainer")
    line = view.locator("[aria-live]")
    assert "First comes 1 or −1, then 12 steps of noise." in line.text_content()
    assert "A: LSTM, forget bias 1.00; B: GRU, forget bias 1.00. 8 units, " in line.text_content()
    assert "The best constant answer has a loss of 0.69. Press Train." in line.text_content()
    view.get_by_role("button", name="Train").press("Enter")
    learned(view)
    for one in (view, other):
        one.get_by_role("button", name="Pause").wait_for()
    view.get_by_role("button", name="Pause").press("Enter")
    view.get_by_role("button", name="Train").wait_for()
    paused = everything_shown(view)
    view.page.wait_for_timeout(700)
    assert everything_shown(view) == everything_shown(other) == paused
    count = updates(line.text_content())
    other.get_by_role("button", name="Step").press("Enter")
    learned(view, re.compile(f"Update {count + 1:,} of"))
    learned(other, re.compile(f"Update {count + 1:,} of"))
    assert everything_shown(view) == everything_shown(other)
    view.get_by_role("button", name="Train").press("Enter")
    said = learned(view, re.compile("A, LSTM: .* 100 % of new answers right. B, GRU: .* 100 %"))
    losses = re.findall(r"loss (\d\.\d+)( × 10⁻)?", said)
    assert len(losses) == 2
    assert all(small or float(loss) < 0.3 < 0.69 for loss, small in losses)
    gates = view.locator("svg path.flow").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).stroke)"
    )
    assert len(gates) == 5
    assert "none" not in gates
    # A change makes another run, and what was drawn stays, pale
    assert view.locator("svg path.curve").count() == 4
    press(handles(view)["units"], "ArrowLeft")
    assert "You lowered the number of units to 7. First comes" in line.text_content()
    assert view.locator("svg path.curve").count() == 2
    view.get_by_role("button", name="Again with another seed").press("Enter")
    learned(view)
    assert view.get_by_label("Seed:").input_value() == other.get_by_label("Seed:").input_value() == "2"
    view.get_by_role("button", name="Clear").press("Enter")
    assert line.text_content().startswith("Cleared. First comes")
    assert view.locator("svg path.curve").count() == 0
    view.page.wait_for_timeout(500)  # what was under way is not heard any more
    assert line.text_content().startswith("Cleared. First comes")
    assert everything_shown(view) == everything_shown(other)


def test_the_numbers_of_a_run_are_those_of_its_arithmetic_and_it_ends(views):
    view, _ = views("Trainer")
    view.get_by_label("B:").select_option("none")
    press(handles(view)["units"], "Home")
    for steps in range(1, 4):
        view.get_by_role("button", name="Step").press("Enter")
        said = learned(view, re.compile(f"Update {steps} of"))
    settings = {"cells": ["lstm"], "task": "hold", "gap": 12, "units": 2, "rate": 0.01, "forget": [1, 1]}
    settings |= {"input": 0, "clip": 1, "seed": 1, "most": 3000}
    run = """({ session }, { settings, count }) => {
      const one = session(settings);
      one.advance(count);
      return one.report().networks[0];
    }"""
    expected = call(node, "trainer_worker", run, {"settings": settings, "count": 3})
    assert numbers(said)[0] == pytest.approx(expected["loss"], rel=0.051)
    assert f"{100 * expected['test']['right']:.0f} % of new answers right" in said
    view.get_by_role("button", name="Train").press("Enter")
    said = learned(view, re.compile("At the end. Update 3,000 of 3,000"))
    view.get_by_role("button", name="Train").press("Enter")
    assert "This run is at its end: another seed" in view.locator("[aria-live]").text_content()


def test_a_run_that_diverges_says_so_and_offers_clipping(views):
    view, _ = views("Trainer")
    view.get_by_label("Task:").select_option("adding")
    view.get_by_label("Learning rate:").fill("10")
    press(handles(view)["clip (0: off)"], "Home")
    assert "You lowered clipping to 0.00." in view.locator("[aria-live]").text_content()
    offer = view.get_by_role("button", name="Again, with clipping and a tenth of the rate")
    assert offer.count() == 0
    view.get_by_role("button", name="Train").press("Enter")
    said = learned(view, re.compile("At the end"))
    assert "A, LSTM, broke down at update 10: " in said
    assert "Clipping or a smaller learning rate may help." in said
    offer.press("Enter")
    learned(view, re.compile("Update .* A, LSTM: loss"))
    assert view.get_by_label("Learning rate:").input_value() == "1"
    assert value(handles(view)["clip (0: off)"]) == 1
    assert offer.count() == 0


def test_an_address_sets_the_trainer_and_train_writes_it(views):
    view, _ = views("Trainer")
    page, line = view.page, view.locator("[aria-live]")
    at = page.url.split("#")[0]
    page.goto(f"{at}#train=gru,none,bell,12,3,0.02,0,4,-1,0.5,9")
    line.get_by_text("Set as the address says. Numbers come, and at about every 6th step a bell.").wait_for()
    assert [one.input_value() for one in view.locator("select, .controls input").all()] == [
        "gru",
        "none",
        "bell",
        "0.02",
        "9",
    ]
    assert [value(handle) for handle in handles(view).values()] == [12, 3, 0, 4, -1, 0.5]
    view.get_by_role("button", name="Step").press("Enter")
    learned(view)
    assert page.url == f"{at}#train=gru,none,bell,12,3,0.02,0,4,-1,0.5,9"
    for address, message in (
        ("#train=gru,none,bell,500", "The gap must lie from 5 to 60, and 500 does not. "),
        ("#train=gru,none,knitting", "“knitting” is not one of hold, echo, adding, order, bell. "),
        ("#train=gru,none,bell,12,3,NaN", "“NaN” is not a number. "),
        (f"#train={'9' * 5000}", "“99999999999999999999” is not one of rnn, lstm97, lstm, gru. "),
    ):
        page.goto(at + address)
        line.get_by_text(message).wait_for()
        assert "Update 1 of 3,000, seed 9." in line.text_content()
    page.goto(f"{at}#lm-main")
    view.get_by_role("button", name="Step").press("Enter")
    learned(view, re.compile("Update 2 of"))


def test_what_is_no_rate_and_no_seed_gets_a_sentence_and_loses_nothing(views):
    view, _ = views("Trainer")
    line = view.locator("[aria-live]")
    for label, name, texts in (
        ("Learning rate:", "The learning rate", ("fast", "", "0", "11", "x" * 10_000, "😀")),
        ("Seed:", "The seed", ("a", "0", "100", "1.5")),
    ):
        field = view.get_by_label(label)
        before, drawn = field.input_value(), view.locator("svg").inner_html()
        for text in texts:
            field.fill(text)
            said = line.text_content()
            assert f"The figure still shows {before}." in said
            assert "is not a number." in said or said.startswith(name)
            assert len(said) < 200
            assert field.get_attribute("aria-invalid") == "true"
            assert view.locator("svg").inner_html() == drawn
        field.fill("3")
        assert field.get_attribute("aria-invalid") == "false"


def test_a_task_set_from_outside_makes_another_run(views):
    found = views("Trainer")
    found[0].page.get_by_label("Trainer task", exact=True).fill("echo")
    for view in found:
        assert view.get_by_label("Task:").input_value() == "echo"
        assert "Three bits come, one after the other." in view.locator("[aria-live]").text_content()


def test_a_worker_is_hired_at_the_first_press_and_dismissed_with_the_last_view(browser):
    page, figure = browser.new_page(), EXAMPLES["Trainer"]()
    values = {name: value for name, value in figure.children[0].get_state().items() if name[0] != "_"}
    values.pop("layout")
    page.evaluate(
        """async ({ source, values }) => {
          const { default: { render } } = await import("data:text/javascript," + encodeURIComponent(source));
          const model = { get: (name) => values[name], set() {}, on() {}, save_changes() {} };
          const place = () => document.body.appendChild(document.createElement("div"));
          window.leave = [0, 1].map(() => render({ model, el: place() }));
        }""",
        {"source": module_source("trainer"), "values": values},
    )
    page.get_by_text("Press Train.").first.wait_for()
    assert page.workers == []
    page.get_by_role("button", name="Train").first.press("Enter")
    page.get_by_text(UPDATE).first.wait_for()
    assert len(page.workers) == 1
    page.evaluate("leave[0]()")
    assert len(page.workers) == 1
    with page.workers[0].expect_event("close"):
        page.evaluate("leave[1]()")
    assert page.workers == []
    page.close()


def test_a_page_whose_workers_are_refused_says_so(views):
    view, other = views("Trainer")
    view.page.evaluate("() => { window.Worker = class { constructor() { throw new Error('refused'); } }; }")
    view.get_by_role("button", name="Train").press("Enter")
    for one in (view, other):
        said = one.locator("[aria-live]").text_content()
        assert said.startswith(
            "Your browser starts no worker for this page, so nothing can be trained here. "
        )
        assert one.get_by_role("button", name="Train").count() == 1


def pair(row):
    return "({:.2f}, {:.2f})".format(*(0.0 + np.round(row, 2))).replace("-", "−")


def shows(view, expected):
    """Whether line, words, table and switches of a view show what `lstmlib` makes of the sentence."""
    line, order, n = view.locator("[aria-live]").text_content(), expected.order, len(expected.words)
    place = order.index(expected.word)
    name = expected.words[expected.word]
    of = {"q": expected.q, "k": expected.k, "v": expected.v}[expected.kind][expected.word]
    kind = {"q": "query", "k": "key", "v": "value"}[expected.kind]
    assert f"The {kind} of “{name}” is {pair(of)}" in line
    added = expected.children[0].at_place[place]
    with_place = f", and with {pair(added)} of place {place + 1} it is {pair(of + added)}. Scores"
    assert (with_place in line) == expected.positions
    divisor = (np.sqrt(2 / expected.heads) if expected.scaled else 1) * expected.temperature
    assert f"the temperature, {expected.temperature:.2f}: by {divisor:.2f}. " in line
    assert ("√" in line) == expected.scaled
    shares = [
        "hidden" if expected.causal and s > place else f"{100 * weight:.0f} %"
        for s, weight in enumerate(expected.weights[0, place])
    ]
    said = ", ".join(f"{word} {share}" for word, share in zip(expected.sentence, shares, strict=True))
    assert f"at {said}" in line
    assert line.endswith(f" Its output is {pair(expected.outputs[place])}.")
    words = view.get_by_role("group").first.get_by_role("button")
    texts = [text for text in words.all_text_contents() if text != "⇄"]
    assert texts == expected.sentence
    assert words.nth(2 * place).get_attribute("aria-pressed") == "true"
    cells = [
        text for text in view.locator("svg text.small").all_text_contents() if re.fullmatch(r"\d+|–", text)
    ]
    weights = np.round(100 * expected.weights).astype(int)
    hidden = np.triu(np.ones((n, n), bool), 1) & expected.causal
    assert cells == ["–" if hidden[t, s] else str(weights[h, t, s]) for h, t, s in np.ndindex(weights.shape)]
    return line


def test_swapped_words_keep_their_outputs_until_positions_or_a_mask_are_on(views):
    view, other = views("SelfAttention")
    expected = EXAMPLES["SelfAttention"]()
    shows(view, expected)
    same = "Every word has the output that it had: the set of outputs is the same."
    for first, second, switch in (
        ("dog", "bites", None), ("dog", "old", "Two heads"), ("old", "dog", "Positions"),
        ("bites", "dog", "Positions"), ("bites", "old", "Causal mask"), ("dog", "old", "Scale"),
    ):  # fmt: skip
        if switch:
            view.get_by_role("button", name=switch).press("Enter")
            name = {"Positions": "positions", "Causal mask": "causal", "Scale": "scaled"}.get(switch)
            if name:
                setattr(expected, name, not getattr(expected, name))
            else:
                expected.heads = 2
            on = view.get_by_role("button", name=switch).get_attribute("aria-pressed") == "true"
            assert f"You turned “{switch}” {'on' if on else 'off'}. " in shows(view, expected)
        before = expected.outputs[np.argsort(expected.order)]
        view.get_by_role("button", name=f"Swap {first} and {second}").press("Enter")
        order = expected.order
        at = order.index(expected.words.index(first))
        order[at], order[at + 1] = order[at + 1], order[at]
        expected.order = order
        moved = np.linalg.norm(expected.outputs[np.argsort(order)] - before, axis=1)
        for one in (view, other):
            said = shows(one, expected)
            assert said.startswith(f"You swapped “{first}” and “{second}”. ")
            assert (same in said) == (moved.max() < 1e-9)
            if same not in said:
                assert "The set of outputs has changed: " in said
                assert f"{expected.words[moved.argmax()]}”, by {moved.max():.2f}. " in said
            assert one.locator("svg path.bound").count() == len(order)
    view.get_by_role("button", name="Start over").press("Enter")
    assert shows(other, EXAMPLES["SelfAttention"]()).startswith("All of this was set at once. ")
    assert other.locator("svg path.bound").count() == 0


def test_an_arrow_is_moved_by_keyboard_and_buttons_as_far_as_its_plane_goes(views):
    view, other = views("SelfAttention")
    expected, line = EXAMPLES["SelfAttention"](), view.locator("[aria-live]")
    view.get_by_role("button", name="man", exact=True).focus()
    view.page.keyboard.press("ArrowUp")
    arrows = expected.q
    arrows[3] += [0, 0.1]
    expected.q, expected.word = arrows, 3
    assert shows(other, expected).startswith("You moved the query of “man” to (−1.50, −0.80). ")
    view.get_by_label("Arrow:").select_option("value")
    expected.kind = "v"
    shows(other, expected)
    view.get_by_role("button", name="left", exact=True).press("Enter")
    view.page.keyboard.press("ArrowDown")
    arrows = expected.v
    arrows[3] += [-0.1, -0.1]
    expected.v = arrows
    shows(other, expected)
    for _ in range(13):
        view.page.keyboard.press("ArrowRight")
    assert line.text_content() == "The value of “man” is at the edge, and goes no further: (2.00, −1.50)."
    # Over a list, arrow keys choose from it
    view.get_by_label("Arrow:").press("ArrowUp")
    assert view.get_by_label("Arrow:").input_value() == "k"
    press(handles(view)["temperature"], "ArrowRight", 2)
    arrows[3] = [2, -1.5]
    expected.v, expected.kind, expected.temperature = arrows, "k", 1.2
    assert shows(other, expected).startswith("You raised the temperature to 1.20. ")


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (375, False), (375, True)])
def test_an_arrow_is_dragged_by_its_tip_and_by_nothing_else(views, width, touch):
    view, other = views("SelfAttention", width=width, has_touch=touch)
    expected, page, canvas = EXAMPLES["SelfAttention"](), view.page, view.locator("svg")

    def drag(start, end):
        canvas.evaluate("(canvas) => canvas.scrollIntoView({ block: 'center', behavior: 'instant' })")
        box = canvas.bounding_box()
        scale = box["width"] / 360
        places = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in (start, end)]
        if touch:
            screen = page.context.new_cdp_session(page)
            for kind, (x, y) in zip(("touchStart", "touchMove"), places, strict=True):
                screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        else:
            page.mouse.move(*places[0])
            page.mouse.down()
            page.mouse.move(*places[1], steps=5)
            page.mouse.up()

    unit = 57 / 2.65
    centre = np.array([123 + 57, 22 + 57])  # of the plane of keys
    tip = centre + unit * np.array([1.6, 0.4])  # the key of the dog
    drag(tip + np.array([3, 2]), centre + unit * np.array([-1, 1.5]))
    arrows = expected.k
    arrows[0] = [-1, -1.5]
    expected.k, expected.kind = arrows, "k"
    said = shows(other, expected)
    assert said.startswith("You moved the key of “dog” to (−1.00, −1.50). ")
    drag(centre + unit * np.array([-1, 1.5]), (340, 290))  # out of its plane
    said = other.locator("[aria-live]").text_content()
    assert said.startswith("You moved the key of “dog” to (2.00, −2.00). ")
    drag(centre + unit * np.array([-2.4, 2.4]), centre)  # no tip is there
    assert view.locator("[aria-live]").text_content() == said


def test_an_arrow_chosen_from_outside_is_shown(views):
    found = views("SelfAttention")
    found[0].page.get_by_label("SelfAttention kind", exact=True).fill("k")
    for view in found:
        assert view.get_by_label("Arrow:").input_value() == "k"
        assert "The key of “dog” is (1.60, −0.40)" in view.locator("[aria-live]").text_content()


def recalls(view, expected):
    """Whether line and maps of a view show what `lstmlib` makes of the sequence."""
    line, end, at = view.locator("[aria-live]").text_content(), len(expected.symbols) - 1, 0
    names = [chr(97 + s) if s < 16 else str(s - 16) for s in expected.symbols]
    at = 2 * expected.symbols[:end:2].index(expected.symbols[-1]) + 1
    second, said = expected.probabilities.argsort()[-2:]
    p, (first, last) = expected.probabilities, expected.looks
    assert f"Asked for {names[-1]}, the network says {said}, with a probability of {p[said]:.2f}; " in line
    right = "" if said == expected.right else f", and has {p[expected.right]:.2f}"
    assert f"{expected.right} is right{right}. Next comes {second}, with {p[second]:.2f}. " in line
    assert f"the value {names[at]} looks at its own key with {100 * first[at, at - 1]:.0f} % of its" in line
    most = last[-1].argmax()
    where = f"and most at place {most + 1}, {names[most]}, with {100 * last[-1, most]:.0f} %."
    there = "more than anywhere else." if most == at else where
    assert f"at its value with {100 * last[-1, at]:.0f} %, {there}" in line
    cells = [text for text in view.locator("svg text.small:not(.end)").all_text_contents()]
    drawn = []
    for look in expected.looks:
        for t, name in enumerate(names):
            drawn += [name, *(f"{100 * weight:.0f}" for weight in look[t, : t + 1] if weight >= 0.05)]
    assert cells == drawn
    return line


def test_typed_pairs_are_recalled_as_lstmlib_recalls_them(views):
    view, other = views("RecallReader")
    expected, field = EXAMPLES["RecallReader"](), view.get_by_label("Pairs, and a key to ask for:")
    assert "The network was trained" not in recalls(view, expected)
    for text, tail in (
        ("c7 k0 a3 f12 f", ""),
        ("A1, B2; b", " The network was trained on 4 pairs, and here are 2."),
        ("p15 p", " The network was trained on 4 pairs, and here is 1."),
    ):
        field.fill(text)
        expected.text = text
        for one in (view, other):
            assert recalls(one, expected).endswith(tail)
            assert one.get_by_label("Pairs, and a key to ask for:").input_value() == text
    view.page.get_by_label("RecallReader text", exact=True).fill("b3 a4 B ")
    expected.text = "b3 a4 b"
    for one in (view, other):
        recalls(one, expected)
        assert one.get_by_role("button").all_text_contents() == ["b", "a"]
    for key in "aab":  # asked for twice nothing changes
        view.get_by_role("button", name=key).press("Enter")
        expected.text = f"b3 a4 {key}"
        for one in (view, other):
            recalls(one, expected)
            assert one.get_by_label("Pairs, and a key to ask for:").input_value() == expected.text
            assert one.get_by_role("button", name=key).get_attribute("aria-pressed") == "true"


def test_what_is_no_sequence_gets_a_sentence_and_loses_nothing(views):
    view, _ = views("RecallReader")
    line, field = view.locator("[aria-live]"), view.get_by_label("Pairs, and a key to ask for:")
    kept = view.locator("svg").inner_html()
    for text, message in (
        ("", "There is nothing in it."),
        ("a1 b", "The key b has no value in this sequence"),
        ("\N{DOG FACE}", "“\N{DOG FACE}” is no key"),
        ("x" * 10_000, "“x” is no key"),
        ("a99 a", "A value is a number from 0 to 15, and 99 is not."),
    ):
        field.fill(text)
        assert line.text_content().startswith(message)
        assert line.text_content().endswith("The figure still shows c7 k0 a3 f12 a.")
        assert field.get_attribute("aria-invalid") == "true"
        assert view.locator("svg").inner_html() == kept
    field.fill("c7 c")
    assert field.get_attribute("aria-invalid") == "false"
    assert "Asked for c" in line.text_content()


def test_pictures_are_calm_where_less_motion_is_asked_for(views):
    view, _ = views("Trainer", reduced_motion="reduce")
    view.evaluate(
        """(view) => {
          window.drawn = [];
          new MutationObserver(() => window.drawn.push(0)).observe(
            view.querySelector("svg"), { childList: true });
        }"""
    )
    view.get_by_role("button", name="Train").press("Enter")
    view.page.wait_for_timeout(3500)
    assert 1 <= view.page.evaluate("window.drawn.length") <= 6


def assert_the_family_says(view, figure):
    """The line and the switches of a family, with every number that Python knows."""
    on = view.get_by_role("group").get_by_role("button", pressed=True).all_text_contents()
    assert on == [name for part, name in SWITCHES.items() if part in figure.parts]
    line, reading = view.locator("[aria-live]").text_content(), figure.reading
    named = f"This is {figure.name} (" if figure.name else "This is no published cell that this course knows."
    assert named in line
    assert named in view.locator(".named").text_content()
    sizes = f"With {figure.inputs} inputs and {figure.units} units it learns {figure.parameters:,} parameters"
    assert sizes in line
    assert f"carries {figure.carried:,} numbers from step to step" in line
    held = line.split("It holds ")[1].split("and shows ")
    found, expected = numbers(held[0]), reading.c.ravel()
    if "exponential" in figure.parts:
        expected = np.concatenate([expected, reading.n.ravel()])
    assert found == pytest.approx(expected, abs=0.0051)
    assert numbers(held[1]) == pytest.approx(reading.h, abs=0.0051)
    drawn = " ".join(view.locator("svg").nth(1).locator("text").all_text_contents())
    assert all(f"{h:.2f}".replace("-0.00", "0.00").replace("-", "−") in drawn for h in reading.h)


def test_the_switches_of_a_family_make_the_cells_that_python_knows(views):
    view, other = views("Family")
    figure, rng = EXAMPLES["Family"](), np.random.default_rng(0)
    assert_the_family_says(view, figure)
    group = view.get_by_role("group").get_by_role("button")
    seen = set()
    for n in (*rng.permutation(np.repeat(np.arange(8), 5)), 6, 7):
        before, was = set(figure.parts), figure.reading.h
        group.nth(n).press("Enter")
        pressed = group.evaluate_all("keys => keys.map((key) => key.ariaPressed === 'true')")
        figure.parts = list(compress(SWITCHES, pressed))
        moved = before ^ set(figure.parts)
        assert list(SWITCHES)[n] in moved
        line = view.locator("[aria-live]").text_content()
        for part in moved:
            assert re.search(
                f"Switched {'on' if part in figure.parts else 'off'}: [^.]*{SWITCHES[part]}", line
            )
        whys = [why for *_, why in (*CONFLICTS, *NEEDS) if why in line]
        assert (len(whys) > 0) == (len(moved) > 1)
        same = np.array_equal(np.round(was, 2), np.round(figure.reading.h, 2))
        assert ("What it shows is the same" in line) == same
        for one in (view, other):
            assert_the_family_says(one, figure)
        seen.add(figure.parts)
    assert len(seen) > 20
    press(handles(view)["H units"], "Home")
    press(handles(view)["D inputs"], "End")
    figure.units, figure.inputs = 1, 64
    assert_the_family_says(other, figure)
    readout = view.locator(".widget-readout").first
    for typed, inputs in (("ten", 64), ("12.4", 12), ("-7", 1), ("99", 64)):
        readout.fill(typed)
        readout.press("Enter")
        view.get_by_text(re.compile(f"With {inputs} inputs and 1 units")).wait_for()
        figure.inputs = inputs
        assert_the_family_says(other, figure)
    view.get_by_role("button", name="Start over").press("Enter")
    figure.parts = BEGIN
    assert_the_family_says(other, figure)


def test_the_equations_of_a_family_mark_what_differs_and_its_drawing_leaves_out_what_is_off(views):
    view, _ = views("Family")
    cell, lines = view.locator("svg").first, view.locator(".equations li")
    assert lines.count() == 6
    assert view.locator(".equations .changed").count() == 0
    assert "forget" in cell.text_content()
    view.get_by_role("button", name="forget gate", exact=True).press("Enter")
    written = [
        line.inner_html().replace(' data-lm-suppress-shortcuts="true"', "") for line in lines.all()[-3:]
    ]
    assert '<span class="part-i">i</span><sub>t</sub> ⊙ <span class="part-g">g</span>' in written[0]
    written = [re.sub('<span class="part-(.)">\\1</span>', r"\1", line) for line in written]
    assert [re.sub("<sub>(.*?)</sub>", r"_{\1}", line) for line in written] == [
        '<span class="note">differs</span>c_{t} = c_{t−1} + i_{t} ⊙ g_{t}',
        "o_{t} = σ(W_{o} [h_{t−1}, x_{t}] + b_{o})",
        "h_{t} = o_{t} ⊙ tanh c_{t}",
    ]
    assert lines.count() == 5
    assert "forget" not in cell.text_content()
    assert "forget" not in cell.get_attribute("aria-label")
    view.get_by_role("button", name="matrix memory").press("Enter")
    assert "H × H numbers" in cell.text_content()
    assert "all of these see xₜ alone" in cell.text_content()


PLACES = ["top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"]


def place(view, k):
    return view.locator(".places button").nth(k)


def says(view, expected, at):
    """Whether line and drawing of a view show this word of what `lstmlib` says of the page."""
    words, probabilities, looks = expected.reading
    shares = looks[at - 1].reshape(3, 2, 3, 2).sum(axis=(1, 3)).ravel()
    most = int(shares.argmax())
    name = [*map(str, range(10)), "start", "end", "filler"]
    said = view.locator("[aria-live]").text_content()
    assert (
        f"Word {at}: it says “{name[words[at - 1]]}”, with a probability of {probabilities[at - 1]:.2f}"
        in said
    )
    assert f"looks most at the {PLACES[most]} ({100 * shares[most]:.0f} % of the weight)" in said
    assert f"So far: {' '.join(name[word] for word in words[:at])}." in said
    assert f"On the page: {' '.join(map(str, expected.digits))}." in said
    drawn = view.locator("svg text.halo").all_text_contents()
    hidden = ["hidden"] * len(expected.hidden)
    percents = 100 * looks[at - 1].ravel()
    assert drawn == hidden + [f"{percent:.0f}" for percent in percents if percent >= 2]
    return said


def test_a_page_is_read_word_by_word_as_lstmlib_reads_it(views):
    expected = EXAMPLES["PictureReader"]()
    for view in views("PictureReader"):
        line = view.locator("[aria-live]")
        for name in ("three", "one"):
            view.get_by_label("Page:").select_option(label=name)
            expected.picture = name
            view.get_by_role("button", name="Back to the start").press("Enter")
            assert "It has said nothing yet: “Next word” lets it look." in line.text_content()
            view.get_by_role("button", name="Previous word").press("Enter")
            assert line.text_content().startswith("There is no word before. ")
            T = len(expected.reading.words)
            for at in range(1, T + 1):
                view.get_by_role("button", name="Next word").press("Enter")
                said = says(view, expected, at)
            assert "That is not what is on the page." in said
            view.get_by_role("button", name="Next word").press("Enter")
            assert line.text_content().startswith(f"There is no next word. Word {T}: ")
            view.get_by_role("button", name="Previous word").press("Enter")
            says(view, expected, T - 1)
            view.get_by_role("button", name="All words").press("Enter")
            assert says(view, expected, T) == said


def test_a_place_is_hidden_from_the_attention_alone_and_one_must_be_seen(views):
    view, other = views("PictureReader")
    expected, line = EXAMPLES["PictureReader"](), view.locator("[aria-live]")
    view.get_by_label("Page:").select_option(label="three")
    expected.picture = "three"
    view.get_by_role("button", name="All words").press("Enter")
    ink = view.locator("svg path.shutter").count()
    for k in range(8):
        place(view, k).press("Enter")
        expected.hidden = range(k + 1)
        said = says(view, expected, len(expected.reading.words))
        assert said.startswith(f"You hid the {PLACES[k]}. ")
        assert said.endswith(f" Hidden from the attention: {', '.join(PLACES[: k + 1])}.")
        assert place(other, k).get_attribute("aria-pressed") == "true"
        assert place(other, k).get_attribute("aria-label").endswith(", hidden")
        assert view.locator("svg path.shutter").count() == ink  # it stays on the page
    place(view, 8).press("Enter")
    assert line.text_content().startswith("One place at least must be seen")
    place(other, 4).press("Enter")
    assert line.text_content().startswith("You showed the middle. ")
    view.get_by_role("button", name="Show all places").press("Enter")
    assert line.text_content().startswith("All places are shown. ")
    expected.hidden = []
    says(view, expected, len(expected.reading.words))


def test_digits_are_put_on_a_page_by_keyboard_and_by_mouse_and_taken_away(views):
    view, _ = views("PictureReader", width=375)
    expected, line = EXAMPLES["PictureReader"](), view.locator("[aria-live]")
    view.get_by_role("button", name="Empty the page").press("Enter")
    assert view.get_by_label("Page:").input_value() == "-1"
    assert "The page is empty, and the network is not asked." in line.text_content()
    view.get_by_role("button", name="Next word").press("Enter")
    assert line.text_content().startswith("There is no next word. The page is empty")
    cells, at = [-1] * 9, 0
    ways = (("3", "a 3", None, 0), ("8", "an 8", "ArrowRight", 2), ("3", "a 3", "ArrowDown", 8))
    for tool, digit, key, to in ways:
        view.get_by_label("A press:").select_option(tool)
        place(view, at).focus()
        for pressed in (key, key, "Enter") if key else ("Enter",):
            view.page.keyboard.press(pressed)
        cells[to], at = int(tool), to
        assert line.text_content().startswith(f"You put {digit} at the {PLACES[to]}. ")
    view.get_by_label("A press:").select_option("0")
    place(view, 4).click()
    cells[4] = 0
    expected.cells = cells
    view.get_by_role("button", name="All words").press("Enter")
    said = says(view, expected, len(expected.reading.words))
    assert said.endswith("No page of the training had more than 3 digits.")
    for key in ("ArrowLeft", "ArrowUp"):  # the edge of the page is one
        place(view, 0).press(key)
        assert place(view, 0).evaluate("one => one === document.activeElement")
    view.get_by_label("A press:").select_option("erase")
    place(view, 0).click()
    assert line.text_content().startswith("You erased the 3 at the top left. ")
    place(view, 0).click()
    assert line.text_content() == "There is no digit at the top left."
    # A digit on a page that was picked makes it the reader's own, and the picked one stays as it was
    view.get_by_label("Page:").select_option(label="one")
    place(view, 5).click()
    assert line.text_content().startswith("You erased the 7 at the right. The page is empty")
    view.get_by_label("Page:").select_option(label="one")
    assert "On the page: 7." in line.text_content()


def test_a_word_set_from_outside_is_shown_and_one_beyond_the_end_is_the_last(views):
    found, expected = views("PictureReader"), EXAMPLES["PictureReader"]()
    T = len(expected.reading.words)
    for step, at in ((1, 1), (2, 2), (99, T)):
        found[0].page.get_by_label("PictureReader step", exact=True).fill(str(step))
        found[0].page.get_by_label("PictureReader step", exact=True).press("Enter")
        for view in found:
            says(view, expected, at)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_no_control_leaves_its_keys_to_jupyter(views, kind):
    found, left = views(kind)[0].evaluate(
        """(view) => {
          const all = [...view.querySelectorAll("[role=slider], button, select, input")];
          const left = all.filter((control) => !control.closest("[data-lm-suppress-shortcuts]"));
          return [all.length, left.map((control) => control.outerHTML)];
        }"""
    )
    assert found > 0
    assert left == []


@pytest.mark.parametrize("width", [1280, 768, 375])
def test_every_label_is_read_whole_and_every_figure_fits(views, width):
    page = views("LSTMCell", width=width)[0].page
    names = page.get_by_label("Names:").first
    shown = [(kind, None) for kind in EXAMPLES] + [("LSTMCell", notation) for notation in NAMES_BY_NOTATION]
    for kind, notation in shown:
        if notation:
            names.select_option(notation)
        view = page.locator(f".{kind}").first
        labels, cut, outside, tracks = view.evaluate(
            """(view) => {
              const all = (selector) => [...view.querySelectorAll(selector)];
              const end = view.getBoundingClientRect().right + 12; // half a handle
              const labels = all(".widget-label, .widget-readout, .switches span, label, button");
              const parts = all("*").filter((part) => !part.closest("svg"));
              return [
                labels.length,
                labels.filter((l) => l.clientWidth < l.scrollWidth).map((l) => l.textContent),
                parts.filter((p) => p.getBoundingClientRect().right > end).map((p) => p.className),
                all(".slider-container").map((track) => track.clientWidth),
              ];
            }"""
        )
        assert labels >= 2, kind
        assert len(tracks) == len(sliders(EXAMPLES[kind]())), kind
        assert cut == [], kind
        assert outside == [], kind
        assert all(track >= 100 for track in tracks), "a slider too short to be set"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
