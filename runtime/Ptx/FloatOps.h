// Parts of the floating-point family that lie in files of their own.
#pragma once

namespace mho::ptx {

class Decoder;

/// add, sub, mul, fma, min, max, abs, neg of f16, bf16 and their pairs.
void decodeHalf(Decoder &d);
/// div.approx and div.full; rcp.approx and sqrt.approx: behind that modifier.
void decodeApproximateDivision(Decoder &d);
void decodeApproximateRoot(Decoder &d);

} // namespace mho::ptx
