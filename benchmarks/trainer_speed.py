"""How many updates a second the networks of the figure `Trainer` make, in the pinned Node.

`README.md` in this folder says what is measured and how to read it.
"""

import argparse
import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

from lstmlib.figures.canvas import module_source
from lstmlib.figures.trainer import CELLS, TASKS

# A run of two turns: one to warm up, one that counts
PROGRAM = """
const { task, cell, gap, updates } = JSON.parse(process.argv[2]);
const settings = { cells: [cell], task, gap, units: 8, rate: 0.01, forget: [1], input: 0, clip: 1, seed: 1 };
const run = session({ ...settings, most: 2 * updates });
run.advance(updates);
const begin = process.cpuUsage();
const clock = performance.now();
run.advance(updates);
const { user, system } = process.cpuUsage(begin);
console.log(JSON.stringify([(performance.now() - clock) / 1e3, (user + system) / 1e6]));
"""


def speed(node: str, script: Path, task: str, cell: str, gap: int, updates: int) -> tuple[float, float]:
    """Updates in a second of the clock, and of the processor's time."""
    argument = json.dumps({"task": task, "cell": cell, "gap": gap, "updates": updates})
    done = subprocess.run([node, script, argument], check=True, capture_output=True, text=True)
    clock, processor = json.loads(done.stdout)
    return updates / clock, updates / processor


def main() -> None:
    """Print a table: batches of 16, 8 units, a row for each task and cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gap", type=int, default=40)
    parser.add_argument("--updates", type=int, default=1000)
    given = parser.parse_args()
    node = shutil.which("node", path=sysconfig.get_path("scripts"))
    assert node, "the pinned Node is not installed: pip install -r requirements.txt"
    script = Path("_build/trainer_speed.mjs")
    script.parent.mkdir(exist_ok=True)
    script.write_text(module_source("trainer_worker") + PROGRAM, encoding="utf-8")
    print(f"Updates a second with a gap of {given.gap}, by the clock (and by the processor's time)")
    for task in TASKS:
        for cell in CELLS:
            clock, processor = speed(node, script, task, cell, given.gap, given.updates)
            print(f"{task:>8} {cell:>7} {clock:7.0f} ({processor:.0f})", flush=True)


if __name__ == "__main__":
    main()
