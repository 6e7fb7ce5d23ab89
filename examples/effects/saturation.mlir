// An amplifier that saturates: y / (1 + nu |y|) of each tile's accumulator.
analog.effect @saturation on tile(%y) strengths(%nu = 0.125) surrogate(derived) {
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %result = arith.divf %y, %load : f32
  analog.yield %result : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %amplified = analog.apply @saturation %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
