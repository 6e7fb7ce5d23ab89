// Elementary functions of a kernel become sequences; everything else, and functions outside a kernel, stay.
// RUN: mho-opt --analog-expand-elementary %s | FileCheck %s

// CHECK-LABEL: func.func @outside(
// CHECK: math.exp
func.func @outside(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// In every region, those of a surrogate and the map of a statistic too.
// CHECK-LABEL: func.func @regions(
// CHECK-NOT: math.{{exp|log|powf|tanh}}
// CHECK:     absmax(rhs 0) over (t, n) map {
// CHECK:       arith.bitcast
// CHECK:     load_lhs {
// CHECK:       math.sqrt
// CHECK-NOT: math.{{exp|log|powf|tanh}}
// CHECK:       arith.divf
// CHECK:     end_tile {
// CHECK:       analog.surrogate
// CHECK:         arith.bitcast
// CHECK:       derivative
// CHECK:         arith.bitcast
// CHECK:     finish {
// CHECK-NOT: math.{{exp|log|powf|tanh}}
// CHECK:       arith.shrsi
// CHECK-NOT: math.{{exp|log|powf|tanh}}
func.func @regions(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      stats(absmax(rhs 0) over (t, n) map { ^bb0(%v: f32):
        %e = math.exp %v : f32
        analog.yield %e : f32 })
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %s = math.sqrt %v : f32
      %l = math.log %s : f32
      analog.yield %l : f32 }
    load_rhs { ^bb0(%v: f32, %a: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %m: f32):
      %u = analog.surrogate(%a) value { ^bb0(%i: f32):
        %t = math.tanh %i : f32
        analog.yield %t : f32 } derivative { ^bb0(%i: f32, %g: f32):
        %t = math.tanh %g : f32
        analog.yield %t : f32 } : f32
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32):
      %p = math.powf %s, %s : f32
      analog.yield %p : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// A constant is no exception: the C library's value of it may be another.
// CHECK-LABEL: func.func @constant(
// CHECK-NOT: math.log
// CHECK: math.fma
// CHECK-NOT: math.log
func.func @constant(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32):
      %three = arith.constant 3.0 : f32
      %c = math.log %three : f32
      %y = arith.mulf %s, %c : f32
      analog.yield %y : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}
