// The schedule of CUDA kernels: what the table gives, what an attribute of one's own keeps, what is refused.
// RUN: split-file %s %t
// RUN: mho-opt %t/kernel.mlir --analog-cuda-schedule | FileCheck %s --check-prefix=TABLE
// RUN: mho-opt %t/kernel.mlir --analog-cuda-schedule=math=bf16 | FileCheck %s --check-prefix=HALF
// RUN: mho-opt %t/reduction.mlir --analog-cuda-schedule=math=f16 | FileCheck %s --check-prefix=REDUCTION
// RUN: sed 's/SCHEDULE/{math = "tf32", row_groups = 1 : i64, warp_rows = 8 : i64, warp_columns = 1 : i64}/' %t/own.mlir | mho-opt --analog-cuda-schedule=math=f16 | FileCheck %s --check-prefix=OWN
// RUN: sed 's/SCHEDULE/{math = "f16", row_groups = 4 : i64, warp_rows = 2 : i64, warp_columns = 4 : i64, depth = 64 : i64}/' %t/own.mlir | mho-opt --convert-analog-to-cuda | FileCheck %s --check-prefix=TEXT
// RUN: not mho-opt %t/kernel.mlir --analog-cuda-schedule=math=fp8 2>&1 | FileCheck %s --check-prefix=MATH
// RUN: sed 's/SCHEDULE/{math = 3 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: sed 's/SCHEDULE/{buffers = 3 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=KEY
// RUN: sed 's/SCHEDULE/{depth = 48 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=DEPTH
// RUN: sed 's/SCHEDULE/{warp_rows = "many"}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: sed 's/SCHEDULE/{row_groups = 1 : i64, warp_rows = 2 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: sed 's/SCHEDULE/{warp_rows = 8 : i64, warp_columns = 4 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=WARPS
// RUN: sed 's/SCHEDULE/{row_groups = 4 : i64, warp_rows = 2 : i64, warp_columns = 4 : i64, depth = 128 : i64}/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=BYTES
// RUN: sed 's/SCHEDULE/7 : i64/' %t/own.mlir | not mho-opt --convert-analog-to-cuda 2>&1 | FileCheck %s --check-prefix=DICTIONARY

// TABLE:      {analog.cuda_schedule = {depth = 32 : i64, math = "fma", row_groups = 2 : i64, stages = 2 : i64, warp_columns = 2 : i64, warp_rows = 2 : i64}}
// HALF:       {analog.cuda_schedule = {depth = 64 : i64, math = "bf16", row_groups = 1 : i64, stages = 2 : i64, warp_columns = 1 : i64, warp_rows = 8 : i64}}
// REDUCTION:  {analog.cuda_schedule = {depth = 64 : i64, math = "f16", row_groups = 1 : i64, stages = 2 : i64, warp_columns = 1 : i64, warp_rows = 4 : i64}}
// OWN:        {analog.cuda_schedule = {depth = 32 : i64, math = "tf32", row_groups = 1 : i64, stages = 2 : i64, warp_columns = 1 : i64, warp_rows = 8 : i64}}
// TEXT:       // A CTA of 256 threads has 128 x 256 of the output, takes 64 of the contraction at a time, in 2 stages, and multiplies by f16.
// TEXT:       typedef mho::F16Math Math;
// MATH:       unknown math 'fp8'; there are: fma, tf32, f16, bf16
// NAME:       analog.cuda_schedule: math = 3; allowed: fma, tf32, f16, bf16
// KEY:        analog.cuda_schedule: unknown key "buffers"
// DEPTH:      analog.cuda_schedule: depth = 48; allowed: powers of two from 16 to 128
// NUMBER:     analog.cuda_schedule: warp_rows = "many"; allowed: from 1 to 8
// ROWS:       analog.cuda_schedule: expected a CTA to have a multiple of 64 rows, got 16 * row_groups * warp_rows = 32
// WARPS:      analog.cuda_schedule: expected at most 8 warps, got 32
// BYTES:      analog.cuda_schedule: expected at most 166912 bytes of shared memory for loaded values and reductions, got 405504
// DICTIONARY: analog.cuda_schedule: 7; allowed: a dictionary

//--- kernel.mlir
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- own.mlir
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.cuda_schedule = SCHEDULE}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- reduction.mlir
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %y, %sum = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    : tensor<?x?xf32>, tensor<?xf32>
  return %y, %sum : tensor<?x?xf32>, tensor<?xf32>
}
