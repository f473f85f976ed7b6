// Train one here: two networks race on one task, in a worker beside the page.

import { button, choice, controls, drawing, field, moved, nameSliders, number, onChange, power, set, status, svg } from "./drawing.mjs";
import { asked, constantLoss, TASKS } from "./trainer_tasks.mjs";

// What a run is made of, in the order in which the address says it.
const SETTINGS = ["cell_a", "cell_b", "task", "gap", "units", "rate", "forget_a", "forget_b", "input_bias", "clip", "seed"];
const WHOLE = ["gap", "units", "seed"];
const CALLED = {
  gap: "the gap", units: "the units", rate: "the learning rate", forget_a: "A’s forget bias", forget_b: "B’s forget bias",
  input_bias: "the input bias", clip: "clipping", seed: "the seed", cell_a: "A", cell_b: "B", task: "the task",
};
const KEPT = 12; // earlier runs
const SPOKEN = 3000; // milliseconds between two lines while it learns
const CALM = 1000; // and between two pictures where less motion is asked for

// A figure has a copy of this module, so this is the one training that all its views show.
const training = { views: new Set(), earlier: [], worker: null, run: 0, state: "idle", settings: null, now: null, lines: [] };

function render({ model, el }) {
  const settings = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const [cells, tasks, limits, most] = ["cells", "tasks", "limits", "most"].map((name) => model.get(name));
  const options = { cell_a: cells.filter(([cell]) => cell !== "none"), cell_b: cells, task: tasks };
  const about = { names: Object.fromEntries(cells), most };
  const [above, row] = [controls(el), controls(el)];
  const canvas = drawing(el, 392);
  const line = status(el);
  training.settings ??= settings();

  const view = (happened, drawn = true, spoken = true) => {
    go.textContent = training.state === "running" ? "Pause" : "Train";
    offer.hidden = !training.now?.networks.some(({ broke }) => broke);
    if (drawn) draw(canvas, about);
    if (spoken) line.textContent = happened + say(about);
  };
  const typed = (name) => (text) => {
    const found = readNumber(name, text, limits);
    return typeof found === "string" ? found : { [name]: found };
  };
  // Starts, goes on, or makes one update
  const order = (what) => {
    if (training.state === "done") return show("This run is at its end: another seed, or another setting, makes a new one. ");
    const { now, run } = training;
    if (hire(model.get("script"))) training.worker.postMessage(now ? { order: what } : { order: what, run, settings: asSession(settings(), most) });
    if (DOCUMENTED) history.replaceState(null, "", `#train=${SETTINGS.map((name) => model.get(name)).join()}`);
  };
  const again = (values) => {
    set(model, values);
    order("go");
  };

  const place = () => controls(above, { style: "margin: 0" }); // keeps a control on the line of its label
  choice(place(), "A:", model, "cell_a", options.cell_a);
  choice(place(), "B:", model, "cell_b", options.cell_b);
  choice(place(), "Task:", model, "task", options.task);
  field(place(), "Learning rate:", model, "rate", line, typed("rate"), { size: 6, inputmode: "decimal" });
  field(place(), "Seed:", model, "seed", line, typed("seed"), { size: 3, inputmode: "numeric" });
  const go = button(row, "Train", () => order(training.state === "running" ? "pause" : "go"));
  button(row, "Step", () => order("step"));
  button(row, "Again with another seed", () => again({ seed: (model.get("seed") % limits.seed[1]) + 1 }));
  button(row, "Clear", () => {
    reset(settings());
    training.earlier = [];
    show("Cleared. ");
  });
  const offer = button(row, "Again, with clipping and a tenth of the rate", () =>
    again({ clip: model.get("clip") || 1, rate: Math.max(limits.rate[0], model.get("rate") / 10) }));

  onChange(model, SETTINGS, (changed, was) => {
    reset(settings());
    view(changed.filter((name) => name in limits).map((name) => moveOf(name, was[name], model)).join(""));
  });
  const readAddress = () => {
    const { values, complaints } = settingsIn(location.hash, settings(), options, limits);
    if (Object.keys(values).length) set(model, values);
    if (location.hash.startsWith(MARK)) {
      view(complaints.join("") || "Set as the address says. ");
      el.scrollIntoView({ block: "nearest" });
    }
  };
  training.views.add(view);
  view("");
  // In the page, not before it
  const frame = requestAnimationFrame(readAddress);
  addEventListener("hashchange", readAddress);
  const forget = nameSliders(el);
  return () => {
    cancelAnimationFrame(frame);
    removeEventListener("hashchange", readAddress);
    training.views.delete(view);
    if (!training.views.size) dismiss();
    forget();
  };
}

// Only a page of the book has an address to spare: in Jupyter it is Jupyter's own.
const DOCUMENTED = typeof DOCUMENTATION_OPTIONS !== "undefined";
const MARK = "#train=";

