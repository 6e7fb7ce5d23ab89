// What mho-run, mho-translate and mho-opt say of files and options that cannot be: a message, the documented status, no crash.
// Of mho-run: 2 wrong usage, 3 a file, function or size that does not fit, 4 a failed compilation.
// RUN: split-file %s %t

// Malformed files are shown with file, line, column and the source line.
// RUN: %exits 3 mho-run %t/malformed.mlir | FileCheck %s --check-prefix=MALFORMED
// RUN: %exits 1 mho-opt %t/malformed.mlir | FileCheck %s --check-prefix=MALFORMED
// RUN: %exits 1 mho-translate --analog-to-asm %t/malformed.mlir | FileCheck %s --check-prefix=MALFORMED
// RUN: %exits 3 mho-run %t/unverified.mlir | FileCheck %s --check-prefix=UNVERIFIED
// MALFORMED: malformed.mlir:3:8: error: {{.*}}analog.nonsense
// MALFORMED: %y = analog.nonsense %x
// MALFORMED: ^
// UNVERIFIED: unverified.mlir:3:8: error: 'analog.mvm' op
// UNVERIFIED: %a = analog.mvm
// UNVERIFIED: cannot read
// RUN: %exits 3 mho-run %t | FileCheck %s --check-prefix=FOLDER
// FOLDER: mho-run: cannot read

// An effect's parameters and strengths are shown where the text declares them, and no op of the compiler with them.
// RUN: %exits 3 mho-run %t/axes.mlir | FileCheck %s --check-prefix=AXES --implicit-check-not="current operation"
// RUN: %exits 3 mho-run %t/infinite.mlir | FileCheck %s --check-prefix=INFINITE --implicit-check-not="current operation"
// RUN: %exits 3 mho-run %t/unlearned.mlir | FileCheck %s --check-prefix=UNLEARNED --implicit-check-not="current operation"
// RUN: %exits 2 mho explain "tile=balanced:64" --effect=%t/axes.mlir | FileCheck %s --check-prefix=TEXT --implicit-check-not="current operation"
// RUN: %exits 4 mho-run %t/sum.mlir --size 0=2x2 --size 1=2x2 --gradient | FileCheck %s --check-prefix=SUM --implicit-check-not="current operation"
// AXES: axes.mlir:2:25: error: expected parameter 'b' of an effect on the input to vary over axes among (t, m, k), got (t, n)
// AXES-NEXT: params(%a over (t), %b over (t, n))
// AXES-NEXT: {{^ +\^}}
// INFINITE: infinite.mlir:2:35: error: expected strength 's' to be finite, got INF
// UNLEARNED: unlearned.mlir:2:12: error: expected surrogate(derived) or surrogate(own) of an effect that learns the parameter 'a', got surrogate(masked)
// TEXT: mho explain: {{.*}}axes.mlir:2:25: expected parameter 'b'
// SUM: mho-run: compile stage 'differentiate' of {{.*}} failed: {{.*}}sum.mlir:2:8: the derivative of 'arith.mulf' needs the sum over the tiles, which is not kept for backward; an effect on the tile has
// SUM-NEXT: the IR it was given is in

