#include "runtime/Ptx/Types.h"

#include <iterator>

namespace mho::ptx {

static const char *const kTypeNames[] = {"",      "pred",   "b8",   "u8",  "s8",  "b16", "u16",
                                         "s16",   "f16",    "bf16", "b32", "u32", "s32", "f32",
                                         "f16x2", "bf16x2", "tf32", "b64", "u64", "s64", "f64"};

Type typeNamed(std::string_view name) {
  for (size_t i = 1; i < std::size(kTypeNames); ++i)
    if (name == kTypeNames[i])
      return Type(i);
  return Type::None;
}

const char *nameOf(Type type) { return kTypeNames[size_t(type)]; }

const char *nameOf(Space space) {
  static const char *const names[] = {"generic", "global", "shared", "local", "param", "const"};
  return names[size_t(space)];
}

} // namespace mho::ptx
