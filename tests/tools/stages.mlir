// The stage loop as a user of a tool meets it: dumps, a stop, overrides, times; two layers of one name, and a strength.
// RUN: rm -rf %t && split-file %s %t

// A kernel that the cache has is dumped all the same; units carry the digest of their content, so that layers do not meet.
// RUN: env MHO_CACHE_DIR=%t/cache mho-run %t/wide.mlir --check
// RUN: env MHO_CACHE_DIR=%t/cache MHO_DUMP_DIR=%t/dump mho-run %t/wide.mlir --check
// RUN: env MHO_CACHE_DIR=%t/cache MHO_DUMP_DIR=%t/dump mho-run %t/narrow.mlir --check
// RUN: ls %t/dump | FileCheck %s --check-prefix=DUMP
// RUN: ls %t/dump | wc -l | FileCheck %s --check-prefix=FILES
// DUMP-DAG: layer-[[WIDE:[0-9a-f]+]].0-algebra.mlir
// DUMP-DAG: layer-[[WIDE]].1-fuse.mlir
// DUMP-DAG: layer-[[NARROW:[0-9a-f]+]].0-algebra.mlir
// DUMP-DAG: layer-[[NARROW]].1-fuse.mlir
// DUMP-DAG: layer-[[A:[0-9a-f]+]].3-schedule.mlir
// DUMP-DAG: layer-[[A]].4-vector.mlir
// DUMP-DAG: layer-[[A]].5-llvm.mlir
// DUMP-DAG: layer-[[A]].6-llvmir.ll
// DUMP-DAG: layer-[[A]].7-object.o
// DUMP-DAG: layer-[[B:[0-9a-f]+]].3-schedule.mlir
// FILES: {{^}}14{{$}}

// An override holds for the layer whose file it is, and for no other.
// RUN: mkdir %t/other
// RUN: env MHO_DUMP_DIR=%t/other mho-run %t/wide.mlir
// RUN: env MHO_OVERRIDE_DIR=%t/other mho-run %t/narrow.mlir --check 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: env MHO_OVERRIDE_DIR=%t/other mho-run %t/wide.mlir --check 2>&1 | FileCheck %s --check-prefix=TOOK
// RUN: env MHO_OVERRIDE_DIR=%t/nowhere not mho-run %t/wide.mlir --check 2>&1 | FileCheck %s --check-prefix=NOWHERE
// OTHER-NOT: took
// OTHER: equal to the reference
// TOOK: took {{.*}}7-object.o instead
// TOOK: equal to the reference
// NOWHERE: MHO_OVERRIDE_DIR='{{.*}}nowhere' is no folder

// A layer's own stages come first and are stages like the others (mho doctor runs a layer).
// RUN: env MHO_CACHE_DIR=%t/cache MHO_DUMP_DIR=%t/layer mho doctor
// RUN: ls %t/layer/linear-*.0-algebra.mlir %t/layer/linear-*.1-fuse.mlir %t/layer/linear-*.3-schedule.mlir
// RUN: env MHO_DUMP_DIR=%t/layer MHO_STOP_AFTER=fuse not mho doctor 2>&1 | FileCheck %s --check-prefix=FUSE
// RUN: env MHO_STOP_AFTER=fusion not mho doctor 2>&1 | FileCheck %s --check-prefix=FUSION
// RUN: cat %t/layer/linear-*.1-fuse.mlir | FileCheck %s --check-prefix=FUSED
// FUSE: stopped after compile stage 'fuse' of {{linear|layer}}-{{[0-9a-f]+}} as MHO_STOP_AFTER says; its result is in {{.*}}1-fuse.mlir
// FUSION: 'fusion' is no compile stage; stages: algebra, fuse, differentiate, schedule, vector, llvm, llvmir, object
// FUSED: analog.tiled_mvm

