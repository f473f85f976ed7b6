// How much of the gradient is left after so many steps back, on a logarithmic axis.

import { forgetProduct, gradientByLag } from "./cell_arithmetic.mjs";
import { button, controls, drawing, nameSliders, number, onChange, onMove, power, set, status, svg } from "./drawing.mjs";

const LEFT = 44;
const RIGHT = 350;
const TOP = 14;
const BOTTOM = 176;
const [LOW, HIGH] = [-12, 6]; // powers of ten on the axis

const NAMES = {
  gain: "the largest singular value",
  length: "the number of steps",
  forget_bias: "the forget bias",
};

const at = (value) => {
  const log = Math.max(LOW, Math.min(HIGH, Math.log10(value)));
  return BOTTOM - ((log - LOW) / (HIGH - LOW)) * (BOTTOM - TOP);
};

function render({ model, el }) {
  const canvas = drawing(el, 214,
    "The norm of the gradient against the lag on a logarithmic axis from 10 to the minus 12 to " +
      "10 to the 6, and beside it, dashed, the bound. The line below gives the values.");
  const kinds = controls(el);
  const line = status(el);

  const show = (happened) => {
    const [gain, kind, length] = [model.get("gain"), model.get("kind"), model.get("length")];
    const x = model.get("x").slice(0, length);
    const norms = gradientByLag({ gain, kind, U: model.get("U"), x });
    const bound = norms.map((_, lag) => gain ** lag);
    const bias = model.get("forget_bias");
    const belt = bias === null ? null : forgetProduct({ bias, noise: x.map((row) => row[0]) });
    draw(canvas, norms, bound, belt);
    for (const choice of kinds.children)
      choice.setAttribute("aria-pressed", choice.textContent === kind);
    const last = norms.length - 1;
    const faint = norms.findIndex((norm) => norm < 1e-3);
    const loud = norms.findIndex((norm) => norm > 1e3);
    const verdict = faint > 0
      ? `It falls below a thousandth at lag ${faint}.`
      : loud > 0
        ? `It passes a thousand at lag ${loud}.`
        : "It neither falls below a thousandth nor passes a thousand.";
    line.textContent =
      `${happened}${kind}, ‖W‖ = ${number(gain)}: over ${last} steps the gradient is multiplied by at ` +
      `most ${power(norms[last])}, and the bound is ${power(bound[last])}. ${verdict}` +
      (belt ? ` The belt with a forget bias of ${number(bias)} keeps ${power(belt[last])}.` : "");
  };

  for (const kind of model.get("kinds")) button(kinds, kind, () => set(model, { kind }));
  onMove(model, NAMES, show, (value, name) => (name === "length" ? value : number(value)));
  onChange(model, ["kind"], () => show(""));
  show("");
  return nameSliders(el);
}

function draw(canvas, norms, bound, belt) {
  canvas.replaceChildren();
  for (let log = LOW; log <= HIGH; log += 3) {
    const y = at(10 ** log);
    svg(canvas, "line", { x1: LEFT, y1: y, x2: RIGHT, y2: y, class: log ? "grid" : "axis" });
    svg(canvas, "text", { x: LEFT - 6, y: y + 4, class: "name end" }, log ? power(10 ** log, true) : "1");
  }
  const last = norms.length - 1;
  const x = (lag) => LEFT + (lag / last) * (RIGHT - LEFT);
  const path = (values) => "M" + values.map((value, lag) => `${x(lag)} ${at(value)}`).join(" L");
  svg(canvas, "path", { d: path(bound), class: "curve bound" });
  svg(canvas, "path", { d: path(norms), class: "curve part-h" });
  if (belt) {
    svg(canvas, "path", { d: path(belt), class: "curve part-c" });
    // Names on the curves, apart from one another wherever the curves cross
    for (const [values, text, share, shift] of [[belt, "belt", 0.75, -8], [norms, "network", 0.4, 18]]) {
      const lag = Math.round(share * last);
      svg(canvas, "text", { x: x(lag), y: at(values[lag]) + shift, class: "value" }, text);
    }
  }
  for (let lag = 0; lag <= last; lag += last > 20 ? 10 : 2)
    svg(canvas, "text", { x: x(lag), y: BOTTOM + 16, class: "name" }, lag);
  svg(canvas, "text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 33, class: "name" },
    "lag: steps back from the last (dashed: the bound)");
}

export default { render };
