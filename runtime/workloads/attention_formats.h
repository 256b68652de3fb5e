// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "kernels/attention/config.h"
#include "runtime/flags/flags.h"

namespace tilegrid::workloads {

/// --format of attention: q, kv, k, v, out.
void add_attention_formats(Flags& flags, attention::Formats& formats);

/// --exp of attention: fast, unclamped, accurate.
void add_attention_exp(Flags& flags, attention::Config& config);
[[nodiscard]] std::string exp_text(const attention::Config& config);

/// As --format has it: "bf16", or "q=bf16,kv=bfp8_b,out=bf16".
[[nodiscard]] std::string format_text(attention::Formats formats);

}  // namespace tilegrid::workloads
