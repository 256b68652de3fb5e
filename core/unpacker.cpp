// SPDX-License-Identifier: Apache-2.0
#include "core/unpacker.h"

#include "core/simd/matrix_kernels.h"

namespace tilegrid {

void unpack_tile(const std::byte* l1, DataFormat format, RegisterFormat to, bool transpose, float* out) {
  simd::UnpackSpec spec{.format = format, .transpose = transpose};
  if (format == DataFormat::fp32 || format == DataFormat::tf32) {
    if (to == RegisterFormat::tf32) spec.keep = 0xFFFFE000U;
    if (to == RegisterFormat::bf16) {
      spec.keep = 0xFFFF0000U;
      spec.flush = true;
    }
  }
  simd::unpack(l1, spec, out);
}

}  // namespace tilegrid
