// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "core/format.h"

namespace tilegrid {

/// What a source register or DST receives from L1: fp32 as it is, or cut to TF32 or BF16 (tensix.md 1.6).
enum class RegisterFormat : unsigned char { fp32, tf32, bf16 };

/// Unpacks a tile from L1 to 1024 floats in face order (64-byte aligned). 16-bit formats are exact; fp32 is truncated to
/// the register's format. Block floats become what scalar::unpack_block_float says.
void unpack_tile(const std::byte* l1, DataFormat format, RegisterFormat to, bool transpose, float* out);

}  // namespace tilegrid
