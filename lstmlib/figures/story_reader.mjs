// A story and a question to type; for each sentence how much it is looked at, and what two networks answer.

import { unpack } from "./arrays.mjs";
import { choice, controls, drawing, field, html, number, onChange, set, status, svg } from "./drawing.mjs";
import { memoryNetwork, readQuestion, readStory, storyLSTM, whereIs } from "./story_arithmetic.mjs";

const ROW = 20;
const TOP = 24;
const LEFT = 214; // where the bars of the first look begin
const WIDE = 64; // pixels for a weight of 1
const STEP = 74; // from the first look to the second
const NAMES = ["first look", "second look"];

async function render({ model, el }) {
  const { lstm, memory } = await unpack(model.get("data"), model.get("places"));
  const grammar = model.get("grammar");
  const samples = model.get("samples");
  const fields = controls(el, { role: "group", "aria-label": "The story and the question" });
  const canvas = drawing(el, 0);
  const line = status(el);

  const show = (happened) => {
    const { sentences } = readStory(model.get("story"), grammar);
    const { asked } = readQuestion(model.get("question"), grammar);
    const truth = whereIs(sentences, asked, grammar);
    const found = { lstm: storyLSTM(sentences, asked, lstm), ...memoryNetwork(sentences, asked, memory) };
    const texts = sentences.map((sentence) => inWords(sentence, grammar));
    draw(canvas, texts, truth, found, grammar);
    const looked = found.looks.map((p, k) => {
      const t = p.indexOf(Math.max(...p));
      return `${k ? "then" : "first"} mostly at sentence ${t + 1}, “${texts[t]}” (${number(p[t])})`;
    });
    const name = grammar.words[asked];
    const told = truth.facts.map((t) => t + 1).join(" and ");
    const careful = truth.place === null
      ? `The story does not say where ${grammar.things.includes(name) ? "the " : ""}${name} is; the networks have ` +
        "no word for that, and guess."
      : `A careful reader says ${grammar.places[truth.place]}, by sentence${truth.facts.length > 1 ? "s" : ""} ${told}.`;
    line.textContent =
      `${happened}Where is ${grammar.things.includes(name) ? "the " : ""}${name}? The LSTM says ` +
      `${likeliest(found.lstm, grammar)}, the memory network ${likeliest(found.y, grammar)}: it looks ` +
      `${looked.join(", ")}. ${careful}`;
  };

  const picks = samples.map(([name], k) => [k, name]);
  choice(fields, "Story:", model, "sample", [[-1, "your own"], ...picks]);
  storyField(fields, model, line, (text) => readStory(text, grammar).wrong);
  const asking = (text) => readQuestion(text, grammar).wrong ?? { question: text, sample: -1 };
  field(fields, "Question:", model, "question", line, asking, { size: 22, spellcheck: false });
  onChange(model, ["sample", "story", "question"], (changed) => {
    const picked = samples[model.get("sample")];
    if (picked && changed.includes("sample")) {
      const [name, story, question] = picked;
      // Of two views the second finds it so.
      if (story !== model.get("story") || question !== model.get("question")) set(model, { story, question });
      return show(`You picked “${name}”. `);
    }
    if (changed.includes("story")) return show("The story has changed. ");
    show(changed.includes("question") ? "The question has changed. " : "");
  });
  show("");
}

// What is typed is kept, also where it cannot be read: then the line says why, and the drawing stays.
function storyField(parent, model, line, wrongWith) {
  const area = html(parent, "textarea", {
    "aria-label": "Sentences of the story", rows: 4, spellcheck: false,
    style: "background:var(--ground);border-radius:4px;color:var(--ink);font:inherit;width:100%",
  });
  const mark = (wrong) => {
    area.setAttribute("aria-invalid", wrong);
    area.style.border = wrong ? "2px solid var(--negative)" : "1px solid var(--soft)";
  };
  mark(false);
  area.value = model.get("story");
  area.addEventListener("input", () => {
    const wrong = wrongWith(area.value);
    mark(Boolean(wrong));
    if (wrong) line.textContent = `${wrong} The drawing still shows the story before.`;
    else set(model, { story: area.value, sample: -1 });
  });
  model.on("change:story", () => {
    if (area.value !== model.get("story")) area.value = model.get("story");
    mark(false);
  });
}

function inWords([who, verb, what], { words, moves }) {
  return `${words[who]} ${words[verb]} ${moves.includes(words[verb]) ? "to " : ""}the ${words[what]}`;
}

function likeliest(y, { places }) {
  const best = y.indexOf(Math.max(...y));
  return `${places[best]} (${number(y[best])})`;
}

function draw(canvas, texts, { place, facts }, { lstm, y, looks }, grammar) {
  const foot = TOP + ROW * texts.length;
  canvas.setAttribute("viewBox", `0 0 360 ${foot + 68}`);
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `${texts.length} sentences, and beside each a bar for every look of the memory network. Below them the ` +
      "answers of both networks. The line below says the values.",
  );
  looks.forEach((_, k) => {
    svg(canvas, "text", { x: LEFT + STEP * k, y: 14, class: "name start small" }, NAMES[k] ?? `look ${k + 1}`);
  });
  texts.forEach((text, t) => {
    const y = TOP + ROW * t;
    const told = facts.includes(t);
    svg(canvas, "text", { x: 4, y: y + 14, class: "start small name" }, t + 1);
    svg(canvas, "text", { x: 20, y: y + 14, class: `start ${told ? "value" : ""}` }, text);
    looks.forEach((p, k) => {
      const x = LEFT + STEP * k;
      svg(canvas, "rect", { x, y: y + 3, width: WIDE, height: ROW - 6, class: "cell" });
      const kind = k % 2 ? "negative" : "positive";
      svg(canvas, "rect", { x, y: y + 3, width: WIDE * p[t], height: ROW - 6, class: kind });
      if (p[t] >= 0.05)
        svg(canvas, "text", { x: x + (p[t] > 0.5 ? 12 : WIDE * p[t] + 12), y: y + 14,
          class: `small ${p[t] > 0.5 ? "on" : ""}` }, Math.round(100 * p[t]));
    });
  });
  const careful = place === null ? "nobody can know" : `${grammar.places[place]} (sentences in bold)`;
  const rows = [["LSTM", likeliest(lstm, grammar)], ["memory network", likeliest(y, grammar)],
    ["a careful reader", careful]];
  svg(canvas, "line", { x1: 0, y1: foot + 6, x2: 360, y2: foot + 6, class: "axis" });
  rows.forEach(([name, said], k) => {
    svg(canvas, "text", { x: 20, y: foot + 22 + 17 * k, class: "start name" }, name);
    svg(canvas, "text", { x: 140, y: foot + 22 + 17 * k, class: "start value" }, said);
  });
}

export default { render };
