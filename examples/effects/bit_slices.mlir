// Bit-sliced weights: cells of four levels hold two bits of the code of a weight each, every slice of columns has an
// ADC of its own, and the digital side shifts and adds: y' = A / levels * sum 4^i adc(sum x slice_i). Signs are those
// of a pair of columns. The analog sum of the whole weights is not used, and the kernel does not compute it; the
// gradient is that of the whole weights.
analog.effect @bit_slices on tile(%y)
    accumulators(%q0 = x * slice0, %q1 = x * slice1, %q2 = x * slice2, %q3 = x * slice3)
    params(%a over (t, n)) strengths(%levels = 127.0, %step = 64.0, %top = 255.0) surrogate(straight_through) {
  %bottom = arith.negf %top : f32
  %four = arith.constant 4.0 : f32
  %ratio0 = arith.divf %q0, %step : f32
  %rounded0 = math.roundeven %ratio0 : f32
  %below0 = arith.minimumf %rounded0, %top : f32
  %code0 = arith.maximumf %below0, %bottom : f32
  %ratio1 = arith.divf %q1, %step : f32
  %rounded1 = math.roundeven %ratio1 : f32
  %below1 = arith.minimumf %rounded1, %top : f32
  %code1 = arith.maximumf %below1, %bottom : f32
  %ratio2 = arith.divf %q2, %step : f32
  %rounded2 = math.roundeven %ratio2 : f32
  %below2 = arith.minimumf %rounded2, %top : f32
  %code2 = arith.maximumf %below2, %bottom : f32
  %ratio3 = arith.divf %q3, %step : f32
  %rounded3 = math.roundeven %ratio3 : f32
  %below3 = arith.minimumf %rounded3, %top : f32
  %code3 = arith.maximumf %below3, %bottom : f32
  %sum2 = math.fma %four, %code3, %code2 : f32
  %sum1 = math.fma %four, %sum2, %code1 : f32
  %sum0 = math.fma %four, %sum1, %code0 : f32
  %product = arith.mulf %sum0, %step : f32
  %unit = arith.divf %a, %levels : f32
  %result = arith.mulf %product, %unit : f32
  analog.yield %result : f32
} inputs(%x) weights(%w) yields(slice0, slice1, slice2, slice3) {
  %tiny = arith.constant 1.0e-30 : f32
  %three = arith.constant 3 : i32
  %range = arith.maximumf %a, %tiny : f32
  %scale = arith.divf %levels, %range : f32
  %scaled = arith.mulf %w, %scale : f32
  %code = math.roundeven %scaled : f32
  %absolute = math.absf %code : f32
  %bits = arith.fptosi %absolute : f32 to i32
  %places0 = arith.constant 0 : i32
  %shifted0 = arith.shrui %bits, %places0 : i32
  %cell0 = arith.andi %shifted0, %three : i32
  %level0 = arith.sitofp %cell0 : i32 to f32
  %slice0 = math.copysign %level0, %code : f32
  %places1 = arith.constant 2 : i32
  %shifted1 = arith.shrui %bits, %places1 : i32
  %cell1 = arith.andi %shifted1, %three : i32
  %level1 = arith.sitofp %cell1 : i32 to f32
  %slice1 = math.copysign %level1, %code : f32
  %places2 = arith.constant 4 : i32
  %shifted2 = arith.shrui %bits, %places2 : i32
  %cell2 = arith.andi %shifted2, %three : i32
  %level2 = arith.sitofp %cell2 : i32 to f32
  %slice2 = math.copysign %level2, %code : f32
  %places3 = arith.constant 6 : i32
  %shifted3 = arith.shrui %bits, %places3 : i32
  %cell3 = arith.andi %shifted3, %three : i32
  %level3 = arith.sitofp %cell3 : i32 to f32
  %slice3 = math.copysign %level3, %code : f32
  analog.yield %slice0, %slice1, %slice2, %slice3 : f32, f32, f32, f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %quantized = analog.quantize_weight %w scale(%largest over (t, n)) {half_levels = 127.0 : f32}
      : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %quantized : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %sliced = analog.apply @bit_slices %planes params(%largest over (t, n))
      : (tensor<?x?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %amplified = analog.rescale %sliced range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
