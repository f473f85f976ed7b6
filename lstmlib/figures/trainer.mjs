// Train one here: two networks race on one task, in a worker beside the page.

import { button, choice, controls, drawing, field, moved, nameSliders, number, onChange, power, set, status } from "./drawing.mjs";
import { BRIEF, draw, letter } from "./trainer_drawing.mjs";
import { constantLoss, TASKS } from "./trainer_tasks.mjs";

// What a run is made of, in the order in which the address says it.
const SETTINGS = ["cell_a", "cell_b", "task", "gap", "units", "rate", "forget_a", "forget_b", "input_bias", "clip", "seed"];
const WHOLE = ["gap", "units", "seed"];
const CALLED = {
  cell_a: "A", cell_b: "B", task: "the task", gap: "the gap", units: "the number of units", rate: "the learning rate", seed: "the seed",
  forget_a: "A’s forget bias", forget_b: "B’s forget bias", input_bias: "the input bias", clip: "clipping",
};
const KEPT = 12; // earlier runs
const SPOKEN = 3000; // milliseconds between two lines while it learns
const CALM = 1000; // and between two pictures where less motion is asked for

// A figure has a copy of this module, so this is the one training that all its views show.
const training = { views: new Set(), earlier: [], worker: null, run: 0, state: "idle", settings: null, now: null, lines: [] };

function render({ model, el }) {
  const settings = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const [cells, tasks, limits, most, brief] = ["cells", "tasks", "limits", "most", "brief"].map((name) => model.get(name));
  const options = { cell_a: cells.filter(([cell]) => cell !== "none"), cell_b: cells, task: tasks };
  const about = {
    most, brief, names: Object.fromEntries(cells), sentences: Object.fromEntries(tasks.map(([task, , sentence]) => [task, sentence])),
  };
  const above = brief ? null : controls(el);
  const row = controls(el);
  const canvas = drawing(el, brief ? BRIEF : 392);
  const line = status(el);
  training.settings ??= settings();
  if (!training.views.size) reset(settings());

  const view = (happened, drawn = true, spoken = true) => {
    go.textContent = training.state === "running" ? "Pause" : "Train";
    offer.hidden = brief || !training.now?.networks.some(({ broke }) => broke);
    const { settings: { task, gap, ...now }, ...rest } = training;
    if (drawn) draw(canvas, { ...rest, task, gap, most, brief, cells: cellsOf(now).map((cell) => about.names[cell]) });
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
    if (DOCUMENTED && !brief) history.replaceState(null, "", `#train=${SETTINGS.map((name) => model.get(name)).join()}`);
  };
  const again = (values) => {
    set(model, values);
    order("go");
  };

  const place = () => controls(above, { style: "margin: 0" }); // keeps a control on the line of its label
  if (!brief) {
    choice(place(), "A:", model, "cell_a", options.cell_a);
    choice(place(), "B:", model, "cell_b", options.cell_b);
    choice(place(), "Task:", model, "task", options.task);
    field(place(), "Learning rate:", model, "rate", line, typed("rate"), { size: 6, inputmode: "decimal" });
    field(place(), "Seed:", model, "seed", line, typed("seed"), { size: 3, inputmode: "numeric" });
  }
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
  const frame = brief ? 0 : requestAnimationFrame(readAddress);
  if (!brief) addEventListener("hashchange", readAddress);
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
  const [values, complaints] = [{}, []];
  const parts = hash.startsWith(MARK) ? hash.slice(MARK.length).split(",") : [];
  SETTINGS.slice(0, parts.length).forEach((name, k) => {
    const known = options[name]?.map(([value]) => value);
    const value = known ? parts[k] : readNumber(name, parts[k], limits);
    const stranger = known && !known.includes(value);
    const wrong = stranger ? `“${value.slice(0, 20)}” is not one of ${known.join(", ")}.` : !known && typeof value === "string" && value;
    if (wrong) complaints.push(`${wrong} So ${CALLED[name]} stays ${now[name]}. `);
    else if (value !== now[name]) values[name] = value;
  });
  if (parts.length > SETTINGS.length) complaints.push(`The address has ${parts.length} parts, and a run only ${SETTINGS.length}. `);
  return { values, complaints };
}

const cellsOf = ({ cell_a, cell_b }) => [cell_a, cell_b].filter((cell) => cell !== "none");

const asSession = ({ forget_a, forget_b, input_bias, ...rest }, most) =>
  ({ ...rest, cells: cellsOf(rest), forget: [forget_a, forget_b], input: input_bias, most });

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

const GATELESS = { rnn: "has no gate that keeps", lstm97: "has no forget gate" };

function moveOf(name, was, model) {
  const now = model.get(name);
  const said = moved(CALLED[name], was, now, WHOLE.includes(name) || name === "rate" ? String(now) : number(now));
  const cell = name.startsWith("forget") && model.get(name.replace("forget", "cell"));
  if (cell === "gru") return `${said}In a GRU it is the bias of the update gate. `;
  return said + (cell in GATELESS ? `This cell ${GATELESS[cell]}, so nothing changes. ` : "");
}

const loss = (value) => (!Number.isFinite(value) ? "no number" : value >= 100 ? String(Math.round(value)) : value >= 0.001 ? value.toPrecision(2) : power(value));
const share = (value) => `${Math.round(100 * value)} %`;

function say({ names, sentences, most, brief }) {
  const { settings, now } = training;
  const { task, gap, units, rate, clip, seed } = settings;
  const constant = `The best constant answer has a loss of ${loss(constantLoss(task, gap))}`;
  if (!now) {
    const asked = sentences[task].replace("{gap}", gap).replace("{more}", gap + 5).replace("{half}", Math.round(gap / 2));
    const rivals = cellsOf(settings).map((cell, k) => {
      const bias = brief || cell in GATELESS ? "" : `, forget bias ${number(settings[`forget_${"ab"[k]}`])}`;
      return `${letter(k)}: ${names[cell]}${bias}`;
    });
    const rest = `, learning rate ${rate}, input bias ${number(settings.input_bias)}, ${clip ? `clipping at ${number(clip)}` : "no clipping"}`;
    return `${asked} ${rivals.join("; ")}. ${units} units${brief ? " each" : rest}, seed ${seed}. ${constant}. Press Train.`;
  }
  const classes = TASKS[task].O > 1;
  const stands = now.networks.map(({ cell, broke, loss: mean, test }, k) => {
    if (broke) return `${letter(k)}, ${names[cell]}, broke down at update ${broke}: its loss is ${loss(mean)}. Clipping or a smaller learning rate may help. `;
    const tested = classes ? `${share(test.right)} of new answers right` : `${loss(test.loss)} on new sequences`;
    return `${letter(k)}, ${names[cell]}: loss ${loss(mean)}, ${tested}. `;
  });
  const trivial = classes ? ` and ${share(1 / TASKS[task].O)}` : "";
  return `Update ${now.updates.toLocaleString("en")} of ${most.toLocaleString("en")}, seed ${seed}. ${stands.join("")}${constant}${trivial}.`;
}

export default { render };
