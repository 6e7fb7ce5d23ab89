#include "tests/cuda/FakeState.h"

#include "runtime/Ptx/Program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <elf.h>

namespace mho::fake {
namespace {

/// "sm_90" of a cubin, whose number stands in its flags; empty: no cubin.
std::string architectureOf(const std::string &image) {
  constexpr int kElfMachineCuda = 190;
  Elf64_Ehdr header;
  if (image.size() < sizeof header || std::memcmp(image.data(), ELFMAG, SELFMAG) != 0)
    return "";
  std::memcpy(&header, image.data(), sizeof header);
  return header.e_machine == kElfMachineCuda ? "sm_" + std::to_string(header.e_flags >> 8 & 0xff) : "";
}

/// Code for an architecture runs on those of its generation that are not older.
bool runsOn(const std::string &architecture, int device) {
  int code = std::atoi(architecture.c_str() + 3);
  return code / 10 == device / 10 && code <= device;
}

} // namespace

int numberOf(const char *variable, int fallback) {
  const char *text = std::getenv(variable);
  return text ? std::atoi(text) : fallback;
}

State::State() : idle(numberOf("FAKE_CUDA_IDLE", 0)), nextAddress(ptx::kBufferBase) {}

State &State::get() {
  static State *state = new State; // alive as long as anyone may unload a module
  return *state;
}

void State::reset() {
  std::lock_guard lock(mutex);
  noted.clear(), launched.clear(), loaded.clear(), failing.clear(), capturing.clear(), captured.clear();
}

std::vector<std::string> State::calls() const {
  std::lock_guard lock(mutex);
  return noted;
}

std::vector<Launch> State::launches() const {
  std::lock_guard lock(mutex);
  return launched;
}

std::vector<std::pair<std::string, int>> State::loads() const {
  std::lock_guard lock(mutex);
  return loaded;
}

int64_t State::loadedNow() const {
  std::lock_guard lock(mutex);
  return int64_t(modules.size());
}

void State::fail(const std::string &function, int code) {
  std::lock_guard lock(mutex);
  failing[function] = code;
}

int State::note(const char *function) {
  if (idle)
    return kSuccess;
  std::lock_guard lock(mutex);
  noted.emplace_back(function);
  const char *told = std::getenv("FAKE_CUDA_FAIL");
  if (told && !std::strcmp(told, function))
    return kFaultOfTest;
  auto it = failing.find(function);
  return it == failing.end() ? kSuccess : it->second;
}

int State::noteOutsideCapture(const char *function) {
  std::lock_guard lock(mutex);
  int told = note(function);
  return told ? told : capturing.empty() ? kSuccess : kCaptureUnsupported;
}

void State::capture(const void *stream, bool begin) {
  std::lock_guard lock(mutex);
  if (begin)
    capturing.insert(stream);
  else
    capturing.erase(stream);
}

bool State::isCapturing(const void *stream) const {
  std::lock_guard lock(mutex);
  return capturing.count(stream);
}

bool State::replay() {
  std::lock_guard lock(mutex);
  return std::all_of(captured.begin(), captured.end(), [&](const Captured &each) { return run(each) == kSuccess; });
}

Context *State::contextOf(int device) {
  std::lock_guard lock(mutex);
  contexts[device].device = device;
  return &contexts[device];
}

std::vector<Context *> &State::stack() {
  static thread_local auto *contexts = new std::vector<Context *>; // modules are unloaded after a thread's end, too
  return *contexts;
}

int State::load(LoadedModule *&module, const std::string &image) {
  std::lock_guard lock(mutex);
  if (stack().empty())
    return kInvalidContext;
  auto made = std::make_unique<LoadedModule>(LoadedModule{stack().back(), image, std::nullopt});
  std::string architecture = architectureOf(image);
  if (architecture.empty()) {
    Expected<ptx::Module> parsed = ptx::Module::parse(image);
    if (!parsed)
      return kInvalidImage;
    made->ptx = *parsed;
  } else if (!runsOn(architecture, numberOf("FAKE_CUDA_SM", kNewerThanNvrtc))) {
    return kNoBinaryForGpu;
  }
  loaded.emplace_back(architecture.empty() ? "PTX" : architecture, stack().back()->device);
  module = made.get();
  modules[module] = std::move(made);
  return kSuccess;
}

int State::unload(LoadedModule *module) {
  std::lock_guard lock(mutex);
  return modules.erase(module) ? kSuccess : kInvalidValue;
}

int State::find(Function *&function, LoadedModule *module, const std::string &name) {
  std::lock_guard lock(mutex);
  bool there =
      module->ptx ? bool(module->ptx->entry(name)) : module->image.find(".text." + name + '\0') != std::string::npos;
  if (!there)
    return kNotFound;
  functions.push_back(std::make_unique<Function>(Function{module, name}));
  function = functions.back().get();
  return kSuccess;
}

int State::launch(const Function &function, const Launch &launch, void **arguments) {
  if (idle)
    return kSuccess;
  std::lock_guard lock(mutex);
  if (stack().empty() || stack().back() != function.module->context)
    return kInvalidContext;
  if (launch.sharedBytes > unsigned(function.mostSharedBytes) || !launch.grid[0] || !launch.grid[1])
    return kInvalidValue;
  Captured each{&function, launch, {}};
  if (const ptx::EntrySyntax *entry = function.module->ptx ? function.module->ptx->entry(function.name) : nullptr) {
    if (entry->parameters.size() != 1)
      return kInvalidValue;
    each.arguments.addBytes(arguments[0], size_t(entry->parameterBytes));
  }
  launched.push_back(launch);
  if (!isCapturing(launch.stream))
    return run(each);
  captured.push_back(std::move(each));
  return kSuccess;
}

int State::run(const Captured &each) {
  const Function &function = *each.function;
  if (!function.module->ptx)
    return kSuccess; // nobody here runs machine code
  ptx::Memory memory;
  for (auto &[address, buffer] : buffers)
    if (buffer.device == each.launch.device)
      memory.addAt("device memory", address, buffer.bytes.data(), buffer.bytes.size());
  Expected<ptx::Report> report =
      function.module->ptx->launch(function.name, {each.launch.grid[0], each.launch.grid[1]}, {each.launch.threads},
                                   each.launch.sharedBytes, each.arguments, memory);
  if (report && report->clean())
    return kSuccess;
  std::fprintf(stderr, "fake driver: @%s: %s\n", function.name.c_str(),
               report ? report->faults[0].text().c_str() : report.message().c_str());
  return kLaunchFailed;
}

int State::allocate(uint64_t &address, size_t bytes) {
  constexpr uint64_t kAlignment = 512, kGap = 1 << 16; // what lies between buffers is out of bounds
  std::lock_guard lock(mutex);
  if (stack().empty())
    return kInvalidContext;
  if (bytes == 0)
    return kInvalidValue;
  address = nextAddress;
  buffers[address] = {stack().back()->device, std::vector<uint8_t>(bytes, 0xff)};
  nextAddress = (nextAddress + bytes + kGap) / kAlignment * kAlignment;
  return kSuccess;
}

int State::release(uint64_t address) {
  std::lock_guard lock(mutex);
  return buffers.erase(address) ? kSuccess : kInvalidValue;
}

int State::deviceOf(uint64_t address) const {
  std::lock_guard lock(mutex);
  auto after = buffers.upper_bound(address);
  if (after == buffers.begin())
    return -1;
  const auto &[begin, buffer] = *std::prev(after);
  return address < begin + buffer.bytes.size() ? buffer.device : -1;
}

uint8_t *State::host(uint64_t address, size_t bytes) {
  std::lock_guard lock(mutex);
  auto after = buffers.upper_bound(address);
  if (after == buffers.begin())
    return nullptr;
  auto &[begin, buffer] = *std::prev(after);
  return address + bytes <= begin + buffer.bytes.size() ? buffer.bytes.data() + (address - begin) : nullptr;
}

} // namespace mho::fake
