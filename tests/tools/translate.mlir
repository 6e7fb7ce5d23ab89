// mho-translate: a layer, its fused kernel and its gradients as LLVM IR, assembly and an object.
// RUN: mho-translate --analog-to-llvmir %s | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-asm %s | FileCheck %s --check-prefix=ASM
// RUN: mho-translate --analog-to-object %s -o %t.o
// RUN: %python -c "import sys; assert open(sys.argv[1], 'rb').read(4) == b'\x7fELF'" %t.o
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | mho-translate --analog-to-asm | FileCheck %s --check-prefix=GRADIENTS
// RUN: mho-translate --analog-to-asm --isa=generic %s | FileCheck %s --check-prefix=ASM
// RUN: not mho-translate --analog-to-asm --isa=sse %s 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not mho-translate --analog-to-asm %s.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: echo "func.func @broken(" | not mho-translate --analog-to-asm 2>&1 | FileCheck %s --check-prefix=SYNTAX
// Effects that are text are in the kernels, and their gradients too.
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/bit_slices.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/ir_drop.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/learned_clip.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/lsq_clip.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/pcm_read_noise.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/reram_noise.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/saturation.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/self_heating.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/shifted_input.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-translate --analog-to-llvmir %S/../../examples/effects/stuck_cells.mlir | FileCheck %s --check-prefix=LLVMIR
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %S/../../examples/effects/saturation.mlir | mho-translate --analog-to-asm | FileCheck %s --check-prefix=GRADIENTS
// mho-opt has MLIR's clean-up passes beside its own.
// RUN: mho-opt --canonicalize --cse %s
// RUN: mho-translate --help | FileCheck %s --check-prefix=HELP
// LLVMIR: define void @layer_entry(ptr
// ASM: layer_entry:
// GRADIENTS-DAG: layer_entry:
// GRADIENTS-DAG: layer_dx_entry:
// GRADIENTS-DAG: layer_dw_entry:
// ISA: unknown instruction set 'sse'; there are: avx512, avx2, generic
// MISSING: No such file
// SYNTAX: error:
// HELP: --analog-to-object
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
