// convert_to_analog: what it reaches, what it refuses, what stays as it was.
#include "tests/frontends/chip_network.h"
#include "tests/frontends/noisy_layer.h"

#include <gmock/gmock.h>
#include <torch/nn/modules/container/moduledict.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/utils.h>

namespace mho {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using torch::Tensor;

std::string refusal(torch::nn::Module &module, const ConversionFilter &filter = nullptr) {
  return nn::errorOf([&] { convert_to_analog(module, chip(), filter); });
}

ConversionFilter except(const std::string &left) {
  return [left](const std::string &path, const torch::nn::Module &) { return path != left; };
}

/// Members of every kind.
struct NetImpl : torch::nn::Module {
  NetImpl() {
    body = register_module("body", network());
    list = register_module("list", torch::nn::ModuleList(torch::nn::Linear(4, 4), torch::nn::ReLU()));
    dict = register_module("dict", torch::nn::ModuleDict());
    dict->update({{"a", torch::nn::Linear(4, 4).ptr()}});
    head = register_module("head", nn::AnalogLinear(4, 2));
  }
  torch::nn::Sequential body{nullptr};
  torch::nn::ModuleList list{nullptr};
  torch::nn::ModuleDict dict{nullptr};
  nn::AnalogLinear head{nullptr};
};

struct TypedImpl : torch::nn::Module {
  TypedImpl() {
    body = register_module("body", network());
    tail = register_module("tail", torch::nn::Linear(4, 2));
  }
  torch::nn::Sequential body{nullptr};
  torch::nn::Linear tail{nullptr};
};

TEST(Convert, ReachesEveryContainerAndTypedMember) {
  auto net = std::make_shared<NetImpl>();
  Tensor weight = net->body->ptr<torch::nn::LinearImpl>(2)->weight;
  EXPECT_THAT(convert_to_analog(*net, chip()), ElementsAre("body.0", "body.2", "list.0", "dict.a", "head"));
  EXPECT_EQ(nn::analogLayers(*net).size(), 5u);
  EXPECT_TRUE(net->head->isAnalog());
  EXPECT_TRUE(net->body->ptr<nn::AnalogLinearImpl>(2)->weight.is_same(weight)) << "parameters keep their identity";
  EXPECT_NE(net->list->ptr<nn::AnalogLinearImpl>(0), nullptr);
  EXPECT_NE(std::dynamic_pointer_cast<nn::AnalogLinearImpl>((*net->dict)["a"]), nullptr);
  EXPECT_EQ(net->body->forward(torch::randn({3, 20})).size(1), 4) << "the Sequential runs the new layers";
  EXPECT_TRUE(convert_to_analog(*net, chip()).empty()) << "nothing is left to convert";
}

TEST(Convert, WhatItCannotReachIsAnErrorAndNothingChanges) {
  auto net = std::make_shared<TypedImpl>();
  try {
    convert_to_analog(*net, chip());
    FAIL() << "expected an error";
  } catch (const c10::Error &error) {
    EXPECT_THAT(error.what(), HasSubstr("'tail' is a torch::nn::Linear member"));
    EXPECT_THAT(error.what(), HasSubstr("declare it as mho::nn::AnalogLinear"));
  }
  EXPECT_TRUE(nn::analogLayers(*net).empty());
  auto notTail = [](const std::string &path, const torch::nn::Module &) { return path != "tail"; };
  EXPECT_THAT(convert_to_analog(*net, chip(), notTail), ElementsAre("body.0", "body.2"));
  nn::AnalogConfig impossible = chip();
  impossible.adcBits = 1;
  EXPECT_THROW(convert_to_analog(*net, impossible), std::invalid_argument);
  torch::nn::Linear alone(3, 3);
  EXPECT_THROW(convert_to_analog(*alone, chip()), c10::Error);
}

TEST(Convert, ASharedLayerStaysShared) {
  torch::nn::Linear shared(4, 4);
  torch::nn::Sequential net(shared, torch::nn::ReLU(), shared);
  convert_to_analog(*net, chip());
  EXPECT_EQ(net->ptr(0), net->ptr(2));
}

TEST(Convert, OnePathOfASharedLayerIsAnError) {
  torch::nn::Linear linear(4, 4);
  torch::nn::Sequential net(linear, torch::nn::ReLU(), linear);
  for (const char *left : {"0", "2"}) {
    EXPECT_THAT(refusal(*net, except(left)), HasSubstr("'0' and '2' are one layer"));
    EXPECT_EQ(net->ptr(0), linear.ptr()) << "nothing has changed";
  }
  nn::AnalogLinear layer(4, 4);
  torch::nn::Sequential analog(layer, layer);
  EXPECT_THAT(refusal(*analog, except("1")), HasSubstr("'0' and '1' are one layer"));
  EXPECT_FALSE(layer->isAnalog());
}

/// A Linear with a forward pass of its own.
struct DoubledImpl : torch::nn::LinearImpl {
  using LinearImpl::LinearImpl;
  Tensor forward(const Tensor &x) { return 2 * LinearImpl::forward(x); }
};
TORCH_MODULE(Doubled);

TEST(Convert, MoreThanALinearIsAnError) {
  torch::nn::Sequential derived(Doubled(4, 4));
  EXPECT_THAT(refusal(*derived), HasSubstr("'0' is a mho::(anonymous namespace)::DoubledImpl"));
  EXPECT_THAT(convert_to_analog(*derived, chip(), except("0")), ElementsAre());
  torch::nn::Linear mask(4, 4), child(4, 4), parameter(4, 4);
  mask->register_buffer("mask", torch::ones({4}));
  child->register_module("norm", torch::nn::ReLU());
  parameter->register_parameter("gain", torch::ones({1}));
  for (const torch::nn::Linear &extended : {mask, child, parameter}) {
    torch::nn::Sequential net(torch::nn::Linear(4, 4), extended);
    EXPECT_THAT(refusal(*net), HasSubstr("'1' has parameters, buffers or children beside weight and bias"));
    EXPECT_TRUE(nn::analogLayers(*net).empty()) << "nothing has changed";
  }
  torch::nn::Sequential unbiased(torch::nn::Linear(torch::nn::LinearOptions(4, 4).bias(false)));
  EXPECT_THAT(convert_to_analog(*unbiased, chip()), ElementsAre("0"));
}

TEST(Convert, ARootOnTheStack) {
  nn::AnalogLinearImpl layer(20, 4);
  EXPECT_THAT(convert_to_analog(layer, chip()), ElementsAre(""));
  EXPECT_TRUE(layer.isAnalog());
  try {
    nn::analogLayers(layer);
    FAIL() << "expected an error";
  } catch (const c10::Error &error) {
    EXPECT_THAT(error.what(), HasSubstr("not held by a shared pointer"));
  }
}

TEST(Convert, AnalogLayersKeepTheirConfig) {
  torch::nn::Sequential net = network();
  nn::AnalogConfig precise = chip();
  precise.adcBits = 12;
  EXPECT_THAT(convert_to_analog(*net, precise, except("0")), ElementsAre("2"));
  EXPECT_THAT(convert_to_analog(*net, chip()), ElementsAre("0"));
  EXPECT_EQ(net->ptr<nn::AnalogLinearImpl>(2)->config(), precise);
  EXPECT_EQ(net->ptr<nn::AnalogLinearImpl>(0)->config(), chip());
}

/// A Sequential does not hold a Sequential; a block with a forward pass of its own does.
struct BlockImpl : torch::nn::Module {
  explicit BlockImpl(const torch::nn::Sequential &body) : body(register_module("body", body)) {}
  Tensor forward(const Tensor &x) { return body->forward(x); }
  torch::nn::Sequential body;
};
TORCH_MODULE(Block);

TEST(Convert, NestedAndNamedContainersInEvalMode) {
  torch::nn::Sequential inner({{"first", torch::nn::AnyModule(torch::nn::Linear(20, 8))},
                               {"act", torch::nn::AnyModule(torch::nn::ReLU())},
                               {"second", torch::nn::AnyModule(torch::nn::Linear(8, 6))}});
  torch::nn::ModuleList list(inner, torch::nn::Linear(6, 5));
  torch::nn::Sequential outer(Block(inner), torch::nn::Linear(6, 4));
  torch::nn::ModuleDict root;
  root->update({{"list", list.ptr()}, {"outer", outer.ptr()}});
  root->eval();
  Tensor x = torch::randn({3, 20}), first = inner->forward(x), expected = outer->forward(x);
  convert_to_analog(*root, chip());
  EXPECT_EQ(nn::analogLayers(*root).size(), 4u) << "the inner container has two paths";
  for (const auto &[path, layer] : nn::analogLayers(*root))
    EXPECT_FALSE(layer->is_training()) << path;
  EXPECT_EQ(inner->named_children().keys(), (std::vector<std::string>{"first", "act", "second"}));
  Tensor y = outer->forward(x);
  EXPECT_TRUE(torch::equal(y, outer->forward(x))) << "evaluation draws no noise";
  EXPECT_FALSE(torch::equal(y, expected)) << "the containers run the new layers";
  EXPECT_FALSE(torch::equal(inner->forward(x), first));
}

} // namespace
} // namespace mho
