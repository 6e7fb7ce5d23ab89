// RUN: mho-opt --analog-fuse --analog-differentiate --convert-analog-to-vector %s | FileCheck %s
#xbar = #analog.tiling<balanced, rows = 512>

// Every size is a run-time value; the workspace does not depend on them.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME: [[X:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[W:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[Y:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>,
// CHECK-SAME: {{%[^:]+}}: memref<?xf64>, {{%[^:]+}}: memref<?xi8>, [[ROW:%[^:]+]]: index, [[ROWS:%[^:]+]]: index, [[COLUMN:%[^:]+]]: index, [[COLUMNS:%[^:]+]]: index) attributes {analog.workspace_bytes =
// No tile: zeros.
// CHECK: scf.if
// CHECK: vector.maskedstore [[Y]]
// Blocks of rows, tiles, blocks of columns, blocks of the contraction.
// CHECK: scf.for {{%.+}} = [[ROW]] to [[ROWS]] step
// CHECK: scf.for [[T:%.+]] = %c0{{.*}} to
// CHECK: scf.for {{%.+}} = [[COLUMN]] to [[COLUMNS]] step
// CHECK: scf.for [[KB:%.+]] = [[BEGIN:%.+]] to [[END:%.+]] step
// CHECK: [[FIRST:%.+]] = arith.cmpi eq, [[KB]], [[BEGIN]]
// Rows of x as they are; rows of w turned to columns.
// CHECK: [[V:%.+]] = vector.maskedload [[X]]{{.*}}, [[MASK:%.+]], %cst
// CHECK: [[PADDED:%.+]] = arith.select [[MASK]], [[V]], %cst
// CHECK: vector.store [[PADDED]], [[LHS:%[a-z0-9_]+]][
// CHECK: vector.maskedload [[W]]
// CHECK: vector.transpose {{.*}}, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
// CHECK-COUNT-16: vector.store {{%.+}}, [[RHS:%[a-z0-9_]+]][
// Accumulators begin with 0 in the tile's first block, else with the sums so far.
// CHECK: [[SAVED:%.+]] = vector.load [[SUMS:%[a-z0-9_]+]][
// CHECK: [[BEGINNING:%.+]] = arith.select [[FIRST]], %cst{{.*}}, [[SAVED]]
// CHECK: [[TILE:%.+]]:2 = scf.for {{.*}} iter_args([[A0:%.+]] = [[BEGINNING]], [[A1:%.+]] = {{%.+}}) -> (vector<16xf32>, vector<16xf32>)
// CHECK: [[B:%.+]] = vector.load [[RHS]][
// CHECK: [[L0:%.+]] = memref.load [[LHS]][
// CHECK: [[L0S:%.+]] = vector.broadcast [[L0]]
// CHECK: math.fma [[L0S]], [[B]], [[A0]] : vector<16xf32>
// CHECK: [[L1:%.+]] = memref.load [[LHS]][
// CHECK: [[L1S:%.+]] = vector.broadcast [[L1]]
// CHECK: math.fma [[L1S]], [[B]], [[A1]] : vector<16xf32>
// CHECK: vector.store [[TILE]]#0, [[SUMS]][
// CHECK: vector.store [[TILE]]#1, [[SUMS]][
// The first tile begins the result, the others are added to it.
// CHECK: [[ACC:%.+]] = vector.load [[SUMS]][
// CHECK: [[FIRSTTILE:%.+]] = arith.cmpi eq, [[T]], %c0
// CHECK: [[BEFORE:%.+]] = vector.maskedload [[Y]][
// CHECK: [[ADDED:%.+]] = arith.addf [[BEFORE]], [[ACC]]
// CHECK: arith.select [[FIRSTTILE]], [[ACC]], [[ADDED]]
// CHECK: vector.maskedstore [[Y]][

