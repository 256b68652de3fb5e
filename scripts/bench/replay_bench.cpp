// SPDX-License-Identifier: Apache-2.0
// How many events a CPU second the replay takes, for logs of the network alone: the vendor's data-movement tests
// (runtime/timing/microbenchmarks.h). Logs of whole programs tell it themselves: "Host cost: replay of ... events".
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "core/cpu_time.h"
#include "runtime/timing/microbenchmarks.h"
#include "runtime/timing/replay.h"

namespace {

using namespace tilegrid;

void measure(const std::string& name, const RunLog& log, const Chip& chip) {
  constexpr double enough_seconds = 0.5;
  std::uint64_t events = 0;
  double cycles = 0;
  const double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  double seconds = 0;
  while (seconds < enough_seconds) {
    const timing::DeviceTime time = timing::replay(log, chip);
    events += time.events;
    cycles = time.cycles;
    seconds = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
  }
  fmt::print("{:<34} {:>12.0f} cycles {:>10.2f} M events a CPU second\n", name, cycles,
             static_cast<double>(events) / seconds / 1e6);
  std::fflush(stdout);
}

}  // namespace

int main() {
  const Chip chip;
  const timing::Microbenchmarks tests(chip);
  const GridSize all = tests.grid();
  for (const std::uint32_t bytes : {64U, 2048U, 8192U}) {
    measure(fmt::format("all to all, writes of {} B", bytes), tests.all_to_all(all, bytes), chip);
  }
  for (const std::uint32_t bytes : {2048U, 8192U}) {
    measure(fmt::format("all read DRAM, {} B", bytes), tests.dram_by_all(all, NocId::noc0, EventKind::noc_read, bytes, 100),
            chip);
    measure(fmt::format("all write DRAM, {} B", bytes),
            tests.dram_by_all(all, NocId::noc1, EventKind::noc_write, bytes, 100), chip);
  }
  const LogicalCore first{.x = 0, .y = 0};
  const LogicalCore last{.x = all.x - 1, .y = all.y - 1};
  measure("one reads from one, 2048 B", tests.l1_read(first, last, 2048, 20'000), chip);
  measure("multicast to all, 2048 B", tests.multicast(first, first, last, 2048, true, 2000), chip);
}
