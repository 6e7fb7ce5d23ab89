// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s layer --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s layer --backend=reference --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s noisy --size 0=4x70 --size 1=9x70 --normal --check --tolerance=1e-3 | FileCheck %s --check-prefix=EQUAL
// RUN: not mho-run %s noisy --size 0=4x70 --size 1=9x70 --normal --check | FileCheck %s --check-prefix=DIFFERS
// RUN: mho-run %s layer --size 0=2x3 --size 1=2x3 --size 2=1 --time 3 | FileCheck %s --check-prefix=TIME
// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s layer --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --grad 5 --print | FileCheck %s --check-prefix=VALUES
// RUN: mho-run %s layer --backend=reference --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --grad 5 --print | FileCheck %s --check-prefix=VALUES
// RUN: mho-run %s noisy --size 0=4x70 --size 1=9x70 --normal --gradient --check --tolerance=1e-3 --time 3 | FileCheck %s --check-prefix=NOISY
// RUN: mho-run %s biased --size 0=70x5 --size 1=9x5 --size 2=9 --gradient --check | FileCheck %s --check-prefix=BIASED
// RUN: mho-run %s square --size 0=9x9 --gradient --check | FileCheck %s --check-prefix=SQUARE
// RUN: mho-run %s twice --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s --check-prefix=TWICE
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s -o %t.mlir
// RUN: mho-run %t.mlir layer_dx --size 0=5x33 --size 1=5x70 --size 2=33x70 --arg 3=4 --size 3=2 --check | FileCheck %s --check-prefix=KERNEL
// RUN: mho-run %t.mlir layer_dw --size 0=5x33 --size 1=5x70 --size 2=33x70 --arg 3=4 --size 3=2 --check | FileCheck %s --check-prefix=EQUAL
// RUN: %python %S/Inputs/arrays.py %t
// RUN: mho-run %s layer --arg 0=%t/x.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy --print | FileCheck %s --check-prefix=FILES
// RUN: mho-run %s layer --arg 0=%t/x_fortran.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy --print | FileCheck %s --check-prefix=FILES
// RUN: mho-run %s noisy --arg 0=%t/x.npy --arg 1=%t/w.npy --arg 2=%t/key.npy --check --tolerance=1e-5 | FileCheck %s --check-prefix=EQUAL
// RUN: not mho-run %s layer --arg 0=%t/key.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not mho-run %s layer --arg 0=%t/short.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not mho-run %s layer --arg 0=%t/complex.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy 2>&1 | FileCheck %s --check-prefix=COMPLEX
// RUN: not mho-run %s layer --arg 0=%t/text.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: not mho-run %s layer --arg 0=%t/x.npy --arg 1=%t/w.npy --arg 2=%t/beta.npy --grad %t/w.npy 2>&1 | FileCheck %s --check-prefix=GRAD
// RUN: not mho-run %s layer --arg 0=x.csv --size 0=1x1 --size 1=1x1 --size 2=1 2>&1 | FileCheck %s --check-prefix=NUMBER
// GRADIENT: equal to the reference: largest difference 0 of 165 elements
// GRADIENT: gradient of argument 0, equal to the reference: largest difference 0 of 350 elements
// GRADIENT: gradient of argument 1, equal to the reference: largest difference 0 of 2310 elements
// GRADIENT: gradient of argument 2, equal to the reference: largest difference 0 of 2 elements
// VALUES: 1x1: 6
// VALUES: gradient of argument 0, 1x1: 10
// VALUES: gradient of argument 1, 1x1: 15
// VALUES: gradient of argument 2, 1: 0
// NOISY: median of 3 runs
// NOISY: gradient of argument 1, equal to the reference
// NOISY-NOT: argument 2
// BIASED: gradient of argument 2, equal to the reference: largest difference 0 of 9 elements
// SQUARE: gradient of argument 0, equal to the reference: largest difference 0 of 81 elements
// TWICE: gradient of argument 2, equal to the reference: largest difference 0 of 2 elements
// KERNEL: result 0, equal to the reference: largest difference 0 of 350 elements
// KERNEL: result 3, equal to the reference: largest difference 0 of 2 elements
// FILES: 2x1: 14 24
// TYPE: argument 0 is a tensor<?x?xf32>, but {{.*}}key.npy' says 2 of integers
// SHORT: holds 8 bytes of data for a shape of (2, 3)
// COMPLEX: its elements are not float16, float32, float64, int32 or int64
// TEXT: it is no .npy file
// GRAD: --grad: {{.*}}w.npy' holds 1x3, the result is 2x1
// NUMBER: --arg=0: 'x.csv' is neither a number nor the name of a .npy file
// A difference to NaN is one, whatever follows it.
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --check --fault=3 | FileCheck %s --check-prefix=FAULT
// Where tensors lie, threads and schedules change nothing.
// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --stride 0=150x2 --stride 1=1x40 --stride 2=3 --parallel=3 --schedule 'mc = 64 : i64, mr = 2 : i64' --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --stride 0=69x1 2>&1 | FileCheck %s --check-prefix=OVERLAP
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --stride 0=70 2>&1 | FileCheck %s --check-prefix=STRIDES
// RUN: not mho-run %s noisy --size 0=4x70 --size 1=9x70 --stride 2=2 2>&1 | FileCheck %s --check-prefix=INTEGERS
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --stride 9=70 2>&1 | FileCheck %s --check-prefix=NOARGUMENT
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --schedule mc 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// RUN: not mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --parallel=0 2>&1 | FileCheck %s --check-prefix=PARALLEL
// FAULT: differs from the reference: largest difference inf of 165 elements, at element 3: nan instead of
// OVERLAP: strides of input 0: 69 lays two elements in one place; expected 70 at least
// STRIDES: strides of input 0: got 1 for 2 sizes
// INTEGERS: strides of input 2: only tensors of reals may be strided
// NOARGUMENT: --stride=9=70: expected <argument>=<stride>x<stride>, the argument from 0 to 2
// SCHEDULE: analog.schedule
// PARALLEL: --parallel=0: expected 1 to 64
// EQUAL: equal to the reference
// VALUE: 1x1: 6
// DIFFERS: differs from the reference: largest difference {{.*}} at element
// TIME: median of 3 runs: {{[0-9.]+}} ms

