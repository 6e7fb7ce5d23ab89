// The backends that every conformance suite is crossed with, and how a suite leaves out one that cannot run here.
#pragma once

#include "runtime/Backend.h"

#include <gtest/gtest.h>

namespace mho::conformance {

inline std::vector<std::string> backendNames() {
  std::vector<std::string> names;
  for (Backend *backend : Backend::all())
    names.push_back(backend->name());
  return names;
}

/// A test of one backend, skipped only where the backend says that it is unavailable, with its reason.
template <class Parameter> class BackendTest : public testing::TestWithParam<Parameter> {
protected:
  void SetUp() override {
    Expected<Backend *> found = Backend::get(backend());
    ASSERT_TRUE(found) << found.message();
    if (std::string reason = (*found)->unavailable(); !reason.empty())
      GTEST_SKIP() << backend() << ": " << reason;
  }
  const std::string &backend() const { return std::get<0>(this->GetParam()); }
};

} // namespace mho::conformance
