// A short sentence that looks at itself. tests/test_arithmetic.py holds it equal to lstmlib's SelfAttention.

import { dot } from "./cell_arithmetic.mjs";
import { softmax } from "./layer_arithmetic.mjs";

const CLOSE = 1e-9; // outputs that differ by less are the same but for rounding

const plus = (a, b) => a.map((one, n) => one + b[n]);
export const distance = (a, b) => Math.hypot(...a.map((one, n) => one - b[n]));

// Arrows by word as a row for each place; `atPlace` holds what is added at each place, if anything.
export const inOrder = (arrows, order, atPlace) =>
  order.map((word, place) => (atPlace ? plus(arrows[word], atPlace[place]) : arrows[word]));

// And back: a row for each word.
export const byWord = (rows, order) => order.map((_, word) => rows[order.indexOf(word)]);

// What the scores are divided by; each of several heads has its share of the two numbers of an arrow.
export const divisorOf = ({ scaled, heads, temperature }) => (scaled ? Math.sqrt(2 / heads) : 1) * temperature;

// For each head a row of weights for each place, and the output at each place: those of the heads side by side.
export function selfAttention({ q, k, v, order, positions, causal, ...rest }, atPlace) {
  const width = 2 / rest.heads;
  const [queries, keys, values] = [q, k, v].map((arrows) => inOrder(arrows, order, positions ? atPlace : null));
  const weights = Array.from({ length: rest.heads }, (_, head) => {
    const share = (row) => row.slice(width * head, width * (head + 1));
    return queries.map((query, t) =>
      softmax(keys.map((key, s) =>
        (causal && s > t ? -Infinity : dot(share(query), share(key)) / divisorOf(rest)))));
  });
  const outputs = order.map((_, t) =>
    [0, 1].map((n) => dot(weights[Math.floor(n / width)][t], values.map((value) => value[n]))));
  return { weights, outputs };
}

// Whether the same outputs are there, in whatever order.
export function sameSet(before, after) {
  const left = [...after];
  return before.every((row) => {
    const twin = left.findIndex((other) => distance(row, other) < CLOSE);
    if (twin >= 0) left.splice(twin, 1);
    return twin >= 0;
  });
}

// The words whose output is another one, those that moved furthest first, each with how far.
export const movedWords = (before, after) =>
  before
    .map((row, word) => ({ word, by: distance(row, after[word]) }))
    .filter(({ by }) => by >= CLOSE)
    .sort((one, other) => other.by - one.by);
