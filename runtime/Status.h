// Errors as values: a frontend turns them into exceptions, once.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace mho {

/// Success, or a message that names the value at fault and the remedy.
class [[nodiscard]] Status {
public:
  static Status ok() { return Status(); }
  static Status error(std::string message) {
    Status s;
    s.text = std::move(message);
    return s;
  }
  explicit operator bool() const { return !text.has_value(); }
  const std::string &message() const { return *text; }

private:
  std::optional<std::string> text;
};

/// A value, or a message as in Status.
template <class T> class [[nodiscard]] Expected {
public:
  Expected(T value) : held(std::move(value)) {}
  Expected(Status failure) : status(std::move(failure)) {}
  explicit operator bool() const { return held.has_value(); }
  T &operator*() { return *held; }
  T *operator->() { return &*held; }
  const std::string &message() const { return status.message(); }
  Status error() const { return status; }

private:
  std::optional<T> held;
  Status status = Status::ok();
};

} // namespace mho
