// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/graph_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/input_file.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {
namespace {

constexpr int most_tiles = 1024;  ///< of a value in a block; L1 holds 732 of bf16
constexpr int most_blocks = 1'000'000;
constexpr int most_capacity = 1024;
constexpr std::size_t most_file_bytes = 64U << 20U;

/// How DST is cut into sections: by one of the modes, or as the planner likes it.
enum class Sync { half, full, any };
const EnumNames<Sync> sync_choices{{"half", Sync::half}, {"full", Sync::full}, {"auto", Sync::any}};

/// "3" tiles, or "1e": one element. Nothing when it is neither.
std::optional<planner::Extent> parse_extent(std::string_view text) {
  if (text == "1e") return planner::Extent{.tiles = 1, .unit = true};
  int tiles = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || tiles > most_tiles) return std::nullopt;
    tiles = tiles * 10 + (c - '0');
  }
  if (text.empty() || tiles < 1) return std::nullopt;
  return planner::Extent{.tiles = tiles};
}

/// `flag` ends where the value begins.
planner::Shape parse_shape(const std::string& flag, const std::string& text) {
  const std::size_t at = text.find('x');
  const auto rows = parse_extent(std::string_view(text).substr(0, at));
  const auto cols = at == std::string::npos ? std::nullopt : parse_extent(std::string_view(text).substr(at + 1));
  if (!rows || !cols) {
    throw UsageError(fmt::format("{}{}: rows and columns in tiles are expected, as in 2x4", flag, text));
  }
  const planner::Shape shape{*rows, *cols};
  if (shape.tiles() > most_tiles) {
    throw UsageError(fmt::format("{}{}: {} tiles, at most {}", flag, text, shape.tiles(), most_tiles));
  }
  return shape;
}

planner::Shape parse_block(const std::string& text) {
  const planner::Shape block = parse_shape("--block ", text);
  if (block.rows.unit || block.cols.unit) {
    throw UsageError(fmt::format("--block {}: a block is counted in whole tiles, as in 2x4", text));
  }
  return block;
}

/// NAME=RxC, or col, row, scalar: vectors as long as the block.
std::pair<std::string, planner::Shape> parse_operand(const std::string& text, planner::Shape block) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    throw UsageError(fmt::format("--operand {}: NAME=RxC, NAME=col, NAME=row or NAME=scalar is expected", text));
  }
  const std::string name = text.substr(0, at);
  const std::string shape = text.substr(at + 1);
  constexpr planner::Extent one{.tiles = 1, .unit = true};
  if (shape == "col") return {name, {block.rows, one}};
  if (shape == "row") return {name, {one, block.cols}};
  if (shape == "scalar") return {name, {one, one}};
  return {name, parse_shape(fmt::format("--operand {}=", name), shape)};
}

/// A whole number from `least` to `most`.
template <class T>
void add_range_flag(Flags& flags, const std::string& name, const std::string& help, T& member, int most) {
  flags.add(name, "N", help, [&member, name, most](const std::string& text) { member = parse_int(name, text, 1, most); });
}

void check_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const planner::Preset& preset : planner::presets()) names.emplace_back(preset.name);
  if (std::find(names.begin(), names.end(), name) == names.end()) refuse_word("--preset", name, names);
}

}  // namespace

void GraphRequest::declare(Flags& flags) {
  flags.in("Graph (one of --expr, --preset, --graph)");
  flags
      .add(
          "--expr", "TEXT",
          "An expression in NumPy notation, statements and outputs with ;\nas in \"S = Q @ K.T; exp((S - m[:, None]) * c)\"",
          expression)
      .named("expression", "expr");
  flags.add("--preset", "NAME", "A graph that comes along, see below", preset);
  flags.add("--graph", "FILE", "JSON in the planner's schema: \"cases\", or one case", file).reads().named("graph");
  flags.add("--case", "ID", "The case of --graph, when it has several", case_id);
  flags.add("--block", "RxC", "Tiles of the outputs in a block: rows x columns [2x2]",
            [&](const std::string& text) { shapes.block = parse_block(text); });
  add_range_flag(flags, "--inner", "Tiles of the K of matmuls that no operand tells [the block's columns]", shapes.inner,
                 most_tiles);
  flags.add("--block-factors", "LIST", "Tiles by operand, inputs in order of appearance, then outputs: 2x2,2x2,2x2",
            [&](const std::string& text) {
              for (const std::string& one : tilegrid::split(text)) {
                shapes.factors.push_back(parse_shape("--block-factors ", one));
              }
            });
  flags
      .add("--operand", "NAME=SHAPE",
           "Shape of an input: NAME=RxC in tiles (2x1e: one element wide), or\nNAME=col, row, scalar; may be "
           "repeated",
           operands_)
      .no_fact();

  planner::Machine& machine = plan.machine;
  flags.in("Machine").add("--dst", "DST numbers: bf16 (16 tiles), fp32 (8 tiles) [$]", machine.dst_fp32, dst_names());
  flags.add("--sync", "NAME", "DST in two halves or in one section: half, full; auto: best may choose [half]",
            [&](const std::string& text) {
              const Sync sync = parse_word("--sync", text, sync_choices);
              machine.full_sync = sync == Sync::full;
              machine.any_sync = sync == Sync::any;
            });
  add_range_flag(flags, "--dst-capacity", "Slots of a section [what the two flags above leave]", machine.capacity_override,
                 most_capacity);
  flags.add("--format", "Of inputs and outputs in DRAM: bf16, fp32, bfp8 [$]", machine.format, tensor_formats());
  flags.add("--fidelity", "Multiplication passes: lofi, hifi2, hifi3, hifi4 [$]", machine.fidelity, fidelity_names());
  flags.add("--precision",
            "What forms of operations may cost beyond the listed ones. keep: nothing;\nallow-tf32: fp32 values cut to TF32, "
            "sums begun in 16-bit slots, products\non the FPU with the passes of --fidelity [$]",
            machine.precision, precision_names());
  add_range_flag(flags, "--k-block", "Tiles of K that a matmul gets at a time [the planner's choice]", plan.k_block,
                 most_tiles);
  add_range_flag(flags, "--max-tiles", "Largest sub-block in tiles [no limit but the slots]", plan.max_tiles, most_tiles);
  add_range_flag(flags, "--blocks-per-core", "Over how many blocks the model spreads filling and draining [8]", plan.blocks,
                 most_blocks);
}

