// Tasks with a gap, and what the best constant answer loses; trainer.py says what each asks.
// tests/test_arithmetic.py checks every batch.

import { normals } from "./chance.mjs";

// D inputs and O outputs; with more than one output they are the scores of classes. A sequence has `steps`
// steps, and answers are due from step `from` to the last.
const after = (gap) => gap + 5;
export const TASKS = {
  hold: { D: 1, O: 2, steps: (gap) => gap + 1, from: (gap) => gap, fill: hold },
  echo: { D: 2, O: 2, steps: (gap) => gap + 3, from: (gap) => gap, fill: echo },
  adding: { D: 2, O: 1, steps: (gap) => gap, from: (gap) => gap - 1, fill: adding },
  order: { D: 8, O: 4, steps: after, from: (gap) => gap + 4, fill: order },
  bell: { D: 2, O: 1, steps: after, from: () => 0, fill: bell },
};

// The mean loss of the best constant answer: the cross-entropy of even chances, or a variance.
export function constantLoss(task, gap) {
  const { O, steps } = TASKS[task];
  if (O > 1) return Math.log(O);
  if (task === "adding") return 1 / 6;
  let [numbers, sum] = [0, 0]; // since the bell, on average
  for (let t = 0; t < steps(gap); t++) sum += numbers = 1 + (t ? 1 - ring(gap) : 0) * numbers;
  return sum / steps(gap) / 12;
}

const ring = (gap) => 2 / gap;

// A batch of B sequences for `chance`: x (T, B, D) and target (T, B), flat, made once and filled again and again.
export function batchFor(task, gap, B) {
  const { D, O, steps, from } = TASKS[task];
  const T = steps(gap);
  return { T, B, D, O, from: from(gap), x: new Float64Array(T * B * D), target: new Float64Array(T * B) };
}

export function fill(task, gap, batch, chance) {
  batch.x.fill(0);
  for (let b = 0; b < batch.B; b++) TASKS[task].fill(batch, b, chance, gap);
  return batch;
}

// What counts in sequence b of a batch: steps, and what stands there.
export function marksOf(task, { T, B, D, x }, b = 0) {
  const value = (t, d) => x[(t * B + b) * D + d];
  const bit = (t) => (value(t, 0) > 0 ? "1" : "−1");
  const said = {
    hold: (t) => t === 0 && bit(t),
    echo: (t) => t < 3 && bit(t),
    adding: (t) => value(t, 1) === 1 && value(t, 0).toFixed(1),
    order: (t) => (value(t, 4) && "X") || (value(t, 5) && "Y"),
    bell: (t) => value(t, 1) === 1 && "♪",
  }[task];
  return Array.from({ length: T }, (_, t) => [t, said(t)]).filter(([, text]) => text);
}

const whole = (chance, count) => Math.floor(count * chance());

function hold({ T, B, x, target }, b, chance) {
  const bit = whole(chance, 2);
  x[b] = 2 * bit - 1;
  for (let t = 1; t < T; t += 2) {
    const [one, other] = normals(chance(), chance());
    x[t * B + b] = 0.2 * one;
    if (t + 1 < T) x[(t + 1) * B + b] = 0.2 * other;
  }
  target[(T - 1) * B + b] = bit;
}

// The second input is 1 where an answer is due.
function echo({ B, x, target }, b, chance, gap) {
  for (let t = 0; t < 3; t++) {
    const bit = whole(chance, 2);
    x[2 * (t * B + b)] = 2 * bit - 1;
    x[2 * ((t + gap) * B + b) + 1] = 1;
    target[(t + gap) * B + b] = bit;
  }
}

// As `adding_unscaled` of lstmlib.tasks
function adding({ T, B, x, target }, b, chance) {
  for (let t = 0; t < T; t++) x[2 * (t * B + b)] = chance();
  const half = Math.floor(T / 2);
  const marked = [whole(chance, half), half + whole(chance, T - half)];
  for (const t of marked) x[2 * (t * B + b) + 1] = 1;
  target[(T - 1) * B + b] = marked.reduce((sum, t) => sum + x[2 * (t * B + b)], 0);
}

// As `temporal_order` of lstmlib.tasks, all of one length: E, then a to d at random with X or Y twice, then B
function order({ T, B, x, target }, b, chance) {
  const put = (t, symbol) => {
    const at = 8 * (t * B + b);
    x.fill(0, at, at + 8);
    x[at + symbol] = 1;
  };
  for (let t = 1; t < T - 1; t++) put(t, whole(chance, 4));
  put(0, 6);
  put(T - 1, 7);
  let kind = 0;
  for (const start of [Math.floor(T / 10), Math.floor(T / 2)]) {
    const isY = whole(chance, 2);
    put(start + whole(chance, Math.floor(T / 10) + 1), 4 + isY);
    kind = 2 * kind + isY;
  }
  target[(T - 1) * B + b] = kind;
}

function bell({ T, B, x, target }, b, chance, gap) {
  let sum = 0;
  for (let t = 0; t < T; t++) {
    const at = t * B + b;
    x[2 * at] = chance() - 0.5;
    x[2 * at + 1] = t === 0 || chance() < ring(gap) ? 1 : 0;
    sum = x[2 * at] + (x[2 * at + 1] ? 0 : sum);
    target[at] = sum;
  }
}
