#include "frontends/cli/run/Inputs.h"

#include "dialect/IR/AnalogDialect.h"
#include "frontends/cli/run/NpyFile.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;

namespace mho::cli {
namespace {

using reference::Tensor;
/// The tool holds inputs as doubles: 8 GiB of them are a mistyped size.
constexpr int64_t kMostElements = int64_t(1) << 30;

using ByPosition = std::map<unsigned, std::string>;

/// {"0=4x64"} -> {0: "4x64"}.
Expected<ByPosition> byPosition(const std::vector<std::string> &options, const char *name, unsigned count) {
  ByPosition result;
  for (const std::string &text : options) {
    auto [position, value] = llvm::StringRef(text).split('=');
    unsigned i;
    if (position.getAsInteger(10, i) || i >= count || value.empty())
      return Status::error(std::string("--") + name + "=" + text +
                           " is not <argument>=<value> with an argument below " + std::to_string(count));
    result[i] = value.str();
  }
  return result;
}

/// Sizes of one argument, from its type and --size.
Expected<SmallVector<int64_t>> shapeOf(RankedTensorType type, unsigned i, const std::string &given) {
  SmallVector<int64_t> shape(type.getShape());
  if (!given.empty()) {
    SmallVector<llvm::StringRef> parts;
    llvm::StringRef(given).split(parts, 'x');
    if (int64_t(parts.size()) != type.getRank())
      return Status::error("--size=" + std::to_string(i) + "=" + given + " has " + std::to_string(parts.size()) +
                           " sizes, argument " + std::to_string(i) + " has rank " + std::to_string(type.getRank()));
    for (auto [size, part] : llvm::zip(shape, parts))
      if (part.getAsInteger(10, size) || size < 0)
        return Status::error("--size: '" + part.str() + "' is no size");
  }
  int64_t elements = 1;
  for (int64_t size : shape)
    if (llvm::MulOverflow(elements, std::max<int64_t>(size, 1), elements) || elements > kMostElements)
      return Status::error("argument " + std::to_string(i) + " has more than the " + std::to_string(kMostElements) +
                           " elements that this tool holds");
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return Status::error("argument " + std::to_string(i) + " has a size that only --size=" + std::to_string(i) +
                         "=... or --arg=" + std::to_string(i) + "=file.npy can tell");
  return shape;
}

bool isFile(const std::string &value) { return llvm::StringRef(value).ends_with(".npy"); }

Status fill(Tensor &tensor, const std::string &text) {
  double value;
  if (llvm::StringRef(text).getAsDouble(value))
    return Status::error("'" + text + "' is neither a number nor the name of a .npy file");
  std::fill(tensor.reals.begin(), tensor.reals.end(), double(float(value)));
  std::fill(tensor.words.begin(), tensor.words.end(), int64_t(value));
  return Status::ok();
}

} // namespace

Tensor InputMaker::random(ArrayRef<int64_t> shape) {
  std::normal_distribution<float> gauss;
  std::uniform_int_distribution<int> whole(-4, 4);
  Tensor tensor = Tensor::zeros(shape);
  for (double &v : tensor.reals)
    v = options.normal ? double(gauss(engine)) : whole(engine);
  return tensor;
}

Expected<Tensor> InputMaker::argument(Type type, unsigned position, const std::string &size, const std::string &value) {
  Tensor result;
  if (isFile(value)) {
    Expected<Tensor> read = readNpy(value);
    if (!read)
      return read.error();
    result = std::move(*read);
  } else {
    auto tensor = dyn_cast<RankedTensorType>(type);
    SmallVector<int64_t> shape;
    if (tensor) {
      Expected<SmallVector<int64_t>> found = shapeOf(tensor, position, size);
      if (!found)
        return found.error();
      shape = *found;
    }
    bool integer = (tensor ? tensor.getElementType() : type).isIntOrIndex();
    bool key = integer && shape.size() == 1 && shape[0] == 2;
    result = random(shape);
    if (key)
      result = Tensor::integers(shape, {int64_t(options.seed), 0});
    else if (integer) // packed bits: none set
      result = Tensor::integers(shape, std::vector<int64_t>(result.size(), 0));
    if (!value.empty())
      if (Status status = fill(result, value); !status)
        return Status::error("--arg=" + std::to_string(position) + ": " + status.message());
  }
  if (result.fits(type))
    return result;
  std::string expected;
  llvm::raw_string_ostream(expected) << type;
  return Status::error("argument " + std::to_string(position) + " is a " + expected + ", but " +
                       (isFile(value) ? "'" + value + "'" : "--size") + " says " + result.shapeText() + " of " +
                       (result.isInteger ? "integers" : "reals"));
}

Expected<std::vector<Tensor>> InputMaker::arguments(func::FuncOp function) {
  unsigned count = function.getNumArguments();
  Expected<ByPosition> sizes = byPosition(options.sizes, "size", count),
                       values = byPosition(options.values, "arg", count);
  if (!sizes || !values)
    return sizes ? values.error() : sizes.error();
  std::vector<Tensor> inputs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (function.getArgAttr(i, analog::AnalogDialect::kValueAttr))
      continue;
    Expected<Tensor> input = argument(type, i, (*sizes)[i], (*values)[i]);
    if (!input)
      return input.error();
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

Expected<Tensor> InputMaker::outputGradient(ArrayRef<int64_t> shape) {
  Tensor gradient = random(shape);
  if (options.outputGradient.empty())
    return gradient;
  if (!isFile(options.outputGradient)) {
    Status status = fill(gradient, options.outputGradient);
    return status ? Expected<Tensor>(gradient) : Expected<Tensor>(Status::error("--grad: " + status.message()));
  }
  Expected<Tensor> read = readNpy(options.outputGradient);
  if (read && (read->isInteger || read->shape != gradient.shape))
    return Status::error("--grad: '" + options.outputGradient + "' holds " + read->shapeText() + ", the result is " +
                         gradient.shapeText() + " of reals");
  return read;
}

} // namespace mho::cli
