// The stage loop on an artifact that is a text: dump, stop, override, failure.
#include "runtime/CompilePipeline.h"
#include "tests/unit/runtime/TemporaryFolder.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

struct TextArtifact final : Artifact {
  std::string current = "start";
  std::string text() const override { return current; }
  std::function<std::string()> snapshot() const override {
    return [copy = current] { return copy; };
  }
  Status replace(const std::string &text) override {
    if (text == "bad")
      return Status::error("line 1: bad");
    current = text;
    return Status::ok();
  }
};

class Pipeline : public testing::Test {
protected:
  Status run() {
    auto add = [&](const char *what) {
      return [this, what] {
        if (what == failing)
          return (artifact.current += "?"), Status::error("it broke");
        artifact.current += std::string(" ") + what;
        return Status::ok();
      };
    };
    return runStages("layer", artifact, {{"one", "mlir", add("1")}, {"two", "ll", add("2")}, {"three", "o", add("3")}},
                     options);
  }
  void SetUp() override { options.failureDir = folder.file("failed"); }
  TemporaryFolder folder;
  TextArtifact artifact;
  StageOptions options;
  std::string failing;
};

TEST_F(Pipeline, RunsInOrder) {
  ASSERT_TRUE(run());
  EXPECT_EQ(artifact.current, "start 1 2 3");
  EXPECT_FALSE(options.inspects());
}

TEST_F(Pipeline, DumpsEachStage) {
  options.dumpDir = folder.file("dump");
  ASSERT_TRUE(run());
  EXPECT_EQ(readFile(folder.file("dump/layer.0-one.mlir")), "start 1");
  EXPECT_EQ(readFile(folder.file("dump/layer.2-three.o")), "start 1 2 3");
}

TEST_F(Pipeline, StopsAfterAStage) {
  options.stopAfter = "two";
  Status status = run();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("stopped after compile stage 'two' of layer"));
  EXPECT_EQ(readFile(folder.file("failed/layer.1-two.ll")), "start 1 2");
  options.stopAfter = "tow";
  EXPECT_THAT(run().message(), HasSubstr("'tow' is no compile stage; stages: one, two, three"));
}

TEST_F(Pipeline, TakesAnEditedResult) {
  options.overrideDir = folder.str();
  writeFile(folder.file("layer.1-two.ll"), "edited");
  ASSERT_TRUE(run());
  EXPECT_EQ(artifact.current, "edited 3");
  writeFile(folder.file("layer.1-two.ll"), "bad");
  EXPECT_THAT(run().message(), HasSubstr("cannot be used: line 1: bad"));
}

TEST_F(Pipeline, AFailureNamesTheStageAndKeepsWhatItWasGiven) {
  failing = "2";
  Status status = run();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("compile stage 'two' of layer failed: it broke"));
  std::string file = folder.file("failed/layer.before-two.mlir");
  EXPECT_THAT(status.message(), HasSubstr(file));
  EXPECT_EQ(readFile(file), "start 1");
}

TEST_F(Pipeline, AFailureWithNowhereToWriteStillSaysWhatBroke) {
  writeFile(folder.file("failed"), "a file, not a folder");
  failing = "1";
  EXPECT_THAT(run().message(), AllOf(HasSubstr("'one' of layer failed: it broke"), HasSubstr("is not a folder")));
  options.dumpDir = folder.file("failed");
  EXPECT_THAT(run().message(), AllOf(HasSubstr("'one' of layer failed: it broke"), HasSubstr("cannot write")));
}

TEST_F(Pipeline, AFailureIsNotWrittenThroughAPlantedLink) {
  fs::create_directory(folder.file("elsewhere"));
  fs::create_directory_symlink(folder.file("elsewhere"), folder.file("failed"));
  failing = "1";
  EXPECT_THAT(run().message(), AllOf(HasSubstr("it broke"), HasSubstr("is not a folder"), HasSubstr("MHO_DUMP_DIR")));
  EXPECT_TRUE(fs::is_empty(folder.file("elsewhere")));
}

TEST_F(Pipeline, AFailureIsNotWrittenWhereOthersMayWrite) {
  fs::create_directory(folder.file("failed"));
  fs::permissions(folder.file("failed"), fs::perms::all);
  failing = "1";
  EXPECT_THAT(run().message(), AllOf(HasSubstr("it broke"), HasSubstr("not yours alone to write")));
  EXPECT_TRUE(fs::is_empty(folder.file("failed")));
}

TEST_F(Pipeline, WithoutAFolderForTemporaryFilesNothingIsKept) {
  setenv("TMPDIR", folder.file("missing").c_str(), 1);
  options.failureDir = StageOptions::from(Knobs(), {}).failureDir;
  unsetenv("TMPDIR");
  EXPECT_EQ(options.failureDir, "");
  failing = "1";
  EXPECT_THAT(run().message(), AllOf(HasSubstr("it broke"), HasSubstr("mend TMPDIR or set MHO_DUMP_DIR")));
}

TEST_F(Pipeline, AListMayBeAPartOfMoreStages) {
  options.order = {"zero", "one", "two", "three", "four"};
  options.dumpDir = folder.file("dump");
  options.stopAfter = "four";
  ASSERT_TRUE(run()) << "the stage to stop after comes later";
  EXPECT_EQ(readFile(folder.file("dump/layer.1-one.mlir")), "start 1");
  options.stopAfter = "five";
  EXPECT_THAT(run().message(), HasSubstr("stages: zero, one, two, three, four"));
}

TEST_F(Pipeline, AnOverrideFolderThatIsNotThereIsAnError) {
  options.overrideDir = folder.file("nowhere");
  EXPECT_THAT(run().message(), AllOf(HasSubstr("MHO_OVERRIDE_DIR="), HasSubstr("nowhere' is no folder")));
}

} // namespace
} // namespace mho
