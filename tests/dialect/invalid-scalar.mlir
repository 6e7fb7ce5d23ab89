// Scalar code in regions. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @scalar_c1(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      // expected-error @below {{is not scalar code; the ops that may stand in a region are listed in dialect/SPEC.md}}
      %u = math.tan %v : f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @scalar_c2(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      // expected-error @below {{expected scalar code of f32, i32 and i1, got 'i64'}}
      %c = arith.constant 1 : i64
      analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @scalar_c3(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      // expected-error @below {{expected no fast-math flags, which would change results, got #arith.fastmath<contract>}}
      %u = arith.mulf %v, %v fastmath<contract> : f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @scalar_c4(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %b = arith.cmpf ogt, %v, %v : f32
      // expected-error @below {{expected i32 numbers, got i1}}
      %u = arith.sitofp %b : i1 to f32
      analog.yield %u : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @scalar_c4_order(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %b = arith.cmpf ogt, %v, %v : f32
      // expected-error @below {{expected i32 numbers, got i1}}
      %u = arith.cmpi slt, %b, %b : i1
      analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @normal_c1() {
  // expected-error @below {{expected to stand in a region of analog.tiled_mvm or analog.effect, got 'func.func'}}
  %n = analog.normal key(0) stream(0) : f32
  return
}

// -----

func.func @normal_c2(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      // expected-error @below {{expected stream to be from 0 to 255, got 256}}
      %n = analog.normal key(0) stream(256) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @uniform_c1() {
  // expected-error @below {{expected to stand in a region of analog.tiled_mvm or analog.effect, got 'func.func'}}
  %n = analog.uniform key(0) stream(0) : f32
  return
}

// -----

func.func @uniform_c2(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      // expected-error @below {{expected stream to be from 0 to 255, got -1}}
      %n = analog.uniform key(0) stream(-1) : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}

// -----

func.func @index_c1() {
  // expected-error @below {{expected to stand in a region of analog.tiled_mvm or analog.effect, got 'func.func'}}
  %n = analog.index row : i32
  return
}

// -----

func.func @a_region_without_code(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>, %bits: tensor<?x?x1xi32>) {
  // expected-error @below {{empty block: expect at least a terminator}}
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return
}
