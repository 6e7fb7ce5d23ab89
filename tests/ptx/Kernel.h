// Compiles CUDA C++ with NVRTC and runs it on the interpreter.
#pragma once

#include "runtime/Cuda/Nvrtc.h"
#include "runtime/Ptx/Module.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace mho::ptx {

/// The NVRTC of the tests: MHO_NVRTC names another, as in every tool.
inline Expected<const Nvrtc *> testNvrtc() {
  const char *path = std::getenv("MHO_NVRTC");
  return Nvrtc::get(path ? path : "");
}

/// PTX of the source for sm_80 without contraction. Fails the test where NVRTC does not take it.
inline std::string compilePtx(const std::string &source, std::vector<std::string> options = {"--fmad=false"},
                              const std::string &arch = "compute_80") {
  Expected<const Nvrtc *> nvrtc = testNvrtc();
  if (!nvrtc) {
    ADD_FAILURE() << nvrtc.message();
    return "";
  }
  options.push_back("-lineinfo");
  auto output = (*nvrtc)->compile({source, "kernel.cu", arch, options});
  if (!output) {
    ADD_FAILURE() << output.message();
    return "";
  }
  return output->ptx;
}

/// A launch of a kernel: buffers and arguments in order.
class KernelRun {
public:
  explicit KernelRun(const std::string &ptx) : text(ptx) {}
  template <class T>
  KernelRun &buffer(std::vector<T> &data, Memory::Access access = Memory::Access::ReadWrite, size_t misalignment = 0) {
    arguments.add(memory.add("buffer" + std::to_string(memory.buffers().size()), data.data(), data.size() * sizeof(T),
                             access, misalignment));
    return *this;
  }
  template <class T> KernelRun &value(T number) {
    arguments.add(number);
    return *this;
  }
  KernelRun &grid(Dim size) {
    blocks = size;
    return *this;
  }
  KernelRun &block(Dim size) {
    threads = size;
    return *this;
  }
  KernelRun &dynamicShared(int64_t bytes) {
    dynamic = bytes;
    return *this;
  }
  /// The report; an empty one, and a failure, where the launch is refused.
  Report operator()(const std::string &kernel = "kernel") {
    auto module = Module::parse(text);
    if (!module) {
      ADD_FAILURE() << module.message() << "\n" << text;
      return {};
    }
    auto report = module->launch(kernel, blocks, threads, dynamic, arguments, memory, options);
    if (!report) {
      ADD_FAILURE() << report.message();
      return {};
    }
    return *report;
  }
  LaunchOptions options;

private:
  std::string text;
  Memory memory;
  Arguments arguments;
  Dim blocks{1, 1, 1}, threads{32, 1, 1};
  int64_t dynamic = 0;
};

/// The line of the text on which the n-th occurrence of a word stands; 0: nowhere.
inline int lineOf(const std::string &text, const std::string &word, int occurrence = 1) {
  size_t at = 0;
  for (int i = 0; i < occurrence; ++i) {
    at = text.find(word, i ? at + 1 : 0);
    if (at == std::string::npos)
      return 0;
  }
  return 1 + int(std::count(text.begin(), text.begin() + long(at), '\n'));
}

} // namespace mho::ptx
