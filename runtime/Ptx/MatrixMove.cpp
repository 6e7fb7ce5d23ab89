// ldmatrix, stmatrix: 8 x 8 matrices of 16-bit elements between shared memory and the fragments of a warp. Lane 8 m + r
// gives the address of row r of matrix m; lane 4 r + c holds elements 2 c and 2 c + 1 of row r (of column r with
// .trans).
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

uint32_t rowMask(int count) { return count == 4 ? kAllLanes : (1u << (8 * count)) - 1; }

void loadMatrix(Warp &warp, const Instr &in, uint32_t) {
  uint64_t addresses[kLanes];
  uint8_t *rows[kLanes];
  warp.addresses(in, 0, addresses, in.immediate);
  if (!warp.access(in, in.space, addresses, rowMask(in.count), 16, AccessKind::Read, rows))
    return;
  for (int m = 0; m < in.count; ++m) {
    uint16_t matrix[8][8];
    for (int r = 0; r < 8; ++r)
      std::memcpy(matrix[r], rows[8 * m + r], 16);
    uint32_t *d = warp.lanes<uint32_t>(in.d[m]);
    for (int i = 0; i < kLanes; ++i) {
      int r = i / 4, c = i % 4 * 2;
      d[i] = in.variant ? matrix[c][r] | uint32_t(matrix[c + 1][r]) << 16
                        : matrix[r][c] | uint32_t(matrix[r][c + 1]) << 16;
    }
  }
}

void storeMatrix(Warp &warp, const Instr &in, uint32_t) {
  uint64_t addresses[kLanes];
  uint8_t *rows[kLanes];
  alignas(16) uint16_t staged[4][8][8] = {};
  warp.addresses(in, 0, addresses, in.immediate);
  for (int m = 0; m < in.count; ++m) {
    const uint32_t *s = warp.lanes<uint32_t>(in.s[m + 1]);
    for (int i = 0; i < kLanes; ++i) {
      int r = i / 4, c = i % 4 * 2;
      (in.variant ? staged[m][c][r] : staged[m][r][c]) = uint16_t(s[i]);
      (in.variant ? staged[m][c + 1][r] : staged[m][r][c + 1]) = uint16_t(s[i] >> 16);
    }
  }
  const auto *bytes = reinterpret_cast<const uint8_t *>(staged);
  if (!warp.access(in, in.space, addresses, rowMask(in.count), 16, AccessKind::Write, rows, bytes))
    return;
  for (int i = 0; i < 8 * in.count; ++i)
    std::memcpy(rows[i], bytes + 16 * i, 16);
}

} // namespace

void decodeMatrixMove(Decoder &d) {
  bool loads = d.opcode() == "ldmatrix";
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8")) {
    d.fail("expected .sync.aligned.m8n8");
    return;
  }
  std::optional<int> count = d.takeOneOf({"x1", "x2", "x4"});
  if (!count) {
    d.fail("expected .x1, .x2 or .x4");
    return;
  }
  d.in.count = uint8_t(1 << *count);
  d.in.variant = d.take("trans");
  d.in.space = d.takeOneOf({"shared", "shared::cta"}) ? Space::Shared : Space::Generic;
  d.in.type = d.needType({Type::B16});
  d.in.control = Control::Aligned;
  if (!d.operands(2))
    return;
  d.address(loads ? 1 : 0, d.in.space);
  size_t data = loads ? 0 : 1;
  if (d.in.count == 1 && d.operand(data).kind == Operand::Register)
    loads ? d.destination(data, Type::B32) : d.source(data, Type::B32);
  else if (loads)
    d.vectorDestination(data, Type::B32, d.in.count);
  else
    d.vectorSource(data, Type::B32, d.in.count);
  d.in.accessBytes = 16;
  d.in.execute = loads ? loadMatrix : storeMatrix;
}

} // namespace mho::ptx
