// One unit reads a word: rolled up on the left, unrolled into a copy for each letter beside it.

import { loop } from "./cell_arithmetic.mjs";
import { controls, drawing, field, nameSliders, number, onChange, onMove, sign, status, svg } from "./drawing.mjs";

const NAMES = { w: "the weight of the letter", u: "the weight of the loop" };
const FIRST = 92; // x of the first copy
const STEP = 28;
const ZERO = 46; // y of the values' zero line
const TALL = 26; // pixels for a value of 1

function render({ model, el }) {
  const canvas = drawing(el, 150);
  const row = controls(el);
  const line = status(el);

  const letters = model.get("letters");
  const read = (word) =>
    loop({ w: model.get("w"), u: model.get("u"), x: [...word].map((letter) => letters[letter] ?? 0) });

  const show = (happened) => {
    const word = model.get("word");
    const back = [...word].reverse().join("");
    const h = read(word);
    draw(canvas, word, h, model.get("u"));
    const end = number(h.at(-1));
    const other =
      back === word
        ? "It reads the same backwards."
        : `Read backwards, ${back}, the same letters end at ${number(read(back).at(-1))}.`;
    line.textContent =
      `${happened}${word} gives ${h.map(number).join(", ")}, and ends at ${end}. ${other}`;
  };

  const longest = model.get("longest");
  const typed = (text) => {
    const word = text.trim().toLowerCase();
    const stranger = word.match(/[^a-z]/)?.[0];
    if (!word) return "There is no letter in it.";
    if (stranger) return `“${stranger}” is not a letter from a to z.`;
    if (word.length > longest) return `A word may have ${longest} letters, and this one has ${word.length}.`;
    return { word };
  };
  field(row, "Type a word of a, b and other letters:", model, "word", line, typed, {
    size: 12, spellcheck: false, autocapitalize: "none",
  });
  onMove(model, NAMES, show);
  onChange(model, ["word"], () => show(""));
  show("");
  return nameSliders(el);
}

function draw(canvas, word, h, u) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `On the left one unit with a loop. Beside it ${word.length} copies of it in a row, ` +
      "one for each letter, each with an arrow to the next. The line below gives their values.",
  );
  copy(canvas, 30, "h", "letter");
  svg(canvas, "path", { d: "M34 94 C34 76 62 76 62 92 V105 H41", class: "flow" });
  svg(canvas, "path", { d: "M46 101 L41 105 L46 109", class: "flow" });
  svg(canvas, "text", { x: 70, y: 96, class: "name" }, "u");
  svg(canvas, "text", { x: 30, y: ZERO + 4, class: "name" }, "value");
  const last = FIRST + STEP * (word.length - 1);
  svg(canvas, "line", { x1: FIRST - 12, y1: ZERO, x2: last + 12, y2: ZERO, class: "axis" });
  h.forEach((value, t) => {
    const x = FIRST + STEP * t;
    copy(canvas, x, "", word[t]);
    if (t) {
      const wide = 0.5 + 1.5 * Math.abs(u);
      svg(canvas, "line", { x1: x - STEP + 10, y1: 105, x2: x - 10, y2: 105, class: `link ${sign(u)}`, "stroke-width": wide });
      svg(canvas, "path", { d: `M${x - 14} 101 L${x - 10} 105 L${x - 14} 109`, class: "flow" });
    }
    const tall = TALL * Math.abs(value);
    svg(canvas, "rect", { x: x - 7, y: value > 0 ? ZERO - tall : ZERO, width: 14, height: tall, class: "bar part-h" });
    const below = value > 0 ? ZERO - tall - 4 : ZERO + tall + 11;
    svg(canvas, "text", { x, y: below, class: "value small" }, number(value));
  });
}

// One copy of the unit, with what it reads below it.
function copy(canvas, x, name, letter) {
  svg(canvas, "line", { x1: x, y1: 132, x2: x, y2: 116, class: "flow" });
  svg(canvas, "rect", { x: x - 10, y: 94, width: 20, height: 22, rx: 5, class: "box gate" });
  if (name) svg(canvas, "text", { x, y: 109, class: "value" }, name);
  svg(canvas, "text", { x, y: 145, class: name ? "name" : "value" }, letter);
}

export default { render };
