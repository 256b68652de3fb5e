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

/// Takes what a core's checks find, and does with it what the user chose for its class: an error is thrown as a fault of the
/// running kernel, a warning is kept for the end of the run, anything else is dropped.
class Reporter {
 public:
  /// A new program begins on this core. `where` returns the call that the running fiber is in.
  void begin(const Config& config, int core, std::function<Place()> where);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] bool on(Class c) const { return config_.on(c); }
  [[nodiscard]] Place here() const { return where_ ? where_() : Place{}; }

  /// Unless the class is off, calls `make` for the fault and reports it. Returns when the kernel may go on.
  template <class Make>
  void found(Class c, const Make& make) {
    if (on(c)) report(c, make());
  }
  /// As found(), from outside of a kernel: an error is kept, too. A `place` without a line stands for the whole core.
  void note(Class c, const Place& place, const Fault& fault);

  /// How often something was found so far.
  [[nodiscard]] std::uint64_t count() const { return noted_; }
  [[nodiscard]] std::vector<Finding> take_findings() { return std::exchange(findings_, {}); }

 private:
  void report(Class c, Fault fault);

  Config config_;
  int core_ = -1;
  std::function<Place()> where_;
  std::vector<Finding> findings_;
  std::uint64_t noted_ = 0;
};

/// Reporter::found() for units that tests use without a reporter: every violation is thrown then.
template <class Make>
void violated(Reporter* reporter, Class c, const Make& make) {
  if (reporter == nullptr) throw make();
  reporter->found(c, make);
}

}  // namespace tilegrid::checks
