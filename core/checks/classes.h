// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cereal/types/array.hpp>
#include <cstddef>
#include <cstdint>

/// Checks of kernels: mistakes that an emulator could overlook and silicon punishes (tensix.md 1.3, 1.5, 4.1, 7).
namespace tilegrid::checks {

/// One kind of mistake, which can be set to off, warn or error. The table in classes.cpp says what each looks for.
enum class Class : std::uint8_t {
  read_barrier,
  write_flush,
  kernel_end,
  linked_open,
  multicast_count,
  alignment,
  cb_window,
  cb_owner,
  remote_slot,
  semaphore_state,
  semaphore_race,
  semaphore_passed,
  race,
  uninitialised_l1,
  uninitialised_dram,
  uninitialised_dst,
  dst_order,
  dst_dirty,
  format_reconfig,
  l1_acc_left,
};
inline constexpr std::size_t class_count = static_cast<std::size_t>(Class::l1_acc_left) + 1;

enum class Severity : std::uint8_t {
  off,
  warn,   ///< the run goes on, what was found is printed at its end
  error,  ///< the run ends with exit code 2
};
[[nodiscard]] const char* name_of(Severity severity);

struct ClassInfo {
  const char* name;
  Severity severity;  ///< unless the user says otherwise: error for what silicon would corrupt or hang on
  const char* summary;
};
[[nodiscard]] const std::array<ClassInfo, class_count>& classes();
[[nodiscard]] inline const ClassInfo& info_of(Class c) { return classes()[static_cast<std::size_t>(c)]; }
[[nodiscard]] inline const char* name_of(Class c) { return info_of(c).name; }

/// The severity of every class.
class Config {
 public:
  Config();  ///< the defaults
  [[nodiscard]] static Config all(Severity severity) {
    Config config;
    config.severities_.fill(severity);
    return config;
  }
  [[nodiscard]] Severity of(Class c) const { return severities_[static_cast<std::size_t>(c)]; }
  [[nodiscard]] bool on(Class c) const { return of(c) != Severity::off; }
  [[nodiscard]] bool any(std::initializer_list<Class> of_these) const {
    for (const Class c : of_these) {
      if (on(c)) return true;
    }
    return false;
  }
  Config& set(Class c, Severity severity) {
    severities_[static_cast<std::size_t>(c)] = severity;
    return *this;
  }

 private:
  std::array<Severity, class_count> severities_{};
};

}  // namespace tilegrid::checks
