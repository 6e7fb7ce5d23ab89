"""What an instruction of SASS does to a thread of walk.py: a function of the thread, the operands and the predicate.

The predicate is True or None, unknown: then what would be written is unknown. No function: a jump (see walk.py).
"""
import re

from cuda_static import flow, integers
from cuda_static.arithmetic import compare, known, lea, logic, multiply, plain, predicate_logic, select, smaller, sum3


def width_of(opcode):
    """How many registers an instruction that is not computed writes, at most."""
    words = opcode.split(".")
    if words[0] in ("HMMA", "IMMA"):
        return 4
    if shape := re.fullmatch(r"64x(\d+)x\d+", words[1] if len(words) > 1 else ""):
        return int(shape[1]) // 2  # wgmma: a warp group's 64 rows
    if words[0] in ("LDSM", "LDSMT"):
        return int(words[-1]) if words[-1].isdigit() else 1
    if "128" in words:
        return 4
    return 2 if {"64", "WIDE", "U64", "S64", "F64"} & set(words) or words[0].startswith("D") else 1


def forget(width):
    """Unknown: the first register and every predicate before or right after it."""
    def effect(thread, operands, holds):
        for i, operand in enumerate(operands[:3]):
            if operand.is_predicate and not operand.is_not:
                thread.write(operand, None)
            elif operand.register:
                thread.write(operand, None, width)
                if i + 1 < len(operands) and operands[i + 1].is_predicate and not operands[i + 1].is_not:
                    thread.write(operands[i + 1], None)
                return
            else:
                return
    return effect


def move(words):
    width = 2 if "64" in words else 1
    def effect(thread, operands, holds):
        thread.write(operands[0], thread.read(operands[1], wide=width == 2) if holds else None, width)
    return effect


def special_pair(words):
    def effect(thread, operands, holds):
        thread.write(operands[0], 0 if holds and operands[1].text == "SRZ" else None, 1 if "32" in words else 2)
    return effect


def to_register(words):
    """P2R: predicates into bits."""
    def effect(thread, operands, holds):
        to, _, other, mask = operands
        value = thread.read(other)
        for i in range(7):
            if mask.number is not None and mask.number >> i & 1 and value is not None:
                bit = thread.predicates.get(f"P{i}", False)
                value = None if bit is None else value & ~(1 << i) | int(bit) << i
        thread.write(to, value if holds else None)
    return effect


def to_predicates(words):
    """R2P: bits into predicates."""
    def effect(thread, operands, holds):
        _, source, mask = operands
        value = thread.read(source)
        for i in range(7):
            if mask.number is None or mask.number >> i & 1:
                thread.predicates[f"P{i}"] = bool(value >> i & 1) if holds and value is not None else None
    return effect


def vote(words):
    """ANY and ALL of a warp that agrees: the lane's own."""
    def effect(thread, operands, holds):
        value = thread.read(operands[-1]) if operands[-1].is_predicate else None
        for operand in operands[:-1]:
            if operand.is_predicate:
                thread.write(operand, value if holds else None)
            else:
                thread.write(operand, None)
    return effect


def shuffle(words):
    """The lane's own value: right for what a warp has in common."""
    def effect(thread, operands, holds):
        thread.write(operands[1], thread.read(operands[2]) if holds and "IDX" in words else None)
        thread.write(operands[0], None)
    return effect


STACK = re.compile(r"\[(R\d+)(?:\+(-?0x[0-9a-f]+))?\]")


def stack_at(thread, text):
    match = STACK.match(text)
    base = thread.register(match[1]) if match else None
    return None if base is None else base + int(match[2] or "0", 16)


def spill(width):
    def effect(thread, operands, holds):
        at = stack_at(thread, operands[0].text)
        register = operands[1].register
        for i in range(width if at is not None and register else 0):
            name = register if register.endswith("Z") else f"R{int(register[1:]) + i}"
            thread.stack[at + 4 * i] = thread.register(name) if holds else None
    return effect


def refill(width):
    def effect(thread, operands, holds):
        at = stack_at(thread, operands[1].text)
        for i in range(width):
            value = thread.stack.get(at + 4 * i) if at is not None and holds else None
            thread.registers["R%d" % (int(operands[0].register[1:]) + i)] = value
    return effect


def no_exception(words):
    """FCHK: a division that needs no slow path."""
    return lambda thread, operands, holds: thread.write(operands[0], False if holds else None)


def float_comparison(words):
    """FSETP: unknown, but that an angle is too large for the fast reduction of sin and cos does not happen."""
    def effect(thread, operands, holds):
        is_large_angle = "GE" in words and operands[3].text == "105615"
        for target in operands[:2]:
            thread.write(target, False if is_large_angle and holds else None)
    return effect


def nothing(thread, operands, holds):
    """Memory that is written, barriers: no register."""


SILENT = ("ST STG STS STSM RED BAR DEPBAR LDGDEPBAR LDGSTS BSSY BSYNC WARPSYNC BREAK BMOV MEMBAR ERRBAR CCTL NOP YIELD "
          "NANOSLEEP WARPGROUP ARRIVES FENCE").split()
EFFECTS = {
    "IADD3": sum3, "VIADD": sum3, "IMAD": multiply, "LOP3": logic, "PLOP3": predicate_logic, "ISETP": compare, "LEA": lea, "SEL": select,
    "IMNMX": smaller, "VIMNMX": smaller, "MOV": move, "S2R": move, "LDC": move, "S2UR": move, "R2UR": move, "CS2R": special_pair,
    "P2R": to_register, "R2P": to_predicates, "VOTE": vote, "SHFL": shuffle,
    "FSETP": float_comparison, "FCHK": no_exception,
}
FUNCTIONS = {
    "SHF": lambda words: lambda low, count, high: integers.shift(words, low, count, high),
    "PRMT": lambda words: integers.permute,
    "IABS": lambda words: lambda a: abs(integers.signed(a)),
    "I2F": lambda words: lambda a: integers.from_integer(words, a),
    "F2I": lambda words: lambda a: integers.to_integer(words, a),
    "SGXT": lambda words: lambda a, bits: integers.signed(a, bits) if "U32" not in words else a & (1 << bits) - 1,
}


def effect_of(instruction):
    """The function of an instruction; None for a jump."""
    words = instruction.opcode.split(".")
    base = words[0]
    if base in flow.JUMPS | flow.LEAVES:
        return None
    # The uniform datapath does the same to registers of its own.
    if base.startswith("U") and base[1:] in EFFECTS | FUNCTIONS:
        base = base[1:]
    if base == "VOTEU":
        base = "VOTE"
    if base in SILENT:
        return nothing
    if base in ("STL", "LDL"):
        return (spill if base == "STL" else refill)(width_of(instruction.opcode))
    if base in FUNCTIONS and not {"U64", "S64", "F64"} & set(words) - ({"U64", "S64"} if base == "SHF" else set()):
        return plain(FUNCTIONS[base](words))
    if base == "MUFU" and words[1:] == ["RCP"]:
        return plain(integers.reciprocal)
    if base in EFFECTS:
        return EFFECTS[base](words)
    return forget(width_of(instruction.opcode))
