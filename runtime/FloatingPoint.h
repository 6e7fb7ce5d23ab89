// The floating-point environment that results are defined in.
#pragma once

#include <cfenv>

namespace mho {

/// Round to nearest and no flushing to zero while it lives, whatever the caller has set; then the caller's modes again.
class DefaultFloatingPoint {
public:
  DefaultFloatingPoint() {
    std::fegetenv(&callers);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatingPoint() { std::fesetenv(&callers); }
  DefaultFloatingPoint(const DefaultFloatingPoint &) = delete;
  DefaultFloatingPoint &operator=(const DefaultFloatingPoint &) = delete;

private:
  std::fenv_t callers;
};

} // namespace mho
