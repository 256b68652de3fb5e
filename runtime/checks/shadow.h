// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/events/event_log.h"
#include "runtime/checks/clocks.h"
#include "runtime/checks/races.h"

namespace tilegrid::races {

/// A use of L1 bytes [first, end) by a thread.
struct Access {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  bool write = false;
  Moment moment;
  EventKind what{};
  Risc risc{};             ///< whose call it was
  std::uint16_t line = 0;  ///< number in the EventLines of the moment's core
};

/// Where the circular buffers of a program lie on a core.
struct BufferMap {
  struct Buffer {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::uint32_t page_bytes = 0;
    std::uint32_t pages = 0;
    std::uint32_t cell = 0;  ///< of its first page
    int id = 0;
    std::string role;
    bool on_buffer = false;
  };
  explicit BufferMap(const Layout::Memory& memory);
  [[nodiscard]] const Buffer* at(std::uint32_t offset) const;
  [[nodiscard]] const Buffer& of(int id) const { return buffers[by_id.at(id)]; }
  /// "page 3 of CB 1 'K'", or L1 bytes.
  [[nodiscard]] std::string text_of(std::uint32_t first, std::uint32_t end) const;

  std::vector<Buffer> buffers;
  std::vector<std::size_t> by_id;
};

/// The last uses of one core's L1, in cells of a page or of 1 KiB outside of circular buffers.
class Shadow {
 public:
  explicit Shadow(const BufferMap& buffers) : buffers_(&buffers) {}

  /// Calls conflict(earlier) for each earlier access that overlaps `access`, that `clock` does not know to be over, and
  /// where at least one of the two is a write. Then remembers `access`, unless `only_look`.
  template <class Conflict>
  void use(const Access& access, const Clock& clock, bool only_look, const Conflict& conflict) {
    for (std::uint32_t at = access.first; at < access.end;) {
      const Cell cell = cell_at(at);
      Access part = access;
      part.first = at;
      part.end = std::min(access.end, cell.end);
      use_in(cells_[cell.number], part, clock, only_look, conflict);
      at = part.end;
    }
  }

 private:
  struct Uses {
    std::vector<Access> writes;
    std::vector<Access> reads;
  };
  struct Cell {
    std::uint32_t number = 0;
    std::uint32_t end = 0;
  };
  [[nodiscard]] Cell cell_at(std::uint32_t offset) const;

  template <class Conflict>
  static void look(const std::vector<Access>& list, const Access& access, const Clock& clock, const Conflict& conflict) {
    for (const Access& one : list) {
      if (one.end <= access.first || access.end <= one.first || clock.knows(one.moment)) continue;
      const bool in_order = one.moment.channel != 0 && one.moment.channel == access.moment.channel;
      if (!in_order) conflict(one);
    }
  }
  /// Forgets earlier accesses that lie within this one, since whoever conflicts with them conflicts with this one, too.
  static void forget(std::vector<Access>& list, const Access& access, bool of_same_thread) {
    std::erase_if(list, [&](const Access& one) {
      if (one.first < access.first || one.end > access.end) return false;
      return !of_same_thread || (one.moment.core == access.moment.core && one.moment.thread == access.moment.thread);
    });
  }
  template <class Conflict>
  static void use_in(Uses& uses, const Access& access, const Clock& clock, bool only_look, const Conflict& conflict) {
    look(uses.writes, access, clock, conflict);
    if (access.write) look(uses.reads, access, clock, conflict);
    if (only_look) return;
    if (access.write) {
      // Whoever comes after this write also comes after everything that this write came after.
      forget(uses.writes, access, false);
      forget(uses.reads, access, false);
      uses.writes.push_back(access);
    } else {
      forget(uses.reads, access, true);
      uses.reads.push_back(access);
    }
  }

  const BufferMap* buffers_;
  std::unordered_map<std::uint32_t, Uses> cells_;
};

}  // namespace tilegrid::races
