// A spoken number: hear it, see what the network hears, and when it writes which digit.

import { inflate } from "./arrays.mjs";
import { greedy } from "./ctc_arithmetic.mjs";
import { choice, controls, drawing, nameSliders, number, onChange, onMove, status, svg } from "./drawing.mjs";
import { player } from "./sound.mjs";
import { fromMuLaw } from "./sound_arithmetic.mjs";

const [LEFT, RIGHT] = [44, 352];
const [TOP, MIDDLE] = [8, 108]; // of the picture
const [ONE, ZERO] = [134, 208]; // probabilities of 1 and of 0

async function render({ model, el }) {
  const [words, voices, rate, seconds, symbols] =
    ["words", "voices", "rate", "seconds", "symbols"].map((name) => model.get(name));
  const bytes = async (name) => new Uint8Array(await inflate(model.get(name)));
  const [sounds, pictures] = await Promise.all([bytes("sounds"), bytes("pictures")]);
  const [bands, rows] = model.get("shape");
  const canvas = drawing(el, 250);
  const row = controls(el);
  choice(row, "Clip:", model, "clip", words.map((word, k) => [k, `${word} (${voices[k]})`]));
  const line = status(el);

  const part = (all) => {
    const size = all.length / words.length;
    return all.subarray(model.get("clip") * size, (model.get("clip") + 1) * size);
  };
  const show = (happened) => {
    const clip = model.get("clip");
    const probabilities = model.get("probabilities")[clip];
    const found = greedy(probabilities);
    draw(canvas, { seconds, symbols, probabilities, found, picture: part(pictures), bands, rows });
    moveCursor(canvas, model.get("time") / seconds);
    const step = Math.min(probabilities.length - 1, Math.floor((model.get("time") / seconds) * probabilities.length));
    const most = probabilities[step].map((p, k) => [p, k]).filter(([p]) => p >= 0.005)
      .sort((a, b) => b[0] - a[0]).slice(0, 3);
    const name = (k) => (k ? symbols[k] : "nothing");
    const written = found.map(({ symbol }) => symbols[symbol]).join("");
    const right = model.get("numbers")[clip];
    const when = found.map(({ symbol, at }) =>
      `${symbols[symbol]} at ${number(((at + 0.5) / probabilities.length) * seconds)} s`);
    line.textContent =
      `${happened}“${words[clip]}”: the network writes ${written || "nothing"}, ` +
      `${written === right ? "which is right" : `and ${right} would be right`}` +
      `${when.length ? ` (${when.join(", ")})` : ""}. At ${number(model.get("time"))} s: ` +
      `${most.map(([p, k]) => `${name(k)} with ${number(p)}`).join(", ")}.`;
  };

  const stop = player(row, {
    prepare: () => {
      const samples = Float32Array.from(part(sounds), fromMuLaw);
      return (context, begin) => sound(context, begin, samples, rate);
    },
    follow: (time) => moveCursor(canvas, Math.min(time / seconds, 1)),
    show,
    kept: "The picture and the spikes are all there.",
  });

  onMove(model, { time: "the time" }, show);
  onChange(model, ["clip"], () => {
    stop();
    show("");
  });
  show("");
  const forget = nameSliders(el);
  return () => {
    stop();
    forget();
  };
}

function sound(context, begin, samples, rate) {
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start(begin);
  return source;
}

const across = (share) => LEFT + share * (RIGHT - LEFT);

function moveCursor(canvas, share) {
  const cursor = canvas.querySelector(".cursor");
  cursor.setAttribute("x1", across(share));
  cursor.setAttribute("x2", across(share));
}

function draw(canvas, { seconds, symbols, probabilities, found, picture, bands, rows }) {
  canvas.replaceChildren();
  canvas.setAttribute("aria-label",
    "Above, the log-mel picture of the clip: time to the right, frequency upwards, loud is dark. Below, the " +
      "probability of each digit over the same time, and dashed that of the blank. The line below says the values.");
  svg(canvas, "image", {
    href: painted(picture, bands, rows), x: LEFT, y: TOP, width: RIGHT - LEFT, height: MIDDLE - TOP,
    preserveAspectRatio: "none",
  });
  svg(canvas, "text", { x: LEFT - 4, y: TOP + 10, class: "name small end" }, "high");
  svg(canvas, "text", { x: LEFT - 4, y: MIDDLE, class: "name small end" }, "low");
  for (const [y, text] of [[ONE, "1"], [ZERO, "0"]]) {
    svg(canvas, "line", { x1: LEFT, y1: y, x2: RIGHT, y2: y, class: y === ZERO ? "axis" : "grid" });
    svg(canvas, "text", { x: LEFT - 4, y: y + 4, class: "name small end" }, text);
  }
  const x = (step) => across((step + 0.5) / probabilities.length);
  const y = (p) => ZERO - p * (ZERO - ONE);
  symbols.forEach((_, k) => {
    const curve = probabilities.map((row) => row[k]);
    if (k && Math.max(...curve) < 0.02) return;
    const d = "M" + curve.map((p, step) => `${x(step)} ${y(p)}`).join(" L");
    svg(canvas, "path", { d, class: k ? "curve" : "curve bound" });
  });
  for (const { symbol, at } of found)
    svg(canvas, "text", { x: x(at), y: ONE - 6, class: "value" }, symbols[symbol]);
  for (let time = 0; time <= seconds; time += 0.5)
    svg(canvas, "text", { x: across(time / seconds), y: ZERO + 16, class: "name small" }, time);
  svg(canvas, "text", { x: (LEFT + RIGHT) / 2, y: ZERO + 32, class: "name" }, "seconds (dashed: the blank)");
  svg(canvas, "line", { x1: LEFT, y1: TOP, x2: LEFT, y2: ZERO, class: "belt negative cursor", "stroke-width": 2 });
}

// The picture as an image: one pixel for a number, the louder the less transparent, the lowest band below.
function painted(picture, bands, rows) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [rows, bands];
  const context = canvas.getContext("2d");
  const image = context.createImageData(rows, bands);
  picture.forEach((loud, k) => {
    const [time, band] = [Math.floor(k / bands), k % bands];
    image.data.set([20, 130, 205, loud], 4 * ((bands - 1 - band) * rows + time));
  });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

export default { render };
