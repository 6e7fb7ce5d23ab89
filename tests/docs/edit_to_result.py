"""From editing an effect's text to the first result in less than two seconds: edit_to_result.py SOURCE_FOLDER TOOLS_FOLDER SCRATCH_FOLDER

A copy of an example is edited three times, each time another text, and run with an empty cache. The best of the three times counts, of
the processor where the machine has more to do than it has processors: a compiler that became slow is so each time.
"""

import os
import resource
import shutil
import subprocess
import sys
import time

source, tools, scratch = sys.argv[1:]
LIMIT = 2.0  # seconds; docs/effects.md
# Example, the constant of its code that is edited, and arguments of mho-run.
EXAMPLES = [
    ("reram_noise", "%c0 = arith.constant ", "--size 0=5x70 --size 1=33x70"),
    ("bit_slices", "%four = arith.constant ", "--size 0=5x70 --size 1=33x70 --size 2=2 --arg 2=2"),
]


def processor_seconds():
    """Of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(text, name, options):
    """Seconds from writing the text to the printed result, and the result."""
    cache = os.path.join(scratch, "edit-cache")
    shutil.rmtree(cache, ignore_errors=True)
    path = os.path.join(scratch, name + ".edited.mlir")
    begin, used = time.monotonic(), processor_seconds()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    command = [os.path.join(tools, "mho-run"), path, "layer", *options.split(), "--normal", "--gradient", "--print"]
    done = subprocess.run(command, env={**os.environ, "MHO_CACHE_DIR": cache}, capture_output=True, text=True)
    busy = os.getloadavg()[0] > os.cpu_count()
    seconds = processor_seconds() - used if busy else time.monotonic() - begin
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    assert os.listdir(cache), f"{name}: nothing was compiled"
    return seconds, done.stdout


for name, before, options in EXAMPLES:
    with open(os.path.join(source, "examples", "effects", name + ".mlir"), encoding="utf-8") as file:
        text = file.read()
    assert text.count(before) == 1, f"{name}: expected '{before}' once"
    start = text.index(before) + len(before)
    end = text.index(" :", start)
    runs = [run(text[:start] + number + text[end:], name, options) for number in ("0.5", "1.5", "2.5")]
    assert len({result for _, result in runs}) == 3, f"{name}: expected another result of each text"
    best = min(seconds for seconds, _ in runs)
    print(f"{name}: {', '.join(f'{seconds:.2f}' for seconds, _ in runs)} s from edit to result")
    assert best < LIMIT, f"{name}: expected less than {LIMIT} s from edit to result, got {best:.2f} s"
