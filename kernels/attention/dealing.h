// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <optional>

#include "kernels/attention/config.h"
#include "kernels/common/divisor.h"

namespace tilegrid::attention {

/// Cores divided among batches, heads and Q chunks (Partition::heads_first), or among heads and chunks with batches counted
/// as heads (rows, columns). Each core has a range of each, all ranges as long but the last, which may be shorter or empty.
struct Division {
  std::uint32_t outer = 1, inner = 1, chunks = 1;                 ///< batches, heads, Q chunks of a head that see a key
  std::uint32_t over_outer = 0, over_inner = 0, over_chunks = 0;  ///< cores along each; 0: nothing is divided
  std::uint32_t paired = 0;  ///< a core has its chunks from both ends of the head, a light one and a heavy one in turn
  std::uint32_t first = 0;   ///< chunk that sees a key

  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };
  struct Item {
    std::uint32_t head = 0;  ///< counted over all batches
    std::uint32_t chunk = 0;
  };

  [[nodiscard]] constexpr bool is_there() const { return over_chunks > 0; }
  [[nodiscard]] constexpr std::uint32_t slots() const { return over_outer * over_inner * over_chunks; }
  /// Items of the slot that has most, and the distance between the positions of two slots.
  [[nodiscard]] constexpr std::uint32_t most() const {
    return ceil_of(outer, over_outer) * ceil_of(inner, over_inner) * ceil_of(chunks, over_chunks);
  }
  [[nodiscard]] constexpr std::uint32_t count(std::uint32_t slot) const {
    return outer_of(slot).count * inner_of(slot).count * chunks_of(slot).count;
  }
  /// What a slot has of each; of a slot beyond slots() no batch.
  [[nodiscard]] constexpr Range outer_of(std::uint32_t slot) const {
    return range_of(outer, over_outer, slot / over_chunks / over_inner);
  }
  [[nodiscard]] constexpr Range inner_of(std::uint32_t slot) const {
    return range_of(inner, over_inner, slot / over_chunks % over_inner);
  }
  [[nodiscard]] constexpr Range chunks_of(std::uint32_t slot) const {
    return range_of(chunks, over_chunks, slot % over_chunks);
  }
  /// `index`: 0 to count(slot) - 1.
  [[nodiscard]] constexpr Item item_at(std::uint32_t slot, std::uint32_t index) const {
    const Range heads = inner_of(slot);
    const Range range = chunks_of(slot);
    assert(heads.count != 0 && range.count != 0);  // as there is an index
    const std::uint32_t one = outer_of(slot).begin + index / range.count / heads.count;
    const std::uint32_t head = heads.begin + index / range.count % heads.count;
    return {one * inner + head, chunk_at(range, index % range.count)};
  }

  /// When K and V are delivered: the slots of a head are a team; those of several heads that share a K/V head are one where
  /// each has as many of these heads.
  [[nodiscard]] constexpr std::uint32_t lanes(std::uint32_t sharing) const {
    const std::uint32_t each = ceil_of(inner, over_inner);
    return over_chunks * (each < sharing && sharing % each == 0 ? sharing / each : 1);
  }
  /// Those that have items, with so many lanes: the first ones.
  [[nodiscard]] constexpr std::uint32_t teams(std::uint32_t lanes) const {
    return ceil_of(outer, ceil_of(outer, over_outer)) * teams_of_one(lanes);
  }
  /// Turns of a team: those of its lane that has most. most() at most, which is the distance between two teams' positions.
  [[nodiscard]] constexpr std::uint32_t turns(std::uint32_t lanes, std::uint32_t team) const {
    const std::uint32_t slot = slot_at(lanes, team, 0, 0);
    return outer_of(slot).count * inner_of(slot).count * ceil_of(chunks, over_chunks);
  }
  /// What the lanes of a team do at the same time, all with the same K/V head. Visits rise or fall along the lanes; those
  /// without an item are at the end that has the most, or all of them have one.
  struct Turn {
    bool exists = false;
    bool descending = true;      ///< lane 0 has the most visits
    Item item;                   ///< the head is there also where no item exists
    std::uint32_t heaviest = 0;  ///< chunk, of all lanes
  };
  [[nodiscard]] constexpr Turn turn_at(std::uint32_t lanes, std::uint32_t team, std::uint32_t index,
                                       std::uint32_t lane) const {
    const std::uint32_t together = lanes / over_chunks;
    const std::uint32_t rank = lanes - 1 - lane;
    const std::uint32_t slot = slot_at(lanes, team, rank % together, rank / together);
    const std::uint32_t longest = std::max(ceil_of(chunks, over_chunks), 1U);
    const std::uint32_t place = index % longest;
    const Range heads = inner_of(slot);
    const Range range = chunks_of(slot);
    assert(heads.count != 0);  // as there is a turn
    Turn turn;
    turn.exists = place < range.count;
    turn.descending = paired == 0 || place % 2 == 0;
    turn.item.head =
        (outer_of(slot).begin + index / longest / heads.count) * inner + heads.begin + index / longest % heads.count;
    if (turn.exists) turn.item.chunk = chunk_at(range, place);
    turn.heaviest = chunk_at(chunks_of(turn.descending ? (chunks - 1 - place) / longest : 0), place);
    return turn;
  }

