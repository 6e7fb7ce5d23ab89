// Folders and files that only this user can write: where code or IR may be kept without trusting others.
#pragma once

#include "runtime/Status.h"

#include <string>
#include <sys/stat.h>

namespace mho {

/// Whether the last part of a path may be a symbolic link.
enum class Links { Follow, Refuse };

/// The user's own, and written by nobody else.
bool isOwn(const struct stat &info);

/// Makes the folder (mode 0700) and those above it where they are missing. Errors: it cannot be made, is no folder, or
/// is not the user's alone to write; the message begins with `what` and the path and does not tell a remedy.
Status prepareOwnFolder(const std::string &what, const std::string &path, Links links);

} // namespace mho
