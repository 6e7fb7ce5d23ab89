#include "runtime/CacheKey.h"

#include "runtime/Knobs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/xxhash.h"

#include <dlfcn.h>

namespace mho {
namespace {

/// Hash of the file that holds this very function: a rebuilt compiler must not take an older one's kernels.
Expected<std::string> hashOfOwnCode() {
  static Expected<std::string> hash = []() -> Expected<std::string> {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void *>(&cacheKey), &info) || !info.dli_fname)
      return Status::error("cannot tell which file holds mho's code, so kernels cannot be kept on disk");
    auto buffer = llvm::MemoryBuffer::getFile(info.dli_fname, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!buffer)
      return Status::error(std::string("cannot read mho's own code in '") + info.dli_fname + "'");
    return llvm::utohexstr(llvm::xxh3_64bits((*buffer)->getBuffer()));
  }();
  return hash;
}

} // namespace

Expected<std::string> cacheKey(const std::string &ir, const std::string &options, const std::string &target) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  Expected<std::string> own = hashOfOwnCode();
  if (!own)
    return own.error();
  llvm::SHA256 hash;
  // Each part with its length, so that no two lists of parts make one text.
  for (const std::string &part : {ir, options, target, std::string(LLVM_VERSION_STRING), (*knobs)->outputKey(), *own})
    hash.update(std::to_string(part.size()) + ":" + part);
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

} // namespace mho
