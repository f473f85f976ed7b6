// A recurrent network and its training: forward, backward through time, clipping, Adam.
// tests/test_arithmetic.py holds losses, gradients and weights equal to lstmlib's.
//
// All arrays are flat: (T, B, H) is at (t B + b) H + k. Nothing is made anew while a network learns.

import { sigmoid } from "./cell_arithmetic.mjs";
import { normals } from "./chance.mjs";

// The gates of a cell, stacked in W_x, W_h and b as in lstmlib; which holds the memory, which lets in.
export const CELLS = {
  rnn: { gates: ["h"] },
  lstm97: { gates: ["i", "g", "o"], cellState: true },
  lstm: { gates: ["i", "f", "g", "o"], cellState: true },
  gru: { gates: ["r", "z", "n"] },
};

// Parameters in the order of lstmlib's: those of the layer, then W and b of the readout.
function shapes(cell, D, H, O) {
  const rows = CELLS[cell].gates.length * H;
  const biases = cell === "gru" ? { b_x: [rows], b_h: [rows] } : { b: [rows] };
  return { W_x: [rows, D], W_h: [rows, H], ...biases, W: [O, H], b_y: [O] };
}

export function makeNetwork(cell, { T, B, D, O }, H) {
  const all = Object.entries(shapes(cell, D, H, O)).map(([name, shape]) => [name, shape.reduce((a, b) => a * b)]);
  const count = all.reduce((sum, [, size]) => sum + size, 0);
  const arrays = (sizes) => Object.fromEntries(Object.entries(sizes).map(([k, size]) => [k, new Float64Array(size)]));
  const parts = (whole) => {
    let end = 0;
    return Object.fromEntries(all.map(([name, size]) => [name, whole.subarray(end, (end += size))]));
  };
  const G = CELLS[cell].gates.length * H;
  const vectors = arrays({ weights: count, grads: count, m: count, v: count });
  return {
    cell, T, B, D, H, O, count, t: 0, ...vectors, p: parts(vectors.weights), g: parts(vectors.grads),
    // States have a row more than there are steps: row 0 is the state before the first.
    ...arrays({ h: (T + 1) * B * H, c: (T + 1) * B * H, squashed: T * B * H, act: T * B * G, memory: T * B * H }),
    ...arrays({ y: T * B * O, dy: T * B * O, dh: B * H, dc: B * H, dh_prev: H, da: G, reach: T }),
  };
}

// The first weights as lstmlib draws them: Glorot, orthogonal, zero. `forget` is the bias of what keeps, the
// forget gate or the update gate, `input` that of the input gate.
export function firstWeights(net, chance, { forget, input }) {
  const { cell, D, H, O, p } = net;
  const { gates } = CELLS[cell];
  const glorot = (array, fan) => {
    for (let k = 0; k < array.length; k++) array[k] = Math.sqrt(6 / fan) * (2 * chance() - 1);
  };
  net.weights.fill(0);
  for (const moment of [net.m, net.v]) moment.fill(0);
  net.t = 0;
  glorot(p.W_x, D + H);
  glorot(p.W, H + O);
  gates.forEach((_, k) => orthogonal(p.W_h.subarray(k * H * H, (k + 1) * H * H), H, chance));
  const bias = (p.b ?? p.b_x);
  gates.forEach((gate, k) => {
    if (gate === "f" || gate === "z") bias.fill(forget, k * H, (k + 1) * H);
    if (gate === "i") bias.fill(input, k * H, (k + 1) * H);
  });
  return net;
}

// Gram and Schmidt: each random row without its share of those above, at length 1
function orthogonal(W, H, chance) {
  for (let k = 0; k < W.length; k++) W[k] = normals(chance(), chance())[0];
  for (let row = 0; row < H; row++) {
    const one = W.subarray(row * H, (row + 1) * H);
    for (let other = 0; other < row; other++) {
      let share = 0;
      for (let j = 0; j < H; j++) share += one[j] * W[other * H + j];
      for (let j = 0; j < H; j++) one[j] -= share * W[other * H + j];
    }
    const length = Math.hypot(...one);
    for (let j = 0; j < H; j++) one[j] /= length;
  }
}

