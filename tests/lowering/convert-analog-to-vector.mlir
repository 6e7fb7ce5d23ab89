// RUN: mho-opt --analog-fuse --analog-differentiate --convert-analog-to-vector %s | FileCheck %s
#xbar = #analog.tiling<balanced, rows = 512>

// Every size is a run-time value; the workspace does not depend on them.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME: memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK-SAME: memref<?xi8>
// CHECK-SAME: attributes {analog.workspace_bytes =
// CHECK: vector.maskedload
// CHECK: vector.transpose
// CHECK: math.fma
// CHECK: vector.maskedstore
// CHECK-LABEL: func.func @layer_dx(
// CHECK-NOT: vector.transpose
// CHECK: math.fma
// CHECK-LABEL: func.func @layer_dw(
// CHECK-NOT: vector.transpose
// CHECK: math.fma
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
