// What cannot be differentiated is refused at the line of the effect that is to blame.
// RUN: mho-opt %s -split-input-file -verify-diagnostics --analog-fuse=save-for-backward=true --analog-differentiate

// Numbers made of an accumulator's bits.
analog.effect @packed on tile(%y) surrogate(derived) {
  %raw = arith.bitcast %y : f32 to i32
  %next = arith.addi %raw, %raw : i32
  // expected-error @below {{has no derivative: it makes a number of the bits of a differentiated value; wrap it in analog.surrogate}}
  %r = arith.bitcast %next : i32 to f32
  analog.yield %r : f32
}
func.func @bits(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y0 = analog.apply @packed %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// One tensor, over tiles and over channels: its gradients are not of one shape.
// expected-error @below {{not differentiated: expected a parameter that is used twice to be over the same axes, got (n) and (t)}}
analog.effect @per_tile on weight(%w) params(%o over (t) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
analog.effect @per_channel on weight(%w) params(%o over (n) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
func.func @learnable(%x: tensor<?x8xf32>, %w: tensor<2x8xf32>, %p: tensor<2xf32>) -> tensor<?x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %w0 = analog.apply @per_tile %w params(%p over (t)) : (tensor<2x8xf32>, tensor<2xf32>) -> tensor<2x8xf32>
  %w1 = analog.apply @per_channel %w0 params(%p over (n)) : (tensor<2x8xf32>, tensor<2xf32>) -> tensor<2x8xf32>
  %acc = analog.mvm %x, %w1 : tensor<?x8xf32>, tensor<2x8xf32> -> tensor<2x?x2xf32>
  %y = analog.accumulate %acc : (tensor<2x?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Backward knows no sum over the tiles.
analog.effect @power on output(%y) surrogate(derived) {
  // expected-error @below {{the derivative of 'arith.mulf' needs the sum over the tiles, which is not kept for backward; an effect on the tile has its accumulators computed again, and surrogate(straight_through) needs none}}
  %r = arith.mulf %y, %y : f32
  analog.yield %r : f32
}
func.func @squared(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %sum = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  %y = analog.apply @power %sum : (tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// A sum of the planes themselves, which is that of the element again, and none of a further value.
analog.effect @vote on output(%y) sums(%c) surrogate(straight_through) { analog.yield %y : f32 }
func.func @other_sums(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %sum = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  // expected-error @below {{not fused: expected its sums to be those of further results of effects on the planes of the same layer}}
  %y = analog.apply @vote %sum sums(%sum) : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

analog.effect @two on tile(%y) surrogate(straight_through) { analog.yield %y, %y : f32, f32 }
func.func @second_alone(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %p:2 = analog.apply @two %acc : (tensor<2x?x6xf32>) -> (tensor<2x?x6xf32>, tensor<2x?x6xf32>)
  // expected-error @below {{not fused: expected the first result of an effect, got number 2 of 'analog.apply': further results are summed over the tiles as they are}}
  %y = analog.accumulate %p#1 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

analog.effect @two on tile(%y) surrogate(straight_through) { analog.yield %y, %y : f32, f32 }
analog.effect @one on tile(%y) surrogate(straight_through) { analog.yield %y : f32 }
func.func @second_behind_another(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %p:2 = analog.apply @two %acc : (tensor<2x?x6xf32>) -> (tensor<2x?x6xf32>, tensor<2x?x6xf32>)
  %q = analog.apply @one %p#1 : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  // expected-error @below {{not fused: expected the first result of an effect, got number 2 of 'analog.apply'}}
  %y = analog.accumulate %q : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// In a gradient the element is a tile's, of which another number would be drawn.
analog.effect @gain on output(%y) surrogate(derived) {
  // expected-error @below {{not differentiated: the derivative needs this number, which is drawn for an output and not kept for backward; draw it in an effect on the tile, or take surrogate(straight_through)}}
  %n = analog.normal : f32
  %r = arith.mulf %y, %n : f32
  analog.yield %r : f32
}
func.func @drawn(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %sum = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  %y = analog.apply @gain %sum key(%key) : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
