// What tests of effects that are text share: the examples, a key, and derivatives by central differences.
#pragma once

#include "tests/reference/Layers.h"

#include "llvm/Support/MemoryBuffer.h"

namespace mho::reference {

/// The text of an example with parts of it replaced, `{"%step = 64.0", "%step = 1.0"}`.
inline std::string example(const std::string &name, std::vector<std::pair<std::string, std::string>> changes = {}) {
  auto file = llvm::MemoryBuffer::getFile(MHO_SOURCE_DIR "/examples/effects/" + name + ".mlir");
  if (!file)
    throw std::runtime_error("no example " + name);
  std::string text = (*file)->getBuffer().str();
  for (auto &[from, to] : changes) {
    size_t at = text.find(from);
    if (at == std::string::npos)
      throw std::runtime_error("example " + name + " has no '" + from + "'");
    text.replace(at, from.size(), to);
  }
  return text;
}

constexpr uint64_t kSeed = 1234567890123456789;
inline const Tensor kKey = Tensor::integers({2}, {int64_t(kSeed), 3});

/// Whole numbers from low to high.
inline Tensor integers(llvm::ArrayRef<int64_t> shape, unsigned seed, int64_t low, int64_t high) {
  Tensor result = randomTensor(shape, seed, double(low), double(high + 1));
  for (double &v : result.reals)
    v = std::min(std::floor(v), double(high));
  return result;
}

/// A module of `effect`, named @e on the tile, with @layer(x, w, scale [T, M], scale [T, N], key), tiles of 8 inputs.
inline std::string tileModule(const std::string &effect, const std::string &arguments, const std::string &types) {
  return effect + R"(
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?x?xf32>, %q: tensor<?x?xf32>, %key: tensor<2xi64>)
        -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<fixed, rows = 8>} {
      %planes = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %v = analog.apply @e %planes )" +
         arguments + " : (tensor<?x?x?xf32>" + types + R"() -> tensor<?x?x?xf32>
      %y = analog.accumulate %v : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })";
}

/// The derivative of sum g y in element i of an argument, in double, by central differences of step `h`.
inline double centralDifference(Program &program, const std::string &name, const std::vector<Tensor> &inputs,
                                const Tensor &g, size_t argument, int64_t i, double h) {
  auto objective = [&](double step) {
    std::vector<Tensor> moved = inputs;
    moved[argument].reals[i] += step;
    Tensor y = program.one(name, moved, {Precision::F64});
    double sum = 0;
    for (auto [value, weight] : llvm::zip(y.reals, g.reals))
      sum += value * weight;
    return sum;
  };
  return (objective(h) - objective(-h)) / (2 * h);
}

} // namespace mho::reference
