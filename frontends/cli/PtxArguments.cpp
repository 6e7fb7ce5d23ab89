#include "frontends/cli/PtxArguments.h"

#include "runtime/Ptx/FloatFormat.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <fstream>
#include <iterator>
#include <random>

using llvm::StringRef;

namespace mho::cli {
namespace {

constexpr uint64_t kMostBytes = uint64_t(1) << 32;

template <class T> void appendBytes(std::vector<uint8_t> &bytes, T value) {
  const auto *begin = reinterpret_cast<const uint8_t *>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

/// A real as an element of the type; integers are rounded.
void appendReal(std::vector<uint8_t> &bytes, ptx::Type type, double value) {
  if (type == ptx::Type::F64)
    return appendBytes(bytes, value);
  if (type == ptx::Type::F32)
    return appendBytes(bytes, float(value));
  if (type == ptx::Type::F16)
    return appendBytes(bytes, ptx::floatToHalf(value));
  if (type == ptx::Type::BF16)
    return appendBytes(bytes, ptx::floatToBrain(value));
  int64_t whole = int64_t(std::nearbyint(value));
  for (int i = 0; i < ptx::bytesOf(type); ++i)
    bytes.push_back(uint8_t(whole >> (8 * i)));
}

bool appendNumber(std::vector<uint8_t> &bytes, ptx::Type type, StringRef text) {
  if (ptx::isFloat(type)) {
    double value;
    if (text.getAsDouble(value))
      return false;
    appendReal(bytes, type, value);
    return true;
  }
  int64_t whole;
  uint64_t natural;
  int bits = ptx::bitsOf(type);
  if (!text.getAsInteger(0, whole))
    natural = uint64_t(whole);
  else if (text.getAsInteger(0, natural))
    return false;
  else
    whole = bits == 64 ? 0 : INT64_MAX;
  if (bits < 64 && (whole >= int64_t(1) << bits || whole < -(int64_t(1) << (bits - 1))))
    return false;
  for (int i = 0; i < bits / 8; ++i)
    bytes.push_back(uint8_t(natural >> (8 * i)));
  return true;
}

/// Fills a buffer; the reason if that cannot be.
std::string fill(PtxArgument &argument, StringRef contents, std::optional<uint64_t> count) {
  size_t size = size_t(ptx::bytesOf(argument.type));
  if (contents.consume_front("file:")) {
    std::ifstream file(contents.str(), std::ios::binary);
    if (!file)
      return "cannot read '" + contents.str() + "'";
    argument.bytes.assign(std::istreambuf_iterator<char>(file), {});
    if (count && argument.bytes.size() != *count * size)
      return "'" + contents.str() + "' has " + std::to_string(argument.bytes.size()) + " bytes, not " +
             std::to_string(*count * size);
    return "";
  }
  if (!count)
    return "how many elements? Only file: tells by itself";
  if (*count > kMostBytes / size)
    return std::to_string(*count) + " elements are more than 4 GiB";
  if (contents == "zeros") {
    argument.bytes.resize(*count * size);
    return "";
  }
  unsigned seed = 1;
  auto [kind, seedText] = contents.split(':');
  if (!seedText.empty() && seedText.getAsInteger(10, seed))
    return "'" + seedText.str() + "' is no seed";
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> whole(ptx::isUnsigned(argument.type) ? 0 : -4, 4);
  std::normal_distribution<double> normal;
  if (kind != "random" && kind != "normal")
    return "'" + contents.str() +
           "' is not what a buffer can hold; expected zeros, random[:SEED], normal[:SEED] or file:PATH";
  for (uint64_t i = 0; i < *count; ++i)
    appendReal(argument.bytes, argument.type, kind == "random" ? whole(engine) : normal(engine));
  return "";
}

/// "readonly", "print", "write:PATH", "misalign:BYTES"
bool takeOption(PtxArgument &argument, StringRef option) {
  if (option == "readonly")
    argument.readOnly = true;
  else if (option == "print")
    argument.prints = true;
  else if (option.consume_front("write:"))
    argument.writeTo = option.str();
  else
    return option.consume_front("misalign:") && !option.getAsInteger(10, argument.misalignment) &&
           argument.misalignment < 512;
  return true;
}

} // namespace

Expected<PtxArgument> readPtxArgument(const std::string &text) {
  auto fail = [&](const std::string &reason) { return Status::error("--arg " + text + ": " + reason); };
  auto [left, right] = StringRef(text).split('=');
  auto [typeText, countText] = left.split('*');
  PtxArgument argument;
  argument.buffer = left.contains('*');
  argument.type = ptx::typeNamed({typeText.data(), typeText.size()});
  if (ptx::bytesOf(argument.type) == 0 || ptx::isPacked(argument.type) || argument.type == ptx::Type::TF32)
    return fail(
        "expected TYPE=NUMBER or TYPE*COUNT=CONTENTS; types are u8 s8 u16 s16 u32 s32 u64 s64 f16 bf16 f32 f64");
  if (!argument.buffer) {
    if (!appendNumber(argument.bytes, argument.type, right))
      return fail("'" + right.str() + "' is no number of type " + nameOf(argument.type));
    return argument;
  }
  std::optional<uint64_t> count;
  if (!countText.empty()) {
    uint64_t number;
    if (countText.getAsInteger(10, number))
      return fail("'" + countText.str() + "' is no count");
    count = number;
  }
  llvm::SmallVector<StringRef> parts;
  right.split(parts, ',');
  for (StringRef option : llvm::ArrayRef<StringRef>(parts).drop_front())
    if (!takeOption(argument, option))
      return fail("'" + option.str() + "' is not an option; expected readonly, print, write:PATH or misalign:BYTES");
  if (std::string reason = fill(argument, parts[0], count); !reason.empty())
    return fail(reason);
  return argument;
}

std::string elementText(const PtxArgument &argument, size_t i) {
  auto get = [&](auto value) {
    std::memcpy(&value, argument.bytes.data() + i * sizeof value, sizeof value);
    return value;
  };
  auto real = [](double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.9g", value);
    return std::string(text);
  };
  switch (argument.type) {
  case ptx::Type::F32:
    return real(get(float()));
  case ptx::Type::F64:
    return real(get(double()));
  case ptx::Type::F16:
    return real(ptx::halfToFloat(get(uint16_t())));
  case ptx::Type::BF16:
    return real(ptx::brainToFloat(get(uint16_t())));
  case ptx::Type::S8:
    return std::to_string(get(int8_t()));
  case ptx::Type::S16:
    return std::to_string(get(int16_t()));
  case ptx::Type::S32:
    return std::to_string(get(int32_t()));
  case ptx::Type::S64:
    return std::to_string(get(int64_t()));
  case ptx::Type::U8:
  case ptx::Type::B8:
    return std::to_string(get(uint8_t()));
  case ptx::Type::U16:
  case ptx::Type::B16:
    return std::to_string(get(uint16_t()));
  case ptx::Type::U32:
  case ptx::Type::B32:
    return std::to_string(get(uint32_t()));
  default:
    return std::to_string(get(uint64_t()));
  }
}

} // namespace mho::cli
