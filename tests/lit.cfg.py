"""lit's configuration: which files are tests, where the tools are, and which features a test may REQUIRE."""

import os
import platform
import re
import subprocess
import sys

import lit.formats

config.name = "mho"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Inputs"]
config.test_source_root = config.mho_source_root
config.test_exec_root = config.mho_binary_root

# A test sees this much of the environment and nothing of the user's settings.
config.environment = {
    "PATH": os.pathsep.join([config.mho_tools_dir, config.llvm_tools_dir, "/usr/bin", "/bin"]),
    "HOME": config.mho_binary_root,
    "MHO_CACHE_DIR": os.path.join(config.mho_binary_root, "lit-cache"),
    "LSAN_OPTIONS": "detect_leaks=0",
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),  # of the preset asan
}

# mho-bench and mho-demo are there where the LibTorch frontend is.
for tool in ("mho", "mho-fuzz", "mho-opt", "mho-run", "mho-translate", "mho-bench", "mho-demo"):
    path = os.path.join(config.mho_tools_dir, tool)
    # "mho-opt" alone, not the middle of a path or of a longer word.
    config.substitutions.append((rf"(?<![\w/.-]){tool}(?![\w.-])", path))
    if os.path.exists(path):
        config.available_features.add(tool)
for tool in ("FileCheck", "not", "split-file"):
    config.substitutions.append((rf"(?<![\w/.-]){tool}(?![\w.-])", os.path.join(config.llvm_tools_dir, tool)))
config.substitutions.append(("%python", config.python_executable))
# %exits STATUS COMMAND...
config.substitutions.append(
    ("%exits", f"{config.python_executable} {os.path.join(config.mho_source_root, 'tools', 'Inputs', 'exits.py')}")
)

# The machine, for tests of its code.
config.available_features.add(platform.machine())
try:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = next((line for line in cpuinfo if line.startswith("flags")), "").split()
except OSError:
    flags = []
config.available_features.update(flag for flag in ("avx2",) if flag in flags)

# NVRTC is opened at run time; without it no CUDA C++ is compiled. Asked for only where a test is named for it.
if any("ptx" in os.path.basename(argument) for argument in sys.argv):
    doctor = subprocess.run(
        [os.path.join(config.mho_tools_dir, "mho"), "doctor"],
        env={**os.environ, "MHO_CACHE_DIR": config.environment["MHO_CACHE_DIR"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if re.search(r"^nvrtc +ok", doctor.stdout, re.MULTILINE):
        config.available_features.add("nvrtc")
