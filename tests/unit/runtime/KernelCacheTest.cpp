// The kernel cache on disk: what comes back, what is refused, what stays after a failure.
#include "runtime/KernelCache.h"
#include "tests/unit/runtime/TemporaryFolder.h"

#include <atomic>
#include <csignal>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace mho {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string key(char digit) { return std::string(64, digit); }

TEST(KernelCache, StoresAndLoads) {
  TemporaryFolder folder;
  KernelCache cache(folder.file("deep/cache"), 1 << 20);
  EXPECT_EQ(cache.load(key('a')), std::nullopt);
  std::string payload("bytes\0and\n more", 15);
  Status status = cache.store(key('a'), payload);
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(cache.load(key('a')), payload);
  EXPECT_EQ(cache.load(key('b')), std::nullopt);
  EXPECT_EQ(cache.usage().entries, 1);
  EXPECT_EQ(fs::status(cache.path()).permissions() & fs::perms::all, fs::perms::owner_all);
}

TEST(KernelCache, ACorruptEntryIsAMissAndGoesAway) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  ASSERT_TRUE(cache.store(key('a'), "payload of some length"));
  std::string file = folder.file(key('a') + ".mho"), whole = readFile(file);
  for (size_t cut : {size_t(0), size_t(5), whole.size() - 1}) {
    writeFile(file, whole.substr(0, cut));
    EXPECT_EQ(cache.load(key('a')), std::nullopt) << "cut after " << cut;
    EXPECT_FALSE(fs::exists(file));
  }
  for (size_t at : {size_t(3), size_t(20), size_t(100), whole.size() - 1}) {
    std::string flipped = whole;
    flipped[at] ^= 1;
    writeFile(file, flipped);
    EXPECT_EQ(cache.load(key('a')), std::nullopt) << "byte " << at;
  }
  writeFile(folder.file(key('b') + ".mho"), whole);
  EXPECT_EQ(cache.load(key('b')), std::nullopt) << "another key's entry under this name";
}

TEST(KernelCache, RefusesWhatOthersMayWrite) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  ASSERT_TRUE(cache.store(key('a'), "payload"));
  std::string file = folder.file(key('a') + ".mho");
  chmod(file.c_str(), 0666);
  EXPECT_EQ(cache.load(key('a')), std::nullopt) << "a file that others may write";
  chmod(file.c_str(), 0600);
  EXPECT_NE(cache.load(key('a')), std::nullopt);
  chmod(folder.str().c_str(), 0777);
  EXPECT_EQ(cache.load(key('a')), std::nullopt) << "a folder that others may write";
  Status status = cache.store(key('b'), "payload");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("not yours alone to write"));
  EXPECT_THAT(status.message(), HasSubstr("MHO_CACHE_DIR"));
}

TEST(KernelCache, DoesNotFollowLinks) {
  TemporaryFolder folder, elsewhere;
  KernelCache cache(folder.str(), 1 << 20), other(elsewhere.str(), 1 << 20);
  ASSERT_TRUE(other.store(key('a'), "payload"));
  ASSERT_TRUE(cache.store(key('b'), "x"));
  fs::create_symlink(elsewhere.file(key('a') + ".mho"), folder.file(key('a') + ".mho"));
  EXPECT_EQ(cache.load(key('a')), std::nullopt);
}

TEST(KernelCache, PlacesThatCannotBe) {
  TemporaryFolder folder;
  writeFile(folder.file("file"), "");
  Status status = KernelCache(folder.file("file"), 1).store(key('a'), "x");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("is not a folder"));
  status = KernelCache(folder.file("file/below"), 1).store(key('a'), "x");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("cannot make the kernel cache"));
}

/// A limit on the size of files is what a test can set; the write fails as on a full disk.
TEST(KernelCache, AFullDiskLeavesNothingHalfWritten) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  Status status = cache.store(key('a'), std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("make room there"));
  EXPECT_TRUE(fs::is_empty(folder.path));
  EXPECT_EQ(cache.load(key('a')), std::nullopt);
}

