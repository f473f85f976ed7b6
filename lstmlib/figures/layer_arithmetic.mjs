// The arithmetic of whole layers. tests/test_arithmetic.py holds it equal to lstmlib.

import { dot, lstmCell, sigmoid } from "./cell_arithmetic.mjs";

export function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// b + W x
export const affine = (x, W, b) => b.map((bias, k) => bias + dot(x, W[k]));

// b + W x for the one-hot of a symbol, which picks a column of W.
export const affineOfSymbol = (symbol, W, b) => b.map((bias, k) => bias + W[k][symbol]);

export const zeroState = ({ b }) => {
  const zeros = Array(b.length / 4).fill(0);
  return { h: zeros, c: zeros };
};

// One step; `input` is b + W_x x, the rows of the gates stacked i, f, g, o.
export function lstmStep(input, { h, c }, { W_h }) {
  const H = h.length;
  const a = input.map((sum, k) => sum + dot(h, W_h[k]));
  const units = c.map((c_prev, k) =>
    lstmCell({
      i: sigmoid(a[k]),
      f: sigmoid(a[H + k]),
      g: Math.tanh(a[2 * H + k]),
      o: sigmoid(a[3 * H + k]),
      c_prev,
    }));
  return { h: units.map((unit) => unit.h), c: units.map((unit) => unit.c) };
}

// h at every step, from zero on.
function run(inputs, params) {
  let state = zeroState(params);
  return inputs.map((input) => (state = lstmStep(input, state, params)).h);
}

// At each step what was read up to it from the left, beside what was read up to it from the right. `read` makes
// of one input and the parameters of a direction b + W_x x.
export function bothWays(inputs, { there, back }, read) {
  const left = run(inputs.map((input) => read(input, there.W_x, there.b)), there);
  const right = run(inputs.map((input) => read(input, back.W_x, back.b)).reverse(), back).reverse();
  return left.map((h, t) => [...h, ...right[t]]);
}
