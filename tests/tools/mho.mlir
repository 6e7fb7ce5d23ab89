// The tool `mho` has no input of its own; this file only holds its commands' tests.
// RUN: mho --help | FileCheck %s --check-prefix=HELP
// RUN: mho --version | FileCheck %s --check-prefix=VERSION
// RUN: not mho nonsense 2>&1 | FileCheck %s --check-prefix=NONSENSE
// RUN: mho knobs | FileCheck %s --check-prefix=KNOBS
// RUN: mho cache clear
// RUN: mho doctor | FileCheck %s --check-prefix=DOCTOR
// RUN: mho cache | FileCheck %s --check-prefix=CACHE
// RUN: env MHO_CACHE_DIRS=x not mho doctor | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIR=/dev/null/x not mho doctor | FileCheck %s --check-prefix=NOWHERE
// RUN: mho explain "tile=balanced:64 range=given dac" | FileCheck %s --check-prefix=EXPLAIN
// RUN: not mho explain "tile=64" 2>&1 | FileCheck %s --check-prefix=SPEC
// HELP: usage: mho COMMAND
// VERSION: mho {{[0-9.]+}} (LLVM 19
// NONSENSE: unknown command 'nonsense'
// KNOBS: MHO_CACHE_DIR
// DOCTOR: kernel {{.*}} was right
// CACHE: {{[1-9]}} kernels
// UNKNOWN: did you mean MHO_CACHE_DIR?
// NOWHERE: cache{{.*}}FAIL cannot make the kernel cache '/dev/null/x'
// EXPLAIN: analog.quantize_input
// EXPLAIN: analog-fuse: the forward kernel
// EXPLAIN: analog.tiled_mvm contract(k)
// EXPLAIN: @linear_dw
// SPEC: unknown word 'tile=64'
