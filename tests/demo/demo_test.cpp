#include "frontends/demo/Chip.h"
#include "frontends/demo/FashionMnist.h"
#include "frontends/demo/Options.h"
#include "frontends/demo/SvgPlot.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <regex>
#include <stdexcept>

namespace mho::demo {
namespace {

Options parse(std::vector<const char *> words) {
  words.insert(words.begin(), "mho-demo");
  return *parseOptions(static_cast<int>(words.size()), const_cast<char **>(words.data()));
}

std::string refusal(const std::vector<const char *> &words) {
  try {
    parse(words);
  } catch (const std::invalid_argument &error) {
    return error.what();
  }
  return "";
}

TEST(DemoOptions, ReadsValues) {
  const Options options = parse({"--epochs", "7", "--draws", "20", "--seed", "9", "--out", "x", "--threads", "2"});
  EXPECT_EQ(options.epochs, 7);
  EXPECT_EQ(options.draws, 20);
  EXPECT_EQ(options.seed, 9u);
  EXPECT_EQ(options.out, "x");
  EXPECT_EQ(options.threads, 2);
}

TEST(DemoOptions, QuickYieldsToGivenNumbers) {
  EXPECT_LT(parse({"--quick"}).epochs, Options().epochs);
  EXPECT_EQ(parse({"--epochs", "50", "--quick"}).epochs, 50);
}

TEST(DemoOptions, RefusalsNameOptionAndValue) {
  EXPECT_EQ(refusal({"--epochs", "many"}), "--epochs needs a whole number from 1 to 1000, not 'many'");
  EXPECT_EQ(refusal({"--epochs", "0"}), "--epochs needs a whole number from 1 to 1000, not '0'");
  EXPECT_EQ(refusal({"--draws"}), "--draws needs a whole number from 2 to 10000");
  EXPECT_EQ(refusal({"--speed", "9"}), "unknown option '--speed'; see mho-demo --help");
}

/// A folder of its own with an idx file pair of `images` images and `labels` labels; pixel i of every image is i mod
/// 256.
class IdxFolder {
public:
  IdxFolder(int images, int labels, int magic = 0x0803, int firstLabel = 0) {
    std::filesystem::create_directories(path);
    std::string pixels;
    for (int i = 0; i < images * 784; ++i)
      pixels += static_cast<char>(i % 784 % 256);
    write("train-images-idx3-ubyte.gz", word(magic) + word(images) + word(28) + word(28) + pixels);
    std::string classes;
    for (int i = 0; i < labels; ++i)
      classes += static_cast<char>(i % 10 + firstLabel);
    write("train-labels-idx1-ubyte.gz", word(0x0801) + word(labels) + classes);
  }
  ~IdxFolder() { std::filesystem::remove_all(path); }