// Modules and functions that there is nothing to run of.
// RUN: %exits 3 mho-run %t/empty.mlir | FileCheck %s --check-prefix=EMPTY
// RUN: %exits 1 mho-translate --analog-to-asm %t/empty.mlir | FileCheck %s --check-prefix=NOTHING
// RUN: %exits 3 mho-run %t/functions.mlir external --backend=reference | FileCheck %s --check-prefix=EXTERNAL
// RUN: %exits 4 mho-run %t/functions.mlir external | FileCheck %s --check-prefix=NOBODY
// RUN: %exits 4 mho-run %t/functions.mlir identity | FileCheck %s --check-prefix=IDENTITY
// RUN: %exits 4 mho-run %t/functions.mlir two_layers | FileCheck %s --check-prefix=LAYERS
// RUN: %exits 1 mho-translate --analog-to-asm %t/functions.mlir | FileCheck %s --check-prefix=UNFUSED
// RUN: %exits 1 mho-translate --analog-to-asm %t/identity.mlir | FileCheck %s --check-prefix=TRANSLATE
// RUN: %exits 1 mho-translate --analog-to-llvmir %t/identity.mlir | FileCheck %s --check-prefix=TRANSLATE
// RUN: %exits 1 mho-translate --analog-to-object %t/identity.mlir | FileCheck %s --check-prefix=TRANSLATE
// EMPTY: empty.mlir' has no function
// NOTHING: error: the file has no function: nothing to translate
// EXTERNAL: expected @external to have a body
// NOBODY: @external is not one fused kernel: it has no body
// IDENTITY: @identity is not one fused kernel: it holds no analog.tiled_mvm; --backend=reference runs any function
// LAYERS: mho-run: compile stage 'fuse' of two_layers-{{.*}} failed: {{.*}}functions.mlir:[[#]]:8: not fused: expected the input to be a function argument
// LAYERS-NEXT: the IR it was given is in {{.*}}.before-fuse.mlir
// UNFUSED: error: compile stage 'fuse' of {{.*}} failed: {{.*}}functions.mlir:[[#]]:8: not fused:
// TRANSLATE: error: @identity is not one fused kernel: it holds no analog.tiled_mvm

// Gradients need a result, and one that is a matrix.
// RUN: %exits 3 mho-run %t/functions.mlir silent --gradient | FileCheck %s --check-prefix=SILENT
// RUN: %exits 3 mho-run %t/functions.mlir silent --gradient --backend=reference | FileCheck %s --check-prefix=SILENT
// RUN: %exits 3 mho-run %t/functions.mlir scale --grad 1 | FileCheck %s --check-prefix=VECTOR
// SILENT: --gradient: @silent has no result
// VECTOR: --gradient: the first result of @scale is no matrix of reals

// Arguments that the tool cannot make, on every backend.
// RUN: %exits 3 mho-run %t/arguments.mlir buffer | FileCheck %s --check-prefix=BUFFER
// RUN: %exits 3 mho-run %t/arguments.mlir buffer --backend=reference | FileCheck %s --check-prefix=BUFFER
// RUN: %exits 3 mho-run %t/arguments.mlir unranked | FileCheck %s --check-prefix=UNRANKED
// RUN: %exits 3 mho-run %t/arguments.mlir wide | FileCheck %s --check-prefix=WIDE
// RUN: %exits 3 mho-run %t/arguments.mlir integer | FileCheck %s --check-prefix=INTEGER
// RUN: %exits 3 mho-run %t/value.mlir | FileCheck %s --check-prefix=MISPLACED
// RUN: %exits 3 mho-run %t/value.mlir --backend=reference | FileCheck %s --check-prefix=MISPLACED
// MISPLACED: analog.value
// BUFFER: argument 0 of @buffer is a memref<2x2xf32>; this tool makes f32 numbers and ranked tensors
// UNRANKED: argument 0 of @unranked is a tensor<*xf32>; this tool makes
// WIDE: argument 0 of @wide is a tensor<2x2xf64>; this tool makes
// INTEGER: argument 0 of @integer is a i64; this tool makes

// Keys: whole numbers, the step below 2^32.
// RUN: %exits 3 mho-run %t/layer.mlir noisy --arg 2=5000000000 | FileCheck %s --check-prefix=STEP
// RUN: %exits 3 mho-run %t/layer.mlir noisy --arg 2=5000000000 --backend=reference | FileCheck %s --check-prefix=STEP
// RUN: %exits 3 mho-run %t/layer.mlir noisy --arg 2=-1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: %exits 3 mho-run %t/layer.mlir noisy --arg 2=1.5 | FileCheck %s --check-prefix=WHOLE
// RUN: %exits 3 mho-run %t/layer.mlir noisy --arg 2=1e300 | FileCheck %s --check-prefix=WHOLE
// STEP: argument 2 is a key (seed, step) of step 5000000000; expected 0 to 4294967295
// NEGATIVE: argument 2 is a key (seed, step) of step -1
// WHOLE: --arg=2: '1{{.*}}' is no whole number

