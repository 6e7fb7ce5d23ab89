// Saving, loading and printing of AnalogLinear.
#include "frontends/torch/nn/AnalogLinear.h"

#include <torch/utils.h>

#include <map>

namespace mho::nn {
namespace {

/// Names in an archive beside the tensors.
constexpr const char *kConfigKey = "analog_config";
constexpr const char *kCommitsKey = "range_commits";
constexpr const char *kPendingKey = "range_pending";

} // namespace

void AnalogLinearImpl::save(torch::serialize::OutputArchive &archive) const {
  torch::nn::Module::save(archive);
  if (!isAnalog())
    return;
  archive.write(kConfigKey, c10::IValue(config().toJson()));
  archive.write(kCommitsKey, c10::IValue(commits));
  archive.write(kPendingKey, c10::IValue(estimated));
}

void AnalogLinearImpl::load(torch::serialize::InputArchive &archive) {
  // Everything is read and checked before anything is changed, against a layer that shares weight and bias with this
  // one and has the ranges that the archive's config asks for.
  c10::IValue text, count, pending;
  std::optional<AnalogConfig> saved;
  if (archive.try_read(kConfigKey, text)) {
    saved = AnalogConfig::fromJson(text.toStringRef());
    if (isAnalog())
      checkSameShape(*saved);
    archive.read(kCommitsKey, count);
    archive.read(kPendingKey, pending);
  }
  std::vector<std::string> lacking;
  if (isAnalog() && !saved)
    lacking.push_back(kConfigKey);
  std::map<std::string, torch::Tensor> values;
  auto read = [&](const std::string &key, const torch::Tensor &target, bool isBuffer) {
    torch::Tensor value;
    if (!archive.try_read(key, value, isBuffer)) {
      TORCH_CHECK_VALUE(key != "weight" && key != "bias", "the archive has no '", key, "'; is it a linear layer's?");
      lacking.push_back(key);
      return;
    }
    TORCH_CHECK_VALUE(value.sizes() == target.sizes(), "the archive's ", key, " has shape ", value.sizes(),
                      ", this AnalogLinear's has ", target.sizes());
    values[key] = value;
  };
  AnalogLinearImpl expected(weight, bias, saved ? *saved : options.config());
  for (const auto &item : expected.named_parameters(/*recurse=*/false))
    read(item.key(), item.value(), /*isBuffer=*/false);
  for (const auto &item : expected.named_buffers(/*recurse=*/false))
    read(item.key(), item.value(), /*isBuffer=*/true);

  if (saved) {
    isAnalog() ? setConfig(*saved) : toAnalog(*saved);
    commits = count.toInt();
    estimated = pending.toBool();
    uncommitted = 0;
  }
  torch::NoGradGuard noGradient;
  for (auto tensors : {named_parameters(/*recurse=*/false), named_buffers(/*recurse=*/false)})
    for (auto &item : tensors)
      if (auto it = values.find(item.key()); it != values.end())
        item.value().copy_(it->second);
  missing = std::move(lacking);
}

void AnalogLinearImpl::pretty_print(std::ostream &stream) const {
  stream << "mho::nn::AnalogLinear(in_features=" << options.in_features() << ", out_features=" << options.out_features()
         << ", bias=" << (options.bias() ? "true" : "false");
  if (isAnalog())
    stream << ", tiles=" << tiles() << (config().summary().empty() ? "" : ", ") << config().summary();
  else
    stream << ", digital";
  stream << ")";
}

} // namespace mho::nn
