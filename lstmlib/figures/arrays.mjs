// Numbers on their way to the page: one after the other, compressed. `pack` of arrays.py sends them.

export async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Rows of numbers, and rows of rows, at the paths that `places` names, each with its shape.
export async function unpack(bytes, places) {
  const flat = new Float32Array(await inflate(bytes));
  let start = 0;
  const next = (count) => Array.from(flat.subarray(start, (start += count)));
  const all = {};
  for (const [path, [rows, columns]] of places) {
    const home = path.slice(0, -1).reduce((at, key) => (at[key] ??= {}), all);
    home[path.at(-1)] = columns === undefined ? next(rows) : Array.from({ length: rows }, () => next(columns));
  }
  return all;
}
