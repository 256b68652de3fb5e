// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/types.h"

namespace tilegrid {

/// Rectangle of cores, both corners included.
struct CoreRange {
  LogicalCore first;
  LogicalCore last;
  [[nodiscard]] bool contains(LogicalCore core) const {
    return core.x >= first.x && core.x <= last.x && core.y >= first.y && core.y <= last.y;
  }
  [[nodiscard]] static CoreRange all(GridSize grid) { return {{0, 0}, {grid.x - 1, grid.y - 1}}; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, last);
  }
};

/// One of the 32 circular buffers. All cores of a program have the same L1 layout; buffers are placed bottom-up in the
/// order of their declaration.
struct CircularBufferConfig {
  int id = 0;                    ///< 0..31
  std::uint32_t pages = 0;       ///< capacity
  std::uint32_t page_bytes = 0;  ///< a multiple of 16
  DataFormat format = DataFormat::bf16;
  std::string role;  ///< for messages and reports, e.g. "Q"
  /// The pages are those of a sharded L1 buffer and hold data from the beginning: kernels may read and pop them without a
  /// wait.
  bool on_buffer = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, pages, page_bytes, format, role, on_buffer);
  }
};

/// A kernel on a rectangle of cores. The function is found by name: every rank runs the same binary and registers the
/// same kernels (kernels/registry.h).
struct KernelConfig {
  std::string name;
  Risc risc = Risc::trisc;
  NocId noc = NocId::noc0;  ///< default NoC of the kernel's transfers
  CoreRange cores;
  std::vector<std::uint32_t> compile_args;
  std::vector<std::uint32_t> common_args;
  /// Runtime arguments by core index in the grid; a core that is not named gets none. At most 341 words a core
  /// (tensix.md 1.1).
  std::vector<std::pair<int, std::vector<std::uint32_t>>> runtime_args;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, risc, noc, cores, compile_args, common_args, runtime_args);
  }
};

/// How the compute kernels of a program use the core.
struct ComputeConfig {
  Fidelity fidelity = Fidelity::hifi2;
  bool dst_fp32 = false;   ///< 32-bit DST: half the slots
  bool full_sync = false;  ///< the whole DST in one section instead of two halves
  int dst_capacity = 0;    ///< slots of a section, at most those of the mode; 0: all of them
  template <class Archive>
  void serialize(Archive& archive) {
    archive(fidelity, dst_fp32, full_sync, dst_capacity);
  }
};

/// Everything that runs on the grid in one launch. Plain data: it is serialised and broadcast.
struct Program {
  std::string name;
  GridSize grid;
  ComputeConfig compute;
  std::vector<CircularBufferConfig> circular_buffers;
  std::vector<std::uint32_t> semaphores;  ///< initial value of semaphore i
  std::vector<KernelConfig> kernels;
  std::uint32_t l1_buffer_bytes = 0;  ///< taken top-down by L1 buffers
  /// Names of the phases that the kernels' zones are of, from number 1 on (api::zone): the report of device time adds up
  /// cycles by them.
  std::vector<std::string> phases;
  Chip chip{};  ///< that it is made for; every rank has it already, so it is not sent
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, grid, compute, circular_buffers, semaphores, kernels, l1_buffer_bytes, phases);
  }
};

/// Bytes of L1 that a buffer takes: its pages, up to a multiple of the chip's DRAM alignment, so that every buffer begins
/// where DRAM reads may land (tensix.md 4.1).
[[nodiscard]] std::uint64_t l1_bytes_of(const CircularBufferConfig& cb, const Chip& chip);

/// Bytes of L1 that the program needs on a core: reserved area, circular buffers, L1 buffers.
[[nodiscard]] std::uint64_t l1_bytes_needed(const Program& program);

/// Throws UsageError for what can be refused before a run, by the program's chip: a grid that the chip does not have, L1
/// overflow (asked / available), a CB id twice or beyond the last, page sizes, too many arguments, semaphores or phases, a
/// DST capacity beyond the mode's, kernels outside of the grid, two kernels on one RISC of a core.
void validate(const Program& program);

}  // namespace tilegrid
