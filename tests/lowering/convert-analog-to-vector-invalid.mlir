// What convert-analog-to-vector refuses, with the reason.
// RUN: mho-opt --convert-analog-to-vector %s -split-input-file -verify-diagnostics

func.func @transposed_lhs(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %t: tensor<8x?xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected the first lhs operand over (m, k), got (k, m)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%t over (k, m) : tensor<8x?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @transposed_rhs(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %t: tensor<8x6xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected the first rhs operand over (n, k), got (k, n)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%t over (k, n) : tensor<8x6xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @other_operand(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected lhs over (k, m) to have k last, where load_lhs reads it}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %q over (k, m) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @parameter(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected a parameter over (n, t) to have n last, where end_tile reads it}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%q over (n, t) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @bits_along_k(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %wb: tensor<?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected packed bits with words along n where load_lhs reads them along n, got (m, k)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %wb over (m, k) : tensor<?x1xi32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %o: i1): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @tiles_of_m(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %g: tensor<?x6xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{not lowered: expected tiles of k, got tiles of m}}
  %r = analog.tiled_mvm contract(n) tile(t of m : #analog.tiling<balanced, rows = 4>)
      lhs(%g over (m, n) : tensor<?x6xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, k))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @statistic_of_a_tile(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected statistics over (t, row), got absmax over (t)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(absmax(rhs 0) over (t)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @computed_operand(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<4x6xf32> {
  %c = arith.constant dense<1.0> : tensor<4x8xf32>
  // expected-error @below {{not lowered: expected @computed_operand to be one fused kernel, but it holds 'arith.constant'}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%c over (m, k) : tensor<4x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<4x6xf32>
  return %r : tensor<4x6xf32>
}

// -----

func.func @library_function(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      // expected-error @below {{not lowered: expected analog-expand-elementary to have replaced it by its sequence}}
      %u = math.tanh %v : f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// -----

func.func @two_of_three_results(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) -> tensor<?x6xf32> {
  // expected-error @below {{not lowered: expected @two_of_three_results to be one fused kernel, but it does not return the results of its analog.tiled_mvm, all of them in order}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %b = arith.cmpf ogt, %a, %a : f32
      analog.yield %a : f32 bits(%b) }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2x?x1xi32>
  return %r#0 : tensor<?x6xf32>
}
