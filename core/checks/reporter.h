// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "core/checks/finding.h"
#include "core/error.h"

namespace tilegrid::checks {

/// A fault of a class: its name is the error class.
[[nodiscard]] inline Fault fault_of(Class c, std::string action, std::string rule) {
  return {name_of(c), std::move(action), std::move(rule)};
}

/// Where a core's checks say what they found: an error is thrown as a fault of the running kernel, a warning is kept.
class Reporter {
 public:
  /// A new program. `where` tells the call that the running fiber is in.
  void begin(const Config& config, int core, std::function<Place()> where);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] bool on(Class c) const { return config_.on(c); }
  [[nodiscard]] Place here() const { return where_ ? where_() : Place{}; }

  /// Reports the fault that `make` returns, unless the class is off; returns when the kernel may go on.
  template <class Make>
  void found(Class c, const Make& make) {
    if (on(c)) report(c, make());
  }
  /// Outside of a kernel: nothing is thrown. A `place` without a line: the finding is of the core as a whole.
  void note(Class c, const Place& place, const Fault& fault);

  [[nodiscard]] std::vector<Finding> take_findings() { return std::exchange(findings_, {}); }

 private:
  void report(Class c, Fault fault);

  Config config_;
  int core_ = -1;
  std::function<Place()> where_;
  std::vector<Finding> findings_;
};

/// For a unit that may stand alone, without reporter: then every violation is thrown.
template <class Make>
void violated(Reporter* reporter, Class c, const Make& make) {
  if (reporter == nullptr) throw make();
  reporter->found(c, make);
}

}  // namespace tilegrid::checks
