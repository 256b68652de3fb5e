// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "runtime/device.h"

namespace tilegrid::test {

[[nodiscard]] inline LaunchOptions dry_options(bool dry = true) {
  LaunchOptions options;
  options.dry = dry;
  return options;
}

/// The same events in the same order; names the first that is another.
inline void expect_same_logs(const LaunchLog& dry, const LaunchLog& full) {
  EXPECT_EQ(dry.name, full.name);
  EXPECT_EQ(dry.setups, full.setups);
  EXPECT_EQ(dry.setup_numbers, full.setup_numbers);
  ASSERT_EQ(dry.cores.size(), full.cores.size());
  for (std::size_t core = 0; core < full.cores.size(); ++core) {
    for (const Risc risc : each<Risc>) {
      const auto& a = dry.cores[core].sequence(risc);
      const auto& b = full.cores[core].sequence(risc);
      ASSERT_EQ(a.size(), b.size()) << "core " << core << " " << name_of(risc);
      auto other = b.begin();
      std::size_t number = 0;
      for (const Event& event : a) {
        ASSERT_EQ(event, *other) << "core " << core << " " << name_of(risc) << " event " << number << ": " << to_text(event)
                                 << ", not " << to_text(*other);
        ++other;
        ++number;
      }
    }
  }
}

/// All counts but those that depend on the host's schedule.
inline void expect_same_counts(const RunResult& dry, const RunResult& full) {
  ASSERT_EQ(dry.cores.size(), full.cores.size());
  for (std::size_t i = 0; i < full.cores.size(); ++i) {
    const CoreCounters& a = dry.cores[i];
    const CoreCounters& b = full.cores[i];
    EXPECT_EQ(a.tiles, b.tiles);
    EXPECT_EQ(a.dest_reuses, b.dest_reuses);
    EXPECT_EQ(a.dst_sections, b.dst_sections);
    EXPECT_EQ(a.dst_peak_slots, b.dst_peak_slots);
    EXPECT_EQ(a.l1_used_bytes, b.l1_used_bytes);
    for (const NocId noc : each<NocId>) {
      for (const TransferKind kind : each<TransferKind>) {
        const TransferCounters& x = a.transfers[noc][kind];
        const TransferCounters& y = b.transfers[noc][kind];
        EXPECT_EQ(x.transactions, y.transactions);
        EXPECT_EQ(x.bytes, y.bytes);
        EXPECT_EQ(x.hops, y.hops);
        EXPECT_EQ(x.byte_hops, y.byte_hops);
      }
    }
    for (std::size_t cb = 0; cb < a.cbs.size(); ++cb) EXPECT_EQ(a.cbs[cb].pushed_pages, b.cbs[cb].pushed_pages);
  }
}

}  // namespace tilegrid::test
