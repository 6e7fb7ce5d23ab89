// mho ptx: runs PTX on the interpreter, compiles CUDA C++ to PTX. No GPU is involved in either.
#include "frontends/cli/Commands.h"
#include "frontends/cli/PtxArguments.h"
#include "frontends/cli/Tool.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/Knobs.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdio>
#include <fstream>
#include <iterator>

using llvm::StringRef;

namespace {

enum { kOk = 0, kFaults = 1, kUsage = mho::cli::kWrongUsage, kBadInput = 3 };

const char *kHelp =
    "usage: mho ptx run FILE [--kernel NAME] [--grid X,Y,Z] [--block X,Y,Z] [--shared BYTES] [--arg ARGUMENT]...\n"
    "       mho ptx compile FILE.cu [--arch sm_80] [--option OPTION]... [-o FILE]\n\n"
    "run executes a kernel of a PTX file on the CPU, with checks of every access to memory, of races on shared memory, "
    "of\n"
    "barriers and of uninitialised registers, and prints what it found and counted. A file FILE.cu is compiled first, "
    "as by\n"
    "compile with the options --fmad=false and -lineinfo. No GPU is involved.\n\n"
    "  --arg u32=64                     a number; types are u8 s8 u16 s16 u32 s32 u64 s64 f16 bf16 f32 f64\n"
    "  --arg f16*4096=random:7          a buffer: zeros, random[:SEED] (integers from -4 to 4), normal[:SEED],\n"
    "  --arg f32*=file:x.bin,readonly   or the bytes of a file; then readonly, print, write:FILE, misalign:BYTES\n"
    "  --order NAME    how mma.sync adds: sequential, reversed, tree, truncated8, truncated16\n"
    "  --early         cp.async copies at its issue, not at its wait\n"
    "  --threads N     threads that run CTAs\n"
    "  --budget N      warp instructions of a CTA after which it is stopped\n"
    "  --no-races, --no-uninitialised   without these checks\n"
    "  --lines         counters of every instruction\n"
    "  --arch, --option  of the compilation\n\n"
    "compile makes PTX with NVRTC (MHO_NVRTC), or a cubin where the file of -o ends in .cubin.\n\n"
    "Exit status: 0 success, 1 faults found, 2 wrong usage, 3 a file or argument that does not fit.\n";

int complain(int status, const std::string &message) {
  std::fprintf(stderr, "mho ptx: %s\n", message.c_str());
  return status;
}

std::optional<std::string> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct RunOptions {
  std::string file, kernel;
  mho::ptx::Dim grid, block{32, 1, 1};
  int64_t shared = 0;
  std::vector<mho::cli::PtxArgument> arguments;
  mho::ptx::LaunchOptions launch;
  bool lines = false;
  std::string architecture = "sm_80";
  std::vector<std::string> compilerOptions;
};

bool readDim(StringRef text, mho::ptx::Dim &dim) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  unsigned *fields[] = {&dim.x, &dim.y, &dim.z};
  dim = {};
  if (parts.size() > 3)
    return false;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i].getAsInteger(10, *fields[i]))
      return false;
  return true;
}

bool readOrder(StringRef name, mho::ptx::Accumulation &order) {
  int position = 0;
  for (const char *each : {"sequential", "reversed", "tree", "truncated8", "truncated16"}) {
    if (name == each) {
      order = mho::ptx::Accumulation(position);
      return true;
    }
    ++position;
  }
  return false;
}

/// A switch without a value; false if the word is none.
bool takeSwitch(StringRef word, RunOptions &options) {
  if (word == "--early")
    options.launch.copiesEarly = true;
  else if (word == "--no-races")
    options.launch.findsRaces = false;
  else if (word == "--no-uninitialised")
    options.launch.findsUninitialised = false;
  else if (word == "--lines")
    options.lines = true;
  else
    return false;
  return true;
}

