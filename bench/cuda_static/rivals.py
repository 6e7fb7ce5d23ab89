"""Kernels of others, compiled ahead of time by Triton: rivals_triton.py and aihwkit-lightning's own."""
import os
import struct
import tempfile
import time

from cuda_static import sass, walk
from cuda_static.count import Problem, tally
from cuda_static.layer import POINTER
from cuda_static.sass import Missing

SCRATCH = tempfile.TemporaryDirectory()
os.environ.setdefault("TRITON_CACHE_DIR", SCRATCH.name)
os.environ.setdefault("TRITON_ALLOW_NON_CONSTEXPR_GLOBALS", "1")  # lightning's kernel uses a global that is none
STAGED, STAGES = 32, 3  # positions of the contraction at a time, and how many such blocks are on their way


def triton():
    try:
        import triton as module
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource
    except ImportError as error:
        raise Missing(f"Triton was not found ({error}): install torch's requirements (scripts/setup)") from error
    return module, GPUTarget, ASTSource


class Rival:
    """A Triton kernel compiled for an architecture."""

    def __init__(self, function, architecture, signature, constants, threads, stages=STAGES, aligned=()):
        module, target, source = triton()
        kinds = {**signature, **{name: "constexpr" for name in constants}}
        order = [name for name in function.arg_names if name in kinds]
        attributes = {(order.index(name),): [["tt.divisibility", 16]] for name in aligned}
        text = source(fn=function, signature={name: kinds[name] for name in order}, constexprs=constants, attrs=attributes)
        os.environ["TRITON_ALWAYS_COMPILE"] = "1"
        begin = time.perf_counter()
        self.compiled = module.compile(text, target=target("cuda", int(architecture[3:]), 32),
                                       options={"num_warps": threads // 32, "num_stages": stages})
        self.milliseconds = 1e3 * (time.perf_counter() - begin)
        self.threads, self.architecture = threads, architecture
        self.cubin, self.shared = self.compiled.asm["cubin"], self.compiled.metadata.shared
        self.kernel = next(iter(sass.kernels_of_bytes(self.cubin).values()))
        self.signature = [(name, kind) for name, kind in signature.items()]

    def parameters(self, values):
        """The bytes of the arguments, with the two pointers to scratch memory that Triton adds."""
        data = b""
        for name, kind in self.signature + [("", "*"), ("", "*")]:
            code = "<Q" if kind.startswith("*") or kind in ("u64", "i64") else "<f" if kind == "fp32" else "<i"
            value = POINTER if kind.startswith("*") else values.get(name, 1)
            data += b"\0" * (-len(data) % struct.calcsize(code)) + struct.pack(code, value)
        return data

    def walk(self, values, grid=(1, 1, 1)):
        return walk.walk_warps(self.kernel, self.architecture, self.parameters(values), self.threads, grid)

    def count(self, values, more=None):
        """Warp instructions of a CTA; with `more`, of what these values add to the others."""
        runs, assumed = self.walk(values)
        outside = [0] * len(runs)
        if more:
            after, assumed = self.walk(more)
            tile = [b - a for a, b in zip(runs, after)]
            outside, runs = [a - 2 * t for a, t in zip(runs, tile)], tile
        count = tally(self.kernel, runs, outside)
        count.assumed = assumed
        return count


FORWARD = {"X": "*fp16", "W": "*fp16", "Y": "*fp16", "M": "i32", "N": "i32", "K": "i32", "scale": "fp32", "step": "fp32",
           "sigma": "fp32", "key": "u64"}
GRADIENT = {"G": "*fp16", "X": "*fp16", "W": "*fp16", "D": "*fp16", "M": "i32", "N": "i32", "K": "i32", "limit": "fp32",
            "gain": "fp32"}


def best_triton(name, architecture, rows, columns, tile_rows, threads=256):
    """Our form of a layer: the kernel and its count for one CTA's tile (or a contraction of tile_rows)."""
    from cuda_static import rivals_triton

    is_forward = name not in ("dx", "dw")
    signature = FORWARD if is_forward else GRADIENT
    aligned = [n for n, kind in signature.items() if kind.startswith("*")] + ["M", "N", "K"]
    constants = {"BM": rows, "BN": columns, "KT": tile_rows, "BK": STAGED}
    rival = Rival(getattr(rivals_triton, name), architecture, signature, constants, threads, aligned=aligned)
    _, two = values_of(name, (rows, columns), tile_rows)
    return rival, rival.count(two, {**two, "K": 3 * tile_rows} if is_forward else None)


def values_of(name, shape, tile_rows):
    """Tiles, and the sizes for one CTA: of two tiles of a forward pass, of a contraction of tile_rows in a gradient."""
    rows, columns = shape
    if name == "dx":
        return 1, {"M": rows, "N": tile_rows, "K": columns}
    if name == "dw":
        return 1, {"M": tile_rows, "N": rows, "K": columns}
    return 2, {"M": rows, "N": columns, "K": 2 * tile_rows}
