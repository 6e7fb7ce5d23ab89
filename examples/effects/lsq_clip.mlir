// Weights are clipped to [-low, high], two learned bounds of each column of a crossbar tile. Their gradients are those of
// LSQ (S. K. Esser et al., 2020): the sums of the gradients of the weights beyond, over the root of the number of weights,
// so that a bound, which all of these move, learns as fast as they do.
analog.effect @lsq_clip on weight(%w) params(%low over (t, n) learnable, %high over (t, n) learnable) surrogate(own) {
  %bottom = arith.negf %low : f32
  %above = arith.maximumf %w, %bottom : f32
  %clipped = arith.minimumf %above, %high : f32
  analog.yield %clipped : f32
} derivative {
^bb0(%low: f32, %high: f32, %w: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %bottom = arith.negf %low : f32
  %below = arith.cmpf olt, %w, %bottom : f32
  %beyond = arith.cmpf ogt, %w, %high : f32
  %inside = arith.select %below, %zero, %g : f32
  %dw = arith.select %beyond, %zero, %inside : f32
  %negative = arith.negf %g : f32
  %dlow = arith.select %below, %negative, %zero : f32
  %dhigh = arith.select %beyond, %g, %zero : f32
  %one = arith.constant true
  analog.yield %dw : f32 reduce(%dlow, %dhigh, %one : f32, f32, i1)
} tail {
^bb0(%dlow: f32, %dhigh: f32, %rows: f32, %low: f32, %high: f32):
  %root = math.sqrt %rows : f32
  %slow = arith.divf %dlow, %root : f32
  %shigh = arith.divf %dhigh, %root : f32
  analog.yield %slow, %shigh : f32, f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %low: tensor<?x?xf32>, %high: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %clipped = analog.apply @lsq_clip %w params(%low over (t, n), %high over (t, n))
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %planes = analog.mvm %x, %clipped : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// One bound of each kind for a whole tile.
func.func @per_tile(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %low: tensor<?xf32>, %high: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %clipped = analog.apply @lsq_clip %w params(%low over (t), %high over (t))
      : (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %planes = analog.mvm %x, %clipped : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
