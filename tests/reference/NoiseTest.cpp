// Noise: the words against published ones, the address of every kind of element, strengths, and the map's moments.
#include "dialect/Reference/Elements.h"
#include "tests/reference/Program.h"

using namespace mho::reference;
using mho::analog::GaussianMap;

static Element at(int64_t row, int64_t column, int64_t tile) {
  Element e;
  e.row = row;
  e.column = column;
  e.tile = tile;
  return e;
}

TEST(Philox, GivesThePublishedWords) {
  // Known answer of Random123's kat_vectors for philox4x32-10 with counter and key 0: 6627e8d5 e169c58d bc57ac4c
  // 9b00dbd8.
  const uint32_t words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (int c = 0; c < 4; ++c)
    EXPECT_EQ(drawUniform({0, 0}, 0, at(0, c, 0)), float((words[c] + .5) / 4294967296.0)) << "word " << c;
}

TEST(Philox, UsesAllOfCounterAndKey) {
  // Known answer for counter 243f6a88 85a308d3 13198a2e 03707344 and key a4093822 299f31d0: word 0 is d16cfe09.
  Key key{0x299f31d0a4093822, 0x03707344};
  EXPECT_EQ(drawUniform(key, 0x13, at(0x85a308d3, int64_t(0x243f6a88) * 4, 0x198a2e)),
            float((0xd16cfe09 + .5) / 4294967296.0));
}

TEST(Normal, TakesTheHalfOfItsColumn) {
  // Words of counter 0 as above; the columns of call 0 are 0, 1 (low halves), 16, 17 (high halves), 32, 33 and 48, 49
  // (words 2, 3). A half h is the upper tail probability |2 (h - 32768) + 1| / 2^17; the table's error is below 4e-4.
  const struct {
    int64_t column;
    uint32_t half;
  } cases[] = {{0, 0xe8d5},  {1, 0xc58d},  {16, 0x6627}, {17, 0xe169},
               {32, 0xac4c}, {33, 0xdbd8}, {48, 0xbc57}, {49, 0x9b00}};
  for (auto [column, half] : cases) {
    double n = drawNormal({0, 0}, 0, GaussianMap::Half, at(0, column, 0));
    int s = 2 * (int(half) - 32768) + 1;
    EXPECT_EQ(n < 0, s < 0) << "column " << column;
    EXPECT_NEAR(std::erfc(std::fabs(n) / std::sqrt(2.0)) / 2, std::abs(s) / 131072.0, 4e-4 * 0.4)
        << "column " << column;
  }
}

TEST(Normal, AddressesDoNotCollide) {
  std::set<double> seen;
  int count = 0;
  Key key{42, 1};
  for (int64_t c : {0, 2, 64, 66})
    for (int64_t row : {0, 1})
      for (int64_t tile : {0, 1})
        for (int64_t stream : {0, 1}) {
          seen.insert(drawUniform(key, stream, at(row, c, tile)));
          ++count;
        }
  EXPECT_EQ(int(seen.size()), count);
}

TEST(Normal, HasTheMomentsOfTheMap) {
  // 2^17 draws: standard errors of mean, variance and fourth moment are .0028, .0039 and .027; four of them.
  double sum = 0, squares = 0, fourth = 0;
  const int64_t rows = 256, columns = 512;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      double n = drawNormal({7, 0}, 5, GaussianMap::Half, at(r, c, 3));
      sum += n;
      squares += n * n;
      fourth += n * n * n * n;
    }
  double count = double(rows * columns);
  EXPECT_NEAR(sum / count, 0, .011);
  EXPECT_NEAR(squares / count, 1, .016);
  EXPECT_NEAR(fourth / count, 3, .11);
}

//===-- ops -------------------------------------------------------------------------------------------------------===//

static const char *kWeightNoise = R"(
  func.func @f(%w: tensor<?x?xf32>, %a: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 2>} {
    %r = analog.inject_noise %w scale(%a over (t, n)) key(%key, stream = 5) {sigma = 0.5 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
    return %r : tensor<?x?xf32>
  })";

static double n(const Key &key, int64_t stream, int64_t row, int64_t column, int64_t tile) {
  return drawNormal(key, stream, GaussianMap::Half, at(row, column, tile));
}

TEST(InjectNoise, AWeightDrawsAtItsRowItsColumnWithinTheTileAndItsTile) {
  Program program(kWeightNoise);
  Key key{99, 7};
  Tensor w = Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6}), a = Tensor::of({2, 2}, {1, 10, 100, 1000});
  auto expected = [&](float v, float scale, double draw) { return double(std::fma(0.5f * scale, float(draw), v)); };
  expectValues(program.one("f", {w, a, Tensor::integers({2}, {99, 7})}),
               {expected(1, 1, n(key, 5, 0, 0, 0)), expected(2, 1, n(key, 5, 0, 1, 0)),
                expected(3, 100, n(key, 5, 0, 0, 1)), expected(4, 10, n(key, 5, 1, 0, 0)),
                expected(5, 10, n(key, 5, 1, 1, 0)), expected(6, 1000, n(key, 5, 1, 0, 1))});
}

