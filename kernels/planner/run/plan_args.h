// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/planner/plan/plan.h"
#include "kernels/planner/run/interpret.h"
#include "kernels/program.h"

/// Plans as compile-time arguments of kernels: what a core needs of them, in cereal's binary form.
namespace tilegrid::planner {

/// What a graph is made of, for rebuilding it by its own builder.
struct GraphRecord {
  struct InputRecord {
    std::string name;
    Shape shape;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(name, shape.rows.tiles, shape.rows.unit, shape.cols.tiles, shape.cols.unit);
    }
  };
  struct OpRecord {
    OpKind kind{};
    std::string name;
    std::string function;  ///< empty for the kinds that have none
    std::vector<ValueId> in;
    float parameter = 0;
    bool accumulate = false;
    bool transpose_b = false;
    Pool pool{};
    ReduceDim dim{};
    FormRule form{};
    template <class Archive>
    void serialize(Archive& archive) {
      archive(kind, name, function, in, parameter, accumulate, transpose_b, pool, dim, form);
    }
  };
  std::string name;
  std::vector<InputRecord> inputs;
  std::vector<OpRecord> ops;
  std::vector<ValueId> outputs;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, inputs, ops, outputs);
  }
};
[[nodiscard]] GraphRecord record_of(const Graph& graph);
[[nodiscard]] Graph graph_of(const GraphRecord& record);

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
  Shape& shape = stage.shape;
  archive(stage.ops, shape.rows.tiles, shape.rows.unit, shape.cols.tiles, shape.cols.unit, stage.by_kind, stage.runs,
          stage.packs, stage.k_block, stage.k_blocks, stage.carrier);
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
  archive(record_of(plan.graph), plan.machine.dst_fp32, plan.machine.full_sync, plan.machine.precision, plan.stages,
          plan.buffers, plan.passes);
}
template <class Archive>
void load(Archive& archive, Plan& plan) {
  GraphRecord record;
  archive(record, plan.machine.dst_fp32, plan.machine.full_sync, plan.machine.precision, plan.stages, plan.buffers,
          plan.passes);
  plan.graph = graph_of(record);
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
