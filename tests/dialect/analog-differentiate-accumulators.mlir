// Kernels of several accumulators, and ends of tiles that need their accumulators again.
// RUN: mho-opt --analog-differentiate %s | FileCheck %s

// Products of a pair each: of an accumulator that feeds nothing (3) there is none, of one whose factor is a constant (2) none in its
// gradient. Accumulators 0 and 2 share G.
// CHECK-LABEL: func.func @direct_dx(
// CHECK-SAME: [[GRAD:%[^:]+]]: tensor<?x6xf32> {analog.name = "grad"}
// CHECK-NEXT: analog.tiled_mvm contract(n)
// CHECK-NEXT: lhs([[GRAD]] over (m, n) : tensor<?x6xf32>)
// CHECK:      load_lhs {
// CHECK-NEXT: ^bb0([[G:%[^:]+]]: f32, [[P:%[^:]+]]: f32):
// CHECK-NEXT: [[SCALED:%.+]] = arith.mulf [[G]], [[P]] : f32
// CHECK-NEXT: analog.yield [[G]], [[SCALED]] : f32, f32
// CHECK:      load_rhs {
// CHECK-NEXT: ^bb0([[W:%[^:]+]]: f32, {{.*}}):
// CHECK:      [[HALF:%.+]] = arith.mulf [[W]], {{.*}} : f32
// CHECK:      analog.yield [[W]], [[HALF]] : f32, f32
// CHECK:      accumulate(0 * 0, 1 * 1)
// CHECK:      finish {
// CHECK-NEXT: ^bb0([[S0:%[^:]+]]: f32, [[S1:%[^:]+]]: f32, {{.*}}, [[P:%[^:]+]]: f32):
// CHECK-NEXT: [[BACK:%.+]] = arith.mulf [[S1]], [[P]] : f32
// CHECK-NEXT: [[SUM:%.+]] = arith.addf [[S0]], [[BACK]] : f32
// CHECK-NEXT: analog.yield [[SUM]] : f32
// CHECK-LABEL: func.func @direct_dw(
// CHECK:      load_rhs {
// CHECK-NEXT: ^bb0([[X:%[^:]+]]: f32, [[P:%[^:]+]]: f32):
// CHECK-DAG:  [[PX:%.+]] = arith.mulf [[X]], [[P]] : f32
// CHECK-DAG:  [[ONE:%.+]] = arith.constant 1.000000e+00 : f32
// CHECK:      analog.yield [[X]], [[PX]], [[ONE]] : f32, f32, f32
// CHECK:      accumulate(0 * 0, 1 * 1, 0 * 2)
// CHECK:      finish {
// CHECK-NEXT: ^bb0([[S0:%[^:]+]]: f32, [[S1:%[^:]+]]: f32, [[S2:%[^:]+]]: f32, {{.*}}):
// CHECK:      [[PAIR:%.+]] = arith.addf [[S0]], [[S2]] : f32
func.func @direct(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<2xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (t) : tensor<2xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %q: f32):
      %u = arith.mulf %v, %q : f32
      %one = arith.constant 1.0 : f32
      analog.yield %v, %u, %one : f32, f32, f32 }
    load_rhs { ^bb0(%v: f32, %q: f32):
      %half = arith.constant 0.5 : f32
      %u = arith.mulf %v, %half : f32
      analog.yield %v, %u : f32, f32 }
    accumulate(0 * 0, 1 * 1, 2 * 0, 0 * 1)
    end_tile { ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %q: f32):
      %0 = arith.mulf %b, %q : f32
      %1 = arith.addf %a, %0 : f32
      %2 = arith.addf %1, %c : f32
      analog.yield %2 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A product of accumulators: contracted again, the output gradient an epilogue operand, and a plane for each of two.
