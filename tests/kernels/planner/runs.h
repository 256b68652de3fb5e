// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/planner/run/fused_program.h"
#include "tests/support/session_support.h"

/// Plans made by hand, and runs of them in the test's session.
namespace tilegrid::planner {

inline constexpr Extent unit{.tiles = 1, .unit = true};

inline Shape shape(int rows, int cols) { return {{rows, false}, {cols, false}}; }
inline Shape column(int rows) { return {{rows, false}, unit}; }
inline Shape row(int cols) { return {unit, {cols, false}}; }

struct Matrix {
  int rows = 0;
  int cols = 0;
  std::vector<float> values;
  float& at(int r, int c) {
    return values[static_cast<std::size_t>(r) * static_cast<std::size_t>(cols) + static_cast<std::size_t>(c)];
  }
  [[nodiscard]] float at(int r, int c) const { return const_cast<Matrix&>(*this).at(r, c); }
};

inline Matrix matrix(int rows, int cols, const std::function<double(int, int)>& value) {
  Matrix out{rows, cols, std::vector<float>(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols))};
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) out.at(r, c) = static_cast<float>(value(r, c));
  }
  return out;
}

inline double relative_error(const Matrix& expected, const Matrix& got) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    error += std::pow(static_cast<double>(expected.values[i]) - static_cast<double>(got.values[i]), 2);
    norm += std::pow(static_cast<double>(expected.values[i]), 2);
  }
  return std::sqrt(error / norm);
}

inline PlanBuffer buffer(const Graph& graph, BufferRole role, ValueId value, DataFormat format = DataFormat::bf16) {
  return {.role = role,
          .value = value,
          .tiles = value == no_value ? 1 : graph.value(value).shape.tiles(),
          .copies = role == BufferRole::input || role == BufferRole::output ? 2 : 1,
          .format = format};
}

/// A plan under construction. The graph must be finished.
struct Draft {
  explicit Draft(Graph graph) { plan.graph = std::move(graph); }
  Plan plan;

  Draft& io(DataFormat format = DataFormat::bf16) {
    plan.machine.format = format;
    for (ValueId id = 0; id < plan.graph.input_count(); ++id)
      plan.buffers.push_back(buffer(plan.graph, BufferRole::input, id, format));
    for (const ValueId id : plan.graph.outputs()) plan.buffers.push_back(buffer(plan.graph, BufferRole::output, id, format));
    return *this;
  }
  PlanBuffer& add(BufferRole role, ValueId value, DataFormat format = DataFormat::bf16) {
    plan.buffers.push_back(buffer(plan.graph, role, value, format));
    return plan.buffers.back();
  }
  PlanBuffer& input(ValueId value) { return plan.buffers[static_cast<std::size_t>(value)]; }
  /// One run over the whole stage in sub-blocks of h x w.
  Stage& stage(Shape of, int h, int w, std::vector<Instruction> body) {
    Run run{.row = 0, .col = 0, .rows = of.rows.tiles, .cols = of.cols.tiles, .h = h, .w = w, .body = std::move(body)};
    Stage stage;
    stage.shape = of;
    stage.runs.push_back(std::move(run));
    plan.stages.push_back(std::move(stage));
    return plan.stages.back();
  }
};

/// `make` for every tile of an h x w sub-block, with its number as the slot; then the packs.
inline std::vector<Instruction> tile_by_tile(int h, int w, const std::function<std::vector<Instruction>(int slot)>& make,
                                             const std::vector<Instruction>& packs) {
  std::vector<Instruction> body;
  for (const bool packing : {false, true}) {
    for (int r = 0; r < h; ++r) {
      for (int c = 0; c < w; ++c) {
        for (Instruction i : packing ? packs : make(r * w + c)) {
          i.row = r;
          i.col = c;
          if (packing) i.slot[0] = r * w + c;
          body.push_back(i);
        }
      }
    }
  }
  return body;
}

inline Instruction pack(ValueId value, bool to_output) {
  return {.action = Action::pack, .value = {value, no_value}, .slot = {0, -1, -1, -1}, .to_output = to_output};
}
inline Instruction load(int op, ValueId value, int slot, Broadcast broadcast = Broadcast::none) {
  return {.action = Action::load, .op = op, .value = {value, no_value}, .slot = {slot, -1, -1, -1}, .broadcast = broadcast};
}
inline Instruction unary(int op, int slot, float parameter = 0) {
  return {.action = Action::unary, .op = op, .slot = {slot, -1, -1, -1}, .parameter = parameter};
}
inline Instruction fpu(int op, ValueId a, ValueId b, int slot, Broadcast broadcast = Broadcast::none) {
  return {.action = Action::fpu_binary, .op = op, .value = {a, b}, .slot = {slot, -1, -1, -1}, .broadcast = broadcast};
}
inline Instruction reuse(int op, ValueId other, int slot) {
  return {.action = Action::dest_reuse, .op = op, .value = {other, no_value}, .slot = {slot, -1, -1, -1}};
}
inline Instruction on_cb(Action action, int op, ValueId value, int slot, int second = -1) {
  return {.action = action, .op = op, .value = {value, no_value}, .slot = {slot, second, -1, -1}};
}
inline Instruction matmul(int op, ValueId a, ValueId b, int rt, int ct) {
  return {.action = Action::matmul, .op = op, .value = {a, b}, .slot = {0, -1, -1, -1}, .rt = rt, .ct = ct};
}

