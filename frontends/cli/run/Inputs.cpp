#include "frontends/cli/run/Inputs.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Reference/Arithmetic.h"
#include "frontends/cli/run/NpyFile.h"
#include "frontends/cli/run/Sizes.h"

#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;

namespace mho::cli {
namespace {

using reference::Tensor;

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
    if (!result.insert({i, value.str()}).second)
      return Status::error(std::string("--") + name + " is given twice for argument " + position.str() + ": " +
                           result[i] + " and " + value.str());
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
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return Status::error("argument " + std::to_string(i) + " has a size that only --size=" + std::to_string(i) +
                         "=... or --arg=" + std::to_string(i) + "=file.npy can tell");
  return shape;
}

bool isFile(const std::string &value) { return llvm::StringRef(value).ends_with(".npy"); }

/// Sets all elements to a number.
Status fill(Tensor &tensor, const std::string &text) {
  double value;
  if (llvm::StringRef(text).getAsDouble(value))
    return Status::error("'" + text + "' is neither a number nor the name of a .npy file");
  int64_t whole = 0;
  if (tensor.isInteger && llvm::StringRef(text).getAsInteger(10, whole))
    return Status::error("'" + text + "' is no whole number, as this argument's elements are");
  std::fill(tensor.reals.begin(), tensor.reals.end(), double(float(value)));
  std::fill(tensor.words.begin(), tensor.words.end(), whole);
  return Status::ok();
}

std::string printed(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// What this tool can make: f32 numbers, and tensors of f32, f16, bf16, i32 (packed bits) or i64 (keys).
bool isSupported(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type.isF32();
  Type element = tensor.getElementType();
  return element.isF32() || analog::isSixteenBits(element) || element.isInteger(32) || element.isInteger(64);
}

bool isKey(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isInteger(64) && tensor.getShape() == ArrayRef<int64_t>{2};
}

/// Errors: integers that the argument's type does not hold, a key whose step is not below 2^32 (SPEC.md, "Noise").
Status checkIntegers(const Tensor &tensor, Type type, unsigned position) {
  std::string argument = "argument " + std::to_string(position);
  if (isKey(type) && (tensor.words[1] < 0 || tensor.words[1] > UINT32_MAX))
    return Status::error(argument + " is a key (seed, step) of step " + std::to_string(tensor.words[1]) +
                         "; expected 0 to 4294967295");
  if (getElementTypeOrSelf(type).isInteger(32))
    for (int64_t word : tensor.words)
      if (word < INT32_MIN || word > UINT32_MAX) // packed bits may be read as signed or not
        return Status::error(argument + " has elements of 32 bits, which do not hold " + std::to_string(word));
  return Status::ok();
}

/// Errors: types that the tool does not make, and a strength that is no f32 number.
Status checkTypes(func::FuncOp function) {
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    std::string argument = "argument " + std::to_string(i) + " of @" + function.getName().str();
    Attribute value = function.getArgAttr(i, analog::AnalogDialect::kValueAttr);
    if (value && !(type.isF32() && isa<FloatAttr>(value)))
      return Status::error(argument + " is a " + printed(type) +
                           " and carries analog.value, which is the number of an f32 argument");
    if (!isSupported(type))
      return Status::error(argument + " is a " + printed(type) +
                           "; this tool makes f32 numbers and ranked tensors of f32, f16, bf16, i32 or i64");
  }
  return Status::ok();
}

/// Real elements as a tensor of `type` holds them.
void store(Tensor &tensor, Type type) {
  for (double &v : tensor.reals)
    v = reference::Arithmetic().stored(v, type);
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

Expected<Tensor> InputMaker::made(const Planned &plan, Type type, unsigned position) {
  Tensor result = random(plan.shape);
  if (isKey(type))
    result = Tensor::integers(plan.shape, {int64_t(options.seed), 0});
  else if (getElementTypeOrSelf(type).isIntOrIndex()) // packed bits: none set
    result = Tensor::integers(plan.shape, std::vector<int64_t>(result.size(), 0));
  if (!plan.value.empty())
    if (Status status = fill(result, plan.value); !status)
      return Status::error("--arg=" + std::to_string(position) + ": " + status.message());
  return result;
}

Expected<InputMaker::Planned> InputMaker::plan(Type type, unsigned position, const std::string &size,
                                               const std::string &value) {
  Planned plan;
  plan.value = value;
  if (isFile(value)) {
    if (!size.empty())
      return Status::error("--size=" + std::to_string(position) + "=" + size + ": argument " +
                           std::to_string(position) + " has the sizes of its file '" + value + "'");
    Expected<Tensor> read = readNpy(value);
    if (!read)
      return read.error();
    plan.shape = read->shape;
    plan.file = std::move(*read);
  } else if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    Expected<SmallVector<int64_t>> found = shapeOf(tensor, position, size);
    if (!found)
      return found.error();
    plan.shape = *found;
  } else if (!size.empty()) {
    return Status::error("--size=" + std::to_string(position) + "=" + size + ": argument " + std::to_string(position) +
                         " is a number");
  }
  return plan;
}

Expected<std::vector<Tensor>> InputMaker::arguments(func::FuncOp function) {
  if (Status status = checkTypes(function); !status)
    return status;
  unsigned count = function.getNumArguments();
  Expected<ByPosition> sizes = byPosition(options.sizes, "size", count),
                       values = byPosition(options.values, "arg", count);
  if (!sizes || !values)
    return sizes ? values.error() : sizes.error();
  std::vector<std::optional<Planned>> plans(count); // none: a strength with its value
  std::vector<SmallVector<int64_t>> shapes(count);
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (function.getArgAttr(i, analog::AnalogDialect::kValueAttr)) {
      if (sizes->count(i) || values->count(i))
        return Status::error("argument " + std::to_string(i) +
                             " has its value from its attribute analog.value; change "
                             "it there");
      continue;
    }
    Expected<Planned> planned = plan(type, i, (*sizes)[i], (*values)[i]);
    if (!planned)
      return planned.error();
    shapes[i] = planned->shape;
    plans[i] = std::move(*planned);
  }
  if (Status status = checkSizes(function, shapes); !status)
    return status;
  std::vector<Tensor> inputs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (!plans[i])
      continue;
    Expected<Tensor> input = plans[i]->file ? Expected<Tensor>(std::move(*plans[i]->file)) : made(*plans[i], type, i);
    if (!input)
      return input.error();
    if (!input->fits(type))
      return Status::error("argument " + std::to_string(i) + " is a " + printed(type) + ", but " +
                           (isFile(plans[i]->value) ? "'" + plans[i]->value + "'" : "--size") + " says " +
                           input->shapeText() + " of " + (input->isInteger ? "integers" : "reals"));
    if (Status status = checkIntegers(*input, type, i); !status)
      return status;
    store(*input, type);
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

Expected<Tensor> InputMaker::outputGradient(ArrayRef<int64_t> shape, Type type) {
  Tensor gradient = random(shape);
  if (!isFile(options.outputGradient)) {
    Status status = options.outputGradient.empty() ? Status::ok() : fill(gradient, options.outputGradient);
    store(gradient, type);
    return status ? Expected<Tensor>(gradient) : Expected<Tensor>(Status::error("--grad: " + status.message()));
  }
  Expected<Tensor> read = readNpy(options.outputGradient);
  if (read && (read->isInteger || read->shape != gradient.shape))
    return Status::error("--grad: '" + options.outputGradient + "' holds " + read->shapeText() + ", the result is " +
                         gradient.shapeText() + " of reals");
  if (read)
    store(*read, type);
  return read;
}

} // namespace mho::cli
