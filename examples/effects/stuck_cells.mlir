// Stuck ReRAM cells, and three copies of the most significant plane that outvote them. A weight is a sign and seven
// bits, each bit a cell in an array of the positive and one in an array of the negative weights; the top plane stands
// there three times, flipped, as most cells hold 0 and stuck cells mostly conduct. A cell's fault is drawn from the
// key of the chip, not of the step: u < rate * share never conducts, u < rate always does. Without faults, the ones
// of the two flipped arrays cancel: y' = 64 * median over j of (sum over t of A / 127 * sum x copy_j) + (sum over t of
// A / 127 * sum x lower), copy_j = (1 - negative) - (1 - positive). Every copy is summed over the tiles by itself, with
// an ADC of its own for each tile; @vote takes the median of the sums.
analog.effect @stuck_cells on tile(%y)
    accumulators(%c0 = x * copy0, %c1 = x * copy1, %c2 = x * copy2, %rest = x * lower)
    params(%a over (t, n)) strengths(%rate = 0.005, %share = 0.162187, %step = 1.0, %most = 32767.0)
    surrogate(straight_through) {
  %levels = arith.constant 127.0 : f32
  %unit = arith.divf %a, %levels : f32
  %least = arith.negf %most : f32
  %u0 = arith.divf %c0, %step : f32
  %r0 = math.roundeven %u0 : f32
  %m0 = arith.maximumf %r0, %least : f32
  %k0 = arith.minimumf %m0, %most : f32
  %s0 = arith.mulf %k0, %step : f32
  %u1 = arith.divf %c1, %step : f32
  %r1 = math.roundeven %u1 : f32
  %m1 = arith.maximumf %r1, %least : f32
  %k1 = arith.minimumf %m1, %most : f32
  %s1 = arith.mulf %k1, %step : f32
  %u2 = arith.divf %c2, %step : f32
  %r2 = math.roundeven %u2 : f32
  %m2 = arith.maximumf %r2, %least : f32
  %k2 = arith.minimumf %m2, %most : f32
  %s2 = arith.mulf %k2, %step : f32
  %v0 = arith.mulf %s0, %unit : f32
  %v1 = arith.mulf %s1, %unit : f32
  %v2 = arith.mulf %s2, %unit : f32
  %lower = arith.mulf %rest, %unit : f32
  analog.yield %lower, %v0, %v1, %v2 : f32, f32, f32, f32
} inputs(%x) weights(%w) yields(copy0, copy1, copy2, lower) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %sixty_four = arith.constant 64.0 : f32
  %levels = arith.constant 127.0 : f32
  %tiny = arith.constant 1.0e-30 : f32
  %open = arith.mulf %rate, %share : f32
  %range = arith.maximumf %a, %tiny : f32
  %scale = arith.divf %levels, %range : f32
  %absolute = math.absf %w : f32
  %scaled = arith.mulf %absolute, %scale : f32
  %rounded = math.roundeven %scaled : f32
  %code = arith.minimumf %rounded, %levels : f32
  %top = arith.cmpf oge, %code, %sixty_four : f32
  %less = arith.subf %code, %sixty_four : f32
  %magnitude = arith.select %top, %less, %code : f32
  %lower = math.copysign %magnitude, %w : f32
  %is_positive = arith.cmpf ogt, %w, %zero : f32
  %is_negative = arith.cmpf olt, %w, %zero : f32
  %top_positive = arith.andi %top, %is_positive : i1
  %top_negative = arith.andi %top, %is_negative : i1
  %positive = arith.select %top_positive, %zero, %one : f32
  %negative = arith.select %top_negative, %zero, %one : f32
  %u0p = analog.uniform : f32
  %open0p = arith.cmpf olt, %u0p, %open : f32
  %stuck0p = arith.cmpf olt, %u0p, %rate : f32
  %closed0p = arith.select %stuck0p, %one, %positive : f32
  %cell0p = arith.select %open0p, %zero, %closed0p : f32
  %u0n = analog.uniform : f32
  %open0n = arith.cmpf olt, %u0n, %open : f32
  %stuck0n = arith.cmpf olt, %u0n, %rate : f32
  %closed0n = arith.select %stuck0n, %one, %negative : f32
  %cell0n = arith.select %open0n, %zero, %closed0n : f32
  %copy0 = arith.subf %cell0n, %cell0p : f32
  %u1p = analog.uniform : f32
  %open1p = arith.cmpf olt, %u1p, %open : f32
  %stuck1p = arith.cmpf olt, %u1p, %rate : f32
  %closed1p = arith.select %stuck1p, %one, %positive : f32
  %cell1p = arith.select %open1p, %zero, %closed1p : f32
  %u1n = analog.uniform : f32
  %open1n = arith.cmpf olt, %u1n, %open : f32
  %stuck1n = arith.cmpf olt, %u1n, %rate : f32
  %closed1n = arith.select %stuck1n, %one, %negative : f32
  %cell1n = arith.select %open1n, %zero, %closed1n : f32
  %copy1 = arith.subf %cell1n, %cell1p : f32
  %u2p = analog.uniform : f32
  %open2p = arith.cmpf olt, %u2p, %open : f32
  %stuck2p = arith.cmpf olt, %u2p, %rate : f32
  %closed2p = arith.select %stuck2p, %one, %positive : f32
  %cell2p = arith.select %open2p, %zero, %closed2p : f32
  %u2n = analog.uniform : f32
  %open2n = arith.cmpf olt, %u2n, %open : f32
  %stuck2n = arith.cmpf olt, %u2n, %rate : f32
  %closed2n = arith.select %stuck2n, %one, %negative : f32
  %cell2n = arith.select %open2n, %zero, %closed2n : f32
  %copy2 = arith.subf %cell2n, %cell2p : f32
  analog.yield %copy0, %copy1, %copy2, %lower : f32, f32, f32, f32
}

analog.effect @vote on output(%y) sums(%v0, %v1, %v2) surrogate(straight_through) {
  %sixty_four = arith.constant 64.0 : f32
  %low = arith.minimumf %v0, %v1 : f32
  %high = arith.maximumf %v0, %v1 : f32
  %middle = arith.minimumf %high, %v2 : f32
  %median = arith.maximumf %low, %middle : f32
  %sum = math.fma %sixty_four, %median, %y : f32
  analog.yield %sum : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %chip: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %quantized = analog.quantize_weight %w scale(%largest over (t, n)) {half_levels = 127.0 : f32}
      : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %x, %quantized : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %lower, %v:3 = analog.apply @stuck_cells %planes params(%largest over (t, n)) key(%chip)
      : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<2xi64>)
      -> (tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
  %sum = analog.accumulate %lower : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %s0 = analog.accumulate %v#0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %s1 = analog.accumulate %v#1 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %s2 = analog.accumulate %v#2 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @vote %sum sums(%s0, %s1, %s2)
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
