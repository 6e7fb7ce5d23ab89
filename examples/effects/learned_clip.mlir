// Inputs are clipped at a learned bound of each tile, without rounding. Its gradient is the sum of those of the inputs
// beyond it, with their sign.
analog.effect @learned_clip on input(%x) params(%bound over (t) learnable) surrogate(own) {
  %low = arith.negf %bound : f32
  %above = arith.maximumf %x, %low : f32
  %clipped = arith.minimumf %above, %bound : f32
  analog.yield %clipped : f32
} derivative {
^bb0(%bound: f32, %x: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %x : f32
  %beyond = arith.cmpf ogt, %absolute, %bound : f32
  %dx = arith.select %beyond, %zero, %g : f32
  %sign = math.copysign %one, %x : f32
  %signed = arith.mulf %g, %sign : f32
  %summand = arith.select %beyond, %signed, %zero : f32
  analog.yield %dx : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %bound: f32):
  analog.yield %sum : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %bound: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %clipped = analog.apply @learned_clip %x params(%bound over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %planes = analog.mvm %clipped, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
