// Conversions of the kernel level to other dialects.
#ifndef MHO_LOWERING_PASSES_TD
#define MHO_LOWERING_PASSES_TD

include "mlir/Pass/PassBase.td"

def AnalogSchedulePass : Pass<"analog-schedule", "::mlir::ModuleOp"> {
  let summary = "choose block sizes and instruction set of each fused kernel";
  let description = [{
    Sets the attribute `analog.schedule` of every analog.tiled_mvm: a dictionary of `isa` (avx512, avx2, generic: what the code may be
    made of), `mc`, `nc`, `kc` (rows, columns and contraction of a block), `mr` (rows of the micro-kernel), `unroll` and
    `prefetch_rows`. Values come from one table by instruction set and direction (Schedule.cpp); what the attribute already says
    stays, so that a kernel can be tuned by hand.

    ```mlir
    // RUN-OPTIONS: --analog-schedule=isa=avx2
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      // Eight rows of the micro-kernel are asked for; the rest is the table's.
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        {analog.schedule = {mr = 8 : i64}}
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // CHECK: {analog.schedule = {isa = "avx2", kc = 512 : i64, mc = 512 : i64, mr = 8 : i64, nc = 128 : i64, prefetch_rows = 16 : i64, unroll = 4 : i64}}
    ```

    Precondition: analog-fuse (and analog-differentiate). Numerics: nothing is computed here; another schedule changes the order of the
    float sums of a contraction (SPEC.md, "Arithmetic") and no other bit. Limits: an unknown isa or key, or a value that is not allowed,
    is refused with what is.

    More: (* example filepath=tests/lowering/analog-schedule.mlir *)
  }];
  let options = [
    Option<"isa", "isa", "std::string", "", "avx512, avx2 or generic; by default what this machine has">];
  let dependentDialects = ["::mho::analog::AnalogDialect"];
}

