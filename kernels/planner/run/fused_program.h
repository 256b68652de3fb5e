// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/types.h"
#include "kernels/planner/plan/plan.h"
#include "kernels/program.h"

namespace tilegrid::planner {

/// A plan over whole tensors. The first output is block_rows x block_cols blocks; values whose dimensions are on the same
/// axes are split likewise, all others are the same for every block.
struct FusedJob {
  Plan plan;
  int block_rows = 1;
  int block_cols = 1;
  GridSize grid;
};

/// DRAM base address, the same in every bank, of each graph input and output in their order; a page is one tile of the
/// buffer's format, in row-major order over the tensor.
struct FusedTensors {
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> outputs;
};

/// Size of a value's tensor. A unit extent is one element, kept in the first row (column) of one tile; an input's tile has
/// it there and zeros elsewhere, an output's has no promise elsewhere.
struct TensorExtent {
  int tile_rows = 1;
  int tile_cols = 1;
  int rows = 1;  ///< elements
  int cols = 1;
  [[nodiscard]] int tiles() const { return tile_rows * tile_cols; }
  [[nodiscard]] std::size_t elements() const { return std::size_t{1} * rows * cols; }
};
[[nodiscard]] TensorExtent tensor_extent(const FusedJob& job, ValueId value);

/// Products of two tiles that the matmuls of all blocks make.
[[nodiscard]] std::uint64_t matmul_tile_count(const FusedJob& job);
/// Multiply-adds of an evaluation over whole tensors; an operation that is no matmul counts one for each element.
[[nodiscard]] double multiply_adds(const FusedJob& job);

/// Throws UsageError for blocks along an axis that some operation sums over, with that operation's name, or along one that
/// the output does not have.
void validate_blocks(const FusedJob& job);

/// The program: reader, writer and a compute kernel that interprets the plan. Blocks go to the cores in contiguous runs, row
/// by row, the remainder to the first cores. Buffer i of the plan is CB i. Throws UsageError: as validate_blocks; more than
/// 32 CBs; more bytes than L1 has; a function that the vector unit lacks; K blocks that do not make up K; a plan that is
/// too long for kernel arguments.
[[nodiscard]] Program make_program(const FusedJob& job, const FusedTensors& tensors);

/// Makes the three kernels known; every rank calls it before its session begins.
void register_kernels();

}  // namespace tilegrid::planner
