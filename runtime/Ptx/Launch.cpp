#include "runtime/Ptx/Launch.h"

#include "runtime/FloatingPoint.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace mho::ptx {
namespace {

/// What the threads of the interpreter share while they take CTAs.
struct Work {
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> stoppedAt{~uint64_t(0)}; ///< the first CTA that a fault stopped
  std::mutex mutex;
  std::map<uint64_t, std::vector<Fault>> faults; ///< by CTA
};

Dim positionOf(uint64_t number, Dim grid) {
  return {unsigned(number % grid.x), unsigned(number / grid.x % grid.y), unsigned(number / grid.x / grid.y)};
}

/// Takes CTAs by ascending number until there are no more, or one below was stopped.
void takeCtas(const Launch &launch, Work &work, Findings &findings) {
  DefaultFloatingPoint modes; // whatever the caller flushes or rounds
  Cta cta(launch, findings);
  for (;;) {
    uint64_t number = work.next++;
    if (number >= launch.grid.count() || number > work.stoppedAt)
      return;
    bool finished = cta.run(positionOf(number, launch.grid));
    if (finished && findings.faults.empty())
      continue;
    std::lock_guard<std::mutex> lock(work.mutex);
    if (!finished)
      work.stoppedAt = std::min<uint64_t>(work.stoppedAt, number);
    work.faults[number] = std::move(findings.faults);
    findings.faults.clear();
  }
}

/// Faults of all CTAs up to the one that was stopped; those of one kind and place become one.
void collectFaults(const Work &work, std::vector<Fault> &faults) {
  std::map<std::tuple<FaultKind, int, int>, size_t> known;
  for (const auto &[number, list] : work.faults) {
    if (number > work.stoppedAt)
      break;
    for (const Fault &fault : list) {
      auto [it, added] = known.emplace(std::tuple(fault.kind, std::min(fault.place.line, fault.otherPlace.line),
                                                  std::max(fault.place.line, fault.otherPlace.line)),
                                       faults.size());
      if (added)
        faults.push_back(fault);
      else
        faults[it->second].times += fault.times;
    }
  }
}

void addCounts(const Launch &launch, const std::vector<Findings> &all, Report &report) {
  const std::vector<InstructionSyntax> &list = launch.program.syntax->instructions;
  for (size_t i = 0; i < list.size(); ++i) {
    const Instr &instr = launch.program.code[i];
    InstructionCount count;
    for (const Findings &findings : all)
      count.add(findings.counts[i]);
    std::string name = list[i].opcode;
    for (const std::string &modifier : list[i].modifiers)
      name += "." + modifier;
    report.lines.push_back({placeOf(launch.module, list[i]), count});
    report.warpInstructions += count.warps;
    report.laneInstructions += count.lanes;
    if (!count.warps)
      continue;
    report.mix[name].add(count);
    if (instr.approximate &&
        std::find(report.approximate.begin(), report.approximate.end(), name) == report.approximate.end())
      report.approximate.push_back(name);
    report.shared.wavefronts += count.wavefronts;
    report.shared.idealWavefronts += count.idealWavefronts;
    report.global.sectors += count.sectors;
    report.global.usefulBytes += count.usefulBytes;
    (count.wavefronts ? report.shared : report.global).requests += count.requests;
  }
  for (const Findings &findings : all) {
    report.shared.bytesRead += findings.bytesRead[0];
    report.shared.bytesWritten += findings.bytesWritten[0];
    report.global.bytesRead += findings.bytesRead[1];
    report.global.bytesWritten += findings.bytesWritten[1];
  }
}

} // namespace

Report runLaunch(Launch &launch, const std::vector<GlobalVariable> &globals) {
  std::vector<std::vector<uint8_t>> contents;
  for (const GlobalVariable &global : globals) {
    const VariableSyntax &variable = *global.variable;
    contents.push_back(variable.initial);
    contents.back().resize(size_t(variable.bytes));
    auto access = variable.space == Space::Const ? Memory::Access::ReadOnly : Memory::Access::ReadWrite;
    launch.buffers.push_back(
        {variable.name, global.address, contents.back().data(), contents.back().size(), access, variable.space});
  }
  std::sort(launch.buffers.begin(), launch.buffers.end(),
            [](const Memory::Buffer &a, const Memory::Buffer &b) { return a.address < b.address; });
  launch.options.threads = int(std::min<uint64_t>(uint64_t(launch.options.threads), launch.grid.count()));

  Work work;
  std::vector<Findings> findings(size_t(launch.options.threads));
  for (Findings &each : findings)
    each.counts.resize(launch.program.code.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < findings.size(); ++i)
    threads.emplace_back([&, i] { takeCtas(launch, work, findings[i]); });
  takeCtas(launch, work, findings[0]);
  for (std::thread &thread : threads)
    thread.join();

  Report report;
  report.kernel = launch.program.syntax->name;
  report.grid = launch.grid;
  report.block = launch.block;
  report.finished = work.stoppedAt == ~uint64_t(0);
  collectFaults(work, report.faults);
  addCounts(launch, findings, report);
  return report;
}

} // namespace mho::ptx
