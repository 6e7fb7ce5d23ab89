// What mho says of a driver: of none, of the toolkit's stub, and of a library that answers as it is told. No GPU.
#include "runtime/Cuda/Driver.h"
#include "tests/cuda/Variables.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace mho {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string errorOfFake(const std::vector<std::pair<const char *, const char *>> &values) {
  Variables answers(values);
  auto driver = CudaDriver::open(MHO_FAKE_CUDA);
  return driver ? "" : driver.message();
}

TEST(CudaDriver, TellsItsDevices) {
  Variables answers({{"FAKE_CUDA_VERSION", "13020"}, {"FAKE_CUDA_SM", "86"}});
  auto driver = CudaDriver::open(MHO_FAKE_CUDA);
  ASSERT_TRUE(driver) << driver.message();
  EXPECT_EQ((*driver)->version(), "13.2");
  ASSERT_EQ((*driver)->devices().size(), 2u);
  EXPECT_EQ((*driver)->devices()[0].name, "Fake One");
  EXPECT_EQ((*driver)->devices()[1].name, "Fake Two");
  EXPECT_EQ((*driver)->devices()[1].major, 8);
  EXPECT_EQ((*driver)->devices()[1].minor, 6);
  EXPECT_TRUE((*driver)->devices()[1].runsKernels());
}

TEST(CudaDriver, NoLibrary) {
  auto driver = CudaDriver::open("/nowhere/libcuda.so.1");
  ASSERT_FALSE(driver);
  EXPECT_THAT(driver.message(), AllOf(StartsWith("UNAVAILABLE: no NVIDIA driver: /nowhere/libcuda.so.1"),
                                      HasSubstr("install NVIDIA driver"), HasSubstr("MHO_CUDA_DRIVER")));
}

TEST(CudaDriver, AnotherLibrary) {
  auto driver = CudaDriver::open("libm.so.6");
  ASSERT_FALSE(driver);
  EXPECT_THAT(driver.message(), StartsWith("UNAVAILABLE: 'libm.so.6' has no function cuInit"));
}

TEST(CudaDriver, StubOfTheToolkit) {
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_INIT", "34"}}), HasSubstr("is the CUDA toolkit's stub, not a driver"));
  const char *stub = "/usr/local/cuda/lib64/stubs/libcuda.so";
  if (!std::filesystem::exists(stub))
    GTEST_SKIP() << "the CUDA toolkit's own stub is not on this machine: " << stub;
  auto driver = CudaDriver::open(stub);
  ASSERT_FALSE(driver);
  EXPECT_THAT(driver.message(), HasSubstr("is the CUDA toolkit's stub, not a driver"));
}

TEST(CudaDriver, ReasonsNameWhatIsWrong) {
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_INIT", "100"}}), AllOf(StartsWith("UNAVAILABLE: "), HasSubstr("finds no GPU")));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_INIT", "999"}}), HasSubstr("does not start: a fault of the test (999)"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_INIT", "3"}}), HasSubstr("does not start: unknown error (3)"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_VERSION", "12080"}}), HasSubstr("is for CUDA 12.8, too old"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_DEVICES", "0"}}), HasSubstr("finds no GPU"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_SM", "75"}}), HasSubstr("'Fake One' is sm_75; kernels need sm_80"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_FAIL", "cuDriverGetVersion"}}), HasSubstr("does not tell its version"));
  EXPECT_THAT(errorOfFake({{"FAKE_CUDA_FAIL", "cuDeviceGetCount"}}), HasSubstr("does not count its GPUs"));
  for (const char *function : {"cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute"})
    EXPECT_THAT(errorOfFake({{"FAKE_CUDA_FAIL", function}}), HasSubstr("GPU 0 does not answer: a fault of the test"));
}

} // namespace
} // namespace mho
