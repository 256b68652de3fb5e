// SPDX-License-Identifier: Apache-2.0
#include "kernels/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "core/dst.h"
#include "core/error.h"
#include "core/l1.h"
#include "noc/address.h"

namespace tilegrid {
namespace {

constexpr std::size_t max_arguments = 341;  // words of runtime and of common arguments (tensix.md 1.1)
// Compile-time arguments are constants of the kernel's binary; this only keeps a mistake from filling memory.
constexpr std::size_t max_compile_arguments = std::size_t{1} << 20U;
constexpr std::uint32_t page_alignment = 16;

/// A core that is in both; none when there is none.
std::optional<LogicalCore> shared_core(const CoreRanges& a, const CoreRanges& b) {
  for (const CoreRange& one : a.ranges) {
    for (const CoreRange& other : b.ranges) {
      const LogicalCore core{std::max(one.first.x, other.first.x), std::max(one.first.y, other.first.y)};
      if (one.contains(core) && other.contains(core)) return core;
    }
  }
  return std::nullopt;
}

/// Of a buffer whose address the host chose.
void validate_place(const Program& program, const CircularBufferConfig& cb) {
  if (!cb.address) return;
  const std::uint64_t end = *cb.address + std::uint64_t{cb.pages} * cb.page_bytes;
  if (*cb.address >= l1_mapped_base && end <= program.chip.memory().l1_bytes) return;
  throw UsageError(fmt::format("program {}: circular buffer {} ({}) at L1 bytes {} to {}: L1 has {} to {}", program.name,
                               cb.id, cb.role, *cb.address, end, l1_mapped_base, program.chip.memory().l1_bytes));
}

void validate_circular_buffers(const Program& program) {
  const int most = program.chip.memory().circular_buffers;
  const std::uint32_t l1_bytes = program.chip.memory().l1_bytes;
  std::vector<std::vector<CoreRanges>> seen(most);
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (cb.id < 0 || cb.id >= most) {
      throw UsageError(
          fmt::format("program {}: circular buffer {} ({}): ids are 0 to {}", program.name, cb.id, cb.role, most - 1));
    }
    const CoreRanges cores = cb.cores.empty() ? CoreRanges(CoreRange::all(program.grid)) : cb.cores;
    if (std::any_of(seen[cb.id].begin(), seen[cb.id].end(),
                    [&](const CoreRanges& other) { return shared_core(cores, other).has_value(); })) {
      throw UsageError(fmt::format("program {}: circular buffer {} ({}) is declared twice", program.name, cb.id, cb.role));
    }
    seen[cb.id].push_back(cores);
    if (cb.pages == 0) {
      throw UsageError(fmt::format("program {}: circular buffer {} ({}) has no pages", program.name, cb.id, cb.role));
    }
    constexpr std::uint32_t most_pages = 65'535;  // hardware compares 16-bit counters (tensix.md 1.5)
    if (cb.pages > most_pages && std::uint64_t{cb.pages} * cb.page_bytes <= l1_bytes) {
      throw UsageError(fmt::format("program {}: circular buffer {} ({}) has {} pages, at most {} can be counted",
                                   program.name, cb.id, cb.role, cb.pages, most_pages));
    }
    validate_place(program, cb);
    if (cb.page_bytes == 0 || (!cb.address && cb.page_bytes % page_alignment != 0)) {
      throw UsageError(
          fmt::format("program {}: circular buffer {} ({}): pages of {} bytes: a positive multiple of {} is needed",
                      program.name, cb.id, cb.role, cb.page_bytes, page_alignment));
    }
  }
}

void validate_compute(const Program& program, const ComputeConfig& compute) {
  const int available = program.chip.dst_slots(compute.dst_fp32, compute.full_sync);
  if (compute.dst_capacity >= 0 && compute.dst_capacity <= available) return;
  throw UsageError(fmt::format("program {}: DST capacity of {} tiles: {} has {}", program.name, compute.dst_capacity,
                               Dst::mode_name(compute.dst_fp32, compute.full_sync), available));
}

void validate_argument_count(const Program& program, const KernelConfig& kernel, const char* kind, std::size_t words,
                             std::size_t limit) {
  if (words > limit) {
    throw UsageError(fmt::format("program {}: kernel {} has {} {} arguments, at most {} are possible", program.name,
                                 kernel.name, words, kind, limit));
  }
}

void validate_cores(const Program& program, const KernelConfig& kernel) {
  for (const CoreRange& cores : kernel.cores.ranges) {
    if (program.grid.contains(cores.first) && program.grid.contains(cores.last) && cores.first.x <= cores.last.x &&
        cores.first.y <= cores.last.y) {
      continue;
    }
    throw UsageError(fmt::format("program {}: kernel {} on cores ({},{}) to ({},{}): not a rectangle within the {}x{} grid",
                                 program.name, kernel.name, cores.first.x, cores.first.y, cores.last.x, cores.last.y,
                                 program.grid.x, program.grid.y));
  }
}

void validate_object(const Program& program, const KernelConfig& kernel) {
  const auto is_named = [&](const KernelObject& object) { return object.key == kernel.object; };
  if (kernel.object.empty() || std::any_of(program.objects.begin(), program.objects.end(), is_named)) return;
  throw UsageError(fmt::format("program {}: kernel {} is in object {}, which the program does not bring along", program.name,
                               kernel.name, kernel.object));
}

void validate_semaphores(const Program& program) {
  for (const SemaphoreConfig& semaphore : program.core_semaphores) {
    if (semaphore.id >= 0 && semaphore.id < max_semaphores) continue;
    throw UsageError(
        fmt::format("program {}: semaphore {}: ids are 0 to {}", program.name, semaphore.id, max_semaphores - 1));
  }
  if (program.semaphores.size() > max_semaphores) {
    throw UsageError(fmt::format("program {}: {} semaphores, at most {} are possible", program.name,
                                 program.semaphores.size(), max_semaphores));
  }
}

void validate_kernel(const Program& program, const KernelConfig& kernel) {
  validate_cores(program, kernel);
  validate_object(program, kernel);
  if (kernel.compute) validate_compute(program, *kernel.compute);
  validate_argument_count(program, kernel, "compile-time", kernel.compile_args.size(), max_compile_arguments);
  validate_argument_count(program, kernel, "common", kernel.common_args.size(), max_arguments);
  std::set<int> named;
  for (const auto& [index, words] : kernel.runtime_args) {
    if (index < 0 || index >= program.grid.cores() || !kernel.cores.contains(program.grid.core(index))) {
      throw UsageError(fmt::format("program {}: kernel {} has arguments for core index {}, where it does not run",
                                   program.name, kernel.name, index));
    }
    if (!named.insert(index).second) {
      throw UsageError(
          fmt::format("program {}: kernel {} has arguments for core index {} twice", program.name, kernel.name, index));
    }
    validate_argument_count(program, kernel, "runtime", words.size(), max_arguments);
  }
}

void validate_risc_use(const Program& program) {
  const std::vector<KernelConfig>& kernels = program.kernels;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    for (std::size_t j = i + 1; j < kernels.size(); ++j) {
      if (kernels[i].risc != kernels[j].risc) continue;
      if (const auto shared = shared_core(kernels[i].cores, kernels[j].cores)) {
        throw UsageError(fmt::format("program {}: kernels {} and {} both run on {} of core ({},{})", program.name,
                                     kernels[i].name, kernels[j].name, name_of(kernels[i].risc), shared->x, shared->y));
      }
    }
  }
}

}  // namespace

