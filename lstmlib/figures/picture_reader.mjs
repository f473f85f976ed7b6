// A trained reader of pictures in the page: pick a page of digits or make one, and see for each word where it looks.

import { unpack } from "./arrays.mjs";
import { button, choice, controls, drawing, html, number, onChange, set, status, svg } from "./drawing.mjs";
import { describe, hiddenRegions, onPlaces, pageOf, regionsOf } from "./picture_arithmetic.mjs";

const PAGE = { x: 4, y: 4, pixel: 8 }; // as large as `.places` of figure.css
const TABLE = { mark: 212, says: 240, probability: 290, truth: 336, y: 32, row: 17 };
const HEIGHT = 200;
const WHERE = ["top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"];
const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };
const PER_WORD = ["start", "end", "filler"]; // after the ten digits

const inWords = (word) => (word < 10 ? String(word) : PER_WORD[word - 10]);
const a = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
const percent = (weight) => `${Math.round(100 * weight)} %`;
const DOES = { hide: "hides or shows a place", erase: "erases a digit" };
const asTool = (tool) => DOES[tool] ?? `puts ${a(Number(tool))}`;

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const [settings, scans, digits, pictures] =
    ["settings", "scans", "digits", "pictures"].map((name) => model.get(name));
  const [pages, tools] = [controls(el), controls(el)];
  const board = html(el, "div", { class: "board" });
  const canvas = drawing(board, HEIGHT);
  const places = html(board, "div", {
    class: "places", role: "group", "aria-label": "Nine places: arrow keys lead from one to the next",
  });
  const steps = controls(el);
  const line = status(el);

  const now = () => {
    const picture = pictures[model.get("picture")];
    return { cells: picture ? picture[1] : model.get("own"), hidden: model.get("hidden"), step: model.get("step") };
  };
  // What the filters see stays as it is while places are hidden, and what is said while words are stepped through.
  const seen = last((cells) => regionsOf(pageOf(cells, scans, settings), network.eye, settings));
  const saying = last((cells, hidden) => describe(seen(cells), hiddenRegions(hidden, settings), network, settings));
  const read = () => {
    const { cells, hidden, step } = now();
    const truth = cells.filter((k) => k >= 0).map((k) => digits[k]);
    // Nothing is asked about an empty page, nor where nothing may be seen.
    const said = truth.length && hidden.length < cells.length ? saying(cells, hidden) : [];
    return { cells, hidden, truth, said, at: Math.min(step, said.length) };
  };

  const show = (happened) => {
    const found = read();
    draw(canvas, found, scans, settings);
    [...places.children].forEach((key, place) => {
      const isHidden = found.hidden.includes(place);
      const digit = digits[found.cells[place]];
      key.setAttribute("aria-label", `${WHERE[place]}: ${digit === undefined ? "empty" : a(digit)}${isHidden ? ", hidden" : ""}`);
      key.setAttribute("aria-pressed", isHidden);
    });
    line.textContent = happened + report(found, digits, settings);
  };

  choice(pages, "Page:", model, "picture", [[-1, "your own"], ...pictures.map(([name], k) => [k, name])]);
  choice(tools, "A press:", model, "tool", settings.tools.map((tool) => [tool, asTool(tool)]));
  const press = (place) => {
    const { cells, hidden } = now();
    const tool = model.get("tool");
    if (tool === "hide") {
      const left = hidden.includes(place) ? hidden.filter((one) => one !== place) : [...hidden, place].sort();
      if (left.length < cells.length) set(model, { hidden: left });
      else line.textContent = "One place at least must be seen: show another before you hide this one.";
    } else if (tool === "erase" && cells[place] < 0) line.textContent = `There is no digit at the ${WHERE[place]}.`;
    else set(model, { picture: -1, own: cells.with(place, tool === "erase" ? -1 : Number(tool)) });
  };
  WHERE.forEach((_, place) => html(places, "button", { type: "button" }).addEventListener("click", () => press(place)));
  places.addEventListener("keydown", (event) => {
    const place = [...places.children].indexOf(event.target);
    const [column, by] = [place % 3, ARROWS[event.key]];
    if (!by) return;
    event.preventDefault();
    if (Math.abs(by) === 3 || (column + by >= 0 && column + by < 3)) places.children[place + by]?.focus();
  });
  const go = (step, why) => {
    if (step < 0 || step > read().said.length) line.textContent = why + report(read(), digits, settings);
    else set(model, { step });
  };
  button(steps, "Next word", () => go(read().at + 1, "There is no next word. "));
  button(steps, "Previous word", () => go(read().at - 1, "There is no word before. "));
  button(steps, "All words", () => set(model, { step: settings.longest }));
  button(steps, "Back to the start", () => set(model, { step: 0 }));
  button(steps, "Show all places", () => set(model, { hidden: [] }));
  button(steps, "Empty the page", () => set(model, { picture: -1, own: WHERE.map(() => -1), step: 0 }));

  onChange(model, ["picture", "own", "hidden", "step", "tool"], (changed, was) => {
    const picked = pictures[model.get("picture")];
    if (picked && changed.includes("picture")) return show(`You picked “${picked[0]}”. `);
    if (changed.includes("picture") || changed.includes("own"))
      return show(redrawn(pictures[was.picture]?.[1] ?? was.own, now().cells, digits));
    if (changed.includes("hidden")) return show(turned(was.hidden, now().hidden));
    show(changed.includes("tool") ? `A press on a place ${asTool(model.get("tool"))} now. ` : "");
  });
  show("");
}

