// Derivatives of scalar ops outside analog.surrogate (SPEC.md, "Derivatives"), written where the element is.
// RUN: mho-opt --analog-differentiate %s | FileCheck %s

// Of a function that needs its own result: tanh is computed again.
// CHECK-LABEL: func.func @tanh_dx(
// CHECK:      finish {
// CHECK-NEXT: ^bb0([[G:%[^:]+]]: f32, [[X:%[^:]+]]: f32):
// CHECK:      [[Y:%.+]] = math.tanh [[X]] : f32
// CHECK:      [[NEGATIVE:%.+]] = arith.negf [[Y]] : f32
// CHECK:      [[SLOPE:%.+]] = math.fma [[NEGATIVE]], [[Y]], %{{.+}} : f32
// CHECK:      [[DX:%.+]] = arith.mulf [[G]], [[SLOPE]] : f32
// CHECK-NEXT: analog.yield [[DX]] : f32
func.func @tanh(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %u = math.tanh %v : f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// A clamp of a parameter: the gradient goes to the operand taken.
// CHECK-LABEL: func.func @clamp_dx(
// CHECK:      finish {
// CHECK-NEXT: ^bb0([[G:%[^:]+]]: f32, [[X:%[^:]+]]: f32, [[LIMIT:%[^:]+]]: f32):
// CHECK:      [[TAKEN:%.+]] = arith.cmpf ole, [[X]], [[LIMIT]] : f32
// CHECK:      [[DX:%.+]] = arith.select [[TAKEN]], [[G]], %{{.+}} : f32
// CHECK-NEXT: analog.yield [[DX]] : f32
func.func @clamp(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %limit: f32) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%limit : f32) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %l: f32):
      %u = arith.minimumf %v, %l : f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32, %l: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %l: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %l: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// Rounding is straight through, at the end of a tile too, where no value is kept.
// CHECK-LABEL: func.func @floor_dx(
// CHECK:      load_lhs {
// CHECK-NEXT: ^bb0([[G:%[^:]+]]: f32):
// CHECK-NEXT: analog.yield [[G]] : f32
func.func @floor(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %u = math.floor %a : f32
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// What does not vary with the accumulator has the gradient 0.
// CHECK-LABEL: func.func @constant_dx(
// CHECK:      load_lhs {
// CHECK:      [[ZERO:%.+]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT: analog.yield [[ZERO]] : f32
func.func @constant(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %i = arith.fptosi %a : f32 to i32
      %u = arith.sitofp %i : i32 to f32
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}
