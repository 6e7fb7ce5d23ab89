#include "runtime/KernelCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;

namespace mho {
namespace {

/// First line of an entry; a change of the layout below changes the number.
constexpr const char *kMagic = "mho kernel 1\n";
constexpr const char *kExtension = ".mho";

std::string digest(const std::string &text) {
  return llvm::toHex(llvm::SHA256::hash(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(text.data()), text.size())),
                     /*LowerCase=*/true);
}

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

/// The user's own, and written by nobody else.
bool isSafe(const struct stat &info) { return info.st_uid == geteuid() && !(info.st_mode & (S_IWGRP | S_IWOTH)); }

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

/// Contents of a regular file that is safe to run code from.
std::optional<std::string> readOwnFile(const std::string &path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info;
  if (file.descriptor < 0 || fstat(file.descriptor, &info) != 0 || !S_ISREG(info.st_mode) || !isSafe(info))
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

/// Entries, by name: 64 digits and the extension.
std::vector<fs::path> entriesOf(const std::string &directory) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(directory, ignored))
    if (entry.path().extension() == kExtension && entry.path().stem().string().size() == 64)
      entries.push_back(entry.path());
  return entries;
}

} // namespace

std::optional<std::string> KernelCache::load(const std::string &key) const {
  struct stat info;
  if (stat(directory.c_str(), &info) != 0 || !isSafe(info))
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
  const std::string remedy = "; set MHO_CACHE_DIR to a folder of your own, or MHO_CACHE=off";
  std::error_code problem;
  fs::create_directories(fs::path(directory).parent_path(), problem);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return Status::error("cannot make the kernel cache '" + directory + "': " + std::strerror(errno) + remedy);
  struct stat info;
  if (stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return Status::error("the kernel cache '" + directory + "' is not a folder" + remedy);
  if (!isSafe(info))
    return Status::error("the kernel cache '" + directory +
                         "' is not yours alone to write, so code in it cannot be trusted" + remedy);
  return Status::ok();
}

Status KernelCache::store(const std::string &key, const std::string &payload) const {
  if (Status status = prepareDirectory(); !status)
    return status;
  std::string temporary = directory + "/new-XXXXXX";
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
