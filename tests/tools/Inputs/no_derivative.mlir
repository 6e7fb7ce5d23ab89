// A number made of the bits of an accumulator.
analog.effect @packed on tile(%y) surrogate(derived) {
  %raw = arith.bitcast %y : f32 to i32
  %one = arith.constant 1 : i32
  %next = arith.addi %raw, %one : i32
  %r = arith.bitcast %next : i32 to f32
  analog.yield %r : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %packed = analog.apply @packed %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %packed : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