def ConvertAnalogToVectorPass : Pass<"convert-analog-to-vector", "::mlir::ModuleOp"> {
  let summary = "write each fused kernel as a blocked loop nest over memrefs and vectors of 16";
  let description = [{
    A function of one analog.tiled_mvm becomes a function over strided memrefs: rows, columns and contraction blocked, both operands
    packed through their load regions (with the statistics of the tile and the noise of a row in its own loop), a register-blocked
    micro-kernel, end_tile and finish from scratch rows. Its signature is in AnalogToVector.h; every size is a run-time value.
    A kernel that reduces also gets @name_tail, which combines the partials of blocks of 64 x 64 in ascending order; each statistic over
    (t) gets @name_statistic<i> and @name_statistic<i>_total, which are run before.
    An analog.effect that nothing uses any more is erased.

    ```mlir
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>, %sigma: f32)
        -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>)
          rhs(%w over (n, k) : tensor<?x?xf32>)
          params(%beta over (t) : tensor<?xf32>, %sigma : f32)
          keys(%key : tensor<2xi64>)
          stats(absmax(rhs 0) over (t, n))
          results(value over (m, n))
        load_lhs { // a DAC
        ^bb0(%v: f32, %range: f32, %s: f32):
          %steps = arith.divf %v, %range : f32
          %code = math.roundeven %steps : f32
          analog.yield %code : f32
        }
        load_rhs { // noise in units of the largest weight of the tile's column
        ^bb0(%v: f32, %range: f32, %s: f32, %wmax: f32):
          %n = analog.normal key(0) stream(0) : f32
          %gain = arith.mulf %s, %wmax : f32
          %noisy = math.fma %gain, %n, %v : f32
          analog.yield %noisy : f32
        }
        accumulate(0 * 0)
        end_tile { // an ADC that saturates at the largest weight
        ^bb0(%a: f32, %range: f32, %s: f32, %wmax: f32):
          %level = math.roundeven %a : f32
          %bounded = arith.minimumf %level, %wmax : f32
          analog.yield %bounded : f32
        }
        finish { ^bb0(%sum: f32, %s: f32): analog.yield %sum : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // Arguments, the result, partial sums, the workspace, and which rows and columns to compute:
    // CHECK: func.func @layer([[X:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[W:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>,
    // CHECK-SAME: [[BETA:%[^:]+]]: memref<?xf32, strided<[1], offset: ?>>, [[KEY:%[^:]+]]: memref<2xi64>, [[SIGMA:%[^:]+]]: f32,
    // CHECK-SAME: [[Y:%[^:]+]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, [[PARTIALS:%[^:]+]]: memref<?xf64>, [[SPACE:%[^:]+]]: memref<?xi8>,
    // CHECK-SAME: [[ROW:%[^:]+]]: index, [[ROWS:%[^:]+]]: index, [[COLUMN:%[^:]+]]: index, [[COLUMNS:%[^:]+]]: index) attributes {analog.workspace_bytes =
    // Blocks of rows, the tiles, blocks of columns, blocks of the contraction:
    // CHECK:      scf.for {{%.+}} = [[ROW]] to [[ROWS]] step
    // CHECK:      scf.for [[T:%.+]] =
    // CHECK:      scf.for [[NB:%.+]] = [[COLUMN]] to [[COLUMNS]] step
    // CHECK:      scf.for [[KB:%.+]] =
    // The lhs block is packed through load_lhs, 16 elements at a time, zeros beyond the end:
    // CHECK:      [[V:%.+]] = vector.maskedload [[X]]{{.*}}, [[MASK:%.+]], %
    // CHECK:      [[RANGE:%.+]] = memref.load [[BETA]]{{\[}}[[T]]]
    // CHECK:      [[STEPS:%.+]] = arith.divf [[V]], {{%.+}} : vector<16xf32>
    // CHECK:      [[CODE:%.+]] = math.roundeven [[STEPS]]
    // CHECK:      [[PADDED:%.+]] = arith.select [[MASK]], [[CODE]], %
    // CHECK:      vector.store [[PADDED]], [[LHS:%[a-z0-9_]+]][
    // The rhs block, row by row. First the statistic of the row, over the whole tile:
    // CHECK:      [[MAX:%.+]] = scf.for {{.*}} iter_args(
    // CHECK:        vector.maskedload [[W]]
    // CHECK:        math.absf
    // CHECK:        arith.maxui
    // CHECK:      vector.reduction <maxui>, [[MAX]]
    // CHECK:      memref.store {{%.+}}, [[STATS:%[a-z0-9_]+]][
    // Then its draws, in a loop of their own into a scratch row (two multiplications of Philox, and the map to a normal):
    // CHECK:      memref.load [[KEY]]
    // CHECK:      scf.for
    // CHECK:        arith.constant dense<3528531795> : vector<8xi64>
    // CHECK:        vector.gather
    // CHECK:        vector.store {{%.+}}, [[DRAWS:%[a-z0-9_]+]][
    // Then load_rhs, which takes both:
    // CHECK:      scf.for
    // CHECK:        [[V:%.+]] = vector.maskedload [[W]]
    // CHECK:        [[WMAX:%.+]] = memref.load [[STATS]]
    // CHECK:        [[N:%.+]] = vector.load [[DRAWS]]
    // CHECK:        arith.mulf [[SIGMA]], [[WMAX]] : f32
    // CHECK:        math.fma {{%.+}}, [[N]], [[V]] : vector<16xf32>
    // and the panel is turned, so that a vector holds 16 columns of the result:
    // CHECK:      vector.transpose
    // CHECK:      vector.store {{%.+}}, [[RHS:%[a-z0-9_]+]][
    // The micro-kernel: accumulators of mr rows in registers, and in memory only between blocks of the contraction.
    // CHECK:      vector.load [[SUMS:%[a-z0-9_]+]][
    // CHECK:      [[TILE:%.+]]:2 = scf.for {{.*}} iter_args([[A0:%.+]] = {{%.+}}, [[A1:%.+]] = {{%.+}}) -> (vector<16xf32>, vector<16xf32>)
    // CHECK:        [[B:%.+]] = vector.load [[RHS]]
    // CHECK:        memref.load [[LHS]]
    // CHECK:        math.fma {{%.+}}, [[B]], [[A0]] : vector<16xf32>
    // CHECK:        memref.load [[LHS]]
    // CHECK:        math.fma {{%.+}}, [[B]], [[A1]] : vector<16xf32>
    // CHECK:      vector.store [[TILE]]#0, [[SUMS]]
    // The end of the tile, after its last block: end_tile, and the sum over tiles in the result itself.
    // CHECK:      scf.if
    // CHECK:        [[WMAX:%.+]] = vector.maskedload [[STATS]]
    // CHECK:        [[ACC:%.+]] = vector.load [[SUMS]]
    // CHECK:        [[LEVEL:%.+]] = math.roundeven [[ACC]]
    // CHECK:        [[BOUNDED:%.+]] = arith.minimumf [[LEVEL]], [[WMAX]]
    // CHECK:        [[BEFORE:%.+]] = vector.maskedload [[Y]]
    // CHECK:        arith.addf [[BEFORE]], [[BOUNDED]]
    // CHECK:        vector.maskedstore [[Y]]
    ```

    Precondition: analog-fuse (and analog-differentiate): every function is one tiled_mvm over its arguments. Block sizes and the
    instruction set come from the op's attribute `analog.schedule` (analog-schedule; without it, code for any machine). Numerics:
    SPEC.md bit for bit but for the order of a contraction's float sums, in fused multiply-adds; scalar code is rounded as written,
    draws do not depend on the schedule. f16 and bf16 are i16 in memory and f32 in registers; sums are kept in f32. Limits: tiles of k; first operands over the axes that analog-fuse and analog-differentiate
    give them; operands of a region with the axis of its lanes last; packed bits along n; elementary functions expanded
    (analog-expand-elementary). Anything else is refused with the reason.

    More: (* example filepath=tests/lowering/convert-analog-to-vector.mlir *)
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

def AnalogCudaSchedulePass : Pass<"analog-cuda-schedule", "::mlir::ModuleOp"> {
  let summary = "choose the CTA's shape and the arithmetic of each fused kernel on a GPU";
  let description = [{
    Sets the attribute `analog.cuda_schedule` of every analog.tiled_mvm: a dictionary of `math` (fma, tf32, f16, bf16), `row_groups`
    (rows of a warp in 16s; its columns are 64), `warp_rows`, `warp_columns` (warps of a CTA), `depth` (of the contraction that is
    staged at a time) and `stages` (such blocks in shared memory: one is multiplied while the others are filled). What the attribute
    already says stays.

    ```mlir
    // RUN-OPTIONS: --analog-cuda-schedule=math=f16
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        {analog.cuda_schedule = {depth = 32 : i64}}
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // CHECK: {analog.cuda_schedule = {depth = 32 : i64, math = "f16", row_groups = 1 : i64, stages = 2 : i64, warp_columns = 1 : i64, warp_rows = 8 : i64}}
    ```

    Precondition: analog-fuse (and analog-differentiate). Numerics: fma and the shape change the order of a contraction's float sums;
    tf32 multiplies fp32 operands in two parts of 11 bits each; f16 and bf16 round the operands once, after the load regions. Limits:
    an unknown math or key, or a value that is not allowed, is refused with what is.

    More: (* example filepath=tests/lowering/analog-cuda-schedule.mlir *)
  }];
  let options = [Option<"math", "math", "std::string", "\"fma\"", "fma, tf32, f16 or bf16">];
  let dependentDialects = ["::mho::analog::AnalogDialect"];
}

def ConvertAnalogToCudaPass : Pass<"convert-analog-to-cuda", "::mlir::ModuleOp"> {
  let summary = "write each fused kernel as CUDA C++ in EmitC";
  let description = [{
    The scalar code of every region of analog.tiled_mvm becomes a device function of EmitC; what is left of the op, its arguments,
    axes, accumulators, results and which draws each region makes, becomes a struct of CUDA C++ that the loop nests of the prelude
    (AnalogToCuda/Prelude) take as their template argument: staging through the load regions, contraction, end_tile, finish,
    reductions. The kernels of a function, their grids and their order are in AnalogToCuda.h. printCuda (mho-translate --to=cuda)
    prints the module.

    ```mlir
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
        load_lhs { ^bb0(%v: f32): %half = arith.constant 0.5 : f32  %r = arith.mulf %v, %half : f32  analog.yield %r : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): %r = math.roundeven %a : f32  analog.yield %r : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // CHECK: emitc.include "mho_prelude.cuh"
    // CHECK: emitc.func @mho_layer_load_lhs([[V:%.+]]: f32, [[TO:%.+]]: !emitc.ptr<f32>, {{.*}}specifiers = ["static", "__device__", "__forceinline__"]
    // CHECK:   [[HALF:%.+]] = emitc.literal "0.5f" : f32
    // CHECK:   emitc.mul [[V]], [[HALF]]
    // CHECK: emitc.func @mho_layer_end_tile(
    // CHECK:   emitc.call_opaque "mho::roundeven"
    // CHECK: emitc.verbatim "struct mho_layer_Layer {"
    // CHECK: emitc.verbatim "  mho::forward<mho_layer_Layer>(a, shared);"
    ```

    Precondition: analog-fuse (and analog-differentiate), analog-expand-elementary. Numerics: as convert-analog-to-vector. The text is
    to be compiled without contraction (--fmad=false). Limits: tiles of k; shared memory for the loaded values and the reductions.
    Anything else is refused with the reason.

    More: (* example filepath=tests/lowering/convert-analog-to-cuda.mlir *)
  }];
  let dependentDialects = ["::mlir::emitc::EmitCDialect"];
}

def LowerVectorTransposePass : Pass<"lower-vector-transpose", "::mlir::ModuleOp"> {
  let summary = "16 x 16 transposes as 64 shuffles of whole vectors";
  let description = [{
    The default of vector-to-llvm takes a transpose apart into 256 extracts and inserts, which cost several times the packing that
    the transpose is part of.

    ```mlir
    func.func @turn(%square: vector<16x16xf32>) -> vector<16x16xf32> {
      %turned = vector.transpose %square, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
      return %turned : vector<16x16xf32>
    }
    // Four rounds of 16 shuffles of two rows each:
    // CHECK:          [[R0:%.+]] = vector.extract %{{.*}}[0] : vector<16xf32> from vector<16x16xf32>
    // CHECK:          [[R1:%.+]] = vector.extract %{{.*}}[1] : vector<16xf32> from vector<16x16xf32>
    // CHECK-NOT:      vector.transpose
    // CHECK:          vector.shuffle [[R0]], [[R1]] [0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29]
    // CHECK-COUNT-63: vector.shuffle
    // CHECK-NOT:      vector.shuffle
    ```

    Precondition: none; to run before vector-to-llvm. Numerics: elements are moved, none is computed. Limits: gains on 16 x 16; a
    transpose of another shape is taken apart as upstream does.

    More: (* example filepath=tests/lowering/lower-vector-transpose.mlir *)
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

#endif
