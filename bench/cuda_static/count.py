"""How many instructions a kernel executes: those of its basic blocks, times how often each runs.

Without a walk (walk.py) the trip counts of loops come from the caller, and a block runs whenever the loop around it goes
round: both sides of a condition count. Blocks that the caller skips, and what only they lead to, do not.
"""
import collections
import dataclasses

from cuda_static import flow
from cuda_static.classes import ORDER, class_of


@dataclasses.dataclass
class Count:
    """Of one warp: by class, and by loop and class; inside one turn of the tile loop, and outside of that loop."""
    tile: collections.Counter
    outside: collections.Counter
    by_loop: dict
    loops: list
    tile_loop: flow.Loop
    lengths: dict  # instructions in a turn of each loop, without the loops in it

    @property
    def per_tile(self):
        return sum(self.tile.values())


class Problem(Exception):
    """What the caller asked for does not fit the kernel."""


def find_loop(loops, name):
    for loop in loops:
        if name in (loop.name, loop.label):
            return loop
    raise Problem(f"there is no loop '{name}'; there are: {', '.join(l.name for l in loops) or 'none'}")


def tile_loop_of(loops, blocks, name):
    """The loop over tiles: the one named, or the outermost with tensor instructions; None for 'none' or without."""
    if name == "none":
        return None
    if name:
        return find_loop(loops, name)
    tensor = {b.index for b in blocks if any(class_of(i) == "HMMA" for i in b.instructions)}
    return next((l for l in loops if l.parent is None and l.blocks & tensor), None)


def reached(kernel, blocks, skipped):
    """Blocks that run when those at the labels or addresses skipped do not."""
    known = {name: address for name, address in kernel.labels.items()}
    gone = set()
    for name in skipped:
        address = known.get(name)
        if address is None:
            try:
                address = int(name, 16)
            except ValueError as error:
                raise Problem(f"there is no label '{name}'; expected a label of the listing or an address") from error
        gone |= {b.index for b in blocks if b.address <= address <= b.instructions[-1].address}
    for block in blocks:
        block.successors = [s for s in block.successors if s not in gone]
    return flow.reachable(blocks)


def count_static(kernel, trips, skipped=(), tile_loop=None):
    """Counts by trip counts: {loop's name or label: turns for each entry}; a loop that has none turns once."""
    blocks = flow.blocks_of(kernel)
    live = reached(kernel, blocks, skipped)
    loops = flow.loops_of(kernel, blocks)
    turns = {loop.name: 1 for loop in loops}
    for name, value in trips.items():
        turns[find_loop(loops, name).name] = value
    main = tile_loop_of(loops, blocks, tile_loop)
    runs = {}
    for index in live:
        inner = flow.innermost(loops, index)
        runs[index] = 1
        for loop in inner.chain if inner else []:
            runs[index] *= 1 if loop is main else turns[loop.name]
    return count_blocks(blocks, loops, main, runs)


def count_blocks(blocks, loops, main, runs):
    """Adds up the instructions of blocks that run so often; runs inside the tile loop are those of one turn."""
    count = Count(collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter), loops, main, {})
    count.lengths = collections.Counter()
    for index, times in runs.items():
        loop = flow.innermost(loops, index)
        inside = main is None or index in main.blocks
        for instruction in blocks[index].instructions:
            kind = class_of(instruction)
            (count.tile if inside else count.outside)[kind] += times
            count.by_loop[loop.name if loop else "straight"][kind] += times
        count.lengths[loop.name if loop else "straight"] += len(blocks[index].instructions)
    return count


def print_count(kernel, count, turns, threads, outputs):
    """The breakdown by class and by loop, per output (per CTA without outputs)."""
    scale = threads / outputs if outputs else threads
    unit = "per output" if outputs else "per CTA"
    print(f"{kernel.name}: {kernel.registers} registers, {len(kernel.instructions)} instructions of machine code")
    print(f"static model, no GPU run; {threads} threads" + (f", {outputs} outputs" if outputs else ""))
    for loop in count.loops:
        note = "the tile loop: one turn counts" if loop is count.tile_loop else f"{turns.get(loop.name, turns.get(loop.label, 1))} turns"
        if loop is not count.tile_loop and loop.name not in turns and loop.label not in turns:
            note += " (no --trip)"
        inside = f" in {loop.parent.name}" if loop.parent else ""
        total = sum(count.by_loop[loop.name].values())
        print(f"  {loop.name} {loop.label}{inside}: {note}; {count.lengths[loop.name]} instructions a turn, "
              f"{total * scale:.2f} {unit}; HMMA {count.by_loop[loop.name]['HMMA']}")
    total = count.per_tile
    where = "per tile" if count.tile_loop else "in all"
    print(f"{where}: {total * scale:.2f} thread-instructions {unit}, {total} per warp"
          + (f"; outside of the tile loop {sum(count.outside.values())} per warp" if count.tile_loop else ""))
    columns = [l.name for l in count.loops if sum(count.by_loop[l.name].values())]
    print(f"  {'class':10} {unit:>10} {'share':>6}  per warp" + "".join(f"{name:>9}" for name in columns) + "  by loop, per output" * bool(outputs))
    for kind in sorted(ORDER, key=lambda kind: -count.tile[kind]):
        if count.tile[kind]:
            loops = "".join(f"{count.by_loop[name][kind] * scale:9.2f}" for name in columns)
            print(f"  {kind:10} {count.tile[kind] * scale:10.2f} {count.tile[kind] / total:6.1%}  {count.tile[kind]:8}{loops}")
