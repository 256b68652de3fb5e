// SPDX-License-Identifier: Apache-2.0
#include "runtime/hosts/cluster_model.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "noc/message.h"
#include "noc/node.h"

namespace tilegrid::hosts {
namespace {

/// Of a run without messages: what one of some 9 KiB costs both sides over TCP, on a virtual machine of 2 CPUs.
constexpr double usual_message_seconds = 20e-6;
constexpr double least_gain = 1.1;  ///< of twice the hosts, from which on it still scales

// Of mpirun and MPI_Init: measured with 2 to 80 ranks on two CPUs (2: 0.36 s, 16: 1.2 s, 80: 5.7 to 9.5 s).
constexpr double start_seconds = 0.3;
constexpr double start_cpu_seconds_a_rank = 0.15;
/// Header, segments and what TCP adds.
constexpr double message_overhead_bytes = 160;

/// Collects what a RISC moves until it waits for it.
class Collector {
 public:
  Collector(Traffic& traffic, const Places& places, int core) : traffic_(traffic), places_(places), core_(core) {}

  void add(const Event& event) {
    switch (event.kind()) {
      case EventKind::noc_read: {
        const auto read = events::get<events::NocRead>(event);
        count(reads_, read.peer, read.bytes);
        break;
      }
      case EventKind::noc_write: {
        const auto write = events::get<events::NocWrite>(event);
        count(writes_, write.peer, write.bytes);
        break;
      }
      case EventKind::noc_multicast:
        count_all(events::get<events::NocMulticast>(event));
        break;
      case EventKind::semaphore_inc:
        count(writes_, events::get<events::SemaphoreInc>(event).peer, events::word_bytes);
        break;
      case EventKind::read_barrier:
        close(true, reads_);
        break;
      case EventKind::write_barrier:
      case EventKind::writes_flushed:
      case EventKind::atomic_barrier:
        close(false, writes_);
        break;
      default:
        break;
    }
  }
  void end() {
    close(true, reads_);
    close(false, writes_);
  }

 private:
  using Bytes = std::map<int, std::uint64_t>;

  void count(Bytes& bytes, PhysicalCore node, std::uint64_t size) {
    if (const int bank = places_.bank_at(node.x, node.y); bank >= 0) {
      bytes[traffic_.grid.cores() + bank] += size;
    } else if (const int core = core_at(node); core >= 0 && core != core_) {
      bytes[core] += size;
    }
  }
  void count_all(const events::NocMulticast& multicast) {
    const auto [left, right] = std::minmax(multicast.first.x, multicast.last.x);
    const auto [top, bottom] = std::minmax(multicast.first.y, multicast.last.y);
    for (int core = 0; core < traffic_.grid.cores(); ++core) {
      const PhysicalCore node = places_.physical_of(traffic_.grid.core(core));
      const bool inside = node.x >= left && node.x <= right && node.y >= top && node.y <= bottom;
      if (inside && core != core_) writes_[core] += multicast.bytes;
    }
  }
  [[nodiscard]] int core_at(PhysicalCore node) const {
    for (int core = 0; core < traffic_.grid.cores(); ++core) {
      const PhysicalCore at = places_.physical_of(traffic_.grid.core(core));
      if (at.x == node.x && at.y == node.y) return core;
    }
    return -1;
  }
  void close(bool reads, Bytes& bytes) {
    if (bytes.empty()) return;
    ++traffic_.cores[core_][Transfer{reads, {bytes.begin(), bytes.end()}}];
    bytes.clear();
  }

  Traffic& traffic_;
  const Places& places_;
  const int core_;
  Bytes reads_, writes_;
};

/// What a host has to do, and what its link carries.
struct Load {
  double cpu = 0, in = 0, out = 0;
};

double most(const std::vector<Load>& hosts, double Load::*part) {
  double value = 0;
  for (const Load& host : hosts) value = std::max(value, host.*part);
  return value;
}

/// Adds up what travels between ranks.
class Crossing {
 public:
  Crossing(const Traffic& traffic, const Measured& measured, const Cluster& cluster, Estimate& result)
      : measured_(measured), cluster_(cluster), result_(result), hosts_(cluster.hosts) {
    const int cpus = static_cast<int>(std::ceil(cluster.cpus_per_host)) * cluster.hosts;  // as a session counts them
    const int owners = noc::best_bank_owners(result.ranks, cluster.hosts, cpus);
    placement_ = {traffic.grid, result.ranks, std::clamp(owners, 1, std::min(traffic.banks, result.ranks)), traffic.banks,
                  cluster.hosts == 1};
    rank_cpu_.resize(result.ranks);
  }

  void add_core(int core, const std::map<Transfer, std::uint64_t>& transfers) {
    const int rank = placement_.rank_of_core(core);
    rank_cpu_[rank] += measured_.core_seconds.at(core);
    std::uint64_t waits = 0;
    for (const auto& [transfer, count] : transfers) {
      if (add(rank, transfer, count)) waits += count;
    }
    result_.latency = std::max(result_.latency, static_cast<double>(waits) * 2 * cluster_.link_seconds);
  }

  void finish() {
    double busiest_rank = 0;
    for (int rank = 0; rank < result_.ranks; ++rank) {
      host_of(rank).cpu += rank_cpu_[rank];
      busiest_rank = std::max(busiest_rank, rank_cpu_[rank]);
    }
    result_.cpu = std::max(busiest_rank, most(hosts_, &Load::cpu) / cluster_.cpus_per_host);
    result_.wire = std::max(most(hosts_, &Load::in), most(hosts_, &Load::out)) / cluster_.link_bytes_per_second;
  }

