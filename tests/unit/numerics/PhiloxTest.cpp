// Philox4x32-10: published vectors, the grouping of draws, and its definition written out again.
#include "dialect/Numerics/Philox.h"
#include "dialect/Numerics/Gaussian.h"

#include "tests/unit/numerics/IndependentDraws.h"

#include <gtest/gtest.h>

#include <set>

namespace mho {
namespace {

/// The known-answer vectors of Random123 (Salmon et al. 2011).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// 64 adjacent columns use each of the 64 halves of eight calls once.
TEST(Grouping, AColumnGroupUsesEveryHalfOnce) {
  for (int64_t group : {0, 1, 7}) {
    std::set<std::tuple<uint32_t, uint32_t, uint32_t>> sites;
    for (int64_t c = 64 * group; c < 64 * group + 64; ++c) {
      HalfSite site = halfSite(c);
      EXPECT_EQ(site.counter / 8, uint32_t(group));
      sites.insert({site.counter, site.word, site.half});
    }
    EXPECT_EQ(sites.size(), 64u);
  }
}

TEST(Grouping, EqualsItsDefinitionWrittenOutAgain) {
  for (int64_t stream : {0, 3, 255})
    for (int64_t tile : {int64_t(0), int64_t(5), kDrawTiles - 1})
      for (int64_t step : {int64_t(0), kDrawSteps - 1})
        for (int64_t row : {int64_t(0), int64_t(77), kDrawRows - 1})
          for (int64_t column = 0; column < 200; ++column) {
            DrawAddress address;
            address.row = row, address.column = column, address.stream = stream, address.tile = tile;
            address.step = step, address.seed = 0xfedcba9876543210u;
            independent::Site site{address.seed, step, stream, tile, row, column};
            ASSERT_EQ(drawNormal(address), independent::normal(site));
            ASSERT_EQ(drawWordNormal(address), independent::wordNormal(site));
            ASSERT_EQ(drawUniform(address), independent::uniform(site));
          }
}

TEST(Address, AnIndexBeyondItsFieldIsAnError) {
  DrawAddress last;
  last.row = kDrawRows - 1, last.column = kNormalColumns - 1, last.stream = kStreams - 1, last.tile = kDrawTiles - 1;
  last.step = kDrawSteps - 1;
  EXPECT_EQ(normalAddressError(last), "");
  EXPECT_NE(wordAddressError(last), "") << "uniforms have half the columns";
  for (int64_t DrawAddress::*field :
       {&DrawAddress::row, &DrawAddress::column, &DrawAddress::stream, &DrawAddress::tile, &DrawAddress::step}) {
    DrawAddress beyond = last, negative = last;
    beyond.*field += 1;
    negative.*field = -1;
    EXPECT_NE(normalAddressError(beyond), "");
    EXPECT_NE(normalAddressError(negative), "");
  }
}

} // namespace
} // namespace mho
