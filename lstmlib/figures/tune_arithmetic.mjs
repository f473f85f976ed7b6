// Composing: an LSTM that says the next symbol, chance that picks it, and what the symbols sound like.
// tests/test_arithmetic.py holds it equal to lstmlib.

import { affine, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";

// Symbol after symbol, by their numbers, until the end or `most` of them. The network reads the head first:
// the numbers of the metre and the key. `chance` gives a number from 0 to 1 for each symbol.
export const composing = function* ({ embed, lstm, readout }, head, { temperature, chance, end, most }) {
  let state = zeroState(lstm);
  const read = (symbol) => (state = lstmStep(affine(embed[symbol], lstm.W_x, lstm.b), state, lstm));
  head.forEach(read);
  for (let made = 0; made < most; made++) {
    const scores = affine(state.h, readout.W, readout.b);
    const symbol = pick(softmax(scores.map((score) => score / temperature)), chance());
    if (symbol === end) return yield end;
    yield symbol;
    read(symbol);
  }
};

// The first symbol at which the probabilities have added up to more than `u`.
export function pick(probabilities, u) {
  let passed = 0;
  const found = probabilities.findIndex((p) => (passed += p) > u);
  return found < 0 ? probabilities.length - 1 : found;
}

const NATURAL = { C: 60, D: 62, E: 64, F: 65, G: 67, A: 69, B: 71 };
const RAISES = { "^": 1, "=": 0, _: -1 };
const PITCH = /^([_=^]?)([A-Ga-g])([,']*)$/;

// The pitch of a symbol as MIDI counts it, undefined where it has none. `held` are accidentals of the bar.
function midi(symbol, sharps, held) {
  const found = PITCH.exec(symbol);
  if (!found) return undefined;
  const [, accidental, letter, marks] = found;
  const name = letter.toUpperCase();
  if (accidental) held[letter + marks] = RAISES[accidental];
  const octave = (letter === name ? 0 : 1) + [...marks].reduce((sum, mark) => sum + (mark === "'" ? 1 : -1), 0);
  const signed = sharps < 0 ? -("BEADGCF".slice(0, -sharps).includes(name)) : +("FCGDAEB".slice(0, sharps).includes(name));
  return NATURAL[name] + 12 * octave + (held[letter + marks] ?? signed);
}

const lengthOf = (symbol) => {
  const [above, below] = symbol.split("/");
  return Number(above || 1) / Number(below ?? 1);
};

// Notes { pitch, start, length } and the length of each bar, in units. Counted in thirds of a unit, so that
// three notes in the time of two stay exact.
export function perform(symbols, sharps) {
  const [notes, bars] = [[], []];
  let [place, begin, last, factor, triplet, sounding, held] = [0, 0, 0, 1, 0, false, {}];
  for (const symbol of symbols) {
    if (symbol === "|") {
      bars.push(place);
      [begin, place, last, held] = [begin + place, 0, 0, {}];
      continue;
    }
    if (symbol === "(3") {
      triplet = 3;
      continue;
    }
    const pitch = midi(symbol, sharps, held);
    let change;
    if (symbol === ">" || symbol === "<") {
      change = (symbol === ">" ? last : -last) / 2;
      if (last) factor = symbol === ">" ? 0.5 : 1.5;
    } else if (pitch !== undefined || symbol === "z") {
      change = factor * (triplet ? 2 : 3);
      [last, factor, triplet, sounding] = [0, 1, Math.max(0, triplet - 1), pitch !== undefined];
      if (sounding) notes.push({ pitch, start: begin + place, length: 0 });
    } else change = last * (lengthOf(symbol) - 1);
    place += change;
    last += change;
    if (sounding && last) notes.at(-1).length = last;
  }
  const units = ({ pitch, start, length }) => ({ pitch, start: start / 3, length: length / 3 });
  return { notes: notes.map(units), bars: [...bars, place].map((length) => length / 3) };
}

export const hertz = (pitch) => 440 * 2 ** ((pitch - 69) / 12);
