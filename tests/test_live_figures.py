"""The figures on their pages, in a browser: every control moved, by keyboard, mouse and finger."""

import base64
import json
import re
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from browsing import handles, numbers, press, value, wait_for_sliders
from conftest import ROOT, unpacked
from test_arithmetic import assert_reads_as_in_python, call, node
from test_two_views import assert_says_what_python_says

from lstmlib.activations import sigmoid
from lstmlib.figures import CodeReader, GradientByLag, PenWriter
from lstmlib.figures.gradient_by_lag import KINDS
from lstmlib.figures.lstm_cell import NAMES_BY_NOTATION, SEQUENCE
from lstmlib.figures.moving_digit import _look, _tell
from lstmlib.figures.pen_writer import NAMES
from lstmlib.figures.picture_reader import _describe, _regions
from lstmlib.lstm import LSTM
from lstmlib.moving_digits import DIRECTIONS, film, walk
from lstmlib.moving_digits import sentence as in_words
from lstmlib.readout import Readout
from lstmlib.stories import PLACES, read_question, read_story, where_is

# The page that shows each figure first, and how many sliders it has
FIGURES = {
    "Gate": ("chapters/gates/selector_vectors", 6),
    "LSTMCell": ("chapters/lstm/lstm_cell", 5),
    "UnrolledLoop": ("chapters/rnn/sequences", 2),
    "GradientByLag": ("chapters/rnn/vanishing_gradients", 2),
    "GradientByLag with a belt": ("chapters/lstm/backward_pass", 3),
    "ThreeSwitches": ("chapters/gates/cell_state", 15),
    "Threshold": ("chapters/applications/anomaly_detection", 2),
    "Counters": ("chapters/applications/grammar", 1),
    "SpokenNumber": ("chapters/applications/speech", 1),
    "PenWriter": ("chapters/applications/handwriting_generation", 1),
    "TuneWriter": ("chapters/applications/composing", 1),
    "CodeReader": ("chapters/lstm/inside_a_trained_lstm", 3),
    "FourParts": ("chapters/applications/polyphony", 1),
    "Trainer": ("chapters/lstm/training", 6),
    "Family": ("chapters/lstm/variants", 2),
    "SelfAttention": ("chapters/attention/self_attention", 1),
}


@pytest.fixture
def figure(visit):
    def open_figure(kind, **options):
        page = visit(FIGURES[kind][0], **options)
        wait_for_sliders(page)
        return page.locator(".lstmlib-figure").first

    return open_figure


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("kind", FIGURES)
def test_every_slider_is_named_and_moves_by_keyboard_and_says_so(figure, kind, width):
    root = figure(kind, width=width)
    line = root.locator("[aria-live]")
    found = handles(root)
    assert len(found) == FIGURES[kind][1]
    assert all(found)
    for handle in found.values():
        key = "ArrowLeft" if value(handle) > 0 else "ArrowRight"
        for _ in range(3):
            before, was = line.text_content(), value(handle)
            press(handle, key)
            assert value(handle) != was
            assert line.text_content() != before


def test_lstm_cell_shows_what_lstmlib_computes_wherever_the_sliders_stand(figure):
    root = figure("LSTMCell")
    found = {label[0] if not label.startswith("c") else "c_prev": h for label, h in handles(root).items()}
    rng = np.random.default_rng(1)
    for _ in range(4):
        for handle in found.values():
            press(handle, "Home" if rng.random() < 0.5 else "End")
            press(handle, "ArrowLeft" if value(handle) > 0.5 else "ArrowRight", rng.integers(1, 12))
        v = {name: value(handle) for name, handle in found.items()}
        c = v["f"] * v["c_prev"] + v["i"] * v["g"]
        h = v["o"] * np.tanh(c)
        said = numbers(root.locator("[aria-live]").text_content())
        assert said[-1] == pytest.approx(h, abs=0.0051)
        assert said[-2] == pytest.approx(c, abs=0.0051)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_part_of_the_cell_has_the_same_colour_in_figures_and_formulas(figure, mode):
    root = figure("LSTMCell", mode=mode)
    places = {
        "svg .part-f": "stroke",
        ".part-f .widget-label": "color",
        ".part-f .noUi-handle": "background-color",
    }
    found = [
        root.locator(place).first.evaluate("(one, name) => getComputedStyle(one)[name]", name)
        for place, name in places.items()
    ]
    formula = root.page.locator(".math .part-f").first
    found.append(formula.evaluate("(one) => getComputedStyle(one).fill"))
    expected = {"light": "#720000", "dark": "#ff4b36"}[mode]
    as_rgb = "rgb({}, {}, {})".format(*(int(expected[k : k + 2], 16) for k in (1, 3, 5)))
    assert found == [as_rgb] * 4


@pytest.mark.parametrize("width", [1280, 375])
def test_the_race_of_the_first_page_is_run_by_keys_and_leaves_the_address_alone(visit, width):
    page = visit("intro", width=width)
    wait_for_sliders(page)
    race = page.locator(".lstmlib-figure").last
    line, found = race.locator("[aria-live]"), handles(race)
    assert [*found] == ["gap", "units"]
    assert line.text_content().startswith("40 numbers from 0 to 1 come, one of each half marked.")
    press(found["gap"], "Home")
    assert line.text_content().startswith("You lowered the gap to 5. 5 numbers")
    race.get_by_role("button", name="Train").press("Enter")
    line.get_by_text(re.compile("^Update .* A, LSTM: loss .* B, plain RNN: loss")).wait_for()
    race.get_by_role("button", name="Pause").press("Enter")
    assert race.locator("svg path.curve").count() == 2
    race.get_by_role("button", name="Again with another seed").press("Enter")
    line.get_by_text(re.compile("^Update .* A, LSTM: loss")).wait_for()
    race.get_by_role("button", name="Clear").press("Enter")
    assert line.text_content().startswith("Cleared.")
    assert "#" not in page.url


