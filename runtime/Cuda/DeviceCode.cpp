#include "runtime/Cuda/DeviceCode.h"

#include "runtime/Cuda/Architectures.h"

#include <map>

namespace mho {

Expected<std::vector<CudaImage>>
imagesOf(const std::vector<CudaDevice> &devices, const std::vector<int> &known,
         const std::function<Expected<std::string>(const std::string &architecture)> &compile) {
  std::map<std::string, CudaImage> made;
  std::vector<CudaImage> images;
  for (const CudaDevice &device : devices) {
    CudaImage &image = images.emplace_back();
    if (!device.runsKernels())
      continue;
    std::string architecture = architectureOf(device, known);
    if (auto it = made.find(architecture); it != made.end()) {
      image = it->second;
      continue;
    }
    Expected<std::string> compiled = compile(architecture);
    if (!compiled)
      return compiled.error();
    image = made[architecture] = std::make_shared<const std::string>(std::move(*compiled));
  }
  return images;
}

Expected<const CudaModule *> DeviceCode::on(int device, void *stream) const {
  if (device >= 0 && size_t(device) < ready.size())
    if (const CudaModule *module = ready[device].load(std::memory_order_acquire))
      return module;
  if (Expected<CudaContext> usable = driver->contextOf(device); !usable)
    return usable.error();
  std::lock_guard<std::mutex> lock(mutex);
  if (!modules[device]) {
    auto loaded = CudaModule::load(driver, device, *images[device], functions, stream);
    if (!loaded)
      return loaded.error();
    modules[device] = std::move(*loaded);
    ready[device].store(modules[device].get(), std::memory_order_release);
  }
  return static_cast<const CudaModule *>(modules[device].get());
}

} // namespace mho
