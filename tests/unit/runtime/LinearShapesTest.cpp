// What a layer refuses before a kernel sees a pointer.
#include "runtime/LinearShapes.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A layer of 3 rows, 5 inputs and 4 outputs with every argument, all over one piece of memory that nobody touches.
class Shapes : public testing::Test {
protected:
  static TensorRef tensor(std::initializer_list<int64_t> sizes, ElementType type = ElementType::F32) {
    static int64_t memory[64];
    TensorRef t{memory, type, int(sizes.size()), {}, {}};
    std::copy(sizes.begin(), sizes.end(), t.sizes.begin());
    int64_t stride = 1;
    for (int i = t.rank - 1; i >= 0; stride *= t.sizes[i--])
      t.strides[i] = stride;
    return t;
  }
  void SetUp() override {
    spec.inputRange = InputRange::Given;
    spec.adc = spec.outputNoise = spec.bias = true;
    forward.x = backward.x = tensor({3, 5});
    forward.weight = backward.weight = tensor({4, 5});
    forward.range = backward.range = tensor({1});
    forward.key = backward.key = tensor({2}, ElementType::I64);
    forward.saturation = backward.saturation = tensor({1, 3, 1}, ElementType::I32);
    forward.bias = tensor({4});
    forward.y = backward.grad = tensor({3, 4});
    backward.dx = tensor({3, 5});
    backward.dweight = tensor({4, 5});
    backward.dbias = tensor({4});
    backward.drange = tensor({1});
  }
  /// The error where elements of this tensor are `stride` apart.
  std::string strided(TensorRef &t, int64_t stride) {
    TensorRef before = t;
    t.strides[t.rank - 1] = stride;
    auto first = checkForward(spec, forward);
    auto second = checkBackward(spec, backward);
    t = before;
    return !first ? first.message() : !second ? second.message() : "";
  }
  LinearSpec spec;
  LinearForwardArgs forward;
  LinearBackwardArgs backward;
};

TEST_F(Shapes, WhatFits) {
  EXPECT_TRUE(checkForward(spec, forward));
  EXPECT_TRUE(checkBackward(spec, backward));
}

/// x, weight, y and their gradients are of the layer's storage, all else is float32.
TEST_F(Shapes, Storage) {
  std::vector<TensorRef *> matrices{&forward.x,       &forward.weight, &forward.y,   &backward.x,
                                    &backward.weight, &backward.grad,  &backward.dx, &backward.dweight};
  spec.storage = ElementType::BF16;
  EXPECT_THAT(checkForward(spec, forward).message(), HasSubstr("expected x to be bfloat16, got float32"));
  for (TensorRef *t : matrices)
    t->type = ElementType::BF16;
  EXPECT_TRUE(checkForward(spec, forward)) << checkForward(spec, forward).message();
  EXPECT_TRUE(checkBackward(spec, backward)) << checkBackward(spec, backward).message();
  for (TensorRef *t : {&forward.bias, &forward.range, &backward.dbias, &backward.drange}) {
    t->type = ElementType::BF16;
    EXPECT_FALSE(checkForward(spec, forward) && checkBackward(spec, backward));
    t->type = ElementType::F32;
  }
  forward.weight.type = ElementType::F16;
  EXPECT_THAT(checkForward(spec, forward).message(), HasSubstr("expected weight to be bfloat16, got float16"));
}

TEST_F(Shapes, StridedInputsAreTaken) {
  for (TensorRef *t : {&forward.x, &forward.weight, &forward.bias, &backward.x, &backward.weight, &backward.grad})
    EXPECT_EQ(strided(*t, 2), "");
}

TEST_F(Shapes, StridedResultsAndKeysAreRefused) {
  auto refused = [](const char *name) {
    return AllOf(HasSubstr(std::string("elements of ") + name + " to lie side by side"), HasSubstr("got strides ["),
                 HasSubstr("contiguous"));
  };
  EXPECT_THAT(strided(forward.y, 2), refused("y"));
  EXPECT_THAT(strided(backward.dx, 2), refused("dx"));
  EXPECT_THAT(strided(backward.dweight, 3), refused("dweight"));
  EXPECT_THAT(strided(backward.dbias, 0), refused("dbias"));
  EXPECT_THAT(strided(forward.key, 2), refused("key"));
  EXPECT_THAT(strided(backward.key, 2), refused("key"));
}

TEST_F(Shapes, ATransposedResultNamesItsStrides) {
  forward.y.strides = {1, 3, 0};
  EXPECT_THAT(checkForward(spec, forward).message(), HasSubstr("got strides [1, 3]; give a contiguous tensor"));
}

TEST_F(Shapes, TensorsOfEffects) {
  auto text = EffectText::parse("analog.effect @e on input(%x) params(%a over (k), %b over (t) learnable) "
                                "surrogate(own) { analog.yield %x : f32 } derivative {\n"
                                "^bb0(%a: f32, %b: f32, %x: f32, %g: f32):\n analog.yield %g : f32 reduce(%g : f32) }\n"
                                "tail {\n^bb0(%s: f32, %a: f32, %b: f32):\n analog.yield %s : f32 }",
                                kEffectSource, "");
  ASSERT_TRUE(text) << text.message();
  spec.effects = {EffectUse(*text)};
  auto forwardProblem = [&] { return checkForward(spec, forward) ? "" : checkForward(spec, forward).message(); };
  auto backwardProblem = [&] { return checkBackward(spec, backward) ? "" : checkBackward(spec, backward).message(); };
  EXPECT_EQ(forwardProblem(), "expected 2 tensors of effects, got 0");
  forward.effects = backward.effects = {tensor({5}), tensor({2})};
  EXPECT_EQ(forwardProblem(), "expected e.b to have shape [1], got [2]");
  forward.effects[1] = backward.effects[1] = tensor({1});
  EXPECT_EQ(forwardProblem(), "");
  EXPECT_EQ(backwardProblem(), "");
  forward.effects[0].strides = {3};
  EXPECT_EQ(forwardProblem(), "") << "strided";
  forward.effects[0].type = ElementType::I32;
  EXPECT_EQ(forwardProblem(), "expected e.a to be float32, got int32");
  backward.deffects = {TensorRef(), tensor({1})};
  EXPECT_EQ(backwardProblem(), "");
  backward.deffects = {tensor({5}), tensor({1})};
  EXPECT_THAT(backwardProblem(), HasSubstr("unexpected de.a: the effect's text does not call the parameter learnable"));
  backward.deffects = {tensor({5})};
  EXPECT_THAT(backwardProblem(), HasSubstr("got 1"));
  backward.deffects.clear();
  backward.effectStrengths = {1};
  EXPECT_EQ(backwardProblem(), "expected 0 strengths of effects, got 1");
}

} // namespace
} // namespace mho
