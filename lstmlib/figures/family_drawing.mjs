// The pictures of the family: the cell that the switches make, and the stream that it reads.

import { number, svg } from "./drawing.mjs";
import { asker } from "./family_arithmetic.mjs";

const BELT = 56; // the height of the cell state

// The cell: what is switched off is not there.
export function drawCell(canvas, parts, names) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `The cell, with ${parts.length ? parts.map((part) => names[part]).join(", ") : "all switches off"}: ` +
      "the cell state goes from left to right, what is written joins it from below, and the hidden state " +
      "leaves it on the right. The equations below say the same.",
  );
  const has = asker(parts);
  const [matrix, exponential] = [has("matrix"), has("exponential")];
  const [memory, written] = matrix ? ["C", "v kᵀ"] : ["c", "g"];
  svg(canvas, "line", { x1: 14, y1: BELT, x2: 346, y2: BELT, class: "belt part-c", "stroke-width": matrix ? 9 : 3 });
  text(canvas, 26, BELT - 14, `${memory}ₜ₋₁`, "value part-c");
  text(canvas, 334, BELT - 14, `${memory}ₜ`, "value part-c");
  if (matrix) text(canvas, 222, BELT - 10, "H × H numbers", "name small");
  if (exponential) normaliser(canvas, has("forget"));
  if (has("peepholes")) peepholes(canvas, has);
  if (has("forget")) {
    wire(canvas, `M84 132 V${BELT + 12}`);
    circle(canvas, 84, BELT, "×");
    gate(canvas, 84, 132, "f", "f", "forget");
  }
  wire(canvas, has("input") ? `M216 132 V104 H164 V${BELT + 12}` : `M216 132 V92 H164 V${BELT + 12}`);
  if (has("input")) {
    wire(canvas, "M148 132 V104 H164");
    circle(canvas, 164, 104, "×");
    gate(canvas, 148, 132, "i", has("coupled") ? "1 − f" : exponential ? "exp" : "i", "input");
    if (has("coupled")) wire(canvas, "M106 143 H126");
  }
  circle(canvas, 164, BELT, "+");
  gate(canvas, 216, 132, "g", written, matrix ? "value, key" : "candidate");
  // The way out: down from the belt, past whatever stands there
  const way = [matrix && "q", exponential && "÷", has("tanh") && "tanh", has("output") && "×"].filter(Boolean);
  wire(canvas, `M290 ${BELT} V178`);
  way.forEach((what, k) => {
    const y = BELT + 30 + k * (way.length > 3 ? 25 : 30);
    if (what === "tanh") rounded(canvas, 290, y - 10, 40, 20, "box", "tanh");
    else circle(canvas, 290, y, what, way.length > 3 ? 10 : 12);
    if (what === "÷") wire(canvas, `M322 22 V${y} H302`);
    if (what === "×") {
      wire(canvas, `M318 ${y} H302`);
      if (has("peepholes")) wire(canvas, `M338 ${BELT} V${y - 11}`, "3 3");
      gate(canvas, 338, y - 11, "o", "o", "output", 36);
    }
  });
  text(canvas, 290, 193, "hₜ", "value part-h");
  const dashed = has("peepholes") ? "; dashed: peepholes" : "";
  text(canvas, 8, 193, `all of these see ${matrix ? "xₜ alone" : "hₜ₋₁ and xₜ"}${dashed}`, "name small start");
}

// A second, thin belt: how much was written.
function normaliser(canvas, forget) {
  wire(canvas, "M14 22 H322");
  text(canvas, 26, 16, "nₜ₋₁", "small");
  text(canvas, 334, 16, "nₜ", "small");
  if (forget) {
    wire(canvas, `M84 ${BELT - 12} V32`);
    circle(canvas, 84, 22, "×", 9);
  }
  wire(canvas, "M132 132 V34 Q132 22 144 22");
  circle(canvas, 154, 22, "+", 9);
}

// Dashed: f and i see the state before; o, on the way out, sees the state after.
function peepholes(canvas, has) {
  const own = has("input") && !has("coupled");
  const furthest = own ? 148 : 84;
  if (has("forget") || own) wire(canvas, `M44 ${BELT} V172 H${furthest}`, "3 3");
  if (has("forget")) wire(canvas, "M84 172 V168", "3 3");
  if (own) wire(canvas, "M148 172 V168", "3 3");
}

const text = (canvas, x, y, said, kind) => svg(canvas, "text", { x, y, class: kind }, said);

const wire = (canvas, d, dashes = "none") => svg(canvas, "path", { d, class: "flow", "stroke-dasharray": dashes });

function circle(canvas, x, y, said, r = 12) {
  svg(canvas, "circle", { cx: x, cy: y, r, class: "box" });
  text(canvas, x, y + 5, said, said === "q" ? "value" : "operator");
}

function rounded(canvas, x, y, width, height, kind, said) {
  svg(canvas, "rect", { x: x - width / 2, y, width, height, rx: 5, class: kind });
  text(canvas, x, y + height / 2 + 4.5, said, "value");
}

// A gate with its name below.
function gate(canvas, x, y, part, said, name, width = 44) {
  rounded(canvas, x, y, width, 22, `box gate part-${part}`, said);
  text(canvas, x, y + 34, name, "name small");
}

const TALL = 22; // pixels for a value of 1

// Ten steps: the number and its letter, what it asks for, a bar for each number held, a ring for what is
// shown, and a dashed ring for what the first cell of the list shows.
export function drawStream(canvas, rows, steps, usual, usualName) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    "Ten steps from left to right: the number that comes in and its letter, whether it is to be taken, starts a " +
      "new sum, and is to be shown; bars for what the cell holds, a ring for what it shows, and a dashed ring for " +
      `what ${usualName} shows. The line below gives the values.`,
  );
  const zero = 112;
  const y = (value) => zero - TALL * Math.max(-2, Math.min(2, value));
  const held = steps[0].c.length > 1 ? "A▮ B▮" : "holds ▮";
  const lines = [["comes in", 14, "name"], ["letter", 28, "name"], ["asks", 42, "name"], [held, 108, "part-c"], ["LSTM ◌", 122, "part-h"], ["shows ○", 178, "part-h"]];
  for (const [said, at, kind] of lines) text(canvas, 2, at, said, `${kind} small start`);
  svg(canvas, "line", { x1: 44, y1: zero, x2: 358, y2: zero, class: "axis" });
  rows.forEach(([x, key, take, keep, show], t) => {
    const at = 59 + 31.4 * t;
    const { c, h } = steps[t];
    text(canvas, at, 14, number(x).slice(0, -1), "value small");
    text(canvas, at, 28, "AB"[key], "small");
    [take > 0 && "take", keep < 0 && "new", show > 0 && "show"].filter(Boolean).forEach((said, k) =>
      text(canvas, at, 42 + 11 * k, said, "name small"));
    const wide = 16 / c.length;
    c.forEach((value, k) => {
      const bar = { x: at - 12 + k * wide, width: wide - (c.length > 1), height: Math.abs(y(value) - zero) };
      svg(canvas, "rect", { ...bar, y: Math.min(y(value), zero), class: "bar part-c" });
    });
    svg(canvas, "circle", { cx: at + 9, cy: y(usual[t].h), r: 6, class: "ring wanted part-h" });
    svg(canvas, "circle", { cx: at + 9, cy: y(h), r: 3.5, class: "ring part-h" });
    text(canvas, at, 178, number(h), "small");
    text(canvas, at, 192, t + 1, "name small");
  });
  text(canvas, 2, 192, "step", "name small start");
}
