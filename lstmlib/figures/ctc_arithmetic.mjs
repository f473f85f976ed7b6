// What connectionist temporal classification makes of the probabilities that a network gives at each step; the
// blank is symbol 0. tests/test_arithmetic.py holds it equal to lstmlib.

// The likeliest symbol at each step, repeats merged, blanks taken out: symbols, and the step at which each has
// its highest probability.
export function greedy(y) {
  const said = [];
  let before = 0;
  y.forEach((row, t) => {
    const symbol = row.indexOf(Math.max(...row));
    if (symbol !== 0 && symbol !== before) said.push({ symbol, at: t });
    else if (symbol !== 0 && row[symbol] > y[said.at(-1).at][symbol]) said.at(-1).at = t;
    before = symbol;
  });
  return said;
}

// The probability of a word: of all paths together that say it, by the forward recursion.
export function probabilityOf(word, y) {
  const places = [0, ...word.flatMap((symbol) => [symbol, 0])];
  // A path begins with the blank or with the first symbol.
  let alpha = places.map((symbol, s) => (s < 2 ? y[0][symbol] : 0));
  for (const row of y.slice(1))
    alpha = places.map((symbol, s) => {
      const skips = symbol !== 0 && s > 1 && symbol !== places[s - 2];
      return row[symbol] * (alpha[s] + (alpha[s - 1] ?? 0) + (skips ? alpha[s - 2] : 0));
    });
  return alpha.at(-1) + (alpha.at(-2) ?? 0);
}
