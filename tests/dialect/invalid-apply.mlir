// Uses of effects that are text. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

analog.effect @e on input(%x) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c1(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type 'tensor<4x8xf32>', got 'tensor<4x9xf32>'}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x9xf32>
  return
}

// -----

analog.effect @e on input(%x) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c2(%x: tensor<4x8xf32>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

analog.effect @e on input(%x) params(%a over (t)) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c3(%x: tensor<4x8xf32>, %a: tensor<3xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a scale over (t) to have 2 elements along t, got 3}}
  %r = analog.apply @e %x params(%a over (t)) : (tensor<4x8xf32>, tensor<3xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @apply_c4(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @nowhere to be an analog.effect of the module}}
  %r = analog.apply @nowhere %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on tile(%x) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c5(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @e, an effect on the tile, to map a tensor of rank 3, got rank 2}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on weight(%x) surrogate(derived) { analog.yield %x : f32 }
analog.effect @f on input(%x) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c5(%x: tensor<4x8xf32>, %w: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @e, an effect on the weight, to map that of analog.mvm, got its input}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = analog.apply @f %r : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %a = analog.mvm %s, %w : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<2x4x4xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on input(%x) params(%a over (t)) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c6(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected 1 parameters of @e, got 0}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @+2 {{parameter 'a' is declared here}}
analog.effect @e on input(%x)
    params(%a over (t)) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c6(%x: tensor<4x8xf32>, %a: tensor<2x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected parameter 'a' over axes among (t), got (t, m)}}
  %r = analog.apply @e %x params(%a over (t, m)) : (tensor<4x8xf32>, tensor<2x4xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{parameter 'b' is declared here}}
analog.effect @e on weight(%w) params(%a over (t, n) learnable, %b over (t, n) learnable) surrogate(own) { analog.yield %w : f32 } derivative {
^bb0(%a: f32, %b: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g, %g : f32, f32)
} tail { ^bb0(%s: f32, %u: f32, %a: f32, %b: f32): analog.yield %s, %u : f32, f32 }
func.func @apply_c11(%w: tensor<4x8xf32>, %a: tensor<2x4xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the learnable parameters, whose gradients one tail makes, over the same axes, got (t, n) and (t)}}
  %r = analog.apply @e %w params(%a over (t, n), %b over (t)) : (tensor<4x8xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on input(%x) strengths(%s = 1.0, %p = 2.0) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c7(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected strengths of @e ('s', 'p'), got 'sigma'}}
  %r = analog.apply @e %x strengths {sigma = 1.0 : f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

analog.effect @e on input(%x) strengths(%s = 1.0) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c7(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected strength 's' to be a finite f32, got 1 : i64}}
  %r = analog.apply @e %x strengths {s = 1} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
func.func @apply_c8(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a key exactly where the effect draws, got none for 1 draws}}
  %r = analog.apply @e %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on input(%x) surrogate(derived) { analog.yield %x : f32 }
func.func @apply_c8(%x: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected 'redraw' only where the effect draws}}
  %r = analog.apply @e %x redraw : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
func.func @apply_c9(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a stream for each of 1 draws, got 2}}
  %r = analog.apply @e %x key(%key) streams [64, 65] : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
func.func @apply_c9(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected streams from 64 to 255, got 3}}
  %r = analog.apply @e %x key(%key) streams [3] : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 %u = analog.uniform : f32 analog.yield %n : f32 }
func.func @apply_c9(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected streams that differ, got 64 twice}}
  %r = analog.apply @e %x key(%key) streams [64, 64] : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

