// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace tilegrid {

/// Exit codes of every tilegrid program.
enum class ExitCode : int { ok = 0, usage = 1, kernel = 2, deadlock = 3, mismatch = 4, lost_rank = 5 };

/// Base of all errors that end a run; `code()` becomes the exit code.
class Error : public std::exception {
 public:
  Error(ExitCode code, std::string message) : code_(code), message_(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] ExitCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  ExitCode code_;
  std::string message_;
};

/// A wrong flag, shape, file or combination of them: one line, exit code 1.
class UsageError : public Error {
 public:
  explicit UsageError(std::string message) : Error(ExitCode::usage, std::move(message)) {}
};

/// What an emulated unit found wrong in a kernel's request. The unit knows neither core nor kernel line; the fiber that
/// ran the request adds them and turns the fault into a KernelError.
struct Fault : public std::exception {
  std::string error_class;  ///< short and stable, e.g. "DST capacity"; what a test or a JSON twin matches
  std::string action;       ///< what the kernel did, e.g. "matmul_block wrote DST tiles 6..9"
  std::string rule;         ///< what the hardware allows
  std::optional<std::int64_t> asked;
  std::optional<std::int64_t> available;
  std::string unit;       ///< of asked / available: "tiles", "bytes", "pages"
  std::string fix;        ///< what to do about it
  const char* file = "";  ///< of the call that is at fault, when it is not the one that the kernel is in
  unsigned line = 0;      ///< 0: the call that the kernel is in

  Fault(std::string class_of_error, std::string what_was_done, std::string the_rule)
      : error_class(std::move(class_of_error)), action(std::move(what_was_done)), rule(std::move(the_rule)) {}
  Fault&& numbers(std::int64_t asked_for, std::int64_t there_is, const std::string& in_unit) && {
    asked = asked_for;
    available = there_is;
    unit = in_unit;
    return std::move(*this);
  }
  Fault&& hint(const std::string& what_to_do) && {
    fix = what_to_do;
    return std::move(*this);
  }
  Fault&& at(const char* in_file, unsigned at_line) && {
    file = in_file;
    line = at_line;
    return std::move(*this);
  }
  [[nodiscard]] const char* what() const noexcept override { return action.c_str(); }
};

/// A kernel broke a rule of the hardware, or asked for more than there is: exit code 2.
class KernelError : public Error {
 public:
  explicit KernelError(std::string message) : Error(ExitCode::kernel, std::move(message)) {}
};

/// Nothing can run any more and kernels are unfinished: exit code 3.
class DeadlockError : public Error {
 public:
  explicit DeadlockError(std::string report, std::string json = {})
      : Error(ExitCode::deadlock, std::move(report)), json_(std::move(json)) {}
  /// The report as JSON.
  [[nodiscard]] const std::string& json() const { return json_; }

 private:
  std::string json_;
};

/// What was done, the rule, asked / available, and the fix.
[[nodiscard]] std::string details_of(const Fault& fault);

/// Text of a fault at a place: `error class . core (x,y) [physical] . RISC . kernel file:line`, then the details.
/// `place` is everything between class and details, already joined.
[[nodiscard]] std::string describe(const Fault& fault, const std::string& place);

}  // namespace tilegrid
