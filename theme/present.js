// `?present` at the end of a page's address shows its live figures one by one over the whole window, each with the
// questions that the page asks about it: for a lecture hall. `?present=2` begins with the second.
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

// What is asked about a figure is a list, or a box of things to try, behind the figure or before it: with the
// paragraph that leads to it, and those between it and the figure. Where a section has neither, it is the nearest
// paragraph.
const ASKED = "ol, ul, div.admonition.tip:not(.dropdown)";

function questions(cell) {
  const texts = (side) => {
    const found = [];
    for (let next = cell[side]; next && !next.matches("section, h1, h2, h3"); next = next[side]) found.push(next);
    return found;
  };
  const behind = texts("nextElementSibling"), before = texts("previousElementSibling");
  const isParagraph = (one) => one?.matches("p");
  const list = behind.find((one) => one.matches(ASKED)) ?? before.find((one) => one.matches(ASKED));
  const lead = list?.previousElementSibling;
  const between = before.slice(0, Math.max(before.indexOf(list), 0)).reverse();
  const asked = list ? [lead, list, ...between] : [[...before, ...behind].find(isParagraph)];
  return asked.filter((one) => one === list || isParagraph(one)).map((one) => one.cloneNode(true));
}

export function present() {
  const figures = [...document.querySelectorAll(".widget-subarea")];
  const first = new URLSearchParams(location.search).get("present");
  if (first === null || !figures.length) return;
  let shown = 0, home = null;
  const stage = make("dialog", { className: "stage", tabIndex: -1 });
  const above = make("div", { className: "stage-question" });
  const place = make("div", { className: "stage-figure" });
  const controls = make("div", { className: "stage-controls" });
  const button = (text, act) => controls.append(make("button", { type: "button", textContent: text, onclick: act }));
  const putBack = () => home?.replaceWith(figures[shown]);
  const show = (number) => {
    putBack();
    shown = (number + figures.length) % figures.length;
    const cell = figures[shown].closest("div.cell");
    const heading = cell.closest("section")?.querySelector("h1, h2, h3");
    const title = heading?.firstChild?.textContent ?? document.title;
    above.replaceChildren(make("h1", { textContent: title }), ...questions(cell));
    home = make("div");
    figures[shown].replaceWith(home);
    place.replaceChildren(figures[shown]);
    stage.setAttribute("aria-label", `Live figure ${shown + 1} of ${figures.length}: ${title}`);
    stage.scrollTop = 0;
  };
  if (figures.length > 1) {
    button("Previous figure", () => show(shown - 1));
    button("Next figure", () => show(shown + 1));
  }
  button("Back to the page", () => stage.close());
  stage.append(above, place, controls);
  // A slider keeps keys to itself, so the browser's own way out does not hear of it.
  stage.addEventListener("keydown", (event) => event.key === "Escape" && stage.close(), true);
  stage.addEventListener("close", () => {
    putBack();
    stage.remove();
  });
  document.body.append(stage);
  show(Math.min(Math.max(Math.trunc(first) || 1, 1), figures.length) - 1);
  stage.showModal();
  stage.focus({ preventScroll: true }); // not the first button: the questions above it would be out of sight
  stage.scrollTop = 0;
}
