// Effects that are text. One effect or function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @effect_c1() {
  // expected-error @below {{symbol's parent must have the SymbolTable trait}}
  analog.effect @inner on input(%x) surrogate(derived) { analog.yield %x : f32 }
  return
}

// -----

// expected-error @below {{expected names of letters, digits and '_' that begin with a letter, got '0'}}
analog.effect @effect_c2 on input(%0) surrogate(derived) { analog.yield %0 : f32 }

// -----

// expected-error @below {{expected names that differ, got 'x' twice}}
"analog.effect"() <{element_name = "x", learnable = array<i64>, param_axes = [], param_names = [], site = #analog<site input>, strength_names = ["x"], strengths = [1.0 : f32], surrogate = #analog<surrogate_kind derived>, sym_name = "effect_c2"}> ({
^bb0(%x: f32, %s: f32):
  analog.yield %x : f32
}, {}, {}, {}, {}) : () -> ()

// -----

// expected-error @below {{expected axes for each of 1 parameters and values for each of 0 strengths, got 0 and 0}}
"analog.effect"() <{element_name = "x", learnable = array<i64>, param_axes = [], param_names = ["a"], site = #analog<site input>, strength_names = [], strengths = [], surrogate = #analog<surrogate_kind derived>, sym_name = "effect_c3"}> ({
^bb0(%x: f32, %a: f32):
  analog.yield %x : f32
}, {}, {}, {}, {}) : () -> ()

// -----

// expected-error @below {{expected parameter 'a' of an effect on the weight to vary over axes among (t, n, k), got (t, m)}}
analog.effect @effect_c4 on weight(%w) params(%a over (t, m)) surrogate(derived) { analog.yield %w : f32 }

// -----

// expected-error @below {{expected strength 's' to be finite, got INF}}
analog.effect @effect_c5 on weight(%w) strengths(%s = 1.0e39) surrogate(derived) { analog.yield %w : f32 }

// -----

// expected-error @below {{expected surrogate(derived) or surrogate(own) of an effect that learns the parameter 'a', got surrogate(masked), which gives parameters no gradient}}
analog.effect @effect_c6 on weight(%w) params(%a over (t) learnable, %b over (t) learnable) surrogate(masked) { analog.yield %w : f32 }

// -----

// expected-error @below {{expected learnable parameters to be among the 1 of the effect, each once and in their order}}
"analog.effect"() <{accumulator_names = [], accumulators = array<i64>, input_factors = [], weight_factors = [], element_name = "x", learnable = array<i64: 0, 0>, param_axes = [#analog.axes<t>], param_names = ["a"], site = #analog<site input>, strength_names = [], strengths = [], surrogate = #analog<surrogate_kind own>, sym_name = "effect_c6"}> ({
^bb0(%x: f32, %a: f32):
  analog.yield %x : f32
}, {
^bb0(%a: f32, %x: f32, %g: f32):
  analog.yield %g : f32 reduce(%g, %g : f32, f32)
}, {
^bb0(%s: f32, %u: f32, %a: f32):
  analog.yield %s, %u : f32, f32
}, {}, {}) : () -> ()

// -----

analog.effect @effect_c20 on tile(%y) accumulators(%q = x * r) params(%b over (t, m) learnable, %a over (t) learnable) surrogate(derived) { analog.yield %y : f32 } inputs(%x) weights(%w) yields(r) {
  // expected-error @below {{expected weights of an effect with surrogate(derived) to use no learnable parameter, got 'a', which has a gradient through the effect's code alone}}
  %r = arith.mulf %w, %a : f32
  analog.yield %r : f32
}

// -----

analog.effect @effect_c7 on input(%x) surrogate(own) { analog.yield %x : f32 } derivative {
^bb0(%v: f32, %g: f32):
  // expected-error @below {{expected the derivative of an effect to yield 1 f32, got 2}}
  analog.yield %g, %g : f32, f32
}

// -----

// expected-error @below {{expected its derivative to take ('f32', 'f32'), got ('f32')}}
analog.effect @effect_c7 on input(%x) surrogate(own) { analog.yield %x : f32 } derivative { ^bb0(%g: f32): analog.yield %g : f32 }

