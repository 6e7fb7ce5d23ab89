#include "runtime/Ptx/Report.h"

#include "runtime/Ptx/Syntax.h"

#include <algorithm>
#include <cstdio>

namespace mho::ptx {
namespace {

std::string text(Dim dim) {
  return "(" + std::to_string(dim.x) + "," + std::to_string(dim.y) + "," + std::to_string(dim.z) + ")";
}

std::string text(const Place &place) {
  return "line " + std::to_string(place.line) + (place.source.empty() ? "" : " (" + place.source + ")") + ": " +
         place.text;
}

std::string ratio(uint64_t a, uint64_t b) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.2f", b ? double(a) / double(b) : 1.0);
  return buffer;
}

} // namespace

const char *nameOf(FaultKind kind) {
  static const char *const names[] = {"race",
                                      "out of bounds",
                                      "misaligned",
                                      "read-only",
                                      "wrong space",
                                      "uninitialised register",
                                      "uninitialised memory",
                                      "barrier divergence",
                                      "convergence",
                                      "deadlock",
                                      "budget",
                                      "trap",
                                      "unsupported"};
  return names[size_t(kind)];
}

Place placeOf(const ModuleSyntax &module, const InstructionSyntax &instruction) {
  Place place{instruction.line, instruction.text, ""};
  if (auto file = module.files.find(instruction.sourceFile); file != module.files.end() && instruction.sourceLine)
    place.source = file->second + ":" + std::to_string(instruction.sourceLine);
  return place;
}

std::string Fault::text() const {
  std::string result = std::string(nameOf(kind)) + " at " + ptx::text(place) + "\n    CTA " + ptx::text(cta) +
                       ", thread " + std::to_string(thread) + ": " + detail;
  if (otherThread >= 0)
    result += "\n    thread " + std::to_string(otherThread) + " at " + ptx::text(otherPlace);
  if (times > 1)
    result += "\n    " + std::to_string(times) + " times";
  return result;
}

void InstructionCount::add(const InstructionCount &other) {
  warps += other.warps;
  lanes += other.lanes;
  requests += other.requests;
  bytes += other.bytes;
  wavefronts += other.wavefronts;
  idealWavefronts += other.idealWavefronts;
  sectors += other.sectors;
  usefulBytes += other.usefulBytes;
}

std::string Report::text() const {
  std::string result = kernel + " on the interpreter, grid " + ptx::text(grid) + ", block " + ptx::text(block) + ": " +
                       (finished ? "finished" : "STOPPED by a fault") + "\n";
  for (const Fault &fault : faults)
    result += fault.text() + "\n";
  if (faults.empty())
    result += "no faults\n";
  result += std::to_string(warpInstructions) + " warp instructions, " + std::to_string(laneInstructions) +
            " lane instructions\n";
  if (shared.requests)
    result += "shared memory: " + std::to_string(shared.requests) + " requests, " + std::to_string(shared.bytesRead) +
              " bytes read, " + std::to_string(shared.bytesWritten) + " written, " + std::to_string(shared.wavefronts) +
              " wavefronts of " + std::to_string(shared.idealWavefronts) + " ideal (" +
              ratio(shared.wavefronts, shared.idealWavefronts) + ")\n";
  if (global.requests)
    result += "global memory: " + std::to_string(global.requests) + " requests, " + std::to_string(global.bytesRead) +
              " bytes read, " + std::to_string(global.bytesWritten) + " written, " + std::to_string(global.sectors) +
              " sectors of 32 bytes, " + ratio(global.usefulBytes * 100, global.sectors * 32) + " % of them useful\n";
  for (const std::string &name : approximate)
    result += "approximate: " + name + " (a GPU gives other last bits)\n";
  std::vector<std::pair<std::string, InstructionCount>> sorted(mix.begin(), mix.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto &a, const auto &b) { return a.second.warps > b.second.warps; });
  for (const auto &[name, count] : sorted) {
    char line[160];
    std::snprintf(line, sizeof line, "  %10llu  %-40s  %.1f lanes\n", static_cast<unsigned long long>(count.warps),
                  name.c_str(), double(count.lanes) / double(count.warps));
    result += line;
  }
  return result;
}

} // namespace mho::ptx
