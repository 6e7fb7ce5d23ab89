// Unsigned inputs on an array of signed ones: the codes 0 .. 15 are shifted by 8, so that the ADC sees sums around 0,
// and what the shift takes from each sum, 8 times the sum of the tile's weights, is added digitally behind the ADC.
// The sum of the weights is that of the weights as the array holds them. Exact where the ADC is.
analog.effect @shifted_code on input(%x) params(%step over (t)) strengths(%levels = 15.0, %shift = 8.0) surrogate(own) {
  %zero = arith.constant 0.0 : f32
  %scaled = arith.divf %x, %step : f32
  %above = arith.maximumf %scaled, %zero : f32
  %clipped = arith.minimumf %above, %levels : f32
  %code = math.roundeven %clipped : f32
  %shifted = arith.subf %code, %shift : f32
  analog.yield %shifted : f32
} derivative {
^bb0(%step: f32, %levels: f32, %shift: f32, %x: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %scaled = arith.divf %x, %step : f32
  %above = arith.maximumf %scaled, %zero : f32
  %clipped = arith.minimumf %above, %levels : f32
  %inside = arith.cmpf oeq, %clipped, %scaled : f32
  %slope = arith.divf %g, %step : f32
  %dx = arith.select %inside, %slope, %zero : f32
  analog.yield %dx : f32
}

// The ADC takes the step below, without an offset of half a step; its gradient is that of what it does not clip.
analog.effect @floor_adc on tile(%y) strengths(%step = 16.0, %low = -128.0, %high = 127.0) surrogate(masked) {
  %scaled = arith.divf %y, %step : f32
  %above = arith.maximumf %scaled, %low : f32
  %clipped = arith.minimumf %above, %high : f32
  %beyond = arith.cmpf one, %clipped, %scaled : f32
  %code = math.floor %clipped : f32
  %result = arith.mulf %code, %step : f32
  analog.yield %result : f32 bits(%beyond)
}

analog.effect @unshift on tile(%y) accumulators(%sum = one * w) strengths(%shift = 8.0) surrogate(straight_through) {
  %result = math.fma %shift, %sum, %y : f32
  analog.yield %result : f32
} inputs(%x) yields(one) {
  %one = arith.constant 1.0 : f32
  analog.yield %one : f32
} weights(%w)

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %step: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %code = analog.apply @shifted_code %x params(%step over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %quantized = analog.quantize_weight %w scale(%largest over (t, n)) {half_levels = 7.0 : f32}
      : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %quantized : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %digital = analog.apply @floor_adc %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %corrected = analog.apply @unshift %digital : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %scaled = analog.rescale %corrected range(%step over (t)) {half_levels = 1.0 : f32}
      : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %scaled : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
