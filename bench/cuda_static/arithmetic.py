"""What SASS's integer arithmetic does to a thread of walk.py; see effects.py, which finds these by opcode.

An effect is a function of the thread, the operands and the predicate, which is True or None, unknown.
"""
from cuda_static import integers
from cuda_static.integers import MASK


def known(*values):
    return all(value is not None for value in values)


def sum3(words):
    def effect(thread, operands, holds):
        to, *rest = operands
        carries = [o for o in rest[:2] if o.is_predicate]
        rest = rest[len(carries):]
        values = [thread.signed_sum(o) if not o.is_predicate else thread.read(o) for o in rest]
        total = sum(map(int, values)) if holds and known(*values) else None
        thread.write(to, None if total is None else total & MASK)
        for i, carry in enumerate(carries):
            thread.write(carry, None if total is None else (total >> 32) > i)
    return effect


def multiply(words):
    is_wide, is_long = "WIDE" in words, "WIDE" in words or "HI" in words
    def effect(thread, operands, holds):
        to, *rest = operands
        carry_out = rest.pop(0) if rest[0].is_predicate else None
        a, b = thread.read(rest[0]), thread.read(rest[1])
        c = thread.read(rest[2], wide=is_long)
        carry = thread.read(rest[3]) if len(rest) > 3 else False
        if 0 in (a, b):
            a = b = 0  # whatever the other is
        value, out = None, None
        if holds and known(a, b, c, carry):
            a, b = (-v if o.is_negative else v for v, o in ((a, rest[0]), (b, rest[1])))
            c = -c if rest[2].is_negative else c
            value, out = integers.multiply_add(words, a & MASK, b & MASK, c, int(carry))
        thread.write(to, value, 2 if is_wide else 1)
        if carry_out:
            thread.write(carry_out, None if out is None else bool(out))
    return effect


def logic(words):
    """LOP3, bit by bit: predicates are kept as bits of registers whose other bits may be unknown."""
    def effect(thread, operands, holds):
        first = operands[0] if operands[0].is_predicate else None
        to, a, b, c, table = operands[1:6] if first else operands[:5]
        bits = logic_bits(table.number, [thread.bits(o) for o in (a, b, c)])
        test = True if bits[1] & bits[0] else False if bits[0] == MASK else None
        if not holds:  # what is written where the predicate holds and what stood there may be the same
            old = thread.bits(to)
            bits, test = (bits[0] & old[0] & ~(bits[1] ^ old[1]), bits[1]), None
        thread.write_bits(to, *bits)
        if first:
            thread.write(first, test)
    return effect


def logic_bits(table, operands):
    """Which bits of the result are known, and the result, of operands that are such pairs."""
    results = [integers.lut3(table, *[value & known | ~known & (MASK if fill >> i & 1 else 0) & MASK
                                      for i, (known, value) in enumerate(operands)]) for fill in range(8)]
    agree = MASK
    for result in results:
        agree &= ~(result ^ results[0])
    return agree & MASK, results[0]


def predicate_logic(words):
    def effect(thread, operands, holds):
        to, second, a, b, c, table, *other = operands
        values = [thread.read(o) for o in (a, b, c)]
        for target, lut in ((to, table), (second, other[0] if other else None)):
            if lut is None or target.predicate.endswith("T"):
                continue
            results = {bool(lut.number >> (4 * x + 2 * y + z) & 1)
                       for x in options_of(values[0]) for y in options_of(values[1]) for z in options_of(values[2])}
            thread.write(target, results.pop() if holds and len(results) == 1 else None)
    return effect


def options_of(value):
    return (0, 1) if value is None else (int(value),)


def compare(words):
    def effect(thread, operands, holds):
        to, second, a, b, other, *low = operands
        values = thread.read(a), thread.read(b)
        if known(*values):
            values = tuple(-v & MASK if o.is_negative else v for v, o in zip(values, (a, b)))
        below = thread.read(low[0]) if "EX" in words and low else None
        is_known = known(*values) and ("EX" not in words or values[0] != values[1] or below is not None)
        result = integers.compare(words, *values, below) if is_known else None
        also = thread.read(other)
        for target, value in ((to, result), (second, None if result is None else not result)):
            thread.write(target, combine(words, value, also) if holds else None)
    return effect


def combine(words, value, also):
    """A comparison's result with the predicate that the instruction joins it to."""
    if "OR" in words:
        return True if True in (value, also) else None if None in (value, also) else False
    if "XOR" in words:
        return None if None in (value, also) else value != also
    return False if False in (value, also) else None if None in (value, also) else True


def lea(words):
    def effect(thread, operands, holds):
        to, *rest = operands
        carry_out = rest.pop(0) if rest[0].is_predicate else None
        carry = thread.read(rest.pop()) if rest[-1].is_predicate else False
        count = rest.pop()
        high = thread.read(rest[2]) if len(rest) > 2 else 0
        a = thread.read(rest[0])
        a = -a & MASK if a is not None and rest[0].is_negative else a
        b = thread.signed_sum(rest[1])
        total = integers.lea(words, a, b, high, count.number) + int(carry) if holds and known(a, b, high, carry) else None
        thread.write(to, None if total is None else total & MASK)
        if carry_out:
            thread.write(carry_out, None if total is None else bool(total >> 32))
    return effect


def plain(function):
    """A register from the registers after it."""
    def effect(thread, operands, holds):
        values = [thread.read(o) for o in operands[1:]]
        thread.write(operands[0], function(*values) & MASK if holds and known(*values) else None)
    return effect


def negated(thread, operand):
    value = thread.read(operand)
    return -value & MASK if value is not None and operand.is_negative else value


def select(words):
    def effect(thread, operands, holds):
        to, a, b, which = operands
        choice, options = thread.read(which), (negated(thread, a), negated(thread, b))
        value = options[0] if choice else options[1]
        if choice is None:
            value = options[0] if options[0] == options[1] else None
        thread.write(to, value if holds else None)
    return effect


def smaller(words):
    def effect(thread, operands, holds):
        to, a, b, is_minimum = operands[:4]
        values, which = [negated(thread, o) for o in (a, b)], thread.read(is_minimum)
        value = None
        if holds and known(*values, which):
            key = (lambda v: v) if "U32" in words else integers.signed
            value = (min if which else max)(values, key=key)
        thread.write(to, value)
    return effect
