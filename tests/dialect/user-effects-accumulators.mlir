// Effects on the tile with further accumulators: their text, the lists that the loads of the fused kernel yield, and gradients.
// RUN: mho-opt %s | mho-opt | FileCheck %s --check-prefix=TEXT
// RUN: mho-opt --analog-fuse=save-for-backward=true %s | FileCheck %s --check-prefix=FUSE
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-opt --analog-fuse --analog-inline-surrogates %s | FileCheck %s --check-prefix=PRUNED
#xbar = #analog.tiling<balanced, rows = 4>

// A side without factors of its own gives its element; parameters are seen where their axes are.
// TEXT: analog.effect @read on tile(%y) accumulators(%q = square * magnitude, %z = x * magnitude) params(%a over (t, n), %b over (m), %c) strengths(%s = 5.000000e-01) surrogate(masked) {
// TEXT: [[N:%.+]] = analog.normal : f32
// TEXT: arith.addf %q, %z : f32
// TEXT: analog.yield %{{.*}} : f32 bits(%{{.*}})
// TEXT-NEXT: } inputs(%x) yields(square) {
// TEXT-NEXT: [[U:%.+]] = analog.uniform : f32
// TEXT-NEXT: [[BC:%.+]] = arith.mulf %b, %c : f32
// TEXT-NEXT: [[SCALED:%.+]] = arith.mulf %x, [[BC]] : f32
// TEXT-NEXT: arith.mulf [[SCALED]], [[U]] : f32
// TEXT: } weights(%w) yields(magnitude) {
// TEXT-NEXT: [[ABSOLUTE:%.+]] = math.absf %w : f32
// TEXT-NEXT: [[AC:%.+]] = arith.mulf %a, %c : f32
// TEXT: analog.yield %{{.*}} : f32
analog.effect @read on tile(%y) accumulators(%q = square * magnitude, %z = x * magnitude) params(%a over (t, n), %b over (m), %c) strengths(%s = 0.5)
    surrogate(masked) {
  %n = analog.normal : f32
  %sum = arith.addf %q, %z : f32
  %scaled = arith.mulf %sum, %a : f32
  %result = math.fma %scaled, %n, %y : f32
  %beyond = arith.cmpf ogt, %result, %s : f32
  analog.yield %result : f32 bits(%beyond)
} inputs(%x) yields(square) {
  %u = analog.uniform : f32
  %bc = arith.mulf %b, %c : f32
  %scaled = arith.mulf %x, %bc : f32
  %square = arith.mulf %scaled, %u : f32
  analog.yield %square : f32
} weights(%w) yields(magnitude) {
  %absolute = math.absf %w : f32
  %ac = arith.mulf %a, %c : f32
  %half = arith.mulf %absolute, %s : f32
  %magnitude = arith.mulf %half, %ac : f32
  analog.yield %magnitude : f32
}

// TEXT: analog.effect @sum on tile(%y) accumulators(%q = one * w) surrogate(straight_through) {
// TEXT: } inputs(%x) yields(one) {
// TEXT: } weights(%w){{$}}
analog.effect @sum on tile(%y) accumulators(%q = one * w) surrogate(straight_through) {
  %r = arith.addf %y, %q : f32
  analog.yield %r : f32
} inputs(%x) yields(one) {
  %one = arith.constant 1.0 : f32
  analog.yield %one : f32
} weights(%w)

// TEXT: analog.effect @replaced on tile(%y) accumulators(%q = x * low, %r = x * low2) surrogate(own) {
// TEXT: } inputs(%x) weights(%w) yields(low, low2) {
// TEXT: } derivative {
analog.effect @replaced on tile(%y) accumulators(%q = x * low, %r = x * low2) surrogate(own) {
  %beyond = arith.cmpf ogt, %q, %r : f32
  analog.yield %q : f32 bits(%beyond)
} inputs(%x) weights(%w) yields(low, low2) {
  %low = math.floor %w : f32
  %again = math.floor %w : f32
  analog.yield %low, %again : f32, f32
} derivative {
^bb0(%beyond: i1, %g: f32):
  %zero = arith.constant 0.0 : f32
  %dy = arith.select %beyond, %zero, %g : f32
  analog.yield %dy : f32
}