def test_gate_value_and_pre_activation_move_each_other(figure):
    root = figure("Gate")
    found = handles(root)
    (pre, gate), *_ = zip(*[iter(found.values())] * 2, strict=True)
    press(pre, "End")
    assert value(gate) == 1.0
    press(gate, "Home")
    assert value(gate) == 0.0
    assert value(pre) == -8.0
    press(pre, "ArrowRight", 30)
    assert value(gate) == pytest.approx(sigmoid(np.float64(value(pre))), abs=0.0051)


def test_play_feeds_the_sequence_and_step_and_restart_lead_through_it(figure):
    root = figure("LSTMCell")
    c, states = 0.0, []
    for i, f, g, o in SEQUENCE:
        c = f * c + i * g
        states.append((c, o * np.tanh(c)))
    line = root.locator("[aria-live]")
    step = root.get_by_role("button", name="Step")
    for t, (c, h) in enumerate(states):
        step.focus()
        step.press("Enter")
        said = line.text_content()
        assert f"Step {t + 1} of {len(SEQUENCE)}" in said
        assert numbers(said)[-1] == pytest.approx(h, abs=0.0051)
        assert numbers(said)[-2] == pytest.approx(c, abs=0.0051)
    forget = next(h for label, h in handles(root).items() if label.startswith("f"))
    assert value(forget) == SEQUENCE[-1][1]
    root.get_by_role("button", name="Restart").press("Enter")
    assert value(forget) == 0.9
    play = root.get_by_role("button", name="Play")
    play.press("Enter")
    root.get_by_text(f"Step 3 of {len(SEQUENCE)}").wait_for()
    root.get_by_role("button", name="Pause").press("Enter")
    paused = line.text_content()
    root.page.wait_for_timeout(1500)
    assert line.text_content() == paused


def test_a_step_of_the_sequence_can_be_changed_and_all_later_ones_follow(figure):
    root = figure("LSTMCell")
    line, step = root.locator("[aria-live]"), root.get_by_role("button", name="Step")
    strip = root.get_by_role("img").nth(1)

    def shown():
        return numbers(strip.get_attribute("aria-label"))

    def expected(rows):
        c, values = 0.0, []
        for i, f, g, o in rows:
            c = f * c + i * g
            values += [c, o * np.tanh(c)]
        return pytest.approx(values, abs=0.0051)

    assert shown() == expected(SEQUENCE)
    for _ in range(3):
        step.press("Enter")
    changed = [list(row) for row in SEQUENCE]
    for key, name, column, new in (("Home", "f forget gate", 1, 0.0), ("End", "i input gate", 0, 1.0)):
        press(handles(root)[name], key)
        changed[2][column] = new
        assert "of step 3" in line.text_content()
        assert shown() == expected(changed)
    step.press("Enter")
    assert numbers(line.text_content())[1] == pytest.approx(0.7, abs=0.0051)  # what step 3 now wrote
    root.get_by_role("button", name="Back").press("Enter")
    assert "Step 3 of 6" in line.text_content()
    assert value(handles(root)["i input gate"]) == 1.0
    root.get_by_role("button", name="Restart").press("Enter")
    assert shown() == expected(SEQUENCE)


def test_a_sequence_may_pile_up_beyond_the_slider_of_the_cell_state(figure):
    root = figure("LSTMCell")
    line, step = root.locator("[aria-live]"), root.get_by_role("button", name="Step")
    for _ in range(4):
        step.press("Enter")
        for name in ("f forget gate", "i input gate", "g candidate"):
            press(handles(root)[name], "End")
    assert numbers(line.text_content())[-2] == 4.0
    assert value(handles(root)["c cell state before"]) == 3.0


def test_the_names_of_an_lstm_cell_change_and_its_numbers_do_not(figure):
    root = figure("LSTMCell")
    line, before = root.locator("[aria-live]"), None
    assert root.get_by_label("Names:").locator("option").all_text_contents() == list(NAMES_BY_NOTATION)
    for notation, names in NAMES_BY_NOTATION.items():
        root.get_by_label("Names:").select_option(notation)
        root.page.wait_for_function(
            "([root, label]) => root.querySelector(`[aria-label='${label}']`)",
            arg=[root.element_handle(), " ".join(names["o"])],
        )
        assert list(handles(root)) == [
            *(" ".join(names[name]) for name in "figo"),
            " ".join(names["c"]) + " before",
        ]
        before = before or numbers(line.text_content())
        assert numbers(line.text_content()) == before
        assert f"{names['h'][0]} = " in root.locator("svg").first.text_content()


