// A trained writer of tunes in the page: choose a key and a temperature, see what it composes, and hear it.

import { unpack } from "./arrays.mjs";
import { chanceFrom } from "./chance.mjs";
import { button, choice, controls, drawing, field, html, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";
import { player } from "./sound.mjs";
import { composing, hertz, perform } from "./tune_arithmetic.mjs";

const ROWS = 4;
const HIGH = 56; // a row
const UNIT = 0.18; // seconds
const AT_ONCE = 12; // symbols composed between two looks at the clock
const SETTINGS = ["key", "metre", "temperature", "seed"];

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const [symbols, metres, keys, most, highest] =
    ["symbols", "metres", "signatures", "most", "highest"].map((name) => model.get(name));
  const units = Object.fromEntries(metres);
  const sharps = Object.fromEntries(keys);
  const row = controls(el);
  const canvas = drawing(el, ROWS * HIGH + 4);
  const line = status(el);
  // As tall for every tune: the slider below must not move while it is moved.
  const text = html(el, "p", { class: "tune", tabindex: 0, "aria-label": "The tune in ABC", style: "height: 9em; overflow-y: auto" });
  let [tune, waiting] = [null, 0];

  // The whole tune takes longer than a frame: it is composed a few symbols at a time.
  const compose = (happened) => {
    clearTimeout(waiting);
    silence();
    tune = null;
    const [key, metre, temperature, seed] = SETTINGS.map((name) => model.get(name));
    const head = [
      symbols.length + 1 + metres.findIndex(([name]) => name === metre),
      symbols.length + 1 + metres.length + keys.findIndex(([name]) => name === key),
    ];
    const end = symbols.length;
    const coming = composing(network, head, { temperature, chance: chanceFrom(seed * most), end, most });
    const made = [];
    line.textContent = `${happened}Composing …`;
    const some = () => {
      const begin = performance.now();
      while (performance.now() - begin < 8)
        for (let k = 0; k < AT_ONCE; k++) {
          const { value, done } = coming.next();
          if (done) return finish();
          made.push(value);
        }
      waiting = setTimeout(some, 0);
    };
    const finish = () => {
      const ended = made.at(-1) === end;
      const written = made.filter((symbol) => symbol !== end).map((symbol) => symbols[symbol]);
      tune = { key, metre, written, ended, ...perform(written, sharps[key]) };
      show(happened);
    };
    waiting = setTimeout(some, 0);
  };
  const show = (happened) => {
    draw(canvas, tune, units[tune.metre]);
    text.textContent = asText(tune);
    line.textContent = happened + say(tune, units[tune.metre], model.get("temperature"), model.get("seed"), most);
  };

  const typed = (given) => {
    const name = given.trim().replace(/^[a-g]/, (letter) => letter.toUpperCase());
    const known = keys.map(([key]) => key).join(", ");
    if (!name) return "There is no key in the field.";
    if (!/^[A-G][b#]?m?$/.test(name))
      return `“${given.trim().slice(0, 20)}” is no key: a key is a letter from A to G, with b or # and with m for minor where it has them.`;
    if (!(name in sharps)) return `“${name}” is a key, but no tune of the training was in it. The network knows ${known}.`;
    return { key: name };
  };
  field(row, "Key:", model, "key", line, typed, { size: 3, spellcheck: false, autocapitalize: "none" });
  choice(row, "Metre:", model, "metre", metres.map(([name]) => [name, name]));
  button(row, "Another tune", () => set(model, { seed: (model.get("seed") + 1) % (highest + 1) }));
  const silence = player(row, {
    prepare: () => {
      const notes = tune?.notes;
      return notes?.length && ((context, begin) => sound(context, begin, notes));
    },
    follow: (seconds) => moveCursor(canvas, tune, seconds / UNIT),
    show: (happened) => tune && show(happened),
    kept: "The tune is all there, as picture and as text.",
  });

  onChange(model, SETTINGS, (changed, was) => {
    const now = model.get("temperature");
    const said = changed.includes("temperature") ? moved("the temperature", was.temperature, now) : "";
    compose(said + (changed.includes("seed") ? "Another tune. " : ""));
  });
  compose("");
  const forget = nameSliders(el);
  return () => {
    clearTimeout(waiting);
    silence();
    forget();
  };
}

const keyNote = (key) => perform([key[0]], 0).notes[0].pitch + (key[1] === "b" ? -1 : 0);
const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"];

// Bars but the first and the last, which may be parts of one, that are not as long as the metre says.
const broken = ({ bars }, long) =>
  bars.map((bar, k) => [bar, k]).slice(1, -1).filter(([bar]) => bar !== long).map(([, k]) => k);

function say(tune, long, temperature, seed, most) {
  const { key, metre, written, ended, notes, bars } = tune;
  const wrong = broken(tune, long);
  const inner = Math.max(0, bars.length - 2);
  const home = keyNote(key) % 12;
  const last = notes.at(-1)?.pitch % 12;
  const where = last === home ? `on ${NOTES[last]}, the key note` : `on ${NOTES[last]}, and the key note is ${NOTES[home]}`;
  const named = wrong.slice(0, 8).map((k) => k + 1).join(", ") + (wrong.length > 8 ? " and others" : "");
  return (
    `Key ${key}, metre ${metre}, temperature ${number(temperature)}, tune ${seed}: ${written.length} symbols, ` +
    `${bars.length} ${bars.length === 1 ? "bar" : "bars"}. Of the ${inner} between the first and the last, ${inner - wrong.length} add up` +
    `${wrong.length ? ` (not ${named})` : ""}. ` +
    (notes.length ? `It ${ended ? "ends" : `did not end within ${most} symbols, and stops`} ${where}.` : "It has no note.")
  );
}

// The tune in ABC: lengths stand by their notes, bars apart.
function asText({ key, metre, written }) {
  const spaced = written.map((symbol) => (/^[\d/]/.test(symbol) ? symbol : ` ${symbol}`)).join("");
  return `M:${metre} L:1/${metre === "2/4" ? 16 : 8} K:${key} ${spaced.replace(/ ([<>]) /g, "$1").replace(/\(3 /g, "(3")} |]`;
}

const timeOf = ({ bars }) => Math.max(1, bars.reduce((sum, bar) => sum + bar, 0));

// Where a time falls: the row, and how far along it.
function at(tune, time) {
  const per = timeOf(tune) / ROWS;
  const row = Math.min(ROWS - 1, Math.floor(time / per + 1e-9));
  return { row, x: 4 + 352 * (time / per - row), per };
}

function moveCursor(canvas, tune, time) {
  const { row, x } = at(tune, Math.min(time, timeOf(tune)));
  const cursor = canvas.querySelector(".cursor");
  for (const [name, value] of Object.entries({ x1: x, x2: x, y1: row * HIGH + 4, y2: (row + 1) * HIGH - 2 }))
    cursor.setAttribute(name, value);
}

function draw(canvas, tune, long) {
  canvas.replaceChildren();
  canvas.setAttribute("aria-label",
    "The tune as notes over time, in four rows: higher is higher, longer is longer, upright lines are bar lines, " +
      "and dashed is the key note. A bar that does not add up has a sign of inequality and its notes another colour.");
  const pitches = tune.notes.map(({ pitch }) => pitch);
  const [low, high] = [Math.min(60, ...pitches), Math.max(79, ...pitches)];
  const y = (pitch, row) => row * HIGH + 14 + ((high - pitch) / (high - low)) * (HIGH - 22);
  const home = keyNote(tune.key);
  for (let row = 0; row < ROWS; row++)
    for (let pitch = home - 24; pitch <= high; pitch += 12)
      if (pitch >= low)
        svg(canvas, "line", { x1: 4, y1: y(pitch, row) + 1.5, x2: 356, y2: y(pitch, row) + 1.5, class: "bound" });
  const wrong = new Set(broken(tune, long));
  const begins = tune.bars.map((_, k) => tune.bars.slice(0, k).reduce((sum, bar) => sum + bar, 0));
  begins.forEach((begin, k) => {
    const { row, x } = at(tune, begin);
    if (k) svg(canvas, "line", { x1: x, y1: row * HIGH + 4, x2: x, y2: (row + 1) * HIGH - 2, class: "axis" });
    if (wrong.has(k)) svg(canvas, "text", { x: x + 3, y: row * HIGH + 11, class: "small start" }, "≠");
  });
  for (const { pitch, start, length } of tune.notes) {
    const { row, x, per } = at(tune, start);
    const bar = begins.findLastIndex((begin) => begin <= start + 1e-9);
    const wide = Math.max(1, Math.min((352 * length) / per, 357 - x) - 0.8);
    svg(canvas, "rect", { x, y: y(pitch, row), width: wide, height: 3, class: wrong.has(bar) ? "negative" : "positive" });
  }
  svg(canvas, "line", { x1: -9, y1: 0, x2: -9, y2: 0, class: "belt negative cursor", "stroke-width": 2 });
}

// The notes of a tune, each with a soft beginning and end; the last one is returned.
function sound(context, begin, notes) {
  let last;
  for (const { pitch, start, length } of notes) {
    const [on, off] = [begin + UNIT * start, begin + UNIT * (start + length)];
    const loud = new GainNode(context, { gain: 0 });
    loud.gain.setValueAtTime(0, on);
    loud.gain.linearRampToValueAtTime(0.2, on + 0.01);
    loud.gain.linearRampToValueAtTime(0.1, Math.max(on + 0.011, off - 0.03));
    loud.gain.linearRampToValueAtTime(0, off);
    last = new OscillatorNode(context, { type: "triangle", frequency: hertz(pitch) });
    last.connect(loud).connect(context.destination);
    last.start(on);
    last.stop(off);
  }
  return last;
}

export default { render };