// The loads yield the mvm's factor first; accumulators follow in the order of the effects, equal ones once.
// FUSE-LABEL: func.func @layer(
// FUSE-SAME: f32 {analog.name = "tile.read.s", analog.value = 5.000000e-01 : f32}
// FUSE-SAME: f32 {analog.name = "tile.read.s#2", analog.value = 5.000000e-01 : f32}
// FUSE: load_lhs {
// FUSE-NEXT: ^bb0([[V:%[^:]+]]: f32,
// FUSE: [[CODE:%.+]] = analog.surrogate([[V]],
// FUSE: [[U:%.+]] = analog.uniform key(0) stream([[#FIRST:]]) : f32
// FUSE: [[X2:%.+]] = arith.mulf [[CODE]], %{{.*}} : f32
// FUSE: [[SQUARE:%.+]] = arith.mulf [[X2]], [[U]] : f32
// FUSE: [[ONE:%.+]] = arith.constant 1.000000e+00 : f32
// FUSE: [[AGAIN:%.+]] = analog.uniform key(0) stream([[#FIRST]]) redraw : f32
// FUSE: [[SQUARE2:%.+]] = arith.mulf [[X2]], [[AGAIN]] : f32
// FUSE: analog.yield [[CODE]], [[SQUARE]], [[ONE]], [[SQUARE2]] : f32, f32, f32, f32
// FUSE: load_rhs {
// FUSE: [[W:%.+]] = math.fma
// FUSE: [[ABS:%.+]] = math.absf [[W]] : f32
// FUSE-NOT: math.absf
// FUSE: [[MAG:%.+]] = arith.mulf
// FUSE: [[FLOOR:%.+]] = math.floor [[W]]
// FUSE-NOT: math.floor
// FUSE: analog.yield [[W]], [[MAG:%[^ ]+]], [[MAG2:%[^ ]+]], [[FLOOR]] : f32, f32, f32, f32
// FUSE: accumulate(0 * 0, 1 * 1, 0 * 1, 2 * 0, 3 * 2, 0 * 2, 0 * 3)
// FUSE: end_tile {
// FUSE-NEXT: ^bb0([[A:%[^:]+]]: f32, [[Q:%[^:]+]]: f32, [[Z:%[^:]+]]: f32, [[SUM:%[^:]+]]: f32, [[Q2:%[^:]+]]: f32, [[Z2:%[^:]+]]: f32, [[LOW:%[^:]+]]: f32,
// FUSE: [[R0:%[^,]+]], [[B0:%.+]] = analog.surrogate([[A]], [[Q]], [[Z]],
// FUSE: [[R1:%.+]] = analog.surrogate([[R0]], [[SUM]]) value {
// FUSE: [[R2:%[^,]+]], [[B1:%.+]] = analog.surrogate([[R1]], [[Q2]], [[Z2]],
// FUSE: [[R3:%[^,]+]], [[B2:%.+]] = analog.surrogate([[R2]], [[LOW]], [[LOW]]) value {
// FUSE: analog.yield [[R3]] : f32 bits([[B0]], [[B1]], [[B2]])

// The gradients contract the first pair; bits say where nothing passes.
// GRADIENT-LABEL: func.func @layer_dx(
// GRADIENT: load_lhs {
// GRADIENT-COUNT-3: arith.select
// GRADIENT: load_rhs {
// GRADIENT-NOT: analog.uniform
// GRADIENT-NOT: math.absf
// GRADIENT: analog.yield %{{[^,]*}} : f32
// GRADIENT: accumulate(0 * 0)
// GRADIENT-LABEL: func.func @layer_dw(
// GRADIENT: load_rhs {
// GRADIENT-NOT: analog.uniform
// GRADIENT: analog.yield %{{[^,]*}} : f32
// GRADIENT: accumulate(0 * 0)