 private:
  [[nodiscard]] int host_number(int rank) const { return std::min(rank / cluster_.ranks_per_host, cluster_.hosts - 1); }
  Load& host_of(int rank) { return hosts_[host_number(rank)]; }

  /// True when some of it comes from or goes to another host. What ranks of a host share, they do not send: DRAM, and L1
  /// that is read.
  bool add(int rank, const Transfer& transfer, std::uint64_t count) {
    std::map<int, std::uint64_t> by_rank;  // what is asked of one rank travels together
    for (const auto& [target, bytes] : transfer.bytes) {
      const int cores = placement_.grid.cores();
      const int other = target < cores ? placement_.rank_of_core(target) : placement_.rank_of_bank(target - cores);
      const bool shared = (target >= cores || transfer.reads) && host_number(other) == host_number(rank);
      if (other != rank && !shared) by_rank[other] += bytes;
    }
    bool crosses = false;
    for (const auto& [other, bytes] : by_rank) {
      const std::uint64_t data = (bytes + noc::max_payload - 1) / noc::max_payload;
      send(transfer.reads ? other : rank, transfer.reads ? rank : other, data * count, bytes * count);
      send(transfer.reads ? rank : other, transfer.reads ? other : rank, count, 0);  // the request, the acknowledgement
      crosses = crosses || host_number(other) != host_number(rank);
    }
    return crosses;
  }
  void send(int from, int to, std::uint64_t messages, std::uint64_t bytes) {
    if (host_number(from) != host_number(to)) {
      const double size = static_cast<double>(bytes) + static_cast<double>(messages) * message_overhead_bytes;
      host_of(from).out += size;
      host_of(to).in += size;
    }
    for (const int rank : {from, to}) {
      rank_cpu_[rank] += static_cast<double>(messages) * measured_.message_seconds / 2;
    }
    result_.messages += messages;
    result_.bytes += bytes;
  }

  const Measured& measured_;
  const Cluster& cluster_;
  Estimate& result_;
  noc::Placement placement_;
  std::vector<Load> hosts_;
  std::vector<double> rank_cpu_;
};

}  // namespace

Traffic traffic_of(const RunLog& log) {
  Traffic traffic{log.grid, 1, {}};
  traffic.cores.resize(log.grid.cores());
  for (const LaunchLog& launch : log.launches) {
    const Places places(launch.geometry, "the log's chip: ");
    traffic.banks = places.banks();
    for (int core = 0; core < std::min(log.grid.cores(), count_of(launch.cores)); ++core) {
      for (const Risc risc : each<Risc>) {
        Collector collector(traffic, places, core);
        for (const Event& event : launch.cores[core].sequence(risc)) collector.add(event);
        collector.end();
      }
    }
  }
  return traffic;
}

Estimate estimate(const Traffic& traffic, const Measured& measured, const Cluster& cluster) {
  Estimate result;
  result.hosts = cluster.hosts;
  result.ranks = std::min(cluster.hosts * cluster.ranks_per_host, traffic.grid.cores());
  Crossing crossing(traffic, measured, cluster, result);
  for (int core = 0; core < traffic.grid.cores(); ++core) {
    crossing.add_core(core, traffic.cores[core]);
  }
  crossing.finish();
  const double others = 1 - 1.0 / cluster.hosts;
  result.gather = measured.gathered_bytes * others / cluster.link_bytes_per_second +
                  (result.ranks - 1) * 2 * measured.message_seconds + (cluster.hosts > 1 ? 2 * cluster.link_seconds : 0);
  result.start = start_seconds + start_cpu_seconds_a_rank * cluster.ranks_per_host / cluster.cpus_per_host;
  result.launch = measured.fixed_seconds + std::max({result.cpu, result.wire, result.latency}) + result.gather;
  result.total = result.start + result.launch + measured.serial_seconds;
  return result;
}

const char* name_of_bound(const Estimate& estimate) {
  const double longest = std::max({estimate.cpu, estimate.wire, estimate.latency});
  if (estimate.gather > longest) return "rank 0";
  if (longest == estimate.cpu) return "CPUs";
  return longest == estimate.wire ? "links" : "latency";
}

Measured measured_by(const report::Value& report, double message_seconds) {
  const report::Value& host = report["host"];
  Measured measured;
  for (const report::Value& core : report["cores"].list()) {
    double seconds = 0;
    for (const auto& [risc, value] : core["host"]["kernel_seconds"].members()) seconds += value.number();
    measured.core_seconds.push_back(seconds);
  }
  const double messages = host["mpi_messages"].number();
  const double serving = host["serving_seconds"]["sum"].number();
  measured.message_seconds = message_seconds > 0 ? message_seconds
                             : messages > 0      ? serving / messages
                                                 : usual_message_seconds;
  // Alone, what a launch takes beside its kernels is to begin and end it; of several ranks it is waiting, too.
  if (messages == 0) {
    measured.fixed_seconds = std::max(0.0, host["launch_seconds"].number() - host["kernel_seconds"]["sum"].number());
  }
  measured.serial_seconds = std::max(0.0, host["total_seconds"].number() - host["launch_seconds"].number());
  return measured;
}

int limit_of(const std::vector<Estimate>& estimates) {
  for (std::size_t i = 0; i + 1 < estimates.size(); ++i) {
    const double doublings = std::log2(static_cast<double>(estimates[i + 1].hosts) / estimates[i].hosts);
    if (doublings > 0 && estimates[i].total < estimates[i + 1].total * std::pow(least_gain, doublings)) {
      return estimates[i].hosts;
    }
  }
  return 0;
}

}  // namespace tilegrid::hosts