// -----

analog.effect @effect_c8 on input(%x) surrogate(derived) {
  // expected-error @below {{is not scalar code; the ops that may stand in a region are listed in dialect/SPEC.md}}
  %t = math.tan %x : f32
  analog.yield %t : f32
}

// -----

analog.effect @effect_c9 on tile(%y) surrogate(masked) {
  // expected-error @below {{expected one bit of an effect on the tile with surrogate(masked), got 0; surrogate(masked) takes one, surrogate(own) on the tile any number}}
  analog.yield %y : f32
}

// -----

analog.effect @effect_c9 on input(%x) surrogate(own) {
  %b = arith.cmpf ogt, %x, %x : f32
  // expected-error @below {{expected no bits of an effect on the input with surrogate(own), got 1}}
  analog.yield %x : f32 bits(%b)
} derivative { ^bb0(%x: f32, %g: f32): analog.yield %g : f32 }

// -----

analog.effect @effect_c9 on input(%x) surrogate(derived) {
  // expected-error @below {{expected no summands of an effect's code, got 1}}
  analog.yield %x : f32 reduce(%x : f32)
}

// -----

analog.effect @effect_c10 on input(%x) surrogate(own) { analog.yield %x : f32 } derivative {
^bb0(%x: f32, %g: f32):
  // expected-error @below {{expected to stand in the code of an effect itself or of its inputs or weights, neither in its derivative nor in analog.surrogate}}
  %n = analog.normal : f32
  analog.yield %g : f32
}

// -----

analog.effect @effect_c10 on input(%x) params(%a over (t) learnable) surrogate(own) { analog.yield %x : f32 } derivative {
^bb0(%a: f32, %x: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %a: f32):
  // expected-error @below {{expected no index in the tail of an effect, which has no element}}
  %t = analog.index tile : i32
  analog.yield %sum : f32
}

// -----

analog.effect @effect_c11 on input(%x) surrogate(derived) {
  // expected-error @below {{expected neither bits nor 'wrt' of analog.surrogate in an effect; the effect's own surrogate has them}}
  %r, %s = analog.surrogate(%x) value {
  ^bb0(%v: f32):
    %b = arith.cmpf ogt, %v, %v : f32
    analog.yield %v : f32 bits(%b)
  } derivative {
  ^bb0(%b: i1, %g: f32):
    analog.yield %g : f32
  } : f32, i1
  analog.yield %r : f32
}

// -----

// expected-error @below {{expected a derivative exactly with surrogate(own), got surrogate(own) without one}}
analog.effect @effect_c12 on input(%x) surrogate(own) { analog.yield %x : f32 }

// -----

// expected-error @below {{expected a derivative exactly with surrogate(own), got surrogate(derived) with one}}
analog.effect @effect_c12 on input(%x) surrogate(derived) { analog.yield %x : f32 } derivative { ^bb0(%x: f32, %g: f32): analog.yield %g : f32 }

// -----

analog.effect @effect_c13 on input(%x) params(%a over (t) learnable) surrogate(own) { analog.yield %x : f32 } derivative {
^bb0(%a: f32, %x: f32, %g: f32):
  // expected-error @below {{expected no bits, and summands exactly where a parameter is learnable, 1 or more for 1 of these, got 0 bits and 0 summands}}
  analog.yield %g : f32
} tail { ^bb0(%a: f32): analog.yield %a : f32 }

// -----

