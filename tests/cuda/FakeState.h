// The state of the fake driver, which its functions share.
#pragma once

#include "runtime/Ptx/Module.h"
#include "tests/cuda/FakeDriver.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

namespace mho::fake {

/// Results, as in cuda.h.
enum Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kNoBinaryForGpu = 209,
  kNotFound = 500,
  kLaunchFailed = 719,
  kCaptureUnsupported = 900,
  kFaultOfTest = 999
};

int numberOf(const char *variable, int fallback);

/// The architecture of the devices where nothing else is said: mho gives them PTX, which can be run here.
constexpr int kNewerThanNvrtc = 200;

/// A device's primary context, whose handle is this object's address.
struct Context {
  int device = 0;
  int taken = 0;
};

struct LoadedModule {
  Context *context;
  std::string image;
  std::optional<ptx::Module> ptx; ///< none of machine code
};

struct Function {
  LoadedModule *module;
  std::string name;
  int mostSharedBytes = 48 << 10;
};

struct Buffer {
  int device;
  std::vector<uint8_t> bytes;
};

/// A launch with the bytes of its arguments.
struct Captured {
  const Function *function;
  Launch launch;
  ptx::Arguments arguments;
};

class State final : public Driver {
public:
  static State &get();

  void reset() override;
  std::vector<std::string> calls() const override;
  std::vector<Launch> launches() const override;
  std::vector<std::pair<std::string, int>> loads() const override;
  int64_t loadedNow() const override;
  void fail(const std::string &function, int code) override;
  int deviceOf(uint64_t address) const override;
  void capture(const void *stream, bool begin) override;
  bool replay() override;

  /// Notes a call of a function of the driver; the result it is told to return, or 0.
  int note(const char *function);
  /// As note(), of a function that must not be called while a stream captures.
  int noteOutsideCapture(const char *function);
  bool isCapturing(const void *stream) const;

  Context *contextOf(int device);
  int load(LoadedModule *&module, const std::string &image);
  int unload(LoadedModule *module);
  int find(Function *&function, LoadedModule *module, const std::string &name);
  int launch(const Function &function, const Launch &launch, void **arguments);
  int allocate(uint64_t &address, size_t bytes);
  int release(uint64_t address);
  /// Where a range of a device's memory lies on the host; null where it is not one.
  uint8_t *host(uint64_t address, size_t bytes);

  std::vector<Context *> &stack(); ///< of the calling thread

private:
  const bool idle;
  int run(const Captured &captured);

  mutable std::recursive_mutex mutex;
  std::vector<std::string> noted;
  std::vector<Launch> launched;
  std::vector<std::pair<std::string, int>> loaded;
  std::map<std::string, int> failing;
  std::set<const void *> capturing;
  std::vector<Captured> captured;
  std::map<int, Context> contexts;
  std::map<LoadedModule *, std::unique_ptr<LoadedModule>> modules;
  std::vector<std::unique_ptr<Function>> functions;
  std::map<uint64_t, Buffer> buffers;
  uint64_t nextAddress;
  State();
};

} // namespace mho::fake
