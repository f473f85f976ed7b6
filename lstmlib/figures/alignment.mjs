// A trained translator in the page: choose a number, and see for each word where it looks.

import { unpack } from "./arrays.mjs";
import { button, choice, controls, drawing, field, onChange, set, status, svg } from "./drawing.mjs";
import { translate } from "./translator_arithmetic.mjs";

const TOP = 92; // room for the slanted source words
const LEFT = 78;
const ROW = 20;

async function render({ model, el }) {
  const [vocabulary, scorings] = ["vocabulary", "scorings"].map((name) => model.get(name));
  const models = await unpack(model.get("data"), model.get("places"));
  const [start, end, longest, highest] = ["start", "end", "longest", "highest"].map((name) => model.get(name));
  const fields = controls(el);
  const words = controls(el, {
    role: "group", "aria-label": "Source words: press one to hide it from the attention",
  });
  const canvas = drawing(el, 0);
  const line = status(el);

  const english = () => inEnglish(model.get("number"));
  const show = (happened) => {
    const source = english().map((word) => vocabulary.english.indexOf(word));
    const hidden = english().map((_, s) => model.get("hidden").includes(s));
    // A number from Python may come just before the news that none of its words is hidden.
    if (hidden.every(Boolean)) hidden.fill(false);
    const said = translate(source, hidden, models[scorings.indexOf(model.get("scoring"))], { start, end, longest });
    const german = said.map(({ word }) => vocabulary.german[word]);
    draw(canvas, english(), hidden, german, said);
    const looks = said.map(({ weights }, t) => {
      const s = weights.indexOf(Math.max(...weights));
      return `${german[t]} from ${english()[s]} (${Math.round(100 * weights[s])} %)`;
    });
    line.textContent = said.length
      ? `${happened}${english().join(" ")}: the network says ${german.join("·")}. It looks: ${looks.join(", ")}.`
      : `${happened}${english().join(" ")}: the network says nothing.`;
  };

  const listWords = () => {
    words.replaceChildren();
    english().forEach((word, s) => {
      const key = button(words, word, () => {
        const hidden = model.get("hidden");
        const now = hidden.includes(s) ? hidden.filter((k) => k !== s) : [...hidden, s];
        if (now.length === english().length) {
          line.textContent = "One word at least must be seen: show another before you hide this one.";
          return;
        }
        set(model, { hidden: now });
      });
      key.setAttribute("aria-pressed", model.get("hidden").includes(s));
    });
  };

  const typed = (text) => {
    const digits = text.trim().replace(/[,\s]/g, "");
    if (/^\d+$/.test(digits) && Number(digits) <= highest) return { number: Number(digits), hidden: [] };
    return `“${text}” is not a whole number from 0 to ${highest.toLocaleString("en")}.`;
  };
  field(fields, "Number:", model, "number", line, typed, { size: 8, inputmode: "numeric" });
  choice(fields, "Score:", model, "scoring", scorings.map((name) => [name, name]));
  onChange(model, ["number", "scoring", "hidden"], (changed, was) => {
    if (changed.includes("number")) {
      listWords();
      return show("");
    }
    const hidden = model.get("hidden");
    [...words.children].forEach((key, s) => key.setAttribute("aria-pressed", hidden.includes(s)));
    const turned = english().filter((_, s) => hidden.includes(s) !== was.hidden.includes(s));
    const hid = `You ${hidden.length > was.hidden.length ? "hid" : "showed"} “${turned[0]}”. `;
    const chose = changed.includes("scoring") ? `With the ${model.get("scoring")} score. ` : "";
    show(chose + (turned.length === 1 ? hid : ""));
  });
  listWords();
  show("");
}

// The name of a number as num2words has it, without its hyphens and commas.
const UNITS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen " +
  "fifteen sixteen seventeen eighteen nineteen").split(" ");
const TENS = ". . twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

export function inEnglish(n) {
  if (n >= 1000) {
    const rest = n % 1000;
    const after = rest === 0 ? [] : rest < 100 ? ["and", ...inEnglish(rest)] : inEnglish(rest);
    return [...inEnglish(Math.floor(n / 1000)), "thousand", ...after];
  }
  if (n >= 100)
    return [UNITS[Math.floor(n / 100)], "hundred", ...(n % 100 ? ["and", ...inEnglish(n % 100)] : [])];
  if (n >= 20) return [TENS[Math.floor(n / 10)], ...(n % 10 ? [UNITS[n % 10]] : [])];
  return [UNITS[n]];
}

function draw(canvas, english, hidden, german, said) {
  const wide = Math.min(40, (352 - LEFT) / english.length);
  canvas.setAttribute("viewBox", `0 0 360 ${TOP + ROW * german.length + 6}`);
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `Attention weights as a map: ${german.length} rows for the words said, ${english.length} columns for ` +
      "the words read. The line below says where each row has its largest weight.",
  );
  english.forEach((word, s) => {
    const x = LEFT + wide * (s + 0.5);
    svg(canvas, "text", {
      x: 0, y: 0, class: `start ${hidden[s] ? "struck" : ""}`,
      transform: `translate(${x} ${TOP - 6}) rotate(-60)`,
    }, word);
  });
  german.forEach((word, t) => {
    const y = TOP + ROW * t;
    svg(canvas, "text", { x: LEFT - 6, y: y + 14, class: "end" }, word);
    said[t].weights.forEach((weight, s) => {
      const x = LEFT + wide * s;
      svg(canvas, "rect", { x, y, width: wide, height: ROW, class: "cell" });
      svg(canvas, "rect", { x, y, width: wide, height: ROW, class: "positive", opacity: weight });
      if (weight >= 0.05)
        svg(canvas, "text", { x: x + wide / 2, y: y + 14, class: `small ${weight > 0.5 ? "on" : ""}` },
          Math.round(100 * weight));
    });
  });
}

export default { render };
