// Two networks read the same string: what their cells hold, and where they first break the grammar.

import { END, legalNext, readString, spellOut } from "./counters_arithmetic.mjs";
import { controls, drawing, field, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";

const LEFT = 34;
const WIDE = 306; // pixels for the string
const TALL = 64; // and for the cell states of one network
const PANEL = 118; // from one network to the next
const SPELT = 18; // the most symbols that are drawn one by one
const DASHES = ["", "6 3", "2 3", "8 3 2 3"]; // a line's unit, beside the number at its end

function render({ model, el }) {
  const symbols = model.get("symbols");
  const models = model.get("models");
  const longest = model.get("longest");
  const canvas = drawing(el, 50 + PANEL * models.length);
  const row = controls(el);
  const line = status(el);

  const show = (happened) => {
    const string = expand(spellOut(model.get("text")));
    const { legal } = legalNext(string, symbols);
    const read = models.map(([name, layer, readout]) => {
      const steps = readString(string, symbols, { layer, readout });
      return { name, steps, wrong: steps.findIndex(({ allowed }, t) => allowed !== legal[t]) };
    });
    draw(canvas, string, legal, read);
    const said = read.map(({ name, steps, wrong }) => {
      const { c, allowed } = steps.at(-1);
      const verdict = wrong < 0
        ? "right after every symbol"
        : `first wrong after symbol ${wrong + 1}, where it allows ${listed(steps[wrong].allowed)} and the ` +
          `grammar ${listed(legal[wrong])}`;
      return `${name}: allows ${listed(allowed)}; cells ${c.map(number).join(", ")}; ${verdict}.`;
    });
    line.textContent =
      `${happened}After ${short(string)} the grammar allows ${listed(legal.at(-1))}. ${said.join(" ")}`;
  };

  const typed = (text) => {
    const runs = spellOut(text.trim().toLowerCase().replace(/\s/g, ""));
    if (runs === null) return "A number must follow the letter that it repeats, as in a3b2.";
    const stranger = runs.find(({ symbol }) => !symbols.includes(symbol));
    if (stranger) return `“${stranger.symbol}” is not a symbol of this language: type ${listed(symbols)}.`;
    const length = runs.reduce((sum, { count }) => sum + count, 0);
    if (length === 0) return "There is no symbol in it.";
    if (length > longest)
      return `A string may have ${longest.toLocaleString("en")} symbols here, and this one has ` +
        `${length.toLocaleString("en")}.`;
    const string = expand(runs);
    const { wrong, wanted } = legalNext(string, symbols);
    if (wrong < 0) return { text: short(string) };
    const before = wrong ? `After ${short(string.slice(0, wrong))}` : "At the start";
    return `${before} the grammar allows ${listed(wanted)}, and you typed ${string[wrong]}.`;
  };
  field(row, `Type a string, such as ${[...symbols].map((symbol) => `${symbol}3`).join("")}:`, model, "text",
    line, typed, { size: 16, spellcheck: false, autocapitalize: "none" });

  onChange(model, ["text", "n"], (changed, was) => {
    if (!changed.includes("n")) return show("");
    const n = model.get("n");
    // Whoever moved n, the string is the whole one; of two views the second finds it so.
    const text = short([...symbols].map((symbol) => symbol.repeat(n)).join(""));
    if (text !== model.get("text")) set(model, { text });
    show(moved("n", was.n, n, String(n)));
  });
  show("");
  return nameSliders(el);
}

// "b", "a and b", "the end", "nothing"
function listed(symbols) {
  const names = [...symbols].map((symbol) => (symbol === END ? "the end" : symbol));
  if (names.length < 2) return names[0] ?? "nothing";
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

// Runs of the same symbol
const runsOf = (string) => [...string.matchAll(/(.)\1*/g)].map(([run, symbol]) => ({ symbol, count: run.length }));

// A long string by its runs, a45b45, and back
const short = (string) =>
  string.length <= 12 ? string : runsOf(string).map(({ symbol, count }) => `${symbol}${count}`).join("");
const expand = (runs) => runs.map(({ symbol, count }) => symbol.repeat(count)).join("");

function draw(canvas, string, legal, read) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `The string from left to right, and below it for each of ${read.length} networks a line for every cell ` +
      "state and a cross where it first breaks the grammar. The line below gives the values.",
  );
  const x = (t) => LEFT + (WIDE * (t + 0.5)) / string.length;
  let start = 0;
  const letters = [...string].map((symbol) => ({ symbol, count: 1 }));
  for (const { symbol, count } of string.length <= SPELT ? letters : runsOf(string)) {
    const [from, to] = [x(start - 0.5), x(start + count - 0.5)];
    const label = count > 1 ? `${symbol} × ${count}` : symbol;
    svg(canvas, "text", { x: (from + to) / 2, y: 20, class: "value" }, label);
    svg(canvas, "line", { x1: from, y1: 26, x2: to, y2: 26, class: "axis", "stroke-dasharray": `${to - from - 2} 2` });
    start += count;
  }
  sets(canvas, 40, "legal", legal, x);
  read.forEach((one, k) => panel(canvas, 52 + PANEL * k, one, x));
}

