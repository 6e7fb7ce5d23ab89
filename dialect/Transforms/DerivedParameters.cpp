// Effects with surrogate(derived) that learn parameters: the derivative and the tail that such an effect would have
// with surrogate(own), written from its code.
#include "dialect/Transforms/Fusion.h"
#include "dialect/Transforms/ScalarGradient.h"

using namespace mlir;
using namespace mho::analog;

/// A block of `count` f32 arguments in `region`, at whose end the builder stands.
static Block &openBlock(OpBuilder &builder, Region &region, size_t count, Location loc) {
  SmallVector<Type> types(count, builder.getF32Type());
  return *builder.createBlock(&region, region.end(), types, SmallVector<Location>(count, loc));
}

LogicalResult mho::analog::deriveParameters(EffectOp effect) {
  if (effect.getSurrogate() != SurrogateKind::Derived || effect.getLearnable().empty())
    return success();
  Location loc = effect.getLoc();
  OpBuilder builder(effect.getContext());
  Region &code = effect.getCode();
  unsigned params = effect.getParamNames().size();
  size_t others = params + effect.getStrengthNames().size(), learned = effect.getLearnable().size();

  // Of parameters, strengths, the element, the incoming gradient.
  Block &derivative = openBlock(builder, effect.getDerivative(), others + 2, loc);
  IRMapping mapping;
  mapping.map(code.getArgument(0), derivative.getArgument(others));
  mapping.map(code.getArguments().drop_front(), derivative.getArguments().take_front(others));
  ScalarGradient gradient(builder, mapping);
  if (failed(gradient.run(code, /*active=*/1 + params, {derivative.getArguments().back()})))
    return failure();
  SmallVector<Value> summands;
  for (int64_t param : effect.getLearnable())
    summands.push_back(gradient.of(code.getArgument(1 + param)));
  builder.create<YieldOp>(loc, ValueRange{gradient.of(code.getArgument(0))}, ValueRange{}, summands);
  eraseUnused(derivative);

  // The sums are the gradients.
  Block &tail = openBlock(builder, effect.getTail(), learned + others, loc);
  builder.create<YieldOp>(loc, tail.getArguments().take_front(learned), ValueRange{}, ValueRange{});
  effect.setSurrogate(SurrogateKind::Own);
  return success();
}
