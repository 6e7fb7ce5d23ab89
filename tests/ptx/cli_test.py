"""`mho ptx` on the command line: exit statuses, messages, files. Environment: MHO, the tool."""
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

inputs = pathlib.Path(__file__).parent / "Inputs"


def mho(*words):
    return subprocess.run([os.environ["MHO"], "ptx", *map(str, words)], capture_output=True, text=True)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source = self.folder / "scale.cu"
        self.source.write_text('extern "C" __global__ void scale(float *a, float by, int n) {\n'
                               "  int i = blockIdx.x * blockDim.x + threadIdx.x;\n  if (i < n)\n    a[i] *= by;\n}\n")

    def compile(self):
        target = self.folder / "scale.ptx"
        run = mho("compile", self.source, "--arch", "compute_80", "-o", target)
        self.assertEqual(run.returncode, 0, run.stderr)
        return target

    def test_run_with_files(self):
        data = self.folder / "data"
        data.write_bytes(struct.pack("<10f", *range(10)))
        run = mho("run", self.compile(), "--kernel=scale", "--grid=3", "--block", "4,1,1", "--arg", f"f32*=file:{data},write:{data}.out,print",
                  "--arg=f32=0.5", "--arg=s32=10")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("scale on the interpreter, grid (3,1,1), block (4,1,1): finished\nno faults\n", run.stdout)
        self.assertIn("argument 0: 0 0.5 1 1.5", run.stdout)
        self.assertEqual(struct.unpack("<10f", pathlib.Path(f"{data}.out").read_bytes()), tuple(i / 2 for i in range(10)))

    def test_faults_give_status_1(self):
        words = ("run", self.source, "--grid", "4", "--block", "4", "--arg=f32*10=random", "--arg=f32=0.5", "--arg=s32=11")
        run = mho(*words)
        self.assertEqual(run.returncode, 1)
        self.assertIn("STOPPED", run.stdout)
        self.assertIn("scale.cu:4): ld.global.f32", run.stdout)
        self.assertIn("byte 40 of buffer 'argument 0' of 40 bytes", run.stdout)
        run = mho("run", self.source, "--block", "4", "--arg=f32*10=random,readonly", "--arg=f32=0.5", "--arg=s32=10")
        self.assertEqual(run.returncode, 1)
        self.assertIn("read-only at line", run.stdout)
        run = mho("run", self.source, "--block", "4", "--arg=f32*10=normal,misalign:2", "--arg=f32=0.5", "--arg=s32=10")
        self.assertIn("misaligned at line", run.stdout)

    def test_the_example_of_the_page(self):
        words = ("run", inputs / "sum.cu", "--grid=2", "--block=64", "--arg=f32*128=random:3", "--arg=f32*2=zeros,print")
        self.assertIn("argument 1: -25 6", mho(*words).stdout)
        run = mho(*words, "--option=-DMISSING")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"race at line \d+ \(\S+/sum\.cu:14\): ld\.shared\.f32")
        self.assertRegex(run.stdout, r"thread 16 at line \d+ \(\S+/sum\.cu:14\): st\.shared\.f32")

    def test_lines_and_cubin(self):
        run = mho("run", self.source, "--lines", "--threads", "2", "--grid", "2", "--arg=f32*64=zeros", "--arg=f32=2", "--arg=s32=64")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertRegex(run.stdout, r"\n +2 +32\.0 +0 +8  \d+: ld\.global\.f32")
        cubin = self.folder / "scale.cubin"
        self.assertEqual(mho("compile", self.source, "--arch=sm_90", "-o", cubin).returncode, 0)
        self.assertEqual(cubin.read_bytes()[:4], b"\x7fELF")

    def test_wrong_usage(self):
        for words, message in [((), "usage"), (("run",), "which file"), (("run", "a", "b"), "one file, not also 'b'"), (("run", "a", "--foo", "1"), "unknown option '--foo'"),
                               (("run", "a", "--grid", "x"), "--grid=x: expected one to three sizes"), (("run", "a", "--arg"), "--arg needs a value"),
                               (("run", "a", "--arg", "f33=1"), "types are"), (("run", "a", "--arg", "u8=256"), "'256' is no number of type u8"),
                               (("run", "a", "--arg", "f32*4=ones"), "expected zeros, random"), (("run", "a", "--arg", "f32*=zeros"), "how many elements"),
                               (("run", "a", "--arg", "f32*4=zeros,foo"), "'foo' is not an option"), (("run", "a", "--order", "x"), "expected sequential"), (("compile", "a", "--foo=1"), "unknown option '--foo'")]:
            run = mho(*words)
            self.assertEqual(run.returncode, 2, words)
            self.assertIn(message, run.stderr, words)
        self.assertEqual(mho("--help").returncode, 0)

    def test_input_that_does_not_fit(self):
        broken = self.folder / "broken.ptx"
        broken.write_text(".version 8.5\n.target sm_80\n.entry k()\n{\n.reg .b32 r;\nfoo.u32 r, r;\n}\n")
        bad = self.folder / "bad.cu"
        bad.write_text("__global__ void k() { x = 1; }\n")
        ptx = self.compile()
        for words, message in [(("run", self.folder / "no.ptx"), "cannot read"), (("run", broken), "line 6: unknown instruction 'foo'"), (("run", bad), "line 1: __global__ void k() { x = 1; }"),
                               (("run", ptx), "has 3 parameters and got 0"), (("run", ptx, "--kernel=x"), "no entry 'x'; there are: scale"), (("run", ptx, "--block=2000"), "expected 1 to 1024"),
                               (("run", ptx, "--arg=f32*4=zeros", "--arg=f64=1", "--arg=s32=1"), "has 4 bytes and got an argument of 8"), (("compile", self.source, "--arch=sm_1"), "it knows")]:
            run = mho(*words)
            self.assertEqual(run.returncode, 3, words)
            self.assertIn(message, run.stderr, words)

    def test_nvrtc_that_is_not_there(self):
        environment = {**os.environ, "MHO_NVRTC": "/nowhere/libnvrtc.so"}
        run = subprocess.run([os.environ["MHO"], "ptx", "compile", self.source], capture_output=True, text=True, env=environment)
        self.assertEqual(run.returncode, 3)
        self.assertIn("UNAVAILABLE: MHO_NVRTC: /nowhere/libnvrtc.so", run.stderr)


if __name__ == "__main__":
    unittest.main()
