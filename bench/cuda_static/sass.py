"""Machine code (SASS) of a cubin as nvdisasm prints it: kernels, instructions, basic blocks."""
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from cuda_static.cubin import registers_of

REMEDY = "install the test requirements (scripts/setup --with-tests), or put nvdisasm of CUDA 12.8 or later on PATH"


class Missing(Exception):
    """Something that the script needs is not installed; the text names it and the remedy."""


def find_program(name):
    """A program of the CUDA toolkit: beside this Python's packages (Triton brings it), or on PATH."""
    for folder in map(pathlib.Path, sys.path):
        for place in ("nvidia/cu13/bin", "triton/backends/nvidia/bin"):
            if (folder / place / name).is_file():
                return str(folder / place / name)
    found = shutil.which(name)
    if not found:
        raise Missing(f"{name} was not found: {REMEDY}")
    return found


@dataclasses.dataclass(frozen=True)
class Instruction:
    address: int
    predicate: str  # "@!P0", "" without
    opcode: str  # with its modifiers: IMAD.WIDE.U32
    operands: str
    target: str = ""  # the label that it may go to

    @property
    def base(self):
        return self.opcode.split(".")[0]

    @property
    def is_conditional(self):
        """Whether the next instruction may follow a jump: a predicate before it, or one of BRA's own."""
        return bool(self.predicate) or re.match(r"!?U?P\d|~?UR", self.operands) is not None

    def __str__(self):
        return f"{self.address:05x} {self.predicate} {self.opcode} {self.operands}".replace("  ", " ")


@dataclasses.dataclass
class Kernel:
    name: str
    registers: int  # None of a listing: it does not say for every architecture
    instructions: list
    labels: dict  # name -> address of the instruction that follows it

    def at(self, address):
        """The position of the instruction at an address; all of them take 16 bytes."""
        return address // 16


def disassemble(cubin):
    """The text of `nvdisasm -c` of a cubin's file."""
    run = subprocess.run([find_program("nvdisasm"), "-c", str(cubin)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"nvdisasm cannot read '{cubin}': {run.stderr.strip() or run.stdout.strip()}")
    return run.stdout


LINE = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:(@!?U?P(?:\d|T))\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")


def parse_line(line):
    match = LINE.match(line)
    if not match:
        return None
    target = re.search(r"`\((\.L_\w+)\)", match[4])
    return Instruction(int(match[1], 16), match[2] or "", match[3], match[4], target[1] if target else "")


def parse(text):
    """The kernels of a disassembly by name."""
    kernels = {}
    kernel, waiting = None, []
    for line in text.splitlines():
        if begin := re.match(r"\s*\.section\s+\.text\.([^,\"]+)", line):
            kernel = kernels[begin[1]] = Kernel(begin[1], None, [], {})
        elif kernel is None:
            continue
        elif label := re.match(r"(\.L_\w+):", line):
            waiting.append(label[1])
        elif instruction := parse_line(line):
            for name in waiting:
                kernel.labels[name] = instruction.address
            waiting.clear()
            kernel.instructions.append(instruction)
    return kernels


def kernels_of_bytes(cubin):
    """The kernels of a cubin in memory."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        kernels = parse(disassemble(file.name))
    for name, registers in registers_of(cubin).items():
        if name in kernels:
            kernels[name].registers = registers
    return kernels
