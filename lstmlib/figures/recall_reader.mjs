// A trained Transformer in the page: type pairs of a key and a value, and see where its two blocks look.

import { unpack } from "./arrays.mjs";
import { button, controls, drawing, html, field, number, onChange, set, status, svg } from "./drawing.mjs";
import { recall } from "./recall_arithmetic.mjs";
import { letterOf, readSequence } from "./recall_text.mjs";

const MAP = { left: 22, top: 42, wide: 152, apart: 180 };
const SHADE = 0.55; // of a whole weight: the number on it stays readable

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const settings = model.get("settings");
  const row = controls(el);
  const asks = controls(el, { role: "group", "aria-label": "Ask for another key of these pairs" });
  const canvas = drawing(el, 200);
  const line = status(el);
  const named = (symbol) => (symbol < settings.keys ? letterOf(symbol) : String(symbol - settings.keys));

  const show = (happened) => {
    const asked = readSequence(model.get("text"), settings);
    const { looks, probabilities } = recall(asked.symbols, network, settings.heads);
    draw(canvas, asked.symbols.map(named), looks);
    keys.forEach((key, n) => {
      key.hidden = 2 * n >= asked.symbols.length - 1;
      key.textContent = key.hidden ? "" : named(asked.symbols[2 * n]);
      key.setAttribute("aria-pressed", asked.symbols[2 * n] === asked.symbols.at(-1));
    });
    line.textContent = happened + report(asked, looks, probabilities, named, settings);
  };
  const typed = (text) => {
    const found = readSequence(text, settings);
    return typeof found === "string" ? found : { text };
  };
  field(row, "Pairs, and a key to ask for:", model, "text", line, typed, { size: 22, spellcheck: false, autocapitalize: "none" });
  html(asks, "span", {}, "Ask for");
  const keys = Array.from({ length: settings.most }, (_, n) =>
    button(asks, "", () => set(model, { text: model.get("text").replace(/[a-z][\s,;]*$/i, keys[n].textContent) })));
  onChange(model, ["text"], () => show(""));
  show("");
}

// The values of the figure in words.
function report({ symbols, right, at }, looks, probabilities, named, { trained }) {
  const order = probabilities.map((_, value) => value).sort((a, b) => probabilities[b] - probabilities[a]);
  const [said, second] = order;
  const end = symbols.length - 1;
  const share = (block, t, s) => `${Math.round(100 * looks[block][t][s])} %`;
  const most = looks[1][end].indexOf(Math.max(...looks[1][end]));
  const pairs = (symbols.length - 1) / 2;
  return (
    `Asked for ${named(symbols[end])}, the network says ${said}, with a probability of ${number(probabilities[said])}; ` +
    `${right} is right${said === right ? "" : ", and has " + number(probabilities[right])}. Next comes ${second}, with ` +
    `${number(probabilities[second])}. In block 1 the value ${named(symbols[at])} looks at its own key with ` +
    `${share(0, at, at - 1)} of its weight. In block 2 the key asked for looks at its value with ${share(1, end, at)}, ` +
    `${most === at ? "more than anywhere else" : `and most at place ${most + 1}, ${named(symbols[most])}, with ${share(1, end, most)}`}.` +
    (pairs === trained ? "" : ` The network was trained on ${trained} pairs, and here ${pairs === 1 ? "is 1" : `are ${pairs}`}.`)
  );
}

// A map for each block: a row for each place that looks, from top to bottom.
function draw(canvas, names, looks) {
  const side = MAP.wide / names.length;
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `Two maps of attention weights in percent, for block 1 and block 2, each with ${names.length} rows for the places ` +
      "that look and as many columns for those that are looked at. The line below says the weights that matter.",
  );
  looks.forEach((weights, block) => {
    const left = MAP.left + MAP.apart * block;
    svg(canvas, "text", { x: left + MAP.wide / 2, y: 14, class: "heading" }, `block ${block + 1}`);
    names.forEach((name, t) => {
      const y = MAP.top + side * t;
      svg(canvas, "text", { x: left + side * (t + 0.5), y: MAP.top - 6, class: "small" }, name);
      svg(canvas, "text", { x: left - 5, y: y + side / 2 + 4, class: "small end" }, name);
      weights[t].slice(0, t + 1).forEach((weight, s) => {
        const x = left + side * s;
        svg(canvas, "rect", { x, y, width: side, height: side, class: "cell" });
        svg(canvas, "rect", { x, y, width: side, height: side, class: "positive", opacity: SHADE * weight });
        if (weight >= 0.05)
          svg(canvas, "text", { x: x + side / 2, y: y + side / 2 + 3.5, class: "small" }, Math.round(100 * weight));
      });
    });
    const last = MAP.top + side * (names.length - 1);
    svg(canvas, "rect", { x: left, y: last, width: MAP.wide, height: side, fill: "none", style: "stroke: var(--ink); stroke-width: 2" });
  });
}

export default { render };