// Sizes: what would not fit is refused before it is made, planes and results as well.
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=99999999x99999999 --size 1=2x3 | FileCheck %s --check-prefix=HUGE
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=9000x8192 --size 1=9000x8192 | FileCheck %s --check-prefix=HUGE
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=50000x1 --size 1=50000x1 | FileCheck %s --check-prefix=PLANES
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=50000x1 --size 1=50000x1 --backend=reference | FileCheck %s --check-prefix=PLANES
// RUN: mho-opt --analog-fuse %t/plain.mlir -o %t/fused.mlir
// RUN: %exits 3 mho-run %t/fused.mlir --size 0=50000x1 --size 1=50000x1 | FileCheck %s --check-prefix=PLANES
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=2x3 --size 0=2x4 --size 1=2x3 | FileCheck %s --check-prefix=TWICE
// RUN: %exits 3 mho-run %t/layer.mlir plain --arg 0=1 --arg 0=2 | FileCheck %s --check-prefix=ARGTWICE
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=-2x3 --size 1=2x3 | FileCheck %s --check-prefix=MINUS
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 0=2x3 --arg 0=x.npy | FileCheck %s --check-prefix=FILESIZE
// HUGE: the arguments of @plain have more than the 134217728 elements that this tool holds
// PLANES: the arguments and the products of tiles of @{{.*}} have more than the 134217728 elements
// TWICE: --size is given twice for argument 0: 2x3 and 2x4
// ARGTWICE: --arg is given twice for argument 0: 1 and 2
// MINUS: --size: '-2' is no size
// FILESIZE: --size=0=2x3: argument 0 has the sizes of its file 'x.npy'

// A strength's value belongs to its attribute.
// RUN: mho-opt --analog-fuse %t/noisy.mlir -o %t/strength.mlir
// RUN: %exits 3 mho-run %t/strength.mlir --arg 3=7 | FileCheck %s --check-prefix=STRENGTH
// STRENGTH: argument 3 has its value from its attribute analog.value; change it there

// Options.
// RUN: %exits 2 mho-run %t/layer.mlir plain --time=0 | FileCheck %s --check-prefix=TIME
// RUN: %exits 2 mho-run %t/layer.mlir plain --time=-3 | FileCheck %s --check-prefix=TIME
// RUN: %exits 2 mho-run %t/layer.mlir plain --check --tolerance=-1 | FileCheck %s --check-prefix=TOLERANCE
// RUN: %exits 2 mho-run %t/layer.mlir plain --check --tolerance=nan | FileCheck %s --check-prefix=TOLERANCE
// RUN: %exits 2 mho-run %t/layer.mlir plain --tolerance=1 | FileCheck %s --check-prefix=UNCHECKED
// RUN: %exits 2 mho-run %t/layer.mlir plain --backend=reference --check | FileCheck %s --check-prefix=CHECK
// RUN: %exits 2 mho-run %t/layer.mlir plain --backend=reference --time=3 | FileCheck %s --check-prefix=REFTIME
// RUN: %exits 2 mho-run %t/layer.mlir plain --backend=gpu --size 0=2x3 --size 1=2x3 | FileCheck %s --check-prefix=BACKEND
// RUN: %exits 2 mho-run %t/layer.mlir plain --speed | FileCheck %s --check-prefix=SPEED
// RUN: %exits 2 mho-run %t/layer.mlir plain extra | FileCheck %s --check-prefix=EXTRA
// RUN: %exits 3 mho-run %t/layer.mlir plain --size 9=2x3 | FileCheck %s --check-prefix=POSITION
// TIME: --time={{0|-3}}: expected 1 to 1000000 runs
// TOLERANCE: --tolerance={{.*}}: expected 0 or a positive number
// UNCHECKED: --tolerance is for --check
// CHECK: --check is about a backend, and --backend=reference is what backends are compared with
// REFTIME: --time is about a backend
// BACKEND: unknown backend 'gpu'; known: cpu, reference
// SPEED: Unknown command line argument '--speed'
// EXTRA: Too many positional arguments
// POSITION: --size=9=2x3 is not <argument>=<value> with an argument below 2

