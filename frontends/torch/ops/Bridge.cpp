#include "frontends/torch/ops/Bridge.h"

#include "frontends/torch/ops/LaunchPlace.h"
#include "frontends/torch/ops/Shapes.h"
#include "frontends/torch/ops/TensorView.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <limits>
#include <shared_mutex>
#include <unordered_map>

namespace mho::ops {
namespace {

LinearSpec parseChecked(const std::string &config) {
  std::string problem;
  LinearSpec spec = LinearSpec::parse(config, problem);
  if (problem.empty())
    problem = spec.validate();
  TORCH_CHECK_VALUE(problem.empty(), "mho::analog_linear: ", problem);
  return spec;
}

/// Values made once per text and never removed, so that references stay. One reader lock per call.
template <class Value> class Table {
public:
  template <class Make> const Value &get(const std::string &text, Make make) {
    {
      std::shared_lock<std::shared_mutex> lock(mutex);
      if (auto it = values.find(text); it != values.end())
        return *it->second;
    }
    auto made = std::make_unique<Value>(make());
    std::unique_lock<std::shared_mutex> lock(mutex);
    return *values.emplace(text, std::move(made)).first->second;
  }

private:
  std::shared_mutex mutex;
  std::unordered_map<std::string, std::unique_ptr<Value>> values;
};

/// Throws unless low <= value <= high, which NaN is not. No text is made for a value that fits.
void checkStrength(const char *name, float value, float low, float high) {
  TORCH_CHECK_VALUE(value >= low && value <= high, "mho::analog_linear: the scalar ", name, " = ", value,
                    " is impossible; allowed: ", low, " to ", high);
}

/// Numbers of half-levels are whole, so that codes are exact floats (SPEC.md, quantize_input C3).
void checkHalfLevels(const char *name, float value) {
  constexpr float kMost = 8388607;
  checkStrength(name, value, 1, kMost);
  TORCH_CHECK_VALUE(value == std::floor(value), "mho::analog_linear: the scalar ", name, " = ", value,
                    " is impossible; expected a whole number");
}

/// The strengths of the effects that the layer has.
void checkStrengths(const LinearScalars &s, const LinearSpec &spec) {
  constexpr float kLargest = std::numeric_limits<float>::max(), kLeast = std::numeric_limits<float>::denorm_min();
  if (spec.quantizeInput) {
    checkHalfLevels("input_half_levels", s.inputHalfLevels);
    checkStrength("range_decay", s.rangeDecay, 0, kLargest);
    checkStrength("range_share", s.rangeShare, 0, 1);
  }
  if (spec.quantizeWeight)
    checkHalfLevels("weight_half_levels", s.weightHalfLevels);
  if (spec.weightNoise)
    checkStrength("weight_noise", s.weightNoise, 0, kLargest);
  if (spec.dropConnect)
    checkStrength("drop_probability", s.dropProbability, 0, 1);
  if (spec.outputNoise)
    checkStrength("output_noise", s.outputNoise, 0, kLargest);
  if (spec.adc) {
    checkStrength("output_bound", s.outputBound, kLeast, kLargest);
    checkHalfLevels("output_half_levels", s.outputHalfLevels);
  }
}

} // namespace

const LinearSpec &specOf(const std::string &config) {
  static Table<LinearSpec> specs;
  return specs.get(config, [&] { return parseChecked(config); });
}

const LayerOfText &layerOf(const std::string &config, at::ScalarType storage, c10::DeviceType device) {
  static std::array<Table<LayerOfText>, 3> onCpu, onGpu; // by storage
  checkStorage(storage);
  ElementType type = elementTypeOf(storage);
  return (device == c10::DeviceType::CPU ? onCpu : onGpu)[size_t(type)].get(config, [&] {
    LayerOfText layer{specOf(config), nullptr};
    layer.spec.storage = type;
    Expected<std::shared_ptr<Linear>> linear = Linear::get(layer.spec, backendOf(device));
    check(linear ? Status::ok() : linear.error(), "mho::analog_linear");
    layer.linear = *linear;
    return layer;
  });
}

TensorRef refOf(const at::Tensor &tensor, const char *name, at::ScalarType type) {
  checkType(tensor, name, type);
  TORCH_CHECK_VALUE(tensor.layout() == at::kStrided, "mho: expected ", name, " to be dense, got ", tensor.layout());
  TORCH_CHECK_VALUE(tensor.dim() <= 3, "mho: expected ", name, " to have at most 3 dimensions, got ", tensor.sizes());
  return viewOf(tensor);
}

TensorRef refOf(const std::optional<at::Tensor> &tensor, const char *name, at::ScalarType type) {
  return tensor && tensor->defined() ? refOf(*tensor, name, type) : TensorRef();
}

std::optional<at::Tensor> keyWords(const std::optional<at::Tensor> &key) {
  return key && key->defined() ? std::optional(key->contiguous()) : std::nullopt;
}

void readScalars(const at::Tensor &scalars, const LinearSpec &spec, LinearScalars &builtIn,
                 std::vector<float> &effects) {
  std::vector<EffectStrength> own = spec.effects.empty() ? std::vector<EffectStrength>() : spec.effectStrengths();
  int64_t count = LinearScalars::kCount + int64_t(own.size());
  TORCH_CHECK_VALUE(scalars.device().is_cpu() && scalars.scalar_type() == at::kFloat && scalars.is_contiguous() &&
                        scalars.dim() == 1 && scalars.size(0) == count,
                    "mho: expected scalars to be a contiguous float32 CPU tensor of ", count, " elements, got ",
                    scalars.toString(), " of shape ", scalars.sizes());
  const float *values = scalars.const_data_ptr<float>();
  builtIn = LinearScalars::unpack(values);
  checkStrengths(builtIn, spec);
  effects.assign(values + LinearScalars::kCount, values + count);
  for (size_t i = 0; i < own.size(); ++i)
    TORCH_CHECK_VALUE(std::isfinite(effects[i]), "mho::analog_linear: the strength ", own[i].name, " = ", effects[i],
                      " is impossible; expected a finite number");
}

std::vector<TensorRef> refsOf(at::TensorList tensors, const LinearSpec &spec) {
  std::vector<TensorRef> refs;
  if (tensors.empty())
    return refs;
  std::vector<EffectTensor> names = effectTensors(spec.effects);
  for (size_t i = 0; i < tensors.size(); ++i)
    refs.push_back(refOf(tensors[i], names[i].name.c_str(), names[i].isKey ? at::kLong : at::kFloat));
  return refs;
}

const ParallelFor &torchThreads() {
  static const ParallelFor threads = [](int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body) {
    at::parallel_for(0, n, grain, body);
  };
  return threads;
}

void check(const Status &status, const char *op) {
  TORCH_CHECK_VALUE(bool(status), op, ": ", bool(status) ? "" : status.message());
}

} // namespace mho::ops
