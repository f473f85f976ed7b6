// The family of the LSTM: a switch for each part, the cell, its equations, its size, and a stream.

import { button, controls, drawing, html, moved, nameSliders, number, onChange, set, status } from "./drawing.mjs";
import { asker, countCarried, countParameters, equations, ownGates, readStream, reasons, turn } from "./family_arithmetic.mjs";
import { drawCell, drawStream } from "./family_drawing.mjs";

const SIZES = { inputs: "D, the inputs,", units: "H, the units," };

function render({ model, el }) {
  const [switches, published] = [model.get("switches"), model.get("published")];
  const [rows, weights] = [model.get("stream"), model.get("peepholes")];
  const names = Object.fromEntries(switches);
  const rules = { order: switches.map(([part]) => part), conflicts: model.get("conflicts"), needs: model.get("needs") };
  const [[usualParts, usualName]] = published;
  const usual = readStream(usualParts, rows, weights);
  const usualLines = equations(usualParts);

  const group = controls(el, { role: "group", "aria-label": "Parts of the cell: press one to switch it on or off" });
  const keys = switches.map(([part, name]) =>
    button(group, name, () => set(model, { parts: turn(model.get("parts"), part, rules) })));
  const title = html(el, "div", { class: "controls named" });
  const cell = drawing(el, 200);
  const lines = html(el, "ul", { class: "equations", "aria-label": "The equations of this cell" });
  const stream = drawing(el, 198);
  const line = status(el);

  const show = (happened, before) => {
    const parts = model.get("parts");
    const [D, H] = ["inputs", "units"].map((name) => Math.round(model.get(name)));
    keys.forEach((key, k) => key.setAttribute("aria-pressed", parts.includes(rules.order[k])));
    const found = published.find(([one]) => String(one) === String(parts));
    const called = found ? `This is ${found[1]} (${found[2]}).` : "This is no published cell that this course knows.";
    title.textContent = called;
    drawCell(cell, parts, names);
    writeOut(lines, equations(parts), usualLines);
    const steps = readStream(parts, rows, weights);
    drawStream(stream, rows, steps, usual, usualName);
    const [count, first] = [parts, usualParts].map((one) => countParameters(one, D, H));
    const apart = `${said(Math.abs(count - first))} ${count < first ? "fewer" : "more"} than`;
    const size = found?.[0] === usualParts ? "" : `, ${count === first ? "as many as" : apart} ${usualName}`;
    const looks = parts.includes("peepholes") ? ownGates(asker(parts)) : [];
    const weighed = looks.map((gate) => `${gate} ${number(weights[gate])}`);
    const seen = before ? compare(readStream(before, rows, weights), steps) : "";
    line.textContent =
      `${happened}${called} With ${D} inputs and ${H} units it learns ${said(count)} parameters${size}, and carries ` +
      `${said(countCarried(parts, H))} numbers from step to step. ${seen}` +
      (weighed.length ? `Peepholes, set by hand: ${weighed.join(", ")}. ` : "") +
      `It holds ${all(steps, "c")}${parts.includes("exponential") ? `, with n ${all(steps, "n")},` : ""} ` +
      `and shows ${steps.map(({ h }) => number(h)).join(", ")}.`;
  };

  onChange(model, ["parts", "inputs", "units"], (changed, was) => {
    const sizes = Object.keys(SIZES).filter((name) => changed.includes(name));
    const slid = sizes.map((name) => moved(SIZES[name], was[name], model.get(name), String(model.get(name)))).join("");
    if (!changed.includes("parts")) return show(slid);
    const now = model.get("parts");
    const list = (from, to) => from.filter((part) => !to.includes(part)).map((part) => names[part]).join(", ");
    const [on, off] = [list(now, was.parts), list(was.parts, now)];
    const turned = [on && `Switched on: ${on}. `, off && `Switched off: ${off}. `, ...reasons(was.parts, now, rules)];
    show(slid + turned.filter(Boolean).join(""), was.parts);
  });
  button(controls(el), "Start over", () => set(model, { parts: usualParts }));
  show("");
  return nameSliders(el);
}

const all = (steps, name) => steps.map((step) => step[name].map(number).join(" and ")).join(", ");

const said = (count) => count.toLocaleString("en");

// Where the switch is first seen.
function compare(before, now) {
  const t = now.findIndex(({ h }, k) => number(h) !== number(before[k].h));
  if (t < 0) return "What it shows is the same, to two decimals. ";
  return `At step ${t + 1} it shows ${number(now[t].h)}, and showed ${number(before[t].h)}. `;
}

// A line for each equation; those that the usual cell does not have are marked.
function writeOut(list, lines, usualLines) {
  list.replaceChildren();
  for (const equation of lines) {
    const other = !usualLines.includes(equation);
    const item = html(list, "li", other ? { class: "changed" } : {});
    if (other) html(item, "span", { class: "note" }, "differs");
    for (const [, mark, raised, part, plain] of equation.matchAll(/([_^])(\{[^}]*\}|.)|([figohcC])(?=_(?:t|\{t))|([^_^])/g)) {
      if (part) html(item, "span", { class: `part-${part.toLowerCase()}` }, part);
      else if (plain) item.append(plain);
      else html(item, mark === "_" ? "sub" : "sup", {}, raised.replace(/[{}]/g, ""));
    }
    item.normalize();
  }
}

export default { render };
