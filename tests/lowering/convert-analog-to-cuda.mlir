// What the generated text says of a kernel: shape, draws, stores, reductions, statistics, kernels.
// RUN: split-file %s %t
// RUN: mho-opt %t/forward.mlir --convert-analog-to-cuda | FileCheck %s --check-prefix=FORWARD
// RUN: mho-opt %t/gradient.mlir --convert-analog-to-cuda | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-opt %t/storage.mlir --convert-analog-to-cuda | FileCheck %s --check-prefix=STORAGE
// RUN: not mho-opt %t/tiles.mlir --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=TILES
// RUN: not mho-opt %t/elementary.mlir --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=ELEMENTARY
// RUN: not mho-opt %t/two.mlir --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=TWO

// FORWARD:      emitc.include "mho_prelude.cuh"
// FORWARD:      emitc.func @mho_layer_load_rhs_of_row([[L:%.+]]: f32, [[ROW:%[^ ]+]]: !emitc.ptr<f32>
// FORWARD:        emitc.assign [[L]] : f32 to
// FORWARD:      emitc.func @mho_layer_load_rhs([[W:%.+]]: f32, [[N:%.+]]: f32, [[LARGEST:%.+]]: f32, [[TO:%[^ ]+]]: !emitc.ptr<f32>
// FORWARD:        [[FUSED:%.+]] = emitc.call_opaque "mho::fma"([[LARGEST]], [[N]], [[W]])
// FORWARD:        [[ZERO:%.+]] = emitc.literal "0"
// FORWARD:        [[PLACE:%.+]] = emitc.subscript [[TO]]{{\[}}[[ZERO]]
// FORWARD:        emitc.assign [[FUSED]] : f32 to [[PLACE]]
// FORWARD:      emitc.func @mho_layer_end_tile(
// FORWARD:        emitc.cmp gt
// FORWARD:      // @layer, forward: contraction over k, tiles of fixed 100, 1 accumulator(s).
// FORWARD:      mho::Tensor x_;
// FORWARD:      mho::Tensor statistic0, statistic0_parts;
// FORWARD:      static constexpr int kDraws = 1;
// FORWARD:      mho::HalfNormal::eight(noise.keys[0], noise.table, 3u, at, columns, call, out[0]);
// FORWARD:      mho_layer_load_rhs_of_row(mho::load(a.statistic0, p.t, p.n), r);
// FORWARD:      mho_layer_load_rhs(raw.of0.get(which), d[0], r[0], out, nullptr, nullptr);
// FORWARD:      if (which == 0)
// FORWARD:      mho::Statistic::AbsMax
// FORWARD:      extern \22C\22 __global__ void __launch_bounds__(128, 1) mho_layer(const __grid_constant__ mho_layer_Arguments a)
// FORWARD:      mho::forward<mho_layer_Layer>(a, shared);
// FORWARD:      mho::statistic<mho_layer_Layer, mho_layer_Layer::Statistic0, 1>(a, a.statistic0);

// GRADIENT:     // @dx, gradient of the input: contraction over n
// GRADIENT:     static constexpr mho::Axis row_axis = mho::M;
// GRADIENT:     mho::load_word(behind, a.argument_2, p.t, p.m, p.n)
// GRADIENT:     mho::read(a.argument_4, p.m, p.k + behind) +
// GRADIENT:     mho::reduce_blocks<mho_dx_Layer, mho::Keep::Blocks, mho::Keep::Blocks>(a.partials1, scratch + 0
// GRADIENT:     mho::gradient<mho_dx_Layer>(a, shared);
// GRADIENT:     mho_dx_result1(const __grid_constant__ mho_dx_Arguments a)
// GRADIENT:     static_cast<mho::i64 *>(a.result_2.data)[mho::offset(a.result_2, p.t)] = mho::combined<mho_dx_Layer, mho_dx_Layer::Reduction1>(a, a.partials1, p);

