// A trained reader's arithmetic: ink at points of equal distance, a convolution, two LSTMs that read from both
// ends, and softmax. tests/test_arithmetic.py holds it equal to lstmlib.

import { affine, bothWays, softmax } from "./layer_arithmetic.mjs";

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
    return affine(seen, W, b).map((sum) => Math.max(0, sum));
  });
}

// For each step the probability of every symbol.
export function read(points, { convolution, readout, ...lstms }, stride) {
  const seen = convolve(points, convolution, stride);
  return bothWays(seen, lstms, affine).map((h) => softmax(affine(h, readout.W, readout.b)));
}
