// Kernels out of the ordinary as CUDA C++, in the interpreter of PTX, against the evaluator. No GPU is involved.
// REQUIRES: nvrtc
// RUN: split-file %s %t

// Every reduction with a CTA of one warp.
// RUN: mho-run %t/reductions.mlir f1 --backend=ptx --size 0=70x100 --size 1=130x100 --check | FileCheck %s --check-prefix=REDUCTIONS
// RUN: mho-run %t/reductions.mlir g1 --backend=ptx --size 0=70x33 --size 1=33x100 --check | FileCheck %s --check-prefix=REDUCTIONS
// REDUCTIONS-COUNT-9: equal to the reference

// Infinities and NaN reach the result by every arithmetic.
// RUN: env MHO_CUDA_MATH=fma mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=inf --arg 1=2 --check --print | FileCheck %s --check-prefix=INFINITE
// RUN: env MHO_CUDA_MATH=tf32 mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=inf --arg 1=2 --check --print | FileCheck %s --check-prefix=INFINITE
// RUN: env MHO_CUDA_MATH=f16 mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=inf --arg 1=2 --check --print | FileCheck %s --check-prefix=INFINITE
// RUN: env MHO_CUDA_MATH=bf16 mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=inf --arg 1=2 --check --print | FileCheck %s --check-prefix=INFINITE
// RUN: env MHO_CUDA_MATH=tf32 mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=nan --arg 1=2 --check --print | FileCheck %s --check-prefix=NAN
// RUN: env MHO_CUDA_MATH=tf32 mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --arg 0=-inf --arg 1=0.1 --check --print | FileCheck %s --check-prefix=MINUS
// INFINITE: 3x9: inf
// INFINITE: equal to the reference
// NAN: 3x9: {{-?}}nan
// NAN: equal to the reference
// MINUS: 3x9: -inf
// MINUS: equal to the reference

// Names that are no identifiers of C++, or mean something in it.
// RUN: sed 's/@mm/@double/' %t/plain.mlir > %t/n1.mlir && mho-run %t/n1.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --check | FileCheck %s
// RUN: sed 's/@mm/@tanh/' %t/plain.mlir > %t/n2.mlir && mho-run %t/n2.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --check | FileCheck %s
// RUN: sed 's/@mm/@"my layer"/' %t/plain.mlir > %t/n3.mlir && mho-run %t/n3.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --check | FileCheck %s

// Packed bits over one axis; tiles of more rows than an int counts; an initial value of strides.
// RUN: mho-run %t/bits.mlir --backend=ptx --size 0=5x100 --size 1=9x100 --size 2=4 --check | FileCheck %s
// RUN: mho-run %t/rows.mlir --backend=ptx --size 0=5x100 --size 1=9x100 --check | FileCheck %s
// RUN: mho-run %t/init.mlir --backend=ptx --size 0=5x7 --size 1=7x9 --size 2=5x9 --stride 2=20x2 --check | FileCheck %s
// CHECK: equal to the reference

// Refusals.
// RUN: not mho-run %t/init.mlir --backend=cpu --size 0=5x7 --size 1=7x9 --size 2=5x9 --stride 2=20x2 2>&1 | FileCheck %s --check-prefix=INIT
// RUN: not mho-run %t/twice.mlir --backend=ptx --size 0=5x100 --size 1=9x100 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: env MHO_NVRTC=/nowhere/libnvrtc.so not mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 2>&1 | FileCheck %s --check-prefix=NVRTC
// RUN: env MHO_CUDA_MATH=fp8 not mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 2>&1 | FileCheck %s --check-prefix=MATH
// INIT: not lowered: expected an init whose elements lie side by side along its last axis
// TWICE: not lowered to CUDA: expected a statistic to be exported once, got statistic 0 as 2 results
// NVRTC: UNAVAILABLE: MHO_NVRTC: /nowhere/libnvrtc.so
// MATH: MHO_CUDA_MATH='fp8' is not a value it takes; expected fma, tf32, f16 or bf16

// An edited schedule is what is launched.
// RUN: env MHO_DUMP_DIR=%t/dump mho-run %t/plain.mlir --backend=ptx --size 0=3x5 --size 1=9x5 --check | FileCheck %s
// RUN: mkdir %t/edited && %python -c "import pathlib, sys; [pathlib.Path(sys.argv[2], p.name).write_text(p.read_text().replace('depth = 64', 'depth = 128').replace('warp_columns = 2', 'warp_columns = 1')) for p in pathlib.Path(sys.argv[1]).glob('*-schedule.mlir')]" %t/dump %t/edited
// RUN: env MHO_OVERRIDE_DIR=%t/edited MHO_PTX_REPORT=on mho-run %t/plain.mlir --backend=ptx --size 0=70x5 --size 1=130x5 --check 2>&1 | FileCheck %s --check-prefix=EDITED
// EDITED: mho_mm on the interpreter, grid (3,2,1), block (64,1,1): finished
// EDITED: equal to the reference