def test_a_word_typed_is_read_and_one_that_cannot_be_is_named_and_loses_nothing(figure):
    root = figure("UnrolledLoop")
    line, field = root.locator("[aria-live]"), root.get_by_label("Type a word")
    found = handles(root)
    w, u = (value(handle) for handle in found.values())
    field.fill("bacab")
    h, expected = 0.0, []
    for x in (-1, 1, 0, 1, -1):
        h = np.tanh(w * x + u * h)
        expected.append(h)
    assert numbers(line.text_content())[:5] == pytest.approx(expected, abs=0.0051)
    assert "It reads the same backwards" in line.text_content()
    for word, message in (
        ("a1", "“1” is not a letter"),
        ("", "no letter"),
        ("a" * 11, "may have 10 letters, and this one has 11"),
    ):
        field.fill(word)
        assert message in line.text_content()
        assert "still shows bacab" in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("ab")
    assert field.get_attribute("aria-invalid") == "false"
    assert "Read backwards, ba" in line.text_content()


def test_the_gradient_shown_is_that_of_the_figure_in_python(figure):
    root = figure("GradientByLag")
    line, (gain, length) = root.locator("[aria-live]"), handles(root).values()
    press(gain, "ArrowRight", 4)
    press(length, "ArrowLeft", 7)
    for kind in KINDS:
        button = root.get_by_role("button", name=kind)
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        T = int(value(length))
        expected = GradientByLag(gain=value(gain), length=T, kind=kind).norms[-1]
        said = line.text_content()
        mantissa, power = re.search(r"at most ([\d.]+) × 10([⁻⁰¹²³⁴-⁹]+)", said).groups()
        shown = float(mantissa) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        assert shown == pytest.approx(expected, rel=0.051)
        assert f"over {T - 1} steps" in said


def test_three_switches_says_what_is_missing_and_when_it_is_solved(figure):
    root = figure("ThreeSwitches")
    line = root.locator("[aria-live]")
    assert "Not yet: step 5 should show −0.66, and shows 0.00" in line.text_content()
    press(root.get_by_role("slider", name="write at step 2"), "End")
    assert "Not yet" in line.text_content()
    press(root.get_by_role("slider", name="read at step 5"), "End")
    assert "Solved" in line.text_content()
    press(root.get_by_role("slider", name="keep at step 4"), "Home")
    assert "Not yet: step 5" in line.text_content()
    root.get_by_role("button", name="Start over").press("Enter")
    assert value(root.get_by_role("slider", name="keep at step 4")) == 1
    assert value(root.get_by_role("slider", name="write at step 2")) == 0
    root.get_by_label("Show", exact=True).select_option(index=2)
    assert "step 1 should show 0.38" in line.text_content()


def test_a_number_is_translated_and_a_word_hidden_in_the_page(visit):
    page = visit("chapters/attention/attention")
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, field = root.locator("[aria-live]"), root.get_by_label("Number:")
    assert "vier·hundert·ein·und·zwanzig·tausend" in line.text_content()
    one = root.get_by_role("button", name="one", exact=True)
    one.press("Enter")
    assert one.get_attribute("aria-pressed") == "true"
    assert "You hid “one”" in line.text_content()
    assert "vier·hundert·ein·und·zwanzig·tausend" not in line.text_content()
    assert "from one" not in line.text_content()
    root.get_by_label("Score:").select_option("additive")
    assert "With the additive score" in line.text_content()
    field.fill("35000")
    assert "thirty five thousand: the network says" in line.text_content()
    for word in ("thirty", "five", "thousand"):
        root.get_by_role("button", name=word).press("Enter")
    assert "One word at least must be seen" in line.text_content()
    for text in ("-3", "1000000", "x", ""):
        field.fill(text)
        assert "is not a whole number from 0 to 999,999. The figure still shows 35000" in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("1,000")
    assert "one thousand: the network says" in line.text_content()


def test_a_threshold_trades_false_alarms_for_recall_and_one_outside_its_range_is_named(figure):
    root = figure("Threshold")
    line, field = root.locator("[aria-live]"), root.get_by_label("Threshold:")

    def counted():
        found = re.search(
            r"(\d+) alarms: (?:precision ([\d.]+)|no alarm.*), recall ([\d.]+), (\d+) false",
            line.text_content(),
        )
        return [float(found[k] or "nan") for k in range(1, 5)]

    for detector in root.get_by_label("Detector:").locator("option").all_text_contents():
        root.get_by_label("Detector:").select_option(detector)
        assert line.text_content().startswith(detector)
        seen = []
        for threshold in (0, 0.5, 1, 2, 3):
            field.fill(str(threshold))
            assert value(root.get_by_role("slider", name="threshold")) == threshold
            seen.append(counted())
        alarms, _, recall, false = np.transpose(seen)
        assert (np.diff(alarms) <= 0).all()
        assert (np.diff(recall) <= 0).all()
        assert (np.diff(false) <= 0).all()
        assert recall[0] > recall[-1]
    for text, message in (
        ("4", "A threshold must lie from 0 to 3, and 4 does not."),
        ("-1", "A threshold must lie from 0 to 3, and -1 does not."),
        ("high", "“high” is not a number."),
        ("", "“” is not a number."),
    ):
        field.fill(text)
        assert f"{message} The figure still shows 3." in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("1,5")
    assert field.get_attribute("aria-invalid") == "false"
    assert "threshold 1.50" in line.text_content()


