#include "runtime/OwnFolder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mho {

bool isOwn(const struct stat &info) { return info.st_uid == geteuid() && !(info.st_mode & (S_IWGRP | S_IWOTH)); }

Status prepareOwnFolder(const std::string &what, const std::string &path, Links links) {
  std::string named = what + " '" + path + "'";
  std::error_code problem;
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) // "x/": its last part is x
    folder = folder.parent_path();
  fs::create_directories(folder.parent_path(), problem); // if it fails, so does mkdir
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return Status::error("cannot make " + named + ": " + std::strerror(errno));
  struct stat info;
  int found = links == Links::Follow ? stat(folder.c_str(), &info) : lstat(folder.c_str(), &info);
  if (found != 0 || !S_ISDIR(info.st_mode))
    return Status::error(named + " is not a folder");
  if (!isOwn(info))
    return Status::error(named + " is not yours alone to write, so what is in it cannot be trusted");
  return Status::ok();
}

} // namespace mho
