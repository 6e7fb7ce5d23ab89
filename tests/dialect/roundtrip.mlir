// Every op prints in the form it is written in, and what is printed parses again.
// RUN: mho-opt %s | mho-opt | FileCheck %s
#xbar = #analog.tiling<balanced, rows = 512>

// CHECK-LABEL: func.func @algebra(
// CHECK-SAME: attributes {analog.tiling = #analog.tiling<balanced, rows = 512>}
func.func @algebra(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>, %bias: tensor<256xf32>, %beta: tensor<2xf32>, %key: tensor<2xi64>) -> tensor<?x256xf32>
    attributes {analog.tiling = #xbar} {
  // CHECK: analog.absmax %{{.*}} per channel : tensor<256x784xf32> -> tensor<2x256xf32>
  %a = analog.absmax %w per channel : tensor<256x784xf32> -> tensor<2x256xf32>
  // CHECK: analog.absmax %{{.*}} per tensor : tensor<256x784xf32> -> tensor<2xf32>
  %at = analog.absmax %w per tensor : tensor<256x784xf32> -> tensor<2xf32>
  // CHECK: analog.quantize_input %{{.*}} range(%{{.*}} over (t)) {decay = 1.000000e-03 : f32, half_levels = 1.270000e+02 : f32}
  // CHECK-SAME: : tensor<?x784xf32>, tensor<2xf32> -> tensor<?x784xf32>
  %code = analog.quantize_input %x range(%beta over (t)) {decay = 1.0e-3 : f32, half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2xf32> -> tensor<?x784xf32>
  // CHECK: analog.quantize_input %{{.*}} range(%{{.*}} over (t)) gradient lsq {half_levels = 1.270000e+02 : f32}
  %lsq = analog.quantize_input %x range(%beta over (t)) gradient lsq {half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2xf32> -> tensor<?x784xf32>
  // CHECK: analog.quantize_weight %{{.*}} scale(%{{.*}} over (t, n)) {half_levels = 7.000000e+00 : f32}
  %wq = analog.quantize_weight %w scale(%a over (t, n)) {half_levels = 7.0 : f32} : tensor<256x784xf32>, tensor<2x256xf32> -> tensor<256x784xf32>
  // CHECK: analog.inject_noise %{{.*}} scale() key(%{{.*}}, stream = 3) {sigma = 5.000000e-01 : f32}
  %wa = analog.inject_noise %wq scale() key(%key, stream = 3) {sigma = 0.5 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  // CHECK: analog.inject_noise %{{.*}} scale() key(%{{.*}}, stream = 4) map word {sigma = 5.000000e-01 : f32}
  %ww = analog.inject_noise %wa scale() key(%key, stream = 4) map word {sigma = 0.5 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  // CHECK: analog.inject_noise %{{.*}} scale() key(%{{.*}}, stream = 4) map word redraw {sigma = 2.500000e-01 : f32}
  %wr = analog.inject_noise %ww scale() key(%key, stream = 4) map word redraw {sigma = 0.25 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  // CHECK: analog.drop_connect %{{.*}} key(%{{.*}}, stream = 2) {probability = 1.250000e-01 : f32}
  %wd = analog.drop_connect %wr key(%key, stream = 2) {probability = 0.125 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  // CHECK: analog.mvm %{{.*}}, %{{.*}} : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  %acc = analog.mvm %code, %wd : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  // CHECK: analog.rescale %{{.*}} range(%{{.*}} over (t)) {half_levels = 1.270000e+02 : f32} : tensor<2x?x256xf32>, tensor<2xf32> -> tensor<2x?x256xf32>
  %amp = analog.rescale %acc range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<2x?x256xf32>, tensor<2xf32> -> tensor<2x?x256xf32>
  // CHECK: analog.inject_noise %{{.*}} scale(%{{.*}} over (t), %{{.*}} over (t, n)) key(%{{.*}}, stream = 1)
  %out = analog.inject_noise %amp scale(%beta over (t), %a over (t, n)) key(%key, stream = 1) {sigma = 0.04 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<2x?x256xf32>
  // CHECK: analog.adc %{{.*}} bound(%{{.*}} over (t), %{{.*}} over (t)) gradient straight_through {half_levels = 1.270000e+02 : f32, lambda = 1.200000e+01 : f32}
  %adc = analog.adc %out bound(%beta over (t), %at over (t)) gradient straight_through {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x?x256xf32>
  // CHECK: analog.accumulate %{{.*}} : (tensor<2x?x256xf32>) -> tensor<?x256xf32>
  %y0 = analog.accumulate %adc : (tensor<2x?x256xf32>) -> tensor<?x256xf32>
  // CHECK: analog.accumulate %{{.*}} bias(%{{.*}}) : (tensor<2x?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
  %y = analog.accumulate %adc bias(%bias) : (tensor<2x?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @forward(
func.func @forward(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>, %s: f32) -> (tensor<?x?xf32>, tensor<?x?x?xi32>, tensor<?x?xf32>) {
  // CHECK: analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = 64>)
  // CHECK-NEXT: lhs(%{{.*}} over (m, k) : tensor<?x?xf32>)
  // CHECK-NEXT: rhs(%{{.*}} over (n, k) : tensor<?x?xf32>)
  // CHECK-NEXT: params(%{{.*}} : f32)
  // CHECK-NEXT: keys(%{{.*}} : tensor<2xi64>)
  // CHECK-NEXT: stats(absmax(lhs 0) over (t, m), count(rhs 0) over (t))
  // CHECK-NEXT: results(value over (m, n), bits over (t, m, n), stat 0 over (t, m))
  %y, %bits, %a = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%s : f32) keys(%key : tensor<2xi64>)
      stats(absmax(lhs 0) over (t, m), count(rhs 0) over (t)) results(value over (m, n), bits over (t, m, n), stat 0 over (t, m))
    // CHECK: load_lhs {
    load_lhs { ^bb0(%v: f32, %p: f32, %r: f32): analog.yield %v, %r : f32, f32 }
    // CHECK: load_rhs {
    load_rhs { ^bb0(%v: f32, %p: f32, %c: f32):
      // CHECK: analog.normal key(0) stream(0) : f32
      %n = analog.normal key(0) stream(0) : f32
      // CHECK: analog.uniform key(0) stream(2) : f32
      %u = analog.uniform key(0) stream(2) : f32
      // CHECK: analog.index tile_rows : i32
      %i = analog.index tile_rows : i32
      analog.yield %n : f32 }
    // CHECK: accumulate(0 * 0, 1 * 0)
    accumulate(0 * 0, 1 * 0)
    // CHECK-NEXT: end_tile {
    end_tile { ^bb0(%a0: f32, %a1: f32, %p: f32, %r: f32, %c: f32):
      // CHECK: %[[R:.*]], %[[BIT:.*]] = analog.surrogate(%{{.*}}, %{{.*}}) value {
      %v, %bit = analog.surrogate(%a0, %p) value { ^bb0(%i: f32, %q: f32):
        %o = arith.cmpf ogt, %i, %q : f32
        // CHECK: analog.yield %{{.*}} : f32 bits(%{{.*}})
        analog.yield %i : f32 bits(%o)
      // CHECK: derivative {
      } derivative { ^bb0(%q: f32, %o: i1, %g: f32):
        analog.yield %g : f32
      } : f32, i1
      // CHECK: analog.yield %[[R]] : f32 bits(%[[BIT]])
      analog.yield %v : f32 bits(%bit) }
    // CHECK: finish {
    finish { ^bb0(%t: f32, %p: f32): analog.yield %t : f32 }
    // CHECK: : tensor<?x?xf32>, tensor<?x?x?xi32>, tensor<?x?xf32>
    : tensor<?x?xf32>, tensor<?x?x?xi32>, tensor<?x?xf32>
  return %y, %bits, %a : tensor<?x?xf32>, tensor<?x?x?xi32>, tensor<?x?xf32>
}

// CHECK-LABEL: func.func @gradient(
func.func @gradient(%g: tensor<?x?xf32>, %x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %dw0: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) {
  // CHECK: analog.tiled_mvm contract(m)
  // CHECK: epilogue(%{{.*}} over (n, k) : tensor<?x?xf32>)
  // CHECK-NEXT: init(%{{.*}} : tensor<?x?xf32>)
  // CHECK-NEXT: results(value over (n, k), sum over (t), count over (t))
  // CHECK-NOT: end_tile
  // CHECK: analog.yield %{{.*}} : f32 reduce(%{{.*}}, %{{.*}} : f32, i1)
  // CHECK: tail {
  %dw, %s, %c = analog.tiled_mvm contract(m) tile(t of k : #analog.tiling<balanced, rows = 0>)
      lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%x over (m, k) : tensor<?x?xf32>) epilogue(%w over (n, k) : tensor<?x?xf32>)
      init(%dw0 : tensor<?x?xf32>) results(value over (n, k), sum over (t), count over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%t: f32, %w0: f32):
      %b = arith.cmpf ogt, %t, %w0 : f32
      analog.yield %t : f32 reduce(%w0, %b : f32, i1) }
    tail { ^bb0(%sum: f32, %count: f32): analog.yield %sum, %count : f32, f32 }
    : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
  return %dw, %s, %c : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
}

// What gradients and effects of several accumulators need: operands over t, staged statistics, planes and reductions of
// end_tile, no finish, redraws.
// CHECK-LABEL: func.func @recompute(
func.func @recompute(%x: tensor<?x?xf32>, %d: tensor<?x?xf32>, %w: tensor<?x?xf32>, %g: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>, %chip: tensor<2xi64>)
    -> (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?x?xf32>) {
  // CHECK: lhs(%{{.*}} over (m, k) : tensor<?x?xf32>, %{{.*}} over (t, m) : tensor<?x?xf32>)
  // CHECK-NEXT: rhs(
  // CHECK-NEXT: epilogue(%{{.*}} over (m, n) : tensor<?x?xf32>)
  // CHECK-NEXT: params(%{{.*}} over (t) : tensor<?xf32>)
  // CHECK-NEXT: keys(%{{.*}} : tensor<2xi64>, %{{.*}} : tensor<2xi64>)
  // CHECK-NEXT: stats(absmax(rhs 0) over (t, n), sum(rhs 0) over (t, n) map {
  // CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32):
  // CHECK: results(planes over (t, m, n), tile_sum over (t), tile_count over (t), stat 1 over (t, n))
  %p, %s, %c, %q = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>, %d over (t, m) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      epilogue(%g over (m, n) : tensor<?x?xf32>) params(%beta over (t) : tensor<?xf32>) keys(%key : tensor<2xi64>, %chip : tensor<2xi64>)
      stats(absmax(rhs 0) over (t, n), sum(rhs 0) over (t, n) map { ^bb0(%v: f32, %b: f32, %a: f32):
        %r = arith.divf %v, %a : f32
        analog.yield %r : f32 })
      results(planes over (t, m, n), tile_sum over (t), tile_count over (t), stat 1 over (t, n))
    load_lhs { ^bb0(%v: f32, %u: f32, %b: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %b: f32, %a: f32, %z: f32):
      // CHECK: analog.normal key(1) stream(0) map word : f32
      %n = analog.normal key(1) stream(0) map word : f32
      // CHECK: analog.normal key(0) stream(0) redraw : f32
      %m = analog.normal key(0) stream(0) redraw : f32
      // CHECK: analog.uniform key(0) stream(1) redraw : f32
      %u = analog.uniform key(0) stream(1) redraw : f32
      analog.yield %n : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%acc: f32, %gy: f32, %b: f32, %a: f32, %z: f32):
      // CHECK: analog.index tile : i32
      %t = analog.index tile : i32
      // CHECK: analog.index row : i32
      %row = analog.index row : i32
      // CHECK: analog.index column : i32
      %column = analog.index column : i32
      %o = arith.cmpf ogt, %acc, %b : f32
      // CHECK: analog.yield %{{.*}} : f32 reduce(%{{.*}}, %{{.*}} : f32, i1)
      analog.yield %gy : f32 reduce(%acc, %o : f32, i1) }
    // CHECK-NOT: finish
    // CHECK: : tensor<?x?x?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?x?xf32>
    : tensor<?x?x?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?x?xf32>
  return %p, %s, %c, %q : tensor<?x?x?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?x?xf32>
}

// A tile of another axis than k, bits as operand, several accumulators of a gradient.
// CHECK-LABEL: func.func @transposed(
func.func @transposed(%g: tensor<?x?xf32>, %b: tensor<?x?x?xi32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<f32>) {
  // CHECK: contract(n) tile(t of m : #analog.tiling<fixed, rows = 8>)
  // CHECK-NEXT: lhs(%{{.*}} over (m, n) : tensor<?x?xf32>, %{{.*}} over (t, m, n) : tensor<?x?x?xi32>)
  // CHECK: results(value over (m, k), sum over ())
  %r, %s = analog.tiled_mvm contract(n) tile(t of m : #analog.tiling<fixed, rows = 8>)
      lhs(%g over (m, n) : tensor<?x?xf32>, %b over (t, m, n) : tensor<?x?x?xi32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, k), sum over ())
    load_lhs { ^bb0(%v: f32, %o: i1): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v, %v : f32, f32 }
    // CHECK: accumulate(0 * 0, 0 * 1)
    accumulate(0 * 0, 0 * 1)
    finish { ^bb0(%s0: f32, %s1: f32): analog.yield %s0 : f32 reduce(%s1 : f32) }
    : tensor<?x?xf32>, tensor<f32>
  return %r, %s : tensor<?x?xf32>, tensor<f32>
}

// Elements, initial value and value of 16 bits.
// CHECK-LABEL: func.func @stored(
// CHECK: lhs(%{{.*}} over (m, k) : tensor<?x8xbf16>)
// CHECK: init(%{{.*}} : tensor<?x6xbf16>)
// CHECK: : tensor<?x6xbf16>
func.func @stored(%x: tensor<?x8xbf16>, %w: tensor<6x8xf32>, %init: tensor<?x6xbf16>) -> tensor<?x6xbf16> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xbf16>) rhs(%w over (n, k) : tensor<6x8xf32>) init(%init : tensor<?x6xbf16>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xbf16>
  return %r : tensor<?x6xbf16>
}