// The last effect replaces all that came before: one accumulator is left, without a draw.
// PRUNED-LABEL: func.func @layer(
// PRUNED: load_lhs {
// PRUNED-NOT: analog.uniform
// PRUNED: analog.yield %{{[^,]*}} : f32
// PRUNED: load_rhs {
// PRUNED: [[LOW:%.+]] = math.floor
// PRUNED-NEXT: analog.yield [[LOW]] : f32
// PRUNED: accumulate(0 * 0)
// PRUNED-NEXT: end_tile {
// PRUNED-NEXT: ^bb0([[A:%[^:]+]]: f32
// PRUNED-NEXT: analog.yield [[A]] : f32
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %beta: tensor<2xf32>, %b: tensor<?xf32>, %c: tensor<f32>, %key: tensor<2xi64>) -> tensor<?x6xf32>
    attributes {analog.tiling = #xbar} {
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  %x0 = analog.quantize_input %x range(%beta over (t)) {half_levels = 7.0 : f32} : tensor<?x8xf32>, tensor<2xf32> -> tensor<?x8xf32>
  %w0 = analog.inject_noise %w scale(%a over (t, n)) key(%key, stream = 0) {sigma = 0.5 : f32} : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %acc = analog.mvm %x0, %w0 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y0 = analog.apply @read %acc params(%a over (t, n), %b over (m), %c) key(%key) : (tensor<2x?x6xf32>, tensor<2x6xf32>, tensor<?xf32>, tensor<f32>, tensor<2xi64>) -> tensor<2x?x6xf32>
  %y1 = analog.apply @sum %y0 : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y2 = analog.apply @read %y1 params(%a over (t, n), %b over (m), %c) key(%key) redraw : (tensor<2x?x6xf32>, tensor<2x6xf32>, tensor<?xf32>, tensor<f32>, tensor<2xi64>) -> tensor<2x?x6xf32>
  %y3 = analog.apply @replaced %y2 : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y3 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A derivative through both sums: their gradients are planes of a kernel that contracts again, a product of each is one of dx and of dw,
// and the regions that made the factors are mapped back behind the sums.
// TEXT: analog.effect @heated on tile(%y) accumulators(%heat = square * magnitude) surrogate(derived) {
analog.effect @heated on tile(%y) accumulators(%heat = square * magnitude) surrogate(derived) {
  %result = arith.mulf %y, %heat : f32
  analog.yield %result : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w) yields(magnitude) {
  %magnitude = math.absf %w : f32
  analog.yield %magnitude : f32
}
// GRADIENT-LABEL: func.func @derived_dz(
// GRADIENT: accumulate(0 * 0, 1 * 1)
// GRADIENT: end_tile {
// GRADIENT-NEXT: ^bb0([[Y:%[^:]+]]: f32, [[HEAT:%[^:]+]]: f32, [[G:%[^:]+]]: f32):
// GRADIENT-DAG: [[DY:%.+]] = arith.mulf [[G]], [[HEAT]] : f32
// GRADIENT-DAG: [[DHEAT:%.+]] = arith.mulf [[G]], [[Y]] : f32
// GRADIENT: analog.yield [[DY]], [[DHEAT]] : f32, f32
// GRADIENT-LABEL: func.func @derived_dx(
// GRADIENT: load_rhs {
// GRADIENT: [[MAG:%.+]] = math.absf
// GRADIENT: analog.yield %{{[^,]*}}, [[MAG]] : f32, f32
// GRADIENT: accumulate(0 * 0, 1 * 1)
// GRADIENT: finish {
// GRADIENT-NEXT: ^bb0([[S0:%[^:]+]]: f32, [[S1:%[^:]+]]: f32, [[X:%[^:]+]]: f32):
// GRADIENT-COUNT-2: arith.mulf [[S1]], [[X]] : f32
// GRADIENT-LABEL: func.func @derived_dw(
// GRADIENT: load_rhs {
// GRADIENT: arith.mulf
// GRADIENT: accumulate(0 * 0, 1 * 1)
func.func @derived(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #xbar} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %heated = analog.apply @heated %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %heated : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
