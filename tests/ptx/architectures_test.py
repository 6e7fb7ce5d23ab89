"""Kernels assembled for several architectures: spills and registers. Nothing is run. Environment: MHO, the tool."""
import os
import pathlib
import re
import subprocess
import unittest

MHO = os.environ["MHO"]
NOISY = "tile=balanced:256 range=given dac weight_noise output_noise adc adc_mask bias"
EFFECTS = pathlib.Path(__file__).parent.parent.parent / "examples" / "effects"
MOST_SPILLED_BYTES = 16
REGISTERS = 65536  # of a multiprocessor


def explain(*words, math="fma"):
    run = subprocess.run(
        [MHO, "explain", *words], capture_output=True, text=True, env={**os.environ, "MHO_CUDA_MATH": math}, check=False
    )
    if "UNAVAILABLE:" in run.stderr:
        raise unittest.SkipTest(run.stderr.strip())
    return run


def newest():
    """The last architecture of the list that NVRTC gives where it does not know one."""
    known = re.findall(r"sm_\d+", explain("", "--cuda=sm_1").stderr.split("it knows")[1])
    return max(known, key=lambda name: int(name[3:]))


def kernels(text):
    """Name, spilled bytes and registers of each kernel in the assembler's words."""
    for part in text.split("Compiling entry function ")[1:]:
        stores, loads = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part).groups()
        yield part.split("'")[1], max(int(stores), int(loads)), int(re.search(r"Used (\d+) registers", part).group(1))


class ArchitecturesTest(unittest.TestCase):
    def check(self, *words, math="fma"):
        for architecture in ("sm_80", "sm_90", newest()):
            run = explain(*words, f"--cuda={architecture}", math=math)
            self.assertEqual(run.returncode, 0, run.stderr)
            found = list(kernels(run.stdout))
            self.assertLessEqual({"mho_linear", "mho_linear_dx", "mho_linear_dw"}, {name for name, _, _ in found})
            threads = {m[1]: int(m[0]) for m in re.findall(r"__launch_bounds__\((\d+), 1\) (\w+)\(", run.stdout)}
            for name, spilled, registers in found:
                with self.subTest(architecture=architecture, kernel=name, math=math):
                    self.assertLessEqual(spilled, MOST_SPILLED_BYTES)
                    self.assertLessEqual(registers * threads[name], REGISTERS)

    def test_fma(self):
        self.check(NOISY)

    def test_f16(self):
        self.check(NOISY, math="f16")

    def test_several_accumulators(self):
        self.check("tile=balanced:128 bias", f"--effect={EFFECTS / 'pcm_read_noise.mlir'}", "--bind=a=largest_weight")

    def test_machine_code_without_a_gpu(self):
        for architecture, number in (("sm_80", 80), ("sm_90", 90)):
            run = subprocess.run(
                [MHO, "explain", "range=given dac adc", f"--cuda={architecture}", "--stage=cubin"],
                capture_output=True, check=False,
            )
            if b"UNAVAILABLE:" in run.stderr:
                self.skipTest(run.stderr.decode().strip())
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(run.stdout[:4], b"\x7fELF")
            self.assertEqual(int.from_bytes(run.stdout[48:52], "little") >> 8 & 0xFF, number)  # e_flags
            self.assertIn(b".text.mho_linear_dx\0", run.stdout)
        self.assertIn(".visible .entry mho_linear", explain("", "--cuda=compute_80", "--stage=ptx").stdout)

    def test_refusals(self):
        for words, message in (
            (("--cuda=sm_80", "--stage=obj"), "--stage=obj is no stage to write; expected ptx or cubin"),
            (("--cuda", "--stage=cubin"), "--stage=cubin needs an architecture: --cuda=sm_80 for one"),
            (("--stage=ptx",), "--stage=ptx needs an architecture"),
            (("--cuda=compute_80", "--stage=cubin"), "--cuda=compute_80 has no machine code"),
            (("--cuda=sm_10", "--stage=cubin"), "it knows sm_75 sm_80"),
        ):
            run = explain("", *words)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(message, run.stderr)


if __name__ == "__main__":
    unittest.main()
