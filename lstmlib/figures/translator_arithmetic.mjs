// A trained translator's arithmetic: two LSTMs that read, one that speaks, attention between them.
// tests/test_arithmetic.py holds it equal to lstmlib's Translator.

import { dot } from "./cell_arithmetic.mjs";
import { affine, affineOfSymbol, bothWays, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";

// The keys: a row for each source word.
export const encode = (words, encoder) => bothWays(words, encoder, affineOfSymbol);

// Weights over the positions that are not hidden, and the context. Without W_q the score is the dot product.
export function attend(query, keys, hidden, { W_q, W_k, v } = {}) {
  const asked = W_q?.map((row) => dot(query, row));
  const score = (key) =>
    asked
      ? v.reduce((sum, weight, k) => sum + weight * Math.tanh(asked[k] + dot(key, W_k[k])), 0)
      : dot(query, key);
  const weights = softmax(keys.map((key, s) => (hidden[s] ? -Infinity : score(key))));
  return { weights, context: keys[0].map((_, k) => dot(weights, keys.map((key) => key[k]))) };
}

// Greedy: the likeliest word, read as the next input, until it says the end.
export function translate(source, hidden, { encoder, decoder, attention, readout }, { start, end, longest }) {
  const keys = encode(source, encoder);
  let state = zeroState(decoder);
  let word = start;
  const said = [];
  while (said.length < longest) {
    state = lstmStep(affineOfSymbol(word, decoder.W_x, decoder.b), state, decoder);
    const { weights, context } = attend(state.h, keys, hidden, attention);
    const logits = affine([...state.h, ...context], readout.W, readout.b);
    word = logits.indexOf(Math.max(...logits));
    if (word === end) break;
    said.push({ word, weights });
  }
  return said;
}
