// The arithmetic of a reader of pictures: two convolutions make regions of a page, attention chooses among them,
// and an LSTM says a word at a time. tests/test_arithmetic.py holds it equal to lstmlib.

import { affine, affineOfSymbol, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";
import { attend } from "./translator_arithmetic.mjs";

// A page of scans, each in a place of its own: all pixels, row after row. -1 is an empty place.
export function pageOf(cells, scans, { side, size }) {
  const page = new Float64Array(side * side);
  const across = side / size;
  cells.forEach((k, place) => {
    const [top, left] = [size * Math.floor(place / across), size * (place % across)];
    for (let row = 0; k >= 0 && row < size; row++) page.set(scans[k][row], (top + row) * side + left);
  });
  return page;
}

// A convolution with zeros around, of which the largest of every two by two is kept; then ReLU. Images (one per
// channel) of `side` by `side`; W has a row for each filter: all of a window's pixels of the first image, row after
// row, then those of the next.
export function convolve(images, side, { W, b }) {
  const [size, out] = [W[0].length, side / 2];
  const K = Math.sqrt(size / images.length);
  const half = (K - 1) / 2;
  const window = new Float64Array(size);
  const filters = Float64Array.from(W.flat());
  const made = W.map(() => new Float64Array(out * out)); // zeros, as ReLU has them
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      let at = 0;
      for (const image of images)
        for (let i = row - half; i <= row + half; i++)
          for (let j = column - half; j <= column + half; j++)
            window[at++] = i < 0 || j < 0 || i >= side || j >= side ? 0 : image[i * side + j];
      const home = (row >> 1) * out + (column >> 1);
      for (let k = 0; k < W.length; k++) {
        const sum = b[k] + along(window, filters, k * size);
        if (sum > made[k][home]) made[k][home] = sum;
      }
    }
  return made;
}

// The dot product of a window and the filter that begins at `start`; always of Float64Arrays, which is fast.
function along(window, filters, start) {
  let sum = 0;
  for (let n = 0; n < window.length; n++) sum += window[n] * filters[start + n];
  return sum;
}

// A vector for each region: what the filters see there, and where it is.
export function regionsOf(page, { near, far, place }, { side }) {
  const seen = convolve(convolve([page], side, near), side / 2, far);
  return place.map((where, s) => where.map((value, k) => value + seen[k][s]));
}

// For each region whether it lies in a place that may not be looked at.
export function hiddenRegions(places, { side, size }) {
  const across = side / 4;
  const each = size / 4; // regions of a place, in a row
  return Array.from({ length: across * across }, (_, s) => {
    const [row, column] = [Math.floor(s / across), s % across].map((at) => Math.floor(at / each));
    return places.includes(row * (side / size) + column);
  });
}

// Weights of the regions, summed to places.
export function onPlaces(weights, { side, size }) {
  const places = Array.from({ length: (side / size) ** 2 }, (_, place) => hiddenRegions([place], { side, size }));
  return places.map((inside) => weights.reduce((sum, weight, s) => sum + (inside[s] ? weight : 0), 0));
}

// Greedy, until it says the end: words, each with its probability and the weights of its look.
export function describe(regions, hidden, { start, cell, attention, out }, { first, end, longest }) {
  const mean = regions[0].map((_, k) => regions.reduce((sum, region) => sum + region[k], 0) / regions.length);
  let state = { ...zeroState(cell), h: affine(mean, start.W, start.b).map(Math.tanh) };
  let word = first;
  const said = [];
  while (said.length < longest && word !== end) {
    const { weights, context } = attend(state.h, regions, hidden, attention);
    state = lstmStep(affine(context, cell.W_x, affineOfSymbol(word, cell.words, cell.b)), state, cell);
    const p = softmax(affine([...state.h, ...context], out.W, out.b));
    word = p.indexOf(Math.max(...p));
    said.push({ word, probability: p[word], weights });
  }
  return said;
}