TEST(KernelCache, KeepsTheSizeLimitByLeastRecentUse) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 5000);
  std::string payload(1500, 'p');
  for (char digit : {'a', 'b', 'c'}) {
    ASSERT_TRUE(cache.store(key(digit), payload));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_NE(cache.load(key('a')), std::nullopt) << "used again";
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  writeFile(folder.file("notes.txt"), std::string(9000, 'n'));
  ASSERT_TRUE(cache.store(key('d'), payload));
  EXPECT_NE(cache.load(key('a')), std::nullopt);
  EXPECT_EQ(cache.load(key('b')), std::nullopt) << "the one used longest ago";
  EXPECT_TRUE(fs::exists(folder.file("notes.txt"))) << "a file that is no entry";
  ASSERT_TRUE(cache.clear());
  EXPECT_EQ(cache.usage().entries, 0);
  EXPECT_TRUE(fs::exists(folder.file("notes.txt")));
}

TEST(KernelCache, ManyWritersOfOneKey) {
  TemporaryFolder folder;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      KernelCache cache(folder.str(), 1 << 20);
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(cache.store(key('a'), std::string(10000, 'x')));
        auto loaded = cache.load(key('a'));
        EXPECT_TRUE(!loaded || *loaded == std::string(10000, 'x'));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_TRUE(filesWith(folder.str(), "mho-new-").empty()) << "no temporary file stays";
}

TEST(KernelCache, RemovesWhatDeadWritersLeft) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  auto age = [&](const std::string &name, std::chrono::minutes age) {
    writeFile(folder.file(name), "half a kernel");
    fs::last_write_time(folder.file(name), fs::file_time_type::clock::now() - age);
  };
  age("mho-new-aaaaaa", std::chrono::minutes(61));
  age("mho-new-bbbbbb", std::chrono::minutes(10)); // its writer may live
  age("new-york.txt", std::chrono::minutes(61));
  ASSERT_TRUE(cache.store(key('a'), "payload"));
  EXPECT_FALSE(fs::exists(folder.file("mho-new-aaaaaa")));
  EXPECT_TRUE(fs::exists(folder.file("mho-new-bbbbbb")));
  age("mho-new-aaaaaa", std::chrono::minutes(61));
  ASSERT_TRUE(cache.clear());
  EXPECT_FALSE(fs::exists(folder.file("mho-new-aaaaaa")));
  EXPECT_TRUE(fs::exists(folder.file("new-york.txt"))) << "not mho's";
}

TEST(KernelCache, AFolderWithATrailingSlashIsMadeForItsOwnerAlone) {
  TemporaryFolder folder;
  mode_t before = umask(002);
  KernelCache cache(folder.file("deep/cache/"), 1 << 20);
  Status status = cache.store(key('a'), "payload");
  umask(before);
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(cache.load(key('a')), "payload");
  EXPECT_EQ(fs::status(folder.file("deep/cache")).permissions() & fs::perms::all, fs::perms::owner_all);
}

TEST(KernelCache, APipeInAnEntrysPlaceIsAMiss) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  ASSERT_EQ(mkfifo(folder.file(key('a') + ".mho").c_str(), 0600), 0);
  EXPECT_EQ(cache.load(key('a')), std::nullopt);
}

TEST(KernelCache, OneMakesAnEntryWhileTheOthersWaitForIt) {
  TemporaryFolder folder;
  KernelCache cache(folder.str(), 1 << 20);
  std::atomic<int> made = 0;
  auto obtain = [&] {
    KernelCache::Lock lock = cache.lock(key('a'));
    if (cache.load(key('a')))
      return;
    ++made;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(cache.store(key('a'), "payload"));
  };
  KernelCache::Lock other = cache.lock(key('b')); // of another key: in nobody's way
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(obtain);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(made, 1);
}

TEST(KernelCache, WithoutAFolderALockIsNoHindrance) {
  TemporaryFolder folder;
  writeFile(folder.file("file"), "");
  KernelCache::Lock lock = KernelCache(folder.file("file"), 1).lock(key('a'));
}

} // namespace
} // namespace mho
