// Effects that are text: what is written is printed and parsed again; analog-fuse and analog-differentiate take them like built-in ones.
// RUN: mho-opt %s | mho-opt | FileCheck %s --check-prefix=TEXT
// RUN: mho-opt --analog-fuse=save-for-backward=true %s | FileCheck %s --check-prefix=FUSE
// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | FileCheck %s --check-prefix=GRADIENT
#xbar = #analog.tiling<balanced, rows = 4>

// TEXT: analog.effect @scaled on weight(%w) params(%a over (t, n), %b) strengths(%s = 5.000000e-01, %u = 2.000000e+00) surrogate(straight_through) {
// TEXT-NEXT: [[N:%.+]] = analog.normal : f32
// TEXT-NEXT: [[U:%.+]] = analog.uniform : f32
// TEXT-NEXT: [[X:%.+]] = analog.normal map word : f32
// TEXT-NEXT: [[S:%.+]] = arith.mulf %s, %a : f32
// TEXT: arith.mulf %{{.*}}, %b : f32
// TEXT: arith.mulf %u, [[X]] : f32
analog.effect @scaled on weight(%w) params(%a over (t, n), %b) strengths(%s = 0.5, %u = 2.0) surrogate(straight_through) {
  %n = analog.normal : f32
  %uniform = analog.uniform : f32
  %x = analog.normal map word : f32
  %sa = arith.mulf %s, %a : f32
  %sab = arith.mulf %sa, %b : f32
  %r0 = math.fma %sab, %n, %w : f32
  %ux = arith.mulf %u, %x : f32
  %r1 = math.fma %ux, %uniform, %r0 : f32
  analog.yield %r1 : f32
}

// TEXT: analog.effect @gain on input(%x) params(%g over (m)) surrogate(derived) attributes {author = "us"} {
analog.effect @gain on input(%x) params(%g over (m)) surrogate(derived) attributes {author = "us"} {
  %r = arith.mulf %x, %g : f32
  analog.yield %r : f32
}

// TEXT: analog.effect @limit on tile(%y) strengths(%top = 8.000000e+00) surrogate(masked) {
// TEXT: analog.yield %{{.*}} : f32 bits(%{{.*}})
analog.effect @limit on tile(%y) strengths(%top = 8.0) surrogate(masked) {
  %beyond = arith.cmpf ogt, %y, %top : f32
  %r = arith.minimumf %y, %top : f32
  analog.yield %r : f32 bits(%beyond)
}

// TEXT: analog.effect @learned on input(%x) params(%o over (t) learnable) surrogate(own) {
// TEXT: } derivative {
// TEXT: analog.yield %{{.*}} : f32 reduce(%{{.*}} : f32)
// TEXT: } tail {
analog.effect @learned on input(%x) params(%o over (t) learnable) surrogate(own) {
  %r = arith.addf %x, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %x: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}

// The strengths are arguments by the effect's name, each with the value of this use; streams follow from the name but where a use gives them.
// FUSE-LABEL: func.func @layer(
// FUSE-SAME: f32 {analog.name = "weight.scaled.s", analog.value = 5.000000e-01 : f32}
// FUSE-SAME: f32 {analog.name = "weight.scaled.u", analog.value = 3.000000e+00 : f32}
// FUSE-SAME: f32 {analog.name = "weight.scaled.s#2", analog.value = 5.000000e-01 : f32}
// FUSE-SAME: f32 {analog.name = "tile.limit.top", analog.value = 8.000000e+00 : f32}
// FUSE-SAME: -> (tensor<?x6xf32> {analog.name = "y"}, tensor<2x?x1xi32> {analog.name = "saturation"})
// FUSE: stats(absmax(rhs 0) over (t, n))
// FUSE: load_lhs {
// FUSE: [[GAINED:%.+]] = arith.mulf
// FUSE-NEXT: analog.surrogate([[GAINED]], {{.*}}) wrt(1) value {
// FUSE: load_rhs {
// FUSE: [[FIRST:%.+]] = analog.surrogate(
// FUSE: analog.normal key(0) stream(207) : f32
// FUSE: analog.uniform key(0) stream(208) : f32
// FUSE: analog.normal key(0) stream(209) map word : f32
// FUSE: [[SECOND:%.+]] = analog.surrogate([[FIRST]],
// FUSE: analog.normal key(0) stream(70) : f32
// FUSE: analog.uniform key(0) stream(71) : f32
// FUSE: analog.normal key(0) stream(72) map word : f32
// FUSE: [[THIRD:%.+]] = analog.surrogate([[SECOND]],
// FUSE: analog.normal key(0) stream(70) redraw : f32
// FUSE: analog.yield [[THIRD]] : f32
// FUSE: end_tile {
// FUSE: [[LIMITED:%.+]], [[BEYOND:%.+]] = analog.surrogate(
// FUSE: analog.yield [[LIMITED]] : f32 bits([[BEYOND]])