// A function that keeps its last answer, and gives it again to the same question.
function last(answer) {
  let kept = {};
  return (...asked) => {
    const key = JSON.stringify(asked);
    if (kept.key !== key) kept = { key, found: answer(...asked) };
    return kept.found;
  };
}

// What was done to a page, where it was one digit.
function redrawn(was, now, digits) {
  const places = WHERE.map((_, place) => place).filter((place) => was[place] !== now[place]);
  if (places.length !== 1) return "Your own page. ";
  const [place] = places;
  if (now[place] < 0) return `You erased the ${digits[was[place]]} at the ${WHERE[place]}. `;
  return `You put ${a(digits[now[place]])} at the ${WHERE[place]}. `;
}

function turned(was, now) {
  const places = WHERE.map((_, place) => place).filter((place) => was.includes(place) !== now.includes(place));
  if (places.length === 1) return `You ${now.length > was.length ? "hid" : "showed"} the ${WHERE[places[0]]}. `;
  return now.length ? "Other places are hidden now. " : "All places are shown. ";
}

// The values of the figure in words.
function report({ cells, hidden, truth, said, at }, digits, settings) {
  if (!truth.length)
    return "The page is empty, and the network is not asked. Choose what a press does, and put a digit in a place.";
  if (!said.length) return "All places are hidden, and the network is not asked. Show one.";
  const tail =
    ` On the page: ${truth.join(" ")}.` +
    (hidden.length ? ` Hidden from the attention: ${hidden.map((place) => WHERE[place]).join(", ")}.` : "") +
    (truth.length > settings.most ? ` No page of the training had more than ${settings.most} digits.` : "");
  if (!at) return `It has said nothing yet: “Next word” lets it look.${tail}`;
  const { word, probability, weights } = said[at - 1];
  const shares = onPlaces(weights, settings);
  const most = shares.indexOf(Math.max(...shares));
  const there = cells[most] < 0 ? "where there is no digit" : `where ${a(digits[cells[most]])} is`;
  const words = said.slice(0, at).map((one) => one.word);
  const right = String(words) === String([...truth, settings.end]);
  const judged = at < said.length ? "" : word !== settings.end ? " It is stopped here, without an end."
    : right ? " All of it is right." : " That is not what is on the page.";
  return (
    `Word ${at}: it says “${inWords(word)}”, with a probability of ${number(probability)}, and looks most at the ` +
    `${WHERE[most]} (${percent(shares[most])} of the weight), ${there}. So far: ${words.map(inWords).join(" ")}.${judged}${tail}`
  );
}