def test_a_string_is_counted_and_one_that_breaks_the_grammar_is_met_with_a_sentence(figure):
    root = figure("Counters")
    line, field, n = (
        root.locator("[aria-live]"),
        root.get_by_label("Type a string"),
        root.get_by_role("slider"),
    )
    press(n, "Home")
    press(n, "ArrowRight", 3)
    said = line.text_content()
    assert "You raised n to 4. After aaaabbbb the grammar allows the end." in said
    assert "set by hand: allows the end; cells 0.00" in said
    field.fill("a300b299")
    by_hand = line.text_content().split("set by hand: ")[1]
    assert by_hand.startswith("allows b; cells 1.00")
    assert by_hand.endswith("right after every symbol.")
    field.fill("aab")
    assert "After aab the grammar allows b." in line.text_content()
    for text, message in (
        ("aabx", "“x” is not a symbol of this language: type a and b."),
        ("", "There is no symbol in it."),
        ("a0", "There is no symbol in it."),
        ("aba", "After ab the grammar allows the end, and you typed a."),
        ("b", "At the start the grammar allows a, and you typed b."),
        ("2a", "A number must follow the letter that it repeats, as in a3b2."),
        ("a600b600", "A string may have 1,000 symbols here, and this one has 1,200."),
        ("a" + 40 * "9", "A string may have 1,000 symbols here"),
        ("a😀", "“😀” is not a symbol of this language"),
    ):
        field.fill(text)
        assert line.text_content().startswith(message)
        assert line.text_content().endswith("The figure still shows aab.")
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("AA BB")
    assert field.get_attribute("aria-invalid") == "false"
    assert "After aabb the grammar allows the end." in line.text_content()


CAT = [
    # c, a, t and its bar: corners in heights of an x from the left end of the line, joined by straight lines
    [(1.55, 0.8), (1.2, 1), (0.85, 0.75), (0.8, 0.4), (1, 0.05), (1.3, 0), (1.6, 0.2)],
    [
        (2.7, 0.85),
        (2.3, 1),
        (1.95, 0.6),
        (2.1, 0.1),
        (2.4, 0.02),
        (2.7, 0.4),
        (2.75, 1),
        (2.75, 0.2),
        (2.9, 0),
    ],
    [(3.7, 1.5), (3.7, 0.3), (3.85, 0), (4, 0.05)],
    [(3.4, 1), (4, 1)],
]


