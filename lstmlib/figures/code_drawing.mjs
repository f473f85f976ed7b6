// A text whose characters are coloured by numbers, row by row, and the values at one of them.

import { number, svg } from "./drawing.mjs";

export const CELL = 8.4; // as wide as a character
const GLYPH = 16; // the height of a character
const STRIP = 8; // of the strip below it
const RISES = 12; // of the bars below that, if there are any
const HIGHEST = 3; // nats of the highest bar
const LEVELS = 4; // of colour

// Where each character stands, in columns and rows; a line break stands at the end of its row.
export function layOut(characters, columns) {
  let [row, column] = [0, 0];
  return characters.map((character) => {
    if (column === columns) [row, column] = [row + 1, 0];
    const place = { row, column };
    [row, column] = character === "\n" ? [row + 1, 0] : [row, column + 1];
    return place;
  });
}

const rowHeight = (held) => GLYPH + STRIP + (held ? RISES : 0) + 5;

export const heightOf = (places, held) => (places.at(-1).row + 1) * rowHeight(held) + 4;

const glyph = (character, number) => (number < 0 ? "▯" : character === "\n" ? "↵" : character.replace(" ", "\u00a0"));

// The characters themselves, one text element for a row of the typed text and one for a row of the written.
export function drawText(group, characters, numbers, places, typed, held) {
  group.replaceChildren();
  let [row, begin] = [-1, 0];
  const finish = (end) => {
    if (end === begin) return;
    const x = places.slice(begin, end).map(({ column }) => (column * CELL).toFixed(1)).join(" ");
    const text = characters.slice(begin, end).map((character, k) => glyph(character, numbers[begin + k])).join("");
    const attributes = { x, y: row * rowHeight(held) + GLYPH - 3, class: `code start ${begin >= typed ? "written" : ""}` };
    svg(group, "text", attributes, text);
    begin = end;
  };
  places.forEach((place, t) => {
    if (place.row !== row || t === typed) finish(t);
    row = place.row;
  });
  finish(places.length);
}

const short = (value) => Math.round(10 * value) / 10;

const box = (x, y, wide, high) => `M${short(x)} ${short(y)}h${wide}v${short(high)}h-${wide}z`;

// Colour behind every cell, in paths of one sign and strength each, and an edge at the top or at the bottom. The
// root leaves a small state beside a large one visible.
function paint(group, values, places, held, top, high) {
  const strongest = Math.max(...values.map(Math.abs)) || 1;
  const made = {};
  values.forEach((value, t) => {
    const kind = value < 0 ? "negative" : "positive";
    const strength = Math.sqrt(Math.abs(value) / strongest);
    const level = Math.ceil(LEVELS * strength);
    if (!level) return;
    const [x, y] = [places[t].column * CELL, places[t].row * rowHeight(held) + top];
    const edge = 0.5 + 0.25 * high * strength;
    (made[`${kind} ${level}`] ??= []).push(box(x, y, CELL, high));
    (made[`${kind} edge`] ??= []).push(box(x, value < 0 ? y + high - edge : y, CELL, edge));
  });
  for (const [name, boxes] of Object.entries(made)) {
    const [kind, level] = name.split(" ");
    const opacity = level === "edge" ? 1 : (0.5 * level) / LEVELS;
    svg(group, "path", { d: boxes.join(""), class: kind, "fill-opacity": opacity });
  }
}

// What the colours say: the trained unit behind the characters, the untrained one in the strip below, and a
// bar for each character at which the loss rises.
export function drawStates(group, trained, untrained, rises, places) {
  group.replaceChildren();
  const held = rises !== null;
  paint(group, trained, places, held, 0, GLYPH);
  paint(group, untrained, places, held, GLYPH + 1, STRIP);
  const bars = (rises ?? []).map((rise, t) => {
    if (!(rise > 0.05)) return "";
    const high = (RISES * Math.min(rise, HIGHEST)) / HIGHEST;
    return box(places[t].column * CELL + 1.5, places[t].row * rowHeight(true) + GLYPH + STRIP + 2 + RISES - high, CELL - 3, high);
  });
  if (held) svg(group, "path", { d: bars.join(""), class: "shutter rises" });
}

export function moveMark(mark, { row, column }, held) {
  const at = { x: column * CELL - 0.5, y: row * rowHeight(held) - 0.5, width: CELL + 1, height: GLYPH + STRIP + 2 };
  for (const [name, value] of Object.entries(at)) mark.setAttribute(name, value);
}

// The place at a point of the drawing: the last one in its row if the point lies behind it.
export function placeAt(places, x, y, held) {
  const row = Math.min(Math.max(0, Math.floor(y / rowHeight(held))), places.at(-1).row);
  const column = Math.max(0, Math.floor(x / CELL));
  return places.findLastIndex((place) => place.row === row && place.column <= column);
}

// Rows of a value, trained and before, on the left; what may come next on the right.
export function drawTable(canvas, { unit, rows, next, temperature, held }) {
  canvas.replaceChildren();
  const text = (x, row, said, kind = "") => svg(canvas, "text", { x, y: 14 + 17 * row, class: `${kind} end` }, said);
  text(0, 0, `unit ${unit}`, "name start small");
  text(112, 0, "trained", "name small");
  text(160, 0, "before", "name small");
  rows.forEach(([name, trained, before, part], k) => {
    text(0, k + 1, name, `start part-${part}`);
    text(112, k + 1, number(trained), "value");
    text(160, k + 1, number(before));
  });
  text(184, 0, "comes next", "name start small");
  text(274, 0, "p", "name small");
  text(316, 0, `at ${temperature.toFixed(1)}`, "name small");
  if (held) text(358, 0, "held", "name small");
  next.forEach(([character, p, drawn, still], k) => {
    svg(canvas, "rect", { x: 206, y: 5 + 17 * (k + 1), width: 30, height: 9, class: "cell" });
    svg(canvas, "rect", { x: 206, y: 5 + 17 * (k + 1), width: 30 * p, height: 9, class: "positive" });
    text(184, k + 1, character === " " ? "␣" : character === "\n" ? "↵" : character, "code start");
    text(274, k + 1, number(p), "value");
    text(316, k + 1, number(drawn));
    if (held) text(358, k + 1, number(still));
  });
}

// What the signs of the picture mean.
export function drawLegend(canvas, held) {
  canvas.replaceChildren();
  canvas.setAttribute("viewBox", `0 0 360 ${held ? 54 : 37}`);
  const say = (x, y, said) => svg(canvas, "text", { x, y, class: "start small" }, said);
  const sample = (x, kind, top, said) => {
    svg(canvas, "rect", { x, y: 3, width: 9, height: 14, class: kind, "fill-opacity": 0.35 });
    svg(canvas, "rect", { x, y: top, width: 9, height: 3, class: kind });
    say(x + 14, 14, said);
  };
  sample(0, "positive", 3, "cell state above its mean over your text");
  sample(226, "negative", 14, "below it");
  say(0, 31, "Behind the letters: trained. Strip: before. Each on its own scale.");
  if (!held) return;
  svg(canvas, "rect", { x: 1, y: 38, width: 6, height: RISES, class: "shutter" });
  say(14, 48, `The loss rises here (a whole bar: ${HIGHEST} nats or more).`);
}