 private:
  [[nodiscard]] constexpr std::uint32_t chunk_at(Range range, std::uint32_t place) const {
    if (paired == 0) return first + range.begin + place;
    const std::uint32_t pair = range.begin / 2 + place / 2;
    return first + (place % 2 == 0 ? pair : chunks - 1 - pair);
  }
  [[nodiscard]] constexpr std::uint32_t teams_of_one(std::uint32_t lanes) const {
    return ceil_of(inner, ceil_of(inner, over_inner)) / (lanes / over_chunks);
  }
  [[nodiscard]] constexpr std::uint32_t slot_at(std::uint32_t lanes, std::uint32_t team, std::uint32_t which,
                                                std::uint32_t of_chunks) const {
    const std::uint32_t of_one = teams_of_one(lanes);
    const std::uint32_t place = team % of_one * (lanes / over_chunks) + which;
    return (team / of_one * over_inner + place) * over_chunks + of_chunks;
  }
  [[nodiscard]] static constexpr std::uint32_t ceil_of(std::uint32_t all, std::uint32_t parts) {
    return (all + parts - 1) / parts;
  }
  [[nodiscard]] static constexpr Range range_of(std::uint32_t all, std::uint32_t parts, std::uint32_t part) {
    const std::uint32_t size = ceil_of(all, parts);
    const std::uint32_t begin = part * size < all ? part * size : all;
    return {begin, size < all - begin ? size : all - begin};
  }
};
/// Not there for the partitions flat, contiguous and split-k, nor for rows and columns that are teams.
[[nodiscard]] Division division_of(const Config& config);
/// The place of a core in the division; none when it is left over.
[[nodiscard]] std::optional<std::uint32_t> slot_of(const Config& config, const Division& division, int core);

/// The K chunks that a Q chunk visits, cut into parts of one core each (Partition::split_k). `together`: the last ones, from
/// the first on the diagonal, stay in one part. So every query sees a key in every part, and in the first chunk of it: there
/// is no maximum of nothing.
struct KParts {
  std::uint32_t visits = 0;
  std::uint32_t together = 1;
  std::uint32_t parts = 1;

  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    [[nodiscard]] constexpr std::uint32_t count() const { return end - begin; }
  };
  /// Parts that have chunks: the first ones.
  [[nodiscard]] constexpr std::uint32_t active() const {
    const std::uint32_t most = visits - together + 1;
    return parts < most ? parts : most;
  }
  [[nodiscard]] constexpr Range of(std::uint32_t part) const {
    const std::uint32_t count = active();
    if (part >= count) return {visits, visits};
    const std::uint32_t even = (visits + count - 1) / count;
    const std::uint32_t before = visits - (even > together ? even : together);  // the last part
    if (part + 1 == count) return {before, visits};
    return {part * before / (count - 1), (part + 1) * before / (count - 1)};
  }
  [[nodiscard]] constexpr std::uint32_t longest() const {
    std::uint32_t most = 0;
    for (std::uint32_t part = 0; part < active(); ++part) most = of(part).count() > most ? of(part).count() : most;
    return most;
  }
};
/// Who merges partial results with whom: a binary tree, in as many rounds as the number of parts has digits, as the shipped
/// flash decode does since 2026 (attention.md 1.9). A chain would take a round for each part, one after the other. A part
/// sends to the one with its lowest digit cleared; to part p come those of p + 1, p + 2, p + 4 ... below that digit.
struct MergeTree {
  static constexpr std::uint32_t max_rounds = 6;  ///< as of the shipped one
  static constexpr std::uint32_t max_parts = 1U << max_rounds;

