// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <limits>
#include <utility>

#include "core/error.h"
#include "kernels/attention/dealing.h"

namespace tilegrid::attention {
namespace {

int items_of_kv_head(const Config& config) { return slices_of(config).items(); }

/// Sums of a value over the run of places that a core or team is dealt. The places of a head repeat for every head, so
/// prefix sums over one head give the sum of any run in two look-ups, however many heads there are. Where batches have
/// lengths of their own there are sums for each.
class RunSums {
 public:
  /// `value` of a place and a batch.
  template <class Value>
  RunSums(const Config& config, const Dealing& dealing, Value value) : dealing_(dealing) {
    const int batches = config.kv_lengths ? config.shape.batch : 1;
    const int places = dealing.chunks_per_head();
    items_of_batch_ = config.kv_lengths ? dealing.items() / batches : dealing.items() + 1;
    sums_.reserve(std::size_t{1} * batches * (places + 1));
    all_.reserve(batches + 1);
    all_.push_back(0);
    for (int batch = 0; batch < batches; ++batch) {
      sums_.push_back(0);
      for (int place = 0; place < places; ++place) sums_.push_back(sums_.back() + value(place, batch));
      all_.push_back(all_.back() + sums_.back() * (items_of_batch_ / std::max(places, 1)));
    }
  }
  [[nodiscard]] std::int64_t total() const { return before(dealing_.items()); }
  [[nodiscard]] std::int64_t most() const {
    std::int64_t most = 0;
    std::int64_t begin = 0;
    for (int taker = 0; taker < dealing_.takers() && begin < dealing_.items(); ++taker) {
      const std::int64_t end = dealing_.first_item(taker + 1);
      most = std::max(most, before(end) - before(begin));
      begin = end;
    }
    return most;
  }

