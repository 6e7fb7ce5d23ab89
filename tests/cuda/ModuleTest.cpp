// A module on a GPU: what is asked of the driver, and what its refusals become. On the fake driver.
#include "runtime/Cuda/Architectures.h"
#include "runtime/Cuda/DeviceCode.h"
#include "tests/cuda/FakeDriver.h"
#include "tests/cuda/Variables.h"

#include <gmock/gmock.h>

#include <thread>

namespace mho {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

/// Doubles what it points at; `big` has so much dynamic shared memory that it must be asked for.
constexpr const char *kDouble = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry twice(.param .u64 p) {
  .reg .b64 %a;
  .reg .f32 %v;
  ld.param.u64 %a, [p];
  ld.global.f32 %v, [%a];
  add.rn.f32 %v, %v, %v;
  st.global.f32 [%a], %v;
  ret;
}
)";

class Module : public testing::Test {
protected:
  void SetUp() override {
    auto opened = CudaDriver::open(MHO_FAKE_CUDA);
    ASSERT_TRUE(opened) << opened.message();
    driver = *opened;
    fake.reset();
  }
  std::string errorOfLoad(int device = 0, const std::vector<CudaFunction> &functions = {{"twice", 0}},
                          const std::string &image = kDouble) {
    auto module = CudaModule::load(driver, device, image, functions, nullptr);
    return module ? "" : module.message();
  }
  int64_t countOf(const std::string &function) {
    std::vector<std::string> calls = fake.calls();
    return std::count(calls.begin(), calls.end(), function);
  }

  Variables variables{{{"FAKE_CUDA_SM", "86"}, {"FAKE_CUDA_DEVICES", "2"}}};
  fake::Driver &fake = fake::driverAt(MHO_FAKE_CUDA);
  std::shared_ptr<CudaDriver> driver;
};

TEST_F(Module, IsLoadedOncePerDevice) {
  auto image = std::make_shared<const std::string>(kDouble);
  {
    DeviceCode code(driver, {image, image}, {{"twice", 0}});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int device : {0, 1, 0, 1})
          EXPECT_TRUE(code.on(device, nullptr));
      });
    for (std::thread &thread : threads)
      thread.join();
    std::vector<std::pair<std::string, int>> loads = fake.loads();
    EXPECT_THAT(loads, testing::UnorderedElementsAre(Pair("PTX", 0), Pair("PTX", 1)));
    EXPECT_EQ(countOf("cuDevicePrimaryCtxRetain"), 2);
    EXPECT_EQ(fake.loadedNow(), 2);
  }
  EXPECT_EQ(fake.loadedNow(), 0) << "modules are unloaded with the code";
  driver.reset();
  EXPECT_EQ(countOf("cuDevicePrimaryCtxRelease_v2"), 2);
}

TEST_F(Module, LaunchesOnItsContextAndLeavesTheCallersThere) {
  auto module = CudaModule::load(driver, 1, kDouble, {{"twice", 0}}, nullptr);
  ASSERT_TRUE(module) << module.message();
  CudaContext other = *driver->contextOf(0), current = nullptr;
  CudaContextScope callers(driver->api(), other);
  int stream = 0;
  uint64_t address = 0; // nothing is there: the launch fails, its argument is read
  {
    CudaContextScope scope = (*module)->enter();
    EXPECT_THAT((*module)->launch(0, {1, 1, 32}, &stream, &address).message(),
                AllOf(HasSubstr("cannot launch @twice on GPU 1, 'Fake Two' (sm_86): unknown error (719)"),
                      HasSubstr("a kernel launched before")));
  }
  driver->api().currentContext(&current);
  EXPECT_EQ(current, other);
  std::vector<fake::Launch> launches = fake.launches();
  ASSERT_EQ(launches.size(), 1u);
  EXPECT_EQ(launches[0].device, 1);
  EXPECT_EQ(launches[0].stream, &stream);
  EXPECT_EQ(launches[0].threads, 32u);
}

