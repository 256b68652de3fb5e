// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/trace_flags.h"

namespace tilegrid {

void add_trace_flags(Flags& flags, traces::Options& options) {
  const auto add = [&](const char* name, const char* type, const char* help, auto& member) -> Flag& {
    return flags.add(name, type, help, member).no_fact().no_sweep().of_replay().unfit_for({Comparison::rows});
  };
  add("--trace", "FILE",
      "Write a timeline for Perfetto (ui.perfetto.dev): cores, RISCs, transfers, buffers,\nDST and links [none]",
      options.trace)
      .writes();
  add("--trace-cores", "X,Y[-X,Y]", "Only these cores in --trace, one or a rectangle; may be repeated [all]", options.cores);
  add("--noc-trace", "FILE", "Write transfers as tt-npe reads them: noc-event JSON [none]", options.noc_trace).writes();
  add("--npeviz", "FILE", "Write transfers and links as ttnn-visualizer opens them, with the times\nof this run [none]",
      options.npeviz)
      .writes();
  add("--profiler-csv", "FILE", "Write kernels and their named zones as the device profiler logs them\n[none]",
      options.profiler_csv)
      .writes();
}

}  // namespace tilegrid
