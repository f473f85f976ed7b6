// A trained translator's arithmetic: two LSTMs that read, one that speaks, attention between them.
// tests/test_arithmetic.py holds it equal to lstmlib's Translator.

import { dot, lstmCell, sigmoid } from "./cell_arithmetic.mjs";

export function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// One step of a whole layer. A one-hot input picks a column of W_x, so the word's number will do.
export function lstmStep(word, { h, c }, { W_x, W_h, b }) {
  const H = h.length;
  const a = b.map((bias, k) => bias + W_x[k][word] + dot(h, W_h[k]));
  const units = h.map((_, k) =>
    lstmCell({
      i: sigmoid(a[k]),
      f: sigmoid(a[H + k]),
      g: Math.tanh(a[2 * H + k]),
      o: sigmoid(a[3 * H + k]),
      c_prev: c[k],
    }));
  return { h: units.map((unit) => unit.h), c: units.map((unit) => unit.c) };
}

const zeroState = ({ b }) => {
  const zeros = Array(b.length / 4).fill(0);
  return { h: zeros, c: zeros };
};

function readWords(words, params) {
  let state = zeroState(params);
  return words.map((word) => (state = lstmStep(word, state, params)).h);
}

// k_s: what was read up to position s from the left, beside what was read up to it from the right.
export function encode(words, { there, back }) {
  const left = readWords(words, there);
  const right = readWords([...words].reverse(), back).reverse();
  return left.map((h, s) => [...h, ...right[s]]);
}

// Weights over the positions that are not hidden, and the context. Without W_q the score is the dot product.
export function attend(query, keys, hidden, { W_q, W_k, v }) {
  const score = (key) =>
    W_q
      ? v.reduce((sum, weight, k) => sum + weight * Math.tanh(dot(query, W_q[k]) + dot(key, W_k[k])), 0)
      : dot(query, key);
  const weights = softmax(keys.map((key, s) => (hidden[s] ? -Infinity : score(key))));
  return { weights, context: keys[0].map((_, k) => dot(weights, keys.map((key) => key[k]))) };
}

// Greedy: the likeliest word, read as the next input, until it says the end.
export function translate(source, hidden, model, { start, end, longest }) {
  const keys = encode(source, model.encoder);
  let state = zeroState(model.decoder);
  let word = start;
  const said = [];
  while (said.length < longest) {
    state = lstmStep(word, state, model.decoder);
    const { weights, context } = attend(state.h, keys, hidden, model.attention);
    const seen = [...state.h, ...context];
    const logits = model.readout.b.map((bias, k) => bias + dot(seen, model.readout.W[k]));
    word = logits.indexOf(Math.max(...logits));
    if (word === end) break;
    said.push({ word, weights });
  }
  return said;
}
