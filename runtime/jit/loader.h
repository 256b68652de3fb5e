// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/metalium/include/tilegrid/interface.h"
#include "kernels/program.h"
#include "kernels/registry.h"

namespace tilegrid::jit {

/// Compiled kernels in this process. An object is loaded from memory and stays loaded, since logs and findings refer to its
/// texts. One that has global or static variables is loaded once for every core that runs it, as each core has its own on
/// silicon; and before each launch they get their first values again, as silicon loads a kernel for each launch.
class Loader {
 public:
  /// The process's own. Not for several threads at a time.
  static Loader& of_process();

  /// Makes the objects of a program known; those without bytes must be known already. Throws Error.
  void add(const std::vector<KernelObject>& objects);

  struct Entry {
    KernelFunction function = nullptr;
    tilegrid_device::Meter* meter = nullptr;
  };
  /// The entry of the object for a core, with its variables as they are before a launch. Throws Error for bytes that can't
  /// be loaded.
  [[nodiscard]] Entry entry(const std::string& key, int core);

  /// Whether each core has its own copy.
  [[nodiscard]] bool has_variables(const std::string& key) const;

 private:
  /// Bytes of an object that a kernel may change.
  struct Range {
    std::uint64_t address = 0;  ///< in the object
    std::uint64_t bytes = 0;
  };
  struct Copy {
    Entry entry;
    std::byte* base = nullptr;
    std::vector<std::vector<std::byte>> first_values;  ///< of the ranges
  };
  struct Known {
    std::shared_ptr<const std::vector<std::byte>> bytes;
    std::vector<Range> variables;
    std::map<int, Copy> copies;  ///< by core; -1 for all
  };
  static std::vector<Range> variables_of(const std::string& key, const std::vector<std::byte>& bytes);
  static Copy load(const std::string& key, const Known& known);

  std::map<std::string, Known> objects_;
};

/// "file:line" of an address in the code of a loaded kernel, as the compiler's debug information has it; empty when the
/// address is in none, or the host lacks the tool (addr2line).
[[nodiscard]] std::string line_of_code(const void* address);

}  // namespace tilegrid::jit