const show = (...what) => training.views.forEach((view) => view(...what));

// A number of the reader's, or a sentence that says why it is none.
function readNumber(name, text, limits) {
  const given = text.trim();
  const value = Number(given.replace(",", "."));
  const quoted = given.length > 20 ? `${given.slice(0, 20)}…` : given;
  const [low, high] = limits[name];
  if (!given || Number.isNaN(value)) return `“${quoted}” is not a number.`;
  if (WHOLE.includes(name) && !Number.isInteger(value)) return `${capital(CALLED[name])} must be a whole number, and ${quoted} is not.`;
  if (value < low || value > high) return `${capital(CALLED[name])} must lie from ${low} to ${high}, and ${quoted} does not.`;
  return value;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// What an address asks for: the values that can be had, and a sentence for each that cannot.
export function settingsIn(hash, now, options, limits) {
  const found = { values: {}, complaints: [] };
  if (!hash.startsWith(MARK)) return found;
  const parts = hash.slice(MARK.length).split(",");
  SETTINGS.slice(0, parts.length).forEach((name, k) => {
    const text = parts[k].replace(/%20/g, " ");
    const known = options[name]?.map(([value]) => value);
    const value = known ? text : readNumber(name, text, limits);
    const unknown = known && !known.includes(text);
    if (unknown) found.complaints.push(`“${text.slice(0, 20)}” is not one of ${known.join(", ")}. `);
    else if (!known && typeof value === "string") found.complaints.push(`${value} `);
    else if (value !== now[name]) found.values[name] = value;
    if (unknown || (!known && typeof value === "string")) found.complaints.push(`The address was wrong there, and ${CALLED[name]} stays ${now[name]}. `);
  });
  if (parts.length > SETTINGS.length) found.complaints.push(`The address says ${parts.length} things, and only ${SETTINGS.length} are known. `);
  return found;
}

const asSession = (s, most) => {
  const two = s.cell_b !== "none";
  return {
    cells: two ? [s.cell_a, s.cell_b] : [s.cell_a],
    forget: [s.forget_a, s.forget_b],
    task: s.task, gap: s.gap, units: s.units, rate: s.rate, input: s.input_bias, clip: s.clip, seed: s.seed, most,
  };
};

// Another setting makes another run; what the last one has drawn stays, pale.
function reset(settings) {
  if (JSON.stringify(settings) === JSON.stringify(training.settings) && training.state === "idle") return;
  if (settings.task !== training.settings.task || settings.gap !== training.settings.gap) training.earlier = [];
  else if (training.lines.some((points) => points.length > 1)) training.earlier = [...training.earlier, training.lines].slice(-KEPT);
  training.worker?.postMessage({ order: "forget" });
  Object.assign(training, { run: training.run + 1, state: "idle", settings, now: null, lines: [] });
}

// Whether there is a worker.
function hire(script) {
  if (training.worker) return true;
  const refused = () => {
    dismiss();
    show("Your browser starts no worker for this page, so nothing can be trained here. ");
  };
  try {
    training.url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    training.worker = new Worker(training.url);
  } catch {
    refused();
    return false;
  }
  training.worker.onerror = refused;
  training.worker.onmessage = ({ data }) => data.run === training.run && hear(data);
  return true;
}

function dismiss() {
  training.worker?.terminate();
  URL.revokeObjectURL(training.url);
  training.worker = null;
  reset({ ...training.settings });
}

function hear(report) {
  const began = training.state !== "running" && report.state === "running";
  training.now = report;
  training.state = report.state;
  report.networks.forEach(({ points }, k) => (training.lines[k] ??= []).push(...points));
  const now = performance.now();
  const still = report.state !== "running" || began;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM : 0;
  const drawn = still || now - training.drawn >= calm;
  const spoken = still || now - training.spoken >= SPOKEN;
  if (drawn) training.drawn = now;
  if (spoken) training.spoken = now;
  show({ running: "", paused: "", done: "At the end. " }[report.state], drawn, spoken);
}

// Sentences

const moveOf = (name, was, model) => {
  const now = model.get(name);
  const said = moved(CALLED[name], was, now, WHOLE.includes(name) ? String(now) : name === "rate" ? String(now) : number(now));
  if (!name.startsWith("forget")) return said;
  const cell = model.get(name.replace("forget", "cell"));
  const note = {
    rnn: "It has no gate that keeps, so this changes nothing. ",
    lstm97: "It has no forget gate, so this changes nothing. ",
    gru: "In a GRU it is the bias of the update gate. ",
    none: "There is no B. ",
  };
  return said + (note[cell] ?? "");
};

const loss = (value) => (!Number.isFinite(value) ? "no number" : value >= 100 ? String(Math.round(value)) : value >= 0.001 ? value.toPrecision(2) : power(value));
const share = (value) => `${Math.round(100 * value)} %`;
const letter = (k) => "AB"[k];
const cellsOf = ({ cell_a, cell_b }) => [cell_a, cell_b].filter((cell) => cell !== "none");

function say({ names, most }) {
  const { settings, now } = training;
  const { task, gap, units, rate, clip } = settings;
  const constant = `The best answer that never changes has ${loss(constantLoss(task, gap))}`;
  if (!now) {
    const rivals = cellsOf(settings).map((cell, k) => `${letter(k)}: ${names[cell]}, forget bias ${number(settings[`forget_${"ab"[k]}`])}`);
    return (
      `${asked(task, gap)} ${rivals.join("; ")}. ${units} units, learning rate ${rate}, input bias ${number(settings.input_bias)}, ` +
      `${clip ? `clipping at ${number(clip)}` : "no clipping"}, seed ${settings.seed}. ${constant} as loss. Press Train.`
    );
  }
  const classes = TASKS[task].O > 1;
  const stands = now.networks.map(({ cell, broke, loss: mean, test }, k) => {
    if (broke) return `${letter(k)}, ${names[cell]}, broke down at update ${broke}: its loss is ${loss(mean)}, a hundred times that of a constant or no number. Clipping or a smaller learning rate may help. `;
    const tested = classes ? `${share(test.right)} of new answers right` : `${loss(test.loss)} on new sequences`;
    return `${letter(k)}, ${names[cell]}: loss ${loss(mean)}, ${tested}. `;
  });
  const trivial = classes ? ` and ${share(1 / TASKS[task].O)}` : "";
  return `Update ${now.updates.toLocaleString("en")} of ${most.toLocaleString("en")}. ${stands.join("")}${constant}${trivial}.`;
}

// The drawing: losses above, each network on one sequence in the middle, the gradient by lag below

const DASHES = ["", "6 3"];
const COLOURS = ["positive", "negative"];
const stroke = (k, more = "") => `stroke: var(--${COLOURS[k]}); stroke-width: 2; ${more}`;
const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join(" L")}`;

function draw(canvas, { names, most }) {
  const { settings, now } = training;
  canvas.replaceChildren();
  canvas.setAttribute("aria-label",
    "Above, the loss over updates, A a solid and B a dashed line, earlier runs pale, the best constant dotted. In the middle " +
      "each network on one new sequence: a row of bars for the memory of each unit, up for above 0, and below them its gates. " +
      "At the bottom, how much of the gradient of the last answer arrives at the memory so many steps earlier. The line says the numbers.");
  drawLosses(canvas, constantLoss(settings.task, settings.gap), most);
  const shown = cellsOf(settings);
  shown.forEach((cell, k) => {
    const wide = shown.length === 1 ? 344 : 166;
    drawNetwork(canvas, { left: 8 + 178 * k, wide, k, name: names[cell] }, now?.networks[k], now?.marks ?? []);
  });
  drawReach(canvas, now?.networks ?? [], settings);
}

// A panel with a logarithmic axis: returns where a value stands.
function axes(canvas, { top, tall, low, high, title, right }) {
  const y = (value) => top + (tall * (high - Math.log10(Math.max(value, 10 ** low)))) / (high - low);
  svg(canvas, "text", { x: 4, y: top - 7, class: "name start" }, title);
  svg(canvas, "text", { x: 352, y: top - 7, class: "small end" }, right);
  const every = Math.ceil((high - low) / 4);
  for (let k = Math.ceil(low); k <= high; k += every) {
    svg(canvas, "line", { x1: 36, y1: y(10 ** k), x2: 352, y2: y(10 ** k), class: "grid" });
    svg(canvas, "text", { x: 32, y: y(10 ** k) + 4, class: "small end" }, Math.abs(k) < 3 ? String(10 ** k) : power(10 ** k, true));
  }
  svg(canvas, "path", { d: `M36 ${top} V${top + tall} H352`, class: "axis", fill: "none" });
  return y;
}

function drawLosses(canvas, constant, most) {
  const runs = [...training.earlier, training.lines];
  const all = runs.flat(2);
  const values = all.map(([, value]) => value).concat(constant / 8, constant * 2);
  const longest = Math.max(100, training.now?.updates ?? 0, ...all.map(([update]) => update));
  const end = [100, 200, 500, 1000, 2000, most].find((one) => one >= longest) ?? most;
  const [low, high] = [Math.max(-5, Math.log10(Math.min(...values))), Math.min(4, Math.log10(Math.max(...values)))];
  const right = `update ${(training.now?.updates ?? 0).toLocaleString("en")} of ${most.toLocaleString("en")}`;
  const y = axes(canvas, { top: 22, tall: 108, low, high, title: "loss", right });
  const x = (update) => 36 + (316 * update) / end;
  for (const update of [0, end / 2, end])
    svg(canvas, "text", { x: x(update), y: 142, class: `small ${update === end ? "end" : ""}` }, update.toLocaleString("en"));
  svg(canvas, "line", { x1: 36, y1: y(constant), x2: 352, y2: y(constant), class: "bound", style: "stroke-dasharray: 1 3" });
  svg(canvas, "text", { x: 194, y: y(constant) - 4, class: "small" }, "best constant");
  runs.forEach((lines, n) =>
    lines.forEach((points, k) => {
      if (points.length < 2) return;
      const places = points.map(([update, value]) => [x(update), y(value)]);
      const current = n === runs.length - 1;
      const style = stroke(k, current ? "" : "stroke-width: 1; opacity: 0.4");
      svg(canvas, "path", { d: path(places), class: "curve", style, "stroke-dasharray": DASHES[k] });
      if (!current) return;
      const [at, level] = places.at(-1);
      svg(canvas, "text", { x: Math.min(at + 8, 340) + 11 * k, y: Math.min(level + 4, 128), class: "value" }, letter(k));
    }));
}

const GATE = { f: "", i: "5 3", o: "1.5 2.5", z: "", r: "5 3" };

function drawNetwork(canvas, { left, wide, k, name }, network, marks) {
  const heading = `${letter(k)}  ${name}`;
  svg(canvas, "text", { x: left, y: 164, class: "heading start" }, heading);
  const [inner, top, tall] = [left + 6, 184, 66];
  const across = wide - 20;
  svg(canvas, "rect", { x: inner, y: top, width: across, height: tall, class: "cell" });
  if (!network) {
    svg(canvas, "text", { x: inner + across / 2, y: top + 38, class: "small" }, "its memory, when it learns");
    return;
  }
  const { states, gates } = network;
  const [T, H] = [states.length, states[0].length];
  const x = (t) => inner + (across * t) / T;
  for (const [t, text] of marks) svg(canvas, "text", { x: x(t + 0.5), y: top - 5, class: "small" }, text);
  // Each unit has a row, in which a bar goes up or down.
  const scale = Math.max(0.05, ...states.flat().map(Math.abs));
  let d = "";
  for (let unit = 0; unit < H; unit++)
    for (let t = 0; t < T; t++) {
      const high = (tall / H / 2) * (states[t][unit] / scale);
      if (Math.abs(high) > 0.05)
        d += `M${x(t).toFixed(1)} ${(top + (tall * (unit + 0.5)) / H).toFixed(1)}v${(-high).toFixed(1)}h${((0.85 * across) / T).toFixed(1)}v${high.toFixed(1)}z`;
    }
  svg(canvas, "path", { d, class: COLOURS[k] });
  svg(canvas, "text", { x: left + wide - 4, y: 164, class: "small end" }, `±${number(scale)}`);
  const below = top + tall + 8;
  const ends = Object.entries(gates).map(([gate, values]) => {
    const y = (value) => below + 30 * (1 - value);
    const points = values.map((value, t) => [x(t + 0.5), y(value)]);
    svg(canvas, "path", { d: path(points), class: "flow", "stroke-dasharray": GATE[gate] });
    return { gate, at: y(values.at(-1)) + 3 };
  });
  ends.sort((one, other) => one.at - other.at).forEach((end, n) => {
    if (n) end.at = Math.max(end.at, ends[n - 1].at + 9);
    svg(canvas, "text", { x: inner + across + 8, y: end.at, class: "small" }, end.gate);
  });
  if (!ends.length) svg(canvas, "text", { x: inner + across / 2, y: below + 18, class: "small" }, "no gates");
}

function drawReach(canvas, networks, { task, gap }) {
  const T = TASKS[task].steps(gap);
  const y = axes(canvas, { top: 314, tall: 58, low: -6, high: 1, title: "gradient at the memory, by steps before the end", right: "" });
  const x = (lag) => 36 + (316 * lag) / (T - 1);
  for (const lag of [0, Math.round((T - 1) / 2), T - 1])
    svg(canvas, "text", { x: x(lag), y: 385, class: `small ${lag === T - 1 ? "end" : ""}` }, lag);
  networks.forEach(({ reach }, k) => {
    const points = reach.map((_, lag) => [x(lag), Math.max(312, y(reach[T - 1 - lag]))]).filter(([, at]) => Number.isFinite(at));
    if (points.length < 2) return;
    svg(canvas, "path", { d: path(points), class: "curve", style: stroke(k), "stroke-dasharray": DASHES[k] });
    const [at, level] = points[Math.floor(((k + 1) * T) / 3)];
    svg(canvas, "text", { x: at, y: level - 4, class: "value" }, letter(k));
  });
}

export default { render };
