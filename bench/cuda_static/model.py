"""The static model: occupancy, and the clocks of a CTA's crossbar tile by the resource that is busy longest. No GPU run.

    t = max(tensor, issue, shared, L2, DRAM)

for one crossbar tile of one CTA on one multiprocessor with the others busy alike. tensor: multiply-adds over those per
clock; issue: warp instructions over the four schedulers; shared: wavefronts, one a clock; L2: bytes that the CTA reads over
64 a clock; DRAM: the CTA's part of a layer of 4096 x 4096 x 4096 whose operands are read once. Latency is not modelled:
CTAs per multiprocessor, the column beside it, says how much there is to hide it.
"""
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str
    multiprocessors: int
    shared: int  # bytes of a multiprocessor
    clock: float  # Hz
    multiply_adds: float  # of 16 bits, a clock and multiprocessor
    bandwidth: float  # of DRAM, bytes a second


# mma.sync is said to reach about 60 % of what wgmma does on an H100; that is from the literature, not measured.
A100 = Machine("A100", 108, 164 << 10, 1.41e9, 1024, 1.6e12)
H100 = Machine("H100", 132, 228 << 10, 1.755e9, 0.6 * 2048, 3.35e12)
MACHINES = {"sm_80": A100, "sm_90": H100}
WGMMA_MULTIPLY_ADDS = 2048
REGISTERS, WARPS, MOST_CTAS = 65536, 64, 32
LAYER = 4096  # rows, columns and contraction of the layer that DRAM is modelled for


def ctas_per_multiprocessor(machine, threads, registers, shared):
    """How many CTAs fit; registers go by 256 to a warp, shared memory by 128 bytes and 1024 for each CTA."""
    warps = -(-threads // 32)
    by_registers = REGISTERS // (warps * (-(-32 * registers // 256) * 256))
    by_shared = machine.shared // (-(-(shared + 1024) // 128) * 128)
    return min(MOST_CTAS, WARPS // warps, by_registers, by_shared)


def clocks(machine, rows, columns, depth, warp_instructions, wavefronts=None, bytes_read=None, wgmma=False):
    """The clocks of each resource for one tile; those without a count are left out."""
    rate = WGMMA_MULTIPLY_ADDS if wgmma else machine.multiply_adds
    loaded = 2 * (rows + columns) * depth if bytes_read is None else bytes_read
    # Three operands of two bytes, spread over the tiles of all CTAs.
    tiles = (LAYER / rows) * (LAYER / columns) * (LAYER / depth)
    dram = 3 * 2 * LAYER * LAYER / tiles
    busy = {"tensor": rows * columns * depth / rate, "issue": warp_instructions / 4, "L2": loaded / 64,
            "DRAM": dram * machine.multiprocessors * machine.clock / machine.bandwidth}
    if wavefronts is not None:
        busy["shared"] = wavefronts
    return busy


def limiter(busy):
    name = max(busy, key=busy.get)
    return name, busy[name]


def spilled_bytes(kernel):
    """Bytes of the stack that a kernel's instructions write: spills, where it has no arrays there."""
    places = {}
    for instruction in kernel.instructions:
        if instruction.base == "STL" and (place := re.match(r"\[([^\]]*)\]", instruction.operands)):
            width = next((int(w) // 8 for w in instruction.opcode.split(".") if w in ("64", "128")), 4)
            places[place[1]] = max(width, places.get(place[1], 0))
    return sum(places.values())
