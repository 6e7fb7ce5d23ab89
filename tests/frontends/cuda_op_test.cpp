// The ops on CUDA tensors: the code above the backend, the backend, and PTX in the interpreter, on a torch device of
// our own (fake_cuda_device.h). torch's own CUDA part takes no part, nor does a GPU.
#include "tests/frontends/fake_cuda_device.h"

#include "frontends/torch/ops/Ops.h"
#include "runtime/LinearSpec.h"
#include "tests/cuda/FakeDriver.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DeviceGuard.h>
#include <gmock/gmock.h>

namespace mho::fake {

C10_REGISTER_GUARD_IMPL(CUDA, GuardImpl)

TORCH_LIBRARY_IMPL(aten, CUDA, m) { m.impl("empty.memory_format", empty); }

namespace {

using testing::HasSubstr;

/// Integers throughout, so that a layer's bits do not depend on its backend.
struct Operands {
  at::Tensor x, weight, bias, range, key, scalars, grad;
  std::string config = "tile=balanced:16 range=given dac output_noise adc adc_mask bias";

  explicit Operands(at::ScalarType storage = at::kFloat) {
    auto integers = [&](at::IntArrayRef sizes, int most) {
      at::Tensor counts = at::arange(c10::multiply_integers(sizes), at::kFloat).view(sizes);
      return at::remainder(counts * 7, 2 * most + 1).sub_(most);
    };
    x = integers({5, 40}, 9).to(storage), weight = integers({21, 40}, 7).to(storage), bias = integers({21}, 5);
    grad = integers({5, 21}, 3).to(storage);
    range = at::full({3}, 8, at::kFloat);
    key = at::tensor({int64_t(11), int64_t(3)});
    LinearScalars strengths;
    strengths.inputHalfLevels = 8, strengths.outputHalfLevels = 7, strengths.outputBound = 2;
    strengths.outputNoise = 0.05f;
    auto packed = strengths.pack();
    scalars = at::tensor(at::ArrayRef<float>(packed.data(), packed.size()));
  }
  Operands on(c10::DeviceIndex device) const {
    Operands moved = *this;
    for (at::Tensor *tensor : {&moved.x, &moved.weight, &moved.bias, &moved.range, &moved.key, &moved.grad})
      *tensor = onDevice(*tensor, device);
    return moved;
  }
  auto forward(bool save = true) const { return ops::analogLinear(x, weight, bias, range, key, scalars, config, save); }
  auto backward(const at::Tensor &saturation, const at::Tensor &rowRange) const {
    return ops::analogLinearBackward(grad, x, weight, range, key, scalars, saturation, rowRange, config,
                                     {true, true, true, true});
  }
};

class CudaOp : public testing::Test {
protected:
  Driver &driver = driverAt(MHO_FAKE_CUDA);
  at::NoGradGuard noGradient;
  void TearDown() override { Allocator::most = SIZE_MAX; }
};

template <class Action> std::string errorOf(Action action) {
  try {
    action();
  } catch (const c10::Error &error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

TEST_F(CudaOp, EveryOpHasAKernel) {
  for (const char *op :
       {"mho::analog_linear", "mho::analog_linear_backward", "mho::update_range_estimate", "mho::clip_weight"}) {
    auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(op, "");
    EXPECT_TRUE(handle.hasKernelForDispatchKey(c10::DispatchKey::CUDA) ||
                handle.hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd))
        << op;
  }
}

TEST_F(CudaOp, GivesTheCpusBits) {
  for (at::ScalarType storage : {at::kFloat, at::kHalf, at::kBFloat16}) {
    Operands host(storage), device = host.on(0);
    auto [y, saturation, rowRange] = host.forward();
    auto [gpuY, gpuSaturation, gpuRowRange] = device.forward();
    EXPECT_EQ(gpuY.device(), device.x.device());
    EXPECT_TRUE(at::equal(onHost(gpuY), y)) << storage;
    EXPECT_TRUE(at::equal(onHost(gpuSaturation), saturation)) << storage;
    auto [dx, dweight, dbias, drange, none] = host.backward(saturation, rowRange);
    auto [gpuDx, gpuDweight, gpuDbias, gpuDrange, alsoNone] = device.backward(gpuSaturation, gpuRowRange);
    EXPECT_TRUE(at::equal(onHost(gpuDx), dx)) << storage;
    EXPECT_TRUE(at::equal(onHost(gpuDweight), dweight)) << storage;
    EXPECT_TRUE(at::equal(onHost(gpuDbias), dbias)) << storage;
    EXPECT_TRUE(at::equal(onHost(gpuDrange), drange)) << storage;
  }
}

TEST_F(CudaOp, RunsOnTheTensorsDeviceAndItsStream) {
  for (c10::DeviceIndex device : {0, 1}) {
    Operands operands = Operands().on(device);
    GuardImpl::current = c10::DeviceIndex(1 - device);
    driver.reset();
    operands.forward(false);
    EXPECT_EQ(GuardImpl::current, 1 - device) << "the caller's device is what it was";
    GuardImpl::current = 0;
    ASSERT_FALSE(driver.launches().empty());
    for (const Launch &launch : driver.launches()) {
      EXPECT_EQ(launch.device, device);
      EXPECT_EQ(launch.stream, GuardImpl::handleOf(device));
    }
  }
}

TEST_F(CudaOp, MixedDevicesAreErrors) {
  Operands host, device = host.on(0);
  Operands mixed = device;
  mixed.weight = host.weight;
  EXPECT_THAT(errorOf([&] { mixed.forward(); }), HasSubstr("expected weight on cuda:0 as x, got cpu"));
  mixed = device;
  mixed.key = onDevice(host.key, 1);
  EXPECT_THAT(errorOf([&] { mixed.forward(); }), HasSubstr("expected key on cuda:0 as x, got cuda:1"));
  auto [y, saturation, rowRange] = device.forward();
  at::Tensor words = onHost(saturation);
  EXPECT_THAT(errorOf([&] { device.backward(words, rowRange); }),
              HasSubstr("expected saturation on cuda:0 as x, got cpu"));
  mixed = device;
  mixed.scalars = onDevice(host.scalars);
  EXPECT_THAT(errorOf([&] { mixed.forward(); }), HasSubstr("expected scalars to be a contiguous float32 CPU tensor"));
  mixed = device;
  mixed.range = onDevice(host.range.to(at::kDouble));
  EXPECT_THAT(errorOf([&] { mixed.forward(); }), HasSubstr("expected input range to be Float, got Double"));
}

/// A lack of memory for what the kernels work in is torch's own error, that of its allocator.
TEST_F(CudaOp, ALackOfMemoryIsTorchsError) {
  Operands operands = Operands().on(0);
  operands.x = onDevice(at::ones({130, 40})), operands.grad = onDevice(at::ones({130, 21}));
  auto [y, saturation, rowRange] = operands.forward();
  auto biasGradient = [&] {
    return std::get<2>(ops::analogLinearBackward(operands.grad, operands.x, operands.weight, operands.range,
                                                 operands.key, operands.scalars, saturation, rowRange, operands.config,
                                                 {false, false, true, false}));
  };
  Allocator::most = 100; // the result has 84 bytes, its partial sums 252
  EXPECT_THROW(biasGradient(), c10::OutOfMemoryError);
  Allocator::most = SIZE_MAX;
  EXPECT_TRUE(at::equal(onHost(biasGradient()), at::full({21}, 130.0)));
}

} // namespace
} // namespace mho::fake
