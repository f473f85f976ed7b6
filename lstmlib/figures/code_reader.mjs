// A text to type, coloured by a unit of a trained network and of the same one before training; the gates at a
// place, a unit to hold still, and a network that writes on.

import { unpack } from "./arrays.mjs";
import { chanceFrom } from "./chance.mjs";
import { gatesOf, heldStill, meanNats, meanOutput, nextOf, numbersOf, reading, writeOn } from "./code_arithmetic.mjs";
import { CELL, drawLegend, drawStates, drawTable, drawText, heightOf, layOut, moveMark, placeAt } from "./code_drawing.mjs";
import { spell, strange, textField, wrongWith } from "./code_text.mjs";
import { button, controls, drawing, field, html, moved, nameSliders, number, onChange, set, status, svg } from "./drawing.mjs";

const [FIRST, LATER] = [5, 12]; // milliseconds of reading: before the picture, and at a time after it
const PAUSE = 30; // between two characters that are written
const LIKELY = 5;
const VALUES = ["text", "written", "place", "unit", "still", "temperature", "seed"];

async function render({ model, el }) {
  const { lstm, readout, fresh } = await unpack(model.get("data"), model.get("places"));
  const whole = { lstm, readout };
  const [alphabet, longest, most, once, highest] =
    ["alphabet", "longest", "most", "once", "highest"].map((name) => model.get(name));
  const [trained, untrained] = [reading(whole), reading({ lstm: fresh })];
  const area = textField(el, model, (text) => wrongWith(text, longest), (said) => (line.textContent = said));
  const legend = drawing(el, 36, "What the colours mean");
  const scroll = html(el, "div", { class: "text", role: "slider", tabindex: 0, "aria-label": "place in the text", "aria-valuemin": 1 });
  const canvas = drawing(scroll, 0, "The text, coloured by the cell state of the unit. The line below says the values.");
  const [states, text] = [svg(canvas, "g"), svg(canvas, "g")];
  const mark = svg(canvas, "rect", { class: "mark" });
  const table = drawing(el, 108, "The unit's gates, and what may come next. The line below says the same.");
  const row = controls(el);
  const line = status(el);
  let [characters, typed, numbers, places, held, ready, pictured, waiting, writing] =
    [[], 0, [], [], null, false, false, 0, 0];

  // Reads what is new, and is back within a frame: what takes longer goes on after it.
  const update = (happened) => {
    clearTimeout(waiting);
    [ready, pictured] = [false, false];
    const first = [...model.get("text")];
    characters = [...first, ...model.get("written")];
    typed = first.length;
    numbers = numbersOf(characters, alphabet);
    trained.turnTo(numbers);
    untrained.turnTo(numbers);
    readSome(happened, FIRST);
  };
  const readSome = (happened, long) => {
    const stop = performance.now() + long;
    const readAll = (reader, doing) => {
      while (reader.left()) {
        if (performance.now() > stop) {
          const done = Math.round(100 * (1 - reader.left() / numbers.length));
          line.textContent = `${happened}Reading the text ${doing} … ${done} %`;
          waiting = setTimeout(readSome, 0, happened, LATER);
          return false;
        }
        reader.readOne();
      }
      return true;
    };
    if (!readAll(trained, "with the trained network") || !readAll(untrained, "with the untrained one")) return;
    const unit = unitNow();
    if (!model.get("still")) held = null;
    else {
      const level = meanOutput(trained, typed, unit);
      if (held?.unit !== unit || held.level !== level) {
        const network = heldStill(whole, unit, level);
        held = { unit, level, network, ...reading(network) };
      }
      held.turnTo(numbers);
      if (!readAll(held, `with unit ${unit} held still`)) {
        if (!pictured) draw(false);
        return;
      }
    }
    ready = true;
    draw(true);
    show(happened);
  };
  // A number typed beside the slider need not be whole.
  const unitNow = () => Math.max(0, Math.min(Math.round(model.get("unit")), lstm.b.length / 4 - 1));
  const placeNow = () => Math.min(model.get("place"), characters.length - 1);
  const risesNow = () => held.nats.map((nats, t) => (nats === null ? null : nats - trained.nats[t]));

  // The whole picture; the text itself only where it is another.
  let shown = "";
  const draw = (withRises) => {
    pictured = true;
    const columns = Math.max(20, Math.floor((scroll.clientWidth || 360) / CELL));
    const still = model.get("still");
    const key = JSON.stringify([columns, still, typed, characters]);
    if (key !== shown) {
      places = layOut(characters, columns);
      canvas.setAttribute("viewBox", `0 0 ${(columns * CELL).toFixed(1)} ${heightOf(places, still)}`);
      drawText(text, characters, numbers, places, typed, still);
      drawLegend(legend, still);
      shown = key;
    }
    const unit = unitNow();
    const moves = ({ states }) => {
      const c = states.slice(1).map((state) => state.c[unit]);
      const mean = c.slice(0, typed).reduce((sum, value) => sum + value, 0) / typed;
      return c.map((value) => value - mean);
    };
    drawStates(states, moves(trained), moves(untrained), still ? (withRises ? risesNow() : []) : null, places);
  };
  const show = (happened) => {
    if (!ready) return;
    const [place, unit, temperature, still] = [placeNow(), unitNow(), model.get("temperature"), model.get("still")];
    moveMark(mark, places[place], still);
    scroll.setAttribute("aria-valuemax", characters.length);
    scroll.setAttribute("aria-valuenow", place + 1);
    scroll.setAttribute("aria-valuetext", place + 1);
    const active = still ? held : trained;
    const [gates, before] = [[trained, lstm], [untrained, fresh]].map(([{ states }, params]) =>
      ({ ...gatesOf(numbers[place], states[place], params, unit), c: states[place + 1].c[unit] }));
    const p = nextOf(trained.states[place + 1], readout);
    const [now, drawn] = [1, temperature].map((t) =>
      nextOf(active.states[place + 1], still ? held.network.readout : readout, t));
    const likely = p.map((_, k) => k).sort((a, b) => p[b] - p[a] || a - b).slice(0, LIKELY);
    const names = { i: "input gate", f: "forget gate", g: "candidate", o: "output gate", c: "cell state" };
    const rows = Object.entries(names).map(([part, said]) => [said, gates[part], before[part], part]);
    const next = likely.map((k) => [alphabet[k], p[k], drawn[k], now[k]]);
    drawTable(table, { unit, rows, next, temperature, held: still });
    if (writing) return void (line.textContent = "Writing …");
    const values = rows.map(([name, one]) => `${name} ${number(one)}`).join(", ");
    line.textContent =
      `${happened}${strange(characters, numbers, alphabet)}Character ${place + 1} of ${characters.length}, ` +
      `${spell(characters[place])}${place < typed ? "" : ", which the network wrote"}: unit ${unit} has ${values} ` +
      `(before training ${number(before.c)}). Likeliest next: ` +
      `${next.map(([character, one]) => `${spell(character)} ${number(one)}`).join(", ")}. ${lost(still && held, unit)}`;
  };
  const lost = (still, unit) => {
    const nats = meanNats(trained, typed);
    if (nats === null) return "A text of one character has no loss: nothing comes before it.";
    const begin = `Over the typed text the network loses ${number(nats)} nats a character`;
    if (!still) return `${begin}.`;
    const rises = risesNow().slice(0, typed).map((rise, t) => [rise ?? 0, t]);
    const worst = rises.filter(([rise]) => rise > 0.05).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const where = worst.map(([rise, t]) => `${spell(characters[t])} (character ${t + 1}, by ${number(rise)})`);
    return (
      `${begin}, and ${number(meanNats(still, typed))} with unit ${unit} held still at ${number(still.level)}. ` +
      (where.length ? `It rises most at ${where.join(", ")}.` : "It rises nowhere by more than 0.05.")
    );
  };

  const stopWriting = () => {
    clearTimeout(writing);
    writing = 0;
    long.textContent = `Write ${once}`;
  };
  const write = (count) => {
    const { length } = model.get("written");
    if (length >= most) return `The network has written ${most} characters, and the figure has room for no more. `;
    const active = held ?? { ...trained, network: whole };
    const chance = chanceFrom(model.get("seed") * most + length);
    const options = { temperature: model.get("temperature"), chance, count: Math.min(count, most - length) };
    const made = writeOn(active.states.at(-1), active.network, options).map((k) => alphabet[k]).join("");
    set(model, { written: model.get("written") + made, place: characters.length + made.length - 1 });
  };
  const writeLong = () => {
    if (writing) {
      stopWriting();
      return show("Stopped. ");
    }
    if (!ready) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return show(write(once) ?? `It wrote ${once} characters. `);
    let left = once;
    const some = () => {
      const full = ready && (!left-- || write(1));
      if (!full) return void (writing = setTimeout(some, PAUSE));
      stopWriting();
      show(full === true ? "It wrote on. " : full);
    };
    long.textContent = "Stop";
    line.textContent = "Writing …";
    writing = setTimeout(some, 0);
  };
  const hold = button(row, "Hold this unit still", () => set(model, { still: !model.get("still") }));
  button(row, "Write 1", () => {
    const full = ready && write(1);
    if (full) show(full);
  });
  const long = button(row, `Write ${once}`, writeLong);
  button(row, "Back to what you typed", () => {
    if (!model.get("written")) show("All of it was typed. ");
    else set(model, { written: "" });
  });
  const seeds = (given) => {
    if (!/^\d+$/.test(given.trim()) || Number(given) > highest)
      return `The seed must be a whole number from 0 to ${highest}, and “${given.slice(0, 20)}” is none.`;
    return { seed: Number(given) };
  };
  field(row, "Seed:", model, "seed", line, seeds, { size: 3, inputmode: "numeric" });

  const goTo = (place) => set(model, { place: Math.max(0, Math.min(place, characters.length - 1)) });
  scroll.addEventListener("keydown", (event) => {
    const [place, end] = [placeNow(), characters.length - 1];
    const along = (rows) => {
      const to = Math.max(0, Math.min(places[place].row + rows, places[end].row));
      return places.findLastIndex(({ row: one, column }) => one === to && column <= places[place].column);
    };
    const steps = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: along(-1), ArrowDown: along(1), Home: 0, End: end,
      PageUp: along(-5), PageDown: along(5) };
    if (!(event.key in steps) || !ready) return;
    event.preventDefault();
    goTo(steps[event.key]);
    follow();
  });
  // The mark stays in sight, and the page where it is.
  const follow = () => {
    const [box, at] = [scroll.getBoundingClientRect(), mark.getBoundingClientRect()];
    if (at.top < box.top) scroll.scrollTop -= box.top - at.top + 4;
    if (at.bottom > box.bottom) scroll.scrollTop += at.bottom - box.bottom + 4;
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.viewBox.baseVal.width / box.width;
    const place = placeAt(places, scale * (event.clientX - box.left), scale * (event.clientY - box.top), model.get("still"));
    if (ready && place >= 0 && place !== placeNow()) goTo(place);
  };
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons && event.pointerType === "mouse") point(event);
  });

  const told = (changed, was) => {
    const [unit, temperature] = [unitNow(), model.get("temperature")];
    const written = model.get("written");
    if (changed.includes("text")) return "The text has changed. ";
    if (changed.includes("still")) return model.get("still") ? `Unit ${unit} is held still. ` : `Unit ${unit} moves again. `;
    if (changed.includes("unit")) return `You chose unit ${unit}. `;
    if (changed.includes("temperature")) return moved("the temperature", was.temperature, temperature, temperature.toFixed(1));
    if (changed.includes("seed")) return `Seed ${model.get("seed")} draws from now on. `;
    if (!changed.includes("written")) return "";
    if (!written) return "Back to what you typed. ";
    const made = written.slice(was.written.length);
    return made.length === 1 ? `It wrote ${spell(made)}. ` : `It wrote ${made.length} characters. `;
  };
  onChange(model, VALUES, (changed, was) => {
    hold.setAttribute("aria-pressed", model.get("still"));
    if (changed.includes("text") || model.get("written").length < was.written.length) stopWriting();
    if (["text", "written", "unit", "still"].some((name) => changed.includes(name))) update(told(changed, was));
    else show(told(changed, was));
    if (changed.includes("written") && ready) follow();
  });
  hold.setAttribute("aria-pressed", model.get("still"));
  update("");
  const resized = new ResizeObserver(() => {
    if (!ready) return;
    draw(true);
    moveMark(mark, places[placeNow()], model.get("still"));
  });
  resized.observe(scroll);
  const forget = nameSliders(el);
  return () => {
    clearTimeout(waiting);
    clearTimeout(writing);
    resized.disconnect();
    forget();
    area.remove();
  };
}

export default { render };