// The same effect twice.
analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
func.func @apply_c10(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-note @below {{the stream is drawn from here}}
  %r = analog.apply @e %x key(%key) : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  // expected-error @below {{expected a stream of its own, got 96; streams [...] gives this use streams of its own, 'redraw' repeats those}}
  %s = analog.apply @e %r key(%key) : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

// A redraw repeats what is of its kind.
analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
analog.effect @f on input(%x) surrogate(derived) { %n = analog.uniform : f32 analog.yield %n : f32 }
func.func @apply_c10(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %r = analog.apply @e %x key(%key) streams [70] : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  // expected-error @below {{expected a redraw to repeat a draw of its kind before it, got stream 70, from which another kind is drawn}}
  %s = analog.apply @f %r key(%key) streams [70] redraw : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

// Two effects of different names, of which one draws twice, meet in a stream; and a built-in effect meets one.
analog.effect @e on input(%x) surrogate(derived) { %n = analog.normal : f32 analog.yield %n : f32 }
func.func @apply_c10(%x: tensor<4x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-note @below {{the stream is drawn from here}}
  %r = analog.inject_noise %x scale() key(%key, stream = 96) {sigma = 0.5 : f32} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  // expected-error @below {{expected a stream of its own, got 96}}
  %s = analog.apply @e %r key(%key) : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @e on tile(%y) accumulators(%q = x * w) surrogate(straight_through) { analog.yield %q : f32 } inputs(%x) weights(%w)
func.func @apply_c12(%planes: tensor<2x4x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @e, which has further accumulators, to map planes of an analog.mvm of the function, behind other effects}}
  %r = analog.apply @e %planes : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

// expected-note @below {{parameter 'a' is declared here}}
analog.effect @e on weight(%w) params(%a over (t, n), %c over (t) learnable) surrogate(own) { analog.yield %w : f32 } derivative {
^bb0(%a: f32, %c: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%s: f32, %a: f32, %c: f32):
  %r = arith.mulf %s, %a : f32
  analog.yield %r : f32
}
func.func @apply_c13(%w: tensor<4x8xf32>, %a: tensor<2x4xf32>, %c: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected parameter 'a', which the tail reads, over axes among those of the learnable ones, (t), got (t, n)}}
  %r = analog.apply @e %w params(%a over (t, n), %c over (t)) : (tensor<4x8xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  return
}

// -----

// An effect on the weight, of both factors of one mvm.
// expected-note @below {{the effect is defined here}}
analog.effect @e on weight(%w) surrogate(derived) { analog.yield %w : f32 }
func.func @apply_c5(%w: tensor<4x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @e, an effect on the weight, to map that of analog.mvm, got its input}}
  %r = analog.apply @e %w : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %p = analog.mvm %r, %r : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<2x4x4xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @two on tile(%y) surrogate(straight_through) { analog.yield %y, %y : f32, f32 }
func.func @apply_c14(%p: tensor<2x4x4xf32>) {
  // expected-error @below {{expected 2 results of @two, got 1}}
  %r = analog.apply @two %p : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

analog.effect @two on tile(%y) surrogate(straight_through) { analog.yield %y, %y : f32, f32 }
func.func @apply_c1(%p: tensor<2x4x4xf32>) {
  // expected-error @below {{expected all results to have the input's type 'tensor<2x4x4xf32>', got 'tensor<3x4x4xf32>'}}
  %r:2 = analog.apply @two %p : (tensor<2x4x4xf32>) -> (tensor<2x4x4xf32>, tensor<3x4x4xf32>)
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @vote on output(%y) sums(%c) surrogate(straight_through) { analog.yield %y : f32 }
func.func @apply_c15(%p: tensor<2x4x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %s = analog.accumulate %p : (tensor<2x4x4xf32>) -> tensor<4x4xf32>
  // expected-error @below {{expected 1 sums of @vote, got 0}}
  %r = analog.apply @vote %s : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @vote on output(%y) sums(%c) surrogate(straight_through) { analog.yield %y : f32 }
func.func @apply_c15(%p: tensor<2x4x4xf32>, %other: tensor<4x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %s = analog.accumulate %p : (tensor<2x4x4xf32>) -> tensor<4x4xf32>
  // expected-error @below {{expected the sums of @vote to be results of analog.accumulate without a bias, of its input's type}}
  %r = analog.apply @vote %s sums(%other) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @gain on output(%y) surrogate(derived) { analog.yield %y : f32 }
func.func @apply_c15(%x: tensor<4x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected @gain, an effect on the output, to map the result of an analog.accumulate, behind other effects}}
  %r = analog.apply @gain %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// expected-note @below {{the effect is defined here}}
analog.effect @gain on output(%y) surrogate(derived) { analog.yield %y : f32 }
func.func @apply_c16(%p: tensor<2x4x4xf32>, %b: tensor<4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %s = analog.accumulate %p bias(%b) : (tensor<2x4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  // expected-error @below {{expected @gain, an effect on the output without surrogate(straight_through), to map a sum without a bias, whose gradient is that of the output}}
  %r = analog.apply @gain %s : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}
