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

    Precondition: analog-fuse (and analog-differentiate). Numerics: the same but for the order of float sums. Errors: an unknown isa
    or key, a value that is not allowed, with what is.

    (* example filepath=tests/lowering/analog-schedule.mlir *)
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
    A kernel that reduces also gets @name_tail, which combines the partials of blocks of 64 rows in ascending order.

    Precondition: analog-fuse (and analog-differentiate). Block sizes and the instruction set come from the op's attribute
    `analog.schedule` (analog-schedule; without it, code for any machine). Numerics: SPEC.md, no contraction but the fused
    multiply-adds of the micro-kernel. Limits: one accumulator, absmax per row of a tile, reductions over (t); anything else is
    refused with the reason.

    (* example filepath=tests/lowering/convert-analog-to-vector.mlir *)
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerVectorTransposePass : Pass<"lower-vector-transpose", "::mlir::ModuleOp"> {
  let summary = "16 x 16 transposes as 64 shuffles of whole vectors";
  let description = [{
    The default of vector-to-llvm takes a transpose apart into 256 extracts and inserts, which cost several times the packing that
    the transpose is part of.

    (* example filepath=tests/lowering/lower-vector-transpose.mlir *)
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

#endif