def with_mouse(page, places):
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def with_finger(page, places):
    screen = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(places):
        touch = {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        screen.send("Input.dispatchTouchEvent", touch)
    screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def draw(root, strokes, by):
    """On empty paper; what the figure then says."""
    root.get_by_role("button", name="Clear").press("Enter")
    paper = root.locator("svg").first
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    scale = box["width"] / 360
    for stroke in strokes:
        by(root.page, [(box["x"] + 36 * x * scale, box["y"] + (92 - 36 * y) * scale) for x, y in stroke])
    assert paper.bounding_box() == box, "the page moved under the pen"
    return root.locator("[aria-live]").text_content()


@pytest.mark.parametrize(("width", "by"), [(1280, with_mouse), (375, with_finger)])
def test_a_word_drawn_is_read_and_what_is_no_word_gets_a_sentence(visit, width, by):
    page = visit("chapters/applications/handwriting", width=width, has_touch=by is with_finger)
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, ink = root.locator("[aria-live]"), root.get_by_label("Ink:")
    assert "The network reads" in draw(root, CAT, by) or "not sure enough" in line.text_content()
    assert "There are 4 strokes of yours" in line.text_content()
    root.get_by_role("button", name="Take back").press("Enter")
    assert "You took back a stroke. There are 3 left" in line.text_content()
    for strokes, sentence in (
        ([], "The paper is empty"),
        ([[(2, 1)]], "too small to be read"),
        ([[(1, 0.5), (4, 0.5)]], "too small to be read"),
        ([[(0.2 + 0.12 * k, 2 if k % 2 else -0.5) for k in range(70)]], "more ink than the network"),
    ):
        said = draw(root, strokes, by)
        assert sentence in said
        assert "The network reads" not in said
    options = ink.locator("option").all_text_contents()
    for option in options[1:]:
        ink.select_option(label=option)
        assert f"You picked {option}. " in line.text_content()
    root.get_by_role("button", name="Take back").press("Enter")
    assert "There is no stroke of yours" in line.text_content()


def test_the_questions_on_the_family_are_answered_by_its_switches(figure):
    root = figure("Family")
    line = root.locator("[aria-live]")

    def switch(*names):
        root.get_by_role("button", name="Start over").press("Enter")
        for name in names:
            root.get_by_role("button", name=name, exact=True).press("Enter")
        return line.text_content()

    assert "This is the LSTM of 2000 (Gers et al., with a forget gate)" in switch()
    assert "It holds 0.50, 0.90, 0.90, 1.20, 1.20, −0.60, −0.60, −1.10, −1.10, −0.90" in switch()
    said = switch("forget gate")
    assert "This is the LSTM of 1997 (Hochreiter and Schmidhuber)" in said
    assert "400 fewer than the LSTM of 2000" in said
    assert "It holds 0.50, 0.90, 0.90, 1.20, 1.20, 0.60, 0.60, 0.10, 0.10, 0.30" in said
    assert "At step 9 it shows 0.10, and showed −0.80" in said
    assert "It holds 0.00, 0.00, 0.00, 0.00, 0.00, −0.60" in switch("input and forget coupled")
    assert "This is the peephole LSTM" in switch("peepholes")
    said = switch("input and forget coupled", "output gate", "output tanh")
    assert "This is the cell with one gate, JANET" in said
    assert "it learns 800 parameters" in said
    assert "This is the sLSTM (Beck et al. 2024)" in switch("exponential input gate", "output tanh")
    said = switch("exponential input gate", "output tanh", "matrix memory")
    assert "This is the mLSTM (Beck et al. 2024)" in said
    assert numbers(said.split("and shows ")[1])[3] == 0.4


@pytest.mark.parametrize("kind", FIGURES)
def test_a_slider_is_answered_within_one_frame(figure, kind):
    root = figure(kind)
    # From the key to the finished drawing, with no frame in between: the same task does both.
    spent = root.evaluate(
        """(root) => {
          const handle = root.querySelector("[role=slider]");
          const line = root.querySelector("[aria-live]");
          const times = [];
          for (let k = 0; k < 20; k++) {
            const before = line.textContent;
            const key = k % 2 ? "ArrowRight" : "ArrowLeft";
            const start = performance.now();
            if (handle.matches("input")) {
              // A browser answers no key that a script presses, so set its own slider by hand.
              k % 2 ? handle.stepDown() : handle.stepUp();
              handle.dispatchEvent(new Event("input"));
            } else handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            times.push(line.textContent === before ? Infinity : performance.now() - start);
          }
          return times.sort((a, b) => a - b)[10];
        }"""
    )
    assert spent < 16


def weights_on(site, name, figure):
    """The arrays that a page of the site holds for a figure."""
    page = nbformat.read(ROOT / f"{name}.ipynb", 4)
    assert any(f"{figure}(" in cell.source for cell in page.cells)
    text = (site / f"{name}.html").read_text()
    state = json.loads(
        re.search(r'type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', text, re.S)[1]
    )
    [canvas] = [one for one in state["state"].values() if "places" in one["state"]]
    [data] = [buffer["data"] for buffer in canvas["buffers"] if buffer["path"] == ["data"]]
    return unpacked(SimpleNamespace(data=base64.b64decode(data), places=canvas["state"]["places"]))


@pytest.fixture(scope="session")
def writer_in_python(site):
    """The figure's writer, made of the weights that the page has."""
    found = weights_on(site, "chapters/applications/handwriting_generation", "PenWriter")
    names = {name: found[ours] for ours, name in NAMES.items()}
    return names | {"lstm.bias_hh_l0": np.zeros_like(names["lstm.bias_ih_l0"])}


def test_the_writer_in_the_page_writes_what_lstmlib_computes(figure, writer_in_python):
    root = figure("PenWriter")
    line = root.locator("[aria-live]")
    expected = PenWriter(writer_in_python)
    [slider] = handles(root).values()
    for text, key, times in (("lstm", "ArrowRight", 0), ("pen", "ArrowRight", 7), ("quiz", "Home", 1)):
        root.get_by_label("Letters to write:").fill(text)
        press(slider, key, times)
        expected.text, expected.bias = text, value(slider)
        written = expected.written
        points = sum(len(one.points) for one in written)
        strokes = [stroke for one in written for stroke in one.strokes]
        assert (
            f"“{text}” with bias {expected.bias:.2f} and seed 1: {points} points in {len(strokes)} strokes"
            in (line.text_content())
        )
        drawn = root.locator("svg path.curve")
        assert drawn.count() == len(strokes)
        # As tall and as wide as in Python, in heights of an x
        for k, stroke in enumerate(strokes):
            path = np.array(re.findall(r"[-\d.]+", drawn.nth(k).get_attribute("d"))[:-1], float).reshape(
                -1, 2
            )
            assert len(path) == len(stroke)
            if k == 0:
                scale = np.ptp(path[:, 1]) / np.ptp(stroke[:, 1])
            np.testing.assert_allclose(np.ptp(path, axis=0), scale * np.ptp(stroke, axis=0), atol=0.5)
    root.get_by_role("button", name="Another seed").press("Enter")
    expected.seed = 2
    points = sum(len(one.points) for one in expected.written)
    assert f"Another seed. “quiz” with bias 0.00 and seed 2: {points} points" in line.text_content()


def test_a_letter_is_written_point_by_point_and_each_says_what_was_expected(figure, writer_in_python):
    root = figure("PenWriter")
    line, step = root.locator("[aria-live]"), root.get_by_role("button", name="One point")
    root.get_by_label("Letters to write:").fill("o")
    [one] = PenWriter(writer_in_python, "o").written
    for k, (dx, dy, _) in enumerate(one.points[:4]):
        step.press("Enter")
        said = line.text_content()
        assert f"Point {k + 1} of {len(one.points)}, number {k + 1} of “o”" in said
        assert numbers(said)[:2] == pytest.approx([0.25 * dx, 0.25 * dy], abs=0.0051)
        gaussians = int(re.search(r"(\d+) Gaussians? ha", said)[1])
        assert root.locator("svg path.gaussian").count() == gaussians >= 1
    # The bias makes the ellipses of this point smaller, and takes nothing back
    [slider] = handles(root).values()
    before = root.locator("svg path.gaussian").first.bounding_box()["width"]
    press(slider, "End")
    assert "You raised the bias to 3.00. Point 4 of" in line.text_content()
    assert root.locator("svg path.gaussian").first.bounding_box()["width"] < before


def test_writing_takes_its_time_and_none_where_less_motion_is_asked_for(figure):
    root = figure("PenWriter")
    line, page = root.locator("[aria-live]"), root.page
    done = line.text_content()
    root.get_by_role("button", name="Write").press("Enter")
    assert line.text_content() == "Writing “lstm” …"
    root.get_by_text(re.compile("with bias")).wait_for()
    assert line.text_content() == done
    page.emulate_media(reduced_motion="reduce")
    root.get_by_role("button", name="Write").press("Enter")
    assert line.text_content() == done


def test_what_cannot_be_written_gets_a_sentence_and_loses_nothing(figure):
    root = figure("PenWriter")
    line, field = root.locator("[aria-live]"), root.get_by_label("Letters to write:")
    field.fill("pen")
    drawn = root.locator("svg").inner_html()
    for text, message in (
        ("naïve", "“ï” is not a letter from a to z"),
        ("a1", "“1” is not a letter"),
        ("", "There is no letter in it."),
        ("handwriting", "The paper has room for 8 letters, and these are 11."),
    ):
        field.fill(text)
        assert message in line.text_content()
        assert "The figure still shows pen." in line.text_content()
        assert field.get_attribute("aria-invalid") == "true"
        assert root.locator("svg").inner_html() == drawn
    field.fill("Pen")
    assert field.get_attribute("aria-invalid") == "false"


def test_a_story_is_answered_and_one_that_cannot_be_read_is_met_with_a_sentence(visit):
    page = visit("chapters/applications/question_answering")
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, field = root.locator("[aria-live]"), root.get_by_label("Question:")
    story, choice = root.get_by_label("Sentences of the story"), root.get_by_label("Story:", exact=True)
    for option in choice.locator("option").all_text_contents()[:0:-1]:
        choice.select_option(label=option)
        assert line.text_content().startswith(f"You picked “{option}”. Where is ")
        # What is typed is what a careful reader of lstmlib says
        place, facts = where_is(read_story(story.input_value()), read_question(field.input_value()))
        if place is None:
            assert "The story does not say where" in line.text_content()
        else:
            told = " and ".join(str(fact + 1) for fact in facts)
            by = f"sentence{'s' * (len(facts) > 1)} {told}"
            assert f"A careful reader says {PLACES[place]}, by {by}." in line.text_content()
    story.fill("Ben went to the attic.\nBen took the book.\nBen ran to the garden.")
    field.fill("where is the book?")
    said = line.text_content()
    assert said.startswith("The question has changed. Where is the book? The LSTM says ")
    assert "A careful reader says garden, by sentences 2 and 3." in said
    assert choice.input_value() == "-1"
    bars = root.locator("svg rect:not(.cell)")
    assert bars.count() == 6
    widths = [float(bar.get_attribute("width")) for bar in bars.all()]
    assert sum(widths[::2]) == pytest.approx(64)
    assert sum(widths[1::2]) == pytest.approx(64)
    drawn = root.locator("svg").inner_html()
    for text, message in (
        ("Eve went to the attic.", "Sentence 1 has “eve”, which is none of the words known here."),
        ("", "There is no sentence in the story."),
        ("x" * 10_000, "Sentence 1 has “xxxxxxxxxxxxxxxxxxxx…”, which is none"),
        ("Ben went to the attic. " * 450, "A story may have 20 sentences here, and this one has 450."),
        ("Ben went to the attic. Ben took the attic.", "Sentence 2 must be like “anna went to the attic”"),
    ):
        story.fill(text)
        assert line.text_content().startswith(message)
        assert line.text_content().endswith("The drawing still shows the story before.")
        assert story.get_attribute("aria-invalid") == "true"
        assert story.input_value() == text
        assert root.locator("svg").inner_html() == drawn
    for text in ("where is the attic?", "where is eve?", ""):
        field.fill(text)
        assert line.text_content().endswith("The figure still shows where is the book?")
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("Where is Anna?")
    assert "The story does not say where anna is; the networks have no word for that" in line.text_content()


@pytest.fixture(scope="session")
def code_reader_in_python(site):
    """The trained network of the page, and the layer before training, with the weights that the page has."""
    found = weights_on(site, "chapters/lstm/inside_a_trained_lstm", "CodeReader")
    parts = {"lstm": LSTM(96, 64), "readout": Readout(64, 96), "fresh": LSTM(96, 64)}
    for name, array in found.items():
        part, param = name.split(".")
        parts[part].params[param][...] = array
    return CodeReader(*parts.values())


def test_the_trained_reader_says_of_a_text_what_lstmlib_computes(figure, code_reader_in_python):
    root, expected = figure("CodeReader"), code_reader_in_python
    line, area = root.locator("[aria-live]"), root.get_by_label("Your text")
    text = "if (a[0] in {'b': (c, d)}):\n    raise KeyError('(e')\n"
    area.fill(text)
    expected.text = text
    assert_reads_as_in_python(partial(call, node), expected, ["x", text], 1e-9)
    for unit in (0, 17, 63):
        expected.unit = unit
        root.locator(".widget-readout").first.fill(str(unit))
        root.locator(".widget-readout").first.press("Enter")
        for still in (True, False):
            root.get_by_role("button", name="Hold this unit still").press("Enter")
            expected.still = still
            root.get_by_text(
                re.compile(f"Character {len(text)} of {len(text)}, .* unit {unit} has")
            ).wait_for()
            assert_says_what_python_says(line, expected)
    for _ in range(3):
        root.get_by_role("button", name="Write 1", exact=True).press("Enter")
    expected.write_on(3)
    expected.place = len(text) + 2
    assert_says_what_python_says(line, expected)


@pytest.fixture(scope="session")
def digit_in_python(site):
    """The figure's networks, made of the weights that the page has, and its scans."""
    text = (site / "chapters/applications/video_to_text.html").read_text()
    [state] = re.findall(r'type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', text, re.S)
    [canvas] = [one for one in json.loads(state)["state"].values() if "moves" in one["state"]]
    [data] = [buffer["data"] for buffer in canvas["buffers"] if buffer["path"] == ["data"]]
    has = canvas["state"]
    weights = unpacked(SimpleNamespace(data=base64.b64decode(data), places=has["places"]))
    return weights, dict(has["scans"]), has["settings"]["threshold"]


# For each way the keys that lead there from the middle of the screen
WAYS = {"left": ["left"] * 4, "up": ["up"] * 4, "there and back": ["right"] * 4 + ["left"] * 4}
WAYS |= {"with a rest": ["down"] * 3 + ["rest"] * 2 + ["left"] * 4}


@pytest.mark.parametrize("width", [1280, 375])
def test_a_digit_moved_by_keys_gets_the_sentence_that_lstmlib_computes(visit, digit_in_python, width):
    page = visit("chapters/applications/video_to_text", width=width)
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, said = root.locator("[aria-live]"), 0
    weights, scans, threshold = digit_in_python
    for name, scan in list(scans.items())[1::3]:
        root.get_by_label("Digit:").select_option(name)
        for way in WAYS.values():
            root.get_by_role("button", name="Centre").press("Enter")
            for key in way:
                root.get_by_role("button", name=key, exact=True).press("Enter")
            moves = [["rest", *DIRECTIONS].index(key) - 1 for key in way]
            path = walk((4, 4), [*moves, *[-1] * (11 - len(moves))])
            frames = film(np.array(scan)[None], path[:, None])[:, 0].astype(float)
            told = _tell(_look(frames, weights), weights)
            expected = in_words(told.words)
            if told.probability < threshold or expected is None:
                assert "The network says “" not in line.text_content()
            else:
                assert f"The network says “{expected}”" in line.text_content()
                assert numbers(line.text_content())[0] == pytest.approx(told.probability, abs=0.0051)
                assert root.get_by_text(f"“{expected}”", exact=True).count() == 1
                said += 1
    assert said > 4


def drag(root, places, by):
    """The digit over the screen; what the figure then says. A place is a row and a column of the screen."""
    screen = root.locator("svg").first
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    scale = box["width"] / 360
    by(root.page, [(box["x"] + (4 + 11 * x) * scale, box["y"] + (4 + 11 * y) * scale) for y, x in places])
    assert screen.bounding_box() == box, "the page moved under the finger"
    return root.locator("[aria-live]").text_content()


def finely(*corners, parts=12):
    """Places along a way, as a finger leaves them."""
    shares = np.linspace(0, 1, parts + 1)[1:]
    ways = [np.outer(1 - shares, a) + np.outer(shares, b) for a, b in pairwise(corners)]
    return [corners[0], *np.concatenate(ways).tolist()]


@pytest.mark.parametrize(("width", "by"), [(1280, with_mouse), (375, with_finger)])
def test_a_dragged_digit_is_told_and_a_way_that_no_film_has_gets_a_reason(visit, width, by):
    page = visit("chapters/applications/video_to_text", width=width, has_touch=by is with_finger)
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line = root.locator("[aria-live]")
    root.get_by_role("button", name="Centre").press("Enter")
    assert "has not moved yet" in line.text_content()
    assert "left 4, up 4" in drag(root, finely((8, 8), (8, 4), (4, 4)), by)
    for corners, reason in (
        ([(8, 8), (8, 10)], "fewer than 3 pixels in one direction, so the network is not asked"),
        ([(8, 8), (12, 12)], "fewer than 3 pixels in one direction, so the network is not asked"),
        ([(8, 8), (8, 40)], "It stopped at the edge: the digit cannot leave the screen."),
        (
            [(2, 2), (2, 9), (11, 9)],
            "The film is full after 11 moves, and the rest of your way",
        ),
    ):
        root.get_by_role("button", name="Centre").press("Enter")
        assert reason in drag(root, finely(*corners), by)
    root.get_by_role("button", name="Centre").press("Enter")
    for k in range(4):
        root.get_by_role("button", name="left").press("ArrowLeft")
        assert f"left {k + 1}" in line.text_content()
    root.get_by_role("button", name="left").press("Enter")
    assert "it is at its edge, and goes no further left" in line.text_content()
    for _ in range(8):
        root.get_by_role("button", name="rest").press("Enter")
    assert "The film is full: it has room for 11 moves." in line.text_content()
    root.get_by_role("button", name="Start here").press("Enter")
    assert "The film starts at row 4, column 0 now." in line.text_content()


@pytest.fixture(scope="session")
def pictures_in_python(site):
    """The figure's network, made of the weights that the page has; its scans, and their digits; its pages."""
    text = (site / "chapters/attention/image_captioning.html").read_text()
    [state] = re.findall(r'type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', text, re.S)
    [canvas] = [one for one in json.loads(state)["state"].values() if "pictures" in one["state"]]
    [data] = [buffer["data"] for buffer in canvas["buffers"] if buffer["path"] == ["data"]]
    assert len(base64.b64decode(data)) < 300_000
    has = canvas["state"]
    weights = unpacked(SimpleNamespace(data=base64.b64decode(data), places=has["places"]))
    weights = {name: array.astype(float) for name, array in weights.items()}
    return weights, np.array(has["scans"]), has["digits"], dict(has["pictures"])


@pytest.mark.parametrize("width", [1280, 375])
def test_each_word_of_a_page_and_where_it_looks_are_what_lstmlib_computes(visit, pictures_in_python, width):
    page = visit("chapters/attention/image_captioning", width=width)
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, places = root.locator("[aria-live]"), root.locator(".places button")
    weights, scans, digits, pictures = pictures_in_python
    assert "Word 1: it says “" in line.text_content()
    right = 0
    for name, cells in pictures.items():
        root.get_by_label("Page:", exact=True).select_option(label=name)
        root.get_by_role("button", name="Back to the start").press("Enter")
        parts = [scans[k] if k >= 0 else np.zeros((8, 8)) for k in cells]
        regions = _regions(np.block([parts[row : row + 3] for row in (0, 3, 6)]), weights)
        truth = [digits[k] for k in cells if k >= 0]
        hidden = []
        for pressed in (None, cells.index(max(cells)), cells.index(-1)):
            if pressed is not None:
                places.nth(pressed).press("Enter")
                hidden = sorted([*hidden, pressed])
            expected = _describe(regions, hidden, weights)
            for t, (word, probability, look) in enumerate(zip(*expected, strict=True)):
                root.get_by_role("button", name="Next word" if t else "Back to the start").press("Enter")
                if not t:
                    root.get_by_role("button", name="Next word").press("Enter")
                said = line.text_content()
                assert f"Word {t + 1}: it says “{word if word < 10 else 'end'}”" in said
                assert numbers(said)[0] == pytest.approx(probability, abs=0.0051)
                percent = 100 * look.reshape(3, 2, 3, 2).sum(axis=(1, 3)).max()
                assert int(re.search(r"\((\d+) % of the weight", said)[1]) == pytest.approx(percent, abs=0.51)
            assert f"On the page: {' '.join(map(str, truth))}." in said
            assert ("All of it is right." in said) == (list(expected.words) == [*truth, 11])
            right += "All of it is right." in said
        for pressed in hidden:
            places.nth(pressed).press("Enter")
    assert right > 0


def test_a_page_is_made_in_the_page_and_read(visit, pictures_in_python):
    page = visit("chapters/attention/image_captioning", width=375, has_touch=True)
    wait_for_sliders(page)
    root = page.locator(".lstmlib-figure").first
    line, places = root.locator("[aria-live]"), root.locator(".places button")
    weights, scans, *_ = pictures_in_python
    root.get_by_role("button", name="Empty the page").tap()
    assert "The page is empty, and the network is not asked." in line.text_content()
    root.get_by_role("button", name="All words").tap()
    cells = np.zeros((9, 8, 8))
    for digit, place in ((4, 3), (7, 1), (2, 8), (0, 6)):
        root.get_by_label("A press:").select_option(str(digit))
        places.nth(place).tap()
        cells[place] = scans[digit]
        expected = _describe(
            _regions(np.block([list(cells[k : k + 3]) for k in (0, 3, 6)]), weights), [], weights
        )
        said = " ".join("end" if word == 11 else str(word) for word in expected.words)
        assert f"So far: {said}." in line.text_content()
    assert "On the page: 7 4 0 2." in line.text_content()
    assert line.text_content().endswith("No page of the training had more than 3 digits.")


@pytest.mark.parametrize("width", [1280, 375])
def test_a_lecture_hall_sees_a_figure_under_its_questions(site, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{(site / 'chapters/rnn/vanishing_gradients.html').as_uri()}?present")
    stage = page.locator("dialog.stage")
    stage.locator("svg").first.wait_for()
    box = stage.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 900)
    assert stage.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert stage.evaluate("one => one.scrollTop") == 0
    beside = stage.locator(".stage-figure").bounding_box()["y"] < 100
    assert beside == (width > 1000)
    assert "Which of the three can make the gradient pass a thousand?" in stage.text_content()
    before = stage.locator("[aria-live]").text_content()
    slider = stage.get_by_role("slider").first
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('dialog.stage [aria-live]').textContent !== before", arg=before
    )
    page.keyboard.press("Escape")
    stage.wait_for(state="detached")
    assert page.locator("div.cell_output .widget-subarea [aria-live]").count() == 1
    page.close()


