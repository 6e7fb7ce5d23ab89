// RUN: mho-opt --split-input-file --verify-diagnostics --analog-schedule=isa=avx512 %s | FileCheck %s
// RUN: mho-opt --split-input-file --verify-diagnostics --analog-schedule %s | FileCheck %s --check-prefix=HOST
// RUN: not mho-opt --analog-schedule=isa=sse %s 2>&1 | FileCheck %s --check-prefix=ISA
// ISA: analog-schedule: isa = 'sse'; allowed: avx512, avx2, generic

// CHECK-LABEL: @layer
// CHECK: analog.schedule = {isa = "avx512", kc = 512 : i64, mc = 512 : i64, mr = {{[0-9]+}} : i64, nc =
// HOST-LABEL: @layer
// HOST: analog.schedule = {isa =
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(#analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
