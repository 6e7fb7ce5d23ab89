// Evaluation of a function: arguments, the walk over its body, results.
#include "dialect/Reference/Environment.h"
#include "dialect/Reference/ScalarInterpreter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

/// The inputs, with the default of each strength where strengths were left out.
static std::vector<Tensor> withDefaults(func::FuncOp function, ArrayRef<Tensor> inputs) {
  auto isStrength = [&](unsigned i) { return bool(function.getArgAttr(i, AnalogDialect::kValueAttr)); };
  unsigned strengths = llvm::count_if(llvm::seq(0u, function.getNumArguments()), isStrength);
  if (inputs.size() + strengths != function.getNumArguments() || strengths == 0)
    return inputs.vec();
  std::vector<Tensor> all;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto value = function.getArgAttrOfType<FloatAttr>(i, AnalogDialect::kValueAttr)) {
      all.push_back(Tensor::scalar(value.getValueAsDouble()));
    } else {
      all.push_back(inputs.front());
      inputs = inputs.drop_front();
    }
  return all;
}

static std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static llvm::Error bindArguments(func::FuncOp function, ArrayRef<Tensor> given, Environment &env) {
  std::vector<Tensor> inputs = withDefaults(function, given);
  if (inputs.size() != function.getNumArguments())
    return fail("expected " + Twine(function.getNumArguments()) + " inputs of @" + function.getName() + ", got " +
                Twine(inputs.size()));
  for (auto [argument, input] : llvm::zip(function.getArguments(), inputs)) {
    if (!input.fits(argument.getType()))
      return fail("expected input " + Twine(argument.getArgNumber()) + " of @" + function.getName() + " to be a " +
                  textOf(argument.getType()) + ", got " + input.shapeText());
    for (double &v : input.reals)
      v = env.arithmetic.stored(v, argument.getType());
    env.values[argument] = std::move(input);
  }
  return llvm::Error::success();
}

static llvm::Error evalConstant(arith::ConstantOp op, Environment &env) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  Tensor result;
  if (auto type = dyn_cast<RankedTensorType>(op.getType())) {
    result.shape.assign(type.getShape().begin(), type.getShape().end());
    if (!dense)
      return fail("expected a dense constant");
    result.isInteger = type.getElementType().isIntOrIndex();
    if (result.isInteger)
      for (const APInt &v : dense.getValues<APInt>())
        result.words.push_back(v.getSExtValue());
    else
      for (const APFloat &v : dense.getValues<APFloat>())
        result.reals.push_back(env.arithmetic.round(v.convertToDouble()));
  } else if (auto real = dyn_cast<FloatAttr>(op.getValue())) {
    result = Tensor::scalar(env.arithmetic.round(real.getValueAsDouble()));
  } else {
    APInt integer = cast<IntegerAttr>(op.getValue()).getValue(); // true is 1, not -1
    result =
        Tensor::integers({}, {integer.getBitWidth() == 1 ? int64_t(integer.getZExtValue()) : integer.getSExtValue()});
  }
  env.values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

/// Scalar arithmetic between analog ops, by the interpreter of the regions.
static llvm::Error evalScalar(Operation *op, Environment &env) {
  ScalarInterpreter scalar(env.arithmetic, {}, {}, env.options.draws);
  auto isTensor = [](Type type) { return isa<ShapedType>(type); };
  if (op->getNumResults() != 1 || llvm::any_of(op->getOperandTypes(), isTensor) || isTensor(op->getResultTypes()[0]))
    return fail("the evaluator does not know '" + op->getName().getStringRef() + "'");
  for (Value operand : op->getOperands()) {
    const Tensor &value = env[operand];
    scalar.bind(operand, value.isInteger ? double(value.words[0]) : value.reals[0]);
  }
  if (llvm::Error error = scalar.run(op))
    return error;
  double value = scalar.value(op->getResult(0));
  bool integer = op->getResultTypes()[0].isIntOrIndex();
  env.values[op->getResult(0)] = integer ? Tensor::integers({}, {int64_t(value)}) : Tensor::scalar(value);
  return llvm::Error::success();
}

/// Matrices stored in 16 bits are read into the algebra, and its result is stored, by conversions of whole tensors.
template <class Conversion> static llvm::Error evalConversion(Conversion op, Environment &env) {
  if (!isa<RankedTensorType>(op.getType()))
    return evalScalar(op, env);
  if (!isStorageConversion(op))
    return fail("expected '" + op->getName().getStringRef() + "' from f16 or bf16 to f32, or from f32 to the nearest");
  Tensor result = env[op.getIn()];
  for (double &v : result.reals)
    v = env.arithmetic.stored(v, op.getType());
  env.values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

static llvm::Error evalOp(Operation *op, Environment &env) {
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case([&](arith::ConstantOp constant) { return evalConstant(constant, env); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto conversion) { return evalConversion(conversion, env); })
      .Case([&](TiledMvmOp kernel) { return evalTiledMvmOp(kernel, env); })
      .Case<AbsMaxOp, MvmOp, AccumulateOp, EffectOpInterface>([&](auto) { return evalAlgebraOp(op, env); })
      .Default([&](Operation *) { return evalScalar(op, env); });
}

llvm::Error mho::reference::evaluateBody(func::FuncOp function, ArrayRef<Tensor> inputs, Environment &env) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return fail("expected @" + function.getName() + " to have a body of one block");
  if (llvm::Error error = bindArguments(function, inputs, env))
    return error;
  for (Operation &op : function.front().without_terminator()) {
    if (llvm::Error error = evalOp(&op, env))
      return error;
    for (Value result : op.getResults())
      if (!env[result].fits(result.getType()))
        return fail("'" + op.getName().getStringRef() + "' gives a " + env[result].shapeText() +
                    " where its type says " + textOf(result.getType()));
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>> mho::reference::evaluate(func::FuncOp function, ArrayRef<Tensor> inputs,
                                                             const EvaluateOptions &options) {
  Environment env(options);
  if (llvm::Error error = evaluateBody(function, inputs, env))
    return error;
  std::vector<Tensor> results;
  for (Value value : function.front().getTerminator()->getOperands())
    results.push_back(env[value]);
  return results;
}