//--- malformed.mlir
func.func @layer(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // The next line is wrong.
  %y = analog.nonsense %x : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

//--- unverified.mlir
func.func @layer(%x: tensor<2x3xf32>, %w: tensor<2x4xf32>) -> tensor<1x2x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  // The factors differ in K.
  %a = analog.mvm %x, %w : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<1x2x2xf32>
  return %a : tensor<1x2x2xf32>
}

//--- axes.mlir
analog.effect @bad on input(%x)
    params(%a over (t), %b over (t, n))
    strengths(%s = 1.0) surrogate(straight_through) {
  analog.yield %x : f32
}

//--- infinite.mlir
analog.effect @bad on input(%x)
    params(%a over (t)) strengths(%s = 1.0e39) surrogate(straight_through) {
  analog.yield %x : f32
}

//--- unlearned.mlir
analog.effect @bad on tile(%x)
    params(%a over (t) learnable) strengths(%s = 1.0) surrogate(masked) {
  %true = arith.constant true
  analog.yield %x : f32 bits(%true)
}

//--- sum.mlir
analog.effect @power on output(%y) surrogate(derived) {
  %r = arith.mulf %y, %y : f32
  analog.yield %r : f32
}
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %s = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @power %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- empty.mlir
module {}

//--- functions.mlir
func.func private @external(tensor<2x2xf32>) -> tensor<2x2xf32>

func.func @identity(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

func.func @silent(%x: tensor<2x2xf32>) {
  return
}

func.func @scale(%w: tensor<2x2xf32>) -> tensor<1xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %A = analog.absmax %w per tensor : tensor<2x2xf32> -> tensor<1xf32>
  return %A : tensor<1xf32>
}

func.func @two_layers(%x: tensor<2x2xf32>, %w: tensor<2x2xf32>) -> tensor<2x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %a = analog.mvm %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %h = analog.accumulate %a : (tensor<1x2x2xf32>) -> tensor<2x2xf32>
  %b = analog.mvm %h, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %y = analog.accumulate %b : (tensor<1x2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

//--- identity.mlir
func.func @identity(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

//--- arguments.mlir
func.func @buffer(%x: memref<2x2xf32>) {
  return
}

func.func @unranked(%x: tensor<*xf32>) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}

func.func @wide(%x: tensor<2x2xf64>) -> tensor<2x2xf64> {
  return %x : tensor<2x2xf64>
}

func.func @integer(%x: i64) -> i64 {
  return %x : i64
}

//--- value.mlir
func.func @value(%x: tensor<2x2xf32> {analog.value = 1.0 : f32}) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

//--- plain.mlir
func.func @fused(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- noisy.mlir
func.func @fused(%x: tensor<2x3xf32>, %w: tensor<2x3xf32>, %key: tensor<2xi64>) -> tensor<2x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %A = analog.absmax %w per channel : tensor<2x3xf32> -> tensor<1x2xf32>
  %n = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<2x3xf32>, tensor<1x2xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %a = analog.mvm %x, %n : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<1x2x2xf32>
  %y = analog.accumulate %a : (tensor<1x2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

//--- layer.mlir
func.func @plain(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @noisy(%x: tensor<2x3xf32>, %w: tensor<2x3xf32>, %key: tensor<2xi64>) -> tensor<2x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 8>} {
  %A = analog.absmax %w per channel : tensor<2x3xf32> -> tensor<1x2xf32>
  %n = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.1 : f32} : (tensor<2x3xf32>, tensor<1x2xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %a = analog.mvm %x, %n : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<1x2x2xf32>
  %y = analog.accumulate %a : (tensor<1x2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
