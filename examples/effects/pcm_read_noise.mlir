// Short-term read noise of phase-change memory: the current of every cell fluctuates by itself, the more the larger
// its conductance and its input, so that the variance of a tile's sum is another sum over the tile: y' = y + s *
// sqrt(A * sum |w| x^2) * n, where A is the largest |w| of a column of a tile. In codes of the DAC or in units of the
// input, it is the same.
analog.effect @pcm_read_noise on tile(%y)
    accumulators(%power = square * magnitude)
    params(%a over (t, n)) strengths(%s = 0.0175) surrogate(straight_through) {
  %variance = arith.mulf %a, %power : f32
  %deviation = math.sqrt %variance : f32
  %sigma = arith.mulf %s, %deviation : f32
  %n = analog.normal : f32
  %noisy = math.fma %sigma, %n, %y : f32
  analog.yield %noisy : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w) yields(magnitude) {
  %magnitude = math.absf %w : f32
  analog.yield %magnitude : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %noisy = analog.apply @pcm_read_noise %planes params(%largest over (t, n)) key(%key)
      : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %amplified = analog.rescale %noisy range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