  [[nodiscard]] static constexpr std::uint32_t parent(std::uint32_t part) { return part & (part - 1); }
  /// Which of its parent's children a part is; those before it come first.
  [[nodiscard]] static constexpr std::uint32_t round(std::uint32_t part) { return std::countr_zero(part); }
  /// How many children a part has when the first `active` ones take part.
  [[nodiscard]] static constexpr std::uint32_t children(std::uint32_t part, std::uint32_t active) {
    std::uint32_t count = 0;
    while (count < max_rounds && (part == 0 || count < round(part)) && part + (1U << count) < active) ++count;
    return count;
  }
};

/// How the flat order of all Q chunks (batch, then head, then chunk) is cut into runs, one for each core (attention.md
/// 1.2): by formulas, for whoever does not need the whole list that split_work() makes. When cores work in teams, slices
/// (batch, then K/V head, then slice) are dealt to teams in the same way: then a "core" here is a team, and an "item" or
/// "chunk" is a slice. With split_k a "core" is a group of cores, or of teams.
class Dealing {
 public:
  /// Throws std::logic_error when config.q_chunk is not set. Teams are those of config.team.
  explicit Dealing(const Config& config);

  [[nodiscard]] int chunks_per_head() const { return chunks_; }
  [[nodiscard]] int takers() const { return cores_; }  ///< cores or teams
  [[nodiscard]] std::int64_t items() const { return units_ * items_per_unit_; }
  /// Flat position of the first item of a core; the run ends where the next core's begins.
  [[nodiscard]] std::int64_t first_item(int core) const {
    if (bound_heads_ > 0) return first_of_line(core);
    const std::int64_t extra = units_ % cores_;
    return items_per_unit_ * (core * (units_ / cores_) + (core < extra ? core : extra));
  }
  /// Q chunk at a place (0..chunks_per_head()-1) of a head's order.
  [[nodiscard]] int chunk_at(int place) const {
    if (!zigzag_) return first_ + place;
    return first_ + (place % 2 == 0 ? place / 2 : chunks_ - 1 - place / 2);
  }

 private:
  /// Of teams that are lines of the grid: whole K/V heads, or a head's slices over as many whole lines.
  [[nodiscard]] std::int64_t first_of_line(int team) const {
    if (bound_heads_ >= cores_) {
      const std::int64_t each = (bound_heads_ + cores_ - 1) / cores_;
      return std::min(team * each, bound_heads_) * chunks_;
    }
    const std::int64_t lines = cores_ / bound_heads_;
    const std::int64_t head = team / lines;
    if (head >= bound_heads_) return items();
    const std::int64_t units = (chunks_ / items_per_unit_ + lines - 1) / lines;
    return head * chunks_ + std::min<std::int64_t>(team % lines * units * items_per_unit_, chunks_);
  }

  std::int64_t units_ = 0;  ///< pairs or single chunks
  int items_per_unit_ = 1;
  int chunks_ = 0;
  int first_ = 0;  ///< chunk that sees a key
  int cores_ = 1;
  bool zigzag_ = false;
  std::int64_t bound_heads_ = 0;  ///< K/V heads of all batches, when they are bound to lines of the grid
};

