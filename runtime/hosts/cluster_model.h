// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "core/events/event_log.h"
#include "runtime/report/value.h"

namespace tilegrid::hosts {

/// What one core moves between two barriers: bytes by target (a core's index, or the number of cores plus a bank), and
/// whether it reads.
struct Transfer {
  bool reads = false;
  std::vector<std::pair<int, std::uint64_t>> bytes;
  friend bool operator<(const Transfer& a, const Transfer& b) {
    return std::tie(a.reads, a.bytes) < std::tie(b.reads, b.bytes);
  }
};

/// What a run moves, by core, as often as it does.
struct Traffic {
  GridSize grid;
  int banks = 1;
  std::vector<std::map<Transfer, std::uint64_t>> cores;
};
[[nodiscard]] Traffic traffic_of(const RunLog& log);

/// The hosts that are asked about.
struct Cluster {
  int hosts = 1;
  int ranks_per_host = 1;
  double cpus_per_host = 1;
  double link_seconds = 0;           ///< of a small message between hosts, one way
  double link_bytes_per_second = 1;  ///< of a host's link, each way
};

/// What a measured run says.
struct Measured {
  std::vector<double> core_seconds;  ///< CPU time of kernels by core
  double message_seconds = 0;        ///< CPU time of a message, sender and receiver together
  double fixed_seconds = 0;          ///< of a launch, however many hosts there are
  double serial_seconds = 0;         ///< of a run beside its launch: rank 0's
  double gathered_bytes = 0;         ///< logs and results
};

/// Of the report of a run that moved data (its JSON); `message_seconds` is what a message is said to take, 0 when nobody
/// says.
[[nodiscard]] Measured measured_by(const report::Value& report, double message_seconds);

/// What a run would take, in seconds. Messages are those between ranks, but for DRAM that they share.
struct Estimate {
  int hosts = 1, ranks = 1;
  std::uint64_t messages = 0, bytes = 0;
  double cpu = 0, wire = 0, latency = 0;  ///< of the host that needs most; a launch takes as long as the longest of them
  double gather = 0;                      ///< what rank 0 sends out and takes in, one rank after the other
  double start = 0;                       ///< of the processes
  double launch = 0, total = 0;
};
[[nodiscard]] Estimate estimate(const Traffic& traffic, const Measured& measured, const Cluster& cluster);

/// Of estimates for more and more hosts, the number from which on twice as many are no use; 0 when they always are.
[[nodiscard]] int limit_of(const std::vector<Estimate>& estimates);

/// What a launch waits for.
[[nodiscard]] const char* name_of_bound(const Estimate& estimate);

}  // namespace tilegrid::hosts