// Read a batch from zero states, and answer at every step from `from` on.
export function forward(net, x, from) {
  const { cell, T, B, D, H, O, h, act, y, p } = net;
  const rows = CELLS[cell].gates.length * H;
  const { W_x, W_h, W, b_y, b_h } = p;
  const bias = p.b ?? p.b_x;
  const split = cell === "gru" ? 2 * H : rows; // from this row on W_h waits for the reset gate
  for (let t = 0; t < T; t++)
    for (let b = 0; b < B; b++) {
      const n = t * B + b;
      for (let k = 0; k < rows; k++) {
        let a = bias[k];
        let loop = b_h ? b_h[k] : 0;
        for (let d = 0; d < D; d++) a += W_x[k * D + d] * x[n * D + d];
        for (let j = 0; j < H; j++) loop += W_h[k * H + j] * h[n * H + j];
        if (k < split) act[n * rows + k] = a + loop;
        else {
          act[n * rows + k] = a;
          net.memory[n * H + k - split] = loop;
        }
      }
      STEP[cell](net, n, n * rows);
      if (t < from) continue;
      for (let k = 0; k < O; k++) {
        let sum = b_y[k];
        for (let j = 0; j < H; j++) sum += W[k * H + j] * h[(n + B) * H + j];
        y[n * O + k] = sum;
      }
    }
}

// From pre-activations to gates and the next state; n is the place of (t, b), `at` that of its gates.
// What the cell state keeps is shown through the output gate; the cell of 1997 keeps all.
function lstmStep({ cell, B, H, c, h, squashed, act }, n, at) {
  const forgets = cell === "lstm" ? H : 0; // by so much the blocks of g and o stand later
  for (let unit = n * H, k = at; k < at + H; k++, unit++) {
    const i = (act[k] = sigmoid(act[k]));
    const f = forgets ? (act[k + H] = sigmoid(act[k + H])) : 1;
    const g = (act[k + forgets + H] = Math.tanh(act[k + forgets + H]));
    const o = (act[k + forgets + 2 * H] = sigmoid(act[k + forgets + 2 * H]));
    const value = (c[unit + B * H] = f * c[unit] + i * g);
    squashed[unit] = Math.tanh(value);
    h[unit + B * H] = o * squashed[unit];
  }
}

const STEP = {
  lstm: lstmStep,
  lstm97: lstmStep,
  rnn({ B, H, h, act }, n, at) {
    for (let k = 0; k < H; k++) h[(n + B) * H + k] = act[at + k] = Math.tanh(act[at + k]);
  },
  gru({ B, H, h, act, memory }, n, at) {
    for (let k = 0; k < H; k++) {
      const r = (act[at + k] = sigmoid(act[at + k]));
      const z = (act[at + H + k] = sigmoid(act[at + H + k]));
      const candidate = (act[at + 2 * H + k] = Math.tanh(act[at + 2 * H + k] + r * memory[n * H + k]));
      h[(n + B) * H + k] = (1 - z) * candidate + z * h[n * H + k];
    }
  },
};

// The mean loss of the answers from step `from` on; leaves its gradient in dy, and counts those that are right.
export function lossOf(net, target, from) {
  const { T, B, O, y, dy } = net;
  const n = (T - from) * B;
  let [loss, right] = [0, 0];
  dy.fill(0);
  for (let at = from * B; at < T * B; at++) {
    if (O === 1) {
      const error = y[at] - target[at];
      loss += error * error;
      dy[at] = (2 * error) / n;
      continue;
    }
    let [best, sum] = [0, 0];
    for (let k = 1; k < O; k++) if (y[at * O + k] > y[at * O + best]) best = k;
    const highest = y[at * O + best];
    for (let k = 0; k < O; k++) sum += Math.exp(y[at * O + k] - highest);
    for (let k = 0; k < O; k++) dy[at * O + k] = Math.exp(y[at * O + k] - highest) / sum / n;
    dy[at * O + target[at]] -= 1 / n;
    loss += highest + Math.log(sum) - y[at * O + target[at]];
    if (best === target[at]) right += 1;
  }
  return { loss: loss / n, right: right / n };
}