 private:
  [[nodiscard]] std::int64_t before(std::int64_t item) const {
    const int places = dealing_.chunks_per_head();
    const std::int64_t batch = item / items_of_batch_;
    const std::int64_t rest = item % items_of_batch_;
    if (rest == 0) return all_[batch];
    const std::int64_t* sums = sums_.data() + batch * (places + 1);
    return all_[batch] + rest / places * sums[places] + sums[rest % places];
  }
  const Dealing& dealing_;
  std::int64_t items_of_batch_ = 1;
  std::vector<std::int64_t> sums_;  ///< [batch][places + 1]
  std::vector<std::int64_t> all_;   ///< of the batches before one
};

struct StepCount {
  std::int64_t most = 0;  ///< of a core
  std::int64_t read = 0;  ///< chunks from DRAM
};

/// Of teams that a division makes.
StepCount count_steps(const Config& config, const Division& division) {
  StepCount count;
  const std::uint32_t lanes = config.team.cores();
  const bool chain = config.delivery == KvDelivery::chain;
  std::vector<std::int64_t> visits(lanes);
  for (std::uint32_t team = 0; team < division.teams(lanes); ++team) {
    std::fill(visits.begin(), visits.end(), 0);
    for (std::uint32_t i = 0; i < division.turns(lanes, team); ++i) {
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        const Division::Turn turn = division.turn_at(lanes, team, i, lane);
        const int batch = static_cast<int>(turn.item.head) / config.shape.heads;
        const std::int64_t heaviest = k_chunks_of(config, static_cast<int>(turn.heaviest), batch);
        if (lane == 0) count.read += heaviest;
        const std::int64_t own = turn.exists ? k_chunks_of(config, static_cast<int>(turn.item.chunk), batch) : 0;
        visits[lane] += chain ? own : heaviest;
      }
    }
    count.most = std::max(count.most, *std::max_element(visits.begin(), visits.end()));
  }
  return count;
}

StepCount count_steps(const Config& config) {
  const Dealing dealing(config);
  if (const Division division = division_of(config); division.is_there()) {
    if (config.team.cores() > 1) return count_steps(config, division);
    StepCount count;
    for (std::uint32_t slot = 0; slot < division.slots(); ++slot) {
      std::int64_t visits = 0;
      for (std::uint32_t i = 0; i < division.count(slot); ++i) {
        const Division::Item item = division.item_at(slot, i);
        visits += k_chunks_of(config, static_cast<int>(item.chunk), static_cast<int>(item.head) / config.shape.heads);
      }
      count.most = std::max(count.most, visits);
      count.read += visits;
    }
    return count;
  }
  if (config.parts > 1 && config.team.cores() > 1) {
    const Slices slices = slices_of(config);
    const auto parts_at = [&](int place, int batch) { return k_parts_of(config, slices.extent_at(place), batch); };
    const RunSums longest(config, dealing, [&](int place, int batch) { return parts_at(place, batch).longest(); });
    const RunSums visits(config, dealing, [&](int place, int batch) { return parts_at(place, batch).visits; });
    return {longest.most(), visits.total()};
  }
  if (config.parts > 1) {
    const RunSums longest(
        config, dealing, [&](int place, int batch) { return k_parts_of(config, dealing.chunk_at(place), batch).longest(); });
    const RunSums visits(config, dealing,
                         [&](int place, int batch) { return k_chunks_of(config, dealing.chunk_at(place), batch); });
    return {longest.most(), visits.total()};
  }
  if (config.team.cores() == 1) {
    const RunSums visits(config, dealing,
                         [&](int place, int batch) { return k_chunks_of(config, dealing.chunk_at(place), batch); });
    return {visits.most(), visits.total()};
  }
  const Slices slices = slices_of(config);
  const auto visits_of = [&](Slices::Item item, int batch) {
    return item.exists ? k_chunks_of(config, static_cast<int>(item.chunk), batch) : 0;
  };
  const RunSums heaviest(config, dealing, [&](int place, int batch) { return visits_of(slices.heaviest(place), batch); });
  if (config.delivery != KvDelivery::chain) return {heaviest.most(), heaviest.total()};
  // Cores of a chain get no more than they need. In every slice the visits rise or fall along the chain, so that over all
  // slices no core in between has more than both ends.
  std::int64_t most = 0;
  for (const std::uint32_t lane : {0U, slices.lanes - 1}) {
    const RunSums of_lane(config, dealing,
                          [&](int place, int batch) { return visits_of(slices.item_at(place, lane), batch); });
    most = std::max(most, of_lane.most());
  }
  return {most, heaviest.total()};
}

/// K and V of a chunk.
double chunk_pair_bytes(const Config& config) {
  const std::int64_t row = std::int64_t{config.shape.dim_t()} * tile_bytes(config.format.k) +
                           std::int64_t{config.shape.v_dim_t()} * tile_bytes(config.format.v);
  const std::int64_t rows = config.k_chunk / tile_side;
  return static_cast<double>(rows * row);
}

/// Cores that read DRAM at the same time: the first ones, as remainders go to them.
int readers_of(const Config& config) {
  if (const Division division = division_of(config); division.is_there()) {
    if (config.team.cores() > 1) return static_cast<int>(division.teams(config.team.cores()));
    int readers = 0;
    for (std::uint32_t slot = 0; slot < division.slots(); ++slot) readers += division.count(slot) > 0 ? 1 : 0;
    return readers;
  }
  const Dealing dealing(config);
  int readers = 0;
  while (readers < dealing.takers() && dealing.first_item(readers) < dealing.items()) ++readers;
  return readers * config.parts;
}

/// Of heads_first, cores of a team: those of a K/V head.
std::uint32_t lanes_of_heads(const Config& config) {
  return division_of(config).lanes(config.shape.heads / config.shape.kv_heads);
}

/// Whether the grid has room for all that the partition needs at once: of heads_first every team, of split_k a team for
/// each part.
bool has_room(const Config& config) {
  const int teams = team_count(config);
  if (config.partition != Partition::heads_first) return teams >= config.parts;
  return std::cmp_greater_equal(teams, division_of(config).teams(config.team.cores()));
}

std::vector<Team> candidates(const Config& config, KvDelivery delivery) {
  const GridSize grid = config.grid;
  if (config.partition == Partition::rows) return {{grid.x, 1}};
  if (config.partition == Partition::columns) return {{1, grid.y}};
  int least = 2, most = std::min(items_of_kv_head(config), grid.cores() / config.parts);
  if (config.partition == Partition::heads_first) least = most = static_cast<int>(lanes_of_heads(config));
  if (config.kv_cores > 0) least = most = config.kv_cores;
  std::vector<Team> teams;
  if (delivery == KvDelivery::chain) {
    // Usual is one chain a head; shorter chains fill sooner. A chain has at least a row of cores, unless a head has less
    // work, or parts of it are dealt.
    if (config.kv_cores == 0 && config.parts == 1) least = std::max(least, std::min(grid.x, most));
    for (int cores = least; cores <= most; ++cores) teams.push_back({cores, 1});
    return teams;
  }
  const int rows = delivery == KvDelivery::multicast_row ? 1 : grid.y;
  for (int height = 1; height <= rows; ++height) {
    for (int width = 1; width <= grid.x; ++width) {
      const int cores = width * height;
      if (cores >= least && cores <= most) teams.push_back({width, height});
    }
  }
  return teams;
}

/// The deliveries to try for the one that was asked for, in this order.
std::vector<KvDelivery> attempts(const Config& config) {
  const KvDelivery asked = config.kv;
  if (asked == KvDelivery::chain || config.partition == Partition::columns) return {asked};
  return {asked, KvDelivery::chain};
}

}  // namespace

