// Streams of the draws of effects that are text (SPEC.md N3).
#pragma once

#include "dialect/Numerics/Philox.h"

#include <string_view>

namespace mho {

/// How many streams are for effects of users, from kFirstUserStream on.
inline constexpr int64_t kUserStreams = kStreams - kFirstUserStream;

/// FNV-1a, 32 bits: h = 2166136261; for each byte, h = (h ^ byte) * 16777619 modulo 2^32.
constexpr uint32_t hashName(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (char c : name)
    hash = (hash ^ uint8_t(c)) * 16777619u;
  return hash;
}

/// Stream of draw `i` of an effect: of its name alone, so that no other effect changes it; the draws of one differ.
constexpr int64_t effectStream(std::string_view name, int64_t i) {
  return kFirstUserStream + (int64_t(hashName(name)) + i) % kUserStreams;
}

} // namespace mho