// expected-error @below {{expected a tail exactly where a parameter is learnable, got none}}
analog.effect @effect_c14 on input(%x) params(%a over (t) learnable) surrogate(own) { analog.yield %x : f32 } derivative {
^bb0(%a: f32, %x: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
}

// -----

// Two learnable parameters: a summand for each at least, and a gradient of each.
analog.effect @effect_c13 on weight(%w) params(%a over (t) learnable, %b over (t) learnable) surrogate(own) { analog.yield %w : f32 } derivative {
^bb0(%a: f32, %b: f32, %w: f32, %g: f32):
  // expected-error @below {{summands exactly where a parameter is learnable, 2 or more for 2 of these, got 0 bits and 1 summands}}
  analog.yield %g : f32 reduce(%g : f32)
} tail { ^bb0(%s: f32, %a: f32, %b: f32): analog.yield %s, %s : f32, f32 }

// -----

analog.effect @effect_c14 on weight(%w) params(%a over (t) learnable, %b over (t) learnable) surrogate(own) { analog.yield %w : f32 } derivative {
^bb0(%a: f32, %b: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g, %g : f32, f32)
} tail {
^bb0(%s: f32, %u: f32, %a: f32, %b: f32):
  // expected-error @below {{expected the tail of an effect to yield 2 f32, got 1}}
  analog.yield %s : f32
}

// -----

// expected-error @below {{expected a tail only with surrogate(own), got surrogate(derived)}}
analog.effect @effect_c14 on input(%x) surrogate(derived) { analog.yield %x : f32 } tail { ^bb0(%a: f32): analog.yield %a : f32 }

// -----

// expected-error @below {{expected names that differ, got 'a' twice}}
analog.effect @effect_c2 on tile(%y) accumulators(%q = a * w) params(%a over (t)) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) yields(a) { analog.yield %x : f32 } weights(%w)

// -----

// expected-error @below {{expected names that differ, got 'y' twice}}
analog.effect @effect_c2 on tile(%y) params(%p over (t)) surrogate(straight_through) { analog.yield %y : f32 } weights(%y) yields(y) { analog.yield %y : f32 }

// -----

analog.effect @effect_c7 on tile(%y) accumulators(%q = a * b) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) yields(a) { analog.yield %x : f32 } weights(%w) yields(b) {
  // expected-error @below {{expected the weights of an effect to yield 1 f32, got 2}}
  analog.yield %w, %w : f32, f32
}

// -----

analog.effect @effect_c8 on tile(%y) accumulators(%q = a * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) yields(a) {
  // expected-error @below {{is not scalar code; the ops that may stand in a region are listed in dialect/SPEC.md}}
  %t = math.tan %x : f32
  analog.yield %t : f32
} weights(%w)

// -----

analog.effect @effect_c10 on tile(%y) accumulators(%q = a * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) yields(a) {
  %r = analog.surrogate(%x) value {
  ^bb0(%v: f32):
    // expected-error @below {{expected to stand in the code of an effect itself or of its inputs or weights, neither in its derivative nor in analog.surrogate}}
    %n = analog.normal : f32
    analog.yield %n : f32
  } derivative {
  ^bb0(%v: f32, %g: f32):
    analog.yield %g : f32
  } : f32
  analog.yield %r : f32
} weights(%w)

// -----

// expected-error @below {{expected further accumulators, inputs and weights of an effect on the tile only, got them on the input}}
analog.effect @effect_c15 on input(%v) accumulators(%q = x * w) surrogate(straight_through) { analog.yield %v : f32 } inputs(%x) weights(%w)

// -----

// expected-error @below {{expected a factor of inputs(...), its element or one that it yields, got 'square'}}
analog.effect @effect_c16 on tile(%y) accumulators(%q = square * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) weights(%w)

// -----

// expected-error @below {{expected a factor of weights(...), its element or one that it yields, got 'w'}}
analog.effect @effect_c16 on tile(%y) accumulators(%q = x * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x)

// -----

// expected-error @below {{expected an accumulator of factor "a", which inputs yields}}
analog.effect @effect_c16 on tile(%y) accumulators(%q = x * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) yields(a) { analog.yield %x : f32 } weights(%w)

// -----

// expected-error @below {{expected a factor of weights(...), which has 1, got number 1}}
"analog.effect"() <{accumulator_names = ["q"], accumulators = array<i64: 0, 1>, input_factors = ["x"], weight_factors = ["w"], element_name = "y", learnable = array<i64>, param_axes = [], param_names = [], site = #analog<site tile>, strength_names = [], strengths = [], surrogate = #analog<surrogate_kind straight_through>, sym_name = "effect_c16"}> ({
^bb0(%y: f32, %q: f32):
  analog.yield %y : f32
}, {}, {}, {}, {}) : () -> ()

// -----