void check_kv_cores(const Config& config) {
  if (config.kv_cores == 0) return;
  if (config.kv_cores < 2 || config.kv_cores > config.grid.cores()) {
    throw UsageError(fmt::format("`kv_cores` {}: a team has 2 to {} cores on a {}x{} grid, or 0 to choose", config.kv_cores,
                                 config.grid.cores(), config.grid.x, config.grid.y));
  }
}

Config with_team(Config config) {
  config.delivery = KvDelivery::dram;
  config.team = {};
  if (config.kv == KvDelivery::dram) return config;
  check_kv_cores(config);
  if (config.kv == KvDelivery::automatic) return config;
  if (items_of_kv_head(config) < 2 || config.grid.cores() < 2) return config;
  for (const KvDelivery delivery : attempts(config)) {
    DeliveryEstimate least{0, 0, std::numeric_limits<std::int64_t>::max()};
    Team best;
    for (const Team team : candidates(config, delivery)) {
      if (team.cores() < 2) continue;
      Config tried = config;
      tried.delivery = delivery;
      tried.team = team;
      if (!has_room(tried)) continue;
      const DeliveryEstimate cost = estimate(tried);
      if (std::pair(cost.cycles, cost.kv_bytes) >= std::pair(least.cycles, least.kv_bytes)) continue;
      least = cost;
      best = team;
    }
    if (best.cores() < 2) continue;
    config.delivery = delivery;
    config.team = best;
    break;
  }
  return config;
}

Config with_parts(Config config) {
  config.parts = 1;
  config.team = {};
  if (config.partition != Partition::split_k) return with_team(config);
  const int k_chunks = ceil_div(config.shape.seq_kv, config.k_chunk);
  const int most = std::min({config.grid.cores(), k_chunks, static_cast<int>(MergeTree::max_parts)});
  if (config.k_parts > 0) {
    config.parts = std::min(config.k_parts, most);
    return with_team(config);
  }
  const std::int64_t items = std::max<std::int64_t>(Dealing(config).items(), 1);
  std::vector<int> candidates{1, static_cast<int>(config.grid.cores() / items)};  // so that all have something to do
  for (int parts = 2; parts <= most; parts *= 2) candidates.push_back(parts);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  Config best = config;
  for (const int parts : candidates) {
    config.parts = std::clamp(parts, 1, most);
    const Config tried = with_team(config);
    const std::int64_t cycles = estimate(tried).cycles;
    const bool worse_delivery = best.delivery == config.kv && tried.delivery != config.kv;
    const bool better_delivery = best.delivery != config.kv && tried.delivery == config.kv;
    if (worse_delivery || (!better_delivery && cycles >= least)) continue;
    least = cycles;
    best = tried;
  }
  return best;
}

