// One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @tiled_mvm_c1(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected axes for each of 1 lhs operands, got 0}}
  %r = "analog.tiled_mvm"(%x, %w) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, contract = #analog<axis k>,
      tiling = #analog.tiling<balanced, rows = 4>, lhs_axes = [], rhs_axes = [#analog.axes<n, k>], epilogue_axes = [], param_axes = [], stats = [],
      accumulators = array<i64: 0, 0>, result_specs = [#analog.result<value over (m, n)>]}> ({
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%a: f32): analog.yield %a : f32
  }, {
    ^bb0(%s: f32): analog.yield %s : f32
  }, {}) : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c2(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a lhs operand of rank 3 over (t, m, k), got rank 2}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (t, m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c3(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected packed bits to have n as their last axis, got (t, m, k)}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %bits over (t, m, k) : tensor<?x?x1xi32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c4(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected one size of axis n, got 6 and 5}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x5xf32>
  return
}

// -----

func.func @tiled_mvm_c5(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %q: tensor<3xf32>) {
  // expected-error @below {{expected 2 tiles for k = 8, got 3}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%q over (t) : tensor<3xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c6(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected to contract m, n or k, got t}}
  %r = analog.tiled_mvm contract(t) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c7(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected at least one lhs and one rhs operand}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs()
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c8(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected the first rhs operand over k and n, got (m, k)}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%x over (m, k) : tensor<?x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c9(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected lhs axes among t, k, m, got (n)}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %p over (n) : tensor<?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c10(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a statistic of lhs operand 0 to 0, got 1}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      stats(absmax(lhs 1) over (t, m)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c11(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a statistic over (t) or (t, m) of an operand whose columns are k, got (t, n)}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      stats(absmax(lhs 0) over (t, n)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c12(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected 2 results, got 1}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c13(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected the value over (m, n), got (n, m)}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (n, m))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c14(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected an exported statistic from 0 to -1 with its axes, got 0 over (t)}}
  %r:2 = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), stat 0 over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2xf32>
  return
}

// -----

func.func @tiled_mvm_c15(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected bits over (t, m, n) of a contraction over k, got (m, n)}}
  %r:2 = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), bits over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<?x1xi32>
  return
}

// -----

func.func @tiled_mvm_c16(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a reduction over axes of the finish region, got (t)}}
  %r:2 = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), sum over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2xf32>
  return
}

// -----

func.func @tiled_mvm_c17(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected at most one value result}}
  %r:2 = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c18(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region load_lhs to end in analog.yield}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): func.return }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c19(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region finish to yield 1 values, got 2}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s, %s : f32, f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c20(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region end_tile to yield 1 bits and 0 reductions, got 0 and 0}}
  %r:2 = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2x?x1xi32>
  return
}

// -----

func.func @tiled_mvm_c21(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected an end_tile region exactly where k is contracted}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c22(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region load_lhs to take 1 arguments ('f32'), got 'f32', 'f32'}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %q: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c23(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected one or more accumulator pairs}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate()
    end_tile {
      %a = arith.constant 0.0 : f32
      analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c24(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected accumulator 0 to name a loaded rhs value, got 1}}
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 1)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c25(%g: tensor<?x6xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected one accumulator where there is no end_tile region, got 2}}
  %r = analog.tiled_mvm contract(n) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%g over (m, n) : tensor<?x6xf32>) rhs(%w over (n, k) : tensor<6x8xf32>)
      results(value over (m, k))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0, 0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x8xf32>
  return
}

// -----

func.func @tiled_mvm_c26(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      // expected-error @below {{expected a key from 0 to 0, got 1}}
      %n = analog.normal key(1) stream(0) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c27(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(7) : f32
      // expected-error @below {{expected two draws not to share stream 7 of key 0}}
      %u = analog.uniform key(0) stream(7) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}
