// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/fused_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/simd/dispatch.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/report/comparison_text.h"
#include "runtime/report/run_report_json.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string extent_text(const planner::TensorExtent& extent) { return fmt::format("{}x{}", extent.rows, extent.cols); }

std::string source_of(const FusedOptions& options, const std::string& name) {
  const auto file = options.inputs.find(name);
  return file == options.inputs.end() ? "" : fmt::format(" ({})", file->second);
}

std::string tensors_text(const FusedOutcome& outcome) {
  const planner::Graph& graph = outcome.job.plan.graph;
  std::string text;
  for (std::size_t i = 0; i < outcome.inputs.size(); ++i) {
    const std::string& name = graph.value(static_cast<planner::ValueId>(i)).name;
    text +=
        fmt::format("{}{} {}{}", i == 0 ? "" : ", ", name, extent_text(outcome.inputs[i]), source_of(outcome.options, name));
  }
  text += " ->";
  for (std::size_t i = 0; i < outcome.outputs.size(); ++i) {
    text +=
        fmt::format("{} {} {}", i == 0 ? "" : ",", graph.value(graph.outputs()[i]).name, extent_text(outcome.outputs[i]));
  }
  if (outcome.options.inputs.size() < outcome.inputs.size()) {
    text += fmt::format("; random normal, seed {}", outcome.options.seed);
    if (outcome.options.scale != 1) text += fmt::format(", scale {}", outcome.options.scale);
  }
  return text;
}

std::string header(const FusedOutcome& outcome) {
  const planner::Plan& plan = outcome.job.plan;
  std::string text = fmt::format("tilegrid {} fused\n", TILEGRID_VERSION);
  text += fmt::format("  graph      {}\n", graph_signature(outcome.graph));
  text += fmt::format("             {}\n", graph_operations(outcome.graph));
  text += fmt::format("  tensors    {}\n", tensors_text(outcome));
  planner::Machine machine = plan.machine;
  machine.any_sync = false;  // it has been chosen
  text += fmt::format("  machine    {}\n", machine_text(machine));
  text +=
      fmt::format("  blocks     {} tiles, {} x {} of them; {} to {} a core\n", text_of(plan.block), outcome.job.block_rows,
                  outcome.job.block_cols, blocks_of_core(outcome, outcome.grid.cores() - 1), blocks_of_core(outcome, 0));
  text += place_text(outcome);
  text += fmt::format("\nPlan {}: {}", name_of(plan.strategy), planner::verdict(plan));
  text += fmt::format("  modelled: {:.0f} cycles from block to block, bound by {}\n", plan.cost.interval, plan.cost.bound());
  return text;
}

std::string verification_text(const FusedOutcome& outcome) {
  if (!outcome.verification) {
    if (outcome.options.verify == FusedOptions::Verify::off) return "\nVerification: not verified (--verify off)\n";
    return fmt::format("\nVerification: not verified, {:.1e} multiply-adds are more than {:.0e} (--verify full does it)\n",
                       outcome.multiply_adds, fused_verification_limit);
  }
  const planner::Graph& graph = outcome.job.plan.graph;
  const FusedVerification& v = *outcome.verification;
  std::string text = fmt::format("\nVerification against double precision: {:.2f} s\n", v.seconds);
  for (std::size_t i = 0; i < v.outputs.size(); ++i) {
    const planner::Comparison& one = v.outputs[i];
    text += comparison_text(graph.value(graph.outputs()[i]).name, one, static_cast<std::size_t>(outcome.outputs[i].cols));
  }
  std::size_t elements = 0;
  std::size_t undecided = 0;
  bool open = false;
  for (const planner::Comparison& one : v.outputs) {
    elements += one.elements;
    undecided += one.undecided;
    open = open || one.undecided == one.elements;
  }
  const double share = elements > 0 ? 100.0 * static_cast<double>(elements - undecided) / static_cast<double>(elements) : 0;
  text += fmt::format("  gate: every element that has a bound ({:.3g}% have one) is within it: {}{}\n", share,
                      v.passed() ? "PASS" : "FAIL",
                      open ? "; an output has no element with a bound: try a smaller --scale" : "");
  return text;
}

