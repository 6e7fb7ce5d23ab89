// Saving, loading and printing of AnalogLinear.
#include "frontends/torch/nn/AnalogLinear.h"

#include <torch/utils.h>

namespace mho::nn {
namespace {

/// Names in an archive beside the tensors.
constexpr const char *kConfigKey = "analog_config";
constexpr const char *kCommitsKey = "range_commits";

/// Reads `key` into a tensor that keeps its identity. False where the archive lacks it. Throws for another shape.
bool readInto(torch::serialize::InputArchive &archive, const std::string &key, torch::Tensor &tensor, bool isBuffer) {
  torch::Tensor loaded;
  if (!archive.try_read(key, loaded, isBuffer))
    return false;
  TORCH_CHECK_VALUE(loaded.sizes() == tensor.sizes(), "the archive's ", key, " has shape ", loaded.sizes(),
                    ", this AnalogLinear's has ", tensor.sizes());
  torch::NoGradGuard noGradient;
  tensor.copy_(loaded);
  return true;
}

} // namespace

void AnalogLinearImpl::save(torch::serialize::OutputArchive &archive) const {
  torch::nn::Module::save(archive);
  if (!isAnalog())
    return;
  archive.write(kConfigKey, c10::IValue(config().toJson()));
  archive.write(kCommitsKey, c10::IValue(commits));
}

void AnalogLinearImpl::load(torch::serialize::InputArchive &archive) {
  missing.clear();
  c10::IValue text, count;
  if (archive.try_read(kConfigKey, text)) {
    AnalogConfig saved = AnalogConfig::fromJson(text.toStringRef());
    isAnalog() ? setConfig(saved) : toAnalog(saved);
    archive.read(kCommitsKey, count);
    commits = count.toInt();
  } else if (isAnalog()) {
    missing.push_back(kConfigKey);
  }
  for (auto &item : named_parameters(/*recurse=*/false)) {
    if (readInto(archive, item.key(), item.value(), /*isBuffer=*/false))
      continue;
    TORCH_CHECK_VALUE(item.key() == "input_range", "the archive has no '", item.key(), "'; is it a linear layer's?");
    missing.push_back(item.key());
  }
  for (auto &item : named_buffers(/*recurse=*/false))
    if (!readInto(archive, item.key(), item.value(), /*isBuffer=*/true))
      missing.push_back(item.key());
}

void AnalogLinearImpl::pretty_print(std::ostream &stream) const {
  stream << "mho::nn::AnalogLinear(in_features=" << options.in_features() << ", out_features=" << options.out_features()
         << ", bias=" << (options.bias() ? "true" : "false");
  if (isAnalog())
    stream << ", tiles=" << tiles() << ", " << config().spec(true, options.bias()).canonical();
  else
    stream << ", digital";
  stream << ")";
}

} // namespace mho::nn
