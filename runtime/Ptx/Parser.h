// Parses the text of a PTX module.
#pragma once

#include "runtime/Ptx/Syntax.h"
#include "runtime/Status.h"

#include <string_view>

namespace mho::ptx {

/// Errors: "line N: what is wrong, near 'text'". Bodies of .func are skipped: no instruction calls them.
Expected<ModuleSyntax> parseModule(std::string_view text);

/// True for the opcodes that the interpreter has, in some form.
bool isKnownOpcode(std::string_view opcode);
/// All of them, by name.
std::vector<std::string> knownOpcodes();

} // namespace mho::ptx
