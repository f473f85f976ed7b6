// The trainer's picture: losses above, each network on one sequence in the middle, the gradient by lag below.

import { number, power, svg } from "./drawing.mjs";
import { constantLoss, TASKS } from "./trainer_tasks.mjs";

export const BRIEF = 298; // the height without the lowest part
export const letter = (k) => "AB"[k];

const DASHES = ["", "6 3"];
const COLOURS = ["positive", "negative"];
const stroke = (k, more = "") => `stroke: var(--${COLOURS[k]}); stroke-width: 2; ${more}`;
const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join(" L")}`;

const LABEL = "Above, the loss over updates, A solid and B dashed, earlier runs pale, the best constant dotted. In the middle, each " +
  "network on one new sequence: a row of bars for each unit's memory, up for above 0, and its gates.";
const LOWEST = " Below, how much of the last answer's gradient arrives at the memory so many steps earlier.";

// `cells` are the names of A and B; `lines` of this run and `earlier` ones hold the losses, `now` the last report.
export function draw(canvas, { cells, task, gap, most, lines, earlier, now, brief }) {
  canvas.replaceChildren();
  canvas.setAttribute("aria-label", brief ? LABEL : LABEL + LOWEST);
  drawLosses(canvas, [...earlier, lines], constantLoss(task, gap), now?.updates ?? 0, most);
  cells.forEach((name, k) => {
    const wide = cells.length === 1 ? 344 : 166;
    drawNetwork(canvas, 8 + 178 * k, wide, k, name, now);
  });
  if (!brief) drawReach(canvas, now?.networks ?? [], TASKS[task].steps(gap) - 1);
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

function drawLosses(canvas, runs, constant, updates, most) {
  const all = runs.flat(2);
  const values = all.map(([, value]) => value).concat(constant / 8, constant * 2);
  const longest = Math.max(100, updates, ...all.map(([update]) => update));
  const end = [100, 200, 500, 1000, 2000, most].find((one) => one >= longest) ?? most;
  const [low, high] = [Math.max(-5, Math.log10(Math.min(...values))), Math.min(4, Math.log10(Math.max(...values)))];
  const right = `update ${updates.toLocaleString("en")} of ${most.toLocaleString("en")}`;
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

// Those of a GRU have no colour of their own.
const partOf = (gate) => ("fio".includes(gate) ? `part-${gate}` : "");

const GATE = { f: "", i: "5 3", o: "1.5 2.5", z: "", r: "5 3" };

function drawNetwork(canvas, left, wide, k, name, now) {
  svg(canvas, "text", { x: left, y: 164, class: "heading start" }, `${letter(k)}  ${name}`);
  const [inner, top, tall] = [left + 6, 184, 66];
  const across = wide - 20;
  svg(canvas, "rect", { x: inner, y: top, width: across, height: tall, class: "cell" });
  if (!now) {
    svg(canvas, "text", { x: inner + across / 2, y: top + 38, class: "small" }, "its memory, when it learns");
    return;
  }
  const { cell, states, gates } = now.networks[k];
  const [T, H] = [states.length, states[0].length];
  const x = (t) => inner + (across * t) / T;
  for (const [t, text] of now.marks) svg(canvas, "text", { x: x(t + 0.5), y: top - 5, class: "small" }, text);
  // Each unit has a row, in which a bar goes up or down.
  const scale = Math.max(0.05, ...states.flat().map(Math.abs));
  let d = "";
  for (let unit = 0; unit < H; unit++)
    for (let t = 0; t < T; t++) {
      const high = (tall / H / 2) * (states[t][unit] / scale);
      if (Math.abs(high) > 0.05)
        d += `M${x(t).toFixed(1)} ${(top + (tall * (unit + 0.5)) / H).toFixed(1)}v${(-high).toFixed(1)}h${((0.85 * across) / T).toFixed(1)}v${high.toFixed(1)}z`;
    }
  svg(canvas, "path", { d, class: `bar part-${cell.startsWith("lstm") ? "c" : "h"}` });
  svg(canvas, "text", { x: left + wide - 4, y: 164, class: "small end" }, `±${number(scale)}`);
  const below = top + tall + 8;
  const ends = Object.entries(gates).map(([gate, values]) => {
    const y = (value) => below + 30 * (1 - value);
    const points = values.map((value, t) => [x(t + 0.5), y(value)]);
    svg(canvas, "path", { d: path(points), class: `flow ${partOf(gate)}`, "stroke-dasharray": GATE[gate] });
    return { gate, at: y(values.at(-1)) + 3 };
  });
  ends.sort((one, other) => one.at - other.at).forEach((end, n) => {
    end.at = Math.max(end.at, n ? ends[n - 1].at + 9 : 0);
    end.at = Math.min(end.at, below + 33 - 9 * (ends.length - 1 - n));
    svg(canvas, "text", { x: inner + across + 8, y: end.at, class: `small ${partOf(end.gate)}` }, end.gate);
  });
  if (!ends.length) svg(canvas, "text", { x: inner + across / 2, y: below + 18, class: "small" }, "no gates");
}

function drawReach(canvas, networks, longest) {
  const y = axes(canvas, { top: 314, tall: 58, low: -6, high: 1, title: "gradient at the memory, by steps before the end", right: "" });
  const x = (lag) => 36 + (316 * lag) / longest;
  for (const lag of [0, Math.round(longest / 2), longest])
    svg(canvas, "text", { x: x(lag), y: 385, class: `small ${lag === longest ? "end" : ""}` }, lag);
  networks.forEach(({ reach }, k) => {
    const points = reach.map((_, lag) => [x(lag), Math.max(312, y(reach[longest - lag]))]).filter(([, at]) => Number.isFinite(at));
    if (points.length < 2) return;
    svg(canvas, "path", { d: path(points), class: "curve", style: stroke(k), "stroke-dasharray": DASHES[k] });
    const [at, level] = points[Math.floor(((k + 1) * longest) / 3)];
    svg(canvas, "text", { x: at, y: level - 4, class: "value" }, letter(k));
  });
}
