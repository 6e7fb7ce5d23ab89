#include "runtime/Cuda/Nvrtc.h"

#include "runtime/Cuda/NvrtcSearch.h"

#include <algorithm>
#include <dlfcn.h>
#include <mutex>
#include <sstream>

namespace mho {
namespace {

using Program = struct NvrtcProgram *;
constexpr int kSuccess = 0;
/// The oldest that knows the options and architectures in use here.
constexpr int kOldestMajor = 12;

const char *kRemedy = "; install nvidia-cuda-nvrtc 13 from PyPI (torch's CUDA builds bring it) or the CUDA toolkit, or "
                      "set MHO_NVRTC to the file libnvrtc.so.13";

/// A program that is destroyed at the end of its scope.
template <class Destroy> struct ProgramScope {
  Program program = nullptr;
  Destroy destroy;
  ~ProgramScope() {
    if (program)
      destroy(&program);
  }
};

std::string lineOf(const std::string &source, int number) {
  std::istringstream lines(source);
  std::string line;
  for (int i = 0; i < number; ++i)
    if (!std::getline(lines, line))
      return "";
  return line;
}

} // namespace

/// The functions in use, with types of our own: nvrtc.h is not needed to build.
struct Nvrtc::Functions {
  const char *(*errorString)(int);
  int (*version)(int *, int *);
  int (*archCount)(int *);
  int (*archs)(int *);
  int (*create)(Program *, const char *source, const char *name, int headers, const char *const *headerTexts,
                const char *const *headerNames);
  int (*destroy)(Program *);
  int (*compile)(Program, int count, const char *const *options);
  int (*ptxSize)(Program, size_t *);
  int (*ptx)(Program, char *);
  int (*cubinSize)(Program, size_t *);
  int (*cubin)(Program, char *);
  int (*logSize)(Program, size_t *);
  int (*log)(Program, char *);
};

Nvrtc::Nvrtc() = default;
Nvrtc::~Nvrtc() = default; // the library stays: it may have threads and handlers of its own

Status Nvrtc::bind(void *library) {
  functions = std::make_unique<Functions>();
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function && !missing)
      missing = name;
  };
  find(functions->errorString, "nvrtcGetErrorString");
  find(functions->version, "nvrtcVersion");
  find(functions->archCount, "nvrtcGetNumSupportedArchs");
  find(functions->archs, "nvrtcGetSupportedArchs");
  find(functions->create, "nvrtcCreateProgram");
  find(functions->destroy, "nvrtcDestroyProgram");
  find(functions->compile, "nvrtcCompileProgram");
  find(functions->ptxSize, "nvrtcGetPTXSize");
  find(functions->ptx, "nvrtcGetPTX");
  find(functions->cubinSize, "nvrtcGetCUBINSize");
  find(functions->cubin, "nvrtcGetCUBIN");
  find(functions->logSize, "nvrtcGetProgramLogSize");
  find(functions->log, "nvrtcGetProgramLog");
  if (missing)
    return Status::error(std::string("UNAVAILABLE: '") + file + "' has no function " + missing + kRemedy);
  int count = 0;
  if (functions->version(&major, &minor) != kSuccess || functions->archCount(&count) != kSuccess)
    return Status::error("UNAVAILABLE: '" + file + "' does not tell its version" + kRemedy);
  if (major < kOldestMajor)
    return Status::error("UNAVAILABLE: '" + file + "' is NVRTC " + version() + ", too old" + kRemedy);
  known.resize(count);
  functions->archs(known.data());
  std::sort(known.begin(), known.end());
  return Status::ok();
}

Expected<std::unique_ptr<Nvrtc>> Nvrtc::open(const std::string &path) {
  std::string reasons;
  std::vector<std::string> candidates = path.empty() ? nvrtcCandidates() : std::vector<std::string>{path};
  for (const std::string &candidate : candidates) {
    void *library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      const char *reason = dlerror();
      reasons += (reasons.empty() ? "" : "; ") + std::string(reason ? reason : candidate.c_str());
      continue;
    }
    std::unique_ptr<Nvrtc> nvrtc(new Nvrtc);
    nvrtc->file = candidate;
    if (Status status = nvrtc->bind(library); !status)
      return status;
    return nvrtc;
  }
  return Status::error((path.empty() ? "UNAVAILABLE: NVRTC was not found: " : "UNAVAILABLE: MHO_NVRTC: ") + reasons +
                       kRemedy);
}

Expected<const Nvrtc *> Nvrtc::get(const std::string &path) {
  static std::mutex mutex;
  static std::unique_ptr<Nvrtc> held;
  std::lock_guard<std::mutex> lock(mutex);
  if (!held) {
    auto opened = open(path);
    if (!opened)
      return opened.error();
    held = std::move(*opened);
  }
  return static_cast<const Nvrtc *>(held.get());
}

std::string explainLog(const std::string &log, const std::string &name, const std::string &source) {
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    size_t open = line.find(name + "("), error = line.find("error");
    if (open == std::string::npos || error == std::string::npos)
      continue;
    int number = std::atoi(line.c_str() + open + name.size() + 1);
    return line + "\n  line " + std::to_string(number) + ": " + lineOf(source, number) + "\n" + log;
  }
  return log;
}

Expected<Nvrtc::Output> Nvrtc::compile(const Input &input) const {
  const Functions &f = *functions;
  auto failure = [&](const char *what, int code) {
    return Status::error(std::string("NVRTC: ") + what + ": " + f.errorString(code));
  };
  ProgramScope<decltype(f.destroy)> scope{nullptr, f.destroy};
  std::vector<const char *> names, texts;
  for (const auto &[name, text] : input.headers) {
    names.push_back(name.c_str());
    texts.push_back(text.c_str());
  }
  if (int code = f.create(&scope.program, input.source.c_str(), input.name.c_str(), int(names.size()), texts.data(),
                          names.data()))
    return failure("cannot make a program", code);
  std::string architecture = "--gpu-architecture=" + input.architecture;
  std::vector<const char *> options{architecture.c_str()};
  for (const std::string &option : input.options)
    options.push_back(option.c_str());
  int compiled = f.compile(scope.program, int(options.size()), options.data());
  auto read = [&](auto size, auto get, std::string &text, bool terminated) {
    size_t bytes = 0;
    int code = size(scope.program, &bytes);
    text.resize(code == kSuccess ? bytes : 0);
    if (!text.empty())
      code = get(scope.program, text.data());
    if (terminated && !text.empty() && text.back() == '\0')
      text.pop_back();
    return code;
  };
  Output output;
  read(f.logSize, f.log, output.log, true);
  output.log.erase(std::remove(output.log.begin(), output.log.end(), '\0'), output.log.end()); // ptxas leaves some
  if (compiled != kSuccess) {
    std::string text = std::string("NVRTC ") + version() + ": " + f.errorString(compiled) + " (" + architecture + ")";
    if (output.log.find("gpu-architecture") != std::string::npos) {
      text += "; it knows";
      for (int number : known)
        text += " sm_" + std::to_string(number);
    }
    return Status::error(text + "\n" + explainLog(output.log, input.name, input.source));
  }
  if (int code = read(f.ptxSize, f.ptx, output.ptx, true))
    return failure("no PTX", code);
  if (input.architecture.rfind("sm_", 0) == 0)
    if (int code = read(f.cubinSize, f.cubin, output.cubin, false))
      return failure("no cubin", code);
  return output;
}

} // namespace mho
