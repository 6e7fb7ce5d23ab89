// Unsigned inputs on an array of signed ones: the codes 0 .. 15 of x - z are shifted by 8, so that the ADC sees sums
// around 0; what that takes from each tile's sum, (8 + z / step) times the sum of its weights, is added digitally behind
// the ADC. Exact where the ADC is. The correction has a gradient of its own, so that dW contracts with the code as it was
// before the shift, and with the shift alone where the ADC clips. z is given, not learned.
analog.effect @shifted_code on input(%x) params(%step over (t)) strengths(%levels = 15.0, %shift = 8.0, %z = 0.0)
    surrogate(own) {
  %zero = arith.constant 0.0 : f32
  %from_z = arith.subf %x, %z : f32
  %scaled = arith.divf %from_z, %step : f32
  %above = arith.maximumf %scaled, %zero : f32
  %clipped = arith.minimumf %above, %levels : f32
  %code = math.roundeven %clipped : f32
  %shifted = arith.subf %code, %shift : f32
  analog.yield %shifted : f32
} derivative {
^bb0(%step: f32, %levels: f32, %shift: f32, %z: f32, %x: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %from_z = arith.subf %x, %z : f32
  %scaled = arith.divf %from_z, %step : f32
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

// The sum of the weights is that of the weights that analog.mvm takes.
analog.effect @unshift on tile(%y) accumulators(%sum = one * w) params(%step over (t))
    strengths(%shift = 8.0, %z = 0.0) surrogate(derived) {
  %zero_point = arith.divf %z, %step : f32
  %offset = arith.addf %shift, %zero_point : f32
  %result = math.fma %offset, %sum, %y : f32
  analog.yield %result : f32
} inputs(%x) yields(one) {
  %one = arith.constant 1.0 : f32
  analog.yield %one : f32
} weights(%w)

analog.effect @in_steps on tile(%y) params(%step over (t)) surrogate(derived) {
  %result = arith.mulf %y, %step : f32
  analog.yield %result : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %step: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %code = analog.apply @shifted_code %x params(%step over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %quantized = analog.quantize_weight %w scale(%largest over (t, n)) {half_levels = 7.0 : f32}
      : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %quantized : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %digital = analog.apply @floor_adc %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %corrected = analog.apply @unshift %digital params(%step over (t))
      : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %scaled = analog.apply @in_steps %corrected params(%step over (t))
      : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %scaled : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// The array's weights are noisy, those of the digital correction are not: noise of an effect on the weight would be in
// both, so that it is drawn in a factor of the tile's sum instead. Gradients are of the weights without it.
analog.effect @programmed on tile(%y) accumulators(%array = x * held) params(%a over (t, n)) strengths(%sigma = 0.05)
    surrogate(straight_through) {
  analog.yield %array : f32
} inputs(%x) weights(%w) yields(held) {
  %n = analog.normal : f32
  %scale = arith.mulf %sigma, %a : f32
  %held = math.fma %scale, %n, %w : f32
  analog.yield %held : f32
}

func.func @programmed_layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %step: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %code = analog.apply @shifted_code %x params(%step over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %quantized = analog.quantize_weight %w scale(%largest over (t, n)) {half_levels = 7.0 : f32}
      : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %quantized : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %sums = analog.apply @programmed %planes params(%largest over (t, n)) key(%key)
      : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %digital = analog.apply @floor_adc %sums : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %corrected = analog.apply @unshift %digital params(%step over (t))
      : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %scaled = analog.apply @in_steps %corrected params(%step over (t))
      : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %scaled : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