/// Inputs with N(0,1) values, as the device's format holds them.
class Tensors {
 public:
  Tensors(Device& device, const FusedJob& job) : device_(device), job_(job), format_(job.plan.machine.format) {
    const Graph& graph = job.plan.graph;
    for (ValueId id = 0; id < graph.input_count(); ++id) {
      const TensorExtent extent = tensor_extent(job, id);
      const auto count = static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols);
      inputs.push_back({extent.rows, extent.cols, attention::random_samples(3, id, count, attention::Distribution::normal)});
    }
  }

  std::vector<Matrix> inputs;

  /// Outputs of a run in the graph's order; rounds the inputs to the format.
  std::vector<Matrix> run() {
    FusedTensors addresses;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Buffer buffer = create(static_cast<ValueId>(i));
      std::vector<std::byte> bytes(buffer.bytes());
      tilize(inputs[i].values, inputs[i].rows, inputs[i].cols, format_, bytes);
      device_.write(buffer, bytes);
      untilize(bytes, inputs[i].rows, inputs[i].cols, format_, inputs[i].values);
      addresses.inputs.push_back(buffer.address);
    }
    std::vector<Buffer> buffers;
    for (const ValueId id : job_.plan.graph.outputs()) {
      buffers.push_back(create(id));
      addresses.outputs.push_back(buffers.back().address);
    }
    result = device_.launch(make_program(job_, addresses));
    std::vector<Matrix> outputs;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const TensorExtent extent = tensor_extent(job_, job_.plan.graph.outputs()[i]);
      std::vector<std::byte> bytes(buffers[i].bytes());
      device_.read(buffers[i], std::span(bytes));
      outputs.push_back(matrix(extent.rows, extent.cols, [](int, int) { return 0; }));
      untilize(bytes, extent.rows, extent.cols, format_, outputs.back().values);
    }
    device_.free_buffers();
    return outputs;
  }
  RunResult result;

 private:
  Buffer create(ValueId value) {
    const std::uint32_t page = tile_bytes(format_);
    return device_.create_buffer(static_cast<std::uint64_t>(tensor_extent(job_, value).tiles()) * page, page);
  }
  Device& device_;
  const FusedJob& job_;
  DataFormat format_;
};

using Check = std::function<void(const std::vector<Matrix>& in, const std::vector<Matrix>& out)>;

/// Runs the job on grids that have a core for every rank; outputs are checked and equal on all grids.
inline void run_on_grids(FusedJob job, const Check& check, const std::function<void(std::vector<Matrix>&)>& change = {}) {
  register_kernels();
  std::vector<std::vector<float>> first;
  for (const GridSize grid : {GridSize{1, 1}, GridSize{2, 2}, GridSize{3, 1}, GridSize{4, 3}}) {
    if (grid.cores() < test::session().info().size) continue;
    job.grid = grid;
    const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
      Tensors tensors(device, job);
      if (change) change(tensors.inputs);
      const std::vector<Matrix> outputs = tensors.run();
      check(tensors.inputs, outputs);
      for (const CoreCounters& core : tensors.result.cores) EXPECT_LE(core.dst_peak_slots, core.dst_capacity);
      std::vector<std::vector<float>> values;
      values.reserve(outputs.size());
      for (const Matrix& output : outputs) values.push_back(output.values);
      if (first.empty()) first = values;
      EXPECT_EQ(values, first) << grid.x << "x" << grid.y;
    });
    EXPECT_EQ(outcome.code, 0) << outcome.error;
  }
}

/// The message of the error that ends the run.
inline std::string error_of(FusedJob job) {
  register_kernels();
  const GridSize grid{3, 1};
  job.grid = grid;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) { (void)Tensors(device, job).run(); });
  EXPECT_NE(outcome.code, 0);
  return outcome.error;
}

inline void expect_mentions(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}
/// Collective: errors are known on rank 0 only.
inline void expect_run_fails(const FusedJob& job, const std::string& part) {
  const std::string error = error_of(job);
  if (test::session().is_host()) expect_mentions(error, part);
}

inline FusedJob job_of(Plan plan, int block_rows = 1, int block_cols = 1) {
  return {.plan = std::move(plan), .block_rows = block_rows, .block_cols = block_cols, .grid = {}};
}

}  // namespace tilegrid::planner
