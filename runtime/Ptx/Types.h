// Types and spaces of PTX.
#pragma once

#include <cstdint>
#include <string_view>

namespace mho::ptx {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  U8,
  S8,
  B16,
  U16,
  S16,
  F16,
  BF16,
  B32,
  U32,
  S32,
  F32,
  F16x2,
  BF16x2,
  TF32,
  B64,
  U64,
  S64,
  F64
};

/// Where an address lies; Generic: told by the address itself.
enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

/// The type that a modifier or declaration names, without its dot; None where it names none.
Type typeNamed(std::string_view name);
const char *nameOf(Type type);
const char *nameOf(Space space);

inline int bitsOf(Type type) {
  return type == Type::None || type == Type::Pred ? 0
         : type <= Type::S8                       ? 8
         : type <= Type::BF16                     ? 16
         : type <= Type::TF32                     ? 32
                                                  : 64;
}
inline int bytesOf(Type type) { return bitsOf(type) / 8; }
inline bool isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 || type == Type::S64;
}
inline bool isUnsigned(Type type) {
  return type == Type::U8 || type == Type::U16 || type == Type::U32 || type == Type::U64;
}
inline bool isInteger(Type type) { return isSigned(type) || isUnsigned(type); }
inline bool isBits(Type type) {
  return type == Type::B8 || type == Type::B16 || type == Type::B32 || type == Type::B64;
}
inline bool isFloat(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F64;
}
inline bool isPacked(Type type) { return type == Type::F16x2 || type == Type::BF16x2; }

} // namespace mho::ptx
