// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/chip/chip.h"
#include "core/format.h"
#include "core/matrix_unit.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/rounding.h"

namespace tilegrid::planner {

/// What forms of operations may cost. keep: nothing beside the operations as they are listed. allow_tf32: they may cut an
/// fp32 DST value to TF32 or BF16 (dst.md 3.2: dest-reuse and every FPU path do), multiply with the passes of the fidelity
/// alone, and begin sums in 16-bit slots. Plan::error says what came of it.
enum class Precision : std::uint8_t { keep, allow_tf32 };

/// One core as the planner sees it.
struct Machine {
  bool dst_fp32 = false;   ///< 32-bit slots: half as many
  bool full_sync = false;  ///< the whole DST for one section
  bool any_sync = false;   ///< `best` may choose the sync mode itself
  std::optional<int> capacity_override;
  Fidelity fidelity = Fidelity::hifi2;
  Numerics numerics = default_numerics;  ///< of what runs; no plan depends on it
  bool known_faults = false;             ///< as in ComputeConfig
  Precision precision = Precision::keep;
  DataFormat format = DataFormat::bf16;       ///< of inputs and outputs: any but integers
  std::optional<DataFormat> output_format{};  ///< of outputs, where they have another
  std::uint64_t l1_bytes = 0;                 ///< that circular buffers may take; 0: all that a kernel can have
  Chip chip{};                                ///< whose cycles plans are ranked by

  /// Slots of a section: of Wormhole 16 tiles of 16-bit or 8 of 32-bit, halved in half-sync (tensix.md 1.2), or the
  /// override.
  [[nodiscard]] int capacity() const { return capacity(full_sync); }
  [[nodiscard]] int capacity(bool full) const {
    if (capacity_override) return *capacity_override;
    return chip.dst_slots(dst_fp32, full);
  }
  /// What keeps the precision in an accumulator's slot. A running sum is never kept in one of 16 bits: it ends where a K
  /// tile's share is less than half a last place.
  [[nodiscard]] Folds folds() const {
    const bool free = precision == Precision::allow_tf32;
    // With each tile of a row the sum so far goes through SrcB and is cut to the tile's format (tensix.md 2.2).
    const bool row_sums = dst_fp32 && numerics == Numerics::fast;
    return {.sums = dst_fp32 || free,
            .running_sums = dst_fp32,
            .row_sums = row_sums || free,
            .running_row_sums = row_sums,
            .input_maxima = !dst_fp32 || free || places_of(format) <= source_places(dst_fp32),
            .result_maxima = !dst_fp32 || free};
  }
  [[nodiscard]] DataFormat out_format() const { return output_format.value_or(format); }
  /// Of values between sections: fp32 with 32-bit DST, so that a trip through a CB loses nothing.
  /// 16-bit DST is fp16 when the inputs are: then scalers are, too.
  [[nodiscard]] DataFormat half_format() const { return format == DataFormat::fp16 ? DataFormat::fp16 : DataFormat::bf16; }
  [[nodiscard]] DataFormat intermediate_format() const { return dst_fp32 ? DataFormat::fp32 : half_format(); }
};

}  // namespace tilegrid::planner
