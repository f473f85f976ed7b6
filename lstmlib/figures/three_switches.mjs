// A memory cell reads five numbers; three switches for each step say what it writes, keeps and shows.

import { memory } from "./cell_arithmetic.mjs";
import { button, choice, controls, drawing, html, number, onChange, set, status, svg } from "./drawing.mjs";

const SWITCHES = { i: "write", f: "keep", o: "read" };
const COLUMN = 60; // the canvas has six: names, and five steps
const TALL = 26; // pixels for a value of 1

function render({ model, el }) {
  const x = model.get("x");
  const tasks = model.get("tasks");
  choice(controls(el), "Show", model, "task", tasks.map(([name], k) => [k, `${k + 1}. ${name}`]));
  const canvas = drawing(el, 186,
    "Five steps from left to right: the number that comes in, a bar for what the cell holds, a ring " +
      "for what it shows and a dashed ring for what it should show. The line below gives the values.");
  const grid = html(el, "div", { class: "switches" });
  const buttons = controls(el);
  const line = status(el);

  const show = (happened) => {
    const gates = Object.fromEntries(Object.keys(SWITCHES).map((name) => [name, model.get(name)]));
    const steps = memory({ ...gates, x });
    const wanted = tasks[model.get("task")][1].map(Math.tanh);
    const wrong = steps.findIndex((s, t) => Math.abs(s.h - wanted[t]) > model.get("tolerance"));
    draw(canvas, x, steps, wanted);
    const verdict = wrong < 0
      ? "Solved: every step shows what it should."
      : `Not yet: step ${wrong + 1} should show ${number(wanted[wrong])}, and shows ${number(steps[wrong].h)}.`;
    line.textContent =
      `${happened}${verdict} The cell holds ${steps.map((s) => number(s.c)).join(", ")} ` +
      `and shows ${steps.map((s) => number(s.h)).join(", ")}.`;
  };

  const sliders = {};
  for (const [name, word] of Object.entries(SWITCHES)) {
    html(grid, "span", { class: `part-${name}` }, `${word} ${name}`);
    sliders[name] = x.map((_, t) => {
      const slider = range(grid, `${word} at step ${t + 1}`, model.get(name)[t], name);
      slider.addEventListener("input", () => {
        set(model, { [name]: model.get(name).map((was, k) => (k === t ? Number(slider.value) : was)) });
      });
      return slider;
    });
  }

  button(buttons, "Start over", () => {
    set(model, model.get("initial"));
    show("All switches are back at the start. ");
  });

  onChange(model, ["task", ...Object.keys(SWITCHES)], (changed, was) => {
    const moved = [];
    for (const name of Object.keys(SWITCHES))
      model.get(name).forEach((value, t) => {
        sliders[name][t].value = value;
        sliders[name][t].setAttribute("aria-valuetext", number(value));
        if (value !== was[name][t])
          moved.push(`You set ${SWITCHES[name]} at step ${t + 1} to ${number(value)}. `);
      });
    show(moved.length === 1 ? moved[0] : "");
  });
  show("");
}

const range = (parent, label, value, part) =>
  html(parent, "input", {
    type: "range", min: 0, max: 1, step: 0.1, value, class: `part-${part}`,
    role: "slider", "aria-label": label, "aria-valuetext": number(value),
  });

// For each step: the number that comes in, what the cell holds (bar), shows (ring) and should show.
function draw(canvas, x, steps, wanted) {
  canvas.replaceChildren();
  const zero = 76;
  const y = (value) => zero - TALL * Math.max(-1.6, Math.min(1.6, value));
  svg(canvas, "text", { x: 4, y: 16, class: "name start" }, "comes in");
  svg(canvas, "text", { x: 4, y: zero + 4, class: "start part-c" }, "holds ▮");
  svg(canvas, "text", { x: 4, y: 146, class: "start part-h" }, "shows ○");
  svg(canvas, "text", { x: 4, y: 166, class: "start part-h" }, "should ◌");
  svg(canvas, "line", { x1: COLUMN, y1: zero, x2: 356, y2: zero, class: "axis" });
  steps.forEach(({ c, h }, t) => {
    const at = COLUMN * (t + 1.5);
    svg(canvas, "text", { x: at, y: 16, class: "value" }, number(x[t]));
    svg(canvas, "rect", { x: at - 18, y: Math.min(y(c), zero), width: 18, height: Math.abs(y(c) - zero), class: "bar part-c" });
    svg(canvas, "circle", { cx: at + 10, cy: y(wanted[t]), r: 7, class: "ring wanted part-h" });
    svg(canvas, "circle", { cx: at + 10, cy: y(h), r: 4, class: "ring part-h" });
    svg(canvas, "text", { x: at, y: 126, class: "name small" }, `c = ${number(c)}`);
    svg(canvas, "text", { x: at, y: 146, class: "value" }, number(h));
    svg(canvas, "text", { x: at, y: 166, class: "name" }, number(wanted[t]));
    svg(canvas, "text", { x: at, y: 184, class: "name" }, `step ${t + 1}`);
  });
}

export default { render };
