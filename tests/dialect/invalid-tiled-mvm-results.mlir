// Results of tiled_mvm. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @tiled_mvm_c12(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected 2 results, got 1}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c13(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected the value over (m, n), got (n, m)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (n, m))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c14(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected an exported statistic from 0 to -1 with its axes, got 0 over (t)}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), stat 0 over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2xf32>
  return
}

// -----

func.func @tiled_mvm_c15(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected bits over (t, m, n) of a kernel that contracts the tiled axis, got (m, n)}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), bits over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<?x1xi32>
  return
}

// -----

func.func @tiled_mvm_c16(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected sum over distinct axes of the finish region, got (t)}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), sum over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2xf32>
  return
}

// -----

func.func @tiled_mvm_c16_tile(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected tile_sum over distinct axes of the end_tile region, got (k)}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), tile_sum over (k))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<8xf32>
  return
}

// -----

func.func @tiled_mvm_c17(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected at most one value result, got 2}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c32(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected at least one result, got none}}
  "analog.tiled_mvm"(%x, %w) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, contract = #analog<axis k>,
      tile_axis = #analog<axis k>, tiling = #analog.tiling<balanced, rows = 4>, lhs_axes = [#analog.axes<m, k>], rhs_axes = [#analog.axes<n, k>],
      epilogue_axes = [], param_axes = [], stats = [], accumulators = array<i64: 0, 0>,
      result_specs = []}> ({
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%a: f32): analog.yield %a : f32
  }, {
    ^bb0(%s: f32): analog.yield %s : f32
  }, {}) : (tensor<?x8xf32>, tensor<6x8xf32>) -> ()
  return
}

// -----

func.func @tiled_mvm_c33(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected count over (n) to be of 'i64' and rank 1, got 'tensor<6xf32>'}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), count over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<6xf32>
  return
}

// -----

func.func @tiled_mvm_c33_storage(%x: tensor<?x8xf16>, %w: tensor<6x8xf16>) {
  // expected-error @below {{expected sum over (n) to be of 'f32' and rank 1, got 'tensor<6xf16>'}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf16>) rhs(%w over (n, k) : tensor<6x8xf16>) results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    : tensor<?x6xf16>, tensor<6xf16>
  return
}

// -----

func.func @tiled_mvm_c34_storage(%x: tensor<?x8xf16>, %w: tensor<6x8xf16>, %q: tensor<?x6xf32>) {
  // expected-error @below {{expected init to have the type of the value result 'tensor<?x6xf16>', got 'tensor<?x6xf32>'}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf16>) rhs(%w over (n, k) : tensor<6x8xf16>) init(%q : tensor<?x6xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf16>
  return
}

// -----

func.func @tiled_mvm_c34(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected init to have the type of the value result 'tensor<?x6xf32>', got 'tensor<?x?xf32>'}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) init(%q : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c35(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected what the tail makes of a reduction over (n) to depend on what is known there, got a reduction over (m)}}
  %r:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), sum over (m), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s, %s : f32, f32) }
    tail { ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      analog.yield %a, %c : f32, f32 }
    : tensor<?x6xf32>, tensor<?xf32>, tensor<6xf32>
  return
}

// -----

func.func @tiled_mvm_c35_parameter(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected what the tail makes of a reduction over (n) to depend on what is known there, got a parameter over (m)}}
  %r:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (m) : tensor<?xf32>) results(value over (m, n), sum over (m), sum over (n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %u: f32): analog.yield %s : f32 reduce(%s, %s : f32, f32) }
    tail { ^bb0(%a: f32, %b: f32, %u: f32):
      %c = arith.addf %b, %u : f32
      analog.yield %a, %c : f32, f32 }
    : tensor<?x6xf32>, tensor<?xf32>, tensor<6xf32>
  return
}
