"""NVRTC, the compiler of CUDA C++, through ctypes, with the options of runtime/Cuda/CudaArtifact.cpp."""
import ctypes
import dataclasses
import glob
import os
import re
import sys
import time

from cuda_static.sass import Missing

OPTIONS = ["--fmad=false", "--std=c++17", "--diag-suppress=177"]
REMEDY = "install torch's requirements (scripts/setup), or set MHO_NVRTC to the file libnvrtc.so.13"


@dataclasses.dataclass
class Compiled:
    cubin: bytes
    ptx: str
    log: str
    milliseconds: float

    def spills(self, kernel):
        """Bytes that a kernel spills, the larger of stores and loads, as its assembler says (--ptxas-options=-v)."""
        part = re.search(rf"Compiling entry function '{re.escape(kernel)}'(.*?)(?:Compiling entry|\Z)", self.log, re.S)
        found = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part[1]) if part else None
        return max(map(int, found.groups())) if found else None


def load():
    names = [os.environ["MHO_NVRTC"]] if os.environ.get("MHO_NVRTC") else []
    for folder in sys.path:
        names += glob.glob(os.path.join(folder, "nvidia", "cu13", "lib", "libnvrtc.so.13"))
    for name in names + ["libnvrtc.so.13"]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Missing(f"NVRTC was not found: {REMEDY}")


def read(library, program, kind):
    """The log, PTX or cubin of a program."""
    size = ctypes.c_size_t()
    if getattr(library, f"nvrtcGet{kind}Size")(program, ctypes.byref(size)):
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    getattr(library, f"nvrtcGet{kind}")(program, buffer)
    return buffer.raw


def compile_cuda(source, architecture, headers=(), options=()):
    """The cubin of a source; headers: (name, text) pairs. The time is that of the compilation alone."""
    library, program = load(), ctypes.c_void_p()
    texts = [ctypes.c_char_p(text.encode()) for _, text in headers]
    names = [ctypes.c_char_p(name.encode()) for name, _ in headers]
    count = len(names)
    library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", count,
                               (ctypes.c_char_p * count)(*texts), (ctypes.c_char_p * count)(*names))
    words = [f"--gpu-architecture={architecture}", *OPTIONS, "--ptxas-options=-v", *options]
    begin = time.perf_counter()
    status = library.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*map(str.encode, words)))
    elapsed = 1e3 * (time.perf_counter() - begin)
    log = read(library, program, "ProgramLog").replace(b"\0", b"").decode(errors="replace")
    if status:
        library.nvrtcDestroyProgram(ctypes.byref(program))
        raise SystemExit(f"NVRTC refuses the source for {architecture}:\n{log}")
    compiled = Compiled(read(library, program, "CUBIN"), read(library, program, "PTX").rstrip(b"\0").decode(), log, elapsed)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return compiled
