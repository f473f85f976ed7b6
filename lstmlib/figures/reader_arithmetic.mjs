// A trained reader's arithmetic: ink at points of equal distance, a convolution, two LSTMs that read from both
// ends, softmax, and what connectionist temporal classification makes of it. tests/test_arithmetic.py holds it
// equal to lstmlib.

import { dot, lstmCell, sigmoid } from "./cell_arithmetic.mjs";
import { softmax } from "./translator_arithmetic.mjs";

const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

// n + 1 places of equal distance along a stroke, n being its length by step, rounded, and at least 1.
function evenly(stroke, step) {
  const path = stroke.filter((place, k) => k === 0 || distance(place, stroke[k - 1]) > 0);
  const at = [0];
  for (let k = 1; k < path.length; k++) at.push(at[k - 1] + distance(path[k - 1], path[k]));
  const count = Math.max(1, Math.floor(at.at(-1) / step + 0.5));
  let k = 0;
  return Array.from({ length: count + 1 }, (_, n) => {
    const wanted = (at.at(-1) * n) / count;
    if (n === 0 || path.length === 1) return path[0];
    if (n === count) return path.at(-1);
    while (at[k + 1] < wanted) k++;
    const share = (wanted - at[k]) / (at[k + 1] - at[k]);
    return path[k].map((value, axis) => value + share * (path[k + 1][axis] - value));
  });
}

// Standard deviation of the height, each bit of path with the weight of its length.
export function spread(strokes) {
  const bits = strokes.flatMap((stroke) =>
    stroke.slice(1).map((place, k) => ({
      length: distance(stroke[k], place),
      middle: (stroke[k][1] + place[1]) / 2,
      rise: place[1] - stroke[k][1],
    })));
  const total = bits.reduce((sum, { length }) => sum + length, 0);
  if (total === 0) return 0;
  const mean = (f) => bits.reduce((sum, bit) => sum + bit.length * f(bit), 0) / total;
  const centre = mean(({ middle }) => middle);
  return Math.sqrt(mean(({ middle, rise }) => (middle - centre) ** 2 + rise ** 2 / 12));
}

// Strokes as the network reads them: points (dx, dy, up), and where each lies on the paper.
export function forReading(strokes, { step, wanted, furthest }) {
  const scale = wanted / spread(strokes);
  const even = strokes.map((stroke) => evenly(stroke.map((place) => place.map((value) => value * scale)), step));
  const clipped = (value) => Math.max(-furthest, Math.min(furthest, value)) / step;
  let before = even[0][0];
  const points = even.flatMap((stroke) =>
    stroke.map((place, k) => {
      const moved = place.map((value, axis) => clipped(value - before[axis]));
      before = place;
      return [...moved, k === 0 ? 1 : 0];
    }));
  return { points, places: even.flat().map((place) => place.map((value) => value / scale)) };
}

// Every `stride`-th point is the middle of a window; W has a row for each filter: all of the window's points in
// turn, and 0 stands beyond both ends. ReLU.
export function convolve(points, { W, b }, stride) {
  const wide = W[0].length / points[0].length;
  const beyond = Array(points[0].length).fill(0);
  const steps = Math.ceil(points.length / stride);
  return Array.from({ length: steps }, (_, t) => {
    const first = stride * t - Math.floor(wide / 2);
    const seen = Array.from({ length: wide }, (_, k) => points[first + k] ?? beyond).flat();
    return b.map((bias, k) => Math.max(0, bias + dot(W[k], seen)));
  });
}

// h at every step, from zero on; the gates' rows are stacked i, f, g, o.
export function runLSTM(inputs, { W_x, W_h, b }) {
  const H = b.length / 4;
  let [h, c] = [Array(H).fill(0), Array(H).fill(0)];
  return inputs.map((x) => {
    const a = b.map((bias, k) => bias + dot(W_x[k], x) + dot(W_h[k], h));
    const units = c.map((c_prev, k) =>
      lstmCell({
        i: sigmoid(a[k]),
        f: sigmoid(a[H + k]),
        g: Math.tanh(a[2 * H + k]),
        o: sigmoid(a[3 * H + k]),
        c_prev,
      }));
    c = units.map((unit) => unit.c);
    return (h = units.map((unit) => unit.h));
  });
}

// For each step the probability of every symbol.
export function read(points, { convolution, there, back, readout }, stride) {
  const seen = convolve(points, convolution, stride);
  const left = runLSTM(seen, there);
  const right = runLSTM([...seen].reverse(), back).reverse();
  return left.map((h, t) => {
    const both = [...h, ...right[t]];
    return softmax(readout.b.map((bias, k) => bias + dot(readout.W[k], both)));
  });
}

// The likeliest symbol at each step, repeats merged, blanks (symbol 0) taken out: symbols, and the step at which
// each has its highest probability.
export function greedy(y) {
  const said = [];
  let before = 0;
  y.forEach((row, t) => {
    const symbol = row.indexOf(Math.max(...row));
    if (symbol !== 0 && symbol !== before) said.push({ symbol, at: t });
    else if (symbol !== 0 && row[symbol] > y[said.at(-1).at][symbol]) said.at(-1).at = t;
    before = symbol;
  });
  return said;
}

// The probability of a word: of all paths together that say it, by the forward recursion.
export function probabilityOf(word, y) {
  const places = [0, ...word.flatMap((symbol) => [symbol, 0])];
  // A path begins with the blank or with the first symbol.
  let alpha = places.map((symbol, s) => (s < 2 ? y[0][symbol] : 0));
  for (const row of y.slice(1))
    alpha = places.map((symbol, s) => {
      const skips = symbol !== 0 && s > 1 && symbol !== places[s - 2];
      return row[symbol] * (alpha[s] + (alpha[s - 1] ?? 0) + (skips ? alpha[s - 2] : 0));
    });
  return alpha.at(-1) + (alpha.at(-2) ?? 0);
}
