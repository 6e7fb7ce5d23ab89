// Surrogates. One function per constraint of dialect/SPEC.md, named by its label.
// RUN: mho-opt %s -split-input-file -verify-diagnostics

func.func @surrogate_c1() {
  // expected-error @below {{expected at least the differentiated input, got none}}
  %r = analog.surrogate() value {
      %z = arith.constant 0.0 : f32
      analog.yield %z : f32 }
    derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
  return
}

// -----

func.func @surrogate_c2(%x: f32, %p: f32) {
  // expected-error @below {{expected region tail to be one block that ends in analog.yield}}
  %r = analog.surrogate(%x, %p) wrt(1) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
    derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) }
    tail { ^bb0(%s: f32, %q: f32): analog.yield %s : f32
      ^bb1(%u: f32): analog.yield %u : f32 } : f32
  return
}

// -----

func.func @surrogate_c3(%x: f32) {
  // expected-error @below {{expected region value to take ('f32'), got ('f32', 'f32')}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32, %j: f32): analog.yield %i : f32 }
    derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
  return
}

// -----

func.func @surrogate_c3_derivative(%x: f32) {
  // expected-error @below {{expected region derivative to take ('f32', 'f32'), got ('f32', 'i32')}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32): analog.yield %i : f32 }
    derivative { ^bb0(%i: f32, %g: i32): analog.yield %i : f32 } : f32
  return
}

// -----

func.func @surrogate_c4(%x: f32) {
  // expected-error @below {{expected region value to yield 1 f32, got 2}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32): analog.yield %i, %i : f32, f32 }
    derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
  return
}

// -----

func.func @surrogate_c5(%x: f32, %p: f32) {
  // expected-error @below {{expected a tail region exactly where 'wrt' names a parameter, got none}}
  %r = analog.surrogate(%x, %p) wrt(1) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
    derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) } : f32
  return
}

// -----

func.func @surrogate_c6(%x: f32, %p: f32) {
  // expected-error @below {{expected 'wrt' to be an input from 1 to 1, got 2}}
  %r = analog.surrogate(%x, %p) wrt(2) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
    derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) }
    tail { ^bb0(%s: f32, %q: f32): analog.yield %s : f32 } : f32
  return
}

// -----

func.func @surrogate_c6_twice(%x: f32, %p: f32) {
  // expected-error @below {{expected inputs of 'wrt' that differ, got 1 twice}}
  %r = analog.surrogate(%x, %p) wrt(1, 1) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
    derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g, %g : f32, f32) }
    tail { ^bb0(%s: f32, %t: f32, %q: f32): analog.yield %s, %t : f32, f32 } : f32
  return
}

// -----

func.func @surrogate_c7_fewer(%x: f32, %p: f32, %q: f32) {
  // expected-error @below {{expected a reduction for each of 2 parameters, got 1}}
  %r = analog.surrogate(%x, %p, %q) wrt(1, 2) value { ^bb0(%i: f32, %j: f32, %k: f32): analog.yield %i : f32 }
    derivative { ^bb0(%j: f32, %k: f32, %i: f32, %g: f32): analog.yield %g : f32 reduce(%g : f32) }
    tail { ^bb0(%s: f32, %j: f32, %k: f32): analog.yield %s, %s : f32, f32 } : f32
  return
}

// -----

func.func @surrogate_c7(%x: f32, %p: f32) {
  // expected-error @below {{expected a tail region exactly where the derivative yields reductions, got 0 of these and a tail}}
  %r = analog.surrogate(%x, %p) wrt(1) value { ^bb0(%i: f32, %q: f32): analog.yield %i : f32 }
    derivative { ^bb0(%q: f32, %i: f32, %g: f32): analog.yield %g : f32 }
    tail { ^bb0(%s: f32, %q: f32): analog.yield %s : f32 } : f32
  return
}

// -----

func.func @surrogate_c8(%x: f32) {
  // expected-error @below {{expected one saved result for each of 1 bits, got 0}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32):
      %o = arith.cmpf ogt, %i, %i : f32
      analog.yield %i : f32 bits(%o) }
    derivative { ^bb0(%o: i1, %g: f32): analog.yield %g : f32 } : f32
  return
}

// -----

func.func @surrogate_c9(%x: f32) {
  // expected-error @below {{expected bits of the value region and reductions of the derivative only, got others}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32): analog.yield %i : f32 reduce(%i : f32) }
    derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
  return
}

// -----

func.func @surrogate_c10(%x: f32) {
  // expected-error @below {{expected to stand in a region of analog.tiled_mvm or analog.effect, got 'func.func'}}
  %r = analog.surrogate(%x) value { ^bb0(%i: f32): analog.yield %i : f32 }
    derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
  return
}
