#include "runtime/CacheKey.h"

#include "runtime/Knobs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/xxhash.h"

#include <link.h>
#include <vector>

namespace mho {
namespace {

using Segments = std::vector<llvm::ArrayRef<uint8_t>>;

/// Finds the program or library that holds this very function: its segments that nobody writes, which are in memory as
/// in its file. Stops the walk over the process's objects there.
int takeOwnSegments(dl_phdr_info *object, size_t, void *result) {
  auto own = reinterpret_cast<const uint8_t *>(&takeOwnSegments);
  Segments segments;
  bool found = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = object->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || !(header.p_flags & PF_R) || (header.p_flags & PF_W))
      continue;
    auto begin = reinterpret_cast<const uint8_t *>(object->dlpi_addr + header.p_vaddr);
    segments.emplace_back(begin, header.p_memsz);
    found |= own >= begin && own < begin + header.p_memsz;
  }
  if (found)
    *static_cast<Segments *>(result) = std::move(segments);
  return found;
}

/// Hash of mho's own code and constants, the linker's build-id among them: a rebuilt compiler must not take an older
/// one's kernels. From memory, not from a file: its path may be relative, or replaced since the process began.
Expected<std::string> hashOfOwnCode() {
  static Expected<std::string> hash = []() -> Expected<std::string> {
    Segments segments;
    if (!dl_iterate_phdr(takeOwnSegments, &segments))
      return Status::error("cannot find mho's own code in this process");
    std::string hashes;
    for (llvm::ArrayRef<uint8_t> segment : segments)
      hashes += llvm::utohexstr(llvm::xxh3_64bits(segment)) + " ";
    return hashes;
  }();
  return hash;
}

} // namespace

std::string digest(const std::string &bytes) {
  llvm::ArrayRef data(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  return llvm::toHex(llvm::SHA256::hash(data), /*LowerCase=*/true);
}

std::string unitName(const std::string &function, const std::string &content) {
  return function + "-" + digest(content).substr(0, 8);
}

Expected<std::string> cacheKey(const std::string &ir, const std::string &options, const std::string &target) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  Expected<std::string> own = hashOfOwnCode();
  if (!own)
    return own.error();
  std::string all;
  // Each part with its length, so that no two lists of parts make one text.
  for (const std::string &part : {ir, options, target, std::string(LLVM_VERSION_STRING), (*knobs)->outputKey(), *own})
    all += std::to_string(part.size()) + ":" + part;
  return digest(all);
}

} // namespace mho
