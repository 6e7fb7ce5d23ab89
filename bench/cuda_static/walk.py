"""Walks a thread through a kernel's machine code and counts how often each instruction runs.

Only what decides the branches is computed: integers and predicates that follow from the launch (parameters, sizes of the
grid, the thread's place). What comes from memory, and floats, are unknown, and so is what an unlisted instruction writes.
Where a branch hangs on something unknown, the side without a call is taken (the other is the slow path of a division or a
root), and no angle is taken to need the slow reduction of sin and cos. Else the walk ends with an error that names the
branch, unless `assume` says which way.
"""
import collections
import re

from cuda_static.count import Problem, tally
from cuda_static.effects import effect_of
from cuda_static.integers import MASK
from cuda_static.layer import sizes_of

PARAMETERS = {"sm_80": 0x160, "sm_86": 0x160, "sm_89": 0x160, "sm_90": 0x210}
STACK = 0x28  # where the constants have the pointer to it
MOST_STEPS = 4_000_000
OPERAND = re.compile(r"(?P<sign>[-~!]*)\|?(?P<name>U?R(?:\d+|Z)|U?P(?:\d|T)|PR|SR_?[\w.]+|B\d)?(?P<rest>[^,]*?)\|?$")


def split_operands(text):
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


class Operand:
    """A register, predicate, number, constant bank or anything else, parsed once."""

    def __init__(self, text):
        text = text.replace(".reuse", "")
        self.text = text
        self.is_negative, self.is_inverted, self.is_not = text.startswith("-"), text.startswith("~"), text.startswith("!")
        bare = text.lstrip("-~!").strip("|")
        self.number = self.bank = self.register = self.predicate = None
        if re.fullmatch(r"0x[0-9a-f]+", bare):
            self.number = int(bare, 16)
        elif match := re.fullmatch(r"c\[0x([0-9a-f]+)\]\[(?:(U?R\w+)\+?)?-?(?:0x([0-9a-f]+))?\]", bare):
            self.bank = (int(match[1], 16), match[2], int(match[3] or "0", 16))
        elif re.fullmatch(r"U?R(\d+|Z)(\.\w+)?", bare):
            self.register = bare.split(".")[0]
        elif re.fullmatch(r"U?P(\d|T)", bare):
            self.predicate = bare

    @property
    def is_predicate(self):
        return self.predicate is not None


def following(register, step=1):
    """The name of the register after one; RZ stays."""
    match = re.fullmatch(r"(U?R)(\d+)", register)
    return f"{match[1]}{int(match[2]) + step}" if match else register


class Launch:
    """What a thread knows: sizes of the grid, its place, the bytes of the parameters."""

    def __init__(self, architecture, parameters, threads, grid=(1, 1, 1), block=(0, 0, 0), thread=0):
        self.constants = dict(zip((0, 4, 8, 12, 16, 20, STACK), (threads, 1, 1, *grid, 1 << 20)))
        for at in range(0, len(parameters), 4):
            word = int.from_bytes(parameters[at:at + 4].ljust(4, b"\0"), "little")
            self.constants[PARAMETERS[architecture] + at] = word
        self.special = {"SR_TID.X": thread, "SR_TID.Y": 0, "SR_TID.Z": 0, "SR_LANEID": thread % 32, "SRZ": 0}
        self.special.update(zip(("SR_CTAID.X", "SR_CTAID.Y", "SR_CTAID.Z"), block))


class Thread:
    """Registers, predicates and the stack of one thread: None is unknown. They begin as zeros, since compilers keep
    predicates as bits of a register that nothing has written as a whole."""

    def __init__(self, launch):
        self.launch, self.registers, self.predicates, self.stack = launch, {}, {}, {}
        self.partial = {}  # of unknown registers the bits that are known: (which, their values)

    def read(self, operand, wide=False):
        """The value of an operand, None where it is unknown; of 64 bits with `wide`."""
        value = self.read_bare(operand, wide)
        if value is None:
            return None
        if operand.is_predicate:
            return value != operand.is_not
        top = (1 << 64) - 1 if wide else MASK
        if operand.is_inverted:
            return ~value & top
        return value

    def read_bare(self, operand, wide):
        if operand.number is not None:
            return operand.number
        if operand.predicate:
            return True if operand.predicate.endswith("T") else self.predicates.get(operand.predicate, False)
        if operand.register:
            low = self.register(operand.register)
            high = self.register(following(operand.register)) if wide else 0
            return None if low is None or high is None else high << 32 | low
        if operand.bank:
            return self.constant(operand.bank, wide)
        return self.launch.special.get(operand.text)

    def register(self, name):
        return 0 if name.endswith("Z") else self.registers.get(name, 0)

    def constant(self, bank, wide=False):
        number, register, offset = bank
        base = self.register(register) if register else 0
        if number != 0 or base is None:
            return None
        low = self.launch.constants.get(base + offset)
        high = self.launch.constants.get(base + offset + 4) if wide else 0
        return None if low is None or high is None else high << 32 | low

    def signed_sum(self, operand):
        """An operand of a sum: with a minus 2^32 less itself, so that the sum's carry is right."""
        value = self.read(operand)
        return (1 << 32) - value if value is not None and operand.is_negative else value

    def write(self, operand, value, words=1):
        """A register (and those after it, with `words`) or a predicate; None: unknown."""
        if operand.predicate:
            self.predicates[operand.predicate] = value
        elif operand.register and not operand.register.endswith("Z"):
            for i in range(words):
                name = following(operand.register, i)
                self.registers[name] = None if value is None else value >> 32 * i & MASK
                self.partial.pop(name, None)

    def bits(self, operand):
        """Which bits of an operand are known, and their values."""
        value = self.read(operand)
        if value is not None:
            return MASK, value
        known, bits = self.partial.get(operand.register, (0, 0))
        return known, ~bits & MASK if operand.is_inverted else bits

    def write_bits(self, operand, known, value):
        self.write(operand, value if known == MASK else None)
        if known != MASK and operand.register:
            self.partial[operand.register] = known, value