// CHECK-LABEL: func.func @square_dz(
// CHECK-SAME: [[GRAD:%[^:]+]]: tensor<?x6xf32> {analog.name = "grad"}, [[X:%[^:]+]]: tensor<?x8xf32>, [[W:%[^:]+]]: tensor<6x8xf32>, [[KEY:%[^:]+]]: tensor<2xi64>)
// CHECK-SAME: -> (tensor<2x?x6xf32> {analog.name = "dz"}, tensor<2x?x6xf32> {analog.name = "dz#2"})
// CHECK-NEXT: analog.tiled_mvm contract(k)
// CHECK:      epilogue([[GRAD]] over (m, n) : tensor<?x6xf32>)
// CHECK:      results(planes over (t, m, n), planes over (t, m, n))
// CHECK:      load_rhs {
// CHECK:        analog.normal key(0) stream(0) redraw
// CHECK:      accumulate(0 * 0, 0 * 1)
// CHECK:      end_tile {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: f32, [[B:%[^:]+]]: f32, [[G:%[^:]+]]: f32):
// CHECK-DAG:  [[GB:%.+]] = arith.mulf [[G]], [[B]] : f32
// CHECK-DAG:  [[GA:%.+]] = arith.mulf [[G]], [[A]] : f32
// CHECK:      analog.yield [[GB]], [[GA]] : f32, f32
// CHECK-NOT:  finish
// CHECK-LABEL: func.func @square_dx(
// CHECK-SAME: [[Z0:%[^:]+]]: tensor<2x?x6xf32> {analog.name = "dz"}, [[Z1:%[^:]+]]: tensor<2x?x6xf32> {analog.name = "dz#2"}, {{.*}}: tensor<?x8xf32>
// CHECK:      lhs([[Z0]] over (t, m, n) : tensor<2x?x6xf32>, [[Z1]] over (t, m, n) : tensor<2x?x6xf32>)
// CHECK:      load_lhs {
// CHECK-NEXT: ^bb0([[G0:%[^:]+]]: f32, [[G1:%[^:]+]]: f32):
// CHECK-NEXT: analog.yield [[G0]], [[G1]] : f32, f32
// CHECK-NOT:  analog.normal
// CHECK-LABEL: func.func @square_dw(
// CHECK:      lhs({{%.+}} over (t, m, n) : tensor<2x?x6xf32>, {{%.+}} over (t, m, n) : tensor<2x?x6xf32>)
func.func @square(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(0) : f32
      %u = arith.addf %v, %n : f32
      analog.yield %v, %u : f32, f32 }
    accumulate(0 * 0, 0 * 1)
    end_tile { ^bb0(%a: f32, %b: f32):
      %0 = arith.mulf %a, %b : f32
      analog.yield %0 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// Selected by an accumulator, and exp of it.
// CHECK-LABEL: func.func @selected_dz(
// CHECK:      end_tile {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: f32, [[G:%[^:]+]]: f32):
// CHECK:      [[IS:%.+]] = arith.cmpf ogt, [[A]],
// CHECK:      [[CHOSEN:%.+]] = arith.select [[IS]], [[G]],
// CHECK:      [[E:%.+]] = math.exp [[A]] : f32
// CHECK:      arith.mulf [[CHOSEN]], [[E]] : f32
func.func @selected(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %zero = arith.constant 0.0 : f32
      %is = arith.cmpf ogt, %a, %zero : f32
      %e = math.exp %a : f32
      %0 = arith.select %is, %e, %a : f32
      analog.yield %0 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A learned gain: its summands stand at the end of a tile, even though G itself needs no accumulator.
// CHECK-LABEL: func.func @gain_dz(
// CHECK-SAME: -> (tensor<2x?x6xf32> {analog.name = "dz"}, tensor<2xf32> {analog.gradient = 2 : i64, analog.name = "dparam2"})
// CHECK:      results(planes over (t, m, n), tile_sum over (t))
// CHECK:      end_tile {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: f32, [[G:%[^:]+]]: f32, [[P:%[^:]+]]: f32):
// CHECK:      analog.yield {{%.+}} : f32 reduce({{%.+}} : f32)
// CHECK:      tail {
// CHECK-LABEL: func.func @gain_dx(
// CHECK:      results(value over (m, k))
// CHECK-NOT:  sum
// CHECK-LABEL: func.func @gain_dw(
func.func @gain(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<2xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (t) : tensor<2xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %q: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %q: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %q: f32):
      %r = analog.surrogate(%a, %q) wrt(1) value { ^bb0(%i: f32, %j: f32):
          %p0 = arith.mulf %i, %j : f32
          analog.yield %p0 : f32 }
        derivative { ^bb0(%j: f32, %i: f32, %g: f32):
          %d = arith.mulf %g, %j : f32
          %s = arith.mulf %g, %i : f32
          analog.yield %d : f32 reduce(%s : f32) }
        tail { ^bb0(%s: f32, %j: f32): analog.yield %s : f32 } : f32
      analog.yield %r : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// Two learned parameters of the weight, one surrogate: two gradients of three reductions.
// CHECK-LABEL: func.func @bounds_dw(
// CHECK-SAME: -> (tensor<6x8xf32> {analog.gradient = 1 : i64, analog.name = "dweight"}, tensor<2x6xf32> {analog.gradient = 3 : i64, analog.name = "dparam3"}, tensor<2x6xf32> {analog.gradient = 2 : i64, analog.name = "dparam2"}, tensor<2x6xf32>)
// CHECK:      results(value over (n, k), sum over (t, n), sum over (t, n), count over (t, n))
// CHECK:      tail {
// CHECK-NEXT: ^bb0([[S0:%[^:]+]]: f32, [[S1:%[^:]+]]: f32, [[C:%[^:]+]]: f32):
// CHECK-NEXT: [[Q:%.+]] = arith.divf [[S0]], [[C]] : f32
// CHECK-NEXT: analog.yield [[Q]], [[S1]], [[C]] : f32, f32, f32
func.func @bounds(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<2x6xf32>, %q: tensor<2x6xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (t, n) : tensor<2x6xf32>, %q over (t, n) : tensor<2x6xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %a: f32, %b: f32):
      %r = analog.surrogate(%v, %a, %b) wrt(2, 1) value { ^bb0(%i: f32, %j: f32, %k: f32):
          %t = arith.minimumf %i, %k : f32
          %u = arith.maximumf %t, %j : f32
          analog.yield %u : f32 }
        derivative { ^bb0(%j: f32, %k: f32, %i: f32, %g: f32):
          %one = arith.constant true
          %s = arith.negf %g : f32
          analog.yield %g : f32 reduce(%g, %s, %one : f32, f32, i1) }
        tail { ^bb0(%s: f32, %t: f32, %c: f32, %j: f32, %k: f32):
          %d = arith.divf %s, %c : f32
          analog.yield %d, %t : f32, f32 } : f32
      analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%s: f32, %a: f32, %b: f32): analog.yield %s : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