/// An option and its value: empty, or what is wrong.
std::string takeOption(StringRef word, StringRef value, RunOptions &options) {
  auto wrong = [&](const char *expected) { return word.str() + "=" + value.str() + ": expected " + expected; };
  if (word == "--kernel") {
    options.kernel = value.str();
  } else if (word == "--grid" || word == "--block") {
    if (!readDim(value, word == "--grid" ? options.grid : options.block))
      return wrong("one to three sizes, e.g. 4,2,1");
  } else if (word == "--shared") {
    if (value.getAsInteger(10, options.shared))
      return wrong("a number of bytes");
  } else if (word == "--threads") {
    if (value.getAsInteger(10, options.launch.threads))
      return wrong("a number of threads");
  } else if (word == "--budget") {
    if (value.getAsInteger(10, options.launch.instructionBudget))
      return wrong("a number of instructions");
  } else if (word == "--order") {
    if (!readOrder(value, options.launch.accumulation))
      return wrong("sequential, reversed, tree, truncated8 or truncated16");
  } else if (word == "--arch") {
    options.architecture = value.str();
  } else if (word == "--option") {
    options.compilerOptions.push_back(value.str());
  } else if (word == "--arg") {
    auto argument = mho::cli::readPtxArgument(value.str());
    if (!argument)
      return argument.message();
    options.arguments.push_back(std::move(*argument));
  } else {
    return "unknown option '" + word.str() + "'; see mho ptx --help";
  }
  return "";
}

/// Calls take(option, value) for each option that has one; the words before are the files. Empty, or what is wrong.
template <class Switch, class Take>
std::string readWords(int argc, char **argv, std::string &file, Switch isSwitch, Take take) {
  for (int i = 1; i < argc; ++i) {
    auto [word, value] = StringRef(argv[i]).split('=');
    if (!word.starts_with("-")) {
      if (!file.empty())
        return "one file, not also '" + std::string(argv[i]) + "'";
      file = argv[i];
    } else if (!isSwitch(StringRef(argv[i]))) {
      if (!StringRef(argv[i]).contains('=')) {
        if (++i == argc)
          return word.str() + " needs a value";
        value = argv[i];
      }
      if (std::string problem = take(word, value); !problem.empty())
        return problem;
    }
  }
  return file.empty() ? "which file? See mho ptx --help" : "";
}

void printLines(const mho::ptx::Report &report) {
  std::printf("%10s %6s %10s %9s  line\n", "warps", "lanes", "wavefronts", "sectors");
  for (const auto &line : report.lines)
    std::printf("%10llu %6.1f %10llu %9llu  %d: %s\n", static_cast<unsigned long long>(line.count.warps),
                line.count.warps ? double(line.count.lanes) / double(line.count.warps) : 0.0,
                static_cast<unsigned long long>(line.count.wavefronts),
                static_cast<unsigned long long>(line.count.sectors), line.place.line, line.place.text.c_str());
}

/// Prints and writes the buffers that ask for it; false if a file cannot be written.
bool putOutputs(const std::vector<mho::cli::PtxArgument> &arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const mho::cli::PtxArgument &argument = arguments[i];
    if (argument.prints) {
      std::printf("argument %zu:", i);
      for (size_t k = 0; k < argument.bytes.size() / size_t(mho::ptx::bytesOf(argument.type)); ++k)
        std::printf(" %s", mho::cli::elementText(argument, k).c_str());
      std::printf("\n");
    }
    if (argument.writeTo.empty())
      continue;
    std::ofstream file(argument.writeTo, std::ios::binary);
    file.write(reinterpret_cast<const char *>(argument.bytes.data()), std::streamsize(argument.bytes.size()));
    file.close();
    if (!file) {
      complain(kBadInput, "cannot write '" + argument.writeTo + "'");
      return false;
    }
  }
  return true;
}

mho::Expected<mho::Nvrtc::Output> compile(const mho::Nvrtc::Input &input) {
  auto knobs = mho::Knobs::get();
  if (!knobs)
    return knobs.error();
  auto nvrtc = mho::Nvrtc::get((*knobs)->nvrtc);
  if (!nvrtc)
    return nvrtc.error();
  return (*nvrtc)->compile(input);
}

