// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention_formats.h"

#include "runtime/flags/format_flag.h"

namespace tilegrid::workloads {
namespace {

FormatTargets targets_of(attention::Formats& formats) {
  return {{"q", {&formats.q}},
          {"kv", {&formats.k, &formats.v}},
          {"k", {&formats.k}},
          {"v", {&formats.v}},
          {"out", {&formats.out}}};
}

}  // namespace

void add_attention_formats(Flags& flags, attention::Formats& formats) {
  add_format_flag(flags,
                  "Of tensors in DRAM: bf16, fp32, or bfp8, bfp4, bfp2, whose blocks of 16 share an\nexponent; one for all, "
                  "or q=bf16,kv=bfp8,out=bf16 (k and v apart, too); unfused\nscores have the output's. What stays in L1 is "
                  "bf16, with an fp32 output and DST fp32",
                  targets_of(formats));
}

std::string format_text(attention::Formats formats) { return formats_text(targets_of(formats)); }

}  // namespace tilegrid::workloads
