// Which family decodes an opcode.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Parser.h"

namespace mho::ptx {
namespace {

using Families = std::map<std::string, Family>;

const Families &families() {
  static const Families families = [] {
    Families map;
    auto add = [&](Family family, std::initializer_list<const char *> names) {
      for (const char *name : names)
        map[name] = family;
    };
    add(decodeArithmetic, {"add", "sub", "min", "max", "abs", "neg", "div", "rem", "dp4a", "dp2a", "sad"});
    add(decodeExtended, {"addc", "subc", "madc"});
    add(decodeMultiply, {"mul", "mad", "mul24", "mad24"});
    add(decodeBits, {"and", "or", "xor", "not", "cnot", "lop3", "popc", "clz", "bfind", "brev", "bfe", "bfi", "prmt"});
    add(decodeShift, {"shl", "shr", "shf"});
    add(decodeFloat, {"fma"});
    add(decodeFloatUnary, {"rcp", "sqrt", "copysign", "testp"});
    add(decodeApproximate, {"sin", "cos", "ex2", "lg2", "rsqrt", "tanh"});
    add(decodeCompare, {"setp", "set"});
    add(decodeSelect, {"selp", "slct"});
    add(decodeMove, {"mov"});
    add(decodeConvert, {"cvt"});
    add(decodeAddress, {"cvta", "isspacep", "createpolicy"});
    add(decodeLoadStore, {"ld", "st", "prefetch"});
    add(decodeAtomic, {"atom", "red", "membar", "fence"});
    add(decodeAsync, {"cp"});
    add(decodeMatrixMove, {"ldmatrix", "stmatrix"});
    add(decodeMma, {"mma"});
    add(decodeWarp, {"shfl", "vote", "match", "activemask", "redux"});
    add(decodeControl, {"bra", "ret", "exit", "bar", "barrier", "trap", "nanosleep"});
    return map;
  }();
  return families;
}

} // namespace

Family familyOf(const std::string &opcode) {
  auto it = families().find(opcode);
  return it == families().end() ? nullptr : it->second;
}

bool isKnownOpcode(std::string_view opcode) { return familyOf(std::string(opcode)) != nullptr; }

std::vector<std::string> knownOpcodes() {
  std::vector<std::string> names;
  for (const auto &[name, family] : families())
    names.push_back(name);
  return names;
}

} // namespace mho::ptx
