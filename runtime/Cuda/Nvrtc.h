// NVRTC, NVIDIA's compiler of CUDA C++ as a library: opened at run time, never linked, no CUDA header needed. It needs
// no GPU.
//
//   Expected<const Nvrtc *> nvrtc = Nvrtc::get(knobs.nvrtc);   // unavailable: why, and the remedy
//   Expected<Nvrtc::Output> out = (*nvrtc)->compile({source, "kernel.cu", "sm_80", {"--fmad=false"}});
//   out->ptx, out->cubin, out->log
#pragma once

#include "runtime/Status.h"

#include <memory>
#include <string>
#include <vector>

namespace mho {

class Nvrtc {
public:
  struct Input {
    std::string source;
    std::string name = "kernel.cu";   ///< of the source, in messages
    std::string architecture;         ///< "sm_80": PTX and machine code; "compute_80": PTX only
    std::vector<std::string> options; ///< as on nvcc's command line
    /// Files that the source may include: name and text.
    std::vector<std::pair<std::string, std::string>> headers = {};
  };
  struct Output {
    std::string ptx, cubin; ///< cubin: empty for compute_*
    std::string log;        ///< warnings, and what --ptxas-options=-v says
  };

  /// The process's NVRTC, opened at the first call that succeeds. `path`: the library's file, or empty: it is looked
  /// for beside the loaded LibTorch and the one mho was built with, in the CUDA toolkit, and where the loader looks.
  /// Errors begin with "UNAVAILABLE:" and name the reason and the remedy.
  static Expected<const Nvrtc *> get(const std::string &path);
  /// As get(), a library of one's own.
  static Expected<std::unique_ptr<Nvrtc>> open(const std::string &path);
  ~Nvrtc();

  /// Errors: what NVRTC says, the first error with the text of its source line before the whole log; an architecture
  /// that this NVRTC does not know, with those it does.
  Expected<Output> compile(const Input &input) const;
  /// "13.0"
  std::string version() const { return std::to_string(major) + "." + std::to_string(minor); }
  const std::string &path() const { return file; }
  /// 75, 80, ...: ascending.
  const std::vector<int> &architectures() const { return known; }

private:
  struct Functions;
  Nvrtc();
  Status bind(void *library);

  std::unique_ptr<Functions> functions;
  std::string file;
  int major = 0, minor = 0;
  std::vector<int> known;
};

/// The text of a failed compilation: the first error of NVRTC's log with its source line, then the log.
std::string explainLog(const std::string &log, const std::string &name, const std::string &source);

} // namespace mho
