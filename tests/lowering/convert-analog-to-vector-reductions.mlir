// What a forward kernel reduces: summands of a few rows in scratch, sums of blocks of 64 x 64 to the partials, the tail.
// RUN: mho-opt --analog-schedule=isa=generic --convert-analog-to-vector --canonicalize --cse %s | FileCheck %s

// CHECK-LABEL: func.func @reducing(
// CHECK-SAME: [[Y:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[OFTILE:%[^:]+]]: memref<?xf32, strided<[1], offset: ?>>, [[OFCOLUMN:%[^:]+]]: memref<?xf32, strided<[1], offset: ?>>, [[PARTIALS:%[^:]+]]: memref<?xf64>, {{%[^:]+}}: memref<?xi8>
// The first row of a block begins its running sums, the last one combines them: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
// CHECK: [[SUMMAND:%.+]] = arith.mulf
// CHECK: vector.store {{%.+}}, [[SUMMANDS:%[a-z0-9_]+]][
// CHECK: [[SAVED:%.+]] = vector.load [[SUMS:%[a-z0-9_]+]][
// CHECK: [[BEGINS:%.+]] = arith.cmpi eq, {{%.+}}, %c0 : index
// CHECK: [[BEFORE:%.+]] = arith.select [[BEGINS]], %cst{{.*}}, [[SAVED]]
// CHECK: [[LANES:%.+]] = scf.for {{.*}} iter_args([[LANE:%.+]] = [[BEFORE]]) -> (vector<16xf32>)
// CHECK: [[V:%.+]] = vector.load [[SUMMANDS]][
// CHECK: arith.addf [[LANE]], [[V]]
// CHECK: vector.store [[LANES]], [[SUMS]][
// CHECK: scf.if
// CHECK: vector.shuffle [[LANES]], [[LANES]] [0, 1, 2, 3, 4, 5, 6, 7]
// CHECK: memref.store {{%.+}}, [[PARTIALS]][
// A column's sum over the rows of a block is added to those of the blocks before.
// CHECK: memref.load [[PARTIALS]][
// CHECK: memref.store {{%.+}}, [[PARTIALS]][

// CHECK-LABEL: func.func @reducing_tail(
// CHECK-SAME: [[OFTILE:%[^:]+]]: memref<?xf32, strided<[1], offset: ?>>, [[OFCOLUMN:%[^:]+]]: memref<?xf32, strided<[1], offset: ?>>, [[PARTIALS:%[^:]+]]: memref<?xf64>) {
// CHECK: memref.load [[PARTIALS]][
// CHECK: memref.store {{%.+}}, [[OFTILE]][
// CHECK: memref.load [[PARTIALS]][
// CHECK: memref.store {{%.+}}, [[OFCOLUMN]][
func.func @reducing(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %r:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, n), tile_sum over (t), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %s = arith.mulf %a, %a : f32
      analog.yield %a : f32 reduce(%s : f32) }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
  return %r#0, %r#1, %r#2 : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
}
