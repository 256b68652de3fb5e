// SPDX-License-Identifier: Apache-2.0
#include "runtime/hosts/host_survey.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cereal/types/utility.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/enum_names.h"
#include "noc/mpi_environment.h"
#include "noc/mpi_links.h"
#include "runtime/agreement.h"
#include "runtime/report/table.h"
#include "runtime/task.h"

namespace tilegrid::hosts {
namespace {

using report::Value;

constexpr const char* facts_task = "info/facts";
constexpr const char* links_task = "info/links";

/// What a rank says of its host.
struct HostFacts {
  std::string host, kernel, cpu, mpi, build;
  int cpus = 0;                                                                          ///< that the rank may use
  std::uint64_t memory = 0, memory_free = 0, shared_memory = 0, shared_memory_free = 0;  ///< bytes
  template <class Archive>
  void serialize(Archive& archive) {
    archive(host, kernel, cpu, mpi, build, cpus, memory, memory_free, shared_memory, shared_memory_free);
  }
};

/// Two ranks between which messages are timed; the first one leads.
struct Pair {
  int from = 0, to = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(from, to);
  }
};

/// As noc::LinkCost, to travel.
struct Cost {
  double tile_seconds = 0, bytes_per_second = 0, clock_seconds = 0, clock_uncertainty = 0;
  Cost() = default;
  explicit Cost(const noc::LinkCost& cost)
      : tile_seconds(cost.tile_seconds),
        bytes_per_second(cost.bytes_per_second),
        clock_seconds(cost.clock_seconds),
        clock_uncertainty(cost.clock_uncertainty) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(tile_seconds, bytes_per_second, clock_seconds, clock_uncertainty);
  }
};

/// The value of the first line of a file of /proc that begins with `name`; empty where there is none.
std::string value_in(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return {};
}

std::uint64_t memory_bytes(const std::string& name) {
  return std::strtoull(value_in("/proc/meminfo", name + ":").c_str(), nullptr, 10) * 1024;  // lines say kB
}

HostFacts own_facts() {
  HostFacts facts;
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  facts.host = name.data();
  utsname system{};
  if (uname(&system) == 0) facts.kernel = fmt::format("{} {}", system.sysname, system.release);
  facts.cpu = value_in("/proc/cpuinfo", "model name");
  facts.mpi = noc::launched_by_mpi() ? noc::mpi_library() : std::string();
  facts.build = own_build();
  cpu_set_t cpus;
  facts.cpus = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
  facts.memory = memory_bytes("MemTotal");
  facts.memory_free = memory_bytes("MemAvailable");
  struct statvfs shared {};
  if (statvfs("/dev/shm", &shared) == 0) {
    facts.shared_memory = shared.f_frsize * shared.f_blocks;
    facts.shared_memory_free = shared.f_frsize * shared.f_bavail;
  }
  return facts;
}

/// Input: rank and pairs. A pair at a time, in their order; returns the costs of the pairs that this rank leads.
std::vector<std::byte> time_links(std::span<const std::byte> input) {
  const auto [own, pairs] = from_bytes<std::pair<int, std::vector<Pair>>>(input);
  std::vector<Cost> costs;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].to == own) noc::answer_link(pairs[i].from);
    if (pairs[i].from != own) continue;
    if (i > 0 && pairs[i - 1].from != own) noc::await_turn(pairs[i - 1].from);
    costs.emplace_back(noc::measure_link(pairs[i].to));
    if (i + 1 < pairs.size() && pairs[i + 1].from != own) noc::pass_turn(pairs[i + 1].from);
  }
  return to_bytes(costs);
}

std::vector<std::byte> tell_facts(std::span<const std::byte>) { return to_bytes(own_facts()); }

/// Ranks by host, hosts in the order of their first ranks.
std::vector<std::vector<int>> ranks_by_host(const std::vector<HostFacts>& facts) {
  std::vector<std::vector<int>> hosts;
  std::map<std::string, std::size_t> numbers;
  for (int rank = 0; rank < std::ssize(facts); ++rank) {
    const auto [at, is_new] = numbers.try_emplace(facts[rank].host, hosts.size());
    if (is_new) hosts.emplace_back();
    hosts[at->second].push_back(rank);
  }
  return hosts;
}

