// A small Transformer that recalls: blocks of causal attention and a feed-forward part. tests/test_arithmetic.py
// holds it equal to lstmlib's RecallReader.

import { dot } from "./cell_arithmetic.mjs";
import { affine, softmax } from "./layer_arithmetic.mjs";

const plus = (a, b) => a.map((one, n) => one + b[n]);
const mean = (row) => row.reduce((sum, one) => sum + one, 0) / row.length;

// The error function by a series whose terms are all positive; beyond 6 it is ±1 to the last digit.
export function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const gelu = (x) => (x / 2) * (1 + erf(x / Math.SQRT2));

export function layerNorm(row, { scale, shift }) {
  const centre = mean(row);
  const spread = Math.sqrt(mean(row.map((one) => (one - centre) ** 2)) + 1e-5);
  return row.map((one, n) => ((one - centre) / spread) * scale[n] + shift[n]);
}

// The pattern of each place: sines of all wavelengths, then their cosines.
export function sinusoid(place, width) {
  const angles = Array.from({ length: width / 2 }, (_, n) => place * 10000 ** ((-2 * n) / width));
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}

// What causal attention adds to each place, and its weights, the mean of the heads.
function look(rows, { into, out }, heads) {
  const width = rows[0].length;
  const each = width / heads;
  const made = rows.map((row) => affine(row, into.W, into.b)); // queries, keys and values side by side
  const part = (t, kind, head) => made[t].slice(kind * width + head * each, kind * width + (head + 1) * each);
  const weights = rows.map((_, t) => Array.from({ length: heads }, (_, head) =>
    softmax(rows.map((_, s) => (s > t ? -Infinity : dot(part(t, 0, head), part(s, 1, head)) / Math.sqrt(each))))));
  const found = weights.map((ofHeads) =>
    ofHeads.flatMap((row, head) => {
      const values = rows.map((_, s) => part(s, 2, head));
      return values[0].map((_, n) => dot(row, values.map((value) => value[n])));
    }));
  return {
    added: found.map((row) => affine(row, out.W, out.b)),
    weights: weights.map((ofHeads) => ofHeads[0].map((_, s) => mean(ofHeads.map((row) => row[s])))),
  };
}

// For each block its weights, and how probable each value is as the answer at the last place.
export function recall(symbols, { embed, blocks, read }, heads) {
  let rows = symbols.map((symbol, t) => plus(embed.W[symbol], sinusoid(t, embed.W[0].length)));
  const looks = Object.values(blocks).map((block) => {
    const { added, weights } = look(rows.map((row) => layerNorm(row, block.first)), block, heads);
    rows = rows.map((row, t) => plus(row, added[t]));
    rows = rows.map((row) => {
      const hidden = affine(layerNorm(row, block.second), block.hidden.W, block.hidden.b).map(gelu);
      return plus(row, affine(hidden, block.back.W, block.back.b));
    });
    return weights;
  });
  return { looks, probabilities: softmax(affine(rows.at(-1), read.W, read.b)) };
}