// mho-run has the same stages, those of the gradients where they are asked for; a stop comes before any later stage.
// RUN: env MHO_DUMP_DIR=%t/run MHO_STOP_AFTER=fuse %exits 4 mho-run %t/wide.mlir | FileCheck %s --check-prefix=FUSE
// RUN: cat %t/run/layer-*.1-fuse.mlir | FileCheck %s --check-prefix=FUSED
// RUN: ls %t/run | wc -l | FileCheck %s --check-prefix=TWO
// RUN: env MHO_DUMP_DIR=%t/gradients MHO_STOP_AFTER=differentiate %exits 4 mho-run %t/wide.mlir --gradient | FileCheck %s --check-prefix=DIFFERENTIATE
// RUN: cat %t/gradients/layer-*.2-differentiate.mlir | FileCheck %s --check-prefix=GRADIENTS
// RUN: env MHO_STOP_AFTER=fusion %exits 4 mho-run %t/wide.mlir | FileCheck %s --check-prefix=FUSION
// TWO: {{^}}2{{$}}
// DIFFERENTIATE: stopped after compile stage 'differentiate' of layer-{{[0-9a-f]+}} as MHO_STOP_AFTER says; its result is in {{.*}}2-differentiate.mlir
// GRADIENTS: func.func @layer(
// GRADIENTS: func.func @layer_dx(
// GRADIENTS: func.func @layer_dw(

// A layer's fused form may be edited; one without the layer's function is refused.
// RUN: mkdir %t/edited
// RUN: env MHO_DUMP_DIR=%t/edited mho-run %t/wide.mlir --gradient --check
// RUN: rm %t/edited/layer-*.[02345678]-*
// RUN: sed -i 's/func.func @layer/func.func @renamed/' %t/edited/layer-*.1-fuse.mlir
// RUN: env MHO_OVERRIDE_DIR=%t/edited %exits 4 mho-run %t/wide.mlir --gradient | FileCheck %s --check-prefix=RENAMED
// RENAMED: no function @layer in what the layer's compile stages gave

// Another strength is no other kernel.
// RUN: sed 's/half_levels = 4.0/half_levels = 3.0/' %t/dac.mlir > %t/weaker.mlir
// RUN: env MHO_CACHE_DIR=%t/strengths mho-run %t/dac.mlir --arg 2=4 --check | FileCheck %s --check-prefix=RIGHT
// RUN: env MHO_CACHE_DIR=%t/strengths MHO_TIME=1 mho-run %t/weaker.mlir --arg 2=3 --check 2>&1 | FileCheck %s --check-prefix=HIT
// RUN: env MHO_CACHE_DIR=%t/strengths mho cache | FileCheck %s --check-prefix=ONE
// RIGHT: equal to the reference
// HIT: mho: layer-{{[0-9a-f]+}} {{ *}}cache hit {{.*}} ms
// HIT: equal to the reference
// ONE: 1 kernels

//--- wide.mlir
func.func @layer(%x: tensor<5x70xf32>, %w: tensor<33x70xf32>) -> tensor<5x33xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %a = analog.mvm %x, %w : tensor<5x70xf32>, tensor<33x70xf32> -> tensor<2x5x33xf32>
  %y = analog.accumulate %a : (tensor<2x5x33xf32>) -> tensor<5x33xf32>
  return %y : tensor<5x33xf32>
}
//--- narrow.mlir
func.func @layer(%x: tensor<3x9xf32>, %w: tensor<2x9xf32>) -> tensor<3x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %a = analog.mvm %x, %w : tensor<3x9xf32>, tensor<2x9xf32> -> tensor<3x3x2xf32>
  %y = analog.accumulate %a : (tensor<3x3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
//--- dac.mlir
func.func @layer(%x: tensor<3x9xf32>, %w: tensor<2x9xf32>, %beta: tensor<1xf32>) -> tensor<3x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 0>} {
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<3x9xf32>, tensor<1xf32> -> tensor<3x9xf32>
  %a = analog.mvm %c, %w : tensor<3x9xf32>, tensor<2x9xf32> -> tensor<1x3x2xf32>
  %y = analog.accumulate %a : (tensor<1x3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
