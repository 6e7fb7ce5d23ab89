// Runs the CTAs of a launch and puts their findings together.
#pragma once

#include "runtime/Ptx/Cta.h"

namespace mho::ptx {

/// A .global or .const variable and its address.
struct GlobalVariable {
  const VariableSyntax *variable;
  uint64_t address;
};

Report runLaunch(Launch &launch, const std::vector<GlobalVariable> &globals);

} // namespace mho::ptx
