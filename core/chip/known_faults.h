// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/chip/chip.h"
#include "core/matrix_unit.h"

/// Known faults of silicon and of what is shipped for it: what is right here may be wrong there.
namespace tilegrid {

/// What the compute kernel of a core did, or those of a launch, as far as known faults ask.
struct ComputeUse {
  Fidelity fidelity = Fidelity::hifi2;
  bool dst_fp32 = false;
  std::uint64_t matmul_tiles = 0;                   ///< products of tiles
  std::uint64_t dest_reuses = 0;                    ///< element-wise operations that took an operand out of DST
  std::uint64_t summed_tiles = 0;                   ///< by the reduction unit
  bool fp32_buffers = false, bf16_buffers = false;  ///< circular buffers of these formats
};

struct KnownFault {
  const char* id;
  const char* chip;     ///< name of the chip that has it
  const char* summary;  ///< what happens, and when
  const char* advice;
  const char* source;  ///< where it was published, and where core/hardware tells it
  bool (*relied_on)(const ComputeUse& use);
};

/// All that are known of.
[[nodiscard]] std::span<const KnownFault> known_faults();

/// The fault of matrix units that exact numerics can have (MatrixUnit's known_faults): whether the chip has it.
[[nodiscard]] bool has_matrix_fault(const Chip& chip);

/// Some of them, none twice.
using KnownFaults = std::vector<const KnownFault*>;
/// Those of the chip that a launch relies on not being there.
[[nodiscard]] KnownFaults faults_relied_on(const Chip& chip, const ComputeUse& use);
void add(KnownFaults& faults, const KnownFaults& more);

}  // namespace tilegrid
