// SPDX-License-Identifier: Apache-2.0
#include "core/checks/classes.h"

namespace tilegrid::checks {

const char* name_of(Severity severity) {
  constexpr std::array<const char*, 3> names{"off", "warn", "error"};
  return names[static_cast<std::size_t>(severity)];
}

const std::array<ClassInfo, class_count>& classes() {
  using enum Severity;
  static constexpr std::array<ClassInfo, class_count> table{{
      {"read-barrier", error, "data of a read is pushed or sent on before noc_async_read_barrier"},
      {"write-flush", error, "the source of a write is popped, overwritten or changed before it is flushed"},
      {"kernel-end", error, "a kernel ends with reads, writes or atomics that no barrier has waited for"},
      {"linked-open", error, "a linked multicast is not ended by an unlinked one, or a unicast comes in between"},
      {"multicast-count", error, "the number of destinations is not that of the cores which acknowledge"},
      {"alignment", error, "source and destination of a transfer differ modulo 16 (32 for reads of DRAM)"},
      {"cb-window", error, "push without reserve, pop without wait, access outside of the reserved or waited pages"},
      {"cb-owner", error, "two producers or two consumers of one circular buffer"},
      {"remote-slot", error, "a write into a CB slot of another core that its owner has not reserved"},
      {"semaphore-state", warn, "a semaphore does not end with the value that it began with"},
      {"semaphore-race", error, "a semaphore is set while an increment or another set may be under way"},
      {"semaphore-passed", error, "a wait for one value that a later increment may pass before it is seen"},
      {"race", error, "two accesses to the same L1 bytes, one a write, that nothing orders"},
      {"uninitialised-l1", error, "bytes of L1 are used that nobody has written"},
      {"uninitialised-dram", error, "bytes of DRAM are read that nobody has written"},
      {"uninitialised-dst", error, "the vector unit reads a DST slot that nothing wrote in this section"},
      {"dst-order", error, "acquire, commit, wait and release out of order; DST used outside of its section"},
      {"dst-dirty", warn, "matmul, or a multiplication, adds to what another operation left in the slot"},
      {"format-reconfig", error, "unpacker or packer are set to another format than that of the CB"},
      {"l1-acc-left", warn, "a kernel ends with the packer's L1 accumulation on"},
  }};
  return table;
}

Config::Config() {
  for (std::size_t i = 0; i < class_count; ++i) severities_[i] = classes()[i].severity;
}

}  // namespace tilegrid::checks
