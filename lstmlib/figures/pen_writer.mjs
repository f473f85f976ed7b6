// A trained writer in the page: choose letters, slide the bias, and see them written point by point.

import { unpack } from "./arrays.mjs";
import { button, controls, drawing, field, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";
import { chanceFrom } from "./chance.mjs";
import { writeLetter } from "./writer_arithmetic.mjs";

const HIGH = 190; // the paper
const LINE = 130; // y of the line that letters stand on
const TALL = 56; // most pixels for the height of an x
const EDGE = 10;
const GAP = 0.35; // between letters, in heights of an x
const PACE = 22; // milliseconds for a point
const SEEN = 0.05; // a Gaussian of less weight is not drawn

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const [letters, step, most, longest, highest] = ["letters", "step", "most", "longest", "highest"].map((name) => model.get(name));
  const fields = controls(el);
  const canvas = drawing(el, HIGH);
  const line = status(el);
  const keys = controls(el);
  let [written, frame] = [[], 0];
  const count = () => totalOf(written);

  const write = () => {
    const [text, bias, seed] = ["text", "bias", "seed"].map((name) => model.get(name));
    // Each letter has its own stretch of chance: another one beside it changes nothing.
    const chance = (k) => chanceFrom((longest * seed + k) * 4 * most);
    written = [...text].map((letter, k) => ({
      letter,
      ...writeLetter(letters.indexOf(letter), network, { bias, chance: chance(k), most }),
    }));
  };
  // How many points are shown; the model has −1 for all of them.
  const shown = () => (model.get("shown") < 0 ? count() : Math.min(model.get("shown"), count()));
  const show = (happened) => {
    const looking = model.get("looking") && shown() > 0;
    draw(canvas, written, shown(), looking, step);
    const [text, bias, seed] = ["text", "bias", "seed"].map((name) => model.get(name));
    if (looking) line.textContent = happened + sayPoint(written, shown(), step);
    else if (shown() === count()) line.textContent = happened + say(written, text, bias, seed, most);
    else if (!line.textContent.startsWith("Writing")) line.textContent = `Writing “${text}” …`;
  };

  // Point by point, as fast as a hand; at once for those who asked for less motion.
  const play = () => {
    cancelAnimationFrame(frame);
    const start = performance.now();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tick = (now) => {
      if (!el.isConnected) return;
      const made = Math.max(0, Math.floor((now - start) / PACE));
      if (calm || made >= count()) return set(model, { shown: -1, looking: false });
      model.set({ shown: made, looking: false });
      frame = requestAnimationFrame(tick);
    };
    tick(start);
  };
  const all = { shown: -1, looking: false };
  const stepOn = () => {
    cancelAnimationFrame(frame);
    set(model, { looking: true, shown: model.get("looking") && shown() < count() ? shown() + 1 : 1 });
  };

  const typed = (text) => {
    const word = text.trim().toLowerCase();
    const stranger = [...word].find((symbol) => !letters.includes(symbol));
    if (!word) return "There is no letter in it.";
    if (stranger) return `“${stranger}” is not a letter from a to z: the network was never shown how it is written.`;
    if (word.length > longest) return `The paper has room for ${longest} letters, and these are ${word.length}.`;
    return { text: word, ...all };
  };
  field(fields, "Letters to write:", model, "text", line, typed, { size: 9, spellcheck: false, autocapitalize: "none" });
  button(keys, "Write", play);
  button(keys, "One point", stepOn);
  button(keys, "Another seed", () => set(model, { seed: (model.get("seed") + 1) % (highest + 1), ...all }));

  onChange(model, ["text", "bias", "seed", "shown", "looking"], (changed, was) => {
    if (["text", "bias", "seed"].some((name) => changed.includes(name))) write();
    const bias = changed.includes("bias") ? moved("the bias", was.bias, model.get("bias")) : "";
    show(bias + (changed.includes("seed") ? "Another seed. " : ""));
  });
  write();
  show("");
  const forget = nameSliders(el);
  return () => {
    cancelAnimationFrame(frame);
    forget();
  };
}

function say(written, text, bias, seed, most) {
  const strokes = written.reduce((sum, one) => sum + strokesOf(one.points, 1).length, 0);
  const named = (found) => found.map(({ letter }) => letter).join(", ");
  const endless = written.filter(({ ended }) => !ended);
  const nothing = written.filter((one) => one.points.length === 0);
  return (
    `“${text}” with bias ${number(bias)} and seed ${seed}: ${totalOf(written)} points in ${strokes} strokes.` +
    (endless.length ? ` No end came within ${most} points: ${named(endless)}.` : "") +
    (nothing.length ? ` The pen was lifted before it wrote: ${named(nothing)}.` : "")
  );
}

