// The derivative of an effect on the output, in kernels whose elements are of tiles: it has the output's indices, and needs
// none of the numbers that were drawn.
// RUN: mho-run %s indices --size 0=5x70 --size 1=33x70 --gradient --check | FileCheck %s
// RUN: mho-run %s again --size 0=5x70 --size 1=33x70 --gradient --check | FileCheck %s
// RUN: mho-run %s drawn --size 0=5x70 --size 1=33x70 --gradient --check | FileCheck %s
// CHECK: equal to the reference: largest difference 0 of 165 elements
// CHECK: gradient of argument 0, equal to the reference: largest difference 0 of 350 elements
// CHECK: gradient of argument 1, equal to the reference: largest difference 0 of 2310 elements

analog.effect @placed on output(%y) surrogate(own) {
  analog.yield %y : f32
} derivative {
^bb0(%y: f32, %g: f32):
  %t = analog.index tile : i32
  %h = analog.index tile_rows : i32
  %r = analog.index row : i32
  %c = analog.index column : i32
  %th = arith.addi %t, %h : i32
  %rc = arith.addi %r, %c : i32
  %all = arith.addi %th, %rc : i32
  %f = arith.sitofp %all : i32 to f32
  %d = arith.addf %g, %f : f32
  analog.yield %d : f32
}

func.func @indices(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<fixed, rows = 32>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %sum = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @placed %sum : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Behind a tile whose accumulators are computed again.
analog.effect @absolute on tile(%y) surrogate(derived) {
  %r = math.absf %y : f32
  analog.yield %r : f32
}

func.func @again(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<fixed, rows = 32>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.apply @absolute %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %sum = analog.accumulate %r : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @placed %sum : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

analog.effect @noise on output(%y) surrogate(derived) {
  %two = arith.constant 2.0 : f32
  %n = analog.normal : f32
  %r = math.fma %y, %two, %n : f32
  analog.yield %r : f32
}

func.func @drawn(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<fixed, rows = 32>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %sum = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @noise %sum key(%key) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
