// Operands of instructions: registers, constants, special registers, addresses.
#include "runtime/Ptx/Decoder.h"

#include <cstring>
#include <unordered_map>

namespace mho::ptx {

int Decoder::registerBits(const Operand &operand) const {
  return operand.kind == Operand::Register ? bitsOf(entry.registers[operand.reg].type) : 0;
}

uint32_t Decoder::constant(uint64_t bits, bool wide) {
  auto [it, added] = constants.emplace(std::pair(bits, wide), program.slots * kLanes);
  if (added) {
    program.constants.push_back({it->second, wide, bits});
    program.slots += wide ? 2 : 1;
  }
  return it->second;
}

/// The bits of a constant as a value of the type; nothing where it is none of that type.
std::optional<uint64_t> Decoder::literal(const Operand &operand, Type type) {
  int bits = bitsOf(type);
  uint64_t mask = bits == 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
  if (operand.kind == Operand::Integer && type != Type::F32 && type != Type::F64) {
    int64_t value = operand.value;
    if (bits < 64 && (value >= int64_t(1) << bits || value < -(int64_t(1) << (bits - 1))))
      return std::nullopt;
    return uint64_t(value) & mask;
  }
  if (operand.kind == Operand::Float32 && bits == 32)
    return uint64_t(operand.value) & mask;
  if (operand.kind == Operand::Float64 && bits == 64)
    return uint64_t(operand.value);
  if (operand.kind == Operand::Float64 && type == Type::F32) {
    double value;
    std::memcpy(&value, &operand.value, sizeof value);
    float narrow = float(value);
    uint32_t result;
    std::memcpy(&result, &narrow, sizeof result);
    return result;
  }
  return std::nullopt;
}

std::optional<uint32_t> Decoder::special(const std::string &name, Type type) {
  static const std::unordered_map<std::string, Special> names{{"%tid.x", Special::TidX},
                                                              {"%tid.y", Special::TidY},
                                                              {"%tid.z", Special::TidZ},
                                                              {"%ntid.x", Special::NtidX},
                                                              {"%ntid.y", Special::NtidY},
                                                              {"%ntid.z", Special::NtidZ},
                                                              {"%ctaid.x", Special::CtaidX},
                                                              {"%ctaid.y", Special::CtaidY},
                                                              {"%ctaid.z", Special::CtaidZ},
                                                              {"%nctaid.x", Special::NctaidX},
                                                              {"%nctaid.y", Special::NctaidY},
                                                              {"%nctaid.z", Special::NctaidZ},
                                                              {"%laneid", Special::LaneId},
                                                              {"%warpid", Special::WarpId},
                                                              {"%nwarpid", Special::NWarpId},
                                                              {"%lanemask_eq", Special::MaskEq},
                                                              {"%lanemask_lt", Special::MaskLt},
                                                              {"%lanemask_le", Special::MaskLe},
                                                              {"%lanemask_gt", Special::MaskGt},
                                                              {"%lanemask_ge", Special::MaskGe},
                                                              {"%dynamic_smem_size", Special::DynamicSharedSize},
                                                              {"%total_smem_size", Special::TotalSharedSize}};
  auto it = names.find(name);
  if (it == names.end() || bitsOf(type) != 32)
    return std::nullopt;
  auto [place, added] = specials.emplace(std::pair(int(it->second), false), program.slots * kLanes);
  if (added) {
    program.specials.push_back({place->second, it->second});
    ++program.slots;
  }
  return place->second;
}

std::optional<uint64_t> Decoder::symbolAddress(const std::string &name, Space &space) const {
  for (const ParameterSyntax &parameter : entry.parameters)
    if (parameter.name == name) {
      space = Space::Param;
      return uint64_t(parameter.offset);
    }
  auto it = layout.places.find(name);
  if (it == layout.places.end())
    return std::nullopt;
  space = it->second.space;
  return it->second.address;
}

uint32_t Decoder::valueOf(const Operand &operand, Type type, bool wider) {
  bool wide = bitsOf(type) == 64;
  if (operand.negated)
    fail("'!' before a value");
  if (operand.kind == Operand::Register) {
    int bits = registerBits(operand);
    if (bits == bitsOf(type) || (wider && bits > bitsOf(type)))
      return placeOf(operand.reg);
    fail("register '" + operand.name + "' of type ." + nameOf(entry.registers[operand.reg].type) +
         " as a value of type ." + nameOf(type));
    return 0;
  }
  if (std::optional<uint64_t> bits = literal(operand, type))
    return constant(*bits, wide);
  if (operand.kind == Operand::Name) {
    if (std::optional<uint32_t> place = special(operand.name, type))
      return *place;
    Space space;
    if (std::optional<uint64_t> address = symbolAddress(operand.name, space); address && (wide || bitsOf(type) == 32))
      return constant(*address + uint64_t(operand.value), wide);
  }
  fail(operand.kind == Operand::Name ? "unknown name '" + operand.name + "'"
                                     : std::string("an operand that is no value of type .") + nameOf(type));
  return 0;
}

void Decoder::sourceOf(const Operand &operand, Type type, bool wider) {
  in.s[in.sources++] = valueOf(operand, type, wider);
}

void Decoder::destinationOf(const Operand &operand, Type type, bool wider) {
  if (operand.kind == Operand::Sink) {
    if (sink == kNone) {
      sink = program.slots * kLanes;
      program.slots += 2;
    }
    in.d[in.destinations++] = sink;
    return;
  }
  if (operand.kind != Operand::Register) {
    fail("a result that is no register");
    return;
  }
  in.d[in.destinations++] = valueOf(operand, type, wider);
}

uint32_t Decoder::predicateOf(const Operand &operand) {
  if (operand.kind == Operand::Register && entry.registers[operand.reg].type == Type::Pred)
    return placeOf(operand.reg);
  fail("an operand that is no predicate");
  return 0;
}

void Decoder::predicateSource(size_t i) {
  in.negatedPredicate = operand(i).negated;
  in.ps[in.predicateSources++] = predicateOf(operand(i));
}

void Decoder::predicateDestinationOf(const Operand &operand) {
  if (operand.kind == Operand::Sink) {
    if (predicateSink == kNone)
      predicateSink = program.predicates++;
    in.pd[in.predicateDestinations++] = predicateSink;
    return;
  }
  if (operand.negated)
    fail("'!' before a result");
  in.pd[in.predicateDestinations++] = predicateOf(operand);
}

void Decoder::vectorSource(size_t i, Type type, size_t count) {
  if (operand(i).kind != Operand::Vector || operand(i).elements.size() != count) {
    fail("operand " + std::to_string(i + 1) + " is no vector of " + std::to_string(count));
    return;
  }
  for (const Operand &element : operand(i).elements)
    sourceOf(element, type);
}

void Decoder::vectorDestination(size_t i, Type type, size_t count, bool wider) {
  if (operand(i).kind != Operand::Vector || operand(i).elements.size() != count) {
    fail("operand " + std::to_string(i + 1) + " is no vector of " + std::to_string(count));
    return;
  }
  for (const Operand &element : operand(i).elements)
    destinationOf(element, type, wider);
}

void Decoder::address(size_t i, Space space) {
  const Operand &place = operand(i);
  if (place.kind != Operand::Address) {
    fail("operand " + std::to_string(i + 1) + " is no address");
    return;
  }
  in.addressBits = 64;
  in.immediate = place.value;
  if (place.reg >= 0) {
    const RegisterSyntax &reg = entry.registers[place.reg];
    if (bitsOf(reg.type) != 32 && bitsOf(reg.type) != 64)
      fail("register '" + reg.name + "' holds no address");
    if (bitsOf(reg.type) == 32 && space != Space::Shared && space != Space::Local && space != Space::Param)
      fail("an address of 32 bits in the space ." + std::string(nameOf(space)));
    in.addressBits = uint8_t(bitsOf(reg.type));
    in.s[in.sources++] = placeOf(place.reg);
    return;
  }
  uint64_t base = 0;
  if (!place.name.empty()) {
    Space found = space;
    std::optional<uint64_t> symbol = symbolAddress(place.name, found);
    if (!symbol) {
      fail("unknown name '" + place.name + "'");
      return;
    }
    if (found != space)
      fail("'" + place.name + "' lies in the space ." + nameOf(found) + ", not ." + nameOf(space));
    base = *symbol;
  }
  in.s[in.sources++] = constant(base + uint64_t(place.value), true);
  in.immediate = 0;
}

int64_t Decoder::immediate(size_t i, int64_t least, int64_t most) {
  const Operand &number = operand(i);
  if (number.kind != Operand::Integer || number.value < least || number.value > most) {
    fail("operand " + std::to_string(i + 1) + " is no constant from " + std::to_string(least) + " to " +
         std::to_string(most));
    return least;
  }
  return number.value;
}

} // namespace mho::ptx
