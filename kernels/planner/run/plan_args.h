// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kernels/planner/plan/plan.h"
#include "kernels/planner/run/interpret.h"
#include "kernels/program.h"

/// Plans as compile-time arguments of kernels: what a core needs of them, in cereal's binary form.
namespace tilegrid::planner {

/// An operation's function goes by its name, which is empty for the kinds that have none. `running` stays here: it is of
/// interest to who makes a plan.
template <class Archive>
void save(Archive& archive, const Op& op) {
  archive(op.kind, op.name, op.function != nullptr ? std::string(op.function->name) : std::string(), op.in, op.parameter,
          op.accumulate, op.transpose_b, op.pool, op.dim, op.form);
}
template <class Archive>
void load(Archive& archive, Op& op) {
  std::string function;
  archive(op.kind, op.name, function, op.in, op.parameter, op.accumulate, op.transpose_b, op.pool, op.dim, op.form);
  op.function = find_function(function);
}
template <class Archive>
void serialize(Archive& archive, Shape& shape) {
  archive(shape.rows.tiles, shape.rows.unit, shape.cols.tiles, shape.cols.unit);
}
/// What a graph is made of; it is rebuilt by its own builder, which derives the rest.
template <class Archive>
void save(Archive& archive, const Graph& graph) {
  std::vector<std::pair<std::string, Shape>> inputs;
  inputs.reserve(graph.input_count());
  for (ValueId id = 0; id < graph.input_count(); ++id) inputs.emplace_back(graph.value(id).name, graph.value(id).shape);
  archive(graph.name, inputs, graph.ops(), graph.outputs());
}
template <class Archive>
void load(Archive& archive, Graph& graph) {
  std::vector<std::pair<std::string, Shape>> inputs;
  std::vector<Op> ops;
  std::vector<ValueId> outputs;
  archive(graph.name, inputs, ops, outputs);
  for (const auto& [name, shape] : inputs) graph.input(name, shape);
  for (const Op& op : ops) graph.append(op);
  for (const ValueId output : outputs) graph.output(output);
  graph.finish();
}

template <class Archive>
void serialize(Archive& archive, Instruction& i) {
  archive(i.action, i.op, i.value, i.result, i.row, i.col, i.slot, i.broadcast, i.dst_is_a, i.accumulate, i.to_output, i.rt,
          i.ct, i.parameter);
}
template <class Archive>
void serialize(Archive& archive, Run& run) {
  archive(run.row, run.col, run.rows, run.cols, run.h, run.w, run.body, run.peak);
}
template <class Archive>
void serialize(Archive& archive, Stage& stage) {
  archive(stage.ops, stage.shape, stage.by_kind, stage.runs, stage.packs, stage.k_block, stage.k_blocks, stage.carrier);
}
template <class Archive>
void serialize(Archive& archive, PlanBuffer& buffer) {
  archive(buffer.role, buffer.value, buffer.tiles, buffer.copies, buffer.format, buffer.transposed, buffer.streamed);
}
template <class Archive>
void serialize(Archive& archive, BufferBinding& binding) {
  archive(binding.cb, binding.pop);
}
template <class Archive>
void serialize(Archive& archive, BufferUse& use) {
  archive(use.buffer, use.pop);
}
template <class Archive>
void save(Archive& archive, const Plan& plan);
template <class Archive>
void load(Archive& archive, Plan& plan);
template <class Archive>
void serialize(Archive& archive, Pass& pass) {
  archive(pass.first, pass.later, pass.first_uses, pass.later_uses, pass.segments);
}
template <class Archive>
void save(Archive& archive, const Plan& plan) {
  archive(plan.graph, plan.machine.dst_fp32, plan.machine.full_sync, plan.machine.precision, plan.stages, plan.buffers,
          plan.passes);
}
template <class Archive>
void load(Archive& archive, Plan& plan) {
  archive(plan.graph, plan.machine.dst_fp32, plan.machine.full_sync, plan.machine.precision, plan.stages, plan.buffers,
          plan.passes);
}

/// Bytes as words, with their number in front, and back.
[[nodiscard]] std::vector<std::uint32_t> words_of(const std::string& bytes);
/// The bytes that are the running kernel's compile-time arguments.
[[nodiscard]] std::string bytes_of_this_kernel();

/// Makes the parts the kernel's compile-time arguments.
template <class... Part>
void set_arguments(KernelConfig& kernel, const Part&... parts) {
  std::ostringstream stream;
  cereal::BinaryOutputArchive archive(stream);
  archive(parts...);
  kernel.compile_args = words_of(stream.str());
}
/// The same parts, in the running kernel.
template <class... Part>
void get_arguments(Part&... parts) {
  std::istringstream stream(bytes_of_this_kernel());
  cereal::BinaryInputArchive archive(stream);
  archive(parts...);
}

}  // namespace tilegrid::planner
