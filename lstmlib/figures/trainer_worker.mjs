// Trains beside the page, in a Web Worker: one or two networks, the same batches for both, update by update.
// It exports nothing: on a page opened from disk a worker may not be a module.

import { CELLS, backward, firstWeights, forward, lossOf, makeNetwork, update } from "./trainer_arithmetic.mjs";
import { chanceFrom } from "./chance.mjs";
import { batchFor, constantLoss, fill, marksOf } from "./trainer_tasks.mjs";

const BATCH = 16;
const TESTS = 8; // batches
const RECENT = 10; // updates: the loss that is shown is their mean
const BLOCK = 20_000_000; // numbers of chance for each seed
const [WEIGHTS, TEST] = [19_000_000, 19_500_000]; // where in it the weights and the tests begin

// What a run is, without any clock: `advance` makes updates, `report` says how it stands.
function session({ cells, task, gap, units, rate, forget, input, clip, seed, most }) {
  const batch = batchFor(task, gap, BATCH);
  const data = chanceFrom(seed * BLOCK);
  const testing = chanceFrom(seed * BLOCK + TEST);
  const tests = Array.from({ length: TESTS }, () => fill(task, gap, batchFor(task, gap, BATCH), testing));
  const hopeless = 100 * constantLoss(task, gap);
  // Both begin with the same chance, so that two cells of a kind begin with the same weights.
  const runs = cells.map((cell, k) => ({
    cell,
    network: firstWeights(makeNetwork(cell, batch, units), chanceFrom(seed * BLOCK + WEIGHTS), { forget: forget[k], input }),
    recent: [],
    points: [],
    broke: 0,
  }));
  let updates = 0;
  const done = () => updates >= most || runs.every(({ broke }) => broke);

  const advance = (count) => {
    for (; count > 0 && !done(); count--) {
      fill(task, gap, batch, data);
      updates += 1;
      for (const run of runs) if (!run.broke) learn(run);
    }
  };
  const learn = (run) => {
    const loss = update(run.network, batch, { rate, clip });
    run.recent.push(loss);
    if (run.recent.length > RECENT) run.recent.shift();
    const shown = mean(run.recent);
    if (!Number.isFinite(loss) || (updates >= RECENT && shown > hopeless)) run.broke = updates;
    if (updates % RECENT === 0 && Number.isFinite(shown)) run.points.push([updates, shown]);
  };
  const report = () => ({
    updates,
    done: done(),
    marks: marksOf(task, tests[0]),
    networks: runs.map((run) => {
      const points = run.points.splice(0);
      return { broke: run.broke, loss: mean(run.recent), points, test: judge(run.network, tests), ...picture(run, tests[0]) };
    }),
  });
  return { advance, report, done, runs };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function judge(network, tests) {
  const found = tests.map(({ x, target, from }) => {
    forward(network, x, from);
    return lossOf(network, target, from);
  });
  return { loss: mean(found.map(({ loss }) => loss)), right: mean(found.map(({ right }) => right)) };
}

// What the network does with the first of a batch: its memory (T, H), the mean of each gate over the units
// (T,), and what is left of the gradient of the last answer at the memory of each step, for the whole batch.
function picture({ cell, network }, { x, target }) {
  const { T, B, H, act, h, c, reach } = network;
  forward(network, x, 0);
  lossOf(network, target, T - 1);
  backward(network, x, T - 1);
  const memory = CELLS[cell].cellState ? c : h;
  const states = Array.from({ length: T }, (_, t) => [...memory.subarray((t + 1) * B * H, (t + 1) * B * H + H)]);
  const gates = {};
  CELLS[cell].gates.forEach((gate, k, { length }) => {
    if (!"ifrzo".includes(gate)) return;
    const at = (t) => t * B * length * H + k * H;
    gates[gate] = states.map((_, t) => mean([...act.subarray(at(t), at(t) + H)]));
  });
  return { cell, states, gates, reach: Array.from(reach, (norm) => norm / reach[T - 1]) };
}

const SLICE = 30; // milliseconds between two looks at the messages
const OFTEN = 120; // and between two reports

// The worker's side: takes a task, goes on in slices, and reports a few times a second.
function listen(port) {
  let [current, run, timer, told] = [null, 0, 0, 0];
  const tell = (state) => {
    told = performance.now();
    port.postMessage({ run, state, ...current.report() });
  };
  const slice = () => {
    const begin = performance.now();
    while (performance.now() - begin < SLICE && !current.done()) current.advance(1);
    if (current.done()) return tell("done");
    if (performance.now() - told > OFTEN) tell("running");
    timer = setTimeout(slice, 0);
  };
  port.onmessage = ({ data }) => {
    clearTimeout(timer);
    if (data.settings) [current, run] = [session(data.settings), data.run];
    if (data.order === "go") slice();
    if (data.order === "step") current.advance(1);
    if (data.order === "step" || data.order === "pause") tell(current.done() ? "done" : "paused");
  };
}

if (typeof WorkerGlobalScope !== "undefined") listen(self);
