#include "runtime/Ptx/Module.h"

#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Launch.h"
#include "runtime/Ptx/Parser.h"

namespace mho::ptx {
namespace {

constexpr uint64_t kMostThreads = 1024;
constexpr int64_t kMostShared = 227 << 10; ///< of sm_90; sm_80 has 163 KiB

void place(const ModuleSyntax &module, VariableLayout &layout, std::vector<GlobalVariable> &globals) {
  uint64_t next = kVariableBase;
  for (const VariableSyntax &variable : module.variables) {
    if (variable.space == Space::Shared && variable.bytes == 0) {
      layout.dynamicNames.push_back(variable.name);
      layout.dynamicAlignment = std::max(layout.dynamicAlignment, variable.alignment);
    } else if (variable.space == Space::Shared) {
      layout.sharedBytes = (layout.sharedBytes + variable.alignment - 1) / variable.alignment * variable.alignment;
      layout.places[variable.name] = {Space::Shared, uint64_t(layout.sharedBytes)};
      layout.sharedBytes += variable.bytes;
    } else {
      uint64_t alignment = uint64_t(std::max<int64_t>(variable.alignment, 256));
      next = (next + alignment - 1) / alignment * alignment;
      layout.places[variable.name] = {variable.space, next};
      globals.push_back({&variable, next});
      next += uint64_t(variable.bytes) + 1024; // what lies between two variables is out of bounds
    }
  }
}

std::string sizeText(Dim dim) {
  return std::to_string(dim.x) + " x " + std::to_string(dim.y) + " x " + std::to_string(dim.z);
}

Status checkSizes(const EntrySyntax &entry, Dim grid, Dim block, int64_t dynamicShared, int64_t shared) {
  if (block.count() == 0 || block.count() > kMostThreads || block.x > kMostThreads || block.y > kMostThreads ||
      block.z > 64)
    return Status::error("a block of " + sizeText(block) + " threads; expected 1 to 1024, at most 64 along z");
  if (grid.count() == 0 || grid.y > 65535 || grid.z > 65535 || grid.x > 0x7fffffffu)
    return Status::error("a grid of " + sizeText(grid) + " blocks; expected at least one, at most 65535 along y and z");
  const int *required = entry.requiredThreads;
  if (required[0] &&
      (unsigned(required[0]) != block.x || unsigned(required[1]) != block.y || unsigned(required[2]) != block.z))
    return Status::error("a block of " + sizeText(block) + " threads; '" + entry.name + "' requires " +
                         std::to_string(required[0]) + " x " + std::to_string(required[1]) + " x " +
                         std::to_string(required[2]));
  if (entry.mostThreads && block.count() > uint64_t(entry.mostThreads))
    return Status::error(std::to_string(block.count()) + " threads per block; '" + entry.name + "' allows " +
                         std::to_string(entry.mostThreads));
  if (dynamicShared < 0 || shared > kMostShared)
    return Status::error(std::to_string(shared) + " bytes of shared memory per block; expected at most " +
                         std::to_string(kMostShared));
  return Status::ok();
}

Expected<std::vector<uint8_t>> packParameters(const EntrySyntax &entry, const Arguments &arguments) {
  const auto &values = arguments.list();
  if (values.size() != entry.parameters.size())
    return Status::error("'" + entry.name + "' has " + std::to_string(entry.parameters.size()) +
                         " parameters and got " + std::to_string(values.size()) + " arguments");
  std::vector<uint8_t> bytes(size_t(entry.parameterBytes));
  for (size_t i = 0; i < values.size(); ++i) {
    const ParameterSyntax &parameter = entry.parameters[i];
    if (int64_t(values[i].size()) != parameter.bytes)
      return Status::error("parameter '" + parameter.name + "' of '" + entry.name + "' has " +
                           std::to_string(parameter.bytes) + " bytes and got an argument of " +
                           std::to_string(values[i].size()));
    std::copy(values[i].begin(), values[i].end(), bytes.begin() + long(parameter.offset));
  }
  return bytes;
}

} // namespace

struct Module::Loaded {
  ModuleSyntax syntax;
  std::vector<GlobalVariable> globals;
  std::map<std::string, Program> programs;
};

Expected<Module> Module::parse(std::string_view text) {
  Expected<ModuleSyntax> syntax = parseModule(text);
  if (!syntax)
    return syntax.error();
  auto loaded = std::make_shared<Loaded>();
  loaded->syntax = std::move(*syntax);
  VariableLayout layout;
  place(loaded->syntax, layout, loaded->globals);
  for (const EntrySyntax &entry : loaded->syntax.entries) {
    Expected<Program> program = Decoder(loaded->syntax, layout, entry).run();
    if (!program)
      return program.error();
    loaded->programs.emplace(entry.name, std::move(*program));
  }
  Module module;
  module.loaded = std::move(loaded);
  return module;
}

const ModuleSyntax &Module::syntax() const { return loaded->syntax; }

const EntrySyntax *Module::entry(const std::string &kernel) const {
  auto it = loaded->programs.find(kernel);
  return it == loaded->programs.end() ? nullptr : it->second.syntax;
}

Expected<Report> Module::launch(const std::string &kernel, Dim grid, Dim block, int64_t dynamicShared,
                                const Arguments &arguments, const Memory &memory, const LaunchOptions &options) const {
  auto it = loaded->programs.find(kernel);
  if (it == loaded->programs.end()) {
    std::string names;
    for (const auto &[name, program] : loaded->programs)
      names += (names.empty() ? "" : ", ") + name;
    return Status::error("no entry '" + kernel + "'; there are: " + names);
  }
  const Program &program = it->second;
  int64_t shared = program.dynamicOffset + dynamicShared;
  if (dynamicShared == 0)
    shared = program.sharedBytes;
  if (Status status = checkSizes(*program.syntax, grid, block, dynamicShared, shared); !status)
    return status;
  Expected<std::vector<uint8_t>> parameters = packParameters(*program.syntax, arguments);
  if (!parameters)
    return parameters.error();
  if (options.threads < 1 || options.threads > 256)
    return Status::error(std::to_string(options.threads) + " threads; expected 1 to 256");
  Launch launch{
      program, loaded->syntax, memory.buffers(), std::move(*parameters), grid, block, shared, dynamicShared, options,
      {}};
  return runLaunch(launch, loaded->globals);
}

} // namespace mho::ptx
