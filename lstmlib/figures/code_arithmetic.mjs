// A network that reads a text: its states, its gates, what surprises it, and what it writes.
// tests/test_arithmetic.py holds it equal to lstmlib.

import { dot, sigmoid } from "./cell_arithmetic.mjs";
import { affine, affineOfSymbol, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";
import { pick } from "./tune_arithmetic.mjs";

// The number of each character, −1 for one that the alphabet does not have: it is read as zeros.
export const numbersOf = (characters, alphabet) => characters.map((character) => alphabet.indexOf(character));

export const readSymbol = (symbol, state, lstm) =>
  lstmStep(symbol < 0 ? lstm.b : affineOfSymbol(symbol, lstm.W_x, lstm.b), state, lstm);

// The gates of one unit while it reads a symbol; `state` is the one before.
export function gatesOf(symbol, state, { W_x, W_h, b }, unit) {
  const H = state.h.length;
  const [i, f, g, o] = [0, 1, 2, 3].map((block) => {
    const row = block * H + unit;
    return b[row] + (symbol < 0 ? 0 : W_x[row][symbol]) + dot(state.h, W_h[row]);
  });
  return { i: sigmoid(i), f: sigmoid(f), g: Math.tanh(g), o: sigmoid(o) };
}

export const scoresOf = ({ h }, { W, b }) => affine(h, W, b);

// −log p of a symbol.
function surprise(scores, symbol) {
  const highest = Math.max(...scores);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - highest);
  return highest + Math.log(sum) - scores[symbol];
}

// Reads a text from zero on, one character at a time, and keeps what it has read: `states` before the first
// character and after each, `nats` of each, null for the first and for an unknown one. It turns to another text
// where that differs from the last.
export function reading({ lstm, readout }) {
  const [states, nats] = [[zeroState(lstm)], []];
  let numbers = [];
  const read = () => states.length - 1;
  return {
    states,
    nats,
    turnTo(next) {
      let same = 0;
      while (same < read() && numbers[same] === next[same]) same++;
      states.length = same + 1;
      nats.length = same;
      numbers = next;
    },
    left: () => numbers.length - read(),
    readOne() {
      const [t, state] = [read(), states.at(-1)];
      nats.push(readout && t && numbers[t] >= 0 ? surprise(scoresOf(state, readout), numbers[t]) : null);
      states.push(readSymbol(numbers[t], state, lstm));
    },
  };
}

// The mean output of a unit over the first `count` characters.
export const meanOutput = ({ states }, count, unit) =>
  states.slice(1, count + 1).reduce((sum, { h }) => sum + h[unit], 0) / count;

// Nats a character over the first `count`, null where none counts.
export function meanNats({ nats }, count) {
  const known = nats.slice(0, count).filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

// The network that sees a constant `level` where it saw the output of `unit`.
export function heldStill({ lstm, readout }, unit, level) {
  const still = (W) => W.map((row) => row.map((value, k) => (k === unit ? 0 : value)));
  const shifted = (b, W) => b.map((value, row) => value + level * W[row][unit]);
  return {
    lstm: { W_x: lstm.W_x, W_h: still(lstm.W_h), b: shifted(lstm.b, lstm.W_h) },
    readout: { W: still(readout.W), b: shifted(readout.b, readout.W) },
  };
}

// The probability of every character to come next.
export const nextOf = (state, readout, temperature = 1) =>
  softmax(scoresOf(state, readout).map((score) => score / temperature));

// The numbers of `count` characters that chance picks, from a state on.
export function writeOn(state, { lstm, readout }, { temperature, chance, count }) {
  const written = [];
  while (written.length < count) {
    written.push(pick(nextOf(state, readout, temperature), chance()));
    state = readSymbol(written.at(-1), state, lstm);
  }
  return written;
}
