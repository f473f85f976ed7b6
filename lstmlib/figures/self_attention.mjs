// Queries, keys and values of a short sentence as arrows: drag them, swap words, and see what the outputs do.

import { byWord, divisorOf, inOrder, movedWords, sameSet, selfAttention } from "./attention_arithmetic.mjs";
import { nearestTip, planeOf, toPlane } from "./attention_planes.mjs";
import { draw } from "./attention_drawing.mjs";
import { button, choice, controls, drawing, moved, nameSliders, number, onChange, set, status } from "./drawing.mjs";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.1; // how far a key moves an arrow
const SWITCHES = { scaled: "Scale", positions: "Positions", causal: "Causal mask", heads: "Two heads" };

const pair = ([across, up]) => `(${number(across)}, ${number(up)})`;
const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

function render({ model, el }) {
  const [words, limit, atPlace, initial] =
    ["words", "limit", "at_place", "initial"].map((name) => model.get(name));
  const kinds = Object.fromEntries(model.get("kinds"));
  const names = Object.keys(initial);
  const now = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const look = (values) => byWord(selfAttention(values, atPlace).outputs, values.order);

  const sentence = controls(el, {
    role: "group", "aria-label": "The sentence: press a word to choose it, ⇄ to swap two; arrow keys move the arrow",
  });
  sentence.style.gap = "0.25rem"; // four words and their swaps fit on a phone
  const hand = controls(el, { role: "group", "aria-label": "Buttons that move the chosen arrow, as arrow keys do" });
  const canvas = drawing(el, 0);
  const switches = controls(el);
  const line = status(el);

  const show = (happened, before) => {
    const values = now();
    const found = selfAttention(values, atPlace);
    draw(canvas, { ...values, ...found, words, atPlace, limit, before });
    keys.forEach((key, place) => {
      key.textContent = words[values.order[place]];
      key.setAttribute("aria-pressed", values.order[place] === values.word);
    });
    swaps.forEach((key, place) =>
      key.setAttribute("aria-label", `Swap ${listed([place, place + 1].map((at) => words[values.order[at]]))}`));
    for (const [name, key] of Object.entries(turns)) key.setAttribute("aria-pressed", isOn(values[name]));
    line.textContent = happened + report({ ...values, ...found }, { words, kinds, atPlace });
  };

  const [keys, swaps] = [[], []];
  words.forEach((_, place) => {
    if (place) swaps.push(button(sentence, "⇄", () => set(model, { order: swapped(model.get("order"), place - 1) })));
    keys.push(button(sentence, "", () => set(model, { word: model.get("order")[place] })));
  });
  choice(hand, "Arrow:", model, "kind", model.get("kinds"));
  const move = ([across, up], word = model.get("word")) => {
    const { kind, [kind]: arrows } = now();
    const from = arrows[word];
    const to = inside([from[0] + STEP * across, from[1] + STEP * up], limit);
    if (String(to) !== String(inside(from, limit))) set(model, { word, [kind]: arrows.with(word, to) });
    else line.textContent = `The ${kinds[kind]} of “${words[word]}” is at the edge, and goes no further: ${pair(to)}.`;
  };
  [["←", "left", "ArrowLeft"], ["↑", "up", "ArrowUp"], ["↓", "down", "ArrowDown"], ["→", "right", "ArrowRight"]].forEach(
    ([sign, name, key]) => button(hand, sign, () => move(ARROWS[key])).setAttribute("aria-label", name));
  for (const group of [sentence, hand])
    group.addEventListener("keydown", (event) => {
      if (!(event.key in ARROWS) || event.target.tagName === "SELECT") return;
      event.preventDefault();
      const place = keys.indexOf(event.target); // on a word, its own arrow moves
      move(ARROWS[event.key], place < 0 ? undefined : model.get("order")[place]);
    });
  const turns = Object.fromEntries(Object.entries(SWITCHES).map(([name, text]) =>
    [name, button(switches, text, () => {
      const was = model.get(name);
      set(model, { [name]: name === "heads" ? 3 - was : !was });
    })]));
  button(switches, "Start over", () => set(model, model.get("initial")));
  dragged(canvas, () => ({ ...now(), atPlace, limit }), (word, kind, to) =>
    set(model, { word, kind, [kind]: model.get(kind).with(word, inside(to, limit)) }));

  onChange(model, names, (changed, was) => {
    const values = now();
    const others = changed.filter((name) => name !== "word" && name !== "kind");
    if (others.length > 1) return show("All of this was set at once. ");
    const [name] = others;
    if (name === "order") return show(compared(was.order, values.order, look(was), look(values), words), look(was));
    if (name === "temperature") return show(moved("the temperature", was.temperature, values.temperature));
    if (name in SWITCHES) return show(`You turned “${SWITCHES[name]}” ${isOn(values[name]) ? "on" : "off"}. `);
    const word = name ? words.findIndex((_, n) => String(was[name][n]) !== String(values[name][n])) : -1;
    show(name ? `You moved the ${kinds[name]} of “${words[word]}” to ${pair(values[name][word])}. ` : "");
  });
  show("");
  return nameSliders(el);
}