/// The Q chunks of all heads that share a K/V head, sorted by the K chunks that they visit (chunk by chunk, then by head),
/// cut into slices: one item for each core of a team, its lane. When the items do not fill all slices, the first, with the
/// fewest visits, lacks some.
struct Slices {
  std::uint32_t heads = 1;   ///< that share a K/V head
  std::uint32_t chunks = 1;  ///< of a head
  std::uint32_t lanes = 1;
  bool zigzag = false;      ///< slices are dealt 0, n-1, 1, n-2, ...
  std::uint32_t first = 0;  ///< chunk that is dealt: those before see no key

  struct Item {
    bool exists = false;
    std::uint32_t head = 0;  ///< among those that share the K/V head
    std::uint32_t chunk = 0;
  };

  [[nodiscard]] constexpr std::uint32_t items() const { return heads * chunks; }
  [[nodiscard]] constexpr std::uint32_t count() const { return (items() + lanes - 1) / lanes; }
  /// Whether lane 0 has the item with the most visits, and the last lane the one with the fewest. With zigzag every other
  /// slice is the other way round, so that a lane with a light item has a heavy one next.
  [[nodiscard]] constexpr bool descending(std::uint32_t place) const { return !zigzag || place % 2 == 1; }
  /// Of the slice at a place of the K/V head's order, 0 to count() - 1.
  [[nodiscard]] constexpr Item item_at(std::uint32_t place, std::uint32_t lane) const {
    return ranked(place, descending(place) ? lane : lanes - 1 - lane);
  }
  /// The item with the most visits.
  [[nodiscard]] constexpr Item heaviest(std::uint32_t place) const { return ranked(place, 0); }

  /// The chunks of a slice with the fewest and the most visits.
  struct Extent {
    std::uint32_t light = 0;
    std::uint32_t heavy = 0;
  };
  [[nodiscard]] constexpr Extent extent_at(std::uint32_t place) const { return extent_to(end_of(place)); }
  /// Of the slice that has this item.
  [[nodiscard]] constexpr Extent extent_of(std::uint32_t head, std::uint32_t chunk) const {
    const std::uint32_t behind = items() - 1 - ((chunk - first) * heads + head);
    return extent_to(items() - behind / lanes * lanes);
  }

 private:
  /// Items of this slice and those with fewer visits.
  [[nodiscard]] constexpr std::uint32_t end_of(std::uint32_t place) const {
    const std::uint32_t mirrored = place % 2 == 0 ? place / 2 : count() - 1 - place / 2;
    return items() - (count() - 1 - (zigzag ? mirrored : place)) * lanes;
  }
  [[nodiscard]] constexpr Extent extent_to(std::uint32_t end) const {
    return {first + (end > lanes ? end - lanes : 0) / heads, first + (end - 1) / heads};
  }
  [[nodiscard]] constexpr Item ranked(std::uint32_t place, std::uint32_t rank) const {
    const std::uint32_t end = end_of(place);
    if (rank >= end) return {};
    return {true, (end - 1 - rank) % heads, first + (end - 1 - rank) / heads};
  }
};
[[nodiscard]] Slices slices_of(const Config& config);

/// How a slice's K chunks are cut: alike for all of its items, so that cores with the same part share them. They differ in
/// where the last part ends.
[[nodiscard]] KParts k_parts_of(const Config& config, Slices::Extent chunks, int batch = 0);
/// Of an item that shares its K chunks with no other.
[[nodiscard]] KParts k_parts_of(const Config& config, int q_chunk_index, int batch = 0);

/// Most items of a core, whatever the partition.
[[nodiscard]] std::int64_t most_items(const Config& config);

/// Groups of config.parts cores, or teams, that work on the same items.
[[nodiscard]] int group_count(const Config& config);

/// Estimated cycles of a K step's compute side, for choices only: it ranks, and predicts no times.
[[nodiscard]] std::int64_t cycles_of_step(const Config& config);
/// The same of merging a partial result into another.
[[nodiscard]] std::int64_t cycles_of_merge(const Config& config);

}  // namespace tilegrid::attention
