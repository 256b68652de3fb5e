// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/format.h"
#include "runtime/flags/flags.h"

namespace tilegrid {

/// A tensor of a workload, or several, by the name that --format has for it, and where its format is kept.
struct FormatTarget {
  std::string name;
  std::vector<DataFormat*> members;
};
/// In the order in which they are listed; together before single: kv before k and v.
using FormatTargets = std::vector<FormatTarget>;

inline constexpr std::string_view format_flag = "--format";
/// `--format`: NAME for all tensors, or a list of TENSOR=NAME, which may begin with a NAME for those that it leaves out. Its
/// parts are separated by commas or plus signs: in a sweep commas are between values. Throws UsageError for names of formats
/// and tensors that there are not, and for a tensor named twice.
Flag& add_format_flag(Flags& flags, const std::string& help, FormatTargets targets);

/// "bf16" when all have it, else "q=bf16,kv=bfp8_b".
[[nodiscard]] std::string formats_text(const FormatTargets& targets);

}  // namespace tilegrid
