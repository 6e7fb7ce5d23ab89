analog.effect @wrong on input(%x) surrogate(derived) {
  %two = arith.constant 2.0 : f32
  %tan = math.tan %x : f32
  %r = arith.mulf %tan, %two : f32
  analog.yield %r : f32
}
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x0 = analog.apply @wrong %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = analog.mvm %x0, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
