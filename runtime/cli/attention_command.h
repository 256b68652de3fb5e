// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/checks/classes.h"
#include "kernels/attention/config.h"
#include "runtime/cli/arch_arguments.h"
#include "runtime/data/attention_data.h"
#include "runtime/workloads/verify.h"

namespace tilegrid::cli {

/// What the flags of `tilegrid attention` say. The shape is what was given; defaults and files are applied by
/// resolve_shape().
struct AttentionOptions {
  attention::Config config;  ///< all but the shape
  struct GivenShape {
    std::optional<int> batch, heads, kv_heads, seq, kv_seq, dim;
    bool causal = false;
  } shape;
  std::uint64_t seed = 0;
  attention::Distribution distribution = attention::Distribution::normal;
  std::array<std::string, 3> inputs;  ///< files of Q, K, V; all or none
  std::string out;
  std::string json;
  std::string log;
  VerifyRequest verify;
  std::string view;
  bool split = false;
  bool show_plan = false;
  bool compare_kernels = false;
  bool dry_run = false;
  bool hash_output = false;                        ///< no flag: for comparisons of outputs
  bool chunks_for_all = false;                     ///< no flag: attention::with_chunks_for_all()
  std::optional<ChosenArchitecture> architecture;  ///< for device time; none when that is not wanted
  bool progress = true;
  std::optional<std::uint64_t> shake;  ///< LaunchOptions::shake
  checks::Config checks;
  [[nodiscard]] bool has_files() const { return !inputs[0].empty(); }
  [[nodiscard]] bool quiet() const { return json == "-"; }
};

/// What `tilegrid attention` with these flags would run. Throws UsageError.
[[nodiscard]] AttentionOptions parse_attention(const std::vector<std::string>& arguments);

/// Defaults for what was not given.
[[nodiscard]] attention::Shape resolve_shape(const AttentionOptions::GivenShape& given);

}  // namespace tilegrid::cli
