// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cereal/cereal.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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

/// Cores as a list of rectangles, in which a core may be several times.
struct CoreRanges {
  std::vector<CoreRange> ranges;
  CoreRanges() = default;
  CoreRanges(const CoreRange& range) : ranges{range} {}  // NOLINT(google-explicit-constructor): one rectangle is a list, too
  CoreRanges(LogicalCore first, LogicalCore last) : ranges{{first, last}} {}
  explicit CoreRanges(std::vector<CoreRange> list) : ranges(std::move(list)) {}
  [[nodiscard]] bool contains(LogicalCore core) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](const CoreRange& range) { return range.contains(core); });
  }
  [[nodiscard]] bool empty() const { return ranges.empty(); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranges);
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
  /// Where the buffer is, none: on all cores. An id may be declared several times, for cores that do not overlap.
  CoreRanges cores{};
  /// L1 offset that the host chose, e.g. that of an L1 buffer or of another circular buffer whose memory this one shares;
  /// none: bottom-up. A buffer with an address may have pages of any size.
  std::optional<std::uint32_t> address{};
  /// With a tile in every page.
  [[nodiscard]] static CircularBufferConfig of_tiles(int id, std::uint32_t tiles, DataFormat format, std::string role) {
    return {.id = id, .pages = tiles, .page_bytes = tile_bytes(format), .format = format, .role = std::move(role)};
  }
  [[nodiscard]] bool on(LogicalCore core) const { return cores.empty() || cores.contains(core); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, pages, page_bytes, format, role, on_buffer, cores, address);
  }
};

/// How a compute kernel uses the core.
struct ComputeConfig {
  Fidelity fidelity = Fidelity::hifi2;
  bool dst_fp32 = false;   ///< 32-bit DST: half the slots
  bool full_sync = false;  ///< the whole DST in one section instead of two halves
  int dst_capacity = 0;    ///< slots of a section, at most those of the mode; 0: all of them
  Numerics numerics = default_numerics;
  bool known_faults = false;       ///< in exact numerics, faults of the chip's silicon as it has them
  bool bfp8_pack_precise = false;  ///< the packer rounds to block floats once (scalar::BlockRounding::precise)
  friend bool operator==(const ComputeConfig&, const ComputeConfig&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(fidelity, dst_fp32, full_sync, dst_capacity, numerics, known_faults, bfp8_pack_precise);
  }
};

/// A kernel on some cores. The function is found by name: every rank runs the same binary and registers the same kernels
/// (kernels/registry.h). A kernel from a file is in a compiled object, which the program brings along.
struct KernelConfig {
  std::string name;  ///< of a kernel from a file: the file, for messages
  Risc risc = Risc::trisc;
  NocId noc = NocId::noc0;  ///< default NoC of the kernel's transfers
  CoreRanges cores{};
  std::vector<std::uint32_t> compile_args;
  std::vector<std::uint32_t> common_args;
  /// Runtime arguments by core index in the grid; a core that is not named gets none. At most 341 words a core
  /// (tensix.md 1.1).
  std::vector<std::pair<int, std::vector<std::uint32_t>>> runtime_args;
  std::string object{};                    ///< key of a compiled object (Program::objects); empty: a registered function
  std::optional<ComputeConfig> compute{};  ///< of a compute kernel; none: that of the program
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, risc, noc, cores, compile_args, common_args, runtime_args, object, compute);
  }
};

/// A kernel that was compiled from a file (runtime/jit/): a shared object. Its bytes travel with the first program that
/// needs them; what a rank has already is sent as its key alone.
struct KernelObject {
  std::string key;
  std::shared_ptr<const std::vector<std::byte>> bytes;  ///< null: known from an earlier program
  template <class Archive>
  void save(Archive& archive) const {
    archive(key, cereal::make_size_tag(bytes ? bytes->size() : 0));
    if (bytes) archive(cereal::binary_data(bytes->data(), bytes->size()));
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(key, cereal::make_size_tag(size));
    if (size == 0) return;
    auto read = std::make_shared<std::vector<std::byte>>(size);
    archive(cereal::binary_data(read->data(), read->size()));
    bytes = std::move(read);
  }
};

/// A semaphore of some cores, for programs whose cores do not all have the same ones.
struct SemaphoreConfig {
  int id = 0;  ///< 0..15
  std::uint32_t initial = 0;
  CoreRanges cores;  ///< none: all
  /// With a tile in every page.
  [[nodiscard]] static CircularBufferConfig of_tiles(int id, std::uint32_t tiles, DataFormat format, std::string role) {
    return {.id = id, .pages = tiles, .page_bytes = tile_bytes(format), .format = format, .role = std::move(role)};
  }
  [[nodiscard]] bool on(LogicalCore core) const { return cores.empty() || cores.contains(core); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, initial, cores);
  }
};

/// Everything that runs on the grid in one launch. Plain data: it is serialised and broadcast.
struct Program {
  std::string name;
  GridSize grid;
  ComputeConfig compute;
  std::vector<CircularBufferConfig> circular_buffers;
  std::vector<std::uint32_t> semaphores;         ///< initial value of semaphore i, on all cores
  std::vector<SemaphoreConfig> core_semaphores;  ///< further ones
  std::vector<KernelConfig> kernels;
  std::uint32_t l1_buffer_bytes = 0;  ///< taken top-down by L1 buffers
  /// Names of the phases that the kernels' zones are of, from number 1 on (api::zone): the report of device time adds up
  /// cycles by them.
  std::vector<std::string> phases;
  std::vector<KernelObject> objects;  ///< of the kernels that have one, each once
  /// L1 stays as the last program and the host have left it; else it is zeroed before the program begins.
  bool keep_l1 = false;
  Chip chip{};  ///< that it is made for; every rank has it already, so it is not sent
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, grid, compute, circular_buffers, semaphores, core_semaphores, kernels, l1_buffer_bytes, phases, objects,
            keep_l1);
  }
};

/// Bytes of L1 that a buffer takes: its pages, up to a multiple of the chip's DRAM alignment, so that every buffer begins
/// where DRAM reads may land (tensix.md 4.1).
[[nodiscard]] std::uint64_t l1_bytes_of(const CircularBufferConfig& cb, const Chip& chip);

/// L1 offsets of the program's circular buffers, in their order: those with an address where it says, the others bottom-up
/// from the end of the reserved area.
[[nodiscard]] std::vector<std::uint32_t> l1_offsets_of(const Program& program);

/// The values that the program's semaphores begin with, by id: on a core, or on the cores that have most say (a core without
/// one begins with 0).
[[nodiscard]] std::vector<std::uint32_t> semaphores_of(const Program& program, std::optional<LogicalCore> core = {});

/// The compute configuration of a core: that of its compute kernel, else the program's.
[[nodiscard]] const ComputeConfig& compute_of(const Program& program, std::optional<LogicalCore> core = {});

/// Bytes of L1 that the program needs on a core: reserved area, circular buffers, L1 buffers.
[[nodiscard]] std::uint64_t l1_bytes_needed(const Program& program);

/// Throws UsageError for what can be refused before a run, by the program's chip: a grid that the chip does not have, L1
/// overflow (asked / available), a CB id twice or beyond the last, page sizes, too many arguments, semaphores or phases, a
/// DST capacity beyond the mode's, kernels outside of the grid, two kernels on one RISC of a core.
void validate(const Program& program);

}  // namespace tilegrid
