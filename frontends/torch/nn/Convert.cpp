#include "frontends/torch/nn/Convert.h"

#include <torch/nn/modules/container/moduledict.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <map>
#include <typeinfo>

namespace mho {
namespace {

using torch::nn::Module;
using LayerPtr = std::shared_ptr<nn::AnalogLinearImpl>;

/// Puts a layer where a container holds a child of that name; null if `parent` is no container we know.
using Replace = std::function<void(const LayerPtr &)>;

Replace replacementIn(Module &parent, const std::string &name) {
  if (auto *sequential = dynamic_cast<torch::nn::SequentialImpl *>(&parent))
    return [sequential, name](const LayerPtr &layer) {
      // A Sequential keeps its modules twice: in order, to run them, and by name.
      size_t index = 0;
      for (const auto &child : sequential->named_children()) {
        if (child.key() == name)
          *(sequential->begin() + int64_t(index)) = torch::nn::AnyModule(layer);
        ++index;
      }
      sequential->replace_module(name, layer);
    };
  if (auto *list = dynamic_cast<torch::nn::ModuleListImpl *>(&parent))
    return [list, name](const LayerPtr &layer) {
      *(list->begin() + std::stol(name)) = layer;
      list->replace_module(name, layer);
    };
  if (auto *dict = dynamic_cast<torch::nn::ModuleDictImpl *>(&parent))
    return [dict, name](const LayerPtr &layer) {
      for (auto &item : *dict)
        if (item.key() == name)
          item.value() = layer;
      dict->replace_module(name, layer);
    };
  return nullptr;
}

/// Throws unless the layer is nothing but an nn.Linear: what a class of its own or further members do would be lost.
void checkPlain(const torch::nn::LinearImpl &linear, const std::string &path) {
  const Module &asModule = linear;
  TORCH_CHECK_VALUE(typeid(asModule) == typeid(torch::nn::LinearImpl), "convert_to_analog: the layer '", path,
                    "' is a ", linear.name(),
                    ", a class of its own that derives from torch::nn::Linear; an analog "
                    "layer in its place would not do what it does. Leave it out with a filter, or derive it from "
                    "mho::nn::AnalogLinearImpl");
  size_t parameters = 1 + linear.bias.defined();
  TORCH_CHECK_VALUE(linear.named_parameters().size() == parameters && linear.buffers().empty() &&
                        linear.children().empty(),
                    "convert_to_analog: the layer '", path,
                    "' has parameters, buffers or children beside weight and "
                    "bias, which would be lost; leave it out with a filter");
}

/// What will be done, found before anything is changed.
class Plan {
public:
  Plan(const nn::AnalogConfig &config, const ConversionFilter &filter, const std::vector<nn::Effect> &effects)
      : config(config), filter(filter), effects(effects) {}

  void collect(Module &parent, const std::string &prefix) {
    for (const auto &child : parent.named_children()) {
      std::string path = prefix + child.key();
      if (auto linear = std::dynamic_pointer_cast<torch::nn::LinearImpl>(child.value()))
        addLinear(parent, child.key(), path, linear);
      else if (auto layer = std::dynamic_pointer_cast<nn::AnalogLinearImpl>(child.value()))
        addMember(path, *layer);
      else
        collect(*child.value(), path + ".");
    }
  }
  void addMember(const std::string &path, nn::AnalogLinearImpl &layer) {
    if (layer.isAnalog() || !wanted(path, layer))
      return;
    layer.checkEffects(config, effects);
    paths.push_back(path);
    steps.push_back([this, &layer] {
      if (!layer.isAnalog()) // a layer registered twice is converted once
        layer.toAnalog(config, effects);
    });
  }
  std::vector<std::string> run() {
    for (const auto &step : steps)
      step();
    return paths;
  }

private:
  /// The filter's answer. A layer with several paths is one layer: the answers must agree.
  bool wanted(const std::string &path, const Module &layer) {
    bool answer = !filter || filter(path, layer);
    auto [first, isNew] = answers.try_emplace(&layer, path, answer);
    const auto &[firstPath, firstAnswer] = first->second;
    TORCH_CHECK_VALUE(answer == firstAnswer, "convert_to_analog: '", firstPath, "' and '", path,
                      "' are one layer, and the filter wants only one of them; let it answer alike for both");
    return answer;
  }

  void addLinear(Module &parent, const std::string &name, const std::string &path,
                 const std::shared_ptr<torch::nn::LinearImpl> &linear) {
    if (!wanted(path, *linear))
      return;
    checkPlain(*linear, path);
    Replace replace = replacementIn(parent, name);
    TORCH_CHECK_VALUE(
        replace, "convert_to_analog: the layer '", path, "' is a torch::nn::Linear member of ", parent.name(),
        ", which holds it by its type; declare it as mho::nn::AnalogLinear there, or leave it out with a filter");
    nn::AnalogLinearImpl(linear->weight, linear->bias, std::nullopt).checkEffects(config, effects);
    paths.push_back(path);
    steps.push_back([this, linear, replace] {
      LayerPtr &layer = done[linear.get()]; // a layer registered twice is converted once
      if (!layer) {
        layer = std::make_shared<nn::AnalogLinearImpl>(linear->weight, linear->bias, config, effects);
        layer->train(linear->is_training());
      }
      replace(layer);
    });
  }

  const nn::AnalogConfig &config;
  const ConversionFilter &filter;
  const std::vector<nn::Effect> &effects;
  std::vector<std::function<void()>> steps;
  std::vector<std::string> paths;
  std::map<const Module *, std::pair<std::string, bool>> answers; ///< first path of a layer, and what the filter said
  std::map<const Module *, LayerPtr> done;
};

} // namespace

std::vector<std::string> convert_to_analog(Module &module, const nn::AnalogConfig &config,
                                           const ConversionFilter &filter, const std::vector<nn::Effect> &effects) {
  config.validate();
  TORCH_CHECK_VALUE(
      !dynamic_cast<torch::nn::LinearImpl *>(&module),
      "convert_to_analog: the module is itself a torch::nn::Linear, which cannot change its type; build a "
      "mho::nn::AnalogLinear, or put the layer in a Sequential");
  Plan plan(config, filter, effects);
  if (auto *layer = dynamic_cast<nn::AnalogLinearImpl *>(&module))
    plan.addMember("", *layer);
  else
    plan.collect(module, "");
  return plan.run();
}

} // namespace mho