// What the network said of the last point shown, before it was drawn.
function sayPoint(written, shown, step) {
  const { letter, k, point, mixture } = written
    .flatMap((one) => one.points.map((made, at) => ({ letter: one.letter, k: at + 1, ...made })))[shown - 1];
  const widest = Math.max(...mixture.gaussians.map(({ weight }) => weight));
  const drawn = mixture.gaussians.filter(({ weight }) => weight >= SEEN).length;
  return (
    `Point ${shown} of ${totalOf(written)}, number ${k} of “${letter}”: ${number(step * point[0])} to the right, ` +
    `${number(step * point[1])} up, in heights of an x. ${drawn} ${drawn === 1 ? "Gaussian has" : "Gaussians have"} a weight of ` +
    `at least ${number(SEEN)} (the ${drawn === 1 ? "ellipse" : "ellipses"}), the largest ${number(widest)}. ` +
    `The pen is lifted there with a probability of ${number(mixture.pen)}: it ${point[2] ? "is lifted" : "stays down"}.`
  );
}

// Places (x, y) of each stroke, from the letter's left end on the line.
function strokesOf(points, step) {
  let [x, y, lifted] = [0, 0, 1];
  const strokes = [];
  for (const { point } of points) {
    x += step * point[0];
    y += step * point[1];
    if (lifted) strokes.push([]);
    strokes.at(-1).push([x, y]);
    lifted = point[2];
  }
  return strokes;
}

// The first `shown` points; where somebody is `looking`, also the mixture that the last of them was drawn from.
function draw(canvas, written, shown, looking, step) {
  canvas.replaceChildren();
  let [left, before] = [0, 0];
  const placed = written.map(({ points }) => {
    const xs = strokesOf(points, step).flat().map(([x]) => x);
    const [low, high] = xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 0.5];
    const from = left - low;
    left += high - low + GAP;
    return { points, from };
  });
  const scale = Math.min(TALL, (360 - 2 * EDGE) / Math.max(left - GAP, 1));
  const at = ([x, y], from) => [EDGE + scale * (from + x), LINE - scale * y];
  for (const [height, kind] of [[1, "bound"], [0, "axis"]])
    svg(canvas, "line", { x1: 0, y1: LINE - scale * height, x2: 360, y2: LINE - scale * height, class: kind });
  for (const { points, from } of placed) {
    const seen = points.slice(0, Math.max(0, shown - before));
    for (const stroke of strokesOf(seen, step)) {
      const path = stroke.map((place) => at(place, from).map((value) => value.toFixed(1)).join(" "));
      svg(canvas, "path", { d: `M${path.join(" L")} h0.1`, class: "curve", "stroke-linecap": "round" });
    }
    const here = looking && before < shown && shown <= before + points.length;
    before += points.length;
    if (!here) continue;
    const was = strokesOf(seen.slice(0, -1), step).flat().at(-1) ?? [0, 0];
    for (const gaussian of seen.at(-1).mixture.gaussians.filter(({ weight }) => weight >= SEEN))
      ellipse(canvas, gaussian, (place) => at(place, from), was, step);
  }
  canvas.setAttribute(
    "aria-label",
    `Two lines, and between and around them ${written.length === 1 ? "a letter" : `${written.length} letters`} ` +
      "as the network writes them. The line below says with which bias and seed.",
  );
}

const totalOf = (written) => written.reduce((sum, { points }) => sum + points.length, 0);

// Two standard deviations of a Gaussian.
function ellipse(canvas, { weight, mean, deviation, rho }, at, was, step) {
  const around = Array.from({ length: 40 }, (_, k) => {
    const [n1, n2] = [2 * Math.cos((Math.PI * k) / 20), 2 * Math.sin((Math.PI * k) / 20)];
    const dx = mean[0] + deviation[0] * n1;
    const dy = mean[1] + deviation[1] * (rho * n1 + Math.sqrt(1 - rho * rho) * n2);
    return at([was[0] + step * dx, was[1] + step * dy]).map((value) => value.toFixed(1)).join(" ");
  });
  svg(canvas, "path", { d: `M${around.join(" L")} Z`, class: "negative gaussian", "fill-opacity": 0.1 + 0.5 * weight, style: "stroke: var(--negative)" });
}

export default { render };
