// The algebra. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @absmax_c1(%w: tensor<6x8xf32>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling}}
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  return
}

// -----

func.func @absmax_c2(%w: tensor<6x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a result of rank 1 per tensor, got rank 2}}
  %a = analog.absmax %w per tensor : tensor<6x8xf32> -> tensor<2x6xf32>
  return
}

// -----

func.func @absmax_c3(%w: tensor<6x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected 2 tiles for 8 inputs, got 3}}
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<3x6xf32>
  return
}

// -----

func.func @absmax_c4(%w: tensor<6x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected result rows (5) to match input rows (6)}}
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x5xf32>
  return
}

// -----

func.func @quantize_input_c1(%x: tensor<4x8xf32>, %b: tensor<2x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected an operand of rank 1 over (t), got rank 2}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<4x8xf32>, tensor<2x4xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_input_c1_axes(%x: tensor<4x8xf32>, %b: tensor<8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected axes among (t, m), got (k)}}
  %c = analog.quantize_input %x range(%b over (k)) {half_levels = 127.0 : f32} : tensor<4x8xf32>, tensor<8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_input_c2(%x: tensor<4x8xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type 'tensor<4x8xf32>', got 'tensor<4x7xf32>'}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<4x8xf32>, tensor<2xf32> -> tensor<4x7xf32>
  return
}

// -----

func.func @quantize_input_c3(%x: tensor<4x8xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected half_levels to be a whole number from 1 to 8388607, got 1.265000e+02}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 126.5 : f32} : tensor<4x8xf32>, tensor<2xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_weight_c1(%w: tensor<6x8xf32>, %a: tensor<2x4xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected axes among (t, n), got (t, m)}}
  %c = analog.quantize_weight %w scale(%a over (t, m)) {half_levels = 127.0 : f32} : tensor<6x8xf32>, tensor<2x4xf32> -> tensor<6x8xf32>
  return
}

// -----

func.func @quantize_weight_c2(%w: tensor<6x8xf32>, %a: tensor<2x6xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type}}
  %c = analog.quantize_weight %w scale(%a over (t, n)) {half_levels = 127.0 : f32} : tensor<6x8xf32>, tensor<2x6xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_weight_c3(%w: tensor<6x8xf32>, %a: tensor<2x6xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected half_levels to be a whole number from 1 to 8388607, got 0.000000e+00}}
  %c = analog.quantize_weight %w scale(%a over (t, n)) {half_levels = 0.0 : f32} : tensor<6x8xf32>, tensor<2x6xf32> -> tensor<6x8xf32>
  return
}

// -----

func.func @inject_noise_c1(%v: tensor<2x4x6xf32>, %s: tensor<8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected axes among (t, m, n), got (k)}}
  %r = analog.inject_noise %v scale(%s over (k)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<2x4x6xf32>, tensor<8xf32>, tensor<2xi64>) -> tensor<2x4x6xf32>
  return
}

// -----

func.func @inject_noise_c2(%v: tensor<2x4x6xf32>, %s: tensor<2xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type}}
  %r = analog.inject_noise %v scale(%s over (t)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<2x4x6xf32>, tensor<2xf32>, tensor<2xi64>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @inject_noise_c3(%v: tensor<2xf32>, %s: tensor<2xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected an input, a weight or accumulator planes (rank 2 or 3), got rank 1}}
  %r = analog.inject_noise %v scale(%s over (t)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<2xf32>, tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @inject_noise_c4(%v: tensor<2x4x6xf32>, %s: tensor<2xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected stream to be from 0 to 255, got 256}}
  %r = analog.inject_noise %v scale(%s over (t)) key(%key, stream = 256) {sigma = 0.1 : f32} : (tensor<2x4x6xf32>, tensor<2xf32>, tensor<2xi64>) -> tensor<2x4x6xf32>
  return
}

// -----

func.func @drop_connect_c1(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected probability to be from 0.000000e+00 to 1.000000e+00, got 1.500000e+00}}
  %r = analog.drop_connect %w key(%key, stream = 2) {probability = 1.5 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @drop_connect_c2(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type}}
  %r = analog.drop_connect %w key(%key, stream = 2) {probability = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<4x8xf32>
  return
}

// -----

func.func @drop_connect_c3(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected stream to be from 0 to 255, got -1}}
  %r = analog.drop_connect %w key(%key, stream = -1) {probability = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @mvm_c1(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling}}
  %p = analog.mvm %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<2x4x6xf32>
  return
}

// -----

func.func @mvm_c2(%x: tensor<4x8xf32>, %w: tensor<6x9xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected inputs of the input (8) to match inputs of the weight (9)}}
  %p = analog.mvm %x, %w : tensor<4x8xf32>, tensor<6x9xf32> -> tensor<2x4x6xf32>
  return
}

// -----

func.func @mvm_c3(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected 2 accumulator planes for 8 inputs, got 1}}
  %p = analog.mvm %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<1x4x6xf32>
  return
}

// -----

func.func @mvm_c4(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected planes of 4x6, got 6x4}}
  %p = analog.mvm %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<2x6x4xf32>
  return
}

// -----

func.func @rescale_c1(%v: tensor<2x4x6xf32>, %b: tensor<2x6xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected axes among (t, m), got (t, n)}}
  %r = analog.rescale %v range(%b over (t, n)) {half_levels = 127.0 : f32} : tensor<2x4x6xf32>, tensor<2x6xf32> -> tensor<2x4x6xf32>
  return
}

// -----

func.func @rescale_c2(%v: tensor<2x4x6xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type}}
  %r = analog.rescale %v range(%b over (t)) {half_levels = 127.0 : f32} : tensor<2x4x6xf32>, tensor<2xf32> -> tensor<2x4x7xf32>
  return
}