TEST_F(Module, AsksForSharedMemoryAboveTheUsual) {
  EXPECT_EQ(errorOfLoad(0, {{"twice", 48 << 10}}), "");
  EXPECT_EQ(countOf("cuFuncSetAttribute"), 0);
  EXPECT_EQ(errorOfLoad(0, {{"twice", (48 << 10) + 16}}), "");
  EXPECT_EQ(countOf("cuFuncSetAttribute"), 1);
  fake.fail("cuFuncSetAttribute", 1);
  EXPECT_THAT(errorOfLoad(0, {{"twice", 100 << 10}}), HasSubstr("@twice does not get 102400 bytes of shared memory"));
  const std::vector<std::pair<const char *, const char *>> shared{{"FAKE_CUDA_SHARED", "101376"}};
  Variables less(shared);
  driver = *CudaDriver::open(MHO_FAKE_CUDA);
  EXPECT_THAT(
      errorOfLoad(0, {{"twice", 100 << 10}}),
      HasSubstr("@twice needs 102400 bytes of shared memory in a CTA, and GPU 0, 'Fake One' (sm_86) has 101376"));
}

TEST_F(Module, RefusalsOfALoadNameTheRemedy) {
  fake.fail("cuModuleLoadDataEx", 222);
  EXPECT_THAT(errorOfLoad(), AllOf(HasSubstr("cannot load a kernel on GPU 0, 'Fake One' (sm_86): unknown error (222)"),
                                   HasSubstr("the driver is for CUDA 13.0: install one as new as the NVRTC"),
                                   HasSubstr("the log of the fake assembler")));
  fake.fail("cuModuleLoadDataEx", 2);
  EXPECT_THAT(errorOfLoad(), HasSubstr("out of memory (2); the GPU's memory is full"));
  fake.fail("cuModuleLoadDataEx", 0);
  EXPECT_THAT(errorOfLoad(0, {{"thrice", 0}}), HasSubstr("has no kernel 'thrice'"));
  EXPECT_THAT(errorOfLoad(0, {{"twice", 0}}, "no code"), HasSubstr("unknown error (200); the driver is for CUDA"));
  EXPECT_THAT(errorOfLoad(2), HasSubstr("there is no GPU 2: the driver has 2, numbered from 0"));
  EXPECT_THAT(errorOfLoad(-1), HasSubstr("there is no GPU -1"));
  EXPECT_EQ(fake.loadedNow(), 0) << "what failed is unloaded";
  fake.fail("cuDevicePrimaryCtxRetain", 999);
  driver = *CudaDriver::open(MHO_FAKE_CUDA);
  EXPECT_THAT(errorOfLoad(), HasSubstr("GPU 0 gives no context: a fault of the test (999)"));
}

TEST_F(Module, AnOldDeviceIsRefused) {
  driver = *CudaDriver::open(MHO_FAKE_CUDA);
  const_cast<CudaDevice &>(driver->devices()[1]).major = 7;
  EXPECT_THAT(errorOfLoad(1), HasSubstr("GPU 1, 'Fake Two' (sm_76), is too old; kernels need sm_80"));
}

TEST_F(Module, NothingIsLoadedDuringACapture) {
  fake.capture(nullptr, true);
  EXPECT_THAT(errorOfLoad(), AllOf(HasSubstr("while the stream captures a graph"), HasSubstr("run the layer once")));
  EXPECT_EQ(countOf("cuModuleLoadDataEx"), 0);
}

TEST_F(Module, PlacesAreChecked) {
  auto module = CudaModule::load(driver, 0, kDouble, {{"twice", 0}}, nullptr);
  ASSERT_TRUE(module) << module.message();
  CudaContextScope scope = (*module)->enter();
  float host = 0;
  EXPECT_THAT((*module)->checkPlace("x", &host).message(),
              HasSubstr("'x' does not lie on GPU 0, 'Fake One' (sm_86): it is memory of the host"));
}

TEST(Architectures, OfADevice) {
  CudaDevice ada{"", 8, 9, 0}, next{"", 20, 0, 0};
  EXPECT_EQ(architectureOf(ada, {80, 86, 89, 90}), "sm_89");
  EXPECT_EQ(architectureOf(next, {80, 86, 89, 90}), "compute_80") << "the driver assembles PTX for what NVRTC lacks";
}

TEST(Architectures, OneImageForEach) {
  std::vector<std::string> compiled;
  auto images = imagesOf({{"a", 9, 0, 0}, {"old", 7, 5, 0}, {"b", 8, 0, 0}, {"c", 9, 0, 0}}, {80, 90},
                         [&](const std::string &architecture) -> Expected<std::string> {
                           compiled.push_back(architecture);
                           return "code for " + architecture;
                         });
  ASSERT_TRUE(images);
  EXPECT_THAT(compiled, ElementsAre("sm_90", "sm_80"));
  EXPECT_EQ((*images)[0], (*images)[3]);
  EXPECT_FALSE((*images)[1]);
  EXPECT_EQ(*(*images)[2], "code for sm_80");
}

} // namespace
} // namespace mho
