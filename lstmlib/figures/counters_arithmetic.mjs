// What a trained network makes of a string: its cell states and the symbols that it allows, beside those
// of the grammar. tests/test_arithmetic.py holds it equal to lstmlib.

import { affine, affineOfSymbol, lstmStep, zeroState } from "./layer_arithmetic.mjs";

export const END = ".";

// After each symbol: the cell states, and which of the symbols and the end have a positive score.
export function readString(string, symbols, { layer, readout }) {
  let state = zeroState(layer);
  return [...string].map((symbol) => {
    state = lstmStep(affineOfSymbol(symbols.indexOf(symbol), layer.W_x, layer.b), state, layer);
    const scores = affine(state.h, readout.W, readout.b);
    return { c: state.c, scores, allowed: [...symbols, END].filter((_, k) => scores[k] > 0).join("") };
  });
}

// What may come after each symbol of aⁿbⁿ, aⁿbⁿcⁿ …; `wrong` is the first place that breaks the grammar, or −1.
export function legalNext(string, symbols) {
  const counts = Object.fromEntries([...symbols].map((symbol) => [symbol, 0]));
  const legal = [];
  let now = symbols[0];
  for (const [t, symbol] of [...string].entries()) {
    if (!now.includes(symbol)) return { legal, wrong: t, wanted: now };
    counts[symbol] += 1;
    const block = symbols.indexOf(symbol);
    const full = counts[symbol] === counts[symbols[0]];
    now = block === 0 ? symbols.slice(0, 2) : full ? [...symbols, END][block + 1] : symbol;
    legal.push(now);
  }
  return { legal, wrong: -1, wanted: now };
}

// "a3b2" is aaabb: a number says how often the symbol before it comes. Null where there is anything else.
export function spellOut(text) {
  const runs = [...text.matchAll(/(\D)(\d*)/gu)];
  if (runs.map(([run]) => run).join("") !== text) return null;
  return runs.map(([, symbol, count]) => ({ symbol, count: count === "" ? 1 : Number(count) }));
}
