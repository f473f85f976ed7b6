// One unit of an LSTM: the cell state rides the belt, three gates act on it.

import { lstmCell } from "./cell_arithmetic.mjs";
import { button, choice, controls, drawing, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";

const GATES = ["i", "f", "g", "o"];
const SLIDERS = [...GATES, "c_prev"];
const TICK = 1200; // milliseconds for a step: time to read the line

function render({ model, el }) {
  choice(controls(el), "Names:", model, "notation", model.get("notations").map(([name]) => [name, name]));
  const update = diagram(el);
  const strip = timeline(el);
  const buttons = controls(el);
  const line = status(el);

  const values = () => Object.fromEntries(SLIDERS.map((name) => [name, model.get(name)]));
  const notations = Object.fromEntries(model.get("notations"));
  const names = () => notations[model.get("notation")];
  const place = () => model.get("history").length; // 0: before the first step

  const draw = () => {
    const v = values();
    const r = lstmCell(v);
    update(v, r, names());
    strip(run(), place(), names());
    return { v, r };
  };
  const show = (happened) => {
    const { v, r } = draw();
    line.textContent =
      `${happened}The belt keeps ${number(v.f)} × ${number(v.c_prev)} = ${number(r.kept)}, ` +
      `gains ${number(v.i)} × ${number(v.g)} = ${number(r.added)} and carries on ${number(r.c)}. ` +
      `The cell says ${number(v.o)} × tanh(${number(r.c)}) = ${number(r.h)}.`;
  };

  // The whole sequence as it stands: what the belt carries on is the previous state of the next step.
  const run = (sequence = model.get("sequence"), start = model.get("start")) => {
    let c_prev = start;
    return sequence.map((row) => {
      const gates = Object.fromEntries(GATES.map((name, k) => [name, row[k]]));
      const r = lstmCell({ ...gates, c_prev });
      c_prev = r.c;
      return [...row, r.c, r.h];
    });
  };
  const goTo = (t) => {
    const rows = run();
    const gates = Object.fromEntries(GATES.map((name, k) => [name, rows[t - 1][k]]));
    const c_prev = t === 1 ? model.get("start") : rows[t - 2][4];
    // The slider's ends come first: it would cut a value that lies beyond them.
    const highest = Math.max(model.get("highest"), Math.ceil(Math.abs(c_prev)));
    set(model, { highest, lowest: -highest, ...gates, c_prev, history: rows.slice(0, t) });
  };
  // A slider that moves at a step of the sequence changes that step, and all later ones follow.
  const rewrite = () => {
    const t = place();
    const sequence = model.get("sequence").map((row, k) =>
      k === t - 1 ? GATES.map((gate) => model.get(gate)) : row);
    // The state before the first step may be chosen; before the others, the steps decide.
    const start = t === 1 ? model.get("c_prev") : model.get("start");
    set(model, { sequence, start, history: run(sequence, start).slice(0, t) });
  };
  const relabel = () =>
    set(model, Object.fromEntries(SLIDERS.map((name) => [`label_${name}`, names()[name].join(" ")])));

  onChange(model, [...SLIDERS, "history", "sequence", "notation"], (changed, was) => {
    if (changed.includes("notation")) {
      relabel();
      return show(`The same numbers in other words: ${model.get("notation")}. `);
    }
    const t = place();
    if (t !== was.history.length)
      return show(t ? `Step ${t} of ${last()}. ` : "Back at the start. ");
    const sliders = SLIDERS.filter((name) => changed.includes(name));
    if (!sliders.length) return draw();
    if (t) rewrite();
    const at = t ? ` of step ${t}` : "";
    show(sliders.map((name) => moved(`the ${names()[name][1]}${at}`, was[name], model.get(name))).join(""));
  });

  const last = () => model.get("sequence").length;
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const step = () => {
    goTo((place() % last()) + 1);
    if (place() === last()) stop();
  };
  const play = button(buttons, "Play", () => {
    if (timer) return stop();
    timer = setInterval(step, TICK);
    play.textContent = "Pause";
    step();
  });
  button(buttons, "Step", () => {
    stop();
    step();
  });
  button(buttons, "Back", () => {
    stop();
    if (place() > 1) goTo(place() - 1);
  });
  button(buttons, "Restart", () => {
    stop();
    set(model, { ...model.get("initial"), history: [] });
    show("Back at the start, with the sequence as it was. ");
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
  const canvas = drawing(el, 188,
    "The cell state enters on the left of a belt, is multiplied by the forget gate, " +
      "has input gate times candidate added, and leaves on the right; a branch passes " +
      "tanh and the output gate and becomes the hidden state. The line below gives the values.");
  const belt = [[14, 64], [88, 144], [168, 346]].map(([x1, x2]) =>
    svg(canvas, "line", { x1, y1: 48, x2, y2: 48 }));
  const wire = (d, part = "") => svg(canvas, "path", { d, class: `flow ${part}` });
  wire("M76 94 V60"); // f
  wire("M112 134 V106 H144"); // i
  wire("M200 134 V106 H168"); // g
  wire("M156 94 V60"); // i g
  const branch = wire("M270 48 V74");
  wire("M270 98 V120");
  wire("M310 132 H282"); // o
  const out = wire("M270 144 V168", "part-h");
  operator(canvas, 76, 48, "×");
  operator(canvas, 156, 48, "+");
  operator(canvas, 156, 106, "×");
  operator(canvas, 270, 132, "×");
  svg(canvas, "rect", { x: 248, y: 74, width: 44, height: 24, rx: 5, class: "box" });
  svg(canvas, "text", { x: 270, y: 90, class: "value" }, "tanh");
  const show = {
    f: box(canvas, 76, 94, "f"),
    i: box(canvas, 112, 134, "i"),
    g: box(canvas, 200, 134, "g"),
    o: box(canvas, 332, 121, "o"),
    c_prev: label(canvas, 34, 30),
    kept: label(canvas, 116, 30),
    added: label(canvas, 186, 78),
    c: label(canvas, 318, 30),
    h: label(canvas, 270, 183),
  };
  return (v, r, names) => {
    const first = (name) => `${names[name][0]} ${names[name][1].split(" ")[0]}`;
    const words = {
      ...Object.fromEntries(GATES.map((name) => [name, first(name)])),
      c_prev: `${names.c[0]} before`, kept: "kept", added: "added", c: `${names.c[0]} after`,
    };
    for (const [name, text] of Object.entries(show)) {
      const value = number(name in v ? v[name] : r[name]);
      text(name === "h" ? `${names.h[0]} = ${value}` : value, words[name]);
    }
    [v.c_prev, r.kept, r.c].forEach((value, k) => {
      belt[k].setAttribute("class", `belt part-c ${value < 0 ? "below" : ""}`);
      belt[k].style.strokeWidth = 2 + 5 * Math.min(2, Math.abs(value));
    });
    for (const [path, value] of [[branch, r.c], [out, r.h]])
      path.style.strokeWidth = 1 + 3 * Math.min(2, Math.abs(value));
  };
}

function operator(canvas, x, y, text) {
  svg(canvas, "circle", { cx: x, cy: y, r: 12, class: "box" });
  svg(canvas, "text", { x, y: y + 5, class: "operator" }, text);
}

// A gate, its value inside and its name below.
function box(canvas, x, y, part) {
  svg(canvas, "rect", { x: x - 22, y, width: 44, height: 22, rx: 5, class: `box gate part-${part}` });
  return valueAndName(svg(canvas, "text", { x, y: y + 15.5, class: "value" }),
    svg(canvas, "text", { x, y: y + 36, class: "name" }));
}

// A value with its name above it.
function label(canvas, x, y) {
  return valueAndName(svg(canvas, "text", { x, y, class: "value" }),
    svg(canvas, "text", { x, y: y - 14, class: "name" }));
}

const valueAndName = (value, name) => (text, called = "") => {
  value.textContent = text;
  name.textContent = called;
};

// The whole sequence: a bar for the cell state and a ring for the hidden state of each step, pale for
// those that are still to come.
function timeline(el) {
  const canvas = drawing(el, 84);
  return (rows, place, names) => {
    canvas.replaceChildren();
    const said = rows.map((row) => `${number(row[4])} and ${number(row[5])}`).join("; ");
    canvas.setAttribute(
      "aria-label",
      `${names.c[1]} and ${names.h[1]} at each step: ${said}. ` +
        (place ? `Step ${place} is shown above.` : "No step is shown yet."),
    );
    svg(canvas, "text", { x: 4, y: 36, class: "start part-c" }, `${names.c[0]} ▮`);
    svg(canvas, "text", { x: 4, y: 52, class: "start part-h" }, `${names.h[0]} ○`);
    svg(canvas, "line", { x1: 56, y1: 40, x2: 356, y2: 40, class: "axis" });
    rows.forEach(([, , , , c, h], t) => {
      const x = 74 + 34 * t;
      const y = (value) => 40 - 12 * Math.max(-2, Math.min(2, value));
      const tall = Math.abs(y(c) - 40);
      const later = t < place ? "" : " later";
      svg(canvas, "rect", { x: x - 8, y: Math.min(y(c), 40), width: 16, height: tall, class: `bar part-c${later}` });
      svg(canvas, "circle", { cx: x, cy: y(h), r: 4, class: `ring part-h${later}` });
      svg(canvas, "text", { x, y: 80, class: t + 1 === place ? "value" : "name" }, t + 1);
    });
  };
}

export default { render };
