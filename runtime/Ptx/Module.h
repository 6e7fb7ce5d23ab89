// PTX executed on the CPU: what a kernel computes, and what is wrong with it. No GPU is involved.
//
//   Expected<ptx::Module> module = ptx::Module::parse(text);       // all of it is understood, or an error names the
//   line ptx::Memory memory; uint64_t x = memory.add("x", data.data(), data.size() * sizeof(float)); ptx::Arguments
//   arguments; arguments.add(x).add(int32_t(n)); Expected<ptx::Report> report = module->launch("scale", {4}, {128}, 0,
//   arguments, memory); if (!report) ...                                               // the launch makes no sense if
//   (!report->clean()) print(report->text());                   // the kernel does not
#pragma once

#include "runtime/Ptx/Memory.h"
#include "runtime/Ptx/Options.h"
#include "runtime/Ptx/Report.h"
#include "runtime/Ptx/Syntax.h"
#include "runtime/Status.h"

#include <memory>
#include <string_view>
#include <type_traits>

namespace mho::ptx {

/// The values of a kernel's parameters, in order.
class Arguments {
public:
  /// A number or an address: as many bytes as the parameter has.
  template <class T> Arguments &add(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return addBytes(&value, sizeof value);
  }
  Arguments &addBytes(const void *bytes, size_t count) {
    const auto *begin = static_cast<const uint8_t *>(bytes);
    values.emplace_back(begin, begin + count);
    return *this;
  }
  const std::vector<std::vector<uint8_t>> &list() const { return values; }

private:
  std::vector<std::vector<uint8_t>> values;
};

class Module {
public:
  /// Errors: "line N: ..., in 'text'" for what is no PTX and for every instruction or form that the interpreter does
  /// not have.
  static Expected<Module> parse(std::string_view text);

  const ModuleSyntax &syntax() const;
  /// Null where there is no entry of that name.
  const EntrySyntax *entry(const std::string &kernel) const;

  /// Runs a kernel to its end or to the first fault that lets it not go on. Variables of the module have their initial
  /// values in each launch. Errors: an unknown kernel, arguments that do not fit its parameters, sizes that no GPU has.
  Expected<Report> launch(const std::string &kernel, Dim grid, Dim block, int64_t dynamicShared,
                          const Arguments &arguments, const Memory &memory, const LaunchOptions &options = {}) const;

private:
  struct Loaded;
  std::shared_ptr<const Loaded> loaded;
};

} // namespace mho::ptx
