// RUN: mho-opt --analog-fuse %s | FileCheck %s
// RUN: mho-opt --analog-fuse=save-for-backward=true %s | FileCheck %s --check-prefix=SAVE
#xbar = #analog.tiling<balanced, rows = 512>

// Strengths become arguments, and every effect's code goes to its region in the order of application: which operand feeds what is checked.
// CHECK-LABEL: func.func @linear(
// CHECK-SAME: [[X:%[^:]+]]: tensor<?x784xf32>, [[W:%[^:]+]]: tensor<256x784xf32>, [[BIAS:%[^:]+]]: tensor<256xf32>, [[BETA:%[^:]+]]: tensor<2xf32>, [[KEY:%[^:]+]]: tensor<2xi64>,
// CHECK-SAME: [[DAC:%[^:]+]]: f32 {analog.name = "input.quantize_input.half_levels", analog.value = 1.270000e+02 : f32}
// CHECK-SAME: [[DECAY:%[^:]+]]: f32 {analog.name = "input.quantize_input.decay", analog.value = 0.000000e+00 : f32}
// CHECK-SAME: [[SHARE:%[^:]+]]: f32 {analog.name = "input.quantize_input.share", analog.value = 0.949999988 : f32}
// CHECK-SAME: [[WEIGHT:%[^:]+]]: f32 {analog.name = "weight.inject_noise.sigma", analog.value = 2.300000e-02 : f32}
// CHECK-SAME: [[BACK:%[^:]+]]: f32 {analog.name = "tile.rescale.half_levels", analog.value = 1.270000e+02 : f32}
// CHECK-SAME: [[OUTPUT:%[^:]+]]: f32 {analog.name = "tile.inject_noise.sigma", analog.value = 4.000000e-02 : f32}
// CHECK-SAME: [[LAMBDA:%[^:]+]]: f32 {analog.name = "tile.adc.lambda", analog.value = 1.200000e+01 : f32}
// CHECK-SAME: [[ADC:%[^:]+]]: f32 {analog.name = "tile.adc.half_levels", analog.value = 1.270000e+02 : f32})
// CHECK-SAME: -> (tensor<?x256xf32> {analog.name = "y"}) attributes
// CHECK-NEXT: [[Y:%.+]] = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
// CHECK-NEXT: lhs([[X]] over (m, k) : tensor<?x784xf32>)
// CHECK-NEXT: rhs([[W]] over (n, k) : tensor<256x784xf32>)
// CHECK-NEXT: params([[BETA]] over (t) : tensor<2xf32>, [[DAC]] : f32, [[DECAY]] : f32, [[SHARE]] : f32, [[WEIGHT]] : f32, [[BACK]] : f32, [[OUTPUT]] : f32, [[LAMBDA]] : f32, [[ADC]] : f32, [[BIAS]] over (n) : tensor<256xf32>)
// CHECK-NEXT: keys([[KEY]] : tensor<2xi64>)
// CHECK-NEXT: stats(absmax(rhs 0) over (t, n))
// CHECK-NEXT: results(value over (m, n))
// CHECK-NEXT: load_lhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, [[R:%[^:]+]]: f32, [[L:%[^:]+]]: f32, [[D:%[^:]+]]: f32, [[S:%[^:]+]]: f32,
// CHECK-NEXT: [[CODE:%.+]] = analog.surrogate([[V]], [[R]], [[L]], [[D]], [[S]]) wrt(1) value {
// CHECK: math.roundeven
// CHECK: analog.yield [[CODE]] : f32
// CHECK-NEXT: }
// CHECK-NEXT: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, {{.*}}, {{.*}}, {{.*}}, {{.*}}, [[SIGMA:%[^:]+]]: f32, {{.*}}, {{.*}}, {{.*}}, {{.*}}, {{.*}}, [[WMAX:%[^:]+]]: f32):
// CHECK-NEXT: [[N:%.+]] = analog.normal key(0) stream(0) : f32
// CHECK-NEXT: [[GAIN:%.+]] = arith.mulf [[SIGMA]], [[WMAX]] : f32
// CHECK-NEXT: [[NOISY:%.+]] = math.fma [[GAIN]], [[N]], [[V]] : f32
// CHECK-NEXT: analog.yield [[NOISY]] : f32
// CHECK: accumulate(0 * 0)
// CHECK-NEXT: end_tile {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: f32, [[R:%[^:]+]]: f32, {{.*}}, {{.*}}, {{.*}}, {{.*}}, [[L:%[^:]+]]: f32, [[SIGMA:%[^:]+]]: f32, [[LAM:%[^:]+]]: f32, [[LEVELS:%[^:]+]]: f32, {{.*}}, [[WMAX:%[^:]+]]: f32):
// CHECK-NEXT: [[STEP:%.+]] = arith.divf [[R]], [[L]] : f32
// CHECK-NEXT: [[AMP:%.+]] = arith.mulf [[A]], [[STEP]] : f32
// CHECK-NEXT: [[N:%.+]] = analog.normal key(0) stream(1) : f32
// CHECK-NEXT: [[G1:%.+]] = arith.mulf [[SIGMA]], [[R]] : f32
// CHECK-NEXT: [[GAIN:%.+]] = arith.mulf [[G1]], [[WMAX]] : f32
// CHECK-NEXT: [[NOISY:%.+]] = math.fma [[GAIN]], [[N]], [[AMP]] : f32
// CHECK-NEXT: [[LEVEL:%.+]], [[SATURATED:%.+]] = analog.surrogate([[NOISY]], [[R]], [[WMAX]], [[LAM]], [[LEVELS]]) value {
// CHECK: analog.yield [[LEVEL]] : f32{{$}}
// CHECK-NEXT: }
// CHECK-NEXT: finish {
// CHECK-NEXT: ^bb0([[SUM:%[^:]+]]: f32, {{.*}}, [[B:%[^:]+]]: f32):
// CHECK-NEXT: [[OUT:%.+]] = arith.addf [[SUM]], [[B]] : f32
// CHECK-NEXT: analog.yield [[OUT]] : f32
// CHECK-NEXT: }
// CHECK-NOT: analog.
// CHECK: return [[Y]] : tensor<?x256xf32>

