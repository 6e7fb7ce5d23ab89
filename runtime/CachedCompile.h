// Compilation through the cache on disk: what all backends that make code do around their stages.
#pragma once

#include "runtime/CompilePipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace mho {

/// A module that holds a copy of `function` alone, marked with which arguments are strided, and without the strengths'
/// values: the same layer of another strength has the same kernel.
mlir::OwningOpRef<mlir::ModuleOp> isolate(mlir::func::FuncOp function, const std::vector<bool> &strided);

/// Compiles a unit of that name; the result is what the cache keeps.
using CompileUnit = std::function<Expected<std::string>(const std::string &unit)>;

/// Takes the payload of a kernel, whose IR or source is `text`, from the cache on disk, or compiles and stores it. Of
/// several processes that want the same kernel one compiles; the others wait and take it. `target`: what the code is
/// for, with the compiler's version; where it is an error, nothing is kept. `kind`: of the payload, part of the key.
Expected<std::string> compileCached(const std::string &text, const std::string &name, const std::string &kind,
                                    const Expected<std::string> &target, const Knobs &knobs,
                                    const CompileUnit &compile);

} // namespace mho
