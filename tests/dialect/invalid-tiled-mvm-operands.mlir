// Operands and statistics of tiled_mvm. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @tiled_mvm_c1(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected axes for each of 1 lhs operands, got 0}}
  %r = "analog.tiled_mvm"(%x, %w) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, contract = #analog<axis k>,
      tile_axis = #analog<axis k>, tiling = #analog.tiling<balanced, rows = 4>, lhs_axes = [], rhs_axes = [#analog.axes<n, k>],
      epilogue_axes = [], param_axes = [], stats = [], accumulators = array<i64: 0, 0>,
      result_specs = [#analog.result<value over (m, n)>]}> ({
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

func.func @tiled_mvm_c2(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a lhs operand of rank 3 over (t, m, k), got rank 2}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (t, m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c3(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected packed bits to be an lhs, rhs or epilogue operand with its words along an axis other than t, got a params operand over (t, m, n)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%bits over (t, m, n) : tensor<?x?x1xi32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c3_words(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected packed bits to be an lhs, rhs or epilogue operand with its words along an axis other than t, got a epilogue operand over (m, n, t)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) epilogue(%bits over (m, n, t) : tensor<?x?x1xi32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c4(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected one size of axis n, got 6 and 5}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x5xf32>
  return
}

// -----

func.func @tiled_mvm_c5(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %p3: tensor<3xf32>) {
  // expected-error @below {{expected 2 tiles for k = 8, got 3}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p3 over (t) : tensor<3xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c6(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected to contract and to tile m, n or k, got t and k}}
  %r = analog.tiled_mvm contract(t) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c7(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected at least one lhs and one rhs operand, got 0 and 1}}
  %r = "analog.tiled_mvm"(%w) <{operandSegmentSizes = array<i32: 0, 1, 0, 0, 0, 0>, contract = #analog<axis k>,
      tile_axis = #analog<axis k>, tiling = #analog.tiling<balanced, rows = 4>, lhs_axes = [], rhs_axes = [#analog.axes<n, k>],
      epilogue_axes = [], param_axes = [], stats = [], accumulators = array<i64: 0, 0>,
      result_specs = [#analog.result<value over (m, n)>]}> ({
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%v: f32): analog.yield %v : f32
  }, {
    ^bb0(%a: f32): analog.yield %a : f32
  }, {
    ^bb0(%s: f32): analog.yield %s : f32
  }, {}) : (tensor<6x8xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c8(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected the first lhs operand over k and m, got (m, n)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, n) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c9(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected lhs axes among t, k, m, got (n)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %p over (n) : tensor<?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c10(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a statistic of lhs operand 0 to 0 that is no bits, got 1}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(absmax(lhs 1) over (t, m)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c11(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a statistic over (t) or (t, m) of an operand whose columns are k, got (t, n)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(absmax(lhs 0) over (t, n)) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c28(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a lhs operand over distinct axes, got (m, m)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>, %q over (m, m) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c29(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>, %w40: tensor<40x8xf32>) {
  // expected-error @below {{expected 2 words for 40 bits along n, got 1}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w40 over (n, k) : tensor<40x8xf32>) results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %b = arith.cmpf ogt, %a, %a : f32
      analog.yield %a : f32 bits(%b) }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x40xf32>, tensor<2x?x1xi32>
  return
}

// -----

func.func @tiled_mvm_c30(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected epilogue axes among t, m, n, got (k)}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) epilogue(%p over (k) : tensor<?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c31(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected a map, empty or not, for each of 1 statistics, got 0}}
  %r = "analog.tiled_mvm"(%x, %w) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, contract = #analog<axis k>,
      tile_axis = #analog<axis k>, tiling = #analog.tiling<balanced, rows = 4>, lhs_axes = [#analog.axes<m, k>], rhs_axes = [#analog.axes<n, k>],
      epilogue_axes = [], param_axes = [], stats = [#analog.stat<absmax(lhs 0) over (t, m)>], accumulators = array<i64: 0, 0>,
      result_specs = [#analog.result<value over (m, n)>]}> ({
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

func.func @tiled_mvm_c36(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected keys that differ, got one of them twice, again as key 1}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>, %key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c40(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xbf16>) {
  // expected-error @below {{expected a params operand of f32, got 'tensor<?xbf16>'; 16 bits are for the elements of lhs, rhs, epilogue and value}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (n) : tensor<?xbf16>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %b: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %b: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}
