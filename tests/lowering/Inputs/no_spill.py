"""Reads assembly (x86, AT&T) and checks that the multiply-add loop of each kernel touches no stack memory.

    mho-translate --analog-to-asm file.mlir | no_spill.py <kernels>

A micro-kernel loop is one basic block that jumps to itself and of whose instructions a third or more are vector
multiply-adds. Prints one line per loop; fails if there are fewer than <kernels> of them or if one reads or writes the stack, by the stack
pointer or by a register that its function has copied that into.
"""

import re
import sys


def blocks(lines):
    """Basic blocks as (label, instructions); a block ends at the next label or behind a jump."""
    label, body = "", []
    for line in lines:
        if match := re.match(r"([.\w]+):", line):
            yield label, body
            label, body = match[1], []
        elif re.match(r"\t[a-z]", line):
            body.append(line.strip())
            if body[-1].startswith("j"):
                yield label, body
                label, body = "", []
    yield label, body


def main():
    expected, found, spills = int(sys.argv[1]), 0, 0
    pointers = {"%rsp"}
    for label, body in blocks(sys.stdin):
        if not label.startswith(".L"):
            pointers = {"%rsp"}  # another function
        # A frame pointer, or the base pointer of a stack that is realigned.
        pointers.update(match[1] for i in body if (match := re.fullmatch(r"movq\t%rsp, (%r\w+)", i)))
        products = sum(instruction.startswith("vfmadd") for instruction in body)
        if not body or 3 * products < len(body) or body[-1].split()[-1] != label:
            continue
        found += 1
        stack = [instruction for instruction in body if set(re.findall(r"\((%\w+)", instruction)) & pointers]
        spills += len(stack)
        print(f"{label}: {len(body)} instructions, {products} multiply-adds, stack: {stack or 'none'}")
    if found < expected:
        sys.exit(f"no_spill.py: {found} multiply-add loops found, {expected} expected")
    if spills:
        sys.exit(f"no_spill.py: {spills} instructions of multiply-add loops use the stack")


main()
