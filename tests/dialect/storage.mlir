// Storage in 16 bits: what is read and stored in the algebra is the type of the kernel's operands and value; gradients
// have the types of what they are the gradients of, parameters stay f32.
// RUN: mho-opt %s | mho-opt | FileCheck %s --check-prefix=SAME
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | FileCheck %s

// SAME-LABEL: func.func @layer(
// SAME: arith.extf %{{.*}} : tensor<?x100xf16> to tensor<?x100xf32>
// SAME: arith.truncf %{{.*}} : tensor<?x10xf32> to tensor<?x10xf16>
// CHECK-LABEL: func.func @layer(
// CHECK-SAME: [[X:%[^:]+]]: tensor<?x100xf16>, [[W:%[^:]+]]: tensor<10x100xbf16>, [[BETA:%[^:]+]]: tensor<2xf32>
// CHECK-SAME: -> (tensor<?x10xf16> {analog.name = "y"}, tensor<2x?x1xi32> {analog.name = "saturation"})
// CHECK-NEXT: analog.tiled_mvm contract(k)
// CHECK-NEXT: lhs([[X]] over (m, k) : tensor<?x100xf16>)
// CHECK-NEXT: rhs([[W]] over (n, k) : tensor<10x100xbf16>)
// CHECK: stats(absmax(rhs 0) over (t, n))
// CHECK: load_lhs {
// CHECK-NEXT: ^bb0(%{{[^:]+}}: f32
// CHECK: : tensor<?x10xf16>, tensor<2x?x1xi32>
// CHECK-LABEL: func.func @layer_dx(
// CHECK-SAME: [[G:%[^:]+]]: tensor<?x10xf16> {analog.name = "grad"}
// CHECK-SAME: -> (tensor<?x100xf16> {analog.gradient = 0 : i64, analog.name = "dx"}, tensor<2xf32>
// CHECK: lhs([[G]] over (m, n) : tensor<?x10xf16>
// CHECK: epilogue(%{{.*}} over (m, k) : tensor<?x100xf16>)
// CHECK-LABEL: func.func @layer_dw(
// CHECK-SAME: -> (tensor<10x100xbf16> {analog.gradient = 1 : i64, analog.name = "dweight"})
func.func @layer(%xs: tensor<?x100xf16>, %ws: tensor<10x100xbf16>, %beta: tensor<2xf32>) -> tensor<?x10xf16>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x100xf16> to tensor<?x100xf32>
  %w = arith.extf %ws : tensor<10x100xbf16> to tensor<10x100xf32>
  %a = analog.absmax %w per channel : tensor<10x100xf32> -> tensor<2x10xf32>
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x100xf32>, tensor<2xf32> -> tensor<?x100xf32>
  %acc = analog.mvm %code, %w : tensor<?x100xf32>, tensor<10x100xf32> -> tensor<2x?x10xf32>
  %out = analog.adc %acc bound(%a over (t, n)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x?x10xf32>, tensor<2x10xf32>) -> tensor<2x?x10xf32>
  %y = analog.accumulate %out : (tensor<2x?x10xf32>) -> tensor<?x10xf32>
  %ys = arith.truncf %y : tensor<?x10xf32> to tensor<?x10xf16>
  return %ys : tensor<?x10xf16>
}
