"""What SASS's integer instructions compute: as much of it as decides which way a kernel's branches go.

Each function takes the opcode's modifiers and the values of the operands and gives those of the results; see walk.py for
how an unknown operand is treated. Registers are unsigned numbers of 32 bits, predicates are bools.
"""
import math
import struct

MASK = 0xFFFFFFFF


def signed(value, bits=32):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def as_float(bits):
    return struct.unpack("<f", struct.pack("<I", bits & MASK))[0]


def float_bits(value, upward=False):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return bits + 1 if upward and as_float(bits) < value else bits


def lut3(table, a, b, c):
    """Bitwise: bit (a, b, c) of the table."""
    result = 0
    for i in range(8):
        if table >> i & 1:
            result |= (a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c)
    return result & MASK


def multiply_add(words, a, b, c, carry=0):
    """IMAD: the low half; WIDE: both; HI: the high half. c is of 64 bits for the latter two."""
    is_unsigned = "U32" in words
    product = a * b if is_unsigned else signed(a) * signed(b)
    total = product + c + carry
    if "WIDE" in words:
        return total & (1 << 64) - 1, total >> 64 & 1
    return (total >> 32 if "HI" in words else total) & MASK, 0


def shift(words, low, count, high):
    """SHF: a funnel shift of high:low; .HI takes the upper half of what comes out."""
    value = high << 32 | low
    count = count & (63 if "U64" in words or "S64" in words else 31) if "W" in words else min(count, 64)
    if "L" in words:
        value <<= count
    elif "S32" in words or "S64" in words:
        value = signed(value, 64) >> count
    else:
        value >>= count
    return (value >> 32 if "HI" in words else value) & MASK


def lea(words, a, b, high, count):
    """LEA: the sum of b and a shifted, or of b and the upper half of high:a shifted; the sum may carry."""
    if "HI" not in words:
        return (a << count & MASK) + b
    value = signed(a) if "SX32" in words else high << 32 | a
    return (value << count >> 32 & MASK) + b


COMPARISONS = {
    "EQ": lambda a, b: a == b, "NE": lambda a, b: a != b, "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b, "GT": lambda a, b: a > b, "GE": lambda a, b: a >= b,
}


def compare(words, a, b, low=None):
    """ISETP: with .EX the upper halves of 64 bits, where `low` is what the lower ones gave."""
    if low is not None and a == b:
        return low
    if "U32" not in words:
        a, b = signed(a), signed(b)
    return COMPARISONS[next(word for word in words if word in COMPARISONS)](a, b)


def permute(a, selector, b):
    """PRMT in its plain mode: bytes of b:a, with the sign's copies."""
    value, result = b << 32 | a, 0
    for i in range(4):
        nibble = selector >> 4 * i & 15
        byte = value >> 8 * (nibble & 7) & 0xFF
        if nibble & 8:
            byte = 0xFF if byte & 0x80 else 0
        result |= byte << 8 * i
    return result


def from_integer(words, a):
    """I2F, for divisions: to f32."""
    return float_bits(float(a if "U32" in words else signed(a)), upward="RP" in words)


def to_integer(words, a):
    """F2I towards zero."""
    value = as_float(a)
    if math.isnan(value) or math.isinf(value):
        return 0 if math.isnan(value) else MASK
    low, high = (0, MASK) if "U32" in words else (-(1 << 31), (1 << 31) - 1)
    return max(low, min(high, math.trunc(value))) & MASK


def reciprocal(a):
    value = as_float(a)
    if math.isnan(value):
        return a
    return float_bits(1 / value) if abs(value) > 2**-126 else a & 0x80000000 | 0x7F800000
