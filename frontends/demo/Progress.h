// One line of progress with rate and time left. On a terminal the line is rewritten in place; in a log a new one is
// printed every few seconds.
//
//   Progress progress("digital", 10 * 60000, "images");
//   progress.advance(256, "epoch 1/10  loss 0.52");
//   progress.finish("test accuracy 89.1 %");
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mho::demo {

class Progress {
public:
  /// `total` units of work are to come; `unit` is their name in the plural.
  Progress(std::string title, int64_t total, std::string unit);
  /// `amount` more units are done; `detail` is shown beside the rate.
  void advance(int64_t amount, const std::string &detail);
  /// Closes the line with a result and the time taken.
  void finish(const std::string &result);

private:
  using Clock = std::chrono::steady_clock;
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }

  std::string title, unit;
  int64_t total, done = 0;
  bool terminal;
  Clock::time_point start = Clock::now();
  double lastPrinted = -1e9;
};

} // namespace mho::demo
