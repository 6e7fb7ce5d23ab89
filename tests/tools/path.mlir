// Tools found through PATH, from another folder: they know their own code and keep kernels. (The quotes keep lit from putting the
// tool's path there.)
// RUN: rm -rf %t.cache && mkdir -p %t.elsewhere
// RUN: cd %t.elsewhere && env MHO_CACHE_DIR=%t.cache bash -c 'mho-"run" %s --check' 2>&1 | FileCheck %s --check-prefix=RIGHT
// RUN: cd %t.elsewhere && env MHO_CACHE_DIR=%t.cache MHO_TIME=1 bash -c 'mho-"run" %s --check' 2>&1 | FileCheck %s --check-prefix=HIT
// RUN: cd %t.elsewhere && env MHO_CACHE_DIR=%t.cache bash -c '"mho" doctor' | FileCheck %s --check-prefix=DOCTOR
// RIGHT-NOT: warning
// RIGHT: equal to the reference
// HIT: cache hit
// HIT: equal to the reference
// DOCTOR: kernel {{.*}} was right
func.func @layer(%x: tensor<5x70xf32>, %w: tensor<33x70xf32>) -> tensor<5x33xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %a = analog.mvm %x, %w : tensor<5x70xf32>, tensor<33x70xf32> -> tensor<2x5x33xf32>
  %y = analog.accumulate %a : (tensor<2x5x33xf32>) -> tensor<5x33xf32>
  return %y : tensor<5x33xf32>
}
