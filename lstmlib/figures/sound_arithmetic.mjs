// What the browser computes of a clip: its samples, and what the network's probabilities say.

// μ-law, as the telephone has it: a byte for a sample, with fine steps where the sound is soft.
export const fromMuLaw = (byte) => {
  const y = byte / 127.5 - 1;
  return (Math.sign(y) * (256 ** Math.abs(y) - 1)) / 255;
};

export const likeliest = (row) => row.indexOf(Math.max(...row));

// Greedy decoding: the likeliest symbol of each step, repeats merged, blanks (0) taken out. Each symbol
// comes with the step at which it is likeliest.
export function spikes(probabilities) {
  const found = [];
  let before = 0;
  probabilities.forEach((row, step) => {
    const symbol = likeliest(row);
    if (symbol && symbol !== before) found.push({ symbol, step });
    else if (symbol && row[symbol] > probabilities[found.at(-1).step][symbol]) found.at(-1).step = step;
    before = symbol;
  });
  return found;
}
