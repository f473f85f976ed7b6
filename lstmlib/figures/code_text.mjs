// A field for a text of several lines, and words for its characters.

import { html, set } from "./drawing.mjs";

export const spell = (character) => ({ " ": "a blank", "\n": "a line break", "\t": "a tabulator" })[character] ?? `“${character}”`;

// A sentence on what the network cannot read.
export function strange(characters, numbers, alphabet) {
  const found = [...new Set(characters.filter((_, t) => numbers[t] < 0))];
  if (!found.length) return "";
  const names = found.slice(0, 5).map(spell).join(", ") + (found.length > 5 ? " and others" : "");
  return `The network knows ${alphabet.length} characters, and not ${names}: it reads nothing there (▯). `;
}

export function wrongWith(text, longest) {
  const { length } = [...text];
  if (!length) return "There is no character in the field.";
  return length > longest ? `A text may have ${longest} characters here, and this one has ${length}.` : null;
}

// What is typed is kept, also where it cannot be read: then the line says why, and the picture stays.
export function textField(parent, model, wrongIn, say) {
  const area = html(parent, "textarea", { "aria-label": "Your text", rows: 6, spellcheck: false, autocapitalize: "none", class: "typed" });
  area.value = model.get("text");
  area.addEventListener("input", () => {
    const wrong = wrongIn(area.value);
    area.setAttribute("aria-invalid", Boolean(wrong));
    if (wrong) say(`${wrong} The picture still shows the text before.`);
    else set(model, { text: area.value, written: "", place: before() });
  });
  // The character before the caret is the one that is marked.
  const before = () => Math.max(0, [...area.value.slice(0, area.selectionStart)].length - 1);
  for (const moves of ["keyup", "click"])
    area.addEventListener(moves, () => {
      if (area.value === model.get("text") && before() !== model.get("place")) set(model, { place: before() });
    });
  model.on("change:text", () => {
    if (area.value !== model.get("text")) area.value = model.get("text");
    area.setAttribute("aria-invalid", false);
  });
  return area;
}
