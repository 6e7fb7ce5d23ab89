// Environment variables for the length of a scope: what the fake driver answers.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace mho {

class Variables {
public:
  explicit Variables(const std::vector<std::pair<const char *, const char *>> &values) {
    for (auto [name, value] : values) {
      const char *old = std::getenv(name);
      before.emplace_back(name, old ? std::optional<std::string>(old) : std::nullopt);
      setenv(name, value, 1);
    }
  }
  Variables(const Variables &) = delete;
  ~Variables() {
    for (const auto &[name, value] : before)
      value ? setenv(name, value->c_str(), 1) : unsetenv(name);
  }

private:
  std::vector<std::pair<const char *, std::optional<std::string>>> before;
};

} // namespace mho
