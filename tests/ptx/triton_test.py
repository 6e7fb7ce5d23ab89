"""The PTX that Triton generates for a plain matmul, which real GPUs run, on the interpreter: `mho ptx run`.

Environment: MHO, the tool. Skipped where Triton is not installed.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy

scratch = tempfile.TemporaryDirectory()
os.environ.setdefault("TRITON_CACHE_DIR", scratch.name)
try:
    import triton
    import triton.language as tl
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
except ImportError as reason:
    raise unittest.SkipTest(f"no Triton: {reason}")


@triton.jit
def matmul(A, B, C, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    sums = tl.zeros((BM, BN), C.dtype.element_ty)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        a = tl.load(A + rows[:, None] * K + k[None, :], mask=(rows[:, None] < M) & (k[None, :] < K), other=0)
        b = tl.load(B + columns[None, :] * K + k[:, None], mask=(columns[None, :] < N) & (k[:, None] < K), other=0)
        sums = tl.dot(a, b, sums, out_dtype=C.dtype.element_ty)
    tl.store(C + rows[:, None] * N + columns[None, :], sums, mask=(rows[:, None] < M) & (columns[None, :] < N))


def compile_matmul(element, result, tile, stages, aligned):
    signature = {"A": "*" + element, "B": "*" + element, "C": "*" + result, "M": "i32", "N": "i32", "K": "i32"}
    signature.update(BM="constexpr", BN="constexpr", BK="constexpr")
    multiples = [(0,), (1,), (2,)] + ([(4,), (5,)] if aligned else [])
    source = ASTSource(fn=matmul, signature=signature, constexprs={"BM": tile[0], "BN": tile[1], "BK": tile[2]},
                       attrs={path: [["tt.divisibility", 16]] for path in multiples})
    return triton.compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 4, "num_stages": stages})


def to_bits(values, element):
    if element == "bf16":
        return (values.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)
    return values.astype({"fp16": numpy.float16, "fp32": numpy.float32, "i8": numpy.int8}[element])


class TritonTest(unittest.TestCase):
    def check(self, element, sizes, tile, stages=3, order="sequential", early=False, expected_instruction="mma.sync", break_with=None):
        m, n, k = sizes
        result = "i32" if element == "i8" else "fp32"
        kernel = compile_matmul(element, result, tile, stages, aligned=n % 16 == 0 and k % 16 == 0)
        text = kernel.asm["ptx"]
        self.assertIn(expected_instruction, text)
        if break_with:
            text = break_with(text)
        random = numpy.random.default_rng(5)
        a, b = random.integers(-4, 5, (m, k)), random.integers(-4, 5, (n, k))
        names = {"fp16": "f16", "bf16": "bf16", "fp32": "f32", "i8": "s8"}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "matmul.ptx").write_text(text)
            (folder / "a").write_bytes(to_bits(a, element).tobytes())
            (folder / "b").write_bytes(to_bits(b, element).tobytes())
            c_type = "s32" if result == "i32" else "f32"
            # Triton's kernels have two pointers more, to scratch memory that these do not use.
            command = [os.environ["MHO"], "ptx", "run", folder / "matmul.ptx", "--kernel", "matmul", "--block", "128",
                       "--grid", f"{-(-n // tile[1])},{-(-m // tile[0])}", "--shared", str(kernel.metadata.shared),
                       "--arg", f"{names[element]}*=file:{folder}/a,readonly", "--arg", f"{names[element]}*=file:{folder}/b,readonly",
                       "--arg", f"{c_type}*{m * n}=zeros,write:{folder}/c", "--arg", f"s32={m}", "--arg", f"s32={n}",
                       "--arg", f"s32={k}", "--arg", "u64=0", "--arg", "u64=0", "--order", order] + (["--early"] if early else [])
            run = subprocess.run(command, capture_output=True, text=True)
            self.assertIn(run.returncode, (0, 1), run.stderr)
            output = numpy.frombuffer((folder / "c").read_bytes(), numpy.int32 if result == "i32" else numpy.float32)
        return run, output.reshape(m, n), a @ b.T

    def expect_equal(self, *arguments, **options):
        run, actual, expected = self.check(*arguments, **options)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(numpy.count_nonzero(actual != expected), 0)

    def test_fp16(self):
        for order, early in [("sequential", False), ("truncated8", True), ("truncated16", False), ("tree", False), ("reversed", False)]:
            self.expect_equal("fp16", (128, 128, 96), (64, 64, 32), order=order, early=early)

    def test_ragged(self):
        self.expect_equal("fp16", (77, 45, 50), (64, 64, 32))

    def test_larger_tiles(self):
        self.expect_equal("fp16", (128, 128, 128), (128, 128, 64))

    def test_bf16(self):
        self.expect_equal("bf16", (64, 64, 64), (64, 64, 32))

    def test_tf32(self):
        self.expect_equal("fp32", (64, 64, 64), (64, 64, 32))

    def test_int8(self):
        self.expect_equal("i8", (64, 64, 128), (64, 64, 64))

    def test_a_dropped_barrier_is_found(self):
        """The interpreter sees a fault in a kernel that is not ours."""
        drop = lambda text: text.replace("bar.sync", "//bar.sync")
        run, _, _ = self.check("fp16", (64, 64, 96), (64, 64, 32), break_with=drop)
        self.assertEqual(run.returncode, 1)
        self.assertIn("race at line", run.stdout)


if __name__ == "__main__":
    unittest.main()