std::string fallback_reason(const Config& config) {
  if (config.kv == config.delivery || config.kv == KvDelivery::automatic) return {};
  if (config.grid.cores() < 2) return "there is one core";
  if (items_of_kv_head(config) < 2) return "a K/V head has one Q chunk only: nobody shares its K and V";
  const char* shape = config.kv == KvDelivery::multicast_row ? "row" : "rectangle";
  const GridSize grid = config.grid;
  if (config.partition == Partition::heads_first) {
    const std::uint32_t lanes = lanes_of_heads(config);
    if (lanes < 2) return "a K/V head is with one core: nobody shares its K and V";
    return fmt::format("the teams of {} cores each that the K/V heads have are no {}s of a {}x{} grid", lanes, shape, grid.x,
                       grid.y);
  }
  if (config.parts > 1) {
    const char* form = config.delivery == KvDelivery::dram ? "team" : shape;
    const std::string size = config.kv_cores > 0 ? std::to_string(config.kv_cores) : "several";
    return fmt::format("a {}x{} grid has no room for {} {}s of {} cores, one for each part", grid.x, grid.y, config.parts,
                       form, size);
  }
  if (config.kv_cores > 0) {
    return fmt::format("{} cores form no {} of a {}x{} grid", config.kv_cores, shape, config.grid.x, config.grid.y);
  }
  return fmt::format("a {}x{} grid has no {} of several cores", config.grid.x, config.grid.y, shape);
}

namespace {

/// Of the core that merges most. Its rounds come one after the other, as the partial results of one are in the next.
double merge_cycles(const Config& config) {
  if (config.parts == 1) return 0;
  const TrafficRates& rates = config.chip.rates();
  const auto rounds = std::bit_width(static_cast<std::uint32_t>(config.parts - 1));
  const double bytes = 1.0 * config.q_chunk / tile_side * (config.shape.v_dim_t() + 2) * tile_bytes(DataFormat::bf16);
  const double round = static_cast<double>(cycles_of_merge(config)) + bytes / rates.forward + rates.handshake;
  return static_cast<double>(most_items(config)) * rounds * round;
}

}  // namespace

DeliveryEstimate estimate(const Config& config) {
  const StepCount steps = count_steps(config);
  const double pair = chunk_pair_bytes(config);
  const int readers = readers_of(config);
  const bool crowd = config.delivery == KvDelivery::dram;
  const TrafficRates& rates = config.chip.rates();
  const double rate = crowd ? rates.dram_crowd : rates.dram;
  // At first all cores read, each with its share of the rate. Those with fewer steps end earlier and leave the rate to the
  // others, so that for cores which read for themselves all bytes over the whole rate are the bound, not the share.
  const double share = pair / std::min(rates.reader, rate / readers);
  double stream = crowd ? pair / rates.reader : share;
  double fill = share / 2;
  if (config.delivery == KvDelivery::chain) {
    const double hop = pair / 2 / rates.forward + rates.handshake;
    stream += 2 * hop;
    fill += (config.team.cores() - 1) * hop;
  } else if (config.delivery != KvDelivery::dram) {
    const double hop = pair / 2 / rates.multicast + rates.handshake;
    stream += 2 * hop;
    fill += hop;
  }
  DeliveryEstimate estimate;
  estimate.steps = steps.most;
  estimate.kv_bytes = steps.read * static_cast<std::int64_t>(pair);
  const double step = std::max(static_cast<double>(cycles_of_step(config)), stream);
  const double cycles =
      std::max(static_cast<double>(steps.most) * step + fill, static_cast<double>(estimate.kv_bytes) / rate);
  estimate.cycles = static_cast<std::int64_t>(cycles + merge_cycles(config));
  return estimate;
}