std::uint64_t l1_bytes_of(const CircularBufferConfig& cb, const Chip& chip) {
  const std::uint64_t alignment = chip.memory().dram_alignment;
  return (std::uint64_t{cb.pages} * cb.page_bytes + alignment - 1) / alignment * alignment;
}

std::vector<std::uint32_t> l1_offsets_of(const Program& program) {
  std::vector<std::uint32_t> offsets;
  offsets.reserve(program.circular_buffers.size());
  std::uint64_t next = l1_user_base;
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    offsets.push_back(cb.address.value_or(next));
    if (!cb.address) next += l1_bytes_of(cb, program.chip);
  }
  return offsets;
}

std::vector<std::uint32_t> semaphores_of(const Program& program, std::optional<LogicalCore> core) {
  std::vector<std::uint32_t> values = program.semaphores;
  for (const SemaphoreConfig& semaphore : program.core_semaphores) {
    const std::size_t id = semaphore.id;
    if (values.size() <= id) values.resize(id + 1);
    if (!core || semaphore.on(*core)) values[id] = semaphore.initial;
  }
  return values;
}

const ComputeConfig& compute_of(const Program& program, std::optional<LogicalCore> core) {
  for (const KernelConfig& kernel : program.kernels) {
    if (kernel.compute && (!core || kernel.cores.contains(*core))) return *kernel.compute;
  }
  return program.compute;
}

std::uint64_t l1_bytes_needed(const Program& program) {
  std::uint64_t bytes = std::uint64_t{l1_user_base} + program.l1_buffer_bytes;
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (!cb.address) bytes += l1_bytes_of(cb, program.chip);
  }
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (cb.address) bytes = std::max(bytes, *cb.address + std::uint64_t{cb.pages} * cb.page_bytes);
  }
  return bytes;
}

void validate(const Program& program) {
  const GridSize grid = program.grid;
  if (grid.x < 1 || grid.y < 1 || grid.x > noc::max_grid_side || grid.y > noc::max_grid_side) {
    throw UsageError(fmt::format("program {}: grid {}x{}: 1x1 to {}x{}", program.name, grid.x, grid.y, noc::max_grid_side,
                                 noc::max_grid_side));
  }
  program.chip.check_grid(grid, fmt::format("program {}: grid", program.name));
  validate_compute(program, program.compute);
  validate_circular_buffers(program);
  validate_semaphores(program);
  if (program.phases.size() > std::numeric_limits<std::uint8_t>::max()) {
    throw UsageError(fmt::format("program {}: {} phases, at most {} are possible", program.name, program.phases.size(),
                                 std::numeric_limits<std::uint8_t>::max()));
  }
  for (const KernelConfig& kernel : program.kernels) validate_kernel(program, kernel);
  validate_risc_use(program);
  // Last, so that a nonsensical size is named as such and not as an overflow.
  const std::uint64_t asked = l1_bytes_needed(program);
  const std::uint32_t l1_bytes = program.chip.memory().l1_bytes;
  if (asked > l1_bytes) {
    throw UsageError(fmt::format(
        "program {}: L1 overflow: asked {} bytes (reserved {}, circular buffers {}, L1 buffers {}), available {}",
        program.name, asked, l1_user_base, asked - l1_user_base - program.l1_buffer_bytes, program.l1_buffer_bytes,
        l1_bytes));
  }
}

}  // namespace tilegrid