TEST(InjectNoise, APlaneDrawsAtItsRowItsOutputAndItsTile) {
  Program program(R"(
    func.func @f(%p: tensor<?x?x?xf32>, %b: tensor<?xf32>, %a: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?x?xf32> {
      %r = analog.inject_noise %p scale(%b over (t), %a over (t, n)) key(%key, stream = 1) {sigma = 0.1 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
      return %r : tensor<?x?x?xf32>
    })");
  Key key{3, 0};
  Tensor r = program.one("f", {Tensor::zeros({2, 2, 2}), Tensor::of({2}, {.3, .7}), Tensor::of({2, 2}, {1, 3, 5, 7}),
                               Tensor::integers({2}, {3, 0})});
  float gain = (0.1f * 0.7f) * 7.0f; // products left to right
  EXPECT_EQ(r.at({1, 0, 1}), std::fma(gain, float(n(key, 1, 0, 1, 1)), 0.0f));
  EXPECT_EQ(r.at({0, 1, 0}), std::fma((0.1f * 0.3f) * 1.0f, float(n(key, 1, 1, 0, 0)), 0.0f));
}

TEST(InjectNoise, ADrawDependsOnTheStepAndTheSeedAndRepeats) {
  Program program(kWeightNoise);
  Tensor w = Tensor::zeros({2, 3}), a = Tensor::of({2, 2}, {1, 1, 1, 1});
  auto run = [&](int64_t seed, int64_t step) {
    return program.one("f", {w, a, Tensor::integers({2}, {seed, step})}).reals;
  };
  EXPECT_EQ(run(1, 2), run(1, 2));
  EXPECT_NE(run(1, 2), run(1, 3));
  EXPECT_NE(run(1, 2), run(2, 2));
  EXPECT_NE(run(1, 2), run(1 + (int64_t(1) << 32), 2));
}

TEST(InjectNoise, RefusesAStepBeyond32Bits) {
  Program program(kWeightNoise);
  Tensor w = Tensor::zeros({1, 1}), a = Tensor::zeros({1, 1});
  EXPECT_EQ(program.error("f", {w, a, Tensor::integers({2}, {1, int64_t(1) << 32})}),
            "expected a key's step to be from 0 to 2^32 - 1, got 4294967296");
}

TEST(InjectNoise, WithoutDrawsNothingHappens) {
  Program program(kWeightNoise);
  EvaluateOptions options;
  options.draws = false;
  Tensor w = Tensor::of({1, 2}, {3, 4});
  expectValues(program.one("f", {w, Tensor::of({1, 1}, {kInf}), Tensor::integers({2}, {1, 0})}, options), {3, 4});
}

static std::string dropConnect(const std::string &probability) {
  return "func.func @f(%w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = "
         "#analog.tiling<balanced, rows = 8>} {\n"
         "  %r = analog.drop_connect %w key(%key, stream = 2) {probability = " +
         probability +
         " : f32} : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>\n  return %r : tensor<?x?xf32>\n}";
}

TEST(DropConnect, SetsToExactlyZeroWhereTheUniformIsBelowTheProbability) {
  Program program(dropConnect("0.25"));
  Tensor w = Tensor::of({100, 16}, std::vector<double>(1600, 3)),
         r = program.one("f", {w, Tensor::integers({2}, {5, 6})});
  int dropped = 0;
  for (int64_t o = 0; o < 100; ++o)
    for (int64_t k = 0; k < 16; ++k) {
      bool drop = drawUniform({5, 6}, 2, at(o, k % 8, k / 8)) < .25;
      EXPECT_EQ(r.at({o, k}), drop ? 0 : 3);
      dropped += drop;
    }
  EXPECT_NEAR(dropped, 400, 4 * std::sqrt(300)); // four standard deviations
}

TEST(DropConnect, ProbabilityZeroKeepsAndOneDropsAll) {
  Tensor w = Tensor::of({1, 4}, {1, 2, 3, 4}), key = Tensor::integers({2}, {5, 6});
  Program none(dropConnect("0.0")), all(dropConnect("1.0"));
  expectValues(none.one("f", {w, key}), {1, 2, 3, 4});
  // The largest uniform rounds to 1 with probability 2^-25 only; these four do not.
  expectValues(all.one("f", {w, key}), {0, 0, 0, 0});
}
