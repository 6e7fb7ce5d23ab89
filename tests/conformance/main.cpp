// Runs the suite; ends with kSkipped where MHO_ISA asks for code that this CPU cannot run.
#include "runtime/CpuArtifact.h"
#include "runtime/Knobs.h"

#include <gmock/gmock.h>

#include <cstdio>

int main(int argc, char **argv) {
  constexpr int kSkipped = 77;
  testing::InitGoogleMock(&argc, argv);
  mho::Expected<const mho::Knobs *> knobs = mho::Knobs::get();
  if (!knobs) {
    std::fprintf(stderr, "error: %s\n", knobs.message().c_str());
    return 1;
  }
  if (mho::Status status = mho::checkIsa((*knobs)->isa); !status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return kSkipped;
  }
  return RUN_ALL_TESTS();
}