def block_has_call(kernel, position):
    """Whether a call stands before the next jump from a position on."""
    for instruction in kernel.instructions[position:]:
        if instruction.base == "CALL":
            return True
        if instruction.base in ("BRA", "EXIT", "RET"):
            return False
    return False


class Walk:
    """Counts of the instructions of a kernel, by position, over the threads that have been walked."""

    def __init__(self, kernel, assume=None):
        self.kernel, self.assume = kernel, assume or {}
        self.assumed = collections.Counter()  # branches on what is unknown, and which way they were taken
        self.steps = [(i, Operand(i.predicate.lstrip("@")) if i.predicate else None, effect_of(i)) for i in kernel.instructions]
        self.operands = [[Operand(text) for text in split_operands(i.operands)] for i in kernel.instructions]

    def thread(self, launch):
        """The number of times that each instruction is issued to one thread."""
        thread, position, counts = Thread(launch), 0, [0] * len(self.steps)
        for _ in range(MOST_STEPS):
            instruction, predicate, effect = self.steps[position]
            counts[position] += 1
            holds = True if predicate is None else thread.read(predicate)
            if effect is None:
                position = self.jump(thread, position, holds)
                if position is None:
                    return counts
            else:
                if holds is not False:
                    effect(thread, self.operands[position], holds)
                position += 1
        raise Problem(f"{self.kernel.name}: no end after {MOST_STEPS} instructions, at {instruction}")

    def jump(self, thread, position, holds):
        """The next position after a jump, None at the end."""
        instruction = self.kernel.instructions[position]
        for operand in self.operands[position]:
            if operand.is_predicate and holds is not False:
                value = thread.read(operand)
                holds = value if holds else (False if value is False else None)
        if instruction.opcode.startswith("BRA.DIV"):
            holds = False  # the warp is together
        if instruction.base == "EXIT":
            return None if holds else position + 1
        if holds is None:
            holds = self.decide(position)
        if not holds:
            return position + 1
        if instruction.base == "RET":
            address = thread.read(self.operands[position][0])
            if address is None:
                raise Problem(f"{self.kernel.name}: a return to an unknown address: {instruction}")
            return self.kernel.at(address)
        if instruction.target not in self.kernel.labels:
            raise Problem(f"{self.kernel.name}: a jump to an unknown place: {instruction}")
        return self.kernel.at(self.kernel.labels[instruction.target])

    def decide(self, position):
        """Which way a branch goes that hangs on data."""
        instruction = self.kernel.instructions[position]
        if instruction.address in self.assume:
            taken = self.assume[instruction.address]
        else:
            target = self.kernel.at(self.kernel.labels[instruction.target])
            calls = instruction.base == "CALL" or block_has_call(self.kernel, target)
            if calls == block_has_call(self.kernel, position + 1):
                raise Problem(f"{self.kernel.name}: a branch that depends on data, with nothing to choose by: {instruction}; "
                              f"say --assume {instruction.address:x}=taken or --assume {instruction.address:x}=not")
            taken = not calls
        self.assumed[(instruction.address, taken)] += 1
        return taken


def walk_warps(kernel, architecture, parameters, threads, grid=(1, 1, 1), block=(0, 0, 0), assume=None, lanes=(0, 31)):
    """Warp instructions by position, summed over the warps of a CTA: what any of the lanes walked runs, the warp issues."""
    walk = Walk(kernel, assume)
    total = [0] * len(kernel.instructions)
    for warp in range(threads // 32):
        counts = [walk.thread(Launch(architecture, parameters, threads, grid, block, 32 * warp + lane)) for lane in lanes]
        for position, each in enumerate(zip(*counts)):
            total[position] += max(each)
    return total, walk.assumed


def count_layer(kernel, layer, architecture, tile_rows, assume=None):
    """Of a generated kernel: one tile of its forward pass, three tiles less two; the whole of a gradient's CTA."""
    def run(tiles):
        shape = layer.shape(tile_rows, tiles)
        return walk_warps(kernel, architecture, layer.arguments(sizes_of(*shape)), layer.threads, layer.grid(*shape, tile_rows),
                          assume=assume)

    if not layer.is_forward:
        runs, assumed = run(1)
        count = tally(kernel, runs, [0] * len(runs))
    else:
        (two, _), (three, assumed) = run(2), run(3)
        tile = [b - a for a, b in zip(two, three)]
        count = tally(kernel, tile, [a - 2 * t for a, t in zip(two, tile)])
    count.assumed = assumed
    return count
