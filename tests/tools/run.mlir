// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s layer --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s layer --backend=reference --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s noisy --size 0=4x70 --size 1=9x70 --normal --check --tolerance=1e-3 | FileCheck %s --check-prefix=EQUAL
// RUN: not mho-run %s noisy --size 0=4x70 --size 1=9x70 --normal --check | FileCheck %s --check-prefix=DIFFERS
// RUN: mho-run %s layer --size 0=2x3 --size 1=2x3 --size 2=1 --time 3 | FileCheck %s --check-prefix=TIME
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
// RUN: not mho-run %s layer --backend=gpu --size 0=2x3 --size 1=2x3 --size 2=1 2>&1 | FileCheck %s --check-prefix=BACKEND
// RUN: not mho-run %s.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: mho-run --help | FileCheck %s --check-prefix=HELP
// WHICH: which function? there are: @layer, @noisy
// NOBODY: no function @nobody; there are: @layer, @noisy
// UNKNOWN: argument 0 has a size that only --size=0=... can tell
// RANK: --size=0=4 has 1 sizes, argument 0 has rank 2
// POSITION: is not <argument>=<value> with an argument below 3
// SHAPES: mho-run: {{.*}}3{{.*}}4
// BACKEND: unknown backend 'gpu'; known: cpu, reference
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
