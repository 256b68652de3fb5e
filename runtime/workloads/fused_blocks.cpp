// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/tile.h"
#include "runtime/workloads/fused_run.h"

namespace tilegrid::cli {
namespace {

constexpr std::array<const char*, 2> dimension_names{"rows", "columns"};

std::array<planner::Extent, 2> extents_of(const planner::Shape& shape) { return {shape.rows, shape.cols}; }

const planner::Value& first_output(const planner::Graph& graph) { return graph.value(graph.outputs().front()); }

/// Whether there can be several blocks along a dimension of the first output.
bool splits(const planner::Graph& graph, std::size_t dim) {
  const planner::AxisId axis = first_output(graph).axes.at(dim);
  return axis != planner::no_axis && !graph.axes()[static_cast<std::size_t>(axis)].contracted;
}

/// Elements of one block along a dimension of the first output; 1 where it has one only.
int block_elements(const planner::Graph& graph, std::size_t dim) {
  const planner::Extent extent = extents_of(first_output(graph).shape).at(dim);
  return extent.unit ? 1 : extent.tiles * tile_side;
}

/// Several blocks along a dimension that can't be split: says which operation is in the way.
[[noreturn]] void refuse_split(const planner::Graph& graph, std::size_t dim, int elements, const std::string& flag) {
  planner::FusedJob job;
  job.plan.graph = graph;
  const int block = block_elements(graph, dim);
  (dim == 0 ? job.block_rows : job.block_cols) = elements / block;
  std::string why = "they can't be split";
  try {
    planner::validate_blocks(job);
  } catch (const UsageError& error) {
    why = error.message();
  }
  throw UsageError(
      fmt::format("{}: {} (a block has {} {}, {} are asked for)", flag, why, block, dimension_names.at(dim), elements));
}

int blocks_in(const planner::Graph& graph, std::size_t dim, int elements, const std::string& flag) {
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

/// Elements along an axis of the first output that a file tells, with the file's flag; 0: none does.
struct Told {
  int elements = 0;
  std::string flag;
};
Told told_by_files(const planner::Graph& graph, std::size_t dim, const std::map<std::string, FileExtent>& files) {
  const planner::AxisId axis = first_output(graph).axes.at(dim);
  if (axis == planner::no_axis) return {};
  for (const auto& [name, file] : files) {
    const planner::ValueId id = graph.find(name);
    if (id == planner::no_value) continue;
    for (std::size_t of = 0; of < 2; ++of) {
      if (graph.value(id).axes.at(of) != axis) continue;
      return {of == 0 ? file.rows : file.cols, fmt::format("--in {}={}", name, file.path)};
    }
  }
  return {};
}

/// Blocks by default: about one for each core.
std::array<int, 2> default_blocks(const planner::Graph& graph, GridSize grid) {
  const bool rows = splits(graph, 0);
  const bool cols = splits(graph, 1);
  if (rows && cols) return {grid.y, grid.x};
  return {rows ? grid.cores() : 1, cols ? grid.cores() : 1};
}

}  // namespace

void choose_blocks(const planner::Graph& asked, const std::optional<FusedOptions::Extent>& tensor,
                   const std::map<std::string, FileExtent>& files, planner::FusedJob& job) {
  std::array<int, 2> blocks = default_blocks(asked, job.grid);
  for (std::size_t dim = 0; dim < 2; ++dim) {
    if (tensor) {
      const std::string flag = fmt::format("--tensor {}x{}", tensor->rows, tensor->cols);
      blocks.at(dim) = blocks_in(asked, dim, dim == 0 ? tensor->rows : tensor->cols, flag);
    } else if (const Told told = told_by_files(asked, dim, files); told.elements > 0) {
      blocks.at(dim) = blocks_in(asked, dim, told.elements, told.flag);
    }
  }
  // A plan may have cut the block; the tensor stays what it is.
  for (std::size_t dim = 0; dim < 2; ++dim) {
    int& count = dim == 0 ? job.block_rows : job.block_cols;
    count = blocks.at(dim) * (block_elements(asked, dim) / block_elements(job.plan.graph, dim));
  }
  planner::validate_blocks(job);
}

int blocks_of_core(const FusedOutcome& outcome, int core) {
  const int blocks = outcome.job.block_rows * outcome.job.block_cols;
  const int cores = outcome.grid.cores();
  return blocks / cores + (core < blocks % cores ? 1 : 0);
}

}  // namespace tilegrid::cli
