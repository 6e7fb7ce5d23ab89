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
    """Warp instructions of a CTA: by class, and by loop and class; inside one turn of the tile loop, and outside of it."""
    tile: collections.Counter
    outside: collections.Counter
    by_loop: dict
    loops: list
    turns: dict  # of each loop, for the breakdown
    assumed: dict = dataclasses.field(default_factory=dict)  # branches on data: (address, taken)

    @property
    def per_tile(self):
        return sum(self.tile.values())

    def per_output(self, outputs, kind=None):
        """Thread-instructions in all, or of a class."""
        return 32 * (self.tile[kind] if kind else self.per_tile) / outputs


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
    gone = set()
    for name in skipped:
        address = kernel.labels.get(name)
        if address is None:
            try:
                address = int(name, 16)
            except ValueError as error:
                raise Problem(f"there is no label '{name}'; expected a label of the listing or an address") from error
        gone |= {b.index for b in blocks if b.address <= address <= b.instructions[-1].address}
    for block in blocks:
        block.successors = [s for s in block.successors if s not in gone]
    return flow.reachable(blocks)


def count_static(kernel, trips, warps, skipped=(), tile_loop=None):
    """Counts by trip counts: {loop's name or label: turns for each entry}; a loop that has none turns once."""
    blocks = flow.blocks_of(kernel)
    live = reached(kernel, blocks, skipped)
    loops = flow.loops_of(kernel, blocks)
    turns = {find_loop(loops, name).name: value for name, value in trips.items()}
    main = tile_loop_of(loops, blocks, tile_loop)
    notes = {l.name: f"{turns.get(l.name, 1)} turns" + " (no --trip)" * (l.name not in turns) for l in loops}
    if main:
        notes[main.name] = "the tile loop, of which one turn counts"
    tile, outside = [0] * len(kernel.instructions), [0] * len(kernel.instructions)
    for block in (blocks[index] for index in live):
        inner = flow.innermost(loops, block.index)
        runs = warps
        for loop in inner.chain if inner else []:
            runs *= 1 if loop is main else turns.get(loop.name, 1)
        into = tile if main is None or block.index in main.blocks else outside
        for instruction in block.instructions:
            into[kernel.at(instruction.address)] = runs
    return tally(kernel, tile, outside, loops, notes)


def tally(kernel, tile, outside, loops=None, turns=None):
    """Adds up what runs so often: lists by position."""
    blocks = flow.blocks_of(kernel)
    loops = flow.loops_of(kernel, blocks) if loops is None else loops
    count = Count(collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter), loops, turns or {})
    for block in blocks:
        loop = flow.innermost(loops, block.index)
        name = loop.name if loop else "straight"
        for instruction in block.instructions:
            kind, position = class_of(instruction), kernel.at(instruction.address)
            count.tile[kind] += tile[position]
            count.outside[kind] += outside[position]
            count.by_loop[name][kind] += tile[position]
    return count


def print_count(kernel, count, warps, outputs):
    """The breakdown by class and by loop, per output (per CTA without outputs)."""
    scale = 32 / (outputs or 1)
    unit = "per output" if outputs else "per CTA"
    registers = "" if kernel.registers is None else f"{kernel.registers} registers, "
    print(f"{kernel.name}: {registers}{len(kernel.instructions)} instructions of machine code")
    print(f"static model, no GPU run; {32 * warps} threads" + (f", {outputs} outputs" if outputs else ""))
    for address, taken in sorted(count.assumed):
        print(f"  a branch on data at {address:x}: {'taken' if taken else 'not taken'}")
    for loop in count.loops:
        inside = f" in {loop.parent.name}" if loop.parent else ""
        total = sum(count.by_loop[loop.name].values())
        turns = count.turns.get(loop.name, "")
        print(f"  {loop.name} {loop.label}{inside}: {turns}{'; ' * bool(turns)}{total * scale:.2f} {unit}, "
              f"HMMA {count.by_loop[loop.name]['HMMA'] / warps:g} per warp")
    total, outside = count.per_tile, sum(count.outside.values())
    print(f"counted: {total * scale:.2f} thread-instructions {unit}, {total / warps:.0f} per warp; HMMA {count.tile['HMMA'] / warps:g}"
          + (f" per warp; outside of the tile loop {outside / warps:.0f} per warp" if outside else " per warp"))
    columns = [n for n in ["straight"] + [l.name for l in count.loops] if sum(count.by_loop[n].values())]
    print(f"  {'class':10} {unit:>10} {'share':>6} {'per warp':>9} " + "".join(f"{name:>9}" for name in columns) + f"   by loop, {unit}")
    for kind in sorted(ORDER, key=lambda kind: -count.tile[kind]):
        if count.tile[kind]:
            by_loop = "".join(f"{count.by_loop[name][kind] * scale:9.2f}" for name in columns)
            print(f"  {kind:10} {count.tile[kind] * scale:10.2f} {count.tile[kind] / total:6.1%} {count.tile[kind] / warps:9.1f} {by_loop}")
