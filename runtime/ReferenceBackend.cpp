#include "runtime/ReferenceBackend.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Reference/Evaluator.h"
#include "runtime/ColumnSum.h"
#include "runtime/FloatingPoint.h"
#include "runtime/ModuleArtifact.h"
#include "runtime/RealElement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace mho {
namespace {

using reference::Tensor;

/// Calls body(element) for each element of `t` in row-major order; `element` counts elements from t.data.
template <class Body> void forEachOffset(const TensorRef &t, Body body) {
  int64_t count = 1;
  for (int i = 0; i < t.rank; ++i)
    count *= t.sizes[i];
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t offset = 0, rest = flat;
    for (int i = t.rank - 1; i >= 0; --i) {
      offset += rest % t.sizes[i] * t.strides[i];
      rest /= t.sizes[i];
    }
    body(offset);
  }
}

Tensor toTensor(const TensorRef &t) {
  Tensor result;
  result.shape.assign(t.sizes.begin(), t.sizes.begin() + t.rank);
  result.isInteger = !isReal(t.type);
  forEachOffset(t, [&](int64_t offset) {
    if (isReal(t.type))
      result.reals.push_back(loadReal(t.data, t.type, offset));
    else if (t.type == ElementType::I32)
      result.words.push_back(static_cast<const int32_t *>(t.data)[offset]);
    else
      result.words.push_back(static_cast<const int64_t *>(t.data)[offset]);
  });
  return result;
}

/// In place of an argument that nothing reads.
Tensor emptyOf(const KernelSlot &slot) {
  llvm::SmallVector<int64_t> shape(slot.rank, 0);
  return isReal(slot.type) ? Tensor::zeros(shape) : Tensor::integers(shape, {});
}

/// Empty if `t` took the values, else what does not fit.
std::string copyInto(const TensorRef &t, const Tensor &values, const std::string &name) {
  if (llvm::ArrayRef(t.sizes.data(), t.rank) != llvm::ArrayRef(values.shape))
    return "result '" + name + "' is " + values.shapeText() + ", and the tensor for it has another shape";
  size_t next = 0;
  forEachOffset(t, [&](int64_t offset) {
    if (isReal(t.type))
      storeReal(t.data, t.type, offset, values.reals[next++]);
    else if (t.type == ElementType::I32)
      static_cast<int32_t *>(t.data)[offset] = values.words[next++];
    else
      static_cast<int64_t *>(t.data)[offset] = values.words[next++];
  });
  return "";
}

class ReferenceKernel final : public Kernel {
public:
  /// The function lives on in a context of the kernel's own.
  static Expected<std::shared_ptr<const Kernel>> make(func::FuncOp function) {
    auto kernel = std::make_shared<ReferenceKernel>();
    OwningOpRef<ModuleOp> alone = moduleOf(function);
    kernel->context.loadDialect<analog::AnalogDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
    kernel->module = parseSourceString<ModuleOp>(printed(*alone), &kernel->context);
    if (!kernel->module)
      return Status::error("@" + function.getName().str() + " is not a function that the evaluator knows");
    kernel->function = *kernel->module->getOps<func::FuncOp>().begin();
    kernel->all = kernelSlots(kernel->function);
    return std::shared_ptr<const Kernel>(kernel);
  }

  const std::vector<KernelSlot> &slots() const override { return all; }

  Status launch(const SlotValue *values, const KernelOutput &, const LaunchContext &) const override {
    DefaultFloatingPoint modes;
    func::FuncOp function = this->function; // a handle, whose reading methods are not const
    std::vector<Tensor> inputs;
    size_t arguments = 0;
    for (; arguments < all.size() && !all[arguments].result; ++arguments) {
      const SlotValue &value = values[arguments];
      bool missing = !all[arguments].scalar && !value.tensor.defined();
      if (missing && !function.getArgument(arguments).use_empty())
        return Status::error("the kernel reads '" + all[arguments].name + "', which is missing");
      inputs.push_back(all[arguments].scalar ? Tensor::scalar(value.scalar)
                       : missing             ? emptyOf(all[arguments])
                                             : toTensor(value.tensor));
    }
    llvm::Expected<std::vector<Tensor>> results = reference::evaluate(function, inputs);
    if (!results)
      return Status::error(llvm::toString(results.takeError()));
    for (auto [i, result] : llvm::enumerate(*results)) {
      const SlotValue &value = values[arguments + i];
      if (!value.tensor.defined() || value.discard)
        continue; // nobody reads it
      if (std::string problem = copyInto(value.tensor, result, all[arguments + i].name); !problem.empty())
        return Status::error(problem);
    }
    return Status::ok();
  }

private:
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::vector<KernelSlot> all;
};

class ReferenceBackend final : public Backend {
public:
  std::string name() const override { return "reference"; }
  std::string unavailable() const override { return ""; }
  std::vector<std::string> stages() const override { return {}; }
  Expected<std::shared_ptr<const Kernel>> compile(func::FuncOp function, const std::vector<bool> &) override {
    return ReferenceKernel::make(function);
  }
  Status sumColumns(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) override {
    columnSum(grad, out, context.parallelFor);
    return Status::ok();
  }
};

} // namespace

Backend &referenceBackend() {
  static ReferenceBackend backend;
  return backend;
}

} // namespace mho
