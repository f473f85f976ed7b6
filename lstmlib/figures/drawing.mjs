// What every figure shares: SVG elements, numbers as text, and names for the sliders around it.

export function svg(parent, tag, attributes = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

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

export function button(parent, label, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = label;
  element.addEventListener("click", onClick);
  parent.append(element);
  return element;
}

// A line that shows the figure's values, and that a screen reader speaks when it changes.
export function status(parent) {
  const line = document.createElement("p");
  line.setAttribute("aria-live", "polite");
  parent.append(line);
  return line;
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

// ipywidgets draws a slider's label beside it but ties it to nothing: its handle and its readout
// have no accessible name. They may also be drawn after this canvas, hence the observer.
export function nameSliders(canvas) {
  const name = (figure) => {
    for (const slider of figure.querySelectorAll(".widget-slider")) {
      const label = slider.querySelector(".widget-label")?.textContent;
      slider.querySelector("[role=slider]")?.setAttribute("aria-label", label);
      const readout = slider.querySelector(".widget-readout");
      readout?.setAttribute("role", "textbox");
      readout?.setAttribute("aria-label", `${label}, type a value`);
    }
    // Else Jupyter Notebook takes their keys for itself: an arrow folds the section above the slider.
    for (const control of figure.querySelectorAll("[role=slider], button, select, input"))
      control.dataset.lmSuppressShortcuts = "true";
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
