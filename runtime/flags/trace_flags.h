// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "runtime/flags/flags.h"
#include "runtime/traces/traces.h"

namespace tilegrid {

inline constexpr std::array<std::string_view, 5> trace_flags{"--trace", "--trace-cores", "--noc-trace", "--npeviz",
                                                             "--profiler-csv"};

/// Flags for files that are made of a replay.
void add_trace_flags(Flags& flags, traces::Options& options);

}  // namespace tilegrid