std::vector<Pair> pairs_of(const std::vector<std::vector<int>>& hosts) {
  constexpr std::size_t few = 8;  // hosts of which every pair is timed
  std::vector<Pair> pairs;
  for (const std::vector<int>& ranks : hosts) {
    if (ranks.size() > 1) pairs.push_back({ranks[0], ranks[1]});
  }
  for (std::size_t a = 0; a < (hosts.size() <= few ? hosts.size() : 1); ++a) {
    for (std::size_t b = a + 1; b < hosts.size(); ++b) pairs.push_back({hosts[a][0], hosts[b][0]});
  }
  return pairs;
}

std::vector<Cost> time_pairs(Device& device, const std::vector<Pair>& pairs) {
  std::vector<std::vector<std::byte>> inputs;
  inputs.reserve(device.ranks());
  for (int rank = 0; rank < device.ranks(); ++rank) inputs.push_back(to_bytes(std::pair(rank, pairs)));
  std::vector<std::vector<Cost>> by_rank;
  by_rank.reserve(inputs.size());
  for (const auto& answer : device.map(links_task, inputs)) by_rank.push_back(from_bytes<std::vector<Cost>>(answer));
  std::vector<Cost> costs;
  costs.reserve(pairs.size());
  std::vector<std::size_t> next(by_rank.size());
  for (const Pair& pair : pairs) costs.push_back(by_rank[pair.from].at(next[pair.from]++));
  return costs;
}

Value kind_figures(const char* kind, const std::vector<Cost>& costs) {
  const auto spread = [&](double Cost::*figure) -> Value {
    std::vector<double> values;
    values.reserve(costs.size());
    for (const Cost& cost : costs) values.push_back(cost.*figure);
    std::sort(values.begin(), values.end());
    return {{"least", values.front()}, {"median", values[values.size() / 2]}, {"most", values.back()}};
  };
  return {{"kind", kind},
          {"pairs", costs.size()},
          {"tile_seconds", spread(&Cost::tile_seconds)},
          {"bytes_per_second", spread(&Cost::bytes_per_second)}};
}

/// What to see to before a long run.
report::Array remarks_on(const std::vector<HostFacts>& facts, const std::vector<std::vector<int>>& hosts,
                         const std::map<std::string, Cost>& clocks) {
  constexpr std::uint64_t shared_bytes_a_rank = 8U << 20U;  // as scripts/grid
  constexpr double clock_limit = 1;
  report::Array remarks;
  const HostFacts& first = facts.front();
  for (const std::vector<int>& ranks : hosts) {
    const HostFacts& host = facts[ranks.front()];
    if (host.mpi != first.mpi) {
      remarks.push_back(fmt::format("{} has {}, {} has {}: all need the same", host.host, host.mpi, first.host, first.mpi));
    }
    if (ranks.size() > 1 && host.shared_memory_free < shared_bytes_a_rank * ranks.size()) {
      remarks.push_back(fmt::format("{}: {} free in /dev/shm, {} ranks need {}", host.host,
                                    report::bytes_text(host.shared_memory_free), ranks.size(),
                                    report::bytes_text(shared_bytes_a_rank * ranks.size())));
    }
    if (host.cpus > 0 && std::ssize(ranks) > host.cpus) {
      remarks.push_back(
          fmt::format("{}: {} ranks share {} CPU{}", host.host, ranks.size(), host.cpus, host.cpus == 1 ? "" : "s"));
    }
    const auto clock = clocks.find(host.host);
    if (clock != clocks.end() && std::abs(clock->second.clock_seconds) > clock_limit) {
      remarks.push_back(fmt::format("{}: its clock is {:.1f} s {} that of {}", host.host,
                                    std::abs(clock->second.clock_seconds),
                                    clock->second.clock_seconds > 0 ? "ahead of" : "behind", first.host));
    }
  }
  return remarks;
}

Value host_figures(const HostFacts& host, std::size_t ranks, const Cost* clock) {
  return {{"host", host.host},
          {"ranks", ranks},
          {"cpus", host.cpus},
          {"cpu", host.cpu},
          {"memory_bytes", host.memory},
          {"memory_free_bytes", host.memory_free},
          {"shared_memory_bytes", host.shared_memory},
          {"shared_memory_free_bytes", host.shared_memory_free},
          {"kernel", host.kernel},
          {"mpi", report::text_or_null(host.mpi)},
          {"build", host.build},
          {"clock_seconds", clock != nullptr ? Value(clock->clock_seconds) : Value()},
          {"clock_uncertainty_seconds", clock != nullptr ? Value(clock->clock_uncertainty) : Value()}};
}

}  // namespace

