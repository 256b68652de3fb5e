// SPDX-License-Identifier: Apache-2.0
#include "runtime/hosts/rank_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "noc/node.h"
#include "runtime/report/table.h"
#include "runtime/task.h"

namespace tilegrid::hosts {
namespace {

using report::Array;
using report::Value;

constexpr const char* host_task = "info/host";

std::vector<std::byte> tell_host(std::span<const std::byte>) {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return to_bytes(std::string(name.data()));
}

bool lies_before(const Value& a, const Value& b) {
  return std::pair(a.list()[1].count(), a.list()[0].count()) < std::pair(b.list()[1].count(), b.list()[0].count());
}

std::string core_text(const Value& core) { return fmt::format("({},{})", core.list()[0].count(), core.list()[1].count()); }

/// "0-5 on rank 0, 6-11 on rank 1"; a single rank needs no name.
std::string banks_text(std::span<const Value> ranks) {
  std::string text;
  for (const Value& rank : ranks) {
    const Array& own = rank["dram_banks"].list();
    if (own.empty()) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", own.front().count());
    if (own.size() > 1) text += fmt::format("-{}", own.back().count());
    if (ranks.size() > 1) text += fmt::format(" on rank {}", rank["rank"].count());
  }
  return text.empty() ? "none" : text;
}

}  // namespace

void register_rank_map() { register_task(host_task, &tell_host); }

Value rank_map(Device& device) {
  const auto answers = device.map(host_task, std::vector<std::vector<std::byte>>(device.ranks()));
  const noc::Placement& placement = device.placement();
  Array map;
  for (int rank = 0; rank < device.ranks(); ++rank) {
    Array cores, banks;
    for (int i = 0; i < placement.cores_of(rank); ++i) {
      const LogicalCore at = placement.grid.core(placement.core_at(rank, i));
      cores.push_back(Array{at.x, at.y});
    }
    for (int bank = 0; bank < placement.banks; ++bank) {
      if (placement.rank_of_bank(bank) == rank) banks.push_back(bank);
    }
    map.push_back(
        {{"rank", rank}, {"host", from_bytes<std::string>(answers[rank])}, {"cores", cores}, {"dram_banks", banks}});
  }
  return map;
}

std::string rank_map_text(const Value& map, bool dealt) {
  const Array& ranks = map.list();
  const report::Table table({{"ranks", -12}, {"cores a rank", -14}, {"cores (x,y)", -24}, {"host", -20}, {"DRAM banks", 0}});
  std::string text = table.head();
  for (auto first = ranks.begin(); first != ranks.end();) {
    const Array& cores = (*first)["cores"].list();
    const auto end = std::find_if(first, ranks.end(), [&](const Value& rank) {
      return rank["host"].text() != (*first)["host"].text() || rank["cores"].list().size() != cores.size();
    });
    const Value& last_core = std::max(cores.back(), (*(end - 1))["cores"].list().back(), lies_before);
    const auto from = first - ranks.begin(), to = end - 1 - ranks.begin();
    text += table.row({from == to ? std::to_string(from) : fmt::format("{} to {}", from, to), std::to_string(cores.size()),
                       fmt::format("{} to {}{}", core_text(cores.front()), core_text(last_core),
                                   dealt && ranks.size() > 1 && cores.size() > 1 ? ", dealt" : ""),
                       (*first)["host"].text(), banks_text({first, end})});
    first = end;
  }
  return text;
}

}  // namespace tilegrid::hosts
