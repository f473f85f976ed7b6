// A trained reader in the page: draw a word, or pick one, and see it read, with a spike for each letter.

import { unpack } from "./arrays.mjs";
import { greedy, probabilityOf } from "./ctc_arithmetic.mjs";
import { button, choice, controls, drawing, onChange, set, status, svg, number } from "./drawing.mjs";
import { forReading, read, spread } from "./reader_arithmetic.mjs";

const TALL = 36; // pixels for the height of an x
const LINE = 92; // y of the line that words stand on
const PAPER = 134; // the paper ends here
const FOOT = 206; // and here the spikes stand
const SPIKE = 44; // pixels for a probability of 1

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const settings = model.get("settings");
  const samples = model.get("samples");
  const fields = controls(el, { role: "group", "aria-label": "What stands on the paper" });
  const canvas = drawing(el, FOOT + 18);
  canvas.style.touchAction = "none"; // a finger draws, and does not move the page
  canvas.style.cursor = "crosshair";
  const line = status(el);

  const shown = () => (model.get("sample") < 0 ? model.get("strokes") : samples[model.get("sample")][1]);
  const show = (happened) => {
    const found = judge(shown(), network, settings);
    draw(canvas, shown(), found, model.get("letters"));
    line.textContent = happened + say(found, settings, model.get("letters"));
  };

  const own = () => (model.get("sample") < 0 ? model.get("strokes") : []);
  const picks = samples.map(([name], k) => [k, name]);
  choice(fields, "Ink:", model, "sample", [[-1, "your own drawing"], ...picks]);
  button(fields, "Take back a stroke", () => {
    if (own().length) set(model, { strokes: own().slice(0, -1) });
    else line.textContent = "There is no stroke of yours to take back.";
  });
  button(fields, "Clear", () => set(model, { sample: -1, strokes: [] }));
  drawWithPointer(canvas, own, (strokes) => set(model, { sample: -1, strokes }));

  onChange(model, ["sample", "strokes"], (changed, was) => {
    const [k, now] = [model.get("sample"), model.get("strokes")];
    if (k >= 0) return show(`You picked ${samples[k][0]}. `);
    const before = was.sample < 0 ? was.strokes : [];
    if (!now.length) return show("The paper is empty. ");
    const there = now.length === 1 ? "There is 1" : `There are ${now.length}`;
    if (now.length < before.length) return show(`You took back a stroke. ${there} left. `);
    show(`${there} ${now.length === 1 ? "stroke" : "strokes"} of yours. `);
  });
  show("");
}

// What is made of strokes: why there is nothing to read, or what is read, and how probable that is.
export function judge(strokes, network, { stride, most, smallest, threshold, ...form }) {
  if (!strokes.length) return { why: "empty" };
  const heights = strokes.flat().map(([, y]) => y);
  const tall = heights.reduce((a, b) => Math.max(a, b)) - heights.reduce((a, b) => Math.min(a, b));
  if (tall < smallest || spread(strokes) === 0) return { why: "small" };
  const { points, places } = forReading(strokes, form);
  if (points.length > most) return { why: "long" };
  const y = read(points, network, stride);
  const said = greedy(y);
  const word = said.map(({ symbol }) => symbol);
  const probability = probabilityOf(word, y);
  const why = word.length && probability >= threshold ? "" : "unsure";
  return { why, y, said, word, probability, at: y.map((_, t) => places[stride * t]) };
}

function say({ why, said, word, y, probability }, { most, threshold }, letters) {
  if (why === "empty") return "Draw a word on the lines, one printed letter after the other, or pick one from the list.";
  if (why === "small") return "This is too small to be read. Draw letters about as high as the two lines are apart.";
  if (why === "long") return `This is more ink than the network was trained for (${most} points). Clear it, and draw one word.`;
  const known = "It knows single words of printed letters, a to z, from left to right.";
  if (why && !word.length) return `The network finds no letter in this: blanks all the way. ${known}`;
  if (why)
    return (
      "The network is not sure enough to say a word: its likeliest has a probability of " +
      `${number(probability)}, and below ${number(threshold)} it keeps silent. ${known}`
    );
  const spikes = said.map(({ symbol, at }) => `${letters[symbol - 1]} ${number(y[at][symbol])} at step ${at + 1}`);
  const text = word.map((symbol) => letters[symbol - 1]).join("");
  return (
    `The network reads “${text}”. All paths that say so have a probability of ${number(probability)} together. ` +
    `Highest at ${spikes.join(", ")}, of ${y.length} steps.`
  );
}