function draw(canvas, { cells, hidden, truth, said, at }, scans, settings) {
  const { x, y, pixel } = PAGE;
  const { side, size } = settings;
  const [place, whole] = [size * pixel, side * pixel];
  const corner = (k) => ({ x: x + place * (k % 3), y: y + place * Math.floor(k / 3) });
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `A page with ${truth.length} digits in nine places${at ? ", and over it how much of the look lies on each region" : ""}. ` +
      "Beside it the words said, their probabilities, and what is on the page. The line below says the values.",
  );
  svg(canvas, "rect", { x, y, width: whole, height: whole, class: "box" });
  for (const [grey, d] of inkOf(pageOf(cells, scans, settings), settings)) {
    const at = `translate(${x} ${y}) scale(${pixel})`;
    svg(canvas, "path", { d, class: "shutter", opacity: grey, transform: at });
  }
  for (const k of [1, 2]) {
    svg(canvas, "line", { x1: x, x2: x + whole, y1: y + place * k, y2: y + place * k, class: "axis", opacity: 0.5 });
    svg(canvas, "line", { x1: x + place * k, x2: x + place * k, y1: y, y2: y + whole, class: "axis", opacity: 0.5 });
  }
  for (const k of hidden) {
    const from = corner(k);
    const lines = Array.from({ length: 7 }, (_, n) => {
      const far = (place / 4) * (n + 1); // diagonals, a quarter of a place apart
      const [start, stop] = [Math.max(0, far - place), Math.min(far, place)];
      return `M${from.x + start} ${from.y + far - start}L${from.x + stop} ${from.y + far - stop}`;
    });
    svg(canvas, "path", { d: lines.join(""), class: "flow" });
    svg(canvas, "text", { x: from.x + place / 2, y: from.y + place / 2 + 4, class: "small value halo" }, "hidden");
  }
  if (at) drawLook(canvas, said[at - 1].weights, corner, settings);
  const columns = [["says", "it says"], ["probability", "prob."], ["truth", "true"]];
  for (const [name, text] of columns)
    svg(canvas, "text", { x: TABLE[name], y: 14, class: "heading small" }, text);
  const rows = Math.max(at, truth.length + 1);
  for (let t = 0; t < rows; t++) {
    const at_y = TABLE.y + TABLE.row * t;
    const right = [...truth, settings.end][t];
    if (right !== undefined) svg(canvas, "text", { x: TABLE.truth, y: at_y, class: "name" }, inWords(right));
    if (t >= at) continue;
    const { word, probability } = said[t];
    if (t === at - 1) svg(canvas, "text", { x: TABLE.mark, y: at_y }, "▸");
    svg(canvas, "text", { x: TABLE.says, y: at_y, class: "value" }, `${inWords(word)}${word === right ? "" : " ≠"}`);
    svg(canvas, "text", { x: TABLE.probability, y: at_y }, number(probability));
  }
}

// For each grey one path of all its pixels: nine digits are seldom more than sixteen paths.
function inkOf(page, { side }) {
  const paths = new Map();
  page.forEach((grey, k) => {
    if (grey) paths.set(grey, `${paths.get(grey) ?? ""}M${k % side} ${Math.floor(k / side)}h1.02v1.02h-1.02z`);
  });
  return paths;
}

// Shade and percent for each region; a frame around the place with most of the look.
function drawLook(canvas, weights, corner, settings) {
  const across = settings.side / 4;
  const wide = 4 * PAGE.pixel;
  const shares = onPlaces(weights, settings);
  const most = corner(shares.indexOf(Math.max(...shares)));
  weights.forEach((weight, s) => {
    const [left, top] = [PAGE.x + wide * (s % across), PAGE.y + wide * Math.floor(s / across)];
    if (weight < 0.005) return;
    const opacity = 0.75 * Math.sqrt(weight);
    svg(canvas, "rect", { x: left, y: top, width: wide, height: wide, class: "positive", opacity });
    if (weight >= 0.02)
      svg(canvas, "text", { x: left + wide / 2, y: top + wide / 2 + 4, class: "small value halo" }, Math.round(100 * weight));
  });
  svg(canvas, "rect", { ...most, width: 2 * wide, height: 2 * wide, class: "frame" });
}

export default { render };
