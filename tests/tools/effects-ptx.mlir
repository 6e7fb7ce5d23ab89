// Effects that are text, as CUDA C++ compiled by NVRTC and executed by the interpreter of PTX, against the evaluator: three
// tiles, ragged shapes, forward and backward. No GPU is involved. The data are integers but for the noise, whose sums are
// rounded in another order: the tolerance is that of effects.mlir.
// REQUIRES: nvrtc
// RUN: mho-run %S/../../examples/effects/reram_noise.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131  --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131  --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/self_heating.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131  --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131 --size 2=3 --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/ir_drop.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131 --size 2=3 --arg 2=2 --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/bit_slices.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131 --size 2=3 --arg 2=127 --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: %python %S/Inputs/codes.py %t.7 33 70 35 7
// RUN: mho-run %S/../../examples/effects/shifted_input.mlir layer --backend=ptx --size 0=5x70 --arg 1=%t.7/w.npy --size 2=2 --arg 2=0.25 --gradient --check | FileCheck %s
// RUN: mho-run %S/../../examples/effects/stuck_cells.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131  --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/learned_clip.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131 --size 2=3 --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/../../examples/effects/lsq_clip.mlir layer --backend=ptx --size 0=17x131 --size 1=70x131 --size 2=3x70 --size 3=3x70 --arg 2=1.5 --arg 3=2 --gradient --check --tolerance=1e-3 | FileCheck %s
// RUN: mho-run %S/elementary.mlir layer --backend=ptx --size 0=5x70 --size 1=33x70 --check | FileCheck %s
// RUN: mho-run %S/effects.mlir indices --backend=ptx --size 0=5x70 --size 1=33x70 --check | FileCheck %s
// RUN: mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=0x5 --size 1=3x5 --gradient --check | FileCheck %s
// RUN: mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=3x0 --size 1=3x0 --gradient --check | FileCheck %s

// What explain says of the text and, by its assembler, of the machine code.
// RUN: mho explain "tile=balanced:256 range=given dac weight_noise output_noise adc adc_mask bias" --cuda=sm_90 | FileCheck %s --check-prefix=CUDA
// RUN: mho explain --cuda=prelude | FileCheck %s --check-prefix=PRELUDE
// RUN: not mho explain "dac range=given" --cuda=sm_12 2>&1 | FileCheck %s --check-prefix=OLD

// A stage of its own for each form; an edited text is what is compiled.
// RUN: rm -rf %t && mkdir %t %t/edited
// RUN: env MHO_DUMP_DIR=%t/dump mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=1x1 --size 1=1x1 --arg 0=3 --arg 1=2 --print | FileCheck %s --check-prefix=STAGES
// RUN: %python %S/Inputs/edit_cuda.py %t/dump %t/edited
// RUN: env MHO_OVERRIDE_DIR=%t/edited mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=1x1 --size 1=1x1 --arg 0=3 --arg 1=2 --print | FileCheck %s --check-prefix=EDITED
// RUN: %python %S/Inputs/edit_cuda.py %t/dump %t/edited --break
// RUN: env MHO_OVERRIDE_DIR=%t/edited not mho-run %S/../../examples/effects/saturation.mlir layer --backend=ptx --size 0=1x1 --size 1=1x1 2>&1 | FileCheck %s --check-prefix=BROKEN

// CHECK: equal to the reference
// CUDA: // @linear, forward: contraction over k, tiles of balanced 256, 1 accumulator(s).
// CUDA: // @linear_dx, gradient of the input
// CUDA: sm_90, as its assembler says; nothing was run
// CUDA: Compiling entry function 'mho_linear' for 'sm_90'
// CUDA-NEXT: Function properties for mho_linear
// CUDA-NEXT: 0 bytes spill stores, 0 bytes spill loads
// PRELUDE: Four random words of a counter: Philox4x32-10
// OLD: it knows sm_75 sm_80
// STAGES: 1x1: [[VALUE:.+]]
// EDITED: 1x1: 1000
// BROKEN: compile stage 'ptx' of layer-{{.*}} failed: NVRTC
// BROKEN: line {{[0-9]+}}: no_such_function();
