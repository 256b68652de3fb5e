// SPDX-License-Identifier: Apache-2.0
// Sizes of the vendor's profiler that its examples read, and where a program's own L1 begins.
#pragma once

#include <cstdint>

namespace kernel_profiler {

inline constexpr std::uint32_t PROFILER_L1_MARKER_UINT32_SIZE = 2;
inline constexpr std::uint32_t PROFILER_L1_GUARANTEED_MARKER_COUNT = 4;
inline constexpr std::uint32_t PROFILER_L1_OPTIONAL_MARKER_COUNT = 250;
inline constexpr std::uint32_t PROFILER_OP_SUPPORT_COUNT = 1000;

}  // namespace kernel_profiler
/// For programs of the first years, which place buffers themselves.
inline constexpr std::uint32_t L1_UNRESERVED_BASE = 103'424;

using kernel_profiler::PROFILER_L1_GUARANTEED_MARKER_COUNT;
using kernel_profiler::PROFILER_OP_SUPPORT_COUNT;
