#include "frontends/cli/fuzz/Runner.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mho::cli::fuzz {
namespace {

/// mho-run beside this program.
const std::string &runPath() {
  static const std::string path = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mho-run").string();
  return path;
}

std::string quoted(const std::string &word) {
  bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(uint8_t(c)) || std::string("-_=./,").find(c) != std::string::npos;
  });
  return plain ? word : "'" + word + "'";
}

/// Everything that a descriptor gives until it is closed.
std::string readAll(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(descriptor, buffer, sizeof buffer)) > 0;)
    text.append(buffer, count);
  return text;
}

/// Texts as exec wants them.
std::vector<char *> pointers(const std::vector<std::string> &texts) {
  std::vector<char *> result;
  for (const std::string &text : texts)
    result.push_back(const_cast<char *>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// This environment without MHO_ variables, which the case sets; kernels of one run each are not kept.
std::vector<std::string> environmentOf(const Case &layer) {
  std::vector<std::string> variables{"MHO_CACHE=off"};
  if (!layer.isa.empty())
    variables.push_back("MHO_ISA=" + layer.isa);
  for (char **variable = environ; *variable; ++variable)
    if (std::string(*variable).rfind("MHO_", 0) != 0)
      variables.push_back(*variable);
  return variables;
}

Outcome outcomeOf(int status, const std::string &output) {
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? Outcome::TimedOut
                                                                                                     : Outcome::Crashed;
  int code = WEXITSTATUS(status);
  if (code == 127)
    throw std::runtime_error("cannot run '" + runPath() + "', which stands beside mho-fuzz");
  if (code <= 1)
    return code ? Outcome::Differs : Outcome::Equal;
  bool stated = std::any_of(std::begin(kStatedLimits), std::end(kStatedLimits),
                            [&](const char *limit) { return output.find(limit) != std::string::npos; });
  return stated ? Outcome::Declined : Outcome::Refused;
}

} // namespace

std::string Verdict::kind() const {
  static const char *const kNames[] = {"equal", "differs", "declined", "refused", "crashed", "timed out"};
  std::string text = kNames[int(outcome)];
  if (outcome != Outcome::Refused)
    return text;
  std::string message = output.substr(0, output.find('\n')); // its numbers and paths change with the case
  size_t at = message.find(" failed: ");
  message = at == std::string::npos ? message : message.substr(at);
  message = message.find("mlir:") == std::string::npos ? message : message.substr(message.find("mlir:"));
  message.erase(std::remove_if(message.begin(), message.end(), [](char c) { return std::isdigit(uint8_t(c)); }),
                message.end());
  return text + ": " + message;
}

std::vector<std::string> Runner::words(const Case &layer, const std::string &file) const {
  std::vector<std::string> words{"mho-run", folder + "/" + file};
  for (std::string &word : runArguments(layer, toleranceOf(layer).value_or(0)))
    words.push_back(std::move(word));
  if (fault >= 0)
    words.push_back("--fault=" + std::to_string(fault));
  return words;
}

std::string Runner::command(const Case &layer, const std::string &file) const {
  std::string text = layer.isa.empty() ? "" : "MHO_ISA=" + layer.isa + " ";
  for (const std::string &word : words(layer, file))
    text += (text.empty() || text.back() == ' ' ? "" : " ") + quoted(word);
  return text;
}

std::string Runner::write(const Case &layer, const std::string &file, const std::string &comment) const {
  std::string path = folder + "/" + file;
  std::ofstream out(path);
  out << "// " << command(layer, file) << "\n";
  size_t begin = 0;
  while (begin < comment.size()) {
    size_t end = std::min(comment.find('\n', begin), comment.size());
    out << "// " << comment.substr(begin, end - begin) << "\n";
    begin = end + 1;
  }
  out << print(layer);
  out.close();
  if (!out)
    throw std::runtime_error("cannot write '" + path + "'; is its folder writable and not full?");
  return path;
}

Verdict Runner::run(const Case &layer, const std::string &file) const {
  write(layer, file);
  std::vector<std::string> arguments = words(layer, file);
  std::vector<std::string> variables = environmentOf(layer);
  std::vector<char *> argv = pointers(arguments), envp = pointers(variables);
  const std::string &program = runPath();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) // other children keep no end of it
    throw std::runtime_error("cannot make a pipe: too many open files?");
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    rlimit seconds{rlim_t(limit), rlim_t(limit)}; // of the processor: a busy machine is no finding
    setrlimit(RLIMIT_CPU, &seconds);
    alarm(20 * limit); // of the clock, for what waits for ever
    execve(program.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  close(ends[1]);
  Verdict verdict;
  verdict.output = readAll(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  verdict.outcome = outcomeOf(status, verdict.output);
  return verdict;
}

} // namespace mho::cli::fuzz
