// Loops over the lanes of a warp, which the compiler turns into vector code where all lanes are active.
#pragma once

#include "runtime/Ptx/Warp.h"

#include <cstring>
#include <type_traits>

namespace mho::ptx {

/// Values of 16 bits lie zero-extended in words.
template <class T> using Stored = std::conditional_t<sizeof(T) == 2, uint32_t, T>;

template <class T> Stored<T> stored(T value) {
  if constexpr (sizeof(T) == 2)
    return uint16_t(value);
  else
    return value;
}

template <class To, class From> To bitsAs(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

/// body(lane) for each lane of the mask. The body writes the registers of its own lane only.
template <class Body> inline void forLanes(uint32_t mask, Body body) {
  if (mask == kAllLanes) {
#pragma GCC ivdep
    for (int i = 0; i < kLanes; ++i)
      body(i);
  } else {
    for (; mask; mask &= mask - 1)
      body(__builtin_ctz(mask));
  }
}

/// d = f(a), d = f(a, b), d = f(a, b, c) on values of type T (result R).
template <class R, class T, class F> void unary(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Stored<R>>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]);
  forLanes(mask, [=](int i) { d[i] = stored<R>(F()(T(a[i]))); });
}
template <class R, class T, class F> void binary(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Stored<R>>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]), *b = warp.lanes<Stored<T>>(in.s[1]);
  forLanes(mask, [=](int i) { d[i] = stored<R>(F()(T(a[i]), T(b[i]))); });
}
template <class R, class T, class F> void ternary(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Stored<R>>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]), *b = warp.lanes<Stored<T>>(in.s[1]),
             *c = warp.lanes<Stored<T>>(in.s[2]);
  forLanes(mask, [=](int i) { d[i] = stored<R>(F()(T(a[i]), T(b[i]), T(c[i]))); });
}

/// A mask of the lanes of `mask` for which f(lane) holds.
template <class F> inline uint32_t lanesWhere(uint32_t mask, F f) {
  uint32_t result = 0;
  for (int i = 0; i < kLanes; ++i)
    result |= uint32_t(bool(f(i))) << i;
  return result & mask;
}

} // namespace mho::ptx
