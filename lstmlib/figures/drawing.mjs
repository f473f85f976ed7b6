// What every figure shares: elements, numbers as text, controls, and names for the sliders around it.

const put = (parent, element, attributes, text) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
};

export const svg = (parent, tag, attributes = {}, text) =>
  put(parent, document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, text);

// Where this says nothing, Jupyter takes keys for itself: an arrow folds the section above the figure.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

export const html = (parent, tag, attributes = {}, text) =>
  put(parent, document.createElement(tag), { ...OWN_KEYS, ...attributes }, text);

// A drawing as wide as every figure's; `label` says what it shows.
export const drawing = (parent, height, label = "") =>
  svg(parent, "svg", { viewBox: `0 0 360 ${height}`, role: "img", "aria-label": label });

// Two decimals, a true minus sign, and no "−0.00".
export const number = (value) => {
  const rounded = value.toFixed(2);
  return (rounded === "-0.00" ? "0.00" : rounded).replace("-", "−");
};

// A number of any size, as 3.2 × 10⁻⁴; `bare` leaves only the power of ten.
export const power = (value, bare = false) => {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(1).split("e");
  const raised = [...String(Number(exponent))].map((digit) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(digit)]);
  return `${bare ? "" : `${mantissa} × `}10${raised.join("")}`;
};

// Sign is told by the class, for the colour, and by the minus of the number beside it.
export const sign = (value) => (value < 0 ? "negative" : "positive");

// A row for buttons and fields.
export const controls = (parent, attributes = {}) => html(parent, "div", { class: "controls", ...attributes });

export function button(parent, text, onClick) {
  const made = html(parent, "button", { type: "button" }, text);
  made.addEventListener("click", onClick);
  return made;
}

// An element with its label before it. Each figure has a copy of this module, so no counter would do.
function labelled(parent, label, tag, attributes = {}) {
  const id = `lstmlib-${Math.random().toString(36).slice(2)}`;
  html(parent, "label", { for: id }, label);
  return html(parent, tag, { id, ...attributes });
}

// A list to choose the model's value `name` from: pairs of a value and what stands in the list.
export function choice(parent, label, model, name, options) {
  const list = labelled(parent, label, "select");
  for (const [value, shown] of options) list.append(new Option(shown, value));
  const follow = () => (list.value = model.get(name));
  list.addEventListener("change", () => set(model, { [name]: options[list.selectedIndex][0] }));
  model.on(`change:${name}`, follow);
  follow();
}

// A field for the model's value `name`. `read` makes of a text the values that it sets, or a sentence
// that says why it sets none: the line shows that, and the figure stays as it was.
export function field(parent, label, model, name, line, read, attributes) {
  const typed = labelled(parent, label, "input", { value: model.get(name), autocomplete: "off", ...attributes });
  typed.addEventListener("input", () => {
    const found = read(typed.value);
    const wrong = typeof found === "string";
    typed.setAttribute("aria-invalid", wrong);
    const now = String(model.get(name));
    if (wrong) line.textContent = `${found} The figure still shows ${now}${/[.?!]$/.test(now) ? "" : "."}`;
    else set(model, found);
  });
  model.on(`change:${name}`, () => {
    // Set from Python or in another view, unless it was typed here
    if (read(typed.value)[name] !== model.get(name)) typed.value = model.get(name);
    typed.setAttribute("aria-invalid", false);
  });
}

// A line that shows the figure's values, and that a screen reader speaks when it changes.
export const status = (parent) => html(parent, "p", { "aria-live": "polite" });

// All that a control does: it draws nothing, for `onChange` draws, in every view.
export function set(model, values) {
  model.set(values);
  model.save_changes();
}

// Calls back after a change of any of these values, whoever made it: this view, another view of the
// same figure, or Python. `changed` are the names of those that differ, `was` holds all as they were.
export function onChange(model, names, callback) {
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let now = read();
  model.on("change", () => {
    const was = now;
    now = read();
    const changed = names.filter((name) => JSON.stringify(now[name]) !== JSON.stringify(was[name]));
    if (changed.length) callback(changed, was);
  });
}

// A sentence for a number that was moved.
export const moved = (what, was, now, said = number(now)) =>
  `You ${now < was ? "lowered" : "raised"} ${what} to ${said}. `;

// Shows what happened when a slider moves; `names` says what each value is, `say` what it has become.
export const onMove = (model, names, show, say = number) =>
  onChange(model, Object.keys(names), (changed, was) => {
    const now = (name) => model.get(name);
    show(changed.map((name) => moved(names[name], was[name], now(name), say(now(name), name))).join(""));
  });

// ipywidgets draws a slider's label beside it but ties it to nothing: its handle and its readout
// have no accessible name. They may also be drawn after this canvas, hence the observer.
export function nameSliders(canvas) {
  const name = (figure) => {
    for (const slider of figure.querySelectorAll(".widget-slider")) {
      const label = slider.querySelector(".widget-label")?.textContent;
      const handle = slider.querySelector("[role=slider]");
      handle?.setAttribute("aria-label", label);
      for (const [key, value] of Object.entries(OWN_KEYS)) handle?.setAttribute(key, value);
      const readout = slider.querySelector(".widget-readout");
      readout?.setAttribute("role", "textbox");
      readout?.setAttribute("aria-label", `${label}, type a value`);
    }
  };
  const observer = new MutationObserver(() => name(canvas.closest(".lstmlib-figure")));
  const start = () => {
    const figure = canvas.closest(".lstmlib-figure");
    if (!figure) return void (frame = requestAnimationFrame(start));
    name(figure);
    observer.observe(figure, { childList: true, subtree: true });
  };
  let frame = requestAnimationFrame(start);
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
  };
}
