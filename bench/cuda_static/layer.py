"""A generated kernel's launch, read from its CUDA C++: how many outputs a CTA has, and the bytes of its arguments."""
import dataclasses
import re
import struct

from cuda_static.count import Problem

POINTER = 0x7F0000000000  # what stands for the address of a tensor; nothing is read


@dataclasses.dataclass
class Layer:
    """Of the kernel mho_NAME."""
    name: str
    text: str
    rows: int  # outputs of a CTA
    columns: int
    threads: int
    is_forward: bool
    shared: int  # bytes of shared memory, None where the text does not say

    @property
    def outputs(self):
        return self.rows * self.columns

    def arguments(self, sizes):
        """The argument's bytes for tensors of these sizes, {name: (rows, columns)}; another tensor is a row of ones."""
        body = re.search(rf"struct {self.name}_Arguments {{(.*?)\n}};", self.text, re.S)
        if not body:
            raise Problem(f"there is no struct {self.name}_Arguments in the CUDA C++; layer.py reads what lowering/AnalogToCuda prints")
        data = b""
        for kind, names in re.findall(r"^\s*([\w:]+(?: \*)?) ?([\w, ]+);", body[1], re.M):
            for name in re.split(r",\s*", names):
                data = append(data, kind.strip(), sizes.get(name.rstrip("_"), (1, 1)))
        return data

    def shape(self, tile_rows, tiles):
        """m, n, k for which there is one CTA: of so many tiles, or with tile_rows positions to contract in a gradient."""
        if self.is_forward:
            return self.rows, self.columns, tile_rows * tiles
        if self.name.endswith("_dw"):
            return tile_rows, self.rows, self.columns
        return self.rows, tile_rows, self.columns

    def grid(self, m, n, k, tile_rows):
        """Blocks of columns and of rows; the columns of a gradient are one tile each here."""
        if self.is_forward:
            return (-(-n // self.columns), -(-m // self.rows), 1)
        rows = n if self.name.endswith("_dw") else m
        return (-(-k // tile_rows) * -(-min(k, tile_rows) // self.columns), -(-rows // self.rows), 1)


def append(data, kind, size):
    """The data with one more member, where the C++ ABI puts it."""
    if kind == "mho::Tensor":
        rows, columns = size
        member = struct.pack("<7q", POINTER, rows, columns, 1, columns, 1, 1)
    elif kind == "mho::Partials":
        member = struct.pack("<3q", POINTER, 1, 1)
    elif kind.endswith("*"):
        member = struct.pack("<q", POINTER)
    elif kind == "float":
        member = struct.pack("<f", 1)
    elif kind in ("int", "unsigned", "mho::u32"):
        member = struct.pack("<i", 1)
    elif kind in ("long long", "mho::i64", "mho::u64"):
        member = struct.pack("<q", 1)
    else:
        raise Problem(f"an argument of the type '{kind}', which layer.py does not know")
    alignment = min(len(member), 8)
    return data + b"\0" * (-len(data) % alignment) + member


def shared_bytes(body, numbers):
    """What the text says, or of one stage of blocks of 16 bits, whose rows are padded by 8 numbers."""
    if "kSharedBytes" in numbers or "kDepth" not in numbers or "kStages" in numbers:
        return numbers.get("kSharedBytes")
    values = [int(count) for count in re.findall(r"struct (?:Lhs|Rhs) {\s+static constexpr int kValues = (\d+);", body)]
    rows = values[0] * numbers["kRowBlock"] + values[1] * numbers["kColumnBlock"]
    return 2 * rows * (numbers["kDepth"] + 8) if "F16Math" in body else None


def layers_of(text):
    """The kernels of a generated text that multiply, by name."""
    layers = {}
    for name in re.findall(r"^struct (\w+)_Layer {", text, re.M):
        body = re.search(rf"^struct {name}_Layer {{(.*?)^}};", text, re.M | re.S)[1]
        numbers = {key: int(value) for key, value in re.findall(r"constexpr int (k\w+) = (\d+);", body)}
        layers[name] = Layer(name, text, numbers["kRowBlock"], numbers["kColumnBlock"], numbers["kThreads"],
                             "kForward = true" in body, shared_bytes(body, numbers))
    return layers


def sizes_of(m, n, k):
    """The tensors of a layer that has m inputs of k numbers and n outputs of each."""
    return {"x": (m, k), "weight": (n, k), "grad": (m, n), "y": (m, n), "dx": (m, k), "dweight": (n, k)}
