// Noise of an element from its address: the counter-based generator Philox4x32-10, how an element's address becomes a
// counter, and the built-in streams (SPEC.md N1 to N7). The one definition for evaluator and CPU code; CUDA C++ has its
// own text of it (AnalogToCuda/Prelude/Random.cuh), which the conformance suite compares bit for bit.
//
//   DrawAddress at{/*row=*/o, /*column=*/k - firstOfTile, kWeightNoiseStream, tile, step, seed};
//   if (std::string error = normalAddressError(at); !error.empty()) ...   // once, for the greatest address
//   float noisy = std::fma(gain, drawNormal(at), w);
//
// One call gives 4 words = 8 halves = 8 normals, to columns that suit both machines. Within 64 columns there are 8
// calls; call i serves columns 2 i and 2 i + 1 of every 16:
//
//   columns   0..15   call (c & 15) >> 1, words 0, 1 (c & 1), low halves
//   columns  16..31   the same words, high halves
//   columns  32..47   words 2, 3, low halves
//   columns  48..63   words 2, 3, high halves
//
// A CPU puts words 0 and 1 of call i into lanes 2 i and 2 i + 1 of sixteen 32-bit lanes: `lane & 0xffff` are the halves
// of columns 0..15 in order, `lane >> 16` those of 16..31; words 2 and 3 likewise. Thread q of a tensor-core fragment
// (columns 2 q, 2 q + 1 of every 8) owns calls q and q + 4 whole.
//
// As vector code: keep X = c0 | c1 << 32 and Y = c2 | c3 << 32 in i64 lanes, one call per lane. A round is
//   P = (X & 0xffffffff) * M0, Q = (Y & 0xffffffff) * M1
//   X' = (Q >> 32 ^ X >> 32 ^ k0) | Q << 32,  Y' = (P >> 32 ^ Y >> 32 ^ k1) | P << 32
// (X' = swap(Q) ^ (X >> 32) ^ k0 with swap exchanging the halves of a lane; k0, k1 zero extended; same for Y').
// After ten rounds X bitcast to i32 lanes is already words 0, 1 in the order above, and Y words 2, 3. As CUDA text:
// __umulhi and * on unsigned, the round keys computed once on the host.
#pragma once

#include "dialect/Numerics/Gaussian.h"

#include <array>
#include <cassert>
#include <cstdint>
#include <string>

namespace mho {

//===-- generator -------------------------------------------------------------------------------------------------===//

inline constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53; ///< of counter word 0
inline constexpr uint32_t kPhiloxMultiplier1 = 0xCD9E8D57; ///< of counter word 2
inline constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9;       ///< added to key word 0 between rounds: the golden ratio
inline constexpr uint32_t kPhiloxWeyl1 = 0xBB67AE85;       ///< added to key word 1 between rounds: sqrt(3) - 1
inline constexpr int kPhiloxRounds = 10;

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

/// Key of round `round` (0..9): the first one plus that many Weyl constants, modulo 2^32.
constexpr PhiloxKey philoxRoundKey(PhiloxKey key, int round) {
  return {key[0] + uint32_t(round) * kPhiloxWeyl0, key[1] + uint32_t(round) * kPhiloxWeyl1};
}

/// Four random words of a counter. Source: J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
constexpr PhiloxCounter philox4x32_10(PhiloxCounter c, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    PhiloxKey k = philoxRoundKey(key, round);
    uint64_t p = uint64_t(kPhiloxMultiplier0) * c[0], q = uint64_t(kPhiloxMultiplier1) * c[2];
    c = {uint32_t(q >> 32) ^ c[1] ^ k[0], uint32_t(q), uint32_t(p >> 32) ^ c[3] ^ k[1], uint32_t(p)};
  }
  return c;
}

//===-- streams ---------------------------------------------------------------------------------------------------===//

/// Built-in streams (SPEC.md N3); 4 to 63 are reserved, 64 to 255 belong to user effects.
enum NoiseStream : int64_t {
  kWeightNoiseStream = 0,
  kOutputNoiseStream = 1,
  kDropConnectStream = 2,
  kInputNoiseStream = 3,
};
inline constexpr int64_t kFirstUserStream = 64;
inline constexpr int64_t kStreams = 256;

//===-- address ---------------------------------------------------------------------------------------------------===//

/// Where an element stands. `column` is the fast axis: k minus the first k of its tile for weights and inputs, o for
/// outputs. `seed` and `step` are the two numbers of the key.
struct DrawAddress {
  int64_t row = 0, column = 0, stream = 0, tile = 0, step = 0;
  uint64_t seed = 0;
};

