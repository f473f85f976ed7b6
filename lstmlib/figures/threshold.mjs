// A stretch of an electrocardiogram, a detector's score of each beat below it, and a threshold to move.

import { unpack } from "./arrays.mjs";
import { choice, controls, drawing, field, nameSliders, number, onChange, moved, status, svg } from "./drawing.mjs";
import { countAlarms } from "./threshold_arithmetic.mjs";

const [LEFT, RIGHT] = [30, 344];
const SIGNAL = [30, 118]; // top and bottom of the two panels
const SCORE = [154, 224];
const NAMES = { threshold: "the threshold", start: "the picture's first second" };

async function render({ model, el }) {
  const [kinds, hz, hours, [low, high], seconds] =
    ["kinds", "hz", "hours", "limits", "seconds"].map((name) => model.get(name));
  const { signal, beat, kind, odd, drawn, scores } = await unpack(model.get("data"), model.get("places"));
  const spans = kind.map((_, n) => [beat.indexOf(n) / hz, (beat.lastIndexOf(n) + 1) / hz]);
  const detectors = model.get("detectors");
  const row = controls(el);
  const canvas = drawing(el, 244);
  const line = status(el);

  const show = (happened) => {
    const [threshold, start, name] = ["threshold", "start", "detector"].map((one) => model.get(one));
    const which = detectors.indexOf(name);
    const found = countAlarms(scores[which], odd, threshold, hours);
    const beats = spans.map(([begin, end], n) => {
      const score = drawn[which][n];
      return { begin, end, kind: kinds[kind[n]], odd: kind[n] > 0, score, alarm: score > threshold };
    });
    const seen = beats.filter(({ begin, end }) => end > start && begin < start + seconds);
    draw(canvas, { signal, beats: seen, threshold, start, seconds, hz, low, high });
    const tell = seen.filter((one) => one.odd || one.alarm).map((one) => {
      const verdict = !one.alarm ? "missed" : one.odd ? "alarm" : "false alarm";
      return `${one.kind} beat at ${one.begin.toFixed(1)} s, ${verdict}`;
    });
    const precision = found.precision === null ? "no alarm, so no precision" : `precision ${number(found.precision)}`;
    line.textContent =
      `${happened}${name}, threshold ${number(threshold)}. Over ${number(hours)} hours ${found.alarms} alarms: ` +
      `${precision}, recall ${number(found.recall)}, ${Math.round(found.falsePerHour)} false alarms an hour. ` +
      `From ${start} to ${start + seconds} s: ${tell.length ? tell.join("; ") : "no odd beat and no alarm"}.`;
  };

  const typed = (text) => {
    const value = Number(text.trim().replace(",", "."));
    if (!text.trim() || Number.isNaN(value)) return `“${text}” is not a number.`;
    if (value < low || value > high) return `A threshold must lie from ${low} to ${high}, and ${text.trim()} does not.`;
    return { threshold: value };
  };
  choice(row, "Detector:", model, "detector", detectors.map((name) => [name, name]));
  field(row, "Threshold:", model, "threshold", line, typed, { size: 5, inputmode: "decimal" });
  onChange(model, ["detector", ...Object.keys(NAMES)], (changed, was) => {
    const moves = changed.filter((name) => name in NAMES);
    show(moves.map((name) => moved(NAMES[name], was[name], model.get(name))).join(""));
  });
  show("");
  return nameSliders(el);
}

function draw(canvas, { signal, beats, threshold, start, seconds, hz, low, high }) {
  canvas.replaceChildren();
  canvas.setAttribute(
    "aria-label",
    `Above, ${seconds} seconds of the signal with the odd beats shaded and named; below, the score of each ` +
      "beat, and the threshold as a dashed line. A triangle marks an alarm for an odd beat, a cross a " +
      "false one. The line below says which.",
  );
  const x = (second) => LEFT + ((RIGHT - LEFT) * (second - start)) / seconds;
  const within = (second) => Math.max(LEFT, Math.min(RIGHT, x(second)));
  const y = ([top, bottom], share) => bottom - (bottom - top) * Math.max(0, Math.min(1, share));
  for (const { begin, end, kind } of beats.filter((one) => one.odd)) {
    const [from, to] = [within(begin), within(end)];
    svg(canvas, "rect", { x: from, y: 18, width: to - from, height: SCORE[1] - 18, class: "gate" });
    if (to - from > 20) svg(canvas, "text", { x: (from + to) / 2, y: 14, class: "small" }, kind);
  }
  const [from, to] = [Math.ceil(start * hz), Math.floor((start + seconds) * hz)];
  const points = signal.slice(from, to + 1).map((mV, k) =>
    `${x((from + k) / hz).toFixed(1)} ${y(SIGNAL, (mV + 0.8) / 2.3).toFixed(1)}`);
  svg(canvas, "path", { d: `M${points.join(" L")}`, class: "flow", "stroke-width": 1.2 });
  const share = (value) => y(SCORE, (value - low) / (high - low));
  for (const { begin, end, score } of beats)
    svg(canvas, "path", { d: `M${within(begin) + 1} ${share(score)} H${within(end) - 1}`, class: "curve" });
  svg(canvas, "line", { x1: LEFT, y1: share(threshold), x2: RIGHT, y2: share(threshold), class: "bound" });
  for (const value of [low, high])
    svg(canvas, "text", { x: LEFT - 4, y: share(value) + 4, class: "small end" }, value);
  svg(canvas, "text", { x: LEFT - 4, y: y(SIGNAL, 1.8 / 2.3) + 4, class: "small end" }, "1 mV");
  svg(canvas, "text", { x: LEFT - 4, y: y(SIGNAL, 0.8 / 2.3) + 4, class: "small end" }, "0");
  svg(canvas, "text", { x: RIGHT, y: 146, class: "small end name" }, "score of each beat");
  for (let k = 0; k <= seconds; k += 2)
    svg(canvas, "text", { x: x(start + k), y: 238, class: "small" }, `${start + k} s`);
  for (const { end, odd } of beats.filter((one) => one.alarm && one.end <= start + seconds)) {
    const [at, base] = [x(end), 130];
    if (odd) svg(canvas, "path", { d: `M${at - 5} ${base} h10 l-5 -9 Z`, class: "positive" });
    else svg(canvas, "path", {
      d: `M${at - 4} ${base} l8 -8 m-8 0 l8 8`, class: "link negative", "stroke-width": 2.5,
    });
  }
}

export default { render };
