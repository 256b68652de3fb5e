// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/graph_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/graph/shape_text.h"
#include "runtime/flags/format_flag.h"
#include "runtime/flags/kernel_flags.h"

namespace tilegrid {
namespace {

using planner::most_tiles_of_value;

constexpr int most_blocks = 1'000'000;
constexpr int most_capacity = 1024;

/// How DST is cut into sections: by one of the modes, or as the planner likes it.
enum class Sync { half, full, any };
const EnumNames<Sync> sync_choices{{"half", Sync::half}, {"full", Sync::full}, {"auto", Sync::any}};

/// A whole number from 1 to `most`.
template <class T>
void add_range_flag(Flags& flags, const std::string& name, const std::string& help, T& member, int most) {
  flags.add(name, "N", help, [&member, most](const Given& given) { member = parse_int(given.flag, given.text, 1, most); });
}

void check_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const planner::Preset& preset : planner::presets()) names.emplace_back(preset.name);
  if (std::find(names.begin(), names.end(), name) == names.end()) refuse_word("`preset`", name, names);
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
            [&](const Given& given) { shapes.block = planner::parse_block(given.flag + " ", given.text); });
  add_range_flag(flags, "--inner", "Tiles of the K of matmuls that no operand tells [the block's columns]", shapes.inner,
                 most_tiles_of_value);
  flags.add("--block-factors", "LIST", "Tiles by operand, inputs in order of appearance, then outputs: 2x2,2x2,2x2",
            [&](const Given& given) {
              for (const std::string& one : split(given.text)) {
                shapes.factors.push_back(planner::parse_shape(given.flag + " ", one));
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
            [&](const Given& given) {
              const Sync sync = parse_word(given.flag, given.text, sync_choices);
              machine.full_sync = sync == Sync::full;
              machine.any_sync = sync == Sync::any;
            });
  add_range_flag(flags, "--dst-capacity", "Slots of a section [what the two flags above leave]", machine.capacity_override,
                 most_capacity);
  // The option stays engaged: what a caller assigns to the machine later is what the flag tells.
  add_format_flag(
      flags, "Of inputs and outputs in DRAM: bf16, fp32, tf32, fp16, bfp8, bfp4, bfp2; one for all,\nor in=bfp8,out=bf16",
      {{"in", {&machine.format}}, {"out", {&machine.output_format.emplace(machine.format)}}});
  flags.add("--fidelity", "Multiplication passes: lofi, hifi2, hifi3, hifi4 [$]", machine.fidelity, fidelity_names());
  add_numerics_flags(flags, machine.numerics, machine.known_faults);
  flags.add("--precision",
            "What forms of operations may cost beyond the listed ones. keep: nothing;\nallow-tf32: fp32 values cut to TF32, "
            "sums begun in 16-bit slots, products\non the FPU with the passes of --fidelity [$]",
            machine.precision, precision_names());
  add_range_flag(flags, "--k-block", "Tiles of K that a matmul gets at a time [the planner's choice]", plan.k_block,
                 most_tiles_of_value);
  add_range_flag(flags, "--max-tiles", "Largest sub-block in tiles [no limit but the slots]", plan.max_tiles,
                 most_tiles_of_value);
  add_range_flag(flags, "--blocks-per-core", "Over how many blocks the model spreads filling and draining [8]", plan.blocks,
                 most_blocks);
}

void GraphRequest::check(const Flags& flags) {
  const auto given = [](const std::string& source) { return source.empty() ? 0 : 1; };
  const int sources = given(expression) + given(preset) + given(file);
  if (sources != 1) {
    throw UsageError(fmt::format("exactly one of `expr`, `preset` and `graph` is needed, {}",
                                 sources == 0 ? "none was given" : fmt::format("{} were given", sources)));
  }
  if (!file.empty()) {
    flags.refuse({"--block", "--inner", "--block-factors", "--operand"},
                 "does not go with --graph: the file has the shapes");
  } else if (!case_id.empty()) {
    throw UsageError("`case` goes with `graph` only");
  }
  if (!preset.empty()) check_preset(preset);
  for (const std::string& text : operands_) {
    const auto [name, shape] = planner::parse_operand("`operand` ", text, shapes.block);
    if (!shapes.operands.emplace(name, shape).second) {
      throw UsageError(fmt::format("`operand` {}: '{}' is given twice", text, name));
    }
  }
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

}  // namespace tilegrid