// TILES:        not lowered to CUDA: expected tiles of k, got tiles of n
// ELEMENTARY:   not lowered to CUDA: expected analog-expand-elementary to have replaced it by its sequence
// TWO:          not lowered to CUDA: expected @two to be one fused kernel, but

//--- forward.mlir
func.func @layer(%x: tensor<?x?xf32> {analog.name = "x"}, %key: tensor<2xi64>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?x?xi32>) {
  %y, %bits = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = 100>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) keys(%key : tensor<2xi64>)
      stats(absmax(rhs 0) over (t, n)) results(value over (m, n), bits over (t, m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs {
    ^bb0(%v: f32, %largest: f32):
      %n = analog.normal key(0) stream(3) : f32
      %r = math.fma %largest, %n, %v : f32
      analog.yield %r : f32
    }
    accumulate(0 * 0)
    end_tile {
    ^bb0(%a: f32, %largest: f32):
      %bit = arith.cmpf ogt, %a, %largest : f32
      analog.yield %a : f32 bits(%bit)
    }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>, tensor<?x?x?xi32>
  return %y, %bits : tensor<?x?xf32>, tensor<?x?x?xi32>
}

//--- gradient.mlir
func.func @dx(%g: tensor<?x?xf32>, %bits: tensor<?x?x?xi32>, %w: tensor<?x?xf32>, %before: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xi64>) {
  %dx, %count = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 100>)
      lhs(%g over (m, n) : tensor<?x?xf32>, %bits over (t, m, n) : tensor<?x?x?xi32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      init(%before : tensor<?x?xf32>) results(value over (m, k), count over (t))
    load_lhs { ^bb0(%v: f32, %bit: i1): %zero = arith.constant 0.0 : f32  %r = arith.select %bit, %zero, %v : f32  analog.yield %r : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): %zero = arith.constant 0.0 : f32  %b = arith.cmpf ogt, %s, %zero : f32  analog.yield %s : f32 reduce(%b : i1) }
    : tensor<?x?xf32>, tensor<?xi64>
  return %dx, %count : tensor<?x?xf32>, tensor<?xi64>
}

//--- tiles.mlir
func.func @tiles(%g: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %dx = analog.tiled_mvm contract(k) tile(t of n : #analog.tiling<balanced, rows = 100>)
      lhs(%g over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %dx : tensor<?x?xf32>
}

//--- elementary.mlir
func.func @elementary(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 100>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): %r = math.exp %v : f32  analog.yield %r : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- two.mlir
func.func @two(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 100>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  %z = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 100>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}

// Elements of 16 bits are floats as soon as they are loaded, and until they are stored.
//--- storage.mlir
// STORAGE: struct Lhs {
// STORAGE: raw.of0 = mho::load_pair<mho::kHalf>(behind, a.argument_, p.m, p.k);
// STORAGE: raw.of0 = mho::load_pair<mho::kBFloat>(behind, a.argument_2, p.n, p.k);
// STORAGE: void store_value(
// STORAGE: mho::store<mho::kHalf>(a.result_, mho::read<mho::kHalf>(a.argument_3, p.m, p.n + behind) + value, p.m, p.n + behind);
// STORAGE: mho::store_pair<mho::kHalf>(behind, a.result_, mho::read<mho::kHalf>(a.argument_3, p.m, p.n + behind) + first, mho::read<mho::kHalf>(a.argument_3, p.m, p.n + behind + 1) + second, p.m, p.n);
func.func @storage(%x: tensor<?x?xf16>, %w: tensor<?x?xbf16>, %init: tensor<?x?xf16>) -> tensor<?x?xf16> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 100>)
      lhs(%x over (m, k) : tensor<?x?xf16>) rhs(%w over (n, k) : tensor<?x?xbf16>) init(%init : tensor<?x?xf16>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf16>
  return %y : tensor<?x?xf16>
}
