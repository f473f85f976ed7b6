// Chords key by key: an LSTM that has read the last one, and coins that may hear the keys below.
// tests/test_arithmetic.py holds it equal to lstmlib.

import { sigmoid } from "./cell_arithmetic.mjs";
import { lstmStep, zeroState } from "./layer_arithmetic.mjs";

// b + W x where x has ones at a few places and zeros elsewhere
const affineOf = (places, W, b) => b.map((bias, k) => places.reduce((sum, j) => sum + W[k][j], bias));

// Chord after chord without end, each as the numbers of its keys, from the lowest on: first those of `opening`,
// which are read and not drawn. `chance` gives a number from 0 to 1 for each key.
export const chords = function* ({ lstm, readout, below, many }, opening, { temperature, chance }) {
  let [state, before] = [zeroState(lstm), []];
  for (;;) {
    state = lstmStep(affineOf(before, lstm.W_x, lstm.b), state, lstm);
    const scores = readout.b.map((bias, k) => readout.W[k].reduce((sum, w, j) => sum + w * state.h[j], bias));
    const down = [];
    scores.forEach((score, k) => {
      const heard = down.reduce((sum, j) => sum + below[k][j], score + many[k][Math.min(down.length, many[k].length - 1)]);
      if (chance() < sigmoid(heard / temperature)) down.push(k);
    });
    before = opening.length ? opening : down;
    opening = [];
    yield before;
  }
};

const SCALE = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const SIGNS = { "#": 1, b: -1 };

// The pitches of a line of notes such as “C3 G3 E4 C5” as MIDI counts them, or a sentence that says what is wrong.
export function readChord(text, { lowest, highest, most }) {
  const names = text.split(/[\s,]+/).filter((name) => name);
  if (names.length > most) return `These are ${names.length} notes, and a chord here has at most ${most}.`;
  const pitches = [];
  for (const name of names) {
    const found = /^([A-Ga-g])([#b]?)(\d)$/.exec(name);
    if (!found) return `“${name.slice(0, 20)}” is no note: a note is a letter from A to G, # or b where it has them, and an octave, as in C4 or F#3.`;
    const pitch = 12 * (Number(found[3]) + 1) + SCALE[found[1].toUpperCase()] + (SIGNS[found[2]] ?? 0);
    if (pitch < lowest || pitch > highest) return `“${name}” is a note, but no choir of the training sings it. The lowest is G1, the highest C6.`;
    pitches.push(pitch);
  }
  return [...new Set(pitches)].sort((one, other) => one - other);
}
