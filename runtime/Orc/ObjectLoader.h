// Machine code of this process through LLVM ORC: LLVM modules to objects, objects to entry points.
#pragma once

#include "runtime/PackedCall.h"
#include "runtime/Status.h"

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace mho {

/// A target machine for this CPU, or for another of its architecture by LLVM's name; fused multiply-adds only where the
/// IR asks for them.
Expected<std::unique_ptr<llvm::TargetMachine>> targetMachine(llvm::StringRef cpu = "");

/// Triple, CPU and features as one text: part of a kernel's cache key.
Expected<std::string> hostTargetText();

/// Adds `void <function>_entry(void **args)`, which loads every argument of `function` from args[i] and calls it.
Status addPackedEntry(llvm::Module &module, const std::string &function);

/// Optimises the module for the machine (O3).
Status optimizeModule(llvm::Module &module, llvm::TargetMachine &machine);

/// An object file, or assembly text.
Expected<std::string> emitCode(llvm::Module &module, llvm::TargetMachine &machine, bool assembly);

/// Code in memory. It stays for the life of the process: kernels are few, and a call may be running.
class LoadedObject {
public:
  /// The object's bytes are copied.
  static Expected<LoadedObject> load(const std::string &object);
  /// Address of `<function>_entry`. Errors: no such function in the object.
  Expected<KernelEntry> entry(const std::string &function) const;

private:
  void *library = nullptr; ///< llvm::orc::JITDylib of this object alone
};

} // namespace mho
