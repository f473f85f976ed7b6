// One unit of an LSTM: the cell state rides the belt, three gates act on it.

import { lstmCell } from "./cell.mjs";
import { button, nameSliders, number, sign, status, svg } from "./drawing.mjs";

const GATES = ["i", "f", "g", "o"];
const NAMES = {
  f: "forget gate",
  i: "input gate",
  g: "candidate",
  o: "output gate",
  c_prev: "previous cell state",
};
const TICK = 1200; // milliseconds for a step: time to read the line

function render({ model, el }) {
  const update = diagram(el);
  const strip = timeline(el);
  const controls = document.createElement("div");
  controls.className = "controls";
  el.append(controls);
  const line = status(el);

  const values = () =>
    Object.fromEntries([...GATES, "c_prev"].map((name) => [name, model.get(name)]));

  let saying = true;
  const show = (happened) => {
    const v = values();
    const r = lstmCell(v);
    update(v, r);
    strip(model.get("history"));
    if (!saying) return;
    line.textContent =
      `${happened} The belt keeps ${number(v.f)} × ${number(v.c_prev)} = ${number(r.kept)}, ` +
      `gains ${number(v.i)} × ${number(v.g)} = ${number(r.added)} and carries on ${number(r.c)}. ` +
      `The cell says ${number(v.o)} × tanh(${number(r.c)}) = ${number(r.h)}.`;
  };

  const before = values();
  for (const name of Object.keys(before))
    model.on(`change:${name}`, () => {
      const now = model.get(name);
      show(`You ${now < before[name] ? "lowered" : "raised"} the ${NAMES[name]} to ${number(now)}.`);
      before[name] = now;
    });
  model.on("change:history", () => strip(model.get("history")));

  // A step of the sequence: what the belt carries on becomes the previous state of the next step.
  const sequence = model.get("sequence");
  const step = () => {
    const history = model.get("history");
    const t = history.length;
    if (t === sequence.length) return stop();
    const gates = Object.fromEntries(GATES.map((name, k) => [name, sequence[t][k]]));
    const next = { ...gates, c_prev: t === 0 ? model.get("start") : lstmCell(values()).c };
    const r = lstmCell(next);
    set({ ...next, history: [...history, [...sequence[t], r.c, r.h]] });
    show(`Step ${t + 1} of ${sequence.length}.`);
    if (t + 1 === sequence.length) stop();
  };
  const set = (next) => {
    saying = false; // one sentence for a step, not one for each value
    model.set(next);
    model.save_changes();
    saying = true;
  };

  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const play = button(controls, "Play", () => {
    if (timer) return stop();
    if (model.get("history").length === sequence.length) set({ history: [] });
    timer = setInterval(step, TICK);
    play.textContent = "Pause";
    step();
  });
  button(controls, "Step", () => {
    stop();
    if (model.get("history").length === sequence.length) set({ history: [] });
    step();
  });
  button(controls, "Restart", () => {
    stop();
    set({ ...model.get("initial"), history: [] });
    show("Back at the start.");
  });

  show("");
  const unname = nameSliders(el);
  return () => {
    stop();
    unname();
  };
}

