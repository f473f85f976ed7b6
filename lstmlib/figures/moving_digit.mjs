// A trained teller in the page: move a digit over the screen, and read the sentence that its film gets.

import { unpack } from "./arrays.mjs";
import { button, choice, controls, drawing, number, onChange, set, status, svg } from "./drawing.mjs";
import { frameOf, look, pathOf, tell } from "./teller_arithmetic.mjs";

const LARGE = { x: 4, y: 4, pixel: 11 }; // the screen on which the digit is moved
const SMALL = { x: 194, y: 22, pixel: 2.375, apart: 42, columns: 4 }; // the film's frames
const FOOT = 206; // the line of the sentence
const ARROWS = { ArrowLeft: 0, ArrowRight: 1, ArrowUp: 2, ArrowDown: 3 };

async function render({ model, el }) {
  const network = await unpack(model.get("data"), model.get("places"));
  const [settings, words] = ["settings", "words"].map((name) => model.get(name));
  const scans = Object.fromEntries(model.get("scans"));
  const directions = words.slice(-settings.steps.length);
  const fields = controls(el);
  const keys = controls(el, { role: "group", "aria-label": "Move the digit by one pixel: arrow keys work here, too" });
  const canvas = drawing(el, FOOT + 10);
  canvas.style.touchAction = "none"; // a finger moves the digit, and not the page
  const line = status(el);

  const now = () => Object.fromEntries(["scan", "start", "moves"].map((name) => [name, model.get(name)]));
  const room = { ...settings, last: settings.frames - 1 };
  const show = (happened) => {
    const { scan, start, moves } = now();
    const path = pathOf(start, moves, settings);
    const answers = path.map((place) => look(frameOf(scans[scan], place, settings), network, settings));
    const found = judge(moves, tell(answers, network, settings), words, settings);
    draw(canvas, scans[scan], path, found.said ? `“${found.said}”` : "It says nothing.", settings);
    line.textContent = happened + report(found, scan, directions, settings);
  };

  choice(fields, "Digit:", model, "scan", Object.keys(scans).map((name) => [name, name]));
  const move = (way) => {
    const { start, moves } = now();
    const { place, why } = step(start, moves, way, room);
    if (place) set(model, { moves: [...moves, way] });
    else line.textContent = REFUSED[why](directions[way], room.last);
  };
  directions.forEach((name, way) => button(keys, name, () => move(way)));
  button(keys, "rest", () => move(-1));
  keys.addEventListener("keydown", (event) => {
    if (!(event.key in ARROWS)) return;
    event.preventDefault();
    move(ARROWS[event.key]);
  });
  button(keys, "Start here", () => set(model, { start: pathOf(now().start, now().moves, settings).at(-1), moves: [] }));
  const middle = settings.room / 2;
  button(keys, "Centre", () => set(model, { start: [middle, middle], moves: [] }));

  let notice = "";
  dragged(canvas, now, room, {
    moving: ({ start, moves }) => draw(canvas, scans[now().scan], pathOf(start, moves, settings), "…", settings),
    done: (drawn, why) => {
      notice = why ? DRAGGED[why](room.last) : "";
      const before = JSON.stringify([now().start, now().moves]);
      if (before === JSON.stringify([drawn.start, drawn.moves])) show(notice);
      else set(model, drawn);
    },
  });
  onChange(model, ["scan", "start", "moves"], (changed, was) => {
    const { scan, start, moves } = now();
    const one = moves.length === was.moves.length + 1 && !changed.includes("start");
    if (changed.includes("scan")) show(`You chose ${scan}. `);
    else if (one && !notice) show(moves.at(-1) < 0 ? "A rest. " : `One pixel ${directions[moves.at(-1)]}. `);
    else if (!moves.length) show(`The film starts at row ${start[0]}, column ${start[1]} now. `);
    else show(notice);
    notice = "";
  });
  show("");
}

