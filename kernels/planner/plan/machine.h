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

/// Cycles of 1 GHz of one Wormhole core, and bytes a cycle. Sources: tensix.md 3.1 to 3.3, 4.4; dst.md 3.3.
struct Costs {
  double unpack_bytes_per_cycle = 64;  ///< both unpackers together (tensix.md 3.1)
  double pack_bytes_per_cycle = 64;    ///< halved by L1 accumulation (tensix.md 3.1)
  double matmul_tile_phase = 16;       ///< a 32x32x32 product, each fidelity phase (tensix.md 3.2)
  double add_tile = 13;                ///< FPU add, sub (tensix.md 3.2)
  double mul_tile_phase = 20;          ///< FPU mul, each fidelity phase (tensix.md 3.2)
  double copy_tile = 12;               ///< math thread's part of a copy to DST (tensix.md 3.2)
  double reduce_row_max = 98;          ///< (tensix.md 3.2)
  double reduce_col = 16;              ///< max, and sum in a phase (tensix.md 3.2)
  double reduce_row_sum_phase = 12;    ///< (tensix.md 3.2)
  double reduce_scalar = 41;           ///< (tensix.md 3.2)
  double transpose_tile = 64;          ///< four faces with set-up; no public figure (tensix.md 3.2)
  double copy_dst = 64;                ///< DST to DST on the SFPU: load and store of 32 vectors (tensix.md 2.3 law)
  double init = 30;                    ///< a change of operation or operands' formats: "tens of cycles" (tensix.md 3.3)
  double section = 40;                 ///< acquire, commit, wait, release; unmeasured (dst.md 7)
  double cb_operation = 30;            ///< a wait and pop, or a reserve and push (tensix.md 3.3)
  double dram_bytes_per_cycle = 22;    ///< one core's reads or writes (tensix.md 4.4)
};

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
  Costs costs;
  Chip chip{};

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
