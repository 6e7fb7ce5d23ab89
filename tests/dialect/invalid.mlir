// One function per constraint of dialect/SPEC.md, named by its label.
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
  // expected-error @below {{expected probability to be from 0 to 1, got 1.5}}
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
  // expected-error @below {{expected lambda to be positive, got 0.000000e+00}}
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

func.func @surrogate_c1() {
  // expected-error @below {{expected at least the differentiated input}}
  %r = analog.surrogate() value {
  ^bb0:
  %z = arith.constant 0.0 : f32
  analog.yield %z : f32
  } derivative {
  ^bb0(%g: f32):
  analog.yield %g : f32
  } : f32
  return
}

// -----

func.func @surrogate_c2(%x: f32) {
  // expected-error @below {{expected its regions to end in analog.yield}}
  %r = analog.surrogate(%x) value {
  ^bb0(%i: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%i: f32, %g: f32):
  func.return
  } : f32
  return
}

// -----

func.func @surrogate_c3(%x: f32) {
  // expected-error @below {{expected the value region to take 1 inputs and yield one f32, got 2 and 1}}
  %r = analog.surrogate(%x) value {
  ^bb0(%i: f32, %j: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%i: f32, %g: f32):
  analog.yield %g : f32
  } : f32
  return
}

// -----

func.func @surrogate_c4(%x: f32) {
  // expected-error @below {{expected the derivative region to take 2 arguments and yield one f32, got 1 and 1}}
  %r = analog.surrogate(%x) value {
  ^bb0(%i: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%g: f32):
  analog.yield %g : f32
  } : f32
  return
}

// -----

func.func @surrogate_c5(%x: f32, %p: f32) {
  // expected-error @below {{expected a tail region and 'wrt' exactly where the derivative yields reductions}}
  %r = analog.surrogate(%x, %p) value {
  ^bb0(%i: f32, %q: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%q: f32, %i: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
  } : f32
  return
}

// -----

func.func @surrogate_c6(%x: f32, %p: f32) {
  // expected-error @below {{expected 'wrt' to be an input from 1 to 1, got 2}}
  %r = analog.surrogate(%x, %p) wrt(2) value {
  ^bb0(%i: f32, %q: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%q: f32, %i: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
  } tail {
  ^bb0(%s: f32, %q: f32):
  analog.yield %s : f32
  } : f32
  return
}

// -----

func.func @surrogate_c7(%x: f32, %p: f32) {
  // expected-error @below {{expected the tail region to take 3 arguments, got 2}}
  %r = analog.surrogate(%x, %p) wrt(1) value {
  ^bb0(%i: f32, %q: f32):
  analog.yield %i : f32
  } derivative {
  ^bb0(%q: f32, %i: f32, %g: f32):
  analog.yield %g : f32 reduce(%g, %g : f32, f32)
  } tail {
  ^bb0(%s: f32, %q: f32):
  analog.yield %s : f32
  } : f32
  return
}

// -----

func.func @surrogate_c8(%x: f32) {
  // expected-error @below {{expected one saved result for each of 1 bits, got 0}}
  %r = analog.surrogate(%x) value {
  ^bb0(%i: f32):
  %o = arith.cmpf ogt, %i, %i : f32
  analog.yield %i : f32 bits(%o)
  } derivative {
  ^bb0(%o: i1, %g: f32):
  analog.yield %g : f32
  } : f32
  return
}
