#include "runtime/Cuda/NvrtcSearch.h"

#include <filesystem>
#include <link.h>

namespace fs = std::filesystem;

namespace mho {
namespace {

constexpr const char *kLibrary = "libnvrtc.so.13";

/// Folder of the loaded libtorch_cpu.so; empty where there is none.
std::string loadedTorchFolder() {
  std::string folder;
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *result) {
        fs::path path(info->dlpi_name);
        if (path.filename() != "libtorch_cpu.so")
          return 0;
        *static_cast<std::string *>(result) = path.parent_path().string();
        return 1;
      },
      &folder);
  return folder;
}

} // namespace

std::vector<std::string> nvrtcCandidates() {
  std::vector<std::string> files;
  for (const std::string &torch : {loadedTorchFolder(), std::string(MHO_BUILT_WITH_TORCH)})
    if (!torch.empty()) { // site-packages/torch/lib
      fs::path packages = fs::path(torch).parent_path().parent_path();
      files.push_back((packages / "nvidia/cu13/lib" / kLibrary).string());
    }
  files.push_back(std::string("/usr/local/cuda/lib64/") + kLibrary);
  files.push_back(kLibrary);
  return files;
}

} // namespace mho
