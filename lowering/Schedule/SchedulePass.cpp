// analog-schedule: see lowering/Passes.td.
#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/Passes.h"
#include "lowering/Schedule/Schedule.h"

namespace mho::lowering {
#define GEN_PASS_DEF_ANALOGSCHEDULEPASS
#include "lowering/Passes.h.inc"

namespace {

struct SchedulePass : impl::AnalogSchedulePassBase<SchedulePass> {
  using AnalogSchedulePassBase::AnalogSchedulePassBase;

  void runOnOperation() override {
    std::optional<Isa> target = isa.empty() ? hostIsa() : isaNamed(isa);
    if (!target) {
      getOperation().emitError() << "analog-schedule: isa = '" << isa << "'; allowed: " << isaNames();
      return signalPassFailure();
    }
    mlir::WalkResult result = getOperation().walk([&](analog::TiledMvmOp kernel) {
      mlir::FailureOr<Schedule> schedule = readSchedule(kernel, *target);
      if (failed(schedule))
        return mlir::WalkResult::interrupt();
      kernel->setAttr(kScheduleAttr, scheduleAttr(&getContext(), *schedule));
      return mlir::WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace mho::lowering
