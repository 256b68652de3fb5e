// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/number_events.h"
#include "core/packer.h"
#include "core/types.h"

namespace tilegrid {

/// Looks at numbers as a core's units read and write them, and counts what becomes of them. It costs about as much as the
/// operations themselves, and so is there for who asked.
class NumberWatch {
 public:
  /// A tile that the unpacker takes from a buffer.
  void reads(const char* operation, TileOperand tile, std::uint32_t cb, std::uint32_t index);
  /// A tile of DST that the vector unit reads.
  void reads(const char* operation, const float* values, std::uint32_t slot);

  /// An operation that writes `count` slots from `first` on, and adds to those of them that `cleared` does not name. It is
  /// run, before, a second time, on cleared tiles of the watch, for what it adds. run(to, cleared).
  template <class Run>
  void accumulates(const char* operation, float* slots, std::uint32_t first, int count, std::uint32_t cleared,
                   const Run& run) {
    before_.resize(count);
    addend_.resize(count);
    for (int i = 0; i < count; ++i) keep(before_[i], cleared >> i & 1U ? nullptr : slots, i);
    const std::uint32_t all = count >= 32 ? ~0U : (1U << count) - 1U;
    const bool adds = (~cleared & all) != 0;
    if (adds) run(addend_.front().data(), all);
    run(slots, cleared);
    for (int i = 0; i < count; ++i) {
      const std::ptrdiff_t at = std::ptrdiff_t{i} * tile_elements;
      const bool added = (cleared >> i & 1U) == 0;
      wrote(operation, slots + at, first + i, before_[i], added ? &addend_[i] : nullptr);
    }
  }

  /// An operation that writes a slot from tiles of DST, which may be the same. run() runs it.
  template <class Run>
  void computes(const char* operation, const float* result, std::uint32_t slot, std::span<const float* const> in,
                const Run& run) {
    before_.resize(1);
    keep_finite(before_.front(), in);
    run();
    wrote(operation, result, slot, before_.front(), nullptr);
  }

  /// The packer: run() packs the slot (null: a cleared one) to the tile of a buffer.
  template <class Run>
  void packs(const float* source, const PackConfig& config, const std::byte* l1, std::uint32_t cb, std::uint32_t index,
             const Run& run) {
    before_.resize(1);
    if (config.l1_accumulate) keep_packed(config.format, l1);
    run();
    packed(source, config, l1, cb, index);
  }

  /// A tile of DST that an exponential has written.
  void exponentials(const char* operation, const float* values, std::uint32_t slot);

  [[nodiscard]] std::vector<NumberRecord> take() { return std::exchange(records_, {}); }

 private:
  struct alignas(64) Values : std::array<float, tile_elements> {};

  static void keep(Values& to, const float* slots, int tile);
  /// A value that is not finite where one of the inputs is none.
  static void keep_finite(Values& to, std::span<const float* const> in);
  void keep_packed(DataFormat format, const std::byte* l1);
  void wrote(const char* operation, const float* after, std::uint32_t slot, const Values& before, const Values* addend);
  void packed(const float* source, const PackConfig& config, const std::byte* l1, std::uint32_t cb, std::uint32_t index);
  void packed_integers(const float* source, DataFormat format, std::uint32_t cb, std::uint32_t index);
  void note(const char* operation, NumberEvent event, int cb, std::uint32_t tile, int element);

  std::vector<NumberRecord> records_;
  std::vector<Values> before_, addend_;
};

}  // namespace tilegrid
