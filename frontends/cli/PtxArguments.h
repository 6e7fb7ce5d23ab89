// The arguments that `mho ptx run` gives to a kernel: numbers, and buffers with their contents.
//
//   u32=64                          a number
//   f16*4096=random:7               a buffer of 4096 f16, integers from -4 to 4 of seed 7
//   f32*=file:x.bin,readonly        a buffer as large as the file
//   f32*4096=zeros,write:c.bin      a buffer that is written to a file in the end
#pragma once

#include "runtime/Ptx/Module.h"

#include <deque>
#include <string>

namespace mho::cli {

/// One argument; a buffer keeps its contents here.
struct PtxArgument {
  ptx::Type type = ptx::Type::U32;
  bool buffer = false, readOnly = false, prints = false;
  size_t misalignment = 0;
  std::string writeTo;
  std::vector<uint8_t> bytes; ///< of the number, or of the buffer
};

/// Errors name the text and what is expected.
Expected<PtxArgument> readPtxArgument(const std::string &text);

/// Element i of a buffer as a person reads it.
std::string elementText(const PtxArgument &argument, size_t i);

} // namespace mho::cli