void GraphRequest::check(const Flags& flags) {
  const int sources =
      static_cast<int>(!expression.empty()) + static_cast<int>(!preset.empty()) + static_cast<int>(!file.empty());
  if (sources != 1) {
    throw UsageError(fmt::format("exactly one of --expr, --preset and --graph is needed, {}",
                                 sources == 0 ? "none was given" : fmt::format("{} were given", sources)));
  }
  if (!file.empty()) {
    flags.refuse({"--block", "--inner", "--block-factors", "--operand"},
                 "does not go with --graph: the file has the shapes");
  } else if (!case_id.empty()) {
    throw UsageError("--case goes with --graph only");
  }
  if (!preset.empty()) check_preset(preset);
  for (const std::string& text : operands_) {
    const auto [name, shape] = parse_operand(text, shapes.block);
    if (!shapes.operands.emplace(name, shape).second) {
      throw UsageError(fmt::format("--operand {}: '{}' is given twice", text, name));
    }
  }
}

std::vector<planner::Case> GraphRequest::load_cases() const {
  try {
    const std::string text = read_input(file, most_file_bytes);
    return planner::load_cases(text);
  } catch (const UsageError& error) {
    const bool named = error.message().starts_with(file + ": ");  // by the reader
    throw UsageError(fmt::format("--graph {}", named ? error.message() : fmt::format("{}: {}", file, error.message())));
  }
}

const planner::Case& GraphRequest::find_case(const std::vector<planner::Case>& cases) const {
  std::vector<std::string> ids;
  for (const planner::Case& one : cases) {
    if (one.id == case_id) return one;
    ids.push_back(one.id);
  }
  const std::string near = nearest_word(case_id, ids);
  throw UsageError(fmt::format("--case {}: {} has no such case{}", case_id, file,
                               near.empty() ? "" : fmt::format(", did you mean {}?", near)));
}

planner::Graph GraphRequest::load_file() {
  const std::vector<planner::Case> cases = load_cases();
  if (cases.empty()) throw UsageError(fmt::format("--graph {}: there is no case in it", file));
  if (case_id.empty() && cases.size() > 1) {
    throw UsageError(fmt::format("--graph {}: has {} cases, --case ID chooses one", file, cases.size()));
  }
  const planner::Case& chosen = case_id.empty() ? cases.front() : find_case(cases);
  if (!plan.machine.capacity_override) plan.machine.capacity_override = chosen.dst_capacity;
  planner::Graph graph = planner::to_graph(chosen);
  graph.name = chosen.id;
  return graph;
}

planner::Graph GraphRequest::load() {
  planner::Graph graph;
  if (!file.empty()) {
    graph = load_file();
  } else {
    graph = preset.empty() ? planner::parse_expression(expression, shapes) : planner::preset_graph(preset, shapes);
  }
  for (const planner::Value& value : graph.values()) {
    const std::int64_t tiles = std::int64_t{value.shape.rows.tiles} * value.shape.cols.tiles;
    if (tiles <= most_tiles) continue;
    throw UsageError(
        fmt::format("{} {}: {} tiles, at most {}", value.name, planner::text_of(value.shape), tiles, most_tiles));
  }
  return graph;
}

std::string preset_list() {
  std::string text = "Presets:\n";
  for (const planner::Preset& preset : planner::presets()) {
    text += fmt::format("  {:<22}{}\n", preset.name, preset.description);
  }
  return text;
}

const EnumNames<planner::Strategy>& strategy_names() {
  using planner::Strategy;
  static const EnumNames<Strategy> names(
      {Strategy::naive, Strategy::liveness, Strategy::subblock, Strategy::pipelined, Strategy::grid, Strategy::best},
      [](Strategy strategy) { return name_of(strategy); });
  return names;
}

const EnumNames<planner::Precision>& precision_names() {
  static const EnumNames<planner::Precision> names{{"keep", planner::Precision::keep},
                                                   {"allow-tf32", planner::Precision::allow_tf32}};
  return names;
}

}  // namespace tilegrid::workloads
