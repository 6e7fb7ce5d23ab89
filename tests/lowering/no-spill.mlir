// The accumulators of the micro-kernel stay in registers: the multiply-add loops of forward and both gradients, with converters
// and noise around them, touch no stack. Checked on the assembly that this machine runs, for both x86 schedules that fit it.
// REQUIRES: x86_64, avx2
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s -o %t.mlir
// RUN: mho-translate --analog-to-asm %t.mlir | %python %S/Inputs/no_spill.py 3
// RUN: mho-translate --analog-to-asm --isa=avx2 %t.mlir | %python %S/Inputs/no_spill.py 3
// A spill by the frame pointer is one, too.
// RUN: not %python %S/Inputs/no_spill.py 1 < %S/Inputs/frame.s
#xbar = #analog.tiling<balanced, rows = 512>

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %n = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %n : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %o = analog.inject_noise %r scale(%beta over (t), %A over (t, n)) key(%key, stream = 1) {sigma = 0.1 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %q = analog.adc %o bound(%beta over (t), %A over (t, n)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
