// The examples of effects in code for lesser CPUs: the bits of the evaluator where data are integers, else within the rounding of sums
// (the tolerances are those of effects.mlir and effects-accumulators.mlir).
// REQUIRES: x86_64, avx2
// RUN: %python %S/Inputs/codes.py %t.127 33 70 35 127
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/ir_drop.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/bit_slices.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --size 2=2 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/shifted_input.mlir layer --size 0=17x131 --size 1=50x131 --arg 1=7 --size 2=3 --arg 2=0.125 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/stuck_cells.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/learned_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=2.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/lsq_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3x50 --size 3=3x50 --arg 2=1.5 --arg 3=2.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/reram_noise.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/saturation.mlir per_tile --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=0.25 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: env MHO_ISA=avx2 mho-run %S/../../examples/effects/self_heating.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/ir_drop.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/bit_slices.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --size 2=2 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/shifted_input.mlir layer --size 0=17x131 --size 1=50x131 --arg 1=7 --size 2=3 --arg 2=0.125 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/stuck_cells.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/learned_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=2.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/lsq_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3x50 --size 3=3x50 --arg 2=1.5 --arg 3=2.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/reram_noise.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/saturation.mlir per_tile --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=0.25 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: env MHO_ISA=generic mho-run %S/../../examples/effects/self_heating.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// EQUAL: equal to the reference: largest difference 0 of
// EQUAL: gradient of argument 0, equal to the reference: largest difference 0 of
// EQUAL: gradient of argument 1, equal to the reference: largest difference 0 of
// CLOSE: equal to the reference
// CLOSE: gradient of argument 0, equal to the reference
// CLOSE: gradient of argument 1, equal to the reference
