// The arithmetic of single cells and small loops, and the one place where JavaScript does it;
// `layer_arithmetic.mjs` puts whole layers together. tests/test_arithmetic.py holds each function
// equal to lstmlib.

// A slider waits for thousands of these: a loop is many times as fast as `reduce`.
export function dot(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

export const sigmoid = (a) => 0.5 * (1 + Math.tanh(0.5 * a));

export const logit = (s) => Math.log(s / (1 - s));

// What a selector vector lets through: s ⊙ x.
export const select = (s, x) => s.map((value, k) => value * x[k]);

// c = f c_prev + i g;  h = o tanh(c), for one unit.
export function lstmCell({ i, f, g, o, c_prev }) {
  const kept = f * c_prev;
  const added = i * g;
  const c = kept + added;
  const squashed = Math.tanh(c);
  return { kept, added, c, squashed, h: o * squashed };
}

// h = tanh(w x + u h_prev) along a sequence, for one unit that starts at 0.
export function loop({ w, u, x }) {
  let h = 0;
  return x.map((value) => (h = Math.tanh(w * value + u * h)));
}

// ∂c_T/∂c_t by lag along the belt of one unit: the product of its forget gates σ(bias + noise).
export function forgetProduct({ bias, noise }) {
  let product = 1;
  const gates = noise.slice(1).reverse().map((n) => sigmoid(bias + n));
  return [1, ...gates.map((f) => (product *= f))];
}

// A cell with its gates set by hand reads the numbers x: what it holds and shows after each step.
export function memory({ i, f, o, x }) {
  let c_prev = 0;
  return x.map((g, t) => {
    const step = lstmCell({ i: i[t], f: f[t], g, o: o[t], c_prev });
    c_prev = step.c;
    return step;
  });
}

// Largest singular value, by one-sided Jacobi rotations: they turn the columns until all are
// orthogonal, and then the longest column is the answer.
export function spectralNorm(matrix) {
  const columns = matrix[0].map((_, k) => matrix.map((row) => row[k]));
  for (let sweep = 0, turned = true; turned && sweep < 60; sweep++) {
    turned = false;
    for (let p = 0; p < columns.length; p++)
      for (let q = p + 1; q < columns.length; q++) {
        const [a, b] = [columns[p], columns[q]];
        const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(ab) <= 1e-15 * Math.sqrt(aa * bb)) continue;
        turned = true;
        const zeta = (bb - aa) / (2 * ab);
        const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, tangent);
        const sine = cosine * tangent;
        columns[p] = a.map((value, k) => cosine * value - sine * b[k]);
        columns[q] = a.map((value, k) => sine * value + cosine * b[k]);
      }
  }
  return Math.max(...columns.map((column) => Math.hypot(...column)));
}

const SQUASH = {
  linear: [(a) => a, () => 1],
  tanh: [Math.tanh, (h) => 1 - h * h],
  ReLU: [(a) => Math.max(0, a), (h) => (h > 0 ? 1 : 0)],
};

// ‖∂h_T/∂h_t‖ by lag for h_t = φ(W h_{t−1} + x_t) with W = gain U, reading the rows of x from h_0 = 0.
export function gradientByLag({ gain, U, x, kind }) {
  const [squash, slope] = SQUASH[kind];
  const W = U.map((row) => row.map((value) => gain * value));
  let h = U.map(() => 0);
  const slopes = x.map((input) => {
    h = W.map((row, k) => squash(row.reduce((sum, value, j) => sum + value * h[j], input[k])));
    return h.map(slope);
  });
  let product = U.map((_, k) => U.map((_, j) => (k === j ? 1 : 0)));
  const norms = [1];
  for (let t = x.length - 1; t > 0; t--) {
    const step = W.map((row, k) => row.map((value) => slopes[t][k] * value));
    product = product.map((row) =>
      U.map((_, j) => row.reduce((sum, value, k) => sum + value * step[k][j], 0)));
    norms.push(spectralNorm(product));
  }
  return norms;
}
