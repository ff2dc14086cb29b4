// Input-driven failures (files, flags, requests) are thrown as hone::Error and caught once per command and
// once per HTTP request. Programmer errors are HONE_CHECK: they abort with the values and must not be
// reachable from input.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace hone {

enum class ErrorCode {
  kInvalidArgument,    // wrong flag, recipe key, or value
  kNotFound,           // file, model or tensor missing
  kCorruption,         // a file contradicts itself or its format
  kNotSupported,       // valid, but not something hone does
  kResourceExhausted,  // memory, disk
  kIo,                 // the operating system refused
  kCancelled,          // Ctrl-C
  kInternal,           // a defect in hone
};

// "invalid_argument", "not_found", … as printed in {error: {code, message}}.
const char* error_code_name(ErrorCode code) noexcept;

// Process exit code: 2 for wrong usage or bad input, 130 for Ctrl-C, 1 for everything else.
int exit_code(ErrorCode code) noexcept;

// Message form: "where: what: got X, expected Y; hint".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& detail);

}  // namespace hone

// Aborts when a programmer's assumption is wrong: HONE_CHECK(a == b, "a={} b={}", a, b).
#define HONE_CHECK(condition, ...)                                                         \
  do {                                                                                     \
    if (!(condition)) [[unlikely]]                                                         \
      ::hone::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
