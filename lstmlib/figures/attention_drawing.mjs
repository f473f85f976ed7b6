// The picture of SelfAttention: three planes of arrows, a table of weights, and the plane of the outputs.

import { inOrder } from "./attention_arithmetic.mjs";
import { planeOf, toPicture } from "./attention_planes.mjs";
import { svg } from "./drawing.mjs";

const TABLE = { left: 50, top: 190, right: 236, row: 20 };
const SHADE = 0.55; // of a whole weight: the number on it stays readable
const TITLES = { q: "queries", k: "keys", v: "values" };

export function draw(canvas, { words, q, k, v, order, word, kind, positions, causal, heads, weights, outputs, atPlace, limit, before }) {
  canvas.setAttribute("viewBox", "0 0 360 300");
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `Three planes with the queries, keys and values of ${words.length} words as arrows, below them ` +
      `${heads === 1 ? "a table" : "two tables"} of weights in percent, and a plane with the outputs as arrows. The ` +
      "line below says the values of the chosen word.",
  );
  for (const [name, arrows] of Object.entries({ q, k, v })) {
    const plane = frame(canvas, name, TITLES[name], name === kind);
    const labels = [];
    const last = (n) => n === word; // the chosen one lies on top
    const drawn = words.map((_, n) => n).sort((a, b) => last(a) - last(b));
    const added = positions ? inOrder(arrows, order, atPlace) : null;
    for (const n of drawn) {
      const tip = toPicture(arrows[n], plane, limit);
      const chosen = n === word && name === kind;
      arrow(canvas, plane.centre, tip, { chosen, pale: n !== word });
      const end = added ? toPicture(added[order.indexOf(n)], plane, limit) : tip;
      if (added) svg(canvas, "path", { d: `M${tip} L${end}`, class: "flow", "stroke-dasharray": "2 2" });
      if (added) svg(canvas, "circle", { cx: end[0], cy: end[1], r: 2, class: "ring" });
      const grip = { cx: tip[0], cy: tip[1], r: 14, fill: "transparent", style: "cursor: grab" };
      label(canvas, plane, end, words[n], chosen, labels);
      svg(canvas, "circle", grip);
    }
  }
  drawTables(canvas, { words, order, word, causal, weights });
  const plane = frame(canvas, "output", before ? "outputs, dashed: before" : "outputs", false);
  (before ?? []).forEach((was) =>
    svg(canvas, "path", { d: `M${plane.centre} L${toPicture(was, plane, limit)}`, class: "bound" }));
  const labels = [];
  outputs.forEach((output, place) => {
    const [end, chosen] = [toPicture(output, plane, limit), order[place] === word];
    arrow(canvas, plane.centre, end, { chosen, pale: !chosen, ring: false });
    label(canvas, plane, end, words[order[place]], chosen, labels);
  });
}

function frame(canvas, name, title, chosen) {
  const plane = planeOf(name);
  const { left, top, side, centre } = plane;
  svg(canvas, "text", { x: centre[0], y: top - 7, class: "heading small" }, chosen ? `▸ ${title}` : title);
  svg(canvas, "rect", { x: left, y: top, width: side, height: side, class: "box gate" });
  svg(canvas, "path", { d: `M${left} ${centre[1]} h${side} M${centre[0]} ${top} v${side}`, class: "flow", opacity: 0.4 });
  return plane;
}

// A line with a head; the chosen one is thicker and has a ring to hold it by.
function arrow(canvas, from, to, { chosen, pale, ring = chosen }) {
  const width = chosen ? 3 : 1.5;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const long = Math.hypot(dx, dy);
  const style = `stroke: var(${chosen ? "--positive" : "--ink"})`;
  const group = svg(canvas, "g", { opacity: pale && !chosen ? 0.65 : 1 });
  svg(group, "path", { d: `M${from} L${to}`, class: "flow", "stroke-width": width, style: `${style}; stroke-width: ${width}` });
  if (long > 4) {
    const [ux, uy] = [dx / long, dy / long];
    const wing = (side) => [to[0] - 6 * ux - side * 3 * uy, to[1] - 6 * uy + side * 3 * ux];
    svg(group, "path", { d: `M${wing(1)} L${to} L${wing(-1)}`, class: "flow", style: `${style}; stroke-width: ${width}` });
  }
  if (ring) svg(group, "circle", { cx: to[0], cy: to[1], r: 4, class: "ring", style });
}

// A word beyond the tip of its arrow, inside the plane, and not on another of its `labels`.
function label(canvas, { left, top, side, centre }, [x, y], text, chosen, labels) {
  const half = 2.8 * text.length;
  const up = y <= centre[1] ? -7 : 14;
  const beside = y + up < top + 10 || y + up > top + side - 4 ? (half + 7) * Math.sign(centre[0] - x || 1) : 0;
  const at = {
    x: Math.max(left + half + 2, Math.min(left + side - half - 2, x + beside)),
    y: Math.max(top + 10, Math.min(top + side - 4, beside ? y + 4 : y + up)),
  };
  const meets = (other) => Math.abs(other.x - at.x) < other.half + half && Math.abs(other.y - at.y) < 9;
  for (let tries = 0; tries < 4 && labels.some(meets); tries++) at.y += up < 0 && at.y > top + 19 ? -9 : 9;
  labels.push({ ...at, half });
  const halo = "paint-order: stroke; stroke: var(--ground); stroke-width: 3px; stroke-linejoin: round; pointer-events: none";
  svg(canvas, "text", { ...at, class: chosen ? "small value" : "small", style: halo }, text);
}

// A row for each place that looks, a column for each that is looked at; a dash where the mask hides it.
function drawTables(canvas, { words, order, word, causal, weights }) {
  const { left, top, right, row } = TABLE;
  const gap = 10;
  const wide = Math.min(34, (right - left - gap * (weights.length - 1)) / (order.length * weights.length));
  order.forEach((n, place) =>
    svg(canvas, "text", { x: left - 5, y: top + row * place + 38, class: `small end ${n === word ? "value" : ""}` }, words[n]));
  weights.forEach((table, head) => {
    const from = left + head * (wide * order.length + gap);
    const title = weights.length === 1 ? "weights in %" : ["head 1: across", "head 2: up"][head];
    svg(canvas, "text", { x: from + (wide * order.length) / 2, y: 160, class: "heading small" }, title);
    order.forEach((n, s) => {
      const at = `translate(${from + wide * (s + 0.5) + 3} ${top + 20}) rotate(-60)`;
      svg(canvas, "text", { transform: at, class: "small start" }, words[n]);
    });
    table.forEach((weightsOfRow, t) => {
      const y = top + 24 + row * t;
      weightsOfRow.forEach((weight, s) => {
        const x = from + wide * s;
        const hidden = causal && s > t;
        svg(canvas, "rect", { x, y, width: wide, height: row, class: "cell" });
        svg(canvas, "rect", { x, y, width: wide, height: row, class: "positive", opacity: SHADE * weight });
        const shown = hidden ? "–" : Math.round(100 * weight);
        svg(canvas, "text", { x: x + wide / 2, y: y + 14, class: "small" }, shown);
      });
    });
    const chosen = { x: from, y: top + 24 + row * order.indexOf(word), width: wide * order.length, height: row };
    svg(canvas, "rect", { ...chosen, fill: "none", style: "stroke: var(--ink); stroke-width: 2" });
  });
}
