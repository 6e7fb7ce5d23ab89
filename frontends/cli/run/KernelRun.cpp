#include "frontends/cli/run/KernelRun.h"

#include "dialect/Numerics/Tiling.h"
#include "frontends/cli/SoleKernel.h"
#include "runtime/RealElement.h"

#include <algorithm>

using namespace mlir;
using namespace mho::analog;

namespace mho::cli {

using reference::Tensor;

void KernelRun::Buffer::scatter(const std::vector<double> &elements) {
  if (strides.empty())
    strides = sideBySide(shape);
  TensorRef into = ref();
  for (int64_t i = 0; i < extent(shape, strides); ++i)
    storeReal(into.data, type, i, NAN); // what lies between the elements is no number
  for (int64_t flat = 0; flat < int64_t(elements.size()); ++flat) {
    int64_t rest = flat, offset = 0;
    for (int i = int(shape.size()) - 1; i >= 0; --i) {
      offset += rest % shape[i] * strides[i];
      rest /= shape[i];
    }
    storeReal(into.data, type, offset, elements[flat]);
  }
}

/// Those that lie side by side, as results do.
std::vector<double> KernelRun::Buffer::reals() const {
  std::vector<double> values(type == ElementType::F32 ? floats.size() : halves.size());
  const void *data = type == ElementType::F32 ? static_cast<const void *>(floats.data()) : halves.data();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = loadReal(data, type, i);
  return values;
}

TensorRef KernelRun::Buffer::ref() {
  TensorRef result;
  result.type = type;
  result.rank = shape.size();
  if (strides.empty())
    strides = sideBySide(shape);
  llvm::copy(shape, result.sizes.begin());
  llvm::copy(strides, result.strides.begin());
  // One element at least: an address even of nothing.
  size_t room = std::max<int64_t>(extent(shape, strides), 1);
  switch (type) {
  case ElementType::F32:
    floats.resize(room);
    result.data = floats.data();
    break;
  case ElementType::F16:
  case ElementType::BF16:
    halves.resize(room);
    result.data = halves.data();
    break;
  case ElementType::I32:
    words.resize(room);
    result.data = words.data();
    break;
  case ElementType::I64:
    longs.resize(room);
    result.data = longs.data();
  }
  return result;
}

Status KernelRun::bindInputs(func::FuncOp function, ArrayRef<Tensor> inputs, ArrayRef<Strides> strides) {
  for (auto [argument, slot] : llvm::zip(function.getArguments(), code->slots())) {
    SlotValue &value = values.emplace_back();
    auto strength = function.getArgAttrOfType<FloatAttr>(argument.getArgNumber(), AnalogDialect::kValueAttr);
    if (strength) {
      value.scalar = strength.getValueAsDouble();
      continue;
    }
    if (inputs.empty() || !inputs.front().fits(argument.getType()))
      return Status::error("input " + std::to_string(argument.getArgNumber()) + " of @" + function.getName().str() +
                           " does not have the argument's type");
    const Tensor &input = inputs.front();
    inputs = inputs.drop_front();
    Strides given = strides.empty() ? Strides() : strides.front();
    strides = strides.drop_front(strides.empty() ? 0 : 1);
    if (slot.scalar) {
      value.scalar = float(input.reals[0]);
      continue;
    }
    Buffer &buffer = buffers.emplace_back();
    buffer.shape = shapes[argument] = input.shape;
    buffer.strides = given;
    buffer.type = slot.type;
    if (isReal(slot.type))
      buffer.scatter(input.reals);
    else if (slot.type == ElementType::I32)
      buffer.words.assign(input.words.begin(), input.words.end());
    else
      buffer.longs.assign(input.words.begin(), input.words.end());
    value.tensor = buffer.ref();
  }
  return Status::ok();
}

Status KernelRun::setSize(Axis axis, int64_t size) {
  auto [it, inserted] = sizes.insert({axis, size});
  if (inserted || it->second == size)
    return Status::ok();
  return Status::error("inputs contradict each other: axis " + stringifyAxis(axis).str() + " is " +
                       std::to_string(it->second) + " long in one and " + std::to_string(size) + " in another");
}

Status KernelRun::setSizes(OperandRange operands, ArrayAttr axes) {
  for (auto [operand, attr] : llvm::zip(operands, axes)) {
    ArrayRef<Axis> over = cast<AxesAttr>(attr).getAxes();
    for (auto [i, axis] : llvm::enumerate(over)) {
      bool packed = TiledMvmOp::isBits(operand) && i + 1 == over.size(); // words, not elements
      if (!packed)
        if (Status status = setSize(axis, shapes[operand][i]); !status)
          return status;
    }
  }
  return Status::ok();
}

/// The length of every axis, from the operands.
Status KernelRun::findSizes() {
  for (auto [operands, axes] : {std::pair(kernel.getLhs(), kernel.getLhsAxes()),
                                {kernel.getRhs(), kernel.getRhsAxes()},
                                {kernel.getEpilogue(), kernel.getEpilogueAxes()}})
    if (Status status = setSizes(operands, axes); !status)
      return status;
  if (Status status = setSize(Axis::T, tileCount(sizes[Axis::K], kernel.getTiling().getRows())); !status)
    return status;
  if (Status status = setSizes(kernel.getParams(), kernel.getParamAxes()); !status)
    return status;
  return checkWords();
}

/// Packed bits have a word for each 32 elements of their last axis.
Status KernelRun::checkWords() {
  for (auto [operands, axes] : {std::pair(kernel.getLhs(), kernel.getLhsAxes()),
                                {kernel.getRhs(), kernel.getRhsAxes()},
                                {kernel.getEpilogue(), kernel.getEpilogueAxes()}})
    for (auto [operand, attr] : llvm::zip(operands, axes)) {
      if (!TiledMvmOp::isBits(operand))
        continue;
      Axis axis = cast<AxesAttr>(attr).getAxes().back();
      int64_t words = shapes[operand].back(), wanted = packedWords(sizes[axis]);
      if (words != wanted)
        return Status::error("inputs contradict each other: axis " + stringifyAxis(axis).str() + " is " +
                             std::to_string(sizes[axis]) + " long, whose bits take " + std::to_string(wanted) +
                             " words, got " + std::to_string(words));
    }
  return Status::ok();
}

void KernelRun::bindResults() {
  firstResult = buffers.size();
  for (auto [i, attr] : llvm::enumerate(kernel.getResultSpecs())) {
    auto spec = cast<ResultAttr>(attr);
    Buffer &buffer = buffers.emplace_back();
    for (Axis axis : spec.getOver().getAxes())
      buffer.shape.push_back(sizes[axis]);
    if (spec.getKind() == ResultKind::Bits)
      buffer.shape.back() = packedWords(buffer.shape.back());
    buffer.type = code->slots()[values.size()].type;
    values.emplace_back().tensor = buffer.ref();
  }
  auto [rows, columns] = kernel.getOutputAxes();
  output.rows = sizes[rows];
  TilingAttr tiling = kernel.getTiling();
  output.tiles = {sizes[Axis::K], tiling.getRows(), tiling.getKind() == analog::TilingKind::Fixed};
  output.columnsAreTiles = columns == Axis::K;
  output.columns = output.columnsAreTiles ? sizes[Axis::T] : sizes[columns];
}

Expected<std::unique_ptr<KernelRun>> KernelRun::make(Backend &backend, func::FuncOp function, ArrayRef<Tensor> inputs,
                                                     const CallOptions &options) {
  if (Status status = checkStrides(inputs, options.strides); !status)
    return status;
  Expected<TiledMvmOp> kernel = soleKernel(function);
  if (!kernel)
    return Status::error(kernel.message() + "; --backend=reference runs any function of the dialect");
  auto compiled = backend.compile(function, stridedArguments(function, options.strides));
  if (!compiled)
    return compiled.error();
  std::unique_ptr<KernelRun> result(new KernelRun(*kernel));
  result->code = std::move(*compiled);
  result->context.parallelFor = onThreads(options.threads);
  if (Status status = result->bindInputs(function, inputs, options.strides); !status)
    return status;
  if (Status status = result->findSizes(); !status)
    return status;
  result->bindResults();
  return result;
}

Status KernelRun::run() { return code->launch(values.data(), output, context); }

std::vector<Tensor> KernelRun::results() const {
  std::vector<Tensor> all;
  for (auto it = buffers.begin() + firstResult; it != buffers.end(); ++it) {
    Tensor &tensor = all.emplace_back();
    tensor.shape = it->shape;
    tensor.isInteger = !isReal(it->type);
    if (!tensor.isInteger)
      tensor.reals = it->reals();
    tensor.words.assign(it->words.begin(), it->words.end());
    tensor.words.insert(tensor.words.end(), it->longs.begin(), it->longs.end());
    int64_t elements = 1;
    for (int64_t size : tensor.shape)
      elements *= size;
    (tensor.isInteger ? tensor.words.resize(elements) : tensor.reals.resize(elements));
  }
  return all;
}

} // namespace mho::cli