int team_count(const Config& config) {
  const GridSize grid = config.grid;
  if (config.delivery == KvDelivery::chain) return grid.cores() / config.team.cores();
  return (grid.x / config.team.columns) * (grid.y / config.team.rows);
}

namespace {

/// Index in the grid of a team's member.
int member_core(const Config& config, int team, int member) {
  if (config.delivery == KvDelivery::chain) return team * config.team.cores() + member;
  const int across = config.grid.x / config.team.columns;
  return config.grid.index({team % across * config.team.columns + member % config.team.columns,
                            team / across * config.team.rows + member / config.team.columns});
}

/// How many members may read. A chain goes along rows from lower to higher columns and on to the next row, as packets on
/// NoC 0 do. When it fills whole rows it can begin in any column, as the torus closes them; else it begins where it begins.
int injector_choices(const Config& config) {
  if (config.delivery != KvDelivery::chain) return config.team.cores();
  return config.team.cores() % config.grid.x == 0 ? config.grid.x : 1;
}

/// Member of each team that reads.
std::vector<int> injectors(const Config& config) {
  std::vector<int> chosen;
  const Places& chip = config.chip.places();
  const int columns = chip.die().x;
  std::vector<int> in_column(columns);
  const auto column_of = [&](int team, int member) {
    return chip.physical_of(config.grid.core(member_core(config, team, member))).x;
  };
  for (int team = 0; team < team_count(config); ++team) {
    int best = 0;
    std::pair<int, int> best_score{-1, 0};
    for (int member = 0; member < injector_choices(config); ++member) {
      const int column = column_of(team, member);
      int nearest = columns;
      for (int x = 0; x < columns; ++x) {
        if (in_column.at(x) > 0) nearest = std::min(nearest, std::abs(x - column));
      }
      const std::pair score{nearest, -in_column.at(column)};
      if (score <= best_score) continue;
      best_score = score;
      best = member;
    }
    ++in_column.at(column_of(team, best));
    chosen.push_back(best);
  }
  return chosen;
}

}  // namespace

std::vector<Place> places(const Config& config) {
  const int cores = config.team.cores();
  const std::vector<int> readers = injectors(config);
  std::vector<Place> all;
  for (int team = 0; team < team_count(config); ++team) {
    const int reader = readers[team];
    const int first = config.delivery == KvDelivery::chain ? reader : 0;  // the chain begins there
    for (int lane = 0; lane < cores; ++lane) {
      const int in_row = lane % config.grid.x;
      const int member = first == 0 ? lane : lane - in_row + (first + in_row) % config.grid.x;
      all.push_back({member_core(config, team, member), team, lane, member == reader});
    }
  }
  return all;
}

std::int64_t dropped_chunks(const Config& config) {
  if (config.delivery == KvDelivery::dram || config.delivery == KvDelivery::chain) return 0;
  std::int64_t visits = 0;
  for (const auto& items : split_work(config)) {
    for (const WorkItem& item : items) visits += k_steps_of(config, item);
  }
  return count_steps(config).read * config.team.cores() - visits;
}

std::string team_text(const Config& config) {
  const int teams = team_count(config);
  const std::string count = fmt::format("{} team{}", teams, teams == 1 ? "" : "s");
  if (config.delivery == KvDelivery::dram) return "each core reads from DRAM";
  if (config.delivery == KvDelivery::chain) return fmt::format("chain of {} cores, {}", config.team.cores(), count);
  return fmt::format("multicast to {}x{} cores, {}", config.team.columns, config.team.rows, count);
}

std::string causal_text(const Config& config) {
  if (!config.shape.causal || config.delivery == KvDelivery::dram) return {};
  if (config.delivery == KvDelivery::chain) {
    return config.balance == Balance::zigzag
               ? "; each passes on what the next one visits, light and heavy chunks in opposite directions"
               : "; each passes on what the next one visits";
  }
  const std::int64_t dropped = dropped_chunks(config);
  if (dropped == 0) return "; members of a team visit equally many K chunks";
  return fmt::format("; members drop what they do not visit, {} K chunks in all", dropped);
}

}  // namespace tilegrid::attention
