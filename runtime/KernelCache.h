// Compiled kernels on disk: content-addressed, self-checking, written by rename.
//
//   KernelCache cache(dir, limitBytes);
//   if (std::optional<std::string> payload = cache.load(key)) ...
//   if (Status status = cache.store(key, payload); !status) warn(status.message());
//
// An entry is machine code, so a folder or file that is not this user's own, or that others may write, is refused. A
// corrupt, cut off or foreign entry is a miss and is removed. Safe among processes: readers see whole entries only, and
// while one makes an entry under lock(key), the others wait for it and then find it.
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mho {

class KernelCache {
public:
  /// Beyond `limitBytes` a store removes the entries that were used longest ago. Nothing is touched before first use.
  KernelCache(std::string directory, int64_t limitBytes) : directory(std::move(directory)), limitBytes(limitBytes) {}

  /// The payload stored under `key` (hexadecimal digits), or nothing. A hit counts as a use.
  std::optional<std::string> load(const std::string &key) const;
  /// Errors: a folder that cannot be made, is not safe or is full; the message names it and the remedy. Nothing
  /// half-written stays.
  Status store(const std::string &key, const std::string &payload) const;
  /// Held by who makes the entry of a key.
  class Lock {
  public:
    explicit Lock(int descriptor) : descriptor(descriptor) {}
    Lock(Lock &&other) : descriptor(std::exchange(other.descriptor, -1)) {}
    ~Lock();

  private:
    int descriptor;
  };
  /// Waits while another process or thread holds the key's lock, 10 seconds at most. It saves work and protects
  /// nothing: where it cannot be had, the caller goes on without.
  Lock lock(const std::string &key) const;
  /// Removes the entry of that key, if there is one.
  void remove(const std::string &key) const;
  /// Removes every entry, and what writers that died have left; files of other names stay. Returns how many there were.
  Expected<int64_t> clear() const;

  struct Usage {
    int64_t entries = 0, bytes = 0;
  };
  Usage usage() const;
  const std::string &path() const { return directory; }

private:
  std::string fileOf(const std::string &key) const { return directory + "/" + key + ".mho"; }
  Status prepareDirectory() const;
  void trim() const;

  std::string directory;
  int64_t limitBytes;
};

} // namespace mho
