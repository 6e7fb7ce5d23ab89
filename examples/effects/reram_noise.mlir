// Programming noise of a ReRAM cell, one second after programming: w' = w + s * A * p(|w| / A) * n, where the largest
// |w| of a column of a tile, A, is the largest conductance and p a polynomial that was fitted to measured cells.
analog.effect @reram_noise on weight(%w) params(%a over (t, n)) strengths(%s = 1.0) surrogate(straight_through) {
  %c0 = arith.constant 0.0087 : f32
  %c1 = arith.constant 0.40075 : f32
  %c2 = arith.constant -1.096325 : f32
  %c3 = arith.constant 1.134825 : f32
  %c4 = arith.constant -0.420375 : f32
  %absolute = math.absf %w : f32
  %level = arith.divf %absolute, %a : f32
  %p3 = math.fma %c4, %level, %c3 : f32
  %p2 = math.fma %p3, %level, %c2 : f32
  %p1 = math.fma %p2, %level, %c1 : f32
  %p0 = math.fma %p1, %level, %c0 : f32
  %scale = arith.mulf %s, %a : f32
  %sigma = arith.mulf %scale, %p0 : f32
  %n = analog.normal : f32
  %noisy = math.fma %sigma, %n, %w : f32
  analog.yield %noisy : f32
}

// A layer on crossbar tiles of 64 rows.
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %noisy = analog.apply @reram_noise %w params(%largest over (t, n)) key(%key)
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %planes = analog.mvm %x, %noisy : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %planes : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
