// The dispatcher ops of mho, as C++ functions. They are also torch.ops.mho.* once the library is loaded.
//
//   auto [y, saturation, rowRange] = mho::ops::analogLinear(x, weight, bias, range, key, scalars, config, true);
//
// Each function calls the dispatcher, so autograd, autocast, meta tensors and torch.compile see it. `config` is
// LinearSpec::canonical(), parsed once per text; `scalars` is LinearScalars::pack() as a float32 CPU tensor, followed
// by the strengths of the effects that are text (LinearSpec::effectStrengths()), whose tensors are `effects`
// (effectTensors(), in that order: float32, the keys that effects hold int64 [2]).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace mho::ops {

using OptionalTensor = std::optional<at::Tensor>;
using OptionalTensors = std::optional<at::TensorList>; // a list that a schema gives a default is one

/// x [..., K], weight [O, K], bias [O], inputRange beta [T], key int64 [2] = (seed, step). x, weight and y are float32,
/// float16 or bfloat16, all three of one type, whatever storage `config` names; bias is of that type or float32,
/// inputRange float32. The layer computes in float32 (SPEC.md, "Storage"). Returns y [..., O] and what the backward op
/// needs: saturation int32 [T, rows, ceil(O / 32)] (bit n mod 32 of word n / 32: that accumulator saturated; several
/// sets of bits are stacked as LinearSpec::savedBits() says) and rowRange [T, rows] (dynamic ranges). Each is empty
/// where the config has no such thing, and where neither `save` is set nor a gradient is recorded. Differentiable in x,
/// weight, bias, inputRange and the effects' learnable tensors in reverse mode; a second derivative, a tangent or
/// scalars that require a gradient are errors, and so is such a tensor that the effect's text does not call learnable.
/// Throws c10::Error for shapes, dtypes, devices or configs that do not fit, naming the value and the remedy.
std::tuple<at::Tensor, at::Tensor, at::Tensor> analogLinear(const at::Tensor &x, const at::Tensor &weight,
                                                            const OptionalTensor &bias,
                                                            const OptionalTensor &inputRange, const OptionalTensor &key,
                                                            const at::Tensor &scalars, const std::string &config,
                                                            bool save, at::TensorList effects = {});

/// dx, dweight (of the types of x and weight), dbias, dInputRange (float32), undefined where not wanted, and the
/// gradients of effects' tensors that are.
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, std::vector<at::Tensor>>;

/// `wanted`: of x, weight, bias, inputRange; `effectsWanted`: positions in `effects`, ascending. Used by autograd.
Gradients analogLinearBackward(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight,
                               const OptionalTensor &inputRange, const OptionalTensor &key, const at::Tensor &scalars,
                               const at::Tensor &saturation, const at::Tensor &rowRange, const std::string &config,
                               std::array<bool, 4> wanted, at::TensorList effects = {},
                               at::IntArrayRef effectsWanted = {});

/// Estimate of input ranges from data: nextEstimate[t] = (estimate[t] * samples[t] + alpha * s[t]) / (samples[t] + 1)
/// and nextSamples[t] = samples[t] + 1, written in place, where s[t] is the unbiased standard deviation of x over the
/// columns of tile t, taken in float32 whatever the type of x; a tile where it is 0 or not finite stays as it was. All
/// four float32 [T]. A pure function of (x, estimate, samples): a recomputed forward pass writes the same again. Never
/// part of a graph. `config` as above (its tiling is used). No host synchronisation.
void updateRangeEstimate(const at::Tensor &x, const at::Tensor &estimate, const at::Tensor &samples,
                         const at::Tensor &nextEstimate, const at::Tensor &nextSamples, const std::string &config,
                         double alpha);

} // namespace mho::ops