Json tensors_json(const FusedOutcome& outcome) {
  const planner::Graph& graph = outcome.job.plan.graph;
  const auto entry = [&](planner::ValueId id, const planner::TensorExtent& extent,
                         const std::map<std::string, std::string>& files) {
    const std::string& name = graph.value(id).name;
    const auto file = files.find(name);
    return Json{{"name", name},
                {"rows", extent.rows},
                {"cols", extent.cols},
                {"file", file == files.end() ? Json() : Json(file->second)}};
  };
  Json inputs = Json::array();
  Json outputs = Json::array();
  for (std::size_t i = 0; i < outcome.inputs.size(); ++i) {
    inputs.push_back(entry(static_cast<planner::ValueId>(i), outcome.inputs[i], outcome.options.inputs));
  }
  for (std::size_t i = 0; i < outcome.outputs.size(); ++i) {
    outputs.push_back(entry(graph.outputs()[i], outcome.outputs[i], outcome.options.outputs));
  }
  return {{"inputs", inputs}, {"outputs", outputs}};
}

Json config_json(const FusedOutcome& outcome) {
  const FusedOptions& options = outcome.options;
  const planner::Machine& machine = outcome.job.plan.machine;
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  return {{"version", TILEGRID_VERSION},
          {"grid", text_of(outcome.grid)},
          {"expression", text(options.graph.expression)},
          {"preset", text(options.graph.preset)},
          {"graph", text(options.graph.file)},
          {"case", text(options.graph.case_id)},
          {"strategy", name_of(options.strategy)},
          {"forced", !outcome.job.plan.legal()},
          {"block", text_of(outcome.job.plan.block)},
          {"block_rows", outcome.job.block_rows},
          {"block_cols", outcome.job.block_cols},
          {"tensors", tensors_json(outcome)},
          {"format", name_of(machine.format)},
          {"fidelity", text_of(machine.fidelity)},
          {"dst", machine.dst_fp32 ? "fp32" : "bf16"},
          {"sync", machine.full_sync ? "full" : "half"},
          {"dst_capacity", machine.capacity()},
          {"precision", machine.precision == planner::Precision::keep ? "keep" : "allow-tf32"},
          {"seed", options.seed},
          {"scale", options.scale},
          {"log", text(options.log)},
          {"view", options.view},
          {"shake", options.shake ? Json(*options.shake) : Json()},
          {"ranks", outcome.ranks},
          {"transport", outcome.transport},
          {"simd", simd_target_name()}};
}

Json verify_json(const FusedOutcome& outcome) {
  if (!outcome.verification) return {};
  const planner::Graph& graph = outcome.job.plan.graph;
  Json list = Json::array();
  for (std::size_t i = 0; i < outcome.verification->outputs.size(); ++i) {
    list.push_back(comparison_json(graph.value(graph.outputs()[i]).name, outcome.verification->outputs[i]));
  }
  return {{"passed", outcome.verification->passed()}, {"outputs", list}};
}

}  // namespace

std::string text_report(const FusedOutcome& outcome) {
  return header(outcome) + verification_text(outcome) + device_text(outcome) + host_text(outcome) +
         view_text(outcome, outcome.options.view);
}

std::string one_line_summary(const FusedOutcome& outcome) {
  const planner::Machine& machine = outcome.job.plan.machine;
  return fmt::format("fused {} strategy {} block {} blocks {}x{} {} dst {} {} sync {} grid {}",
                     graph_operations(outcome.graph), name_of(outcome.options.strategy), text_of(outcome.job.plan.block),
                     outcome.job.block_rows, outcome.job.block_cols, name_of(machine.format),
                     machine.dst_fp32 ? "fp32" : "bf16", machine.full_sync ? "full" : "half", text_of(machine.fidelity),
                     text_of(outcome.grid));
}

nlohmann::ordered_json json_report(const FusedOutcome& outcome) {
  const auto work = [&](std::size_t core) { return Json{{"blocks", blocks_of_core(outcome, static_cast<int>(core))}}; };
  Json report{
      {"config", config_json(outcome)}, {"plan", planner::plan_json(outcome.job.plan)}, {"verify", verify_json(outcome)}};
  add_run_json(report, outcome, work);
  return report;
}

}  // namespace tilegrid::cli