// The fixed drawing; returns the function that redraws what moves.
function diagram(el) {
  const canvas = svg(el, "svg", {
    viewBox: "0 0 360 188",
    role: "img",
    "aria-label":
      "The cell state enters on the left of a belt, is multiplied by the forget gate, " +
      "has input gate times candidate added, and leaves on the right; a branch passes " +
      "tanh and the output gate and becomes the hidden state. The line below gives the values.",
  });
  const belt = [[14, 64], [88, 144], [168, 346]].map(([x1, x2]) =>
    svg(canvas, "line", { x1, y1: 48, x2, y2: 48, class: "belt" }));
  const wire = (d) => svg(canvas, "path", { d, class: "flow" });
  wire("M76 94 V60"); // f
  wire("M112 134 V106 H144"); // i
  wire("M200 134 V106 H168"); // g
  wire("M156 94 V60"); // i g
  const branch = wire("M270 48 V74");
  wire("M270 98 V120");
  wire("M310 132 H282"); // o
  const out = wire("M270 144 V168");
  operator(canvas, 76, 48, "×");
  operator(canvas, 156, 48, "+");
  operator(canvas, 156, 106, "×");
  operator(canvas, 270, 132, "×");
  svg(canvas, "rect", { x: 248, y: 74, width: 44, height: 24, rx: 5, class: "box" });
  svg(canvas, "text", { x: 270, y: 90, class: "value" }, "tanh");
  const show = {
    f: box(canvas, 76, 94, "f forget"),
    i: box(canvas, 112, 134, "i input"),
    g: box(canvas, 200, 134, "g candidate"),
    o: box(canvas, 332, 121, "o output"),
    c_prev: label(canvas, 34, 30, "c before"),
    kept: label(canvas, 116, 30, "kept"),
    added: label(canvas, 186, 78, "added"),
    c: label(canvas, 318, 30, "c after"),
    h: label(canvas, 270, 183),
  };
  return (v, r) => {
    for (const [name, text] of Object.entries(show)) text(name in v ? v[name] : r[name]);
    [v.c_prev, r.kept, r.c].forEach((value, k) => {
      belt[k].setAttribute("class", `belt ${sign(value)}`);
      belt[k].setAttribute("stroke-width", 2 + 5 * Math.min(2, Math.abs(value)));
    });
    for (const [path, value] of [[branch, r.c], [out, r.h]])
      path.setAttribute("stroke-width", 1 + 3 * Math.min(2, Math.abs(value)));
  };
}

function operator(canvas, x, y, text) {
  svg(canvas, "circle", { cx: x, cy: y, r: 12, class: "box" });
  svg(canvas, "text", { x, y: y + 5, class: "operator" }, text);
}

function box(canvas, x, y, name) {
  svg(canvas, "rect", { x: x - 22, y, width: 44, height: 22, rx: 5, class: "box gate" });
  svg(canvas, "text", { x, y: y + 36, class: "name" }, name);
  const text = svg(canvas, "text", { x, y: y + 15.5, class: "value" });
  return (value) => (text.textContent = number(value));
}

// A value with its name above it, or beside it where there is none above.
function label(canvas, x, y, name) {
  if (name) svg(canvas, "text", { x, y: y - 14, class: "name" }, name);
  const text = svg(canvas, "text", { x, y, class: "value" });
  return (value) => (text.textContent = name ? number(value) : `h = ${number(value)}`);
}

// The steps played so far: a bar for the cell state and a ring for the hidden state.
function timeline(el) {
  const canvas = svg(el, "svg", { viewBox: "0 0 360 84", role: "img" });
  return (history) => {
    canvas.replaceChildren();
    canvas.classList.toggle("empty", history.length === 0);
    canvas.setAttribute(
      "aria-label",
      "Cell state and hidden state of the steps played: " +
        history.map((row) => `${number(row[4])} and ${number(row[5])}`).join("; "),
    );
    if (!history.length) return;
    svg(canvas, "text", { x: 4, y: 45, class: "name start" }, "c ▮ h ○");
    svg(canvas, "line", { x1: 56, y1: 40, x2: 356, y2: 40, class: "axis" });
    history.forEach(([, , , , c, h], t) => {
      const x = 74 + 34 * t;
      const y = (value) => 40 - 12 * Math.max(-2, Math.min(2, value));
      const tall = Math.abs(y(c) - 40);
      svg(canvas, "rect", { x: x - 8, y: Math.min(y(c), 40), width: 16, height: tall, class: sign(c) });
      svg(canvas, "circle", { cx: x, cy: y(h), r: 4, class: "ring" });
      svg(canvas, "text", { x, y: 80, class: "name" }, t + 1);
    });
  };
}

export default { render };
