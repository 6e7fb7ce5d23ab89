// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | FileCheck %s
#xbar = #analog.tiling<balanced, rows = 512>

// The forward function stays, noise and all.
// CHECK-LABEL: func.func @linear(
// CHECK: analog.normal key(0) stream(0)
// CHECK: analog.normal key(0) stream(1)

// Input gradient: G is masked where the ADC saturated; the weight is the noise-free one; the DAC masks in finish and gives the range
// gradient as reductions.
// CHECK-LABEL: func.func @linear_dx(
// CHECK-SAME: [[G:%[^:]+]]: tensor<?x256xf32> {analog.name = "grad"}, [[X:%[^:]+]]: tensor<?x784xf32>, [[W:%[^:]+]]: tensor<256x784xf32>, {{.*}}: tensor<256xf32>, [[BETA:%[^:]+]]: tensor<2xf32>,
// CHECK-SAME: [[DAC:%[^:]+]]: f32 {analog.name = "input.quantize_input.half_levels", analog.value = 1.270000e+02 : f32}
// CHECK-SAME: [[DECAY:%[^:]+]]: f32 {analog.name = "input.quantize_input.decay", analog.value = 0.000000e+00 : f32}
// CHECK-SAME: [[SHARE:%[^:]+]]: f32 {analog.name = "input.quantize_input.share", analog.value = 0.949999988 : f32}
// CHECK-SAME: [[BACK:%[^:]+]]: f32 {analog.name = "tile.rescale.half_levels", analog.value = 1.270000e+02 : f32}
// CHECK-SAME: [[BITS:%[^:]+]]: tensor<2x?x8xi32> {analog.name = "saturation"})
// CHECK-SAME: -> (tensor<?x784xf32> {analog.gradient = 0 : i64, analog.name = "dx"}, tensor<2xf32> {analog.gradient = 3 : i64, analog.name = "dparam3"}, tensor<2xf32>, tensor<2xf32>)
// CHECK-NEXT: analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 512>)
// CHECK-NEXT: lhs([[G]] over (m, n) : tensor<?x256xf32>, [[BITS]] over (t, m, n) : tensor<2x?x8xi32>)
// CHECK-NEXT: rhs([[W]] over (n, k) : tensor<256x784xf32>)
// CHECK-NEXT: epilogue([[X]] over (m, k) : tensor<?x784xf32>)
// CHECK-NEXT: params([[BETA]] over (t) : tensor<2xf32>, [[DAC]] : f32, [[DECAY]] : f32, [[SHARE]] : f32, [[BACK]] : f32)
// CHECK: results(value over (m, k), sum over (t), count over (t), count over (t))
// CHECK-NEXT: load_lhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, [[SATURATED:%[^:]+]]: i1, [[R:%[^:]+]]: f32, {{.*}}, [[L:%[^:]+]]: f32):
// CHECK: [[ZERO:%.+]] = arith.constant 0.000000e+00 : f32
// CHECK: [[MASKED:%.+]] = arith.select [[SATURATED]], [[ZERO]], [[V]] : f32
// CHECK: [[STEP:%.+]] = arith.divf [[R]], [[L]] : f32
// CHECK: [[SCALED:%.+]] = arith.mulf [[MASKED]], [[STEP]] : f32
// CHECK: analog.yield [[SCALED]] : f32
// CHECK: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32,
// CHECK-NEXT: analog.yield [[V]] : f32
// CHECK: accumulate(0 * 0)
// CHECK-NEXT: finish {
// CHECK-NEXT: ^bb0([[SUM:%[^:]+]]: f32, [[V:%[^:]+]]: f32, [[R:%[^:]+]]: f32, [[L:%[^:]+]]: f32,
// CHECK: [[QUOTIENT:%.+]] = arith.divf [[L]], [[R]] : f32
// CHECK: [[SCALE:%.+]] = arith.select {{.*}}, [[QUOTIENT]] : f32
// CHECK: [[GIVEN:%.+]] = arith.mulf [[SUM]], [[SCALE]] : f32
// CHECK: [[SIZE:%.+]] = math.absf [[V]] : f32
// CHECK: [[BEYOND:%.+]] = arith.cmpf ogt, [[SIZE]], [[R]] : f32
// CHECK: [[NEGATIVE:%.+]] = arith.minimumf [[GIVEN]],
// CHECK: [[ABOVE:%.+]] = arith.cmpf oge, [[V]], [[R]] : f32
// CHECK: [[FIRST:%.+]] = arith.select [[ABOVE]], [[NEGATIVE]],
// CHECK: [[POSITIVE:%.+]] = arith.maximumf [[GIVEN]],
// CHECK: [[LOW:%.+]] = arith.negf [[R]] : f32
// CHECK: [[BELOW:%.+]] = arith.cmpf ole, [[V]], [[LOW]] : f32
// CHECK: [[SECOND:%.+]] = arith.select [[BELOW]], [[POSITIVE]],
// CHECK: [[SUMMAND:%.+]] = arith.subf [[FIRST]], [[SECOND]] : f32
// CHECK: [[INSIDE:%.+]] = arith.cmpf olt, {{.*}}, [[R]] : f32
// CHECK: [[TRUE:%.+]] = arith.constant true
// CHECK: [[DX:%.+]] = arith.select [[BEYOND]], {{.*}}, [[GIVEN]] : f32
// CHECK: analog.yield [[DX]] : f32 reduce([[SUMMAND]], [[INSIDE]], [[TRUE]] : f32, i1, i1)
// CHECK: tail {
// CHECK-NEXT: ^bb0([[SUM:%[^:]+]]: f32, [[UNCLIPPED:%[^:]+]]: f32, [[INPUTS:%[^:]+]]: f32, [[R:%[^:]+]]: f32, {{.*}}, [[D:%[^:]+]]: f32, [[S:%[^:]+]]: f32, {{.*}}):
// CHECK: [[U:%.+]] = arith.divf [[UNCLIPPED]], [[INPUTS]] : f32
// CHECK: [[DECAYED:%.+]] = arith.mulf [[D]], [[R]] : f32
// CHECK: [[MANY:%.+]] = arith.cmpf ogt, [[U]], [[S]] : f32
// CHECK: [[SHRINK:%.+]] = arith.select [[MANY]], [[DECAYED]],
// CHECK: [[GROW:%.+]] = arith.mulf [[R]], [[SUM]] : f32
// CHECK: [[DRANGE:%.+]] = arith.addf [[GROW]], [[SHRINK]] : f32
// CHECK: analog.yield [[DRANGE]], [[UNCLIPPED]], [[INPUTS]] : f32, f32, f32

