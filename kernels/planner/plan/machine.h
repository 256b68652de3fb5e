// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/chip/chip.h"
#include "core/format.h"
#include "core/matrix_unit.h"

namespace tilegrid::planner {

/// Whether a form may cut an fp32 DST value to TF32 or BF16 (dst.md 3.2: dest-reuse and every FPU path do).
enum class Precision : std::uint8_t { keep, allow_tf32 };

/// One core as the planner sees it.
struct Machine {
  bool dst_fp32 = false;   ///< 32-bit slots: half as many
  bool full_sync = false;  ///< the whole DST for one section
  bool any_sync = false;   ///< `best` may choose the sync mode itself
  std::optional<int> capacity_override;
  Fidelity fidelity = Fidelity::hifi2;
  Precision precision = Precision::keep;
  DataFormat format = DataFormat::bf16;  ///< of inputs and outputs: bf16, fp32 or bfp8_b
  std::uint64_t l1_bytes = 0;            ///< that circular buffers may take; 0: all that a kernel can have
  Chip chip{};                           ///< whose cycles plans are ranked by

  /// Slots of a section: of Wormhole 16 tiles of 16-bit or 8 of 32-bit, halved in half-sync (tensix.md 1.2), or the
  /// override.
  [[nodiscard]] int capacity() const { return capacity(full_sync); }
  [[nodiscard]] int capacity(bool full) const {
    if (capacity_override) return *capacity_override;
    return chip.dst_slots(dst_fp32, full);
  }
  /// Of values between sections: fp32 with 32-bit DST, so that a trip through a CB loses nothing.
  [[nodiscard]] DataFormat intermediate_format() const { return dst_fp32 ? DataFormat::fp32 : DataFormat::bf16; }
};

}  // namespace tilegrid::planner