// expected-error @below {{expected a pair of factors for each of 1 further accumulators, got 1 factors}}
"analog.effect"() <{accumulator_names = ["q"], accumulators = array<i64: 0>, input_factors = ["x"], weight_factors = ["w"], element_name = "y", learnable = array<i64>, param_axes = [], param_names = [], site = #analog<site tile>, strength_names = [], strengths = [], surrogate = #analog<surrogate_kind straight_through>, sym_name = "effect_c16"}> ({
^bb0(%y: f32, %q: f32):
  analog.yield %y : f32
}, {}, {}, {}, {}) : () -> ()

// -----

// expected-error @below {{expected a region of inputs exactly where it yields factors, got one}}
"analog.effect"() <{accumulator_names = ["q"], accumulators = array<i64: 0, 0>, input_factors = ["x"], weight_factors = ["w"], element_name = "y", learnable = array<i64>, param_axes = [], param_names = [], site = #analog<site tile>, strength_names = [], strengths = [], surrogate = #analog<surrogate_kind straight_through>, sym_name = "effect_c17"}> ({
^bb0(%y: f32, %q: f32):
  analog.yield %y : f32
}, {}, {}, {
^bb0(%x: f32):
  analog.yield %x : f32
}, {}) : () -> ()

// -----

analog.effect @effect_c17 on tile(%y) accumulators(%q = x * a) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) weights(%w) yields(a) {
  %b = arith.cmpf ogt, %w, %w : f32
  // expected-error @below {{expected weights to yield factors alone, got bits or summands}}
  analog.yield %w : f32 bits(%b)
}

// -----

analog.effect @effect_c18 on weight(%w) surrogate(straight_through) {
  // expected-error @below {{expected several values of an effect on the tile only, and not with surrogate(derived): only the first carries a gradient; got 2 on the weight with surrogate(straight_through)}}
  analog.yield %w, %w : f32, f32
}

// -----

analog.effect @effect_c18 on tile(%y) surrogate(derived) {
  // expected-error @below {{only the first carries a gradient; got 2 on the tile with surrogate(derived)}}
  analog.yield %y, %y : f32, f32
}

// -----

// expected-error @below {{expected no learnable parameter of an effect on the output, and surrogate(straight_through) or (own), or (derived) without sums; got 0 learnable ones, surrogate(derived) and 1 sums}}
analog.effect @effect_c19 on output(%y) sums(%c) surrogate(derived) { analog.yield %y : f32 }

// -----

// expected-error @below {{got 1 learnable ones, surrogate(own) and 0 sums}}
analog.effect @effect_c19 on output(%y) params(%p over (n) learnable) surrogate(own) { analog.yield %y : f32 }

// -----

// expected-error @below {{expected parameter 'p' of an effect on the output to vary over axes among (m, n), got (t, n)}}
analog.effect @effect_c4 on output(%y) params(%p over (t, n)) surrogate(derived) { analog.yield %y : f32 }

// -----

// expected-error @below {{expected further accumulators, inputs and weights of an effect on the tile only, got them on the output}}
analog.effect @effect_c15 on output(%y) accumulators(%q = x * w) surrogate(straight_through) { analog.yield %y : f32 } inputs(%x) weights(%w)

// -----

analog.effect @normal_c3 on input(%x) surrogate(derived) {
  // expected-error @below {{expected neither key, stream nor redraw in analog.effect, whose uses have them}}
  %n = analog.normal key(0) stream(64) : f32
  analog.yield %n : f32
}

// -----

analog.effect @uniform_c3 on input(%x) surrogate(derived) {
  // expected-error @below {{expected neither key, stream nor redraw in analog.effect, whose uses have them}}
  %n = analog.uniform redraw : f32
  analog.yield %n : f32
}

// -----

// expected-error @below {{expected what the effect acts on (input, weight, tile or output), got 'bias'}}
analog.effect @site on bias(%x) surrogate(derived) { analog.yield %x : f32 }

// -----

// expected-error @below {{expected a surrogate (straight_through, masked, derived or own), got 'none'}}
analog.effect @surrogate on input(%x) surrogate(none) { analog.yield %x : f32 }
