// mho-bench, as `mho bench`: that it measures and draws, not how fast anything is.
// REQUIRES: mho-bench
// RUN: mho bench --help | FileCheck %s --check-prefix=HELP
// RUN: mho-bench --version | FileCheck %s --check-prefix=VERSION
// RUN: mho bench --benchmark_list_tests | FileCheck %s --check-prefix=NAMES
// RUN: mho bench --batch=3 --width=17 --tile=8 --rounds=2 --plot=%t.svg --benchmark_format=json > %t.json
// RUN: %python %S/Inputs/check_bench.py %t.json %t.svg
// RUN: %exits 1 mho bench --benchmark_filter=nothing | FileCheck %s --check-prefix=NOTHING
// RUN: %exits 1 mho bench --batch=3 --width=8 --rounds=1 --benchmark_filter=forward/ideal/ --plot=%t.missing/x.svg | FileCheck %s --check-prefix=PLOT
// RUN: %exits 2 mho bench --fast | FileCheck %s --check-prefix=UNKNOWN
// RUN: %exits 2 mho bench --rounds=0 | FileCheck %s --check-prefix=ROUNDS
// RUN: %exits 2 mho bench --plot | FileCheck %s --check-prefix=VALUE
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho-bench | FileCheck %s --check-prefix=VARIABLE
// RUN: env MHO_STOP_AFTER=llvm MHO_DUMP_DIR=/dev/null/x %exits 1 mho-bench --width=8 --benchmark_filter=forward/ideal/ | FileCheck %s --check-prefix=FAILED
// HELP: mho-bench (or mho bench)
// VERSION: mho-bench {{[0-9.]+}} (LLVM 19
// NAMES: forward/ideal/512
// NAMES: step/all/2048
// NOTHING: no benchmark has a name that --benchmark_filter matches
// PLOT: cannot write
// UNKNOWN: --fast
// UNKNOWN: see mho-bench --help
// ROUNDS: --rounds=0: expected a whole number from 1 to 100000
// VALUE: --plot needs a value: --plot=...
// VARIABLE: did you mean MHO_CACHE_DIR?
// FAILED: mho-bench: {{.*}}/dev/null/x
