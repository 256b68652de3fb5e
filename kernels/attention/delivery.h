// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/attention/config.h"

/// Teams of cores that share readings of K and V: how large they are, where they lie, who reads (attention.md 1.8).
namespace tilegrid::attention {

/// Those that there are, in the order in which `automatic` prefers them at equal times.
inline constexpr std::array<KvDelivery, 4> all_deliveries{KvDelivery::dram, KvDelivery::chain, KvDelivery::multicast_row,
                                                          KvDelivery::multicast_grid};
[[nodiscard]] constexpr bool is_multicast(KvDelivery delivery) {
  return delivery == KvDelivery::multicast_row || delivery == KvDelivery::multicast_grid;
}

/// Throws UsageError when `kv_cores` is a number that no team of the grid can have.
void check_kv_cores(const Config& config);

/// Sets `delivery` and `team` for chunks that are set, from `kv` and `kv_cores`: of all teams that the delivery can have the
/// ones with the least estimated time; ties: the fewest bytes from DRAM. Throws UsageError for a number of cores that the
/// grid does not have. `automatic` counts as dram.
[[nodiscard]] Config with_team(Config config);

/// Sets `parts` and what with_team() does, for chunks that are set: with split_k as many parts as asked for, or the number
/// with the least estimated time.
[[nodiscard]] Config with_parts(Config config);

/// What the choice of a team goes by, for chunks and a team that are set. Not a prediction.
struct DeliveryEstimate {
  std::int64_t steps = 0;     ///< K steps of the core with most, those included in which it waits for its team
  std::int64_t kv_bytes = 0;  ///< of K and V that are read from DRAM
  std::int64_t cycles = 0;
  friend bool operator==(const DeliveryEstimate&, const DeliveryEstimate&) = default;
};
[[nodiscard]] DeliveryEstimate estimate(const Config& config);

/// How many teams there are.
[[nodiscard]] int team_count(const Config& config);

/// A core's place in its team. The injector reads from DRAM; of a chain it has lane 0, and the core with the next lane is
/// the next in the chain.
struct Place {
  int core = 0;  ///< index in the grid
  int team = 0;
  int lane = 0;
  bool injector = false;
};
/// All cores that are in a team, team by team and by lane. Injectors are spread: each is the core of its team whose physical
/// column is farthest from those of the injectors before it, in the least used one of several (attention.md 1.8).
[[nodiscard]] std::vector<Place> places(const Config& config);

/// K chunk visits for which a chunk is delivered to a core that has no use for it: those past the diagonal, and of cores
/// without an item in their team's slice. Only multicasts do that.
[[nodiscard]] std::int64_t dropped_chunks(const Config& config);

/// "chain of 8 cores, 10 teams", "each core reads from DRAM"
[[nodiscard]] std::string team_text(const Config& config);
/// How members cope with K/V chunks that not all of them need: "; each passes on what the next one visits"; often empty.
[[nodiscard]] std::string causal_text(const Config& config);

}  // namespace tilegrid::attention
