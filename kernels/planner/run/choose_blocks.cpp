// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/choose_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/common/deal.h"

namespace tilegrid::planner {
namespace {

constexpr std::array<const char*, 2> dimension_names{"rows", "columns"};

std::array<Extent, 2> extents_of(const Shape& shape) { return {shape.rows, shape.cols}; }

const Value& first_output(const Graph& graph) { return graph.value(graph.outputs().front()); }

/// Whether there can be several blocks along a dimension of the first output.
bool splits(const Graph& graph, std::size_t dim) {
  const AxisId axis = first_output(graph).axes.at(dim);
  return axis != no_axis && !graph.axes()[axis].contracted;
}

/// Elements of one block along a dimension of the first output; 1 where it has one only.
int block_elements(const Graph& graph, std::size_t dim) {
  const Extent extent = extents_of(first_output(graph).shape).at(dim);
  return extent.unit ? 1 : extent.tiles * tile_side;
}

/// Several blocks along a dimension that can't be split: says which operation is in the way.
[[noreturn]] void refuse_split(const Graph& graph, std::size_t dim, int elements, const std::string& flag) {
  FusedJob job;
  job.plan.graph = graph;
  const int block = block_elements(graph, dim);
  (dim == 0 ? job.block_rows : job.block_cols) = elements / block;
  std::string why = "they can't be split";
  try {
    validate_blocks(job);
  } catch (const UsageError& error) {
    why = error.message();
  }
  throw UsageError(
      fmt::format("{}: {} (a block has {} {}, {} are asked for)", flag, why, block, dimension_names.at(dim), elements));
}

int blocks_in(const Graph& graph, std::size_t dim, int elements, const std::string& flag) {
  const int block = block_elements(graph, dim);
  const bool whole = elements % block == 0;
  if (whole && elements != block && !splits(graph, dim)) refuse_split(graph, dim, elements, flag);
  if (whole) return elements / block;
  const int below = elements / block * block;
  const bool larger = splits(graph, dim);
  const std::string near = below > 0 && larger ? fmt::format("{} or {}", below, below + block) : fmt::format("{}", block);
  throw UsageError(fmt::format("{}: {} {} do not divide into blocks of {}; {} would do", flag, elements,
                               dimension_names.at(dim), block, near));
}

/// Blocks by default: about one for each core.
std::array<int, 2> default_blocks(const Graph& graph, GridSize grid) {
  const bool rows = splits(graph, 0);
  const bool cols = splits(graph, 1);
  if (rows && cols) return {grid.y, grid.x};
  return {rows ? grid.cores() : 1, cols ? grid.cores() : 1};
}

/// What is cut must be cut in the first output, whose blocks are all that is done.
void check_cuts(const Graph& asked, const FusedJob& job) {
  const Graph& planned = job.plan.graph;
  FusedJob whole;
  whole.plan.graph = asked;
  whole.block_rows = job.block_rows * first_output(planned).shape.rows.tiles / first_output(asked).shape.rows.tiles;
  whole.block_cols = job.block_cols * first_output(planned).shape.cols.tiles / first_output(asked).shape.cols.tiles;
  for (std::size_t i = 0; i < planned.outputs().size(); ++i) {
    const TensorExtent extent = tensor_extent(whole, asked.outputs()[i]);
    const TensorExtent covered = tensor_extent(job, planned.outputs()[i]);
    if (extent.rows == covered.rows && extent.cols == covered.cols) continue;
    const std::string& name = planned.value(planned.outputs()[i]).name;
    throw UsageError(fmt::format(
        "strategy {}: cuts output '{}' where the first output, '{}', is not cut: {}x{} of its {}x{} elements would be "
        "computed; list '{}' first",
        name_of(job.plan.strategy), name, first_output(planned).name, covered.rows, covered.cols, extent.rows, extent.cols,
        name));
  }
}

}  // namespace

void choose_blocks(const Graph& asked, const std::array<WantedExtent, 2>& wanted, FusedJob& job) {
  std::array<int, 2> blocks = default_blocks(asked, job.grid);
  for (std::size_t dim = 0; dim < 2; ++dim) {
    const WantedExtent& one = wanted.at(dim);
    if (one.elements > 0) blocks.at(dim) = blocks_in(asked, dim, one.elements, one.from);
  }
  // A plan may have cut the block; the tensor stays what it is.
  for (std::size_t dim = 0; dim < 2; ++dim) {
    int& count = dim == 0 ? job.block_rows : job.block_cols;
    count = blocks.at(dim) * (block_elements(asked, dim) / block_elements(job.plan.graph, dim));
  }
  validate_blocks(job);
  check_cuts(asked, job);
}

GivenInput given_input(const Graph& graph, const std::string& name, std::span<const std::int64_t> shape, std::string from) {
  const Shape& wanted = graph.value(graph.find(name)).shape;
  GivenInput given{static_cast<int>(shape[0]), shape.size() == 2 ? static_cast<int>(shape[1]) : 1, std::move(from)};
  if (shape.size() == 2 || wanted.cols.unit) return given;
  if (!wanted.rows.unit) {
    throw UsageError(fmt::format("{}: shape [{}], but '{}' is no vector", given.from, shape[0], name));
  }
  std::swap(given.rows, given.cols);
  return given;
}

WantedExtent told_by(const std::map<std::string, GivenInput>& inputs, const Graph& graph, std::size_t dim) {
  const AxisId axis = first_output(graph).axes.at(dim);
  if (axis == no_axis) return {};
  for (const auto& [name, given] : inputs) {
    const ValueId id = graph.find(name);
    if (id == no_value) continue;
    for (std::size_t of = 0; of < 2; ++of) {
      if (graph.value(id).axes.at(of) == axis) return {of == 0 ? given.rows : given.cols, given.from};
    }
  }
  return {};
}

void check_given(const std::map<std::string, GivenInput>& inputs, const FusedJob& job) {
  const Graph& graph = job.plan.graph;
  for (const auto& [name, given] : inputs) {
    const ValueId id = graph.find(name);
    if (id == no_value || !graph.is_input(id)) continue;
    const TensorExtent extent = tensor_extent(job, id);
    if (extent.rows == given.rows && extent.cols == given.cols) continue;
    throw UsageError(fmt::format("{}: {}x{} elements, but '{}' has {}x{} here", given.from, given.rows, given.cols, name,
                                 extent.rows, extent.cols));
  }
}

int blocks_of_core(const FusedJob& job, int core) {
  return share_of(job.block_rows * job.block_cols, job.grid.cores(), core).count;
}

}  // namespace tilegrid::planner
