// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/format.h"
#include "core/types.h"
#include "runtime/session.h"

namespace tilegrid::cli {

/// A command of the program: its flags, and what it does. run() is called on every rank and returns the exit code, the same
/// on all; it throws Error for what is wrong with the flags, on all ranks alike.
struct Command {
  CLI::App* app = nullptr;
  std::function<int(Session&)> run;
  bool takes_leftovers = false;  ///< run() looks at arguments that no flag took
};

[[nodiscard]] Command add_attention_command(CLI::App& parent);
[[nodiscard]] Command add_info_command(CLI::App& parent);
[[nodiscard]] Command add_log_command(CLI::App& parent);
[[nodiscard]] Command add_plan_command(CLI::App& parent);
[[nodiscard]] Command add_fused_command(CLI::App& parent);
[[nodiscard]] Command add_retime_command(CLI::App& parent);
[[nodiscard]] Command add_sweep_command(CLI::App& parent);
[[nodiscard]] Command add_compare_kv_command(CLI::App& parent);
[[nodiscard]] Command add_arch_command(CLI::App& parent);
[[nodiscard]] Command add_checks_command(CLI::App& parent);

/// Values of flags. All throw UsageError with a line that names flag and value.
[[nodiscard]] int parse_int(std::string_view flag, const std::string& text);
[[nodiscard]] std::uint64_t parse_unsigned(std::string_view flag, const std::string& text);
/// A number that is finite: "0.25"
[[nodiscard]] double parse_number(std::string_view flag, const std::string& text);
/// "8x10"
[[nodiscard]] GridSize parse_grid(std::string_view flag, const std::string& text);
/// "3,4"
[[nodiscard]] LogicalCore parse_core(std::string_view flag, const std::string& text);
/// Index of the word among `words`.
[[nodiscard]] std::size_t parse_word(std::string_view flag, const std::string& text, const std::vector<std::string>& words);
/// Format of tensors in DRAM: bf16, fp32 or bfp8 (bfp8_b).
[[nodiscard]] DataFormat parse_tensor_format(std::string_view flag, const std::string& text);

/// Of `words` the one nearest to `text` by edit distance; empty when none is near.
[[nodiscard]] std::string nearest_word(const std::string& text, const std::vector<std::string>& words);

/// Throws UsageError for the first argument that no flag of `app` took, with the nearest flag or command.
void refuse_leftovers(const CLI::App& app);

/// Throws UsageError for a flag whose value is empty.
void refuse_empty_values(const CLI::App& app);

/// Throws UsageError when a file can't be created or replaced at `path`. Leaves nothing behind.
void check_output_path(std::string_view flag, const std::string& path);
/// Whether two paths lead to the same file, existing or not.
[[nodiscard]] bool same_file(const std::string& a, const std::string& b);

struct NamedPath {
  std::string flag;
  std::string path;
};
/// Before anything is computed, so that a typing error does not cost a run: throws UsageError for a path that can't be
/// written, that two outputs share or that is an input.
void check_output_files(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs);

/// Writes to standard output. A closed pipe is no error, what else fails is: throws UsageError.
void put(std::string_view text);
void flush_output();

}  // namespace tilegrid::cli
