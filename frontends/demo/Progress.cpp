#include "frontends/demo/Progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace mho::demo {

Progress::Progress(std::string title, int64_t total, std::string unit)
    : title(std::move(title)), unit(std::move(unit)), total(total), terminal(isatty(STDOUT_FILENO)) {}

void Progress::advance(int64_t amount, const std::string &detail) {
  done += amount;
  const double now = seconds();
  if (now - lastPrinted < (terminal ? 0.2 : 5.0) && done < total)
    return;
  lastPrinted = now;
  const double rate = now > 0 ? done / now : 0;
  const double left = rate > 0 ? (total - done) / rate : 0;
  std::printf("%s%-15s %3.0f %%  %s  %.*f %s/s  %.0f s left%s", terminal ? "\r\033[K" : "", title.c_str(),
              100.0 * done / total, detail.c_str(), rate < 100 ? 1 : 0, rate, unit.c_str(), left, terminal ? "" : "\n");
  std::fflush(stdout);
}

void Progress::finish(const std::string &result) {
  std::printf("%s%-15s %s  (%.1f s)\n", terminal ? "\r\033[K" : "", title.c_str(), result.c_str(), seconds());
  std::fflush(stdout);
}

} // namespace mho::demo
