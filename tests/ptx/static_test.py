"""bench/cuda_static.py: counts of machine code against known ones, occupancy, and a row of the table. Nothing runs on a GPU.

Environment: MHO, the tool; mho-run stands beside it. Skipped without NVRTC or nvdisasm.
"""
import os
import pathlib
import re
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
from cuda_static import count, flow, integers, model, nvrtc, report, sass, table, walk  # noqa: E402
from cuda_static.classes import class_of  # noqa: E402
from cuda_static.ours import Tools  # noqa: E402

MHO = pathlib.Path(os.environ["MHO"])
COUNTED = ROOT / "tests" / "ptx" / "Inputs" / "counted.cu"
ROUNDS, THREADS = 5, 128
try:
    nvrtc.load()
    sass.find_program("nvdisasm")
except sass.Missing as reason:
    raise unittest.SkipTest(f"UNAVAILABLE: {reason}")


class CountTest(unittest.TestCase):
    """Of a kernel with loops, a branch by warp and a division."""

    def kernel(self, architecture):
        compiled = nvrtc.compile_cuda(COUNTED.read_text(), architecture)
        kernel = sass.kernels_of_bytes(compiled.cubin)["counted"]
        self.assertIn(f"Used {kernel.registers} registers", compiled.log)
        return kernel

    def walk(self, kernel, architecture, rounds=ROUNDS):
        runs, assumed = walk.walk_warps(kernel, architecture, struct.pack("<QQi", 1 << 40, 1 << 41, rounds), THREADS)
        return runs, assumed

    def test_known_numbers(self):
        for architecture in model.MACHINES:
            with self.subTest(architecture=architecture):
                kernel = self.kernel(architecture)
                runs, _ = self.walk(kernel, architecture)
                more, _ = self.walk(kernel, architecture, ROUNDS + 1)
                added = count.tally(kernel, [b - a for a, b in zip(runs, more)], [0] * len(runs)).tile
                # A round: 24 in the loop inside; the division adds 5, or with its scaling a few more.
                self.assertGreaterEqual(added["FFMA"], (24 + 4) * THREADS // 32)
                self.assertLessEqual(added["FFMA"], (24 + 8) * THREADS // 32)
                stores = [n for n, i in zip(runs, kernel.instructions) if i.base == "STG"]
                self.assertEqual(stores, [THREADS // 32])
                # The products of the second loop: two a round in every other warp.
                product = [b - a for a, b, i in zip(runs, more, kernel.instructions) if i.base == "FMUL"]
                self.assertIn(2 * THREADS // 64, [sum(product), max(product, default=0)] + product)

    def test_trip_counts_say_the_same(self):
        """Loops and trip counts by hand, for the warps that do not branch; blocks at calls are those of the slow path."""
        kernel = self.kernel("sm_80")
        inner = [l for l in flow.loops_of(kernel, flow.blocks_of(kernel)) if l.parent]
        self.assertEqual(len(inner), 1)
        trips = {inner[0].name: 8, inner[0].parent.name: ROUNDS}
        by_hand = count.count_static(kernel, trips, THREADS // 32, tile_loop="none").by_loop
        runs, _ = self.walk(kernel, "sm_80")
        walked = count.tally(kernel, runs, [0] * len(runs)).by_loop
        self.assertEqual(by_hand[inner[0].name], walked[inner[0].name])
        self.assertEqual(walked[inner[0].name]["FFMA"], 24 * ROUNDS * THREADS // 32)

    def test_against_the_interpreter(self):
        """The instructions of the PTX that the interpreter executes are not far from those of the machine code."""
        run = subprocess.run([MHO, "ptx", "run", COUNTED, "--block", str(THREADS), "--arg", f"f32*{THREADS}=zeros", "--arg",
                              f"f32*{THREADS}=normal:1", "--arg", f"s32={ROUNDS}"], capture_output=True, text=True, check=True)
        interpreted = int(re.search(r"(\d+) warp instructions", run.stdout)[1])
        runs, _ = self.walk(self.kernel("sm_80"), "sm_80")
        # A division is one instruction of PTX and about ten here; sums of addresses fold, comparisons join branches.
        self.assertLess(0.7 * interpreted, sum(runs))
        self.assertLess(sum(runs), 1.6 * interpreted)

    def test_a_branch_on_data_is_not_guessed(self):
        source = "extern \"C\" __global__ void f(int *p) { for (int i = 0; i < p[0]; ++i) p[i + 1] = p[i] * 3; }"
        kernel = sass.kernels_of_bytes(nvrtc.compile_cuda(source, "sm_80").cubin)["f"]
        with self.assertRaisesRegex(count.Problem, "depends on data.*--assume"):
            walk.walk_warps(kernel, "sm_80", struct.pack("<Q", 1 << 40), 32)


class IntegersTest(unittest.TestCase):
    def test_instructions(self):
        self.assertEqual(integers.shift(["R", "S32", "HI"], 0, 31, 0x80000000), 0xFFFFFFFF)
        self.assertEqual(integers.shift(["R", "U32", "HI"], 0, 32, 5), 0)
        self.assertEqual(integers.shift(["L", "U64", "HI"], 0x80000001, 1, 2), 5)
        self.assertEqual(integers.permute(0x33221180, 0x8041, 0x77665544), 0xFF804411)
        self.assertEqual(integers.lut3(0x96, 0b1100, 0b1010, 0b1111), 0b1001)
        self.assertEqual(integers.lea(["HI", "SX32"], 256, 1, 0, 25), 3)
        self.assertTrue(integers.compare(["LT", "AND"], 0xFFFFFFFF, 0))
        self.assertFalse(integers.compare(["LT", "U32", "AND"], 0xFFFFFFFF, 0))
        self.assertTrue(integers.compare(["GE", "AND", "EX"], 7, 7, True))
        self.assertFalse(integers.compare(["GE", "AND", "EX"], 7, 7, False))

    def test_a_loop_of_64_bits(self):
        """By hand: a counter that passes 2^32 goes on in its upper half."""
        kernel = sass.parse("""\
        .section .text.f,"ax",@progbits
        /*0000*/    MOV R2, 0xfffffffe ;
        /*0010*/    CS2R R4, SRZ ;
.L_x_0:
        /*0020*/    IADD3 R2, P0, R2, 0x1, RZ ;
        /*0030*/    IADD3.X R3, R3, RZ, RZ, P0, !PT ;
        /*0040*/    ISETP.LT.U32.AND P1, PT, R2, 0x3, PT ;
        /*0050*/    ISETP.LT.AND.EX P1, PT, R3, 0x1, PT, P1 ;
        /*0060*/    @P1 BRA `(.L_x_0) ;
        /*0070*/    EXIT ;
""")["f"]
        runs, _ = walk.walk_warps(kernel, "sm_80", b"", 32)
        self.assertEqual(runs, [1, 1, 5, 5, 5, 5, 5, 1])

    def test_classes(self):
        for opcode, kind in [("IMAD.WIDE.U32", "IMAD"), ("IMAD.MOV.U32", "MOV"), ("HMMA.16816.F32", "HMMA"), ("UIADD3", "UNIFORM")]:
            self.assertEqual(class_of(sass.Instruction(0, "", opcode, "")), kind)


class ModelTest(unittest.TestCase):
    def test_occupancy(self):
        for machine, threads, registers, shared, expected in [
                (model.A100, 128, 123, 19456, 4), (model.H100, 128, 127, 19456, 4), (model.A100, 256, 255, 0, 1),
                (model.A100, 256, 128, 36864, 2), (model.A100, 128, 32, 100 << 10, 1), (model.H100, 128, 32, 100 << 10, 2),
                (model.A100, 128, 32, 82 << 10, 1), (model.A100, 32, 16, 0, 32)]:
            self.assertEqual(model.ctas_per_multiprocessor(machine, threads, registers, shared), expected)

    def test_limiter(self):
        busy = model.clocks(model.A100, 64, 64, 128, 4 * 1940, 100, 32768)
        self.assertEqual(busy["tensor"], 512)
        self.assertEqual(busy["L2"], 512)
        self.assertEqual(model.limiter(busy), ("issue", 1940))


class TableTest(unittest.TestCase):
    def test_a_row_of_ours(self):
        row, = table.our_rows(Tools(MHO.parent), "ADC", 128, ["sm_80"])
        rows, columns = map(int, row["cta"].split("x"))
        self.assertEqual(row["label"], "static model, no GPU run")
        self.assertEqual(row["hmma_per_tile"], rows * columns * 128 // (16 * 8 * 16))
        self.assertEqual(row["branches_on_data"], 0)
        self.assertGreater(row["instructions_per_output"], 5)
        self.assertGreaterEqual(row["wavefronts_over_ideal"], 1)
        text = report.markdown([row], "A table")
        self.assertEqual(text.count("static model, no GPU run"), 3)
        self.assertIn("<svg", report.svg([row], "A plot"))

    def test_a_rival(self):
        """Triton's ADC layer, whose count was found once by hand: 9.3 (128 x 128, tiles of 128 rows)."""
        try:
            import triton  # noqa: F401
        except ImportError as reason:
            self.skipTest(f"no Triton: {reason}")
        row, = table.triton_rows(Tools(MHO.parent), "ADC", 128, ["sm_80"], (128, 128))
        self.assertAlmostEqual(row["instructions_per_output"], 9.3, delta=0.1)
        self.assertEqual(row["hmma_per_tile"], 1024)


class CommandTest(unittest.TestCase):
    def run_script(self, *words):
        return subprocess.run([sys.executable, ROOT / "bench" / "cuda_static.py", *words], capture_output=True, text=True, check=False)

    def test_count(self):
        run = self.run_script("count", COUNTED, "--walk", "--threads", "128", "--outputs", "128", "--param", "u64=1", "--param", "u64=2",
                              "--param", "u32=5")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stdout, r"counted: [\d.]+ thread-instructions per output")

    def test_what_is_missing_is_said(self):
        run = self.run_script("table", "--tools", "/nowhere")
        self.assertEqual(run.returncode, 1)
        self.assertIn("there is no mho-run in '/nowhere': build the project", run.stderr)
        run = self.run_script("count", COUNTED, "--trip", "L9=4")
        self.assertIn("there is no loop 'L9'; there are: L1", run.stderr)

    def test_help(self):
        for words in ([], ["count"], ["table"]):
            self.assertIn("usage", self.run_script(*words, "--help").stdout)


if __name__ == "__main__":
    unittest.main()
