// Environment variables: values, and errors that name the remedy.
#include "runtime/Knobs.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::HasSubstr;

TEST(Knobs, DefaultsAndValues) {
  auto none = Knobs::parse({"HOME=/users/u", "PATH=/bin"});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->cacheDir, "/users/u/.cache/mho");
  EXPECT_TRUE(none->cache);
  auto set = Knobs::parse({"XDG_CACHE_HOME=/x", "HOME=/users/u", "MHO_CACHE=off", "MHO_CACHE_LIMIT_MB=7",
                           "MHO_ISA=avx2", "MHO_DUMP_DIR=/d", "MHO_TIME=1", "MHO_NVRTC=/n"});
  ASSERT_TRUE(set) << set.message();
  EXPECT_EQ(set->cacheDir, "/x/mho");
  EXPECT_FALSE(set->cache);
  EXPECT_EQ(set->cacheLimitMiB, 7);
  EXPECT_EQ(set->isa, "avx2");
  EXPECT_EQ(set->dumpDir, "/d");
  EXPECT_EQ(set->nvrtc, "/n");
  EXPECT_TRUE(set->time);
  EXPECT_NE(set->outputKey(), none->outputKey());
  EXPECT_EQ(Knobs::parse({"MHO_CACHE_DIR=/c", "HOME=/h"})->cacheDir, "/c");
}

TEST(Knobs, UnknownNamesGiveTheNearest) {
  auto knobs = Knobs::parse({"MHO_CACHE_DIRECTORY=/x"});
  ASSERT_FALSE(knobs);
  EXPECT_THAT(knobs.message(),
              HasSubstr("unknown environment variable MHO_CACHE_DIRECTORY; did you mean MHO_CACHE_DIR?"));
}

TEST(Knobs, ImpossibleValues) {
  for (const char *text : {"MHO_CACHE=maybe", "MHO_TIME=2", "MHO_CACHE_LIMIT_MB=0", "MHO_CACHE_LIMIT_MB=x",
                           "MHO_CACHE_LIMIT_MB=99999999999999999999", "MHO_ISA=neon"}) {
    auto knobs = Knobs::parse({text});
    ASSERT_FALSE(knobs) << text;
    std::string name = std::string(text).substr(0, std::string(text).find('='));
    EXPECT_THAT(knobs.message(), testing::AllOf(HasSubstr(name), HasSubstr("expected"))) << text;
  }
}

TEST(Knobs, TheTableNamesEveryKnobOnce) {
  std::vector<std::string> names;
  for (const KnobInfo &info : Knobs::table())
    names.push_back(info.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  for (const std::string &name : names)
    EXPECT_THAT(name, testing::StartsWith("MHO_"));
}

} // namespace
} // namespace mho
