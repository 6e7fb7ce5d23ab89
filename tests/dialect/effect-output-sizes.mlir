// Static sizes of parameters of an effect on the output: n counts its columns.
// RUN: mho-opt %s | FileCheck %s
// RUN: mho-run %s layer --normal --check --tolerance=1e-4 | FileCheck %s --check-prefix=EQUAL
// RUN: sed 's/tensor<31xf32>/tensor<5xf32>/g' %s | not mho-opt 2>&1 | FileCheck %s --check-prefix=WRONG

// CHECK: analog.apply @gain
// EQUAL: equal to the reference
// WRONG: 31 elements along n, got 5
analog.effect @gain on output(%y) params(%g over (n)) surrogate(straight_through) {
  %r = arith.mulf %y, %g : f32
  analog.yield %r : f32
}

func.func @layer(%x: tensor<5x8xf32>, %w: tensor<31x8xf32>, %g: tensor<31xf32>) -> tensor<5x31xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %planes = analog.mvm %x, %w : tensor<5x8xf32>, tensor<31x8xf32> -> tensor<2x5x31xf32>
  %y = analog.accumulate %planes : (tensor<2x5x31xf32>) -> tensor<5x31xf32>
  %r = analog.apply @gain %y params(%g over (n)) : (tensor<5x31xf32>, tensor<31xf32>) -> tensor<5x31xf32>
  return %r : tensor<5x31xf32>
}
