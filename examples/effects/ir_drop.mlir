// Voltage drop along the wires of a crossbar. A column's load is its current in units of a cell at full conductance A
// and full input; the more load, and the farther a row stands from the driver, the more of its current is lost: y' =
// y - ir * c * sum w x (1 - (1 - j / rows)^2), c = a (a (0.05 a - 0.2) + 0.5), a = rows / 571428.57 * sum |w| |x| /
// (A levels), with j the row of the tile, and x a code of the DAC of at most `levels`. Three accumulators: of the
// effect's two, one takes the input as it is.
analog.effect @ir_drop on tile(%y)
    accumulators(%current = magnitude * conductance, %far = x * away)
    params(%a over (t, n)) strengths(%ir = 1.0, %levels = 127.0) surrogate(straight_through) {
  %tile_rows = analog.index tile_rows : i32
  %rows = arith.sitofp %tile_rows : i32 to f32
  %wires = arith.constant 571428.57 : f32
  %tiny = arith.constant 1.0e-30 : f32
  %c3 = arith.constant 0.05 : f32
  %c2 = arith.constant -0.2 : f32
  %c1 = arith.constant 0.5 : f32
  %full = arith.mulf %a, %levels : f32
  %unit = arith.maximumf %full, %tiny : f32
  %cells = arith.divf %current, %unit : f32
  %share = arith.divf %rows, %wires : f32
  %load = arith.mulf %share, %cells : f32
  %p2 = math.fma %load, %c3, %c2 : f32
  %p1 = math.fma %load, %p2, %c1 : f32
  %p0 = arith.mulf %load, %p1 : f32
  %lost = arith.mulf %ir, %p0 : f32
  %drop = arith.mulf %lost, %far : f32
  %result = arith.subf %y, %drop : f32
  analog.yield %result : f32
} inputs(%x) yields(magnitude) {
  %magnitude = math.absf %x : f32
  analog.yield %magnitude : f32
} weights(%w) yields(conductance, away) {
  %one = arith.constant 1.0 : f32
  %row = analog.index column : i32
  %tile_rows = analog.index tile_rows : i32
  %j = arith.sitofp %row : i32 to f32
  %rows = arith.sitofp %tile_rows : i32 to f32
  %part = arith.divf %j, %rows : f32
  %rest = arith.subf %one, %part : f32
  %square = arith.mulf %rest, %rest : f32
  %distance = arith.subf %one, %square : f32
  %conductance = math.absf %w : f32
  %away = arith.mulf %w, %distance : f32
  analog.yield %conductance, %away : f32, f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<fixed, rows = 64>} {
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %planes = analog.mvm %code, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %dropped = analog.apply @ir_drop %planes params(%largest over (t, n))
      : (tensor<?x?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %amplified = analog.rescale %dropped range(%beta over (t)) {half_levels = 127.0 : f32}
      : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
