// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/checks/classes.h"
#include "core/error.h"
#include "core/types.h"

namespace tilegrid::checks {

/// A call in a kernel's source, and the RISC that makes it.
struct Place {
  const char* kernel = "";
  const char* file = "";
  unsigned line = 0;
  Risc risc = Risc::trisc;
  [[nodiscard]] bool same_line(const Place& other) const { return line == other.line && file == other.file; }
};
/// "NCRISC at kernels/attention/reader.cpp:25"
[[nodiscard]] std::string text_of(const Place& place);

/// Something wrong in a kernel, in the parts of its message.
struct Finding {
  std::string error_class;  ///< name of the class, or of a rule that is always an error
  Severity severity = Severity::error;
  int core = -1;  ///< index in the grid; -1: not of one core
  std::string risc{}, kernel{}, file{};
  std::uint32_t line = 0;  ///< 0: not of one line
  std::string message{};   ///< what was done, the rule, numbers, what to do
  std::uint64_t count = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(error_class, severity, core, risc, kernel, file, line, message, count);
  }
};

/// A kernel's error with the parts of its message, and with what else was found in the same run.
class FoundError : public KernelError {
 public:
  FoundError(std::string message, std::vector<Finding> findings)
      : KernelError(std::move(message)), findings_(std::move(findings)) {}
  /// The error first; empty when it was no kernel's.
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::vector<Finding> findings_;
};

}  // namespace tilegrid::checks
