// The arithmetic of a teller: frames of a film, two convolutions that look at each, and two LSTMs, of which one
// reads what was seen and the other speaks. tests/test_arithmetic.py holds it equal to lstmlib.

import { dot } from "./cell_arithmetic.mjs";
import { affine, affineOfSymbol, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";

// The digit's place in each frame. When its moves are over, it rests; -1 is a rest, too.
export function pathOf(start, moves, { frames, steps }) {
  const path = [start];
  for (let t = 0; t < frames - 1; t++) {
    const [rows, columns] = steps[moves[t] ?? -1] ?? [0, 0];
    path.push([path[t][0] + rows, path[t][1] + columns]);
  }
  return path;
}

// A scan at its place on an empty screen: all pixels, row after row.
export function frameOf(scan, [row, column], { screen }) {
  const frame = new Float64Array(screen * screen);
  scan.forEach((pixels, k) => frame.set(pixels, (row + k) * screen + column));
  return frame;
}

// ReLU of a convolution with stride 2 and zeros around: images (one per channel) of `side` by `side`. W has a row
// for each filter: all of a window's pixels of the first image, row after row, then those of the next.
export function convolve(images, side, { W, b }) {
  const K = Math.sqrt(W[0].length / images.length);
  const half = (K - 1) / 2;
  const out = side / 2;
  const window = new Float64Array(W[0].length);
  const made = W.map(() => new Float64Array(out * out));
  for (let row = 0; row < out; row++)
    for (let column = 0; column < out; column++) {
      let at = 0;
      for (const image of images)
        for (let i = 2 * row - half; i <= 2 * row + half; i++)
          for (let j = 2 * column - half; j <= 2 * column + half; j++)
            window[at++] = i < 0 || j < 0 || i >= side || j >= side ? 0 : image[i * side + j];
      W.forEach((filter, k) => (made[k][row * out + column] = Math.max(0, b[k] + dot(window, filter))));
    }
  return made;
}

// What the eye says of a frame: a probability for each name, and a place.
export function look(frame, { near, far, mix, answer }, { screen, names }) {
  const seen = convolve(convolve([frame], screen, near), screen / 2, far).flatMap((image) => [...image]);
  const mixed = affine(seen, mix.W, mix.b).map((sum) => Math.max(0, sum));
  const y = affine(mixed, answer.W, answer.b);
  return [...softmax(y.slice(0, names)), ...y.slice(names)];
}

// Greedy, until it says the end: words, and the product of their probabilities.
export function tell(answers, { read, say, out }, { first, end, longest }) {
  let state = zeroState(read);
  for (const answer of answers) state = lstmStep(affine(answer, read.W_x, read.b), state, read);
  const words = [];
  let probability = 1;
  let word = first;
  while (words.length < longest && word !== end) {
    state = lstmStep(affineOfSymbol(word, say.W_x, say.b), state, say);
    const p = softmax(affine(state.h, out.W, out.b));
    word = p.indexOf(Math.max(...p));
    words.push(word);
    probability *= p[word];
  }
  return { words, probability };
}
