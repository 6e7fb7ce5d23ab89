#include "runtime/KernelCache.h"

#include "runtime/CacheKey.h"
#include "runtime/OwnFolder.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;

namespace mho {
namespace {

/// First line of an entry; a change of the layout below changes the number.
constexpr const char *kMagic = "mho kernel 1\n";
constexpr const char *kExtension = ".mho";

/// A writer's file before it gets an entry's name, and how long after its last byte that writer must be dead.
constexpr const char *kTemporary = "mho-new-";
constexpr auto kAbandoned = std::chrono::hours(1);

/// Locks of keys: bytes of one file, which the system frees when their process ends.
constexpr const char *kLockFile = "mho-lock";
/// Compiling takes well below a second; whoever holds a lock for longer than this is stopped or very slow.
constexpr auto kPatience = std::chrono::seconds(10);

const std::string kRemedy = "; set MHO_CACHE_DIR to a folder of your own, or MHO_CACHE=off";

/// Entry = magic, key, digest of the payload, payload.
std::string encode(const std::string &key, const std::string &payload) {
  return kMagic + key + "\n" + digest(payload) + "\n" + payload;
}

std::optional<std::string> decode(const std::string &key, const std::string &entry) {
  std::string head = kMagic + key + "\n";
  size_t begin = head.size() + 64 + 1;
  if (entry.size() < begin || entry.compare(0, head.size(), head) != 0)
    return std::nullopt;
  std::string payload = entry.substr(begin);
  if (entry.compare(head.size(), 64, digest(payload)) != 0)
    return std::nullopt;
  return payload;
}

/// A file descriptor that closes itself.
struct File {
  int descriptor;
  explicit File(int descriptor) : descriptor(descriptor) {}
  File(const File &) = delete;
  ~File() {
    if (descriptor >= 0)
      close(descriptor);
  }
};

/// Contents of a regular file that is safe to run code from. Does not wait where something else (a pipe) has its name.
std::optional<std::string> readOwnFile(const std::string &path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (file.descriptor < 0 || fstat(file.descriptor, &info) != 0 || !S_ISREG(info.st_mode) || !isOwn(info))
    return std::nullopt;
  std::string text(info.st_size, '\0');
  for (size_t done = 0; done < text.size();) {
    ssize_t count = read(file.descriptor, text.data() + done, text.size() - done);
    if (count <= 0)
      return std::nullopt;
    done += count;
  }
  futimens(file.descriptor, nullptr); // the use that trim() goes by
  return text;
}

Status writeFile(int descriptor, const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(descriptor, text.data() + done, text.size() - done);
    if (count < 0)
      return Status::error(std::strerror(errno));
    done += count;
  }
  return Status::ok();
}

/// Paths of the folder whose file names `wanted` takes; what appears or vanishes meanwhile may be in it or not.
template <class Wanted> std::vector<fs::path> pathsIn(const std::string &directory, Wanted wanted) {
  std::vector<fs::path> paths;
  std::error_code problem;
  for (fs::directory_iterator it(directory, problem), end; !problem && it != end; it.increment(problem))
    if (wanted(it->path().filename().string()))
      paths.push_back(it->path());
  return paths;
}

/// Entries, by name: 64 digits and the extension.
std::vector<fs::path> entriesOf(const std::string &directory) {
  return pathsIn(directory, [](const fs::path &name) {
    return name.extension() == kExtension && name.stem().string().size() == 64;
  });
}

/// Files of writers that died before they could rename or remove them.
void removeAbandoned(const std::string &directory) {
  auto isTemporary = [](const std::string &name) { return name.rfind(kTemporary, 0) == 0; };
  for (const fs::path &path : pathsIn(directory, isTemporary)) {
    std::error_code problem; // another process may remove it meanwhile
    fs::file_time_type written = fs::last_write_time(path, problem);
    if (!problem && fs::file_time_type::clock::now() - written > kAbandoned)
      fs::remove(path, problem);
  }
}

} // namespace

