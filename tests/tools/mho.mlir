// The tool `mho` has no input of its own; this file only holds its commands' tests.
// RUN: rm -rf %t.cache
// RUN: mho --help | FileCheck %s --check-prefix=HELP
// RUN: mho --version | FileCheck %s --check-prefix=VERSION
// RUN: mho knobs | FileCheck %s --check-prefix=KNOBS
// RUN: env MHO_CACHE_DIR=%t.cache mho cache clear | FileCheck %s --check-prefix=CLEAR
// RUN: env MHO_CACHE_DIR=%t.cache mho doctor | FileCheck %s --check-prefix=DOCTOR
// RUN: env MHO_CACHE_DIR=%t.cache mho cache | FileCheck %s --check-prefix=CACHE
// RUN: env MHO_CACHE=off MHO_CACHE_DIR=%t.cache mho cache | FileCheck %s --check-prefix=OFF
// RUN: env -u MHO_CACHE_DIR -u HOME mho cache | FileCheck %s --check-prefix=NOFOLDER
// RUN: mho explain "tile=balanced:64 range=given dac" | FileCheck %s --check-prefix=EXPLAIN
// RUN: mho explain --help | FileCheck %s --check-prefix=EXPLAINHELP
// HELP: usage: mho COMMAND
// HELP: bench
// VERSION: mho {{[0-9.]+}} (LLVM 19
// KNOBS: MHO_CACHE_DIR
// CLEAR: removed 0 kernels
// DOCTOR: version {{.*}} mho {{[0-9.]+}} (LLVM 19
// DOCTOR: kernel {{.*}} was right
// CACHE: {{: 1 kernels}}
// OFF: off (MHO_CACHE)
// OFF: {{: 1 kernels}}
// NOFOLDER: no folder: none of MHO_CACHE_DIR, XDG_CACHE_HOME and HOME is set
// EXPLAIN: analog.quantize_input
// EXPLAIN: analog-fuse: the forward kernel
// EXPLAIN: analog.tiled_mvm contract(k)
// EXPLAIN: @linear_dw
// EXPLAINHELP: usage: mho explain SPEC

// Effects that are text: their order, and what they are to the kernels.
// RUN: mho explain "tile=balanced:64 range=given dac weight_noise drop_connect output_noise adc adc_mask" --effect=%S/../../examples/effects/reram_noise.mlir --bind=a=largest_weight --effect=%S/../../examples/effects/learned_clip.mlir:learned_clip --bind=bound=tensor | FileCheck %s --check-prefix=TEXT
// TEXT: analog.apply @learned_clip
// TEXT: analog.apply @reram_noise
// TEXT: analog-fuse: the forward kernel
// TEXT: effects, in the order in which they act
// TEXT-NEXT: // input: @learned_clip, dac
// TEXT-NEXT: // weight: weight_noise, @reram_noise, drop_connect
// TEXT-NEXT: // tile: output_noise, adc
// TEXT-NEXT: // output: nothing
// TEXT-NEXT: // @reram_noise on the weight, from {{.*}}reram_noise.mlir
// TEXT-NEXT: draws from stream 209
// TEXT-NEXT: strength s = 1, weight.reram_noise.s: argument {{[0-9]+}} of @linear
// TEXT-NEXT: parameter a over (t, n) = largest_weight
// TEXT-NEXT: // @learned_clip on the input, from {{.*}}learned_clip.mlir
// TEXT-NEXT: parameter bound over (t) = tensor learned_clip.bound: argument 4 of @linear
// TEXT-NEXT: learnable, gradient dlearned_clip.bound: result {{[1-9]}} of @linear_dx

// What backward computes again, and for which effect: not for one without a derivative of its own, nor for an ADC.
// RUN: mho explain "tile=balanced:64 range=given dac adc adc_mask" --effect=%S/../../examples/effects/pcm_read_noise.mlir --bind=a=largest_weight --effect=%S/../../examples/effects/saturation.mlir:saturation --effect=%S/../../examples/effects/stuck_cells.mlir:stuck_cells --bind=a=largest_weight --effect=%S/../../examples/effects/stuck_cells.mlir:vote | FileCheck %s --check-prefix=AGAIN
// AGAIN: // @pcm_read_noise on the tile
// AGAIN-NOT: again
// AGAIN: // @saturation on the tile
// AGAIN: //   @saturation needs its accumulators again: one contraction more in backward
// AGAIN-NOT: again
// AGAIN: // @vote on the output

