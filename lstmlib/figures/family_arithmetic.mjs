// What each switch of the family does: which switches go together, the equations, how many numbers are
// learned and carried, and one stream read. tests/test_arithmetic.py holds it equal to lstmlib.

import { sigmoid } from "./cell_arithmetic.mjs";

// Turns one switch. What conflicts with a switch that goes on goes off, what it needs comes on, and what
// needs a switch that goes off goes with it. `order` has all switches, `conflicts` pairs of them with a
// reason, and `needs` a switch, those it needs, whether one of them is enough, and a reason.
export function turn(parts, name, { order, conflicts, needs }) {
  const now = new Set(parts);
  if (now.has(name)) now.delete(name);
  else {
    now.add(name);
    for (const [one, other] of conflicts) {
      if (one === name) now.delete(other);
      if (other === name) now.delete(one);
    }
  }
  for (const [who, which, enough] of needs) {
    const there = which.filter((part) => now.has(part)).length;
    if (!now.has(who) || there === which.length || (enough && there)) continue;
    if (who !== name) now.delete(who);
    else for (const part of enough ? which.slice(0, 1) : which) now.add(part);
  }
  return order.filter((part) => now.has(part));
}

// Why more than one switch moved.
export function reasons(was, now, { conflicts, needs }) {
  const on = now.filter((part) => !was.includes(part));
  const off = was.filter((part) => !now.includes(part));
  const met = conflicts.filter(([one, other]) =>
    (on.includes(one) && off.includes(other)) || (on.includes(other) && off.includes(one)));
  const needed = needs.filter(([who, which]) =>
    (on.includes(who) && which.some((part) => on.includes(part))) ||
    (off.includes(who) && which.some((part) => off.includes(part))));
  return [...met, ...needed].map((rule) => `${rule.at(-1)} `);
}

// log σ(a), without overflow.
const logSigmoid = (a) => Math.min(a, 0) - Math.log1p(Math.exp(-Math.abs(a)));

// The switches as a question: has("tanh").
export const asker = (parts) => (part) => parts.includes(part);

// Gates with weights of their own: a coupled input gate has none.
export const ownGates = (has) =>
  ["input", "forget", "output"].filter((gate) => has(gate) && !(gate === "input" && has("coupled")));

// Weights and biases of a layer with D inputs and H units.
export function countParameters(parts, D, H) {
  const has = asker(parts);
  const gates = ownGates(has);
  if (has("matrix")) {
    // Rows of H for q, k, v and o; one number for each of the other gates.
    const single = gates.filter((gate) => gate !== "output").length;
    return (3 + has("output")) * H * (D + 1) + single * (D + 1);
  }
  return (1 + gates.length) * H * (D + H + 1) + (has("peepholes") ? gates.length * H : 0);
}

// How many numbers go from step to step: h and c, with n and m where the input gate is an exponential.
export function countCarried(parts, H) {
  const has = asker(parts);
  const exponential = has("exponential");
  if (has("matrix")) return H * H + H + (exponential ? H + 1 : 0);
  const shown = has("output") || has("tanh") || exponential; // else h is c
  return H * (1 + shown + 2 * exponential);
}

// Reads a stream with gates set by hand: rows of the number that comes in, its key (0 or 1), and the
// pre-activations of the input, forget and output gates. Each step has h and the state: c, and n where
// there is one; for a matrix memory what stands under either key. c and n are divided by e^m.
export function readStream(parts, rows, peepholes) {
  const has = asker(parts);
  const keys = has("matrix") ? [0, 1] : [0];
  const through = (gate, a, c) => (has(gate) ? sigmoid(a + (has("peepholes") ? peepholes[gate] * c : 0)) : 1);
  let [C, N, m] = [keys.map(() => 0), keys.map(() => 0), 0];
  return rows.map(([x, key, a_i, a_f, a_o]) => {
    const place = has("matrix") ? key : 0;
    let f = through("forget", a_f, C[0]);
    let i = has("coupled") ? 1 - f : through("input", a_i, C[0]);
    if (has("exponential")) {
      const log_f = has("forget") ? logSigmoid(a_f) : 0;
      const m_prev = m;
      m = Math.max(log_f + m_prev, a_i);
      [i, f] = [Math.exp(a_i - m), Math.exp(log_f + m_prev - m)];
    }
    C = C.map((c, k) => f * c + (k === place ? i * x : 0));
    N = N.map((n, k) => f * n + (k === place ? i : 0));
    let read = C[place];
    if (has("exponential")) read /= has("matrix") ? Math.max(Math.abs(N[place]), Math.exp(-m)) : N[place];
    if (has("tanh")) read = Math.tanh(read);
    return { i, f, c: C, n: N, h: through("output", a_o, C[0]) * read };
  });
}

// The equations of one step, a line each; _ and ^ lower and raise the next sign, or what stands in {}.
export function equations(parts) {
  const has = asker(parts);
  const [matrix, exponential] = [has("matrix"), has("exponential")];
  const sees = (name) => (matrix ? `W_${name} x_t + b_${name}` : `W_${name} [h_{t−1}, x_t] + b_${name}`);
  const peeps = (name, c) => (has("peepholes") ? ` + p_${name} ⊙ ${c}` : "");
  const one = matrix ? "  (one number)" : "";
  const lines = [];
  if (has("forget")) lines.push(`f_t = σ(${sees("f")}${peeps("f", "c_{t−1}")})${one}`);
  if (has("coupled")) lines.push("i_t = 1 − f_t");
  else if (has("input"))
    lines.push(`i_t = ${exponential ? "exp" : "σ"}(${sees("i")}${peeps("i", "c_{t−1}")})${one}`);
  if (matrix) lines.push(`q_t = ${sees("q")}`, `k_t = (${sees("k")}) / √H`, `v_t = ${sees("v")}`);
  else lines.push(`g_t = tanh(${sees("g")})`);
  const times = matrix ? " " : " ⊙ ";
  const kept = (state) => `${has("forget") ? `f_t${times}` : ""}${state}_{t−1}`;
  const written = (what) => (has("input") ? `i_t${what && `${times}${what}`}` : what);
  const state = matrix ? "C" : "c";
  lines.push(`${state}_t = ${kept(state)} + ${written(matrix ? "v_t k_t^⊤" : "g_t")}`);
  if (exponential) lines.push(`n_t = ${kept("n")} + ${written(matrix ? "k_t" : "")}`);
  if (exponential)
    lines.push(`m_t = max(${has("forget") ? "log f_t + " : ""}m_{t−1}, log i_t)  (${state} and n are kept divided by exp m)`);
  // o stands behind c: a peephole lets it see the new one.
  if (has("output")) lines.push(`o_t = σ(${sees("o")}${peeps("o", "c_t")})`);
  let read = matrix ? "C_t q_t" : "c_t";
  if (exponential) read += matrix ? " / max(|n_t^⊤ q_t|, 1)" : " / n_t";
  if (has("tanh")) read = read.length > 3 ? `tanh(${read})` : `tanh ${read}`;
  lines.push(`h_t = ${has("output") ? "o_t ⊙ " : ""}${read}`);
  return lines;
}
