// Regions of tiled_mvm. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @tiled_mvm_c18(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region end_tile to be one block that ends in analog.yield, got several blocks}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile {
    ^bb0(%v: f32): analog.yield %v : f32
    ^bb1(%u: f32): analog.yield %u : f32
    }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c19(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region finish to yield 1 values, got 2}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s, %s : f32, f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c19_map(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region map of statistic 0 to yield 1 values, got 2}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) stats(sum(lhs 0) over (t, m) map { ^bb0(%v: f32): analog.yield %v, %v : f32, f32 }) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %m: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %m: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c20(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region end_tile to yield 1 bits and reductions of (), got 0 and ()}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>, tensor<2x?x1xi32>
  return
}

// -----

func.func @tiled_mvm_c20_types(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region finish to yield 0 bits and reductions of ('f32'), got 0 and ('i1')}}
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32):
      %b = arith.cmpf ogt, %s, %s : f32
      analog.yield %s : f32 reduce(%b : i1) }
    : tensor<?x6xf32>, tensor<6xf32>
  return
}

// -----

func.func @tiled_mvm_c21(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected an end_tile region exactly where the tiled axis is contracted, got none}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c22(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected region load_lhs to take 1 arguments ('f32'), got ('f32', 'f32')}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c23(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected one or more accumulator pairs, got 0 values}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
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

func.func @tiled_mvm_c24(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected accumulator 0 to name one of 1 loaded rhs values, got 1}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 1)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c25(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a finish region exactly where there is a value, sum or count result, got none}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c26(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
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

func.func @tiled_mvm_c27(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(7) : f32
      // expected-error @below {{expected a stream of its own, got 7 of key 0; a draw that repeats another is marked 'redraw'}}
      %u = analog.uniform key(0) stream(7) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c27_same_kind(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(7) : f32
      // expected-error @below {{expected a stream of its own, got 7 of key 0; a draw that repeats another is marked 'redraw'}}
      %u = analog.normal key(0) stream(7) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c37(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(7) : f32
      // expected-error @below {{expected a redraw to be of the kind of what it repeats, 'analog.normal' with its map}}
      %u = analog.normal key(0) stream(7) map word redraw : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c38(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{expected a tail region only where there are reductions, got none of these}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    tail { ^bb0: analog.yield }
    : tensor<?x6xf32>
  return
}

// -----

func.func @tiled_mvm_c39(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    tail { ^bb0(%s: f32):
      // expected-error @below {{expected neither draw nor index in the tail, which has no element}}
      %n = analog.normal key(0) stream(0) : f32
      analog.yield %n : f32 }
    : tensor<?x6xf32>, tensor<6xf32>
  return
}
