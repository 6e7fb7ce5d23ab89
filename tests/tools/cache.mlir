// Kernels on disk, as a user of a tool meets them: a second process takes the kernel from the cache; an entry that is cut off,
// changed, empty or a folder's place taken is compiled anew with the right result; a cache that cannot be written is a warning.
// RUN: rm -rf %t.cache
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=COMPILED
// RUN: env MHO_CACHE_DIR=%t.cache mho cache | FileCheck %s --check-prefix=ONE
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=TAKEN
// RUN: %python %S/Inputs/damage.py %t.cache cut
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=COMPILED
// RUN: %python %S/Inputs/damage.py %t.cache change
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=COMPILED
// RUN: %python %S/Inputs/damage.py %t.cache empty
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=COMPILED
// RUN: env MHO_CACHE_DIR=%t.cache MHO_TIME=1 mho-run %s --check 2>&1 | FileCheck %s --check-prefix=TAKEN
// RUN: env MHO_CACHE_DIR=%t.cache mho cache | FileCheck %s --check-prefix=ONE
// RUN: env MHO_CACHE_DIR=%s mho-run %s --check 2>&1 | FileCheck %s --check-prefix=NOFOLDER
// RUN: env MHO_CACHE_DIR=/dev/null/x mho-run %s --check 2>&1 | FileCheck %s --check-prefix=NOFOLDER
// RUN: env MHO_CACHE=off MHO_CACHE_DIR=%t.off mho-run %s --check | FileCheck %s --check-prefix=RIGHT
// RUN: not ls %t.off
// RUN: env MHO_CACHE_DIR=%t.cache mho doctor
// RUN: env MHO_CACHE_DIR=%t.cache mho cache | FileCheck %s --check-prefix=TWO
// COMPILED: object {{.*}} ms
// COMPILED: equal to the reference
// ONE: 1 kernels
// TWO: 2 kernels
// TAKEN-NOT: object {{.*}} ms
// TAKEN: cache hit {{.*}} ms
// TAKEN: equal to the reference
// NOFOLDER: mho: warning: {{.*}}set MHO_CACHE_DIR to a folder of your own, or MHO_CACHE=off
// NOFOLDER: equal to the reference
// RIGHT: equal to the reference
func.func @layer(%x: tensor<5x70xf32>, %w: tensor<33x70xf32>) -> tensor<5x33xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %a = analog.mvm %x, %w : tensor<5x70xf32>, tensor<33x70xf32> -> tensor<2x5x33xf32>
  %y = analog.accumulate %a : (tensor<2x5x33xf32>) -> tensor<5x33xf32>
  return %y : tensor<5x33xf32>
}
