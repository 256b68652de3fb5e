// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/checks/finding.h"
#include "core/chip/geometry.h"
#include "core/events/event_log.h"

/// What cores and RISCs do to each other, found in the logs of a launch: classes race, remote-slot, semaphore-race and
/// semaphore-passed. The logs say what was done and in which order each kernel did it; which of them are ordered across
/// kernels follows from barriers, semaphores and circular buffers alone. So the answer is the same on any number of ranks
/// and whatever order the host ran the kernels in.
namespace tilegrid::races {

/// What must be known of a program besides its logs.
struct Layout {
  struct Buffer {
    int id = 0;
    std::uint32_t pages = 0;
    std::uint32_t page_bytes = 0;
    std::uint32_t offset = 0;  ///< in L1
    std::string role;
    bool on_buffer = false;  ///< its pages hold data from the beginning and are memory like any other
    friend bool operator==(const Buffer&, const Buffer&) = default;
  };
  /// What lies in a core's L1.
  struct Memory {
    std::vector<Buffer> buffers;            ///< in order of offsets
    std::vector<std::uint32_t> semaphores;  ///< initial values
    friend bool operator==(const Memory&, const Memory&) = default;
  };
  /// A kernel on a rectangle of cores, both corners included.
  struct Kernel {
    std::string name;
    Risc risc{};
    LogicalCore first;
    LogicalCore last;
    [[nodiscard]] bool runs_on(LogicalCore core) const {
      return core.x >= first.x && core.x <= last.x && core.y >= first.y && core.y <= last.y;
    }
  };
  GridSize grid;
  Places places;                 ///< of the chip
  std::vector<Memory> memories;  ///< each once
  std::vector<int> memory_of;    ///< number of a core's memory, by core index
  std::vector<Kernel> kernels;
};

/// Whether any of the classes is on.
[[nodiscard]] inline bool wanted(const checks::Config& checks) { return checks.any(checks::in_logs); }

/// `logs` by core, with local offsets and lines (EventLog::keep_local, keep_lines); `complete` unless kernels stopped in a
/// wait that never ended.
[[nodiscard]] std::vector<checks::Finding> find(const Layout& layout, const std::vector<EventLog>& logs,
                                                const checks::Config& checks, bool complete = true);

}  // namespace tilegrid::races