// Gradients contract rows or outputs, along which their operands lie as they are wanted: nothing is turned. dX = G W:
// CHECK-LABEL: func.func @layer_dx(
// CHECK-SAME: [[G:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[X:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[W:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[D:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>,
// CHECK-SAME: {{%[^:]+}}: memref<?xf64>, {{%[^:]+}}: memref<?xi8>, [[ROW:%[^:]+]]: index, [[ROWS:%[^:]+]]: index, [[TILE:%[^:]+]]: index, [[TILES:%[^:]+]]: index) attributes {analog.workspace_bytes =
// CHECK: scf.for {{%.+}} = [[ROW]] to [[ROWS]] step
// CHECK: scf.for {{%.+}} = [[TILE]] to [[TILES]] step
// CHECK: scf.for [[KB:%.+]] = {{.*}} step
// CHECK: [[FIRST:%.+]] = arith.cmpi eq, [[KB]], %c0
// CHECK: [[V:%.+]] = vector.maskedload [[G]]{{.*}}, [[MASK:%.+]], %cst
// CHECK: [[PADDED:%.+]] = arith.select [[MASK]], [[V]], %cst
// CHECK: vector.store [[PADDED]], [[LHS:%[a-z0-9_]+]][
// CHECK: [[V:%.+]] = vector.maskedload [[W]]{{.*}}, [[MASK:%.+]], %cst
// CHECK: [[PADDED:%.+]] = arith.select [[MASK]], [[V]], %cst
// CHECK: vector.store [[PADDED]], [[RHS:%[a-z0-9_]+]][
// CHECK-NOT: vector.transpose
// CHECK: [[SUM:%.+]]:2 = scf.for {{.*}} iter_args([[A0:%.+]] = %cst{{.*}}, [[A1:%.+]] = %cst{{.*}}) -> (vector<16xf32>, vector<16xf32>)
// CHECK: [[B:%.+]] = vector.load [[RHS]][
// CHECK: [[L0:%.+]] = memref.load [[LHS]][
// CHECK: [[L0S:%.+]] = vector.broadcast [[L0]]
// CHECK: math.fma [[L0S]], [[B]], [[A0]] : vector<16xf32>
// CHECK: [[L1:%.+]] = memref.load [[LHS]][
// CHECK: [[L1S:%.+]] = vector.broadcast [[L1]]
// CHECK: math.fma [[L1S]], [[B]], [[A1]] : vector<16xf32>
// CHECK: [[BEFORE:%.+]] = vector.maskedload [[D]][
// CHECK: [[ADDED:%.+]] = arith.addf [[BEFORE]], [[SUM]]#0
// CHECK: [[NOW:%.+]] = arith.select [[FIRST]], [[SUM]]#0, [[ADDED]]
// CHECK: vector.maskedstore [[D]]{{.*}}, [[NOW]]

// dW = G^T X:
// CHECK-LABEL: func.func @layer_dw(
// CHECK-SAME: [[G:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[X:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[W:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[D:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>,
// CHECK-SAME: {{%[^:]+}}: memref<?xf64>, {{%[^:]+}}: memref<?xi8>, [[ROW:%[^:]+]]: index, [[ROWS:%[^:]+]]: index, [[TILE:%[^:]+]]: index, [[TILES:%[^:]+]]: index) attributes {analog.workspace_bytes =
// CHECK: scf.for {{%.+}} = [[ROW]] to [[ROWS]] step
// CHECK: scf.for {{%.+}} = [[TILE]] to [[TILES]] step
// CHECK: scf.for [[KB:%.+]] = {{.*}} step
// CHECK: [[FIRST:%.+]] = arith.cmpi eq, [[KB]], %c0
// CHECK: [[V:%.+]] = vector.maskedload [[G]]{{.*}}, [[MASK:%.+]], %cst
// CHECK: [[PADDED:%.+]] = arith.select [[MASK]], [[V]], %cst
// CHECK: vector.store [[PADDED]], [[LHS:%[a-z0-9_]+]][
// CHECK: [[V:%.+]] = vector.maskedload [[X]]{{.*}}, [[MASK:%.+]], %cst
// CHECK: [[PADDED:%.+]] = arith.select [[MASK]], [[V]], %cst
// CHECK: vector.store [[PADDED]], [[RHS:%[a-z0-9_]+]][
// CHECK-NOT: vector.transpose
// CHECK: [[SUM:%.+]]:2 = scf.for {{.*}} iter_args([[A0:%.+]] = %cst{{.*}}, [[A1:%.+]] = %cst{{.*}}) -> (vector<16xf32>, vector<16xf32>)
// CHECK: [[B:%.+]] = vector.load [[RHS]][
// CHECK: [[L0:%.+]] = memref.load [[LHS]][
// CHECK: [[L0S:%.+]] = vector.broadcast [[L0]]
// CHECK: math.fma [[L0S]], [[B]], [[A0]] : vector<16xf32>
// CHECK: [[L1:%.+]] = memref.load [[LHS]][
// CHECK: [[L1S:%.+]] = vector.broadcast [[L1]]
// CHECK: math.fma [[L1S]], [[B]], [[A1]] : vector<16xf32>
// CHECK: [[BEFORE:%.+]] = vector.maskedload [[D]][
// CHECK: [[ADDED:%.+]] = arith.addf [[BEFORE]], [[SUM]]#0
// CHECK: [[NOW:%.+]] = arith.select [[FIRST]], [[SUM]]#0, [[ADDED]]
// CHECK: vector.maskedstore [[D]]{{.*}}, [[NOW]]
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
