// Chance from a seed, the same for everybody. tests/test_arithmetic.py holds it equal to lstmlib's.

// Park and Miller's generator, s ← 48271 s mod 2³¹ − 1: one long row of numbers.
const FACTOR = 48271;
const PRIME = 2147483647;

// Numbers above 0 and below 1 from a place in the row on.
export function chanceFrom(place) {
  let [s, base, left] = [1n, BigInt(FACTOR), place];
  for (; left > 0; left = Math.floor(left / 2)) {
    if (left % 2) s = (s * base) % BigInt(PRIME);
    base = (base * base) % BigInt(PRIME);
  }
  s = Number(s);
  return () => (s = (FACTOR * s) % PRIME) / PRIME;
}

// Two numbers of a normal distribution, of two even ones (Box and Muller).
export function normals(u, v) {
  const far = Math.sqrt(-2 * Math.log(u));
  return [far * Math.cos(2 * Math.PI * v), far * Math.sin(2 * Math.PI * v)];
}
