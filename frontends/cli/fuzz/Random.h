// Random choices that are the same on every machine for one seed.
//
//   Random random(seed, 17);                   // those of case 17, whatever came before
//   int size = random.oneOf({1, 7, 64});
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace mho::cli::fuzz {

class Random {
public:
  Random(uint64_t seed, uint64_t number) {
    std::seed_seq words{uint32_t(seed), uint32_t(seed >> 32), uint32_t(number), uint32_t(number >> 32)};
    engine.seed(words);
  }
  /// 0 to n - 1. The library's distributions differ from one to the next, its engines do not.
  int64_t below(int64_t n) { return int64_t(engine() % uint64_t(n)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  /// True in `percent` of 100 cases.
  bool chance(int percent) { return below(100) < percent; }
  template <class T> T oneOf(std::initializer_list<T> values) { return *(values.begin() + below(values.size())); }
  template <class T> const T &oneOf(const std::vector<T> &values) { return values[below(values.size())]; }

private:
  std::mt19937_64 engine;
};

} // namespace mho::cli::fuzz