std::optional<std::string> KernelCache::load(const std::string &key) const {
  struct stat info;
  if (stat(directory.c_str(), &info) != 0 || !isOwn(info))
    return std::nullopt;
  std::optional<std::string> entry = readOwnFile(fileOf(key));
  if (!entry)
    return std::nullopt;
  std::optional<std::string> payload = decode(key, *entry);
  if (!payload)
    remove(key);
  return payload;
}

void KernelCache::remove(const std::string &key) const { unlink(fileOf(key).c_str()); }

Status KernelCache::prepareDirectory() const {
  Status status = prepareOwnFolder("the kernel cache", directory, Links::Follow);
  return status ? status : Status::error(status.message() + kRemedy);
}

KernelCache::Lock KernelCache::lock(const std::string &key) const {
  if (!prepareDirectory())
    return Lock(-1);
  int descriptor = open((directory + "/" + kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct flock byte = {};
  byte.l_type = F_WRLCK;
  byte.l_start = std::stoul(key.substr(0, 8), nullptr, 16);
  byte.l_len = 1;
  auto giveUp = std::chrono::steady_clock::now() + kPatience;
  while (descriptor >= 0 && fcntl(descriptor, F_OFD_SETLK, &byte) != 0 && (errno == EAGAIN || errno == EACCES) &&
         std::chrono::steady_clock::now() < giveUp)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return Lock(descriptor);
}

KernelCache::Lock::~Lock() {
  if (descriptor >= 0)
    close(descriptor);
}

Status KernelCache::store(const std::string &key, const std::string &payload) const {
  if (Status status = prepareDirectory(); !status)
    return status;
  std::string temporary = directory + "/" + kTemporary + "XXXXXX";
  File file(mkostemp(temporary.data(), O_CLOEXEC)); // mode 0600
  if (file.descriptor < 0)
    return Status::error("cannot write to the kernel cache '" + directory + "': " + std::strerror(errno) +
                         "; make it writable, set MHO_CACHE_DIR to another folder, or MHO_CACHE=off");
  Status status = writeFile(file.descriptor, encode(key, payload));
  if (status && rename(temporary.c_str(), fileOf(key).c_str()) != 0)
    status = Status::error(std::strerror(errno));
  if (!status) {
    unlink(temporary.c_str());
    return Status::error("cannot keep a kernel in '" + directory + "': " + status.message() +
                         "; make room there, set MHO_CACHE_DIR to another folder, or MHO_CACHE=off");
  }
  trim();
  return Status::ok();
}

void KernelCache::trim() const {
  removeAbandoned(directory);
  struct Entry {
    fs::path path;
    int64_t bytes;
    fs::file_time_type used;
  };
  std::vector<Entry> entries;
  int64_t total = 0;
  for (const fs::path &path : entriesOf(directory)) {
    std::error_code problem; // another process may remove it meanwhile
    int64_t bytes = fs::file_size(path, problem);
    fs::file_time_type used = fs::last_write_time(path, problem);
    if (problem)
      continue;
    entries.push_back({path, bytes, used});
    total += bytes;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (size_t i = 0; i + 1 < entries.size() && total > limitBytes; ++i) { // the newest stays
    std::error_code ignored;
    fs::remove(entries[i].path, ignored);
    total -= entries[i].bytes;
  }
}

Expected<int64_t> KernelCache::clear() const {
  removeAbandoned(directory);
  int64_t removed = 0;
  for (const fs::path &path : entriesOf(directory)) {
    std::error_code problem;
    removed += fs::remove(path, problem);
    if (problem)
      return Status::error("cannot remove '" + path.string() + "': " + problem.message());
  }
  return removed;
}

KernelCache::Usage KernelCache::usage() const {
  Usage usage;
  for (const fs::path &path : entriesOf(directory)) {
    std::error_code problem;
    int64_t bytes = fs::file_size(path, problem);
    if (problem)
      continue;
    ++usage.entries;
    usage.bytes += bytes;
  }
  return usage;
}

} // namespace mho