// Backward: 0 where the limit was reached; the offset's gradient is a sum; the weight is without noise, and without what only noise needs.
// GRADIENT-LABEL: func.func @layer_dx(
// GRADIENT-SAME: tensor<2xf32> {analog.gradient = 4 : i64, analog.name = "dparam4"}
// GRADIENT-NOT: stats(
// GRADIENT: results(value over (m, k), sum over (t))
// GRADIENT: load_lhs {
// GRADIENT-NEXT: ^bb0([[G:%[^:]+]]: f32, [[BIT:%[^:]+]]: i1
// GRADIENT: [[MASKED:%.+]] = arith.select [[BIT]], %{{.*}}, [[G]] : f32
// GRADIENT-NEXT: analog.yield [[MASKED]] : f32
// GRADIENT-NOT: analog.normal
// GRADIENT-NOT: analog.uniform
// GRADIENT: finish {
// GRADIENT-NEXT: ^bb0([[H:%[^:]+]]: f32, [[X:%[^:]+]]: f32, [[GAIN:%[^:]+]]: f32
// GRADIENT: [[DX:%.+]] = arith.mulf [[H]], [[GAIN]] : f32
// GRADIENT-NEXT: analog.yield [[DX]] : f32 reduce([[H]] : f32)
// GRADIENT-LABEL: func.func @layer_dw(
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %b: tensor<f32>, %g: tensor<?xf32>, %o: tensor<2xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32>
    attributes {analog.tiling = #xbar} {
  %a = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  // TEXT: analog.apply @gain %{{.*}} params(%{{.*}} over (m)) : (tensor<?x8xf32>, tensor<?xf32>) -> tensor<?x8xf32>
  %x0 = analog.apply @gain %x params(%g over (m)) : (tensor<?x8xf32>, tensor<?xf32>) -> tensor<?x8xf32>
  %x1 = analog.apply @learned %x0 params(%o over (t)) : (tensor<?x8xf32>, tensor<2xf32>) -> tensor<?x8xf32>
  // TEXT: analog.apply @scaled %{{.*}} params(%{{.*}} over (t, n), %{{.*}}) key(%{{.*}}) strengths {u = 3.000000e+00 : f32}
  %w0 = analog.apply @scaled %w params(%a over (t, n), %b) key(%key) strengths {u = 3.0 : f32} : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<f32>, tensor<2xi64>) -> tensor<6x8xf32>
  // TEXT: analog.apply @scaled %{{.*}} params(%{{.*}} over (t, n), %{{.*}}) key(%{{.*}}) streams [70, 71, 72] :
  %w1 = analog.apply @scaled %w0 params(%a over (t, n), %b) key(%key) streams [70, 71, 72] : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<f32>, tensor<2xi64>) -> tensor<6x8xf32>
  // TEXT: analog.apply @scaled %{{.*}} params(%{{.*}} over (t, n), %{{.*}}) key(%{{.*}}) streams [70, 71, 72] redraw :
  %w2 = analog.apply @scaled %w1 params(%a over (t, n), %b) key(%key) streams [70, 71, 72] redraw : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<f32>, tensor<2xi64>) -> tensor<6x8xf32>
  %acc = analog.mvm %x1, %w2 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  // TEXT: analog.apply @limit %{{[^ ]*}} : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y0 = analog.apply @limit %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