/// The PTX of a file, compiled if it is CUDA C++.
mho::Expected<std::string> ptxOf(const RunOptions &options) {
  std::optional<std::string> text = readFile(options.file);
  if (!text)
    return mho::Status::error("cannot read '" + options.file + "'");
  if (!StringRef(options.file).ends_with(".cu"))
    return *text;
  mho::Nvrtc::Input input{*text, options.file, options.architecture, {"--fmad=false", "-lineinfo"}};
  input.options.insert(input.options.end(), options.compilerOptions.begin(), options.compilerOptions.end());
  auto output = compile(input);
  if (!output)
    return output.error();
  return output->ptx;
}

int runKernel(int argc, char **argv) {
  RunOptions options;
  std::string problem = readWords(
      argc, argv, options.file, [&](StringRef word) { return takeSwitch(word, options); },
      [&](StringRef word, StringRef value) { return takeOption(word, value, options); });
  if (!problem.empty())
    return complain(kUsage, problem);
  auto text = ptxOf(options);
  if (!text)
    return complain(kBadInput, text.message());
  auto module = mho::ptx::Module::parse(*text);
  if (!module)
    return complain(kBadInput, options.file + ": " + module.message());
  if (options.kernel.empty() && module->syntax().entries.size() == 1)
    options.kernel = module->syntax().entries[0].name;
  mho::ptx::Memory memory;
  mho::ptx::Arguments arguments;
  for (size_t i = 0; i < options.arguments.size(); ++i) {
    mho::cli::PtxArgument &argument = options.arguments[i];
    if (!argument.buffer) {
      arguments.addBytes(argument.bytes.data(), argument.bytes.size());
      continue;
    }
    auto access = argument.readOnly ? mho::ptx::Memory::Access::ReadOnly : mho::ptx::Memory::Access::ReadWrite;
    arguments.add(memory.add("argument " + std::to_string(i), argument.bytes.data(), argument.bytes.size(), access,
                             argument.misalignment));
  }
  auto report =
      module->launch(options.kernel, options.grid, options.block, options.shared, arguments, memory, options.launch);
  if (!report)
    return complain(kBadInput, report.message());
  std::printf("%s", report->text().c_str());
  if (options.lines)
    printLines(*report);
  if (!putOutputs(options.arguments))
    return kBadInput;
  return report->clean() ? kOk : kFaults;
}

int compileSource(int argc, char **argv) {
  std::string file, output;
  mho::Nvrtc::Input input;
  input.architecture = "sm_80";
  std::string problem = readWords(
      argc, argv, file, [](StringRef) { return false; },
      [&](StringRef word, StringRef value) -> std::string {
        if (word == "--arch")
          input.architecture = value.str();
        else if (word == "--option")
          input.options.push_back(value.str());
        else if (word == "-o")
          output = value.str();
        else
          return "unknown option '" + word.str() + "'; see mho ptx --help";
        return "";
      });
  if (!problem.empty())
    return complain(kUsage, problem);
  std::optional<std::string> source = readFile(file);
  if (!source)
    return complain(kBadInput, "cannot read '" + file + "'");
  input.source = *source;
  input.name = file;
  auto result = compile(input);
  if (!result)
    return complain(kBadInput, result.message());
  std::fprintf(stderr, "%s", result->log.c_str());
  const std::string &text = StringRef(output).ends_with(".cubin") ? result->cubin : result->ptx;
  if (text.empty())
    return complain(kUsage, "--arch=" + input.architecture + " makes no cubin; expected sm_80 or another sm_*");
  if (output.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kOk;
  }
  std::ofstream(output, std::ios::binary) << text;
  return kOk;
}

} // namespace

int mho::cli::ptx(int argc, char **argv) {
  StringRef command = argc > 1 ? argv[1] : "";
  for (int i = 1; i < argc; ++i)
    if (isHelp(argv[i])) {
      std::printf("%s", kHelp);
      return kOk;
    }
  if (command == "run")
    return runKernel(argc - 1, argv + 1);
  if (command == "compile")
    return compileSource(argc - 1, argv + 1);
  std::fprintf(stderr, "%s", kHelp);
  return kUsage;
}
