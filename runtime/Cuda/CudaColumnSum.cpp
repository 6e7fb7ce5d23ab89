#include "runtime/Cuda/CudaColumnSum.h"

#include "dialect/Numerics/Reduction.h"
#include "runtime/Cuda/CudaCompile.h"
#include "runtime/Cuda/CudaLaunch.h"
#include "runtime/Cuda/KernelArguments.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/Knobs.h"

#include <algorithm>

namespace mho {
namespace {

constexpr int64_t kThreads = 128;
/// Blocks of rows that have a CTA of their own; of more each takes several.
constexpr int64_t kMostRowBlocks = 1024;

enum Function : size_t { Blocks, Total };

/// One thread for a column, of a block of rows, then of the blocks.
constexpr const char *kSource = R"(
#include "mho_prelude.cuh"

struct Arguments {
  mho::Tensor grad;
  float *partials, *out;
  int rows, columns;
};

extern "C" __global__ void mho_column_blocks(const Arguments a) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= a.columns)
    return;
  for (int block = blockIdx.y; block < mho::blocks_of(a.rows); block += gridDim.y) {
    float sum = 0;
    for (int row = block * mho::kBlock; row < a.rows && row < (block + 1) * mho::kBlock; ++row)
      sum = sum + mho::read<STORAGE>(a.grad, row, column);
    a.partials[mho::i64(block) * a.columns + column] = sum;
  }
}

extern "C" __global__ void mho_column_total(const Arguments a) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= a.columns)
    return;
  float total = 0;
  for (int block = 0; block < mho::blocks_of(a.rows); ++block)
    total = total + a.partials[mho::i64(block) * a.columns + column];
  a.out[column] = total;
}
)";

std::string sourceFor(ElementType type) {
  const char *storage = type == ElementType::F16    ? "mho::kHalf"
                        : type == ElementType::BF16 ? "mho::kBFloat"
                                                    : "mho::kFloat";
  return std::string("#define STORAGE ") + storage + kSource;
}

} // namespace

CudaColumnSum::CudaColumnSum(std::shared_ptr<CudaDriver> driver, std::vector<CudaImage> images)
    : code(std::move(driver), std::move(images), {{"mho_column_blocks", 0}, {"mho_column_total", 0}}) {}

Expected<std::unique_ptr<CudaColumnSum>> CudaColumnSum::make(std::shared_ptr<CudaDriver> driver, ElementType type) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
  if (!nvrtc)
    return nvrtc.error();
  auto images = imagesOf(driver->devices(), (*nvrtc)->architectures(), [&](const std::string &architecture) {
    return compileCudaSource(sourceFor(type), "column_sum", architecture);
  });
  if (!images)
    return images.error();
  return std::unique_ptr<CudaColumnSum>(new CudaColumnSum(std::move(driver), std::move(*images)));
}

Status CudaColumnSum::launch(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) const {
  if (Status status = checkCudaSizes("grad", grad); !status)
    return status;
  int64_t rows = grad.sizes[0], columns = grad.sizes[1];
  if (columns == 0)
    return Status::ok();
  Expected<const CudaModule *> module = code.on(context.device, context.stream);
  if (!module)
    return module.error();
  int64_t blocks = (rows + kReductionBlock - 1) / kReductionBlock, bytes = blocks * columns * int64_t(sizeof(float));
  LentMemory partials(*context.memory, bytes);
  if (!partials)
    return Status::error("no memory on the GPU for " + std::to_string(bytes) + " bytes of partial sums");
  KernelArguments arguments;
  arguments.tensor(reinterpret_cast<uint64_t>(grad.data), grad.rank, grad.sizes.data(), grad.strides.data());
  arguments.add(partials.get());
  arguments.add(out.data);
  arguments.add(int32_t(rows));
  arguments.add(int32_t(columns));
  const std::string bytesOfArguments = arguments.take();
  CudaContextScope scope = (*module)->enter();
  const int64_t columnBlocks = (columns + kThreads - 1) / kThreads;
  if (blocks > 0)
    if (Status status = (*module)->launch(Blocks, {columnBlocks, std::min(blocks, kMostRowBlocks), kThreads},
                                          context.stream, bytesOfArguments.data());
        !status)
      return status;
  return (*module)->launch(Total, {columnBlocks, 1, kThreads}, context.stream, bytesOfArguments.data());
}

} // namespace mho
