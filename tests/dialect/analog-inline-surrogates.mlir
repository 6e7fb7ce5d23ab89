// Surrogates become their values, in the order of the code; what only derivatives need goes, results stay.
// RUN: mho-opt --analog-inline-surrogates %s | FileCheck %s

// Bits that are results keep the accumulator that they are made of; a statistic that nothing uses goes, an exported one stays.
// CHECK-LABEL: func.func @saved(
// CHECK: analog.tiled_mvm
// CHECK-NOT: params(
// CHECK: stats(absmax(lhs 0) over (t, m))
// CHECK-NEXT: results(value over (m, n), bits over (t, m, n), stat 0 over (t, m))
// CHECK: load_lhs {
// CHECK: [[V:%.+]] = arith.negf
// CHECK-NEXT: [[S:%.+]] = math.absf [[V]] : f32
// CHECK-NEXT: analog.yield [[V]], [[S]] : f32, f32
// CHECK: accumulate(0 * 0, 1 * 0)
// CHECK: end_tile {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: f32, [[Q:%[^:]+]]: f32
// CHECK-NOT: analog.surrogate
// CHECK: [[BIT:%.+]] = arith.cmpf ogt, [[A]], [[Q]] : f32
// CHECK-NEXT: [[R:%.+]] = arith.negf [[Q]] : f32
// CHECK-NEXT: analog.yield [[R]] : f32 bits([[BIT]])
func.func @saved(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %b: tensor<f32>) -> (tensor<?x6xf32>, tensor<2x?x1xi32>, tensor<2x?xf32>) {
  %y:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%b : tensor<f32>)
      stats(absmax(lhs 0) over (t, m), absmax(rhs 0) over (t, n))
      results(value over (m, n), bits over (t, m, n), stat 0 over (t, m))
    load_lhs {
    ^bb0(%v: f32, %p: f32, %range: f32):
      %s = analog.surrogate(%v, %p) value {
      ^bb0(%e: f32, %c: f32):
        %unused = arith.addf %e, %c : f32
        %n = arith.negf %e : f32
        analog.yield %n : f32
      } derivative {
      ^bb0(%c: f32, %e: f32, %g: f32):
        analog.yield %c : f32
      } : f32
      %absolute = math.absf %s : f32
      %square = arith.mulf %s, %s : f32
      analog.yield %s, %absolute, %square : f32, f32, f32
    }
    load_rhs { ^bb0(%v: f32, %p: f32, %range: f32): analog.yield %v : f32 }
    accumulate(0 * 0, 1 * 0, 2 * 0)
    end_tile {
    ^bb0(%a: f32, %q: f32, %t: f32, %p: f32, %rows: f32, %columns: f32):
      %r, %bit = analog.surrogate(%a, %q, %t) value {
      ^bb0(%e: f32, %f: f32, %h: f32):
        %beyond = arith.cmpf ogt, %e, %f : f32
        %n = arith.negf %f : f32
        analog.yield %n : f32 bits(%beyond)
      } derivative {
      ^bb0(%f: f32, %h: f32, %beyond: i1, %g: f32):
        analog.yield %g : f32
      } : f32, i1
      analog.yield %r : f32 bits(%bit)
    }
    finish { ^bb0(%s: f32, %p: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2x?x1xi32>, tensor<2x?xf32>
  return %y#0, %y#1, %y#2 : tensor<?x6xf32>, tensor<2x?x1xi32>, tensor<2x?xf32>
}

// Where no accumulator is used, the last stays: a kernel has one.
// CHECK-LABEL: func.func @constant(
// CHECK: accumulate(0 * 0)
// CHECK: end_tile {
// CHECK-NEXT: ^bb0(%{{[^:,]+}}: f32):
func.func @constant(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0, 0 * 0)
    end_tile { ^bb0(%a: f32, %q: f32): %c = arith.constant 2.0 : f32 analog.yield %c : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A surrogate in a surrogate: both go.
// CHECK-LABEL: func.func @nested(
// CHECK-NOT: analog.surrogate
// CHECK: end_tile {
// CHECK-NOT: analog.surrogate
// CHECK: return
func.func @nested(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %u = analog.surrogate(%a) value { ^bb0(%i: f32):
        %k = analog.surrogate(%i) value { ^bb0(%j: f32):
          %n = arith.negf %j : f32
          analog.yield %n : f32
        } derivative { ^bb0(%j: f32, %g: f32): analog.yield %g : f32 } : f32
        analog.yield %k : f32
      } derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