const REFUSED = {
  edge: (direction) => `The digit cannot leave the screen: it is at its edge, and goes no further ${direction}.`,
  full: (_, most) => `The film is full: it has room for ${most} moves. “Start here” begins a new one.`,
};
const DRAGGED = {
  edge: () => "It stopped at the edge: the digit cannot leave the screen. ",
  full: (most) => `The film is full after ${most} moves, and the rest of your way is left out. `,
};

// Where one more move leads, or why there is none: the film is full, or the screen is at its end.
export function step(start, moves, way, { frames, steps, room, last }) {
  if (moves.length >= last) return { why: "full" };
  const place = pathOf(start, [...moves, way], { frames, steps })[moves.length + 1];
  return place.every((at) => at >= 0 && at <= room) ? { place } : { why: "edge" };
}

// The ways in one direction, each with its pixels; a rest ends none.
export function legsOf(moves) {
  const legs = [];
  for (const way of moves.filter((one) => one >= 0))
    if (legs.at(-1)?.way === way) legs.at(-1).pixels++;
    else legs.push({ way, pixels: 1 });
  return legs;
}

// Numbers of words as a sentence; undefined where they are none.
export function sentenceOf(said, words, { names, end }) {
  const stop = said.indexOf(end);
  const [name, ...directions] = said.slice(0, Math.max(stop, 0)).map((k) => k - 3); // three signs come first
  if (!(name >= 0 && name < names) || !directions.length || directions.some((k) => k < names)) return undefined;
  const [digit, ...ways] = [name, ...directions].map((k) => words[k + 3]);
  return `${digit === "eight" ? "an" : "a"} ${digit} moves ${ways.join(", then ")}`;
}

// What is made of a film: why nothing is said, or the sentence; the legs, and how probable all is.
export function judge(moves, told, words, settings) {
  const legs = legsOf(moves);
  const found = { ...told, legs };
  const said = sentenceOf(told.words, words, settings);
  const { shortest, legs: most, threshold, names } = settings;
  if (!legs.length) return { ...found, why: "still" };
  if (legs.some(({ pixels }) => pixels < shortest)) return { ...found, why: "short" };
  if (legs.length > most) return { ...found, why: "many" };
  if (!said) return { ...found, why: "none" };
  if (told.probability < threshold) return { ...found, why: "unsure" };
  const ways = told.words.slice(1, told.words.indexOf(settings.end)).map((k) => k - 3 - names);
  const right = String(ways) === String(legs.map(({ way }) => way));
  return { ...found, said, right, name: words[told.words[0]] };
}

function report({ why, said, right, name, legs, probability }, scan, directions, { shortest, legs: most, threshold }) {
  const way = legs.map((leg) => `${directions[leg.way]} ${leg.pixels}`).join(", ");
  const moved = `You moved the scan “${scan}” ${way}`;
  if (why === "still") return "The digit has not moved yet. Drag it over the screen, or press a direction.";
  if (why === "short")
    return (
      `${moved}. No film in training had a way of fewer than ${shortest} pixels in one direction, so the network ` +
      "is not asked. Go on, or begin again."
    );
  if (why === "many")
    return `${moved}. That is ${legs.length} legs. No film in training had more than ${most}, so the network is not asked.`;
  if (why === "none") return `${moved}. What the network says is no sentence, so nothing is said.`;
  if (why === "unsure")
    return (
      `${moved}. The network is not sure enough: its likeliest sentence has a probability of ${number(probability)}, ` +
      `and below ${number(threshold)} it keeps silent.`
    );
  const taken = name === scan ? "" : `, and it takes “${scan}” for “${name}”`;
  const judged = `Its directions are ${right ? "right" : "wrong"}${taken}.`;
  return `The network says “${said}”, with a probability of ${number(probability)}. ${moved}. ${judged}`;
}

