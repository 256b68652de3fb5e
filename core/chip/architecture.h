// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tilegrid::timing {

/// A named constant of a chip, as the architecture file has it.
struct Parameter {
  double value = 0;
  std::string unit;
  std::string source;  ///< where the number comes from: document and section, or "estimate: why"
};

/// The constants of one chip (core/chip/*.json). Two are built in: wormhole_b0 and blackhole.
class Architecture {
 public:
  /// Built-in name ("wormhole_b0") or path of a file. Throws UsageError: no such file, not JSON (line and column), a
  /// parameter that is missing, unknown (with the nearest name), without a unit or a source, not a finite number, or out of
  /// its range.
  [[nodiscard]] static Architecture load(const std::string& name_or_path);
  [[nodiscard]] static std::vector<std::string> built_in();

  /// Applies "key=value". Throws UsageError for an unknown key, with the nearest name, or a bad value.
  void set(const std::string& assignment);
  /// Throws std::logic_error for a name that no architecture has.
  [[nodiscard]] double operator[](const std::string& name) const;
  [[nodiscard]] const std::map<std::string, Parameter>& parameters() const { return parameters_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::map<std::string, Parameter> parameters_;
};

}  // namespace tilegrid::timing
