// SPDX-License-Identifier: Apache-2.0
// Included before Highway's foreach_target.h in every SIMD source: which instruction sets are compiled. AVX2 and AVX-512
// cover the field; the baseline of Highway 1.0.3 with g++ 12 is one scalar lane, where fused multiply-add is std::fma.
// Each further target costs compile time and gives nothing. SVE is out because the kernels keep arrays of vectors.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