// Of the heads: whether there are two.
const isOn = (value) => value === true || value === 2;

const swapped = (order, place) => order.with(place, order[place + 1]).with(place + 1, order[place]);

// Two decimals, no further than the plane reaches.
const inside = (arrow, limit) =>
  arrow.map((at) => Math.round(100 * Math.max(-limit, Math.min(limit, at))) / 100);

// What another order of the words did to the outputs; `before` and `after` have a row for each word.
export function compared(was, order, before, after, words) {
  const places = order.filter((word, place) => word !== was[place]).map((word) => `“${words[word]}”`);
  const did = places.length === 2 ? `You swapped ${listed(places.reverse())}. ` : "The words stand in another order. ";
  const others = movedWords(before, after);
  if (!others.length) return `${did}Every word has the output that it had: the set of outputs is the same. `;
  const names = listed(others.map(({ word }) => `“${words[word]}”`));
  const far = `${others.length > 1 ? `most “${words[others[0].word]}”, ` : ""}by ${number(others[0].by)}`;
  const set = sameSet(before, after) ? "Words have traded outputs, but the set is the same: " : "The set of outputs has changed: ";
  return `${did}${set}another output for ${names}, ${far}. `;
}

// The values of the figure in words.
function report(values, { words, kinds, atPlace }) {
  const { order, word, kind, scaled, positions, causal, heads, temperature, weights, outputs } = values;
  const place = order.indexOf(word);
  const added = positions
    ? `, and with ${pair(atPlace[place])} of place ${place + 1} it is ${pair(inOrder(values[kind], order, atPlace)[place])}`
    : "";
  const root = heads === 2 ? "√1, as each head has one number of each arrow, times " : "√2 times ";
  const divided = `${scaled ? root : ""}the temperature, ${number(temperature)}: by ${number(divisorOf(values))}`;
  const share = (weight, s) => (causal && s > place ? "hidden" : `${Math.round(100 * weight)} %`);
  const shares = (row) => row.map((weight, s) => `${words[order[s]]} ${share(weight, s)}`).join(", ");
  const looks = heads === 1
    ? `looks at ${shares(weights[0][place])}`
    : `looks across at ${shares(weights[0][place])}, and up and down at ${shares(weights[1][place])}`;
  return (
    `The ${kinds[kind]} of “${words[word]}” is ${pair(values[kind][word])}${added}. Scores are divided by ${divided}. ` +
    `“${words[word]}” ${looks}. Its output is ${pair(outputs[place])}.`
  );
}

// Calls back with word, kind and place while a tip is dragged, by mouse or finger.
function dragged(canvas, read, moving) {
  let held = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * (360 / box.width), (event.clientY - box.top) * (360 / box.width)];
  };
  // A finger on a tip moves the arrow; anywhere else it moves the page.
  const stay = (event) => {
    if (event.touches.length === 1 && nearestTip(place(event.touches[0]), read())) event.preventDefault();
  };
  canvas.addEventListener("touchstart", stay, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (held || event.button !== 0) return;
    const tip = nearestTip(place(event), read());
    if (!tip) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    held = { ...tip, pointer: event.pointerId };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held?.pointer !== event.pointerId) return;
    moving(held.word, held.kind, toPlane(place(event), planeOf(held.kind), read().limit));
  });
  const lift = (event) => {
    if (held?.pointer === event.pointerId) held = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
}

export default { render };