def test_every_figure_that_is_listed_opens_alone_with_something_to_do(site, browser):
    page = browser.new_page()
    page.goto((site / "reference/figures.html").as_uri())
    places = page.locator("a[href*='?present']").evaluate_all("all => all.map((one) => one.href)")
    seen = set()
    for place in places:
        page.goto(place, wait_until="commit")
        stage = page.locator("dialog.stage")
        stage.wait_for()
        seen.add((place.split("?")[0], stage.get_attribute("aria-label")))
        asked = stage.locator(".stage-question").text_content()
        assert len(asked) > 150, f"{place} asks {asked!r}"
    assert len(seen) == len(places) >= 20
    page.close()


def test_a_lecture_hall_goes_from_figure_to_figure_and_back(site, browser):
    page = browser.new_page()
    page.goto(f"{(site / 'chapters/gates/cell_state.html').as_uri()}?present")
    stage = page.locator("dialog.stage")
    seen = []
    for name in ("Next figure", "Next figure", "Previous figure"):
        stage.locator("svg").first.wait_for()
        seen.append(stage.get_attribute("aria-label"))
        assert stage.locator(".widget-subarea").count() == 1
        stage.get_by_role("button", name=name).click()
    assert seen[0] == seen[2] != seen[1]
    assert stage.get_attribute("aria-label") == seen[1]
    stage.get_by_role("button", name="Back to the page").click()
    stage.wait_for(state="detached")
    assert page.locator("div.cell_output .widget-subarea").count() == 2
    page.close()
