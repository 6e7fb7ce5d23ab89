// RUN: mho-opt %s --lower-vector-transpose | FileCheck %s

// CHECK-LABEL: @transpose
// CHECK-NOT: vector.transpose
// CHECK-COUNT-64: vector.shuffle
// CHECK-NOT: vector.shuffle
func.func @transpose(%square: vector<16x16xf32>) -> vector<16x16xf32> {
  %turned = vector.transpose %square, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
  return %turned : vector<16x16xf32>
}
