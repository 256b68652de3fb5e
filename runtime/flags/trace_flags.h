// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/flags/flags.h"
#include "runtime/traces/traces.h"

namespace tilegrid {

/// Flags for files that are made of a replay: --trace, --trace-cores, --noc-trace, --npeviz, --profiler-csv.
void add_trace_flags(Flags& flags, traces::Options& options);

}  // namespace tilegrid
