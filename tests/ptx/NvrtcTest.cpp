// The loader of NVRTC: where it is found, what it compiles, what it says of errors.
#include "runtime/Cuda/Nvrtc.h"
#include "tests/ptx/Kernel.h"

namespace mho {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Nvrtc *nvrtc() {
  auto found = ptx::testNvrtc();
  EXPECT_TRUE(found) << found.message();
  return found ? *found : nullptr;
}

TEST(Nvrtc, CompilesToPtxAndCubin) {
  ASSERT_TRUE(nvrtc());
  Nvrtc::Input input{"extern \"C\" __global__ void k(float *a) { a[0] = 1; }", "k.cu", "sm_80", {"--ptxas-options=-v"}};
  auto output = nvrtc()->compile(input);
  ASSERT_TRUE(output) << output.message();
  EXPECT_THAT(output->ptx, AllOf(HasSubstr(".target sm_80"), HasSubstr(".visible .entry k(")));
  EXPECT_EQ(output->cubin.substr(0, 4), "\x7f"
                                        "ELF");
  EXPECT_THAT(output->log, HasSubstr("registers"));
  EXPECT_EQ(nvrtc()->compile(input)->cubin, output->cubin);
  input.architecture = "compute_90";
  output = nvrtc()->compile(input);
  ASSERT_TRUE(output) << output.message();
  EXPECT_EQ(output->cubin, "");
  EXPECT_THAT(nvrtc()->architectures(), testing::IsSupersetOf({80, 90}));
}

TEST(Nvrtc, ErrorsNameTheSourceLine) {
  ASSERT_TRUE(nvrtc());
  auto output = nvrtc()->compile(
      {"__global__ void k(int *a) {\n  a[0] = 1;\n  a[1] = undefined_name;\n}\n", "gen.cu", "sm_80", {}});
  ASSERT_FALSE(output);
  EXPECT_THAT(output.message(), AllOf(HasSubstr("gen.cu(3): error"), HasSubstr("undefined_name"),
                                      HasSubstr("line 3:   a[1] = undefined_name;")));
  output = nvrtc()->compile({"", "gen.cu", "sm_12", {}});
  ASSERT_FALSE(output);
  EXPECT_THAT(output.message(), AllOf(HasSubstr("sm_12"), HasSubstr("it knows"), HasSubstr("sm_80")));
}

TEST(Nvrtc, UnavailableWithReasonAndRemedy) {
  auto missing = Nvrtc::open("/nowhere/libnvrtc.so.13");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.message(), AllOf(HasSubstr("UNAVAILABLE: MHO_NVRTC: /nowhere/libnvrtc.so.13"),
                                       HasSubstr("install nvidia-cuda-nvrtc")));
  auto other = Nvrtc::open("libm.so.6");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.message(),
              AllOf(HasSubstr("UNAVAILABLE: 'libm.so.6' has no function nvrtc"), HasSubstr("MHO_NVRTC")));
}

} // namespace
} // namespace mho