  std::string error() const {
    try {
      loadFashionMnist(path, Split::Train);
    } catch (const std::runtime_error &failure) {
      return failure.what();
    }
    return "";
  }
  const std::string path =
      testing::TempDir() + "mho-demo-" + testing::UnitTest::GetInstance()->current_test_info()->name();

private:
  static std::string word(int value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
            static_cast<char>(value)};
  }
  void write(const std::string &name, const std::string &content) const {
    gzFile file = gzopen((path + "/" + name).c_str(), "wb");
    gzwrite(file, content.data(), content.size());
    gzclose(file);
  }
};

TEST(FashionMnist, ReadsPixelsAndLabels) {
  const IdxFolder folder(12, 12);
  const Dataset data = loadFashionMnist(folder.path, Split::Train);
  ASSERT_EQ(data.images.sizes(), (std::vector<int64_t>{12, 784}));
  EXPECT_NEAR(data.images[3][255].item<float>(), (1.0 - 0.2860) / 0.3530, 1e-5);
  EXPECT_NEAR(data.images[3][256].item<float>(), (0.0 - 0.2860) / 0.3530, 1e-5);
  EXPECT_EQ(data.labels[11].item<int64_t>(), 1);
  EXPECT_EQ(data.first(5).size(), 5);
  EXPECT_EQ(data.first(50).size(), 12);
}

TEST(FashionMnist, MissingFileNamesThePackage) {
  try {
    loadFashionMnist("/nonexistent", Split::Test);
    FAIL() << "no error";
  } catch (const std::runtime_error &error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/t10k-images-idx3-ubyte.gz"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("dataset-fashion-mnist"), std::string::npos);
  }
}

TEST(FashionMnist, RefusesDamagedFiles) {
  EXPECT_NE(IdxFolder(4, 3).error().find("has 3 labels for 4 images"), std::string::npos);
  EXPECT_NE(IdxFolder(4, 4, 0x0802).error().find("is not an idx file of 3 dimensions"), std::string::npos);
  EXPECT_NE(IdxFolder(4, 4, 0x0803, 7).error().find("has a label 10, expected 0 to 9"), std::string::npos);
  const IdxFolder cut(4, 4);
  std::filesystem::resize_file(cut.path + "/train-images-idx3-ubyte.gz", 60);
  EXPECT_NE(cut.error().find("ends early or is damaged"), std::string::npos);
}

TEST(DemoStatistics, MeanAndStandardError) {
  const Measurement m = summarize(0.1, {1, 2, 3, 6});
  EXPECT_EQ(m.strength, 0.1);
  EXPECT_DOUBLE_EQ(m.mean, 3);
  EXPECT_DOUBLE_EQ(m.error, std::sqrt(14.0 / 3 / 4));
}

TEST(DemoStatistics, CsvHasOneRowPerPoint) {
  EXPECT_EQ(formatCsv({{"a", {{0, 90, 0}, {0.5, 41.25, 1.5}}}, {"b", {{0, 80, 0.125}}}}),
            "network,weight_noise,accuracy_mean,accuracy_standard_error\n"
            "a,0,90.0000,0.0000\na,0.5,41.2500,1.5000\nb,0,80.0000,0.1250\n");
}

int64_t count(const std::string &text, const std::string &pattern) {
  const std::regex expression(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), expression), std::sregex_iterator());
}

TEST(SvgPlot, DrawsPointsBarsAndLegend) {
  SvgPlot plot("title", "x", "y <%>");
  plot.add({"first", {{0, 90, 1}, {0.5, 50, 2}}});
  plot.add({"second", {{0, 89, 1}, {0.25, 80, 1}, {0.5, 70, 1}}});
  const std::string svg = plot.render();
  EXPECT_EQ(count(svg, "<circle"), 5 + 2); // points and legend
  EXPECT_EQ(count(svg, "<polyline"), 2);
  EXPECT_EQ(count(svg, ">(first|second)</text>"), 2);
  EXPECT_EQ(count(svg, "y &lt;%&gt;"), 1);
  EXPECT_EQ(count(svg, ">0\\.5</text>"), 1); // the x axis ends at the last point
  EXPECT_EQ(count(svg, "nan|inf"), 0);
}

TEST(SvgPlot, DrawsLevelsNoteAndTheWholeRange) {
  SvgPlot plot("t", "x", "y");
  plot.setNote("bars: standard error of 12 draws");
  plot.coverY(0, 100);
  plot.addLevel({"not on a chip", 89});
  plot.add({"one", {{0, 80, 1}, {1, 70, 1}}});
  const std::string svg = plot.render();
  EXPECT_EQ(count(svg, ">bars: standard error of 12 draws</text>"), 1);
  EXPECT_EQ(count(svg, ">not on a chip</text>"), 1);
  EXPECT_EQ(count(svg, "stroke-dasharray"), 2); // the level and its entry in the legend
  EXPECT_EQ(count(svg, ">0</text>"), 2);        // both axes begin at 0
  EXPECT_EQ(count(svg, ">100</text>"), 1);
}

TEST(DemoTable, HasEveryStrength) {
  const Options options = parse({});
  Curve curve{"digital", {}};
  for (double strength : options.strengths)
    curve.points.push_back({strength, 50, 1});
  EXPECT_EQ(count(formatTable({curve}), " 50\\.00 \\+- 1\\.00 %"), static_cast<int64_t>(options.strengths.size()));
}

TEST(SvgPlot, SurvivesFewPoints) {
  EXPECT_EQ(count(SvgPlot("t", "x", "y").render(), "nan|inf"), 0);
  SvgPlot plot("t", "x", "y");
  plot.add({"one", {{3, 7, 0}}});
  EXPECT_EQ(count(plot.render(), "nan|inf"), 0);
  EXPECT_EQ(count(plot.render(), "<circle"), 2);
}

} // namespace
} // namespace mho::demo
