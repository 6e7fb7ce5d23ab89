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

// The same with a nu that is learned, of each tile or of all: dy = g / (1 + nu |y|)^2, dnu = sum of -g y |y| / (1 + nu |y|)^2.
analog.effect @learned_saturation on tile(%y) params(%nu over (t) learnable) surrogate(own) {
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %result = arith.divf %y, %load : f32
  analog.yield %result : f32
} derivative {
^bb0(%nu: f32, %y: f32, %g: f32):
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %square = arith.mulf %load, %load : f32
  %dy = arith.divf %g, %square : f32
  %area = arith.mulf %y, %absolute : f32
  %product = arith.mulf %dy, %area : f32
  %summand = arith.negf %product : f32
  analog.yield %dy : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %nu: f32):
  analog.yield %sum : f32
}

func.func @per_tile(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %nu: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %amplified = analog.apply @learned_saturation %planes params(%nu over (t)) : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @of_all(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %nu: tensor<f32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %amplified = analog.apply @learned_saturation %planes params(%nu) : (tensor<?x?x?xf32>, tensor<f32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
