// Times of several actions, taken in turn so that a drifting clock meets all alike, and the digital rivals of a layer.
#pragma once

#include "bench/Layer.h"

#include <functional>
#include <string>
#include <vector>

namespace mho::bench {

using Action = std::function<void()>;

/// Actions that do the same digital product; the fastest of them is the rival.
using Rivals = std::vector<Action>;

/// The products of a layer's forward pass, or of forward and backward: torch's matmul (MKL) and oneDNN's linear for
/// each.
std::vector<Rivals> digitalProducts(const Layer &layer, bool withBackward);

/// Seconds of one call.
double secondsOf(const Action &action);
double median(std::vector<double> values);

/// Collects the times of a group of actions.
class Interleaved {
public:
  explicit Interleaved(std::vector<Action> actions) : actions(std::move(actions)), times(this->actions.size()) {}
  /// Runs each action once without taking its time: what is compiled on first use is then there.
  void warmUp() const;
  /// Runs each action once, in order.
  void round();
  double medianOf(size_t action) const { return median(times[action]); }
  double last(size_t action) const { return times[action].back(); }

private:
  std::vector<Action> actions;
  std::vector<std::vector<double>> times;
};

} // namespace mho::bench