// Three and four stages, tiles that end within a step, unrolled (48 rows by f16) and not.
// RUN: sed -e s/ROWS/100/ -e s/STAGES/3/ -e s/MATH/fma/ %t/staged.mlir > %t/s1.mlir && mho-run %t/s1.mlir --backend=ptx --size 0=70x330 --size 1=130x330 --check | FileCheck %s
// RUN: sed -e s/ROWS/100/ -e s/STAGES/4/ -e s/MATH/fma/ %t/staged.mlir > %t/s2.mlir && mho-run %t/s2.mlir --backend=ptx --size 0=70x330 --size 1=130x330 --check | FileCheck %s
// RUN: sed -e s/ROWS/48/ -e s/STAGES/3/ -e s/MATH/f16/ %t/staged.mlir > %t/s3.mlir && mho-run %t/s3.mlir --backend=ptx --size 0=70x330 --size 1=130x330 --check | FileCheck %s
// RUN: sed -e s/ROWS/100/ -e s/STAGES/4/ -e s/MATH/f16/ %t/staged.mlir > %t/s4.mlir && mho-run %t/s4.mlir --backend=ptx --size 0=128x328 --size 1=64x328 --check | FileCheck %s

//--- staged.mlir
func.func @mm(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = ROWS>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): %r = arith.addf %v, %v : f32  analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): %r = math.absf %a : f32  analog.yield %r : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.cuda_schedule = {math = "MATH", row_groups = 1 : i64, warp_rows = 4 : i64, warp_columns = 1 : i64, depth = 16 : i64, stages = STAGES : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- plain.mlir
func.func @mm(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
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

//--- reductions.mlir
func.func @f1(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<i64>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>) {
  %r:9 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 37>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, n), sum over (), sum over (m), sum over (n), sum over (m, n), count over (), count over (m), count over (n), count over (m, n))
      load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
      load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
      accumulate(0 * 0)
      end_tile { ^bb0(%s: f32):
        %z = arith.constant 3.0 : f32
        %v = arith.addf %s, %z : f32
        %c = arith.cmpf ogt, %s, %z : f32
        analog.yield %s : f32 }
      finish { ^bb0(%s: f32):
        %z = arith.constant 3.0 : f32
        %v = arith.addf %s, %z : f32
        %c = arith.cmpf ogt, %s, %z : f32
        analog.yield %s : f32 reduce(%v, %v, %v, %v, %c, %c, %c, %c : f32, f32, f32, f32, i1, i1, i1, i1) }
      {analog.cuda_schedule = {row_groups = 4 : i64, warp_rows = 1 : i64, warp_columns = 1 : i64}}
      : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<i64>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7, %r#8 : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<i64>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>
}

func.func @g1(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>) {
  %r:9 = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 37>)
      lhs(%x over (m, n) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, k), sum over (), sum over (t), sum over (m), sum over (k), sum over (t, m), sum over (t, k), sum over (m, k), sum over (t, m, k))
      load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
      load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
      accumulate(0 * 0)
      finish { ^bb0(%s: f32):
        %z = arith.constant 3.0 : f32
        %v = arith.addf %s, %z : f32
        %c = arith.cmpf ogt, %s, %z : f32
        analog.yield %s : f32 reduce(%v, %v, %v, %v, %v, %v, %v, %v : f32, f32, f32, f32, f32, f32, f32, f32) }
      {analog.cuda_schedule = {row_groups = 4 : i64, warp_rows = 1 : i64, warp_columns = 1 : i64}}
      : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7, %r#8 : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>
}

//--- bits.mlir
func.func @bits1(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?xi32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 40>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>, %b over (k) : tensor<?xi32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %bit: i1):
      %zero = arith.constant 0.0 : f32
      %r = arith.select %bit, %zero, %v : f32
      analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- rows.mlir
func.func @bits1(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = 4294967299>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32):
      %zero = arith.constant 0.0 : f32
      %r = arith.addf %zero, %v : f32
      analog.yield %r : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- init.mlir
func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %i: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 5>)
      lhs(%x over (m, n) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) init(%i : tensor<?x?xf32>) results(value over (m, k))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

//--- twice.mlir
func.func @twostat(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) {
  %r:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 40>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      stats(absmax(lhs 0) over (t, m)) results(value over (m, n), stat 0 over (t, m), stat 0 over (t, m))
    load_lhs { ^bb0(%v: f32, %b: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %b: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
  return %r#0, %r#1, %r#2 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}
