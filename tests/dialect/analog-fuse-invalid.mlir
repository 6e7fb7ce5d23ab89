// What analog-fuse refuses, with the reason.
// RUN: mho-opt --analog-fuse %s -split-input-file -verify-diagnostics

// expected-error @below {{not fused: expected @two_results to return the sum over tiles alone, got 2 results}}
func.func @two_results(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> (tensor<?x6xf32>, tensor<2x6xf32>)
    attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  %p = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y, %a : tensor<?x6xf32>, tensor<2x6xf32>
}

// -----

func.func @planes_of_no_mvm(%p: tensor<2x?x6xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{not fused: expected the planes of one analog.mvm behind the effects}}
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @computed_weight(%x: tensor<?x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{not fused: expected the weight to be a function argument behind its effects}}
  %w = arith.constant dense<1.0> : tensor<6x8xf32>
  %p = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @computed_bias(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %b = arith.constant dense<1.0> : tensor<6xf32>
  %p = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  // expected-error @below {{not fused: expected the bias to be a function argument}}
  %y = analog.accumulate %p bias(%b) : (tensor<2x?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @computed_scale(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %s = arith.constant dense<1.0> : tensor<2xf32>
  // expected-error @below {{not fused: expected its parameters to be function arguments or analog.absmax}}
  %c = analog.quantize_input %x range(%s over (t)) {half_levels = 7.0 : f32} : tensor<?x8xf32>, tensor<2xf32> -> tensor<?x8xf32>
  %p = analog.mvm %c, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @absmax_of_an_effect(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %k: tensor<2xi64>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %n = analog.inject_noise %w scale() key(%k, stream = 0) {sigma = 0.1 : f32} : (tensor<6x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  // expected-error @below {{not fused: expected the largest absolute value of the layer's raw input or weight}}
  %a = analog.absmax %n per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  %q = analog.quantize_weight %n scale(%a over (t, n)) {half_levels = 7.0 : f32} : tensor<6x8xf32>, tensor<2x6xf32> -> tensor<6x8xf32>
  %p = analog.mvm %x, %q : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @row_of_the_weight(%x: tensor<6x8xf32>, %w: tensor<6x8xf32>) -> tensor<6x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{not fused: expected 'per row' for the input and 'per channel' or 'per tensor' for the weight}}
  %a = analog.absmax %w per row : tensor<6x8xf32> -> tensor<2x6xf32>
  %c = analog.quantize_input %x range(%a over (t, m)) {half_levels = 7.0 : f32} : tensor<6x8xf32>, tensor<2x6xf32> -> tensor<6x8xf32>
  %p = analog.mvm %c, %w : tensor<6x8xf32>, tensor<6x8xf32> -> tensor<2x6x6xf32>
  %y = analog.accumulate %p : (tensor<2x6x6xf32>) -> tensor<6x6xf32>
  return %y : tensor<6x6xf32>
}

// -----

func.func @scale_over_outputs_on_the_input(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %s: tensor<?xf32>, %k: tensor<2xi64>) -> tensor<?x6xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  // expected-error @below {{not fused: expected its scales to vary over axes of the elements it acts on, got (n)}}
  %c = analog.inject_noise %x scale(%s over (n)) key(%k, stream = 3) {sigma = 0.5 : f32} : (tensor<?x8xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %p = analog.mvm %c, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

analog.effect @read on tile(%y) accumulators(%q = scaled * w) params(%a over (t)) surrogate(straight_through) {
  %r = arith.addf %y, %q : f32
  analog.yield %r : f32
} inputs(%x) yields(scaled) {
  %scaled = arith.mulf %x, %a : f32
  analog.yield %scaled : f32
} weights(%w)
func.func @statistic_of_the_other_side(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %a = analog.absmax %w per tensor : tensor<6x8xf32> -> tensor<2xf32>
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  // expected-error @below {{not fused: expected parameter 'a' to be no statistic of the weight, as the effect's inputs read it}}
  %y0 = analog.apply @read %acc params(%a over (t)) : (tensor<2x?x6xf32>, tensor<2xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @storage_c1(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf16> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %p = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  // expected-error @below {{not fused: expected a conversion of the sum to f16 or bf16 that rounds to nearest}}
  %ys = arith.truncf %y toward_zero : tensor<?x6xf32> to tensor<?x6xf16>
  return %ys : tensor<?x6xf16>
}

// -----

func.func @storage_between_effects(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %b: tensor<2xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<?x8xf32>, tensor<2xf32> -> tensor<?x8xf32>
  // expected-error @below {{not fused: expected the input to be a function argument behind its effects}}
  %short = arith.truncf %c : tensor<?x8xf32> to tensor<?x8xf16>
  %wide = arith.extf %short : tensor<?x8xf16> to tensor<?x8xf32>
  %p = analog.mvm %wide, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %p : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
