// Elements of 16 bits are bits in memory, i16, and f32 as soon as they are loaded: f16 by instructions where there are
// such, else by integers; bf16 by integers. No call of a library converts anything.
// RUN: mho-opt --analog-fuse --analog-schedule=isa=avx512 --convert-analog-to-vector %s | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: mho-opt --analog-fuse --analog-schedule=isa=generic --convert-analog-to-vector %s | FileCheck %s --check-prefixes=CHECK,PLAIN

// CHECK-LABEL: func.func @half(
// CHECK-SAME: [[X:%[^:]+]]: memref<?x?xi16, strided<[?, 1], offset: ?>>, [[W:%[^:]+]]: memref<?x?xi16, strided<[?, 1], offset: ?>>, [[Y:%[^:]+]]: memref<?x?xi16, strided<[?, 1], offset: ?>>,
// WIDE: [[BITS:%.+]] = vector.maskedload [[X]]{{.*}} : memref<?x?xi16, {{.*}}> into vector<16xi16>
// WIDE: [[HALVES:%.+]] = arith.bitcast [[BITS]] : vector<16xi16> to vector<16xf16>
// WIDE: [[V:%.+]] = arith.extf [[HALVES]] : vector<16xf16> to vector<16xf32>
// Without masks of 16 bits whole vectors have a load of their own.
// PLAIN-NOT: xf16
// PLAIN: [[BITS:%.+]] = scf.if {{%.+}} -> (vector<16xi16>) {
// PLAIN-NEXT: vector.load [[X]]
// PLAIN: } else {
// PLAIN-NEXT: vector.maskedload [[X]]
// PLAIN: arith.extui [[BITS]] : vector<16xi16> to vector<16xi32>
// The packed rows are those of f32.
// CHECK: vector.store {{%.+}}, [[LHS:%.+]][{{.*}}] : memref<1x{{[0-9]+}}xf32>, vector<16xf32>
// Sums over the tiles are kept beside y, which takes them when they are whole.
// CHECK: [[BEFORE:%.+]] = vector.maskedload [[TOTALS:%.+]][{{.*}} : memref<{{[0-9]+}}x{{[0-9]+}}xf32>
// CHECK: vector.maskedstore [[TOTALS]]
// CHECK: scf.if
// WIDE: [[ROUNDED:%.+]] = arith.truncf {{%.+}} : vector<16xf32> to vector<16xf16>
// WIDE: [[OUT:%.+]] = arith.bitcast [[ROUNDED]] : vector<16xf16> to vector<16xi16>
// WIDE: vector.maskedstore [[Y]]{{.*}}, [[OUT]]
// PLAIN-NOT: xf16
// PLAIN: vector.store {{%.+}}, [[Y]]
// PLAIN: vector.maskedstore [[Y]]
func.func @half(%xs: tensor<?x?xf16>, %ws: tensor<?x?xf16>) -> tensor<?x?xf16> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x?xf16> to tensor<?x?xf32>
  %w = arith.extf %ws : tensor<?x?xf16> to tensor<?x?xf32>
  %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xf16>
  return %ys : tensor<?x?xf16>
}

// CHECK-LABEL: func.func @brain(
// CHECK-SAME: [[X:%[^:]+]]: memref<?x?xi16, strided<[?, 1], offset: ?>>
// CHECK-NOT: xbf16
// CHECK: [[WORDS:%.+]] = arith.extui {{%.+}} : vector<16xi16> to vector<16xi32>
// CHECK: [[HIGH:%.+]] = arith.shli [[WORDS]], {{%.+}} : vector<16xi32>
// CHECK: arith.bitcast [[HIGH]] : vector<16xi32> to vector<16xf32>
// CHECK-NOT: xbf16
// CHECK: arith.trunci {{%.+}} : vector<16xi32> to vector<16xi16>
// CHECK-NOT: xbf16
func.func @brain(%xs: tensor<?x?xbf16>, %w: tensor<?x?xf32>) -> tensor<?x?xbf16> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x?xbf16> to tensor<?x?xf32>
  %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xbf16>
  return %ys : tensor<?x?xbf16>
}