// Calls `moving` while the digit is dragged, and `done` when it is let go, with the way and what stopped it.
function dragged(canvas, now, room, { moving, done }) {
  let held = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = 360 / box.width;
    const place = [(event.clientY - box.top) * scale - LARGE.y, (event.clientX - box.left) * scale - LARGE.x];
    return place.map((value) => value / LARGE.pixel); // row and column
  };
  canvas.addEventListener("pointerdown", (event) => {
    const pointer = at(event);
    if (held || event.button !== 0 || pointer.some((value) => value < 0 || value > room.screen)) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    let place = pathOf(now().start, now().moves, room).at(-1);
    const inside = place.every((value, k) => pointer[k] >= value && pointer[k] <= value + room.size);
    // Pressed beside the digit: it comes to the pointer
    const wanted = (value) => Math.max(0, Math.min(room.room, Math.round(value - room.size / 2)));
    if (!inside) place = pointer.map(wanted);
    const grip = pointer.map((value, k) => value - place[k]);
    held = { pointer: event.pointerId, grip, start: place, place, moves: [] };
    moving(held);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.pointer) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) follow(held, at(one), room);
    moving(held);
  });
  const lift = (event) => {
    if (event.pointerId !== held?.pointer) return;
    const { start, moves, why } = held;
    held = null;
    done({ start, moves }, why);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
}

// The digit goes after the pointer, pixel by pixel. A hand trembles: to turn takes more than to go on.
export function follow(held, pointer, room) {
  for (;;) {
    const far = pointer.map((value, k) => value - held.grip[k] - held.place[k]);
    const ways = far.map((value, k) => room.steps.findIndex((one) => one[k] === Math.sign(value)));
    const over = far.map((value, k) => Math.abs(value) - (held.moves.length && ways[k] !== held.moves.at(-1) ? 1.75 : 0.75));
    const axis = over[0] > over[1] ? 0 : 1;
    if (over[axis] <= 0) return;
    const way = ways[axis];
    const { place, why } = step(held.start, held.moves, way, room);
    if (!place) {
      held.why = why;
      return;
    }
    held.moves = [...held.moves, way];
    held.place = place;
  }
}

function draw(canvas, scan, path, said, { screen, size }) {
  canvas.replaceChildren();
  const greys = [...new Set(scan.flat())].filter((grey) => grey > 0);
  const cells = (grey) =>
    scan.flatMap((pixels, y) => pixels.map((one, x) => (one === grey ? `M${x} ${y}h1.02v1.02h-1.02z` : ""))).join("");
  const shapes = greys.map((grey) => ({ d: cells(grey), class: "shutter", opacity: grey }));
  const put = ([row, column], { x, y, pixel }) => {
    svg(canvas, "rect", { x, y, width: screen * pixel, height: screen * pixel, class: "box" });
    const at = `translate(${x + pixel * column} ${y + pixel * row}) scale(${pixel})`;
    const digit = svg(canvas, "g", { transform: at });
    for (const shape of shapes) svg(digit, "path", shape);
  };
  put(path.at(-1), LARGE);
  const middle = ([row, column]) =>
    [LARGE.x + LARGE.pixel * (column + size / 2), LARGE.y + LARGE.pixel * (row + size / 2)].join(" ");
  svg(canvas, "path", { class: "curve", d: `M${path.map(middle).join(" L")}`, "stroke-linecap": "round" });
  const [x, y] = middle(path[0]).split(" ");
  svg(canvas, "circle", { cx: x, cy: y, r: 4, class: "positive" });
  svg(canvas, "text", { x: SMALL.x + 82, y: 14, class: "heading small" }, "the twelve frames of the film");
  path.forEach((place, t) => {
    const [column, row] = [t % SMALL.columns, Math.floor(t / SMALL.columns)];
    put(place, { x: SMALL.x + SMALL.apart * column, y: SMALL.y + SMALL.apart * row, pixel: SMALL.pixel });
  });
  svg(canvas, "text", { x: 180, y: FOOT, class: "value" }, said);
  canvas.setAttribute(
    "aria-label",
    `A screen with the digit in its last place, row ${path.at(-1)[0]} and column ${path.at(-1)[1]}, and its path as a ` +
      "line from a dot. Beside it the twelve frames. The line below says the path and the sentence.",
  );
}

export default { render };
