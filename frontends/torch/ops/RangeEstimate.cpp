// The estimate of input ranges from data, written with torch's own operations, so that it runs wherever they do.
#include "frontends/torch/ops/Bridge.h"
#include "frontends/torch/ops/Shapes.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <cmath>

namespace mho::ops {
namespace {

/// The unbiased standard deviation of each tile's columns, float32 [T].
at::Tensor tileDeviations(const at::Tensor &rows, const LinearSpec &spec) {
  int64_t inputs = rows.size(1), tiles = spec.tiles(inputs);
  std::vector<at::Tensor> deviations;
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t begin = spec.tileBegin(inputs, t);
    at::Tensor tile = rows.narrow(1, begin, spec.tileBegin(inputs, t + 1) - begin);
    // One value or none has no deviation; torch would warn and give NaN.
    deviations.push_back(tile.numel() > 1 ? tile.std() : at::zeros({}, rows.options()));
  }
  return at::stack(deviations);
}

void updateEstimate(const at::Tensor &x, const at::Tensor &estimate, const at::Tensor &samples,
                    at::Tensor &nextEstimate, at::Tensor &nextSamples, c10::string_view config, double alpha) {
  at::NoGradGuard noGradient; // estimates are statistics: no gradient goes through them, whoever calls
  const LinearSpec &spec = specOf(std::string(config));
  at::Tensor rows = rowsOf(x).to(at::kFloat);
  int64_t tiles = spec.tiles(rows.size(1));
  const std::pair<const char *, const at::Tensor &> vectors[] = {
      {"estimate", estimate}, {"samples", samples}, {"next_estimate", nextEstimate}, {"next_samples", nextSamples}};
  for (const auto &[name, vector] : vectors) {
    TORCH_CHECK_VALUE(vector.dim() == 1 && vector.size(0) == tiles, "mho::update_range_estimate: expected ", name,
                      " to have shape [", tiles, "], got ", vector.sizes());
    checkType(vector, name, at::kFloat);
    checkDevice(vector, name, x);
  }
  TORCH_CHECK_VALUE(std::isfinite(alpha) && alpha > 0, "mho::update_range_estimate: expected alpha to be finite and ",
                    "above 0, got ", alpha);
  if (tiles == 0)
    return;
  at::Tensor deviation = tileDeviations(rows, spec);
  at::Tensor usable = deviation.isfinite().logical_and_(deviation > 0);
  at::Tensor mean = (estimate * samples + alpha * deviation) / (samples + 1);
  nextEstimate.copy_(at::where(usable, mean, estimate));
  nextSamples.copy_(samples + usable);
}

} // namespace

TORCH_LIBRARY_IMPL(mho, CompositeExplicitAutograd, m) { m.impl("update_range_estimate", updateEstimate); }

} // namespace mho::ops
