// Where the planes of the arrows stand in the picture, and from there to numbers and back.

const SIDE = 114; // of a plane, in the picture's units
const PLANES = { q: [2, 22], k: [123, 22], v: [244, 22], output: [244, 182] };
const MARGIN = 0.65; // a plane shows more than an arrow's own reach: the vector of its place may be added
const REACH = 15; // how far from a tip a finger may come down

export const planeOf = (kind) => {
  const [left, top] = PLANES[kind];
  return { left, top, side: SIDE, centre: [left + SIDE / 2, top + SIDE / 2] };
};

const scaleOf = (limit) => SIDE / 2 / (limit + MARGIN);

export const toPicture = ([across, up], { centre }, limit) =>
  [centre[0] + scaleOf(limit) * across, centre[1] - scaleOf(limit) * up];

export const toPlane = ([x, y], { centre }, limit) =>
  [(x - centre[0]) / scaleOf(limit), (centre[1] - y) / scaleOf(limit)];

// The word and kind of the tip under the pointer, if any: of several the nearest, and the chosen one first.
export function nearestTip(at, { q, k, v, word, kind, limit }) {
  let [nearest, least] = [null, REACH];
  for (const [name, arrows] of Object.entries({ q, k, v }))
    arrows.forEach((arrow, n) => {
      const [x, y] = toPicture(arrow, planeOf(name), limit);
      const far = Math.hypot(x - at[0], y - at[1]) - (n === word && name === kind ? 4 : 0);
      if (far < least) [nearest, least] = [{ word: n, kind: name }, far];
    });
  return nearest;
}
