// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/attention/config.h"
#include "kernels/common/divisor.h"

namespace tilegrid::attention {

/// How the flat order of all Q chunks (batch, then head, then chunk) is cut into runs, one for each core (attention.md
/// 1.2): by formulas, for whoever does not need the whole list that split_work() makes. When cores work in teams, slices
/// (batch, then K/V head, then slice) are dealt to teams in the same way: then a "core" here is a team, and an "item" or
/// "chunk" is a slice.
class Dealing {
 public:
  /// Throws std::logic_error when config.q_chunk is not set. Teams are those of config.team.
  explicit Dealing(const Config& config);

  [[nodiscard]] int chunks_per_head() const { return chunks_; }
  [[nodiscard]] int takers() const { return cores_; }  ///< cores or teams
  [[nodiscard]] std::int64_t items() const { return units_ * items_per_unit_; }
  /// Flat position of the first item of a core; the run ends where the next core's begins.
  [[nodiscard]] std::int64_t first_item(int core) const {
    const std::int64_t extra = units_ % cores_;
    return items_per_unit_ * (core * (units_ / cores_) + (core < extra ? core : extra));
  }
  /// Most items of a core; the first core has them.
  [[nodiscard]] std::int64_t most_items() const { return first_item(1); }
  /// Q chunk at a place (0..chunks_per_head()-1) of a head's order.
  [[nodiscard]] int chunk_at(int place) const {
    if (!zigzag_) return first_ + place;
    return first_ + (place % 2 == 0 ? place / 2 : chunks_ - 1 - place / 2);
  }

 private:
  std::int64_t units_ = 0;  ///< pairs or single chunks
  int items_per_unit_ = 1;
  int chunks_ = 0;
  int first_ = 0;  ///< chunk that sees a key
  int cores_ = 1;
  bool zigzag_ = false;
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

 private:
  [[nodiscard]] constexpr Item ranked(std::uint32_t place, std::uint32_t rank) const {
    const std::uint32_t mirrored = place % 2 == 0 ? place / 2 : count() - 1 - place / 2;
    const std::uint32_t end = items() - (count() - 1 - (zigzag ? mirrored : place)) * lanes;
    if (rank >= end) return {};
    return {true, (end - 1 - rank) % heads, first + (end - 1 - rank) / heads};
  }
};
[[nodiscard]] Slices slices_of(const Config& config);

/// Estimated cycles of a K step's compute side, for choices only: it ranks, and predicts no times.
[[nodiscard]] std::int64_t cycles_of_step(const Config& config);

}  // namespace tilegrid::attention