// Weight gradient: contracts the rows of the masked and scaled G with the DAC codes; the noise drops out.
// CHECK-LABEL: func.func @linear_dw(
// CHECK-SAME: [[G:%[^:]+]]: tensor<?x256xf32> {analog.name = "grad"}, [[X:%[^:]+]]: tensor<?x784xf32>, [[W:%[^:]+]]: tensor<256x784xf32>,
// CHECK-SAME: [[BITS:%[^:]+]]: tensor<2x?x8xi32> {analog.name = "saturation"}) -> (tensor<256x784xf32> {analog.gradient = 1 : i64, analog.name = "dweight"})
// CHECK-NEXT: analog.tiled_mvm contract(m) tile(t of k : #analog.tiling<balanced, rows = 512>)
// CHECK-NEXT: lhs([[G]] over (m, n) : tensor<?x256xf32>, [[BITS]] over (t, m, n) : tensor<2x?x8xi32>)
// CHECK-NEXT: rhs([[X]] over (m, k) : tensor<?x784xf32>)
// CHECK: results(value over (n, k))
// CHECK-NEXT: load_lhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, [[SATURATED:%[^:]+]]: i1, [[R:%[^:]+]]: f32, {{.*}}, [[L:%[^:]+]]: f32):
// CHECK: [[MASKED:%.+]] = arith.select [[SATURATED]], {{.*}}, [[V]] : f32
// CHECK: [[STEP:%.+]] = arith.divf [[R]], [[L]] : f32
// CHECK: arith.mulf [[MASKED]], [[STEP]] : f32
// CHECK: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, [[R:%[^:]+]]: f32, [[L:%[^:]+]]: f32,
// CHECK: [[CODE:%.+]] = analog.surrogate([[V]], [[R]], [[L]],
// CHECK: math.roundeven
// CHECK: analog.yield [[CODE]] : f32
// CHECK-NEXT: }
// CHECK-NEXT: accumulate(0 * 0)
// CHECK-NEXT: finish {
// CHECK-NEXT: ^bb0([[SUM:%[^:]+]]: f32,
// CHECK-NEXT: analog.yield [[SUM]] : f32
// CHECK-NOT: analog.normal
func.func @linear(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>, %bias: tensor<256xf32>, %beta: tensor<2xf32>, %key: tensor<2xi64>) -> tensor<?x256xf32>
    attributes {analog.tiling = #xbar} {
  %wmax = analog.absmax %w per channel : tensor<256x784xf32> -> tensor<2x256xf32>
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2xf32> -> tensor<?x784xf32>
  %wn = analog.inject_noise %w scale(%wmax over (t, n)) key(%key, stream = 0) {sigma = 0.023 : f32} : (tensor<256x784xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  %acc = analog.mvm %code, %wn : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  %amp = analog.rescale %acc range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<2x?x256xf32>, tensor<2xf32> -> tensor<2x?x256xf32>
  %out = analog.inject_noise %amp scale(%beta over (t), %wmax over (t, n)) key(%key, stream = 1) {sigma = 0.04 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<2x?x256xf32>
  %adc = analog.adc %out bound(%beta over (t), %wmax over (t, n)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2x256xf32>) -> tensor<2x?x256xf32>
  %y = analog.accumulate %adc bias(%bias) : (tensor<2x?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// A dynamic range is a constant: no mask and no reduction, and the forward pass's own value is read. Nothing is dropped: the uniform draw is 1.
// CHECK-LABEL: func.func @dynamic_dx(
// CHECK-SAME: [[DAC:%[^:]+]]: f32 {analog.name = "input.quantize_input.half_levels"
// CHECK-SAME: [[RANGE:%[^:]+]]: tensor<2x?xf32> {analog.name = "row_range"}) -> (tensor<?x784xf32> {analog.gradient = 0 : i64, analog.name = "dx"})
// CHECK: params([[DAC]] : f32, {{.*}}, [[RANGE]] over (t, m) : tensor<2x?xf32>)
// CHECK: results(value over (m, k))
// CHECK: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, {{.*}}, [[P:%[^:]+]]: f32):
// CHECK: [[ONE:%.+]] = arith.constant 1.000000e+00 : f32
// CHECK: [[DROPPED:%.+]] = arith.cmpf olt, [[ONE]], [[P]] : f32
// CHECK: [[KEPT:%.+]] = arith.select [[DROPPED]], {{.*}}, [[V]] : f32
// CHECK: analog.yield [[KEPT]] : f32
// CHECK: finish {
// CHECK-NEXT: ^bb0([[SUM:%[^:]+]]: f32, {{.*}}, [[L:%[^:]+]]: f32, {{.*}}, [[R:%[^:]+]]: f32):
// CHECK: [[QUOTIENT:%.+]] = arith.divf [[L]], [[R]] : f32
// CHECK: [[SCALE:%.+]] = arith.select {{.*}}, [[QUOTIENT]] : f32
// CHECK: [[DX:%.+]] = arith.mulf [[SUM]], [[SCALE]] : f32
// CHECK: analog.yield [[DX]] : f32{{$}}
// CHECK-LABEL: func.func @dynamic_dw(
// CHECK-NOT: analog.uniform
func.func @dynamic(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>, %key: tensor<2xi64>) -> tensor<?x256xf32> attributes {analog.tiling = #xbar} {
  %range = analog.absmax %x per row : tensor<?x784xf32> -> tensor<2x?xf32>
  %code = analog.quantize_input %x range(%range over (t, m)) {half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2x?xf32> -> tensor<?x784xf32>
  %kept = analog.drop_connect %w key(%key, stream = 2) {probability = 0.1 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  %acc = analog.mvm %code, %kept : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  %y = analog.accumulate %acc : (tensor<2x?x256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// What no gradient reaches has gradient 0; a draw that is both factors of a product vanishes once.
// CHECK-LABEL: func.func @constant_dx(
// CHECK: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32):
// CHECK-NEXT: analog.yield [[V]] : f32
// CHECK: finish {
// CHECK-NEXT: ^bb0({{.*}}):
// CHECK-NEXT: [[ZERO:%.+]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT: analog.yield [[ZERO]] : f32
func.func @constant(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) keys(%key : tensor<2xi64>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32):
      %one = arith.constant 1.0 : f32
      analog.yield %one : f32 }
    load_rhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(0) : f32
      %r = math.fma %n, %n, %v : f32
      analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A parameter has a gradient though none reaches its element.
// CHECK-LABEL: func.func @unreached_dx(
// CHECK: results(value over (m, k), sum over (t))
// CHECK: finish {
// CHECK: [[NONE:%.+]] = arith.constant 0.000000e+00 : f32
// CHECK: analog.yield {{%.+}} : f32 reduce([[NONE]] : f32)
func.func @unreached(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %p: tensor<2xf32>) -> tensor<?x6xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 4>)
      lhs(%x over (m, k) : tensor<?x8xf32>) rhs(%w over (n, k) : tensor<6x8xf32>) params(%p over (t) : tensor<2xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %q: f32):
      %r = analog.surrogate(%v, %q) wrt(1) value { ^bb0(%a: f32, %b: f32): analog.yield %a : f32 }
        derivative { ^bb0(%b: f32, %a: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) }
        tail { ^bb0(%s: f32, %b: f32): analog.yield %s : f32 } : f32
      %one = arith.constant 1.0 : f32
      analog.yield %one : f32 }
    load_rhs { ^bb0(%v: f32, %q: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %q: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
