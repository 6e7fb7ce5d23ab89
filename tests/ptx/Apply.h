// Runs a few instructions on the interpreter, one thread per element, to compare with C++.
#pragma once

#include "tests/ptx/Kernel.h"

#include <cstring>
#include <limits>
#include <random>

namespace mho::ptx {

template <class T> const char *bitsName() {
  return sizeof(T) == 8 ? "b64" : sizeof(T) == 4 ? "b32" : sizeof(T) == 2 ? "b16" : "b8";
}
/// Registers of bytes have 16 bits.
template <class T> const char *registerName() { return sizeof(T) == 1 ? "b16" : bitsName<T>(); }

/// d of the statements for each element of a, b and c, which are registers of these names; p, q are predicates, x, y
/// are .b32, z is .b64, h is .b16.
template <class D, class A, class B = uint32_t, class C = uint32_t>
std::vector<D> apply(const std::string &statements, std::vector<A> a, std::vector<B> b = {}, std::vector<C> c = {}) {
  std::vector<D> d(a.size());
  b.resize(a.size());
  c.resize(a.size());
  std::string text = ".version 8.5\n.target sm_90\n.address_size 64\n.visible .entry kernel(.param .u64 pa, .param "
                     ".u64 pb, .param .u64 pc, "
                     ".param .u64 pd, .param .u32 n)\n{\n.reg .pred p, q, outside;\n.reg .b32 x, y, i, count, "
                     "size;\n.reg .b64 z, at, offset;\n.reg .b16 h;\n";
  text += std::string(".reg .") + registerName<A>() + " a;\n.reg ." + registerName<B>() + " b;\n.reg ." +
          registerName<C>() + " c;\n.reg ." + registerName<D>() + " d;\n";
  text += "mov.u32 i, %ctaid.x;\nmov.u32 x, %ntid.x;\nmov.u32 y, %tid.x;\nmad.lo.u32 i, i, x, y;\nld.param.u32 count, "
          "[n];\nsetp.ge.u32 outside, i, count;\n@outside ret;\n";
  auto access = [&](const char *name, size_t size, const char *bits, bool loads) {
    text += "ld.param.u64 at, [p" + std::string(name) + "];\nmul.wide.u32 offset, i, " + std::to_string(size) +
            ";\nadd.u64 at, at, offset;\n";
    text += loads ? "ld.global." + std::string(bits) + " " + name + ", [at];\n"
                  : "st.global." + std::string(bits) + " [at], " + name + ";\n";
  };
  access("a", sizeof(A), bitsName<A>(), true);
  access("b", sizeof(B), bitsName<B>(), true);
  access("c", sizeof(C), bitsName<C>(), true);
  text += statements + "\n";
  access("d", sizeof(D), bitsName<D>(), false);
  text += "ret;\n}\n";
  KernelRun run(text);
  run.buffer(a)
      .buffer(b)
      .buffer(c)
      .buffer(d)
      .value(uint32_t(a.size()))
      .block({128})
      .grid({unsigned(a.size() + 127) / 128});
  Report report = run();
  EXPECT_TRUE(report.clean()) << report.text();
  return d;
}

/// Corner values of an integer type, and random ones: in all pairs where two lists are wanted.
template <class T> std::vector<T> corners() {
  std::vector<T> list{0,
                      1,
                      2,
                      3,
                      7,
                      31,
                      32,
                      33,
                      63,
                      64,
                      127,
                      T(128),
                      T(255),
                      std::numeric_limits<T>::min(),
                      std::numeric_limits<T>::max(),
                      T(-1),
                      T(-2),
                      T(-7),
                      T(1) << (8 * sizeof(T) - 2)};
  std::mt19937_64 engine(sizeof(T));
  for (int i = 0; i < 13; ++i)
    list.push_back(T(engine() >> (engine() % (8 * sizeof(T)))));
  return list;
}
template <> inline std::vector<float> corners<float>() {
  float inf = INFINITY;
  std::vector<float> list{
      0,       -0.0f,    1,       -1,       0.5f,          -0.5f,         1.5f,        -1.5f,        2.5f,
      -2.5f,   inf,      -inf,    NAN,      FLT_MIN,       -FLT_MIN,      FLT_MIN / 2, -FLT_MIN / 3, 1e-45f,
      FLT_MAX, -FLT_MAX, 3.4e10f, -3.4e10f, 2147483648.0f, 4294967296.0f, 1e20f,       65504,        65519.9f,
      65520,   6e-8f,    3e-8f,   5.9e-5f,  255.5f,        -128.5f};
  std::mt19937 engine(3);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 15; ++i)
    list.push_back(normal(engine) * std::ldexp(1.0f, int(engine() % 40) - 20));
  return list;
}
template <> inline std::vector<double> corners<double>() {
  std::vector<double> list{1e300, -1e300, 5e-324, 1e-310, 9.2e18, -9.3e18, 1.8446744073709552e19, 4503599627370497.5};
  for (float x : corners<float>())
    list.push_back(double(x) * 1.0000000001);
  return list;
}

/// All pairs of the two lists, as two lists.
template <class A, class B>
std::pair<std::vector<A>, std::vector<B>> pairs(const std::vector<A> &a, const std::vector<B> &b) {
  std::pair<std::vector<A>, std::vector<B>> result;
  for (const A &x : a)
    for (const B &y : b) {
      result.first.push_back(x);
      result.second.push_back(y);
    }
  return result;
}

template <class T> auto bitsOfValue(T value) {
  std::conditional_t<
      sizeof(T) == 8, uint64_t,
      std::conditional_t<sizeof(T) == 4, uint32_t, std::conditional_t<sizeof(T) == 2, uint16_t, uint8_t>>>
      bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Equal bits, but that any NaN of C++ stands for the one NaN of a GPU (of double: for any).
template <class T> bool sameBits(T actual, T expected) {
  if constexpr (std::is_floating_point_v<T>)
    if (expected != expected)
      return sizeof(T) == 8 ? actual != actual : bitsOfValue(actual) == 0x7fffffffu;
  return bitsOfValue(actual) == bitsOfValue(expected);
}

template <class D, class A, class B, class F>
void expectBinary(const std::string &instruction, const std::vector<A> &left, const std::vector<B> &right, F expected) {
  auto [a, b] = pairs(left, right);
  std::vector<D> d = apply<D>(instruction, a, b);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_TRUE(sameBits<D>(d[i], expected(a[i], b[i])))
        << instruction << " of " << +a[i] << ", " << +b[i] << " is " << +d[i] << ", not " << +D(expected(a[i], b[i]));
}
template <class D, class A, class F>
void expectUnary(const std::string &instruction, const std::vector<A> &a, F expected) {
  std::vector<D> d = apply<D>(instruction, a);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_TRUE(sameBits<D>(d[i], expected(a[i])))
        << instruction << " of " << +a[i] << " is " << +d[i] << ", not " << +D(expected(a[i]));
}

} // namespace mho::ptx