/// One past the greatest index that fits its field.
inline constexpr int64_t kDrawRows = int64_t(1) << 32;
inline constexpr int64_t kDrawTiles = int64_t(1) << 24;
inline constexpr int64_t kDrawSteps = int64_t(1) << 32;
inline constexpr int64_t kNormalColumns = int64_t(1) << 35; ///< 8 columns a call
inline constexpr int64_t kWordColumns = int64_t(1) << 34;   ///< 4 columns a call

namespace detail {
inline std::string fieldError(const char *name, int64_t value, int64_t limit, const char *remedy) {
  if (value >= 0 && value < limit)
    return "";
  return "noise: expected " + std::string(name) + " to be from 0 to " + std::to_string(limit - 1) + ", got " +
         std::to_string(value) + "; " + remedy;
}

inline std::string addressError(const DrawAddress &a, int64_t columns) {
  std::string errors[] = {
      fieldError("row", a.row, kDrawRows, "split the batch or the layer"),
      fieldError("column", a.column, columns, "split the layer"),
      fieldError("stream", a.stream, kStreams, "choose a stream of that range"),
      fieldError("tile", a.tile, kDrawTiles, "use deeper crossbar tiles"),
      fieldError("step", a.step, kDrawSteps, "draw a new seed and count from 0"),
  };
  for (std::string &error : errors)
    if (!error.empty())
      return error;
  return "";
}
} // namespace detail

/// Empty if a half or a normal can be drawn there, else which index lies beyond its field (SPEC.md N2). A kernel asks
/// once, for the greatest address of the tensor.
inline std::string normalAddressError(const DrawAddress &a) { return detail::addressError(a, kNormalColumns); }
/// Likewise for a word or a uniform.
inline std::string wordAddressError(const DrawAddress &a) { return detail::addressError(a, kWordColumns); }

/// Counter word 0, result word (0..3) and half (0 low, 1 high) of a column's normal (SPEC.md N4).
struct HalfSite {
  uint32_t counter, word, half;
};
constexpr HalfSite halfSite(int64_t column) {
  return {uint32_t((column >> 6) * 8 + ((column & 15) >> 1)), uint32_t((column & 1) + 2 * ((column >> 5) & 1)),
          uint32_t((column >> 4) & 1)};
}

/// Key words: low and high half of the seed.
constexpr PhiloxKey philoxKey(uint64_t seed) { return {uint32_t(seed), uint32_t(seed >> 32)}; }

/// The counter of an address whose column gave counter word `word0`.
constexpr PhiloxCounter philoxCounter(const DrawAddress &a, uint32_t word0) {
  return {word0, uint32_t(a.row), uint32_t(a.stream * kDrawTiles + a.tile), uint32_t(a.step)};
}

//===-- draws -----------------------------------------------------------------------------------------------------===//

/// The 16 random bits of an element. Requires an address without normalAddressError.
inline uint16_t drawHalf(const DrawAddress &a) {
  assert(normalAddressError(a).empty() && "address beyond its fields");
  HalfSite site = halfSite(a.column);
  return uint16_t(philox4x32_10(philoxCounter(a, site.counter), philoxKey(a.seed))[site.word] >> (16 * site.half));
}

/// The standard normal number of an element; requirements as drawHalf.
inline float drawNormal(const DrawAddress &a) { return gaussianFromHalf(drawHalf(a)); }

/// The 32 random bits of an element (SPEC.md N5). Requires an address without wordAddressError, and a stream that no
/// half is drawn from.
inline uint32_t drawWord(const DrawAddress &a) {
  assert(wordAddressError(a).empty() && "address beyond its fields");
  return philox4x32_10(philoxCounter(a, uint32_t(a.column >> 2)), philoxKey(a.seed))[a.column & 3];
}

/// (word + 1/2) / 2^32 rounded once: 2 word + 1 as a 64-bit integer, to float, times 2^-33. In (0, 1]; 1 only by
/// rounding, for the greatest 128 words. Converting the word itself to float is not the same: it rounds ties elsewhere.
constexpr float uniformFromWord(uint32_t word) { return float(int64_t(2 * uint64_t(word) + 1)) * 0x1p-33f; }

/// The standard normal number of an element from 32 bits; requirements as drawWord.
inline float drawWordNormal(const DrawAddress &a) { return gaussianFromWord(drawWord(a)); }

/// The uniform number of an element; requirements as drawWord.
inline float drawUniform(const DrawAddress &a) { return uniformFromWord(drawWord(a)); }

} // namespace mho
