"""Control flow of a kernel: basic blocks, natural loops and how they nest."""
import dataclasses

LEAVES = {"EXIT", "RET", "KILL", "BRX", "BPT"}
JUMPS = {"BRA", "CALL", "JMP", "JMX", "UBRA"}


@dataclasses.dataclass
class Block:
    index: int
    instructions: list
    successors: list = dataclasses.field(default_factory=list)

    @property
    def address(self):
        return self.instructions[0].address


@dataclasses.dataclass
class Loop:
    name: str
    label: str
    header: int
    blocks: set
    parent: "Loop" = None

    @property
    def chain(self):
        """The loop and those around it, from the inside."""
        return [self] + (self.parent.chain if self.parent else [])


def blocks_of(kernel):
    """Basic blocks in the order of addresses, with their successors."""
    starts = {0} | set(kernel.labels.values())
    for instruction in kernel.instructions:
        if instruction.base in LEAVES | JUMPS:
            starts.add(instruction.address + 16)
    blocks, of_address = [], {}
    for instruction in kernel.instructions:
        if instruction.address in starts:
            blocks.append(Block(len(blocks), []))
            of_address[instruction.address] = len(blocks) - 1
        blocks[-1].instructions.append(instruction)
    for block in blocks:
        last = block.instructions[-1]
        # A called function comes back: RET leaves, and what follows the call is reached by it.
        falls = last.base not in LEAVES | JUMPS or last.is_conditional or last.base == "CALL"
        if falls and block.index + 1 < len(blocks):
            block.successors.append(block.index + 1)
        if last.base in JUMPS and last.target in kernel.labels:
            block.successors.append(of_address[kernel.labels[last.target]])
    return blocks


def reverse_postorder(blocks):
    order, seen, stack = [], {0}, [(0, iter(blocks[0].successors))]
    while stack:
        index, rest = stack[-1]
        following = next((s for s in rest if s not in seen), None)
        if following is None:
            order.append(index)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(blocks[following].successors)))
    return order[::-1]


def dominators(blocks):
    """Immediate dominators of the reachable blocks (Cooper, Harvey and Kennedy)."""
    order = reverse_postorder(blocks)
    place = {index: i for i, index in enumerate(order)}
    predecessors = {index: [] for index in order}
    for index in order:
        for successor in blocks[index].successors:
            predecessors[successor].append(index)
    parent = {0: 0}
    changed = True
    while changed:
        changed = False
        for index in order[1:]:
            known = [p for p in predecessors[index] if p in parent]
            best = known[0]
            for other in known[1:]:
                while best != other:
                    while place[best] > place[other]:
                        best = parent[best]
                    while place[other] > place[best]:
                        other = parent[other]
            if parent.get(index) != best:
                parent[index], changed = best, True
    return parent, predecessors


def loops_of(kernel, blocks):
    """Natural loops by the address of their first block, named L1, L2, ...; each knows the next one around it."""
    parent, predecessors = dominators(blocks)

    def dominates(above, below):
        while below != above and below != 0:
            below = parent[below]
        return below == above

    bodies = {}
    for index in parent:
        for header in blocks[index].successors:
            if not dominates(header, index):
                continue
            body, stack = bodies.setdefault(header, {header}), [index]
            while stack:
                inside = stack.pop()
                if inside not in body:
                    body.add(inside)
                    stack.extend(predecessors[inside])
    names = {address: name for name, address in kernel.labels.items()}
    loops = [Loop(f"L{i + 1}", names.get(blocks[h].address, ""), h, bodies[h]) for i, h in enumerate(sorted(bodies))]
    for loop in loops:
        around = [l for l in loops if l is not loop and loop.header in l.blocks and loop.blocks <= l.blocks]
        loop.parent = min(around, key=lambda l: len(l.blocks), default=None)
    return loops


def innermost(loops, index):
    """The smallest loop that a block is in."""
    return min((l for l in loops if index in l.blocks), key=lambda l: len(l.blocks), default=None)


def reachable(blocks):
    return set(reverse_postorder(blocks))
