// A statistic over (t) must be whole before the body begins: functions of its own take it of blocks of 64 rows, and of
// these the whole.
// RUN: mho-opt --analog-schedule=isa=generic --convert-analog-to-vector --canonicalize --cse %s | FileCheck %s

// The body reads the whole, from behind the partial sums of reductions, of which there are none.
// CHECK-LABEL: func.func @scaled(
// CHECK-SAME: [[PARTIALS:%[^:]+]]: memref<?xf64>
// CHECK-NOT: math.absf
// CHECK: [[WHOLE:%.+]] = memref.load [[PARTIALS]][
// CHECK: [[SCALE:%.+]] = arith.truncf [[WHOLE]] : f64 to f32
// CHECK: [[LANES:%.+]] = vector.broadcast [[SCALE]]
// CHECK: arith.mulf {{%.+}}, [[LANES]]

// CHECK-LABEL: func.func @scaled_statistic0(
// CHECK-SAME: [[W:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[Y:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[PARTIALS:%[^:]+]]: memref<?xf64>, {{%[^:]+}}: memref<?xi8>, [[ROW:%[^:]+]]: index, [[ROWS:%[^:]+]]: index, [[TILE:%[^:]+]]: index, [[TILES:%[^:]+]]: index)
// CHECK: scf.for {{%.+}} = [[ROW]] to [[ROWS]] step %c64
// CHECK: scf.for {{%.+}} = [[TILE]] to [[TILES]] step %c1
// CHECK: vector.maskedload [[W]]
// CHECK: math.absf
// CHECK: arith.maxui
// CHECK: vector.reduction <maxui>
// CHECK: memref.store {{%.+}}, [[PARTIALS]][

// CHECK-LABEL: func.func @scaled_statistic0_total(
// CHECK-SAME: [[PARTIALS:%[^:]+]]: memref<?xf64>) {
// CHECK: [[WHOLE:%.+]] = scf.for
// CHECK: [[BLOCK:%.+]] = memref.load [[PARTIALS]][
// CHECK: arith.maximumf {{%.+}}, [[BLOCK]] : f64
// CHECK: memref.store [[WHOLE]], [[PARTIALS]][
func.func @scaled(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      stats(absmax(rhs 0) over (t)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %s: f32):
      %0 = arith.mulf %v, %s : f32
      analog.yield %0 : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %s: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
