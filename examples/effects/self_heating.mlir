// Self-heating of a crossbar: what its cells conduct grows with the power that they turn into heat, y' = y (1 + c * sum
// |w| x^2). The heat is an accumulator of its own, and `derived` takes the gradient through it too.
analog.effect @self_heating on tile(%y) accumulators(%heat = square * conductance) strengths(%c = 0.001)
    surrogate(derived) {
  %one = arith.constant 1.0 : f32
  %gain = math.fma %c, %heat, %one : f32
  %result = arith.mulf %y, %gain : f32
  analog.yield %result : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w) yields(conductance) {
  %conductance = math.absf %w : f32
  analog.yield %conductance : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %heated = analog.apply @self_heating %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %heated : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
