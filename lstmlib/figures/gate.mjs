// A vector meets a selector vector: x, σ(a) and their product, one row for each position.

import { logit, select, sigmoid } from "./cell_arithmetic.mjs";
import { drawing, nameSliders, number, set, sign, status, svg } from "./drawing.mjs";

const ROW = 64;
const SCALE = 24; // pixels for a value of 1

function render({ model, el }) {
  const x = model.get("x");
  const positions = x.map((_, k) => k + 1);
  const canvas = drawing(el, 34 + ROW * x.length,
    "Three columns: the vector that goes in, the gate at each position, and what comes out.");
  for (const [at, text] of [[66, "goes in, x"], [180, "gate, σ(a)"], [294, "comes out"]])
    svg(canvas, "text", { x: at, y: 16, class: "heading" }, text);
  const rows = x.map((value, k) => row(canvas, value, 34 + ROW * k));
  const line = status(el);

  const say = (k) => {
    const s = positions.map((position) => model.get(`s${position}`));
    const y = select(s, x);
    rows.forEach((update, row) => update(s[row], y[row]));
    const happened = k
      ? `Position ${k}: σ(${number(model.get(`a${k}`))}) = ${number(s[k - 1])}, ${open(s[k - 1])}. `
      : "";
    line.textContent =
      `${happened}In (${x.map(number).join(", ")}), ` +
      `gate (${s.map(number).join(", ")}), out (${y.map(number).join(", ")}).`;
  };

  // Either slider of a position may be moved and the other follows, until the two belong together:
  // at a gate of exactly 0 or 1 the pre-activation stops at the end of its slider.
  const reach = model.get("reach");
  const back = (s) => Math.max(-reach, Math.min(reach, logit(s)));
  const follow = (k, name, value) => {
    const [a, s] = [model.get(`a${k}`), model.get(`s${k}`)];
    if (s !== sigmoid(a) && a !== back(s)) set(model, { [name]: value(a, s) });
    say(k);
  };
  for (const k of positions) {
    model.on(`change:a${k}`, () => follow(k, `s${k}`, sigmoid));
    model.on(`change:s${k}`, () => follow(k, `a${k}`, (_, s) => back(s)));
  }
  say();
  return nameSliders(el);
}

const open = (s) => (s < 0.1 ? "almost shut" : s > 0.9 ? "almost open" : "partly open");

// A row's fixed drawing; returns the function that redraws what moves.
function row(canvas, x, top) {
  const middle = top + 20;
  bar(canvas, 66, middle)(x);
  svg(canvas, "line", { x1: 120, y1: middle, x2: 150, y2: middle, class: "flow" });
  svg(canvas, "rect", { x: 152, y: top, width: 56, height: 40, rx: 6, class: "box" });
  const shutters = [0, 1].map(() => svg(canvas, "rect", { x: 155, width: 50, class: "shutter" }));
  const value = svg(canvas, "text", { x: 180, y: top + 53, class: "value" });
  const flow = svg(canvas, "line", { x1: 210, y1: middle, x2: 240, y2: middle, class: "flow" });
  const out = bar(canvas, 294, middle);
  return (s, y) => {
    const shut = 17 * (1 - s); // two shutters close the opening from above and from below
    shutters.forEach((shutter, k) => {
      shutter.setAttribute("y", k ? middle + 17 - shut : middle - 17);
      shutter.setAttribute("height", shut);
    });
    flow.setAttribute("stroke-width", 0.5 + 3.5 * s);
    value.textContent = number(s);
    out(y);
  };
}

// A value as a bar to the right of zero or to the left of it.
function bar(canvas, zero, middle) {
  svg(canvas, "line", { x1: zero, y1: middle - 14, x2: zero, y2: middle + 14, class: "axis" });
  const rect = svg(canvas, "rect", { y: middle - 8, height: 16 });
  const text = svg(canvas, "text", { x: zero, y: middle + 33, class: "value" });
  return (value) => {
    const width = SCALE * Math.abs(value);
    rect.setAttribute("x", value < 0 ? zero - width : zero);
    rect.setAttribute("width", width);
    rect.setAttribute("class", sign(value));
    text.textContent = number(value);
  };
}

export default { render };