// -----

func.func @rescale_c3(%v: tensor<2x4x6xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected half_levels to be a whole number from 1 to 8388607, got -1.000000e+00}}
  %r = analog.rescale %v range(%b over (t)) {half_levels = -1.0 : f32} : tensor<2x4x6xf32>, tensor<2xf32> -> tensor<2x4x6xf32>
  return
}

// -----

func.func @adc_c1(%v: tensor<2x4x6xf32>, %b: tensor<8xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected axes among (t, m, n), got (k)}}
  %r = analog.adc %v bound(%b over (k)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x4x6xf32>, tensor<8xf32>) -> tensor<2x4x6xf32>
  return
}

// -----

func.func @adc_c2(%v: tensor<2x4x6xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected the result to have the input's type}}
  %r = analog.adc %v bound(%b over (t)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x4x6xf32>, tensor<2xf32>) -> tensor<2x4x7xf32>
  return
}

// -----

func.func @adc_c3(%v: tensor<2x4x6xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected lambda to be finite and above 0, got 0.000000e+00}}
  %r = analog.adc %v bound(%b over (t)) {lambda = 0.0 : f32, half_levels = 127.0 : f32} : (tensor<2x4x6xf32>, tensor<2xf32>) -> tensor<2x4x6xf32>
  return
}

// -----

func.func @adc_c4(%v: tensor<2x4x6xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected half_levels to be a whole number from 1 to 8388607, got 8.388608e+06}}
  %r = analog.adc %v bound(%b over (t)) {lambda = 12.0 : f32, half_levels = 8388608.0 : f32} : (tensor<2x4x6xf32>, tensor<2xf32>) -> tensor<2x4x6xf32>
  return
}

// -----

func.func @accumulate_c1(%v: tensor<2x4x6xf32>) {
  // expected-error @below {{expected a result of 4x6, got 6x4}}
  %y = analog.accumulate %v : (tensor<2x4x6xf32>) -> tensor<6x4xf32>
  return
}

// -----

func.func @accumulate_c2(%v: tensor<2x4x6xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{expected bias length (4) to match outputs (6)}}
  %y = analog.accumulate %v bias(%b) : (tensor<2x4x6xf32>, tensor<4xf32>) -> tensor<4x6xf32>
  return
}

// -----

// expected-error @below {{expected its attribute 'analog.tiling' to be an #analog.tiling<...>, got 4 : i64}}
func.func @tiling_c1(%w: tensor<6x8xf32>) attributes {analog.tiling = 4} {
  return
}

// -----

// expected-error @below {{expected its attribute 'analog.noisy_backward' to have no value, got true}}
func.func @noisy_backward_c1(%w: tensor<6x8xf32>) attributes {analog.noisy_backward = true} {
  return
}

// -----

// expected-error @below {{expected 'analog.value' to be an f32 of a scalar f32 argument, got 3 : i32 of argument 0}}
func.func @value_c1(%s: f32 {analog.value = 3 : i32}) {
  return
}

// -----

// expected-error @below {{expected 'analog.value' to be an f32 of a scalar f32 argument, got 3.000000e+00 : f32 of argument 0}}
func.func @value_c1_tensor(%s: tensor<2xf32> {analog.value = 3.0 : f32}) {
  return
}

// -----

func.func @quantize_input_c1_size(%x: tensor<4x8xf32>, %b: tensor<3xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a scale over (t) to have 2 elements along t, got 3}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<4x8xf32>, tensor<3xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_input_c4(%x: tensor<4x8xf32>, %b: tensor<2xf32>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<4x8xf32>, tensor<2xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_input_c5(%x: tensor<4x8xf32>, %b: tensor<2xf32>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected share to be from 0.000000e+00 to 1.000000e+00, got 7.000000e+00}}
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32, share = 7.0 : f32} : tensor<4x8xf32>, tensor<2xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @quantize_weight_c4(%w: tensor<6x8xf32>, %a: tensor<2x6xf32>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')}}
  %c = analog.quantize_weight %w scale(%a over (t, n)) {half_levels = 127.0 : f32} : tensor<6x8xf32>, tensor<2x6xf32> -> tensor<6x8xf32>
  return
}

// -----

func.func @inject_noise_c5(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-note @below {{the stream is drawn from here}}
  %a = analog.inject_noise %w scale() key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  // expected-error @below {{expected a stream of its own, got 0; a draw that repeats another is marked 'redraw'}}
  %b = analog.inject_noise %a scale() key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @inject_noise_c5_redraw(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected a redraw to repeat a draw of its kind before it, got stream 0, from which nothing is drawn}}
  %b = analog.inject_noise %w scale() key(%key, stream = 0) redraw {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @inject_noise_c6(%w: tensor<6x8xf32>, %key: tensor<2xi64>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')}}
  %b = analog.inject_noise %w scale() key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @inject_noise_c7(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{expected sigma to be finite and at least 0.000000e+00, got -1.000000e+00}}
  %b = analog.inject_noise %w scale() key(%key, stream = 0) {sigma = -1.0 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @drop_connect_c4(%w: tensor<6x8xf32>, %key: tensor<2xi64>) attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-note @below {{the stream is drawn from here}}
  %a = analog.inject_noise %w scale() key(%key, stream = 2) {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  // expected-error @below {{expected a stream of its own, got 2; a draw that repeats another is marked 'redraw'}}
  %b = analog.drop_connect %a key(%key, stream = 2) {probability = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}

// -----

func.func @drop_connect_c5(%w: tensor<6x8xf32>, %key: tensor<2xi64>) {
  // expected-error @below {{expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')}}
  %r = analog.drop_connect %w key(%key, stream = 2) {probability = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  return
}
