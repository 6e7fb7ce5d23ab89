// The 16-bit formats: literal values, and what follows from them for every one.
#include "dialect/Numerics/Half.h"

#include <gtest/gtest.h>

#include <limits>

namespace mho {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Half, LiteralValues) {
  const std::pair<uint16_t, float> values[] = {
      {0x0000, 0.0f},         {0x8000, -0.0f},     {0x3c00, 1.0f},     {0xc000, -2.0f},
      {0x3555, 0.333251953f}, {0x7bff, 65504.0f},  {0x0400, 0x1p-14f}, {0x03ff, 1023 * 0x1p-24f},
      {0x0001, 0x1p-24f},     {0x8001, -0x1p-24f}, {0x7c00, kInf},     {0xfc00, -kInf}};
  for (auto [bits, value] : values) {
    EXPECT_EQ(bitsOfFloat(fromHalf(bits)), bitsOfFloat(value)) << value;
    EXPECT_EQ(toHalf(value), bits) << value;
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  const std::pair<float, uint16_t> values[] = {
      {1 + 0x1p-11f, 0x3c00},                         // a tie, down to even
      {1 + 3 * 0x1p-11f, 0x3c02},                     // a tie, up to even
      {1 + 0x1.002p-11f, 0x3c01},                     // above the tie
      {2 - 0x1p-12f, 0x4000},                         // into the next power of two
      {65519.996f, 0x7bff},       {65520.0f, 0x7c00}, // to infinity
      {-65520.0f, 0xfc00},        {1e30f, 0x7c00},
      {0x1p-25f, 0x0000}, // a tie of 0 and the least number
      {0x1.000002p-25f, 0x0001},  {-0x1p-25f, 0x8000},
      {3 * 0x1p-25f, 0x0002},     {0x1.ffep-15f, 0x0400}, // to the least normal
      {0x1p-149f, 0x0000},        {1023.25f * 0x1p-24f, 0x03ff}};
  for (auto [value, bits] : values)
    EXPECT_EQ(toHalf(value), bits) << value;
}

TEST(BFloat, LiteralValues) {
  const std::pair<uint16_t, float> values[] = {{0x0000, 0.0f},      {0x8000, -0.0f},       {0x3f80, 1.0f},
                                               {0xc000, -2.0f},     {0x7f7f, 0x1.fep127f}, {0x0080, 0x1p-126f},
                                               {0x0001, 0x1p-133f}, {0x7f80, kInf},        {0xff80, -kInf}};
  for (auto [bits, value] : values) {
    EXPECT_EQ(bitsOfFloat(fromBFloat(bits)), bitsOfFloat(value)) << value;
    EXPECT_EQ(toBFloat(value), bits) << value;
  }
}

TEST(BFloat, RoundsToNearestTiesToEven) {
  const std::pair<float, uint16_t> values[] = {
      {1 + 0x1p-8f, 0x3f80},      {1 + 3 * 0x1p-8f, 0x3f82}, {1 + 0x1.0002p-8f, 0x3f81},
      {2 - 0x1p-9f, 0x4000},      {0x1.fefffep127f, 0x7f7f}, {0x1.ffp127f, 0x7f80}, // to infinity
      {-0x1.fffffep127f, 0xff80}, {0x1p-134f, 0x0000},       {0x1.8p-133f, 0x0002},
      {0x1p-149f, 0x0000},        {0x1.fffffcp-127f, 0x0080}};
  for (auto [value, bits] : values)
    EXPECT_EQ(toBFloat(value), bits) << value;
}

/// Every number of a format is exact; a NaN stays one, with its sign.
TEST(Half, EveryNumberComesBack) {
  for (uint32_t i = 0; i <= 0xffff; ++i) {
    auto bits = uint16_t(i);
    for (auto [value, again] :
         {std::pair(fromHalf(bits), toHalf(fromHalf(bits))), std::pair(fromBFloat(bits), toBFloat(fromBFloat(bits)))}) {
      if (std::isnan(value))
        EXPECT_EQ(again & 0x8000, bits & 0x8000);
      else
        ASSERT_EQ(again, bits) << value;
    }
    EXPECT_EQ(std::isnan(fromHalf(bits)), (bits & 0x7fff) > 0x7c00);
    EXPECT_EQ(std::isnan(fromHalf(toHalf(fromHalf(bits)))), std::isnan(fromHalf(bits)));
    EXPECT_EQ(std::isnan(fromBFloat(toBFloat(fromBFloat(bits)))), std::isnan(fromBFloat(bits)));
  }
}

} // namespace
} // namespace mho
