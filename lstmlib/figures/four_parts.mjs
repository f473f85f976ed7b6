// Two trained writers of chords in the page: choose one, give it a chord, see the keys that it presses, and hear them.

import { unpack } from "./arrays.mjs";
import { chanceFrom } from "./chance.mjs";
import { button, choice, controls, drawing, field, html, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";
import { chords, readChord } from "./parts_arithmetic.mjs";
import { player } from "./sound.mjs";
import { hertz } from "./tune_arithmetic.mjs";

const QUARTER = 0.7; // seconds
const LEFT = 22;
const TOP = 16;
const HIGH = 3; // a key
const SETTINGS = ["writer", "opening", "temperature", "seed"];

async function render({ model, el }) {
  const networks = await unpack(model.get("data"), model.get("places"));
  const [lowest, keys, quarters, most, highest] = ["lowest", "span", "quarters", "most", "highest"].map((name) => model.get(name));
  const limits = { lowest, highest: lowest + keys - 1, most };
  const row = controls(el);
  const canvas = drawing(el, TOP + HIGH * keys + 4);
  const line = status(el);
  const text = html(el, "p", { class: "chords", tabindex: 0, "aria-label": "The chords by name", style: "height: 6em; overflow-y: auto" });
  let [piece, waiting] = [null, 0];

  // All chords take longer than a frame: they are written a few at a time.
  const compose = (happened) => {
    clearTimeout(waiting);
    silence();
    piece = null;
    const [writer, opening, temperature, seed] = SETTINGS.map((name) => model.get(name));
    const given = readChord(opening, limits).map((pitch) => pitch - lowest);
    const coming = chords(networks[writer], given, { temperature, chance: chanceFrom(seed * quarters * keys) });
    const made = [];
    line.textContent = `${happened}Writing …`;
    const some = () => {
      const begin = performance.now();
      while (made.length < quarters && performance.now() - begin < 8) made.push(coming.next().value.map((key) => key + lowest));
      if (made.length < quarters) return void (waiting = setTimeout(some, 0));
      piece = made;
      show(happened);
    };
    waiting = setTimeout(some, 0);
  };
  const show = (happened) => {
    draw(canvas, piece, lowest, keys);
    text.textContent = piece.map((chord, t) => `${t + 1}: ${chord.map(nameOf).join(" ") || "silence"}`).join("; ");
    line.textContent = happened + say(piece, model);
  };

  const typed = (given) => {
    const found = readChord(given, limits);
    return typeof found === "string" ? found : { opening: given };
  };
  choice(row, "Who writes:", model, "writer", [["chain", "a chain of keys"], ["coins", "keys alone"]]);
  field(row, "First chord:", model, "opening", line, typed, { size: 14, spellcheck: false, autocapitalize: "none", placeholder: "C3 G3 E4 C5" });
  button(row, "Another", () => set(model, { seed: (model.get("seed") + 1) % (highest + 1) }));
  const silence = player(row, {
    prepare: () => piece?.some((chord) => chord.length) && ((context, begin) => sound(context, begin, piece)),
    follow: (seconds) => moveCursor(canvas, Math.min(quarters, seconds / QUARTER), quarters),
    show: (happened) => piece && show(happened),
    kept: "The chords are all there, as picture and by name.",
  });

  onChange(model, SETTINGS, (changed, was) => {
    const said = changed.includes("temperature") ? moved("the temperature", was.temperature, model.get("temperature")) : "";
    compose(said + (changed.includes("seed") ? "Another piece. " : ""));
  });
  compose("");
  const forget = nameSliders(el);
  return () => {
    clearTimeout(waiting);
    silence();
    forget();
  };
}

const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"];
const nameOf = (pitch) => `${NOTES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

function say(piece, model) {
  const [writer, opening, temperature, seed] = SETTINGS.map((name) => model.get(name));
  const drawn = readChord(opening, { lowest: 0, highest: 200, most: 99 }).length ? piece.slice(1) : piece;
  const four = drawn.filter((chord) => chord.length === 4).length;
  const [fewest, largest] = [Math.min(...drawn.map((chord) => chord.length)), Math.max(...drawn.map((chord) => chord.length))];
  return (
    `${writer === "chain" ? "A chain of keys" : "Keys alone"}, temperature ${number(temperature)}, piece ${seed}: ` +
    `${four} of ${drawn.length} chords that were drawn have four notes; the fewest is ${fewest}, the most ${largest}. ` +
    `The first is ${piece[0].map(nameOf).join(" ") || "silence"}, the last ${piece.at(-1).map(nameOf).join(" ") || "silence"}.`
  );
}

const across = (t, quarters) => LEFT + ((358 - LEFT) * t) / quarters;

function moveCursor(canvas, t, quarters) {
  const cursor = canvas.querySelector(".cursor");
  for (const end of ["x1", "x2"]) cursor.setAttribute(end, across(t, quarters));
}

function draw(canvas, piece, lowest, keys) {
  canvas.replaceChildren();
  canvas.setAttribute("aria-label",
    "The chords over time, a column for each quarter: higher is higher. Dashed lines are the notes C. " +
      "A chord that has not four notes has their number above it, and its notes another colour.");
  const bottom = TOP + HIGH * keys;
  const y = (pitch) => bottom - HIGH * (pitch - lowest + 1);
  for (let pitch = lowest; pitch < lowest + keys; pitch++)
    if (pitch % 12 === 0) {
      svg(canvas, "line", { x1: LEFT, y1: y(pitch) + HIGH / 2, x2: 358, y2: y(pitch) + HIGH / 2, class: "bound" });
      svg(canvas, "text", { x: LEFT / 2, y: y(pitch) + HIGH + 2, class: "small" }, nameOf(pitch));
    }
  piece.forEach((chord, t) => {
    const [x, next] = [across(t, piece.length), across(t + 1, piece.length)];
    const odd = chord.length !== 4;
    if (odd) svg(canvas, "text", { x: (x + next) / 2, y: 11, "text-anchor": "middle", class: "small" }, chord.length);
    for (const pitch of chord)
      svg(canvas, "rect", { x, y: y(pitch), width: next - x - 1, height: HIGH, class: odd ? "negative" : "positive" });
  });
  svg(canvas, "line", { x1: -9, y1: TOP, x2: -9, y2: bottom, class: "belt negative cursor", "stroke-width": 2 });
}

// All chords, each note with a soft beginning and end; the node that ends last is returned.
function sound(context, begin, piece) {
  let last;
  piece.forEach((chord, t) => {
    for (const pitch of chord) {
      const [on, off] = [begin + QUARTER * t, begin + QUARTER * (t + 1)];
      const loud = new GainNode(context, { gain: 0 });
      const most = 0.3 / Math.max(4, chord.length);
      loud.gain.setValueAtTime(0, on);
      loud.gain.linearRampToValueAtTime(most, on + 0.03);
      loud.gain.linearRampToValueAtTime(0.7 * most, off - 0.08);
      loud.gain.linearRampToValueAtTime(0, off);
      last = new OscillatorNode(context, { type: "triangle", frequency: hertz(pitch) });
      last.connect(loud).connect(context.destination);
      last.start(on);
      last.stop(off);
    }
  });
  return last;
}

export default { render };
