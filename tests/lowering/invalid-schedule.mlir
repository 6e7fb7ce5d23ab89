// RUN: mho-opt --split-input-file --verify-diagnostics --analog-schedule %s
// RUN: mho-opt --split-input-file --verify-diagnostics --convert-analog-to-vector %s

func.func @kc(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: kc = 100; allowed: multiples of 64 from 64 to 4096}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {kc = 100 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @unroll(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: unroll = 3; allowed: 1, 2, 4, 8, 16}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {unroll = 3 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @rows_of_a_transposed_operand(%g: tensor<?x?xf32>, %x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: mr = 6; allowed: 1, 2, 4, 8, 16}}
  %y = analog.tiled_mvm contract(m) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%x over (m, k) : tensor<?x?xf32>) results(value over (n, k))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {mr = 6 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @rows(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: mr = 17; allowed: from 1 to 16}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {mr = 17 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @not_a_number(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: mr = "8"; allowed: from 1 to 16}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {mr = "8"}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @isa(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: isa = "avx1024"; allowed: avx512, avx2, generic}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {isa = "avx1024"}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @key(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule: unknown key "nr"}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = {nr = 16 : i64}}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @dictionary(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{analog.schedule = 8; allowed: a dictionary}}
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    {analog.schedule = 8 : i64}
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
