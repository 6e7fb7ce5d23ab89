"""Our kernels: CUDA C++ and cubin of a layer's direction, and what the interpreter of PTX counts in a run of it.

`mho explain SPEC` prints the fused kernels as MLIR; mho-run compiles one of them for the backend ptx on a small shape, with
whole numbers as data, dumps its CUDA C++ (MHO_DUMP_DIR) and reports its accesses to memory (MHO_PTX_REPORT).
"""
import os
import pathlib
import re
import subprocess
import tempfile

from cuda_static import nvrtc, sass, walk
from cuda_static.count import Problem
from cuda_static.layer import layers_of, sizes_of
from cuda_static.sass import Missing


class Tools:
    """The built tools in a folder; the kernels of each spec are asked for once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        if not (self.folder / "mho-run").is_file():
            raise Missing(f"there is no mho-run in '{folder}': build the project (scripts/build), or name the folder with --tools")
        self.scratch = tempfile.TemporaryDirectory()
        self.prelude = self.run("mho", "explain", "", "--cuda=prelude").stdout

    def run(self, tool, *words, **knobs):
        environment = {**os.environ, "MHO_CACHE_DIR": f"{self.scratch.name}/cache", "MHO_CUDA_MATH": "f16", **knobs}
        run = subprocess.run([self.folder / tool, *words], capture_output=True, text=True, env=environment, check=False)
        if run.returncode:
            raise Problem(f"{tool} {' '.join(map(str, words))}: {run.stderr.strip()[-2000:]}")
        return run


def kernels_of(tools, spec, schedule):
    """The MLIR of a layer's three kernels, with a schedule's entries, '' for those that the compiler chooses."""
    text = tools.run("mho", "explain", spec).stdout.split("// ---- analog-differentiate")[1].split("----\n", 1)[1]
    if schedule:
        text = re.sub(r"^      : tensor", f"      {{analog.cuda_schedule = {{{schedule}}}}} : tensor", text, flags=re.M)
    return text


def without_sums(text, function):
    """The kernel without its sums: of dX, without the gradient of the input range."""
    begin = text.index(f"@{function}(")
    end = text.find("func.func", begin)
    body = text[begin:end if end >= 0 else len(text)]
    body = re.sub(r"results\(value over \((\w, \w)\)[^\n]*\)", r"results(value over (\1))", body)
    body = re.sub(r"^      tail \{\n.*?^      \}\n", "", body, flags=re.M | re.S)
    body = re.sub(r"(analog\.yield %\w+ : f32) reduce\([^\n]*\)", r"\1", body)
    body = re.sub(r"%(\w+):\d+ = analog\.tiled_mvm", r"%\1 = analog.tiled_mvm", body)
    body = re.sub(r"-> \((tensor<\?x\?xf16> \{[^}]*\}).*?\) \{\n", r"-> (\1) {\n", body)
    body = re.sub(r"return %(\w+)#0[^\n]*: (tensor<\?x\?xf16>)[^\n]*", r"return %\1 : \2", body)
    body = re.sub(r"^(      (?:\{analog[^\n]*\} )?: tensor<\?x\?xf16>)[^\n]*", r"\1", body, flags=re.M)
    return text[:begin] + body + (text[end:] if end >= 0 else "")


def arguments_of(text, function, m, n, k, tiles):
    """mho-run's words for the arguments of a function: sizes of tensors, and an input range."""
    signature = re.search(rf"func\.func @{function}\((.*?)\) ->", text)[1]
    words = []
    sizes = sizes_of(m, n, k)
    for number, (kind, name) in enumerate(re.findall(r'%arg\d+: (\S+) \{analog\.name = "([^"]+)"', signature)):
        if kind.startswith("tensor<?x?"):
            words += ["--size", f"{number}={sizes[name][0]}x{sizes[name][1]}"]
        elif kind.startswith("tensor<?"):
            words += ["--size", f"{number}={tiles}", "--arg", f"{number}=4"]
    return words


def counters_in(report):
    """The numbers in the interpreter's report of one launch."""
    shared = re.search(r"shared memory:.*?(\d+) wavefronts of (\d+)", report)
    memory = re.search(r"global memory:.*?(\d+) sectors of 32 bytes, ([\d.]+) %", report)
    lanes = re.search(r"(\d+) lane instructions", report)
    return {"wavefronts": int(shared[1]) if shared else 0, "ideal_wavefronts": int(shared[2]) if shared else 0,
            "sectors": int(memory[1]), "sector_efficiency": round(float(memory[2]) / 100, 3),
            "ptx_lane_instructions": int(lanes[1])}


def report_of(text, kernel):
    """The interpreter's counters of a kernel's launch."""
    part = re.search(rf"^{kernel} on the interpreter.*?(?=^\S+ on the interpreter|\Z)", text, re.S | re.M)
    if not part:
        raise Problem(f"the interpreter reported nothing of {kernel}")
    return counters_in(part[0])


class Ours:
    """One kernel, with what does not depend on the architecture."""

    def __init__(self, tools, spec, function, schedule="", tile_rows=128, drop_sums=False):
        self.tools, self.tile_rows = tools, tile_rows
        text = kernels_of(tools, spec, schedule)
        if drop_sums:
            text = without_sums(text, function)
        with tempfile.TemporaryDirectory() as folder:
            file, dump = pathlib.Path(folder, "layer.mlir"), pathlib.Path(folder, "dump")
            file.write_text(text)
            # The schedule decides the shape that is run: one CTA, two tiles.
            shape = self.dump(file, function, dump, 1, 1, 1)
            self.layer = layers_of(shape)[next(iter(layers_of(shape)))]
            run = self.launch(file, function, dump)
            self.source = shape
        self.kernel = self.layer.name
        self.counters = report_of(run.stderr, self.kernel)

    def dump(self, file, function, dump, m, n, k):
        words = arguments_of(file.read_text(), function, m, n, k, 1)
        self.tools.run("mho-run", str(file), function, "--backend=ptx", *words, MHO_DUMP_DIR=str(dump))
        return next(dump.glob("*-cuda.cu")).read_text()

    def launch(self, file, function, dump):
        self.shape = self.layer.shape(self.tile_rows, self.tiles_run)
        words = arguments_of(file.read_text(), function, *self.shape, -(-self.shape[2] // self.tile_rows))
        return self.tools.run("mho-run", str(file), function, "--backend=ptx", *words, MHO_PTX_REPORT="on")

    @property
    def tiles_run(self):
        """Tiles, or stretches of the contraction, that the counters cover."""
        return 2 if self.layer.is_forward else 1

    def compile(self, architecture):
        """The cubin, its machine code and the count of instructions."""
        compiled = nvrtc.compile_cuda(self.source, architecture, [("mho_prelude.cuh", self.tools.prelude)])
        kernel = sass.kernels_of_bytes(compiled.cubin)[self.kernel]
        return compiled, kernel, walk.count_layer(kernel, self.layer, architecture, self.tile_rows)