void register_survey() {
  register_task(facts_task, &tell_facts);
  register_task(links_task, &time_links);
}

Value survey_hosts(Device& device) {
  std::vector<HostFacts> facts;
  facts.reserve(device.ranks());
  for (const auto& answer : device.map(facts_task, std::vector<std::vector<std::byte>>(device.ranks()))) {
    facts.push_back(from_bytes<HostFacts>(answer));
  }
  const std::vector<std::vector<int>> hosts = ranks_by_host(facts);
  const std::vector<Pair> pairs = pairs_of(hosts);
  const std::vector<Cost> costs = time_pairs(device, pairs);
  std::vector<Cost> within, between;
  std::map<std::string, Cost> clocks;
  report::Array links;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string& from = facts[pairs[i].from].host;
    const std::string& to = facts[pairs[i].to].host;
    (from == to ? within : between).push_back(costs[i]);
    if (pairs[i].from == 0 && from != to) clocks[to] = costs[i];
    links.push_back({{"from", from},
                     {"to", to},
                     {"tile_seconds", costs[i].tile_seconds},
                     {"bytes_per_second", costs[i].bytes_per_second}});
  }
  report::Array kinds{kind_figures("same process", {Cost(noc::measure_copy())})};
  if (!within.empty()) kinds.push_back(kind_figures("same host", within));
  if (!between.empty()) kinds.push_back(kind_figures("other host", between));
  report::Array list;
  for (const std::vector<int>& ranks : hosts) {
    const auto clock = clocks.find(facts[ranks.front()].host);
    list.push_back(host_figures(facts[ranks.front()], ranks.size(), clock != clocks.end() ? &clock->second : nullptr));
  }
  return {{"hosts", list}, {"links", links}, {"kinds", kinds}, {"remarks", remarks_on(facts, hosts, clocks)}};
}

std::string survey_text(const Value& survey) {
  const auto bytes = [](const Value& value) { return report::bytes_text(value.number()); };
  const report::Table hosts({{"host", -16},
                             {"ranks", 5},
                             {"CPUs", 5},
                             {"memory free", 13},
                             {"of", 13},
                             {"/dev/shm free", 14},
                             {"clock, ms", 16},
                             {"  system", 0}});
  std::string text = hosts.head();
  for (const Value& host : survey["hosts"].list()) {
    const Value& clock = host["clock_seconds"];
    text +=
        hosts.row({host["host"].text(), std::to_string(host["ranks"].count()), std::to_string(host["cpus"].count()),
                   bytes(host["memory_free_bytes"]), bytes(host["memory_bytes"]), bytes(host["shared_memory_free_bytes"]),
                   clock.is_null() ? "0"
                                   : fmt::format("{:+.3f} +- {:.3f}", clock.number() * 1e3,
                                                 host["clock_uncertainty_seconds"].number() * 1e3),
                   fmt::format("  {}; {}", host["kernel"].text(), host["cpu"].text())});
  }
  const report::Table kinds(
      {{"messages within", -16}, {"pairs", 5}, {"a tile of 2 KiB one way", 30}, {"GB/s in 1 MiB", 24}});
  text += "\n" + kinds.head();
  const auto spread = [](const Value& figure, double unit) {
    if (figure["least"].number() == figure["most"].number()) return fmt::format("{:.2f}", figure["median"].number() * unit);
    return fmt::format("{:.2f} ({:.2f} to {:.2f})", figure["median"].number() * unit, figure["least"].number() * unit,
                       figure["most"].number() * unit);
  };
  for (const Value& kind : survey["kinds"].list()) {
    text += kinds.row({kind["kind"].text(), std::to_string(kind["pairs"].count()), spread(kind["tile_seconds"], 1e6) + " us",
                       spread(kind["bytes_per_second"], 1e-9)});
  }
  for (const Value& remark : survey["remarks"].list()) text += "\n" + remark.text();
  return text + (survey["remarks"].list().empty() ? "" : "\n");
}

}  // namespace tilegrid::hosts