// Calls back with all strokes when the pen is lifted; places in heights of an x, y upwards.
function drawWithPointer(canvas, own, drawn) {
  let [stroke, path, pen] = [null, null, null];
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = 360 / box.width;
    const inside = (value, most) => Math.max(0, Math.min(most, value));
    const x = inside((event.clientX - box.left) * scale, 360);
    const y = inside((event.clientY - box.top) * scale, PAPER);
    return [Math.round((100 * x) / TALL) / 100, Math.round((100 * (LINE - y)) / TALL) / 100];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (stroke || event.button !== 0) return;
    event.preventDefault();
    if (!own().length) for (const old of canvas.querySelectorAll(".written, .read")) old.remove();
    canvas.setPointerCapture(event.pointerId);
    [stroke, pen] = [[place(event)], event.pointerId];
    path = svg(canvas, "path", { class: "curve", d: pathOf(stroke) });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke || event.pointerId !== pen) return;
    // A browser hands on several places of a quick pen at once
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(one));
    path.setAttribute("d", pathOf(stroke));
  });
  const lift = (event) => {
    if (!stroke || event.pointerId !== pen) return;
    const done = stroke.filter((at, k) => k === 0 || String(at) !== String(stroke[k - 1]));
    [stroke, pen] = [null, null];
    drawn([...own(), done]);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
}

const across = ([x]) => x * TALL;
const pathOf = (stroke) =>
  `M${stroke.map((at) => `${across(at).toFixed(1)} ${(LINE - TALL * at[1]).toFixed(1)}`).join(" L")} h0.1`;

function draw(canvas, strokes, { why, y, said, at }, letters) {
  canvas.replaceChildren();
  const ruled = (height, kind) =>
    svg(canvas, "line", { x1: 0, y1: LINE - TALL * height, x2: 360, y2: LINE - TALL * height, class: kind });
  ruled(1, "bound");
  ruled(0, "axis");
  svg(canvas, "rect", { x: 0.5, y: 0.5, width: 359, height: PAPER - 1, class: "flow", "stroke-opacity": 0.4 });
  for (const stroke of strokes)
    svg(canvas, "path", { d: pathOf(stroke), class: "curve written", "stroke-linecap": "round" });
  svg(canvas, "line", { x1: 0, y1: FOOT, x2: 360, y2: FOOT, class: "axis" });
  svg(canvas, "text", { x: 4, y: FOOT + 14, class: "name small start" }, "where the pen was, and how probable a letter is there");
  // Where the network is not sure, its letters stay unnamed.
  const kind = why ? "shutter" : "positive";
  (y ?? []).forEach((row, t) => {
    const tall = SPIKE * (1 - row[0]);
    svg(canvas, "rect", { x: across(at[t]) - 1, y: FOOT - tall, width: 2, height: tall, class: `${kind} read` });
  });
  let [before, lifted] = [-Infinity, false];
  for (const { symbol, at: t } of why ? [] : said) {
    const x = across(at[t]);
    lifted = x - before < 10 && !lifted; // of letters that stand close every second is named higher up
    before = x;
    svg(canvas, "text", { x, y: FOOT - SPIKE * (1 - y[t][0]) - (lifted ? 15 : 4), class: "value read" }, letters[symbol - 1]);
  }
  canvas.setAttribute(
    "aria-label",
    `Paper with two lines, and on it ${strokes.length} ${strokes.length === 1 ? "stroke" : "strokes"} of a pen. ` +
      (y ? `Below them ${y.length} bars, one for each step of the network: how probable a letter is there.` : ""),
  );
}

export default { render };
