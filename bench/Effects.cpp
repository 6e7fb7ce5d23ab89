#include "bench/Effects.h"

#include <stdexcept>

namespace mho::bench {

// Most effects are measured in a layer with a DAC, as a chip has one and as some of them need its range.
#define MHO_DAC "range=given dac"

const std::vector<Effect> &effects() {
  static const std::vector<Effect> rows{
      {"ideal", "balanced", "", nullptr},
      {"dac", "balanced", MHO_DAC, ""},
      {"dynamic_range", "balanced", "range=dynamic dac", MHO_DAC},
      {"weight_codes", "balanced", MHO_DAC " weight_codes", MHO_DAC},
      {"weight_noise", "balanced", MHO_DAC " weight_noise", MHO_DAC},
      {"drop_connect", "balanced", MHO_DAC " drop_connect", MHO_DAC},
      {"output_noise", "balanced", MHO_DAC " output_noise", MHO_DAC},
      {"adc", "balanced", MHO_DAC " adc adc_mask", MHO_DAC},
      {"bias", "balanced", MHO_DAC " bias", MHO_DAC},
      {"fixed_tiling", "fixed", MHO_DAC, MHO_DAC},
      // What the standard hardware-aware training has: the figures that README.md states are this row's.
      {"all_noise", "balanced", MHO_DAC " weight_noise output_noise adc adc_mask", ""},
      {"all", "balanced", MHO_DAC " weight_codes weight_noise drop_connect output_noise adc adc_mask bias", ""},
  };
  return rows;
}

#undef MHO_DAC

LinearSpec specOf(const char *tiling, const char *words, int64_t tileRows) {
  std::string error, text = std::string("tile=") + tiling + ":" + std::to_string(tileRows) + " " + words;
  LinearSpec spec = LinearSpec::parse(text, error);
  if (error.empty())
    error = spec.validate();
  if (!error.empty())
    throw std::logic_error(error);
  return spec;
}

} // namespace mho::bench
