// A trained writer's arithmetic: an LSTM, and the mixture that its readout says.
// tests/test_arithmetic.py holds it equal to lstmlib.

import { sigmoid } from "./cell_arithmetic.mjs";
import { normals } from "./chance.mjs";
import { affine, affineOfSymbol, lstmStep, softmax, zeroState } from "./layer_arithmetic.mjs";

// What 6 M + 1 raw numbers say, sharpened by a bias: the pen, then M Gaussians.
export function mixtureOf(raw, bias) {
  const M = (raw.length - 1) / 6;
  const part = (k) => raw.slice(1 + k * M, 1 + (k + 1) * M);
  const [logits, x, y, logX, logY, r] = [0, 1, 2, 3, 4, 5].map(part);
  const weights = softmax(logits.map((logit) => (1 + bias) * logit));
  const gaussians = weights.map((weight, m) => ({
    weight,
    mean: [x[m], y[m]],
    deviation: [Math.exp(logX[m] - bias), Math.exp(logY[m] - bias)],
    rho: Math.tanh(r[m]),
  }));
  return { pen: sigmoid(raw[0]), gaussians };
}

// The point that chance picks: dx, dy, and whether the pen is lifted there.
export function pointOf({ pen, gaussians }, [pick, lift], [n1, n2]) {
  let passed = 0;
  const { mean, deviation, rho } =
    gaussians.find(({ weight }) => (passed += weight) > pick) ?? gaussians.at(-1);
  return [
    mean[0] + deviation[0] * n1,
    mean[1] + deviation[1] * (rho * n1 + Math.sqrt(1 - rho * rho) * n2),
    lift < pen ? 1 : 0,
  ];
}

// One step of the LSTM. It reads a point and the letter's number, whose one-hot picks a column of W_x.
export const writerStep = (point, letter, state, lstm) =>
  lstmStep(affine(point, lstm.W_x, affineOfSymbol(point.length + letter, lstm.W_x, lstm.b)), state, lstm);

// A letter, point by point, until the pen is lifted twice in a row; `most` points at the most. Each point comes
// with the mixture that it was drawn from; the last one only says that the letter is done.
export function writeLetter(letter, { lstm, readout }, { bias, chance, most }) {
  let [state, before] = [zeroState(lstm), [0, 0, 1]];
  const points = [];
  while (points.length < most) {
    state = writerStep(before, letter, state, lstm);
    const mixture = mixtureOf(affine(state.h, readout.W, readout.b), bias);
    const [pick, lift, u, v] = [chance(), chance(), chance(), chance()];
    const point = pointOf(mixture, [pick, lift], normals(u, v));
    if (before[2] && point[2]) return { points, ended: true };
    points.push({ point, mixture });
    before = point;
  }
  return { points, ended: false };
}
