// What analog-differentiate refuses, with the reason.
// RUN: mho-opt --analog-differentiate %s -split-input-file -verify-diagnostics

func.func @two_operands(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected a contraction over k of one lhs operand over (m, k) and one rhs operand over (n, k)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %p over (m) : tensor<?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @bits_not_kept(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected the bits of end_tile to be those that its surrogates save, in order (analog-fuse with save-for-backward keeps them)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %u, %b = analog.surrogate(%a) value { ^bb0(%i: f32):
        %o = arith.cmpf ogt, %i, %i : f32
        analog.yield %i : f32 bits(%o) } derivative { ^bb0(%o: i1, %g: f32): analog.yield %g : f32 } : f32, i1
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @a_draw_in_finish(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32):
      // expected-error @below {{not differentiated: the derivative needs this number}}
      %n = analog.normal key(0) stream(0) : f32
      %u = arith.mulf %s, %n : f32
      analog.yield %u : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @a_result_left_out(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected @a_result_left_out to be one fused kernel, but it does not return the results of its analog.tiled_mvm, all of them in order}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(absmax(lhs 0) over (t, m)) results(value over (m, n), stat 0 over (t, m))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2x?xf32>
  return %r#0 : tensor<?x6xf32>
}

// -----

func.func @a_reduction(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> (tensor<?x6xf32>, tensor<6xf32>) {
  // expected-error @below {{not differentiated: expected the value as first result, and beside it bits and statistics only}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    : tensor<?x6xf32>, tensor<6xf32>
  return %r#0, %r#1 : tensor<?x6xf32>, tensor<6xf32>
}

// -----

func.func @an_epilogue(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected neither epilogue operands nor an initial value}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) epilogue(%q over (m, n) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %u: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @bits_of_the_element(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %raw = arith.bitcast %v : f32 to i32
      %next = arith.addi %raw, %raw : i32
      // expected-error @below {{has no derivative: it makes a number of the bits of a differentiated value; wrap it in analog.surrogate}}
      %u = arith.bitcast %next : i32 to f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @division_by_an_accumulator(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32):
      %one = arith.constant 1.0 : f32
      // expected-error @below {{the derivative of 'arith.divf' needs the sum over the tiles, which is not kept for backward}}
      %u = arith.divf %one, %s : f32
      analog.yield %u : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @product_of_sums(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32):
      // expected-error @below {{the derivative of 'arith.mulf' needs the sum over the tiles, which is not kept for backward}}
      %u = arith.mulf %s, %s : f32
      analog.yield %u : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @statistic_left_out(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected statistics of the input to be results (analog-fuse with save-for-backward keeps them)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(absmax(lhs 0) over (t, m)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

// One tail makes the gradients of all that a surrogate learns.
func.func @learns_over_different_axes(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<2x6xf32>, %q: tensor<2xf32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (t, n) : tensor<2x6xf32>, %q over (t) : tensor<2xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %b: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %a: f32, %b: f32):
      // expected-error @below {{not differentiated: expected parameter gradients over the same axes, got (t) and (t, n)}}
      %r = analog.surrogate(%v, %a, %b) wrt(2, 1) value { ^bb0(%i: f32, %j: f32, %k: f32): analog.yield %i : f32 }
        derivative { ^bb0(%j: f32, %k: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g, %g : f32, f32) }
        tail { ^bb0(%s: f32, %t: f32, %j: f32, %k: f32): analog.yield %s, %t : f32, f32 } : f32
      analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%s: f32, %a: f32, %b: f32): analog.yield %s : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @learned_in_finish(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %b: tensor<6xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{not differentiated: expected no learned parameter in finish}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%b over (n) : tensor<6xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %p: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %p: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %p: f32):
      %u = analog.surrogate(%s, %p) wrt(1) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
        derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) }
        tail { ^bb0(%sum: f32, %q: f32): analog.yield %sum : f32 } : f32
      analog.yield %u : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}