// Saved for backward: where the ADC saturated.
// SAVE-LABEL: func.func @linear(
// SAVE-SAME: -> (tensor<?x256xf32> {analog.name = "y"}, tensor<2x?x8xi32> {analog.name = "saturation"})
// SAVE: [[Y:%.+]]:2 = analog.tiled_mvm
// SAVE: results(value over (m, n), bits over (t, m, n))
// SAVE: end_tile {
// SAVE: [[LEVEL:%.+]], [[SATURATED:%.+]] = analog.surrogate(
// SAVE: analog.yield [[LEVEL]] : f32 bits([[SATURATED]])
// SAVE: return [[Y]]#0, [[Y]]#1
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

// A dynamic range is a statistic of the input, which backward needs; drop-connect draws uniform numbers.
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME: [[DROP:%[^:]+]]: f32 {analog.name = "weight.drop_connect.probability", analog.value = 1.000000e-01 : f32}) -> (tensor<?x256xf32> {analog.name = "y"}) attributes
// CHECK: stats(absmax(lhs 0) over (t, m))
// CHECK-NEXT: results(value over (m, n))
// CHECK: load_lhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, [[L:%[^:]+]]: f32, {{.*}}, {{.*}}, {{.*}}, [[R:%[^:]+]]: f32):
// CHECK-NEXT: analog.surrogate([[V]], [[R]], [[L]],
// CHECK: load_rhs {
// CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32, {{.*}}, [[P:%[^:]+]]: f32):
// CHECK: [[U:%.+]] = analog.uniform key(0) stream(2) : f32
// CHECK: [[DROPPED:%.+]] = arith.cmpf olt, [[U]], [[P]] : f32
// CHECK: [[KEPT:%.+]] = arith.select [[DROPPED]], {{.*}}, [[V]] : f32
// CHECK-NEXT: analog.yield [[KEPT]] : f32
// SAVE-LABEL: func.func @dynamic(
// SAVE-SAME: -> (tensor<?x256xf32> {analog.name = "y"}, tensor<2x?xf32> {analog.name = "row_range"})
// SAVE: results(value over (m, n), stat 0 over (t, m))
func.func @dynamic(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>, %key: tensor<2xi64>) -> tensor<?x256xf32> attributes {analog.tiling = #xbar} {
  %range = analog.absmax %x per row : tensor<?x784xf32> -> tensor<2x?xf32>
  %code = analog.quantize_input %x range(%range over (t, m)) {half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2x?xf32> -> tensor<?x784xf32>
  %kept = analog.drop_connect %w key(%key, stream = 2) {probability = 0.1 : f32} : (tensor<256x784xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  %acc = analog.mvm %code, %kept : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  %y = analog.accumulate %acc : (tensor<2x?x256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// A function that accumulates nothing stays as it is.
// CHECK-LABEL: func.func @planes(
// CHECK-NEXT: [[A:%.+]] = analog.mvm
// CHECK-NEXT: return [[A]] : tensor<2x?x256xf32>
func.func @planes(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>) -> tensor<2x?x256xf32> attributes {analog.tiling = #xbar} {
  %acc = analog.mvm %x, %w : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  return %acc : tensor<2x?x256xf32>
}