// RUN: not mho-run %s 2>&1 | FileCheck %s --check-prefix=WHICH
// RUN: not mho-run %s nobody 2>&1 | FileCheck %s --check-prefix=NOBODY
// RUN: not mho-run %s layer 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not mho-run %s layer --size 0=4 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not mho-run %s layer --size 9=4 2>&1 | FileCheck %s --check-prefix=POSITION
// RUN: not mho-run %s layer --size 0=2x3 --size 1=2x4 --size 2=1 2>&1 | FileCheck %s --check-prefix=SHAPES
// RUN: not mho-run %s layer --size 0=2x3 --size 1=2x3 --size 2=2 2>&1 | FileCheck %s --check-prefix=TILES
// RUN: not mho-run %s.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: mho-run --help | FileCheck %s --check-prefix=HELP
// WHICH: which function? there are: @layer, @noisy, @biased, @square, @twice
// NOBODY: no function @nobody; there are: @layer, @noisy, @biased, @square, @twice
// UNKNOWN: argument 0 has a size that only --size=0=... or --arg=0=file.npy can tell
// RANK: --size=0=4 has 1 sizes, argument 0 has rank 2
// POSITION: is not <argument>=<value> with an argument below 3
// SHAPES: mho-run: {{.*}}3{{.*}}4
// TILES: inputs contradict each other: axis t is 1 long in one and 2 in another
// MISSING: cannot read
// HELP: Exit status: 0 success
#xbar = #analog.tiling<balanced, rows = 64>

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %r : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @noisy(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %n = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %n : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @biased(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a bias(%b) : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// One argument as both factors: its gradient is the sum of both.
func.func @square(%x: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %x : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Two DACs of one range, whose gradient is the sum of theirs.
func.func @twice(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %c = analog.quantize_input %x range(%beta over (t)) {decay = 0.5 : f32, half_levels = 4.0 : f32, share = 0.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %d = analog.quantize_input %c range(%beta over (t)) {decay = 0.25 : f32, half_levels = 2.0 : f32, share = 0.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %d, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
