// RUN: mho-opt --analog-schedule=isa=avx2 %s | FileCheck %s
// RUN: mho-opt --analog-schedule=isa=avx512 %s | FileCheck %s --check-prefix=WIDE
// RUN: mho-opt --analog-schedule %s | FileCheck %s --check-prefix=HOST
// RUN: not mho-opt --analog-schedule=isa=sse %s 2>&1 | FileCheck %s --check-prefix=ISA

// The micro-kernel has as many rows as the registers of the instruction set hold; the op is otherwise the same.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME: [[X:%[^:]+]]: tensor<?x?xf32>, [[W:%[^:]+]]: tensor<?x?xf32>)
// CHECK-NEXT: [[Y:%.+]] = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
// CHECK-NEXT: lhs([[X]] over (m, k) : tensor<?x?xf32>)
// CHECK-NEXT: rhs([[W]] over (n, k) : tensor<?x?xf32>)
// CHECK-NEXT: results(value over (m, n))
// CHECK: {analog.schedule = {isa = "avx2", kc = 512 : i64, mc = 512 : i64, mr = 4 : i64, nc = 128 : i64, prefetch_rows = 16 : i64, unroll = 4 : i64}}
// CHECK: return [[Y]]
// WIDE-LABEL: @layer
// WIDE: {analog.schedule = {isa = "avx512", kc = 512 : i64, mc = 512 : i64, mr = 8 : i64, nc = 128 : i64, prefetch_rows = 16 : i64, unroll = 4 : i64}}
// HOST-LABEL: @layer
// HOST: {analog.schedule = {isa = "{{avx512|avx2|generic}}", kc = {{[0-9]+}} : i64, mc = {{[0-9]+}} : i64, mr = {{[248]}} : i64, nc = {{[0-9]+}} : i64, prefetch_rows = {{[0-9]+}} : i64, unroll = {{[0-9]+}} : i64}}
// ISA: analog-schedule: isa = 'sse'; allowed: avx512, avx2, generic
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

// What is set by hand stays, the instruction set too, and the rest is of that set's row of the table.
// CHECK-LABEL: @tuned
// CHECK: {analog.schedule = {isa = "generic", kc = 64 : i64, mc = 512 : i64, mr = 3 : i64, nc = 128 : i64, prefetch_rows = 16 : i64, unroll = 4 : i64}}
// WIDE-LABEL: @tuned
// WIDE: {analog.schedule = {isa = "generic", kc = 64 : i64, mc = 512 : i64, mr = 3 : i64,
func.func @tuned(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {isa = "generic", kc = 64 : i64, mr = 3 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