// Below each symbol of a short string what may come next
function sets(canvas, y, name, allowed, x) {
  if (allowed.length > SPELT) return;
  svg(canvas, "text", { x: 2, y, class: "name small start" }, name);
  allowed.forEach((symbols, t) => svg(canvas, "text", { x: x(t), y, class: "small" }, symbols || "–"));
}

function panel(canvas, top, { name, steps, wrong }, x) {
  const values = steps.flatMap(({ c }) => c);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const y = (value) => top + 18 + (TALL * (high - value)) / (high - low);
  svg(canvas, "text", { x: 2, y: top + 8, class: "heading start" }, name);
  svg(canvas, "line", { x1: LEFT, y1: y(0), x2: LEFT + WIDE, y2: y(0), class: "axis" });
  svg(canvas, "text", { x: LEFT - 5, y: y(0) + 4, class: "small end" }, "0");
  if (y(0) - y(high) > 12) svg(canvas, "text", { x: LEFT - 5, y: y(high) + 4, class: "small end" }, axisNumber(high));
  if (y(low) - y(0) > 12) svg(canvas, "text", { x: LEFT - 5, y: y(low) + 4, class: "small end" }, axisNumber(low));
  steps[0].c.forEach((_, unit) => {
    const points = steps.map(({ c }, t) => `${x(t).toFixed(1)},${y(c[unit]).toFixed(1)}`);
    svg(canvas, "polyline", {
      points: points.join(" "), class: "curve part-c", "stroke-dasharray": DASHES[unit % 4], style: `stroke-width: ${unit < 4 ? 1.8 : 3.6}`,
    });
  });
  // The numbers of the units, one below the other where their lines end too close
  const ends = steps.at(-1).c.map((value, unit) => ({ unit, at: y(value) + 4 })).sort((a, b) => a.at - b.at);
  ends.forEach((end, k) => {
    if (k) end.at = Math.max(end.at, ends[k - 1].at + 10);
    svg(canvas, "text", { x: LEFT + WIDE + 4, y: end.at, class: "small start" }, `c${"₁₂₃₄₅₆₇₈₉"[end.unit] ?? ""}`);
  });
  const below = top + TALL + 32;
  sets(canvas, below, "allows", steps.map(({ allowed }) => allowed), x);
  if (wrong < 0) {
    svg(canvas, "text", { x: LEFT + WIDE, y: top + 8, class: "small end" }, "right after every symbol ✓");
    return;
  }
  svg(canvas, "line", { x1: x(wrong), y1: top + 14, x2: x(wrong), y2: below - 18, class: "bound" });
  svg(canvas, "text", { x: LEFT + WIDE, y: top + 8, class: "small end" }, `first wrong after symbol ${wrong + 1}`);
  svg(canvas, "text", { x: x(wrong), y: below - (steps.length > SPELT ? 0 : 11), class: "value" }, "✗");
}

const axisNumber = (value) => (Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0)).replace("-", "−");

export default { render };
