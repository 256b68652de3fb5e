// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <string_view>

#include "kernels/planner/print/print_plan.h"

namespace tilegrid::planner {
namespace {

using Json = nlohmann::ordered_json;

const char* text_of(BufferRole role) {
  constexpr const char* names[] = {"input", "intermediate", "output", "scaler"};
  return names[to_underlying(role)];
}
const char* text_of(Broadcast broadcast) {
  constexpr const char* names[] = {"none", "rows", "cols", "scalar"};
  return names[to_underlying(broadcast)];
}
const char* text_of(Fidelity fidelity) {
  constexpr const char* names[] = {"LoFi", "HiFi2", "HiFi3", "HiFi4"};
  return names[to_underlying(fidelity) - 1];
}
const char* text_of(OpKind kind) {
  constexpr const char* names[] = {"unary", "binary", "sfpu_binary", "ternary", "matmul", "reduce", "tile_sum", "transpose"};
  return names[to_underlying(kind)];
}
const char* text_of(ReduceDim dim) {
  constexpr const char* names[] = {"row", "col", "scalar"};
  return names[to_underlying(dim)];
}

std::string name_of_value(const Plan& plan, ValueId value) { return value == no_value ? "" : plan.graph.value(value).name; }
Json names(const Plan& plan, const std::vector<ValueId>& values) {
  Json list = Json::array();
  for (const ValueId value : values) list.push_back(name_of_value(plan, value));
  return list;
}

Json account_json(const std::vector<SlotUse>& account) {
  Json list = Json::array();
  for (const SlotUse& use : account) list.push_back({{"what", use.what}, {"slots", use.slots}});
  return list;
}

Json machine_json(const Machine& machine) {
  return {{"dst_bits", machine.dst_fp32 ? 32 : 16},
          {"sync", machine.full_sync ? "full" : "half"},
          {"capacity", machine.capacity()},
          {"capacity_given", machine.capacity_override.has_value()},
          {"fidelity", text_of(machine.fidelity)},
          {"precision", machine.precision == Precision::keep ? "keep" : "allow-tf32"},
          {"format", tilegrid::name_of(machine.format)},
          {"output_format", tilegrid::name_of(machine.out_format())},
          {"l1_bytes", machine.l1_bytes}};
}

Json op_json(const Plan& plan, const Op& op) {
  Json json = {{"name", op.name}, {"kind", text_of(op.kind)}};
  if (op.function != nullptr) json["function"] = op.function->name;
  json["in"] = names(plan, op.in);
  if (op.parameter != 0) json["parameter"] = op.parameter;
  if (op.accumulate) json["accumulate"] = true;
  if (op.kind == OpKind::matmul) json["transpose_b"] = op.transpose_b;
  if (op.kind == OpKind::reduce) json["pool"] = op.pool == Pool::max ? "max" : "sum";
  if (op.kind == OpKind::reduce || op.kind == OpKind::tile_sum) json["dim"] = text_of(op.dim);
  if (op.form != FormRule::any) json["form"] = op.form == FormRule::cb_only ? "cb_only" : "dest_reuse_only";
  return json;
}

Json graph_json(const Plan& plan) {
  const Graph& graph = plan.graph;
  Json values = Json::array();
  for (const Value& value : graph.values()) values.push_back({{"name", value.name}, {"shape", text_of(value.shape)}});
  Json ops = Json::array();
  for (const Op& op : graph.ops()) ops.push_back(op_json(plan, op));
  return {{"name", graph.name},
          {"inputs", graph.input_count()},
          {"values", values},
          {"ops", ops},
          {"outputs", names(plan, graph.outputs())}};
}

Json instruction_json(const Plan& plan, const Instruction& in) {
  Json json = {{"action", name_of(in.action)}};
  if (in.op >= 0) json["op"] = plan.graph.op(in.op).name;
  Json from = Json::array();
  for (const ValueId value : in.value) {
    if (value != no_value) from.push_back(name_of_value(plan, value));
  }
  if (!from.empty()) json[in.action == Action::pack ? "packs" : "reads"] = from;
  if (in.result != no_value) json["result"] = name_of_value(plan, in.result);
  json["tile"] = {in.row, in.col};
  Json slots = Json::array();
  for (const int slot : in.slot) {
    if (slot >= 0) slots.push_back(slot);
  }
  json["slots"] = slots;
  if (in.broadcast != Broadcast::none) json["broadcast"] = text_of(in.broadcast);
  if (in.action == Action::dest_reuse) json["dst_is_a"] = in.dst_is_a;
  if (in.action == Action::matmul) json["area"] = {in.rt, in.ct};
  if (in.parameter != 0) json["parameter"] = in.parameter;
  if (in.accumulate) json["l1_accumulate"] = true;
  if (in.to_output) json["to_output"] = true;
  return json;
}

Json run_json(const Plan& plan, const Run& run) {
  Json body = Json::array();
  for (const Instruction& in : run.body) body.push_back(instruction_json(plan, in));
  return {{"tile", {run.row, run.col}}, {"tiles", {run.rows, run.cols}},
          {"subblock", {run.h, run.w}}, {"sections", run.sections()},
          {"peak", run.peak},           {"body", body}};
}

Json stage_json(const Plan& plan, const Stage& stage) {
  Json ops = Json::array();
  for (const int op : stage.ops) ops.push_back(plan.graph.op(op).name);
  Json runs = Json::array();
  for (const Run& run : stage.runs) runs.push_back(run_json(plan, run));
  Json json = {{"ops", ops},
               {"shape", text_of(stage.shape)},
               {"order", stage.by_kind ? "by kind" : "tile by tile"},
               {"packs", names(plan, stage.packs)}};
  if (stage.k_block > 0) {
    json["k_block"] = stage.k_block;
    json["k_blocks"] = stage.k_blocks;
    json["carrier"] = name_of(stage.carrier);
  }
  json["runs"] = runs;
  return json;
}

Json buffer_json(const Plan& plan, const PlanBuffer& buffer) {
  return {{"role", text_of(buffer.role)},
          {"value", name_of_value(plan, buffer.value)},
          {"tiles", buffer.tiles},
          {"copies", buffer.copies},
          {"format", tilegrid::name_of(buffer.format)},
          {"bytes", buffer.bytes()},
          {"transposed", buffer.transposed},
          {"streamed", buffer.streamed}};
}

Json error_json(const FormError& error) {
  Json costs = Json::array();
  for (const FormCost& cost : error.costs) {
    costs.push_back({{"operation", cost.operation}, {"why", cost.why}, {"bound", cost.bound}});
  }
  return {{"bound", error.bound}, {"operations", costs}};
}

Json cost_json(const PlanCost& cost) {
  return {{"unpack", cost.unpack},
          {"math", cost.math},
          {"pack", cost.pack},
          {"compute", cost.compute},
          {"read", cost.read},
          {"write", cost.write},
          {"prologue", cost.prologue},
          {"interval", cost.interval},
          {"epilogue", cost.epilogue},
          {"cycles", cost.total},
          {"blocks", cost.blocks},
          {"bound", cost.bound()},
          {"unpacked_tiles", cost.unpacked_tiles},
          {"packed_tiles", cost.packed_tiles}};
}

}  // namespace

nlohmann::ordered_json plan_json(const Plan& plan) {
  Json json = {{"strategy", name_of(plan.strategy)}, {"fits", plan.legal()}};
  if (plan.refusal) {
    const Refusal& refusal = *plan.refusal;
    json["refusal"] = {{"reason", refusal.reason},  {"at", refusal.at},
                       {"needed", refusal.needed},  {"capacity", refusal.capacity},
                       {"would_fit", refusal.fits}, {"account", account_json(refusal.account)}};
  }
  json["peak"] = plan.peak;
  json["account"] = account_json(plan.account);
  json["sections"] = plan.sections();
  json["tiles_per_section"] = plan.tiles_per_section();
  json["cores"] = plan.cores;
  json["block"] = text_of(plan.block);
  json["cb_bytes"] = plan.cb_bytes();
  json["cost"] = cost_json(plan.cost);
  json["error"] = error_json(plan.error);
  json["machine"] = machine_json(plan.machine);
  json["graph"] = graph_json(plan);
  json["stages"] = Json::array();
  for (const Stage& stage : plan.stages) json["stages"].push_back(stage_json(plan, stage));
  json["buffers"] = Json::array();
  for (const PlanBuffer& buffer : plan.buffers) json["buffers"].push_back(buffer_json(plan, buffer));
  for (const Pass& pass : plan.passes) {
    Json one = {{"segments", pass.segments}, {"segment_tiles", pass.segment}, {"first", plan_json(pass.first)}};
    if (pass.segments > 1) one["later"] = plan_json(pass.later);
    json["passes"].push_back(one);
  }
  json["notes"] = plan.notes;
  return json;
}

std::string plan_json_text(const Plan& plan) { return plan_json(plan).dump(); }

}  // namespace tilegrid::planner