// All the way back from dy: fills the gradients of the weights, and `reach` with the norm of what arrives at
// the memory of each step, c where there is one, else h.
export function backward(net, x, from) {
  const { cell, T, B, D, H, O, h, dy, dh, dc, dh_prev, da, p, g, reach } = net;
  const rows = da.length;
  const split = cell === "gru" ? 2 * H : rows;
  const gBias = g.b ?? g.b_x;
  net.grads.fill(0);
  dh.fill(0);
  dc.fill(0);
  for (let t = T - 1; t >= 0; t--) {
    let squares = 0;
    for (let b = 0; b < B; b++) {
      const n = t * B + b;
      for (let k = 0; t >= from && k < O; k++) {
        const d = dy[n * O + k];
        g.b_y[k] += d;
        for (let j = 0; j < H; j++) {
          g.W[k * H + j] += d * h[(n + B) * H + j];
          dh[b * H + j] += d * p.W[k * H + j];
        }
      }
      dh_prev.fill(0);
      squares += STEP_BACKWARD[cell](net, n, n * rows, b * H);
      for (let k = 0; k < rows; k++) {
        const d = da[k];
        // The reset gate scales what comes from the loop, and only that.
        const loop = k < split ? d : d * net.act[n * rows + k - split];
        gBias[k] += d;
        if (g.b_h) g.b_h[k] += loop;
        for (let i = 0; i < D; i++) g.W_x[k * D + i] += d * x[n * D + i];
        for (let j = 0; j < H; j++) {
          g.W_h[k * H + j] += loop * h[n * H + j];
          dh_prev[j] += loop * p.W_h[k * H + j];
        }
      }
      for (let j = 0; j < H; j++) dh[b * H + j] = dh_prev[j];
    }
    reach[t] = Math.sqrt(squares);
  }
}

// The gradient of the pre-activations in da, what goes straight to h before in dh_prev, to c before in dc.
// Returns the squared norm of what arrived at the memory.
function lstmBackward({ cell, H, c, squashed, act, dh, dc, da }, n, at, first) {
  const forgets = cell === "lstm" ? H : 0;
  let squares = 0;
  for (let k = 0; k < H; k++) {
    const i = act[at + k];
    const f = forgets ? act[at + H + k] : 1;
    const g = act[at + forgets + H + k];
    const o = act[at + forgets + 2 * H + k];
    const s = squashed[n * H + k];
    const d = dc[first + k] + dh[first + k] * o * (1 - s * s); // c reaches the loss through h as well
    da[k] = d * g * i * (1 - i);
    if (forgets) da[H + k] = d * c[n * H + k] * f * (1 - f);
    da[forgets + H + k] = d * i * (1 - g * g);
    da[forgets + 2 * H + k] = dh[first + k] * s * o * (1 - o);
    dc[first + k] = d * f;
    squares += d * d;
  }
  return squares;
}

const squared = (array, first, H) => {
  let squares = 0;
  for (let k = first; k < first + H; k++) squares += array[k] * array[k];
  return squares;
};

const STEP_BACKWARD = {
  lstm: lstmBackward,
  lstm97: lstmBackward,
  rnn({ H, dh, act, da }, n, at, first) {
    for (let k = 0; k < H; k++) da[k] = dh[first + k] * (1 - act[at + k] ** 2);
    return squared(dh, first, H);
  },
  gru({ H, h, act, memory, dh, dh_prev, da }, n, at, first) {
    for (let k = 0; k < H; k++) {
      const r = act[at + k];
      const z = act[at + H + k];
      const candidate = act[at + 2 * H + k];
      const d = dh[first + k];
      da[2 * H + k] = d * (1 - z) * (1 - candidate * candidate);
      da[H + k] = d * (h[n * H + k] - candidate) * z * (1 - z);
      da[k] = da[2 * H + k] * memory[n * H + k] * r * (1 - r);
      dh_prev[k] = d * z;
    }
    return squared(dh, first, H);
  },
};

// Shortens the gradient to `clip` where it is longer, unless that is 0; its norm before.
export function clipGradient({ grads, count }, clip) {
  let squares = 0;
  for (let k = 0; k < count; k++) squares += grads[k] * grads[k];
  const norm = Math.sqrt(squares);
  if (clip > 0 && norm > clip) for (let k = 0; k < count; k++) grads[k] *= clip / norm;
  return norm;
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export function adamStep(net, rate) {
  const { weights, grads, m, v, count } = net;
  net.t += 1;
  const [unbias1, unbias2] = [1 - BETA1 ** net.t, 1 - BETA2 ** net.t];
  for (let k = 0; k < count; k++) {
    m[k] = BETA1 * m[k] + (1 - BETA1) * grads[k];
    v[k] = BETA2 * v[k] + (1 - BETA2) * grads[k] * grads[k];
    weights[k] -= (rate * (m[k] / unbias1)) / (Math.sqrt(v[k] / unbias2) + EPSILON);
  }
}

// One update with a batch; its loss before. Where loss or gradient is no finite number the weights stay.
export function update(net, { x, target, from }, { rate, clip }) {
  forward(net, x, from);
  const { loss } = lossOf(net, target, from);
  backward(net, x, from);
  const norm = clipGradient(net, clip);
  if (!Number.isFinite(loss) || !Number.isFinite(norm)) return NaN;
  adamStep(net, rate);
  return loss;
}
