// The arithmetic of the cell, and the one place where JavaScript does it.
// Each function is held equal to lstmlib by a test in the browser.

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