// RUN: %exits 2 mho explain "" --effect=%S/../../examples/effects/reram_noise.mlir | FileCheck %s --check-prefix=UNBOUND
// RUN: %exits 2 mho explain "" --effect=%S/../../examples/effects/reram_noise.mlir:noise | FileCheck %s --check-prefix=NONAME
// RUN: %exits 2 mho explain "" --effect=%S/../../examples/effects/reram_noise.mlir --bind=b=tensor | FileCheck %s --check-prefix=NOPARAM
// RUN: %exits 2 mho explain "" --effect=%S/../../examples/effects/reram_noise.mlir --bind=a=weight | FileCheck %s --check-prefix=NOSOURCE
// RUN: %exits 2 mho explain "" --effect=%S/../../examples/effects/reram_noise.mlir --bind=a=largest_weight --at=after:adc | FileCheck %s --check-prefix=NOPLACE
// RUN: %exits 2 mho explain "" --bind=a=tensor | FileCheck %s --check-prefix=NOEFFECT
// UNBOUND: 'a' of the effect 'reram_noise' is bound to nothing; add --bind=a=
// NONAME: expected one of its effects (@reram_noise), got 'noise'
// NOPARAM: has no parameter 'b'
// NOSOURCE: expected a=largest_weight, input_range or tensor, got 'weight'
// NOPLACE: acts on the weight, whose built-in effects are weight_codes, weight_noise, drop_connect; got 'adc'
// NOEFFECT: expected --effect=FILE[:NAME]

// Every tool says its version, and none starts where a variable is unknown; those that list or judge variables do.
// RUN: mho-run --version | FileCheck %s --check-prefix=RUNVERSION
// RUN: mho-opt --version | FileCheck %s --check-prefix=OPTVERSION
// RUN: mho-translate --version | FileCheck %s --check-prefix=TRANSLATEVERSION
// RUN: env MHO_CACHE_DIRS=x %exits 1 mho doctor | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho cache | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho explain "" | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho-run %s | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho-opt %s | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_CACHE_DIRS=x %exits 2 mho-translate --analog-to-asm %s | FileCheck %s --check-prefix=UNKNOWN
// RUN: env MHO_ISA=sse %exits 2 mho-opt %s | FileCheck %s --check-prefix=VALUE
// RUN: env MHO_CACHE_DIRS=x mho knobs
// RUN: env MHO_CACHE_DIRS=x mho-run --help
// RUNVERSION: mho-run {{[0-9.]+}} (LLVM 19
// OPTVERSION: mho-opt {{[0-9.]+}} (LLVM 19
// TRANSLATEVERSION: mho-translate {{[0-9.]+}} (LLVM 19
// UNKNOWN: unknown environment variable MHO_CACHE_DIRS; did you mean MHO_CACHE_DIR?
// VALUE: MHO_ISA='sse' is not a value it takes

// Wrong usage.
// RUN: %exits 2 mho | FileCheck %s --check-prefix=HELP
// RUN: %exits 2 mho nonsense | FileCheck %s --check-prefix=NONSENSE
// RUN: %exits 2 mho cache bogus | FileCheck %s --check-prefix=BOGUS
// RUN: %exits 2 mho cache info clear | FileCheck %s --check-prefix=TWO
// RUN: %exits 2 mho doctor x | FileCheck %s --check-prefix=DOCTORX
// RUN: %exits 2 mho knobs x | FileCheck %s --check-prefix=KNOBSX
// RUN: %exits 2 mho explain | FileCheck %s --check-prefix=WHICH
// RUN: %exits 2 mho explain dac range=given | FileCheck %s --check-prefix=WORDS
// RUN: %exits 2 mho explain "tile=64" | FileCheck %s --check-prefix=SPEC
// RUN: not mho cache bogus 2>/dev/null | FileCheck %s --check-prefix=SILENT --allow-empty
// RUN: env MHO_CACHE_DIR=/dev/null/x %exits 1 mho doctor | FileCheck %s --check-prefix=NOWHERE
// RUN: env MHO_CACHE_DIR=/dev/null/x %exits 1 mho cache | FileCheck %s --check-prefix=IMPOSSIBLE
// RUN: env MHO_CACHE_DIR=/dev/null/x %exits 1 mho cache clear | FileCheck %s --check-prefix=IMPOSSIBLE
// NONSENSE: unknown command 'nonsense'
// BOGUS: mho cache: unexpected word 'bogus'; see mho cache --help
// TWO: mho cache: unexpected word 'clear'
// DOCTORX: mho doctor: unexpected word 'x'
// KNOBSX: mho knobs: unexpected word 'x'
// WHICH: mho explain: which layer?
// WORDS: mho explain: unexpected word 'range=given'
// SPEC: unknown word 'tile=64'
// SILENT-NOT: {{.}}
// NOWHERE: cache{{.*}}FAIL cannot make the kernel cache '/dev/null/x'
// IMPOSSIBLE: kernels cannot be kept in '/dev/null/x': '/dev/null' is no folder; set MHO_CACHE_DIR
