// A memory cell reads five numbers; three switches for each step say what it writes, keeps and shows.

import { memory } from "./cell.mjs";
import { button, number, onChange, sign, status, svg } from "./drawing.mjs";

const SWITCHES = { i: "write", f: "keep", o: "read" };
const COLUMN = 60; // the canvas has six: names, and five steps
const TALL = 26; // pixels for a value of 1

function render({ model, el }) {
  const x = model.get("x");
  const tasks = model.get("tasks");
  const choice = taskChoice(el, tasks, model.get("task"));
  const canvas = svg(el, "svg", { viewBox: "0 0 360 186", role: "img" });
  const grid = document.createElement("div");
  grid.className = "switches";
  el.append(grid);
  const controls = document.createElement("div");
  controls.className = "controls";
  el.append(controls);
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
    const label = document.createElement("span");
    label.textContent = `${word} ${name}`;
    grid.append(label);
    sliders[name] = x.map((_, t) => {
      const slider = range(grid, `${word} at step ${t + 1}`, model.get(name)[t]);
      slider.addEventListener("input", () => {
        const values = [...model.get(name)];
        values[t] = Number(slider.value);
        model.set(name, values);
        model.save_changes();
      });
      return slider;
    });
  }

  choice.addEventListener("change", () => {
    model.set("task", Number(choice.value));
    model.save_changes();
  });
  button(controls, "Start over", () => {
    model.set(model.get("initial"));
    model.save_changes();
    show("All switches are back at the start. ");
  });

  onChange(model, ["task", ...Object.keys(SWITCHES)], (changed, was) => {
    choice.value = model.get("task");
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

let choices = 0;

function taskChoice(el, tasks, task) {
  const row = document.createElement("div");
  row.className = "controls";
  const label = document.createElement("label");
  const choice = document.createElement("select");
  choice.id = `lstmlib-task-${(choices += 1)}`;
  label.htmlFor = choice.id;
  label.textContent = "Show";
  tasks.forEach(([name], k) => choice.append(new Option(`${k + 1}. ${name}`, k, false, k === task)));
  row.append(label, choice);
  el.append(row);
  return choice;
}

function range(parent, label, value) {
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.1, value });
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-label", label);
  slider.setAttribute("aria-valuetext", number(value));
  parent.append(slider);
  return slider;
}

// For each step: the number that comes in, what the cell holds (bar), shows (ring) and should show.
function draw(canvas, x, steps, wanted) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    "Five steps from left to right: the number that comes in, a bar for what the cell holds, a ring " +
      "for what it shows and a dashed ring for what it should show. The line below gives the values.",
  );
  const zero = 76;
  const y = (value) => zero - TALL * Math.max(-1.6, Math.min(1.6, value));
  svg(canvas, "text", { x: 4, y: 16, class: "name start" }, "comes in");
  svg(canvas, "text", { x: 4, y: zero + 4, class: "name start" }, "holds ▮");
  svg(canvas, "text", { x: 4, y: 146, class: "name start" }, "shows ○");
  svg(canvas, "text", { x: 4, y: 166, class: "name start" }, "should ◌");
  svg(canvas, "line", { x1: COLUMN, y1: zero, x2: 356, y2: zero, class: "axis" });
  steps.forEach(({ c, h }, t) => {
    const at = COLUMN * (t + 1.5);
    svg(canvas, "text", { x: at, y: 16, class: "value" }, number(x[t]));
    svg(canvas, "rect", { x: at - 18, y: Math.min(y(c), zero), width: 18, height: Math.abs(y(c) - zero), class: sign(c) });
    svg(canvas, "circle", { cx: at + 10, cy: y(wanted[t]), r: 7, class: "ring wanted" });
    svg(canvas, "circle", { cx: at + 10, cy: y(h), r: 4, class: "ring" });
    svg(canvas, "text", { x: at, y: 126, class: "name small" }, `c = ${number(c)}`);
    svg(canvas, "text", { x: at, y: 146, class: "value" }, number(h));
    svg(canvas, "text", { x: at, y: 166, class: "name" }, number(wanted[t]));
    svg(canvas, "text", { x: at, y: 184, class: "name" }, `step ${t + 1}`);
  });
}

export default { render };
