// Random scalar code (SPEC.md, "Scalar code"): well typed, over the whole vocabulary, with results that do not depend
// on what SPEC.md leaves open. It is text made of lines that each define one value, so that lines can be taken away.
//
//   Code code;
//   code.arguments = {{"e", Scalar::F32}};
//   extend(code, /*lines=*/10, {/*draws=*/true}, random);
//   code.results = {anyOf(code, Scalar::F32, random)};
#pragma once

#include "frontends/cli/fuzz/Random.h"

#include <string>

namespace mho::cli::fuzz {

enum class Scalar { F32, I32, I1 };

/// A line of code: the number of a form of the vocabulary, a predicate or constant or the like, and operands by number.
struct Line {
  int form;
  std::string detail;
  std::vector<int> operands;
};

struct Argument {
  std::string name;
  Scalar type;
};

/// Values are numbered: arguments first, then lines.
struct Code {
  std::vector<Argument> arguments;
  std::vector<Line> lines;
  std::vector<int> results; ///< what is yielded, by number; the meaning of each is the region's

  Scalar typeOf(int value) const;
  /// "%name" of an argument, "%v3" of a line.
  std::string nameOf(int value) const;
  int size() const { return arguments.size() + lines.size(); }
};

/// What extend() may use.
struct Vocabulary {
  bool draws = false;   ///< normal and uniform
  bool indices = false; ///< tile, row, column, tile_rows
  int firstValue = 0;   ///< values before it are not used
};

/// Where kernels differ from formulas if they do: NaN, infinities, zeros, the smallest numbers, beyond the range of
/// i32.
inline constexpr const char *kSpecialValues[] = {
    "0x7FC00000", "0x7FC00000", "0x7F800000",    "0xFF800000",   "-0.0",       "2147483648.0", "3.0e+09", "-3.0e+09",
    "1.0e+20",    "-1.0e+30",   "-2147483648.0", "2147483520.0", "0x00000001", "0x807FFFFF",   "1.0e-40"};

/// How an f32 result is turned into a small integer. What comes before it still tells apart every bit.
enum class Snap {
  None,
  Clamp, ///< to the nearest integer from -8 to 8; its derivative is 0 or 1
  Bits,  ///< three bits that depend on all of its bits, 0 to 7
};

/// Adds that many lines, and before them constants where a type has no value yet.
void extend(Code &code, int lines, Vocabulary vocabulary, Random &random);
/// Adds one line of a form by its name; an empty detail is none. Its number.
int append(Code &code, const std::string &form, std::vector<int> operands, const std::string &detail = "");
/// A value of that type from `firstValue` on, late ones preferred; makes a constant where there is none.
int anyOf(Code &code, Scalar type, Random &random, int firstValue = 0);
/// The value, or a sum with `on` where it does not depend on that.
int dependent(Code &code, int value, int on, Random &random);
/// An f32 that tells of the value and of every other that nothing uses: no line is for nothing.
int folded(Code &code, int value, Snap snap);
/// A power of two with a sign, as a constant.
int powerOfTwo(Code &code, Random &random);

/// The lines as text, each indented; and a line that snaps result 0, which `result` then names.
std::string print(const Code &code, Snap snap, std::string &result);
/// How many numbers the code draws.
int draws(const Code &code);
/// An argument more, before argument `before`, that nothing uses.
void insertArgument(Code &code, int before, Argument argument);
/// Takes an argument away, whose uses become uses of the first.
void removeArgument(Code &code, int argument);
/// Takes a line away: its uses become uses of an operand or else of an earlier value of its type. False where there is
/// none.
bool removeLine(Code &code, int line);
bool isConstant(const Line &line);
/// True if its value is a small whole number.
bool isWhole(const Line &line);
/// Takes away the lines that no result needs. Draws stay, which have streams by their order.
void removeUnused(Code &code);

} // namespace mho::cli::fuzz
