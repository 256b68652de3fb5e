// SPDX-License-Identifier: Apache-2.0
#include "runtime/metalium/program_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tt-metalium/assert.hpp>
#include <utility>

#include "core/l1.h"

namespace tilegrid::metalium {
namespace {

namespace host = tt::tt_metal;

Fidelity fidelity_of(MathFidelity fidelity) {
  switch (fidelity) {
    case MathFidelity::LoFi:
      return Fidelity::lofi;
    case MathFidelity::HiFi2:
      return Fidelity::hifi2;
    case MathFidelity::HiFi3:
      return Fidelity::hifi3;
    default:
      return Fidelity::hifi4;
  }
}

tilegrid::ComputeConfig compute_of(const host::ComputeConfig& config) {
  tilegrid::ComputeConfig compute;
  compute.fidelity = fidelity_of(config.math_fidelity);
  compute.dst_fp32 = config.fp32_dest_acc_en;
  compute.full_sync = config.dst_full_sync_en;
  compute.bfp8_pack_precise = config.bfp8_pack_precise;
  return compute;
}

/// Fields that all configurations have.
template <class Visitor>
auto with_config(const KernelPart& kernel, Visitor&& visitor) {
  return std::visit(std::forward<Visitor>(visitor), kernel.config);
}

LogicalCore core_of(const host::CoreCoord& core) { return {static_cast<int>(core.x), static_cast<int>(core.y)}; }

std::string text_of(const host::CoreRangeSet& cores) { return cores.str(); }

void check_cores(const host::CoreRangeSet& cores, GridSize grid, const std::string& what) {
  for (const host::CoreRange& range : cores.ranges()) {
    if (grid.contains(core_of(range.end_coord))) continue;
    throw std::runtime_error(
        fmt::format("{} is on cores {}, the grid is {}x{} (TILEGRID_GRID)", what, text_of(cores), grid.x, grid.y));
  }
}

std::vector<CircularBufferConfig> circular_buffers_of(const ProgramParts& parts, std::uint64_t lowest) {
  const std::vector<std::uint32_t> addresses = addresses_of(parts, lowest);
  std::vector<CircularBufferConfig> all;
  for (std::size_t i = 0; i < parts.buffers.size(); ++i) {
    const CircularBufferPart& part = parts.buffers[i];
    for (const auto& [id, index] : part.config.indices()) {
      CircularBufferConfig& cb = all.emplace_back();
      cb.id = id;
      cb.page_bytes = index.page_size;
      cb.pages = part.config.total_size() / index.page_size;
      cb.format = format_of(index.format);
      cb.on_buffer = part.config.globally_allocated_address().has_value();
      cb.cores = ranges_of(part.cores);
      cb.address = addresses[i];
    }
  }
  return all;
}

KernelConfig kernel_of(const KernelPart& part, GridSize grid) {
  KernelConfig kernel;
  kernel.name = part.path.string();
  kernel.risc = risc_of(part);
  kernel.cores = ranges_of(part.cores);
  with_config(part, [&](const auto& config) {
    kernel.compile_args = config.compile_args;
    if constexpr (requires { config.noc; }) {
      kernel.noc = config.noc == host::NOC::NOC_0 ? NocId::noc0 : NocId::noc1;
    } else {
      kernel.compute = compute_of(config);
    }
  });
  kernel.common_args = part.common_args;
  for (int core = 0; core < grid.cores(); ++core) {
    const LogicalCore at = grid.core(core);
    const auto& args = part.args.at(static_cast<std::size_t>(at.x)).at(static_cast<std::size_t>(at.y));
    if (!args.empty() && kernel.cores.contains(at)) kernel.runtime_args.emplace_back(core, args);
  }
  kernel.object = part.object.key;
  return kernel;
}

}  // namespace

Risc risc_of(const KernelPart& kernel) {
  const auto* movement = std::get_if<host::DataMovementConfig>(&kernel.config);
  if (movement == nullptr) return Risc::trisc;
  return movement->processor == host::DataMovementProcessor::RISCV_0 ? Risc::brisc : Risc::ncrisc;
}

CoreRanges ranges_of(const host::CoreRangeSet& cores) {
  CoreRanges ranges;
  for (const host::CoreRange& range : cores.ranges()) {
    ranges.ranges.push_back({core_of(range.start_coord), core_of(range.end_coord)});
  }
  return ranges;
}

tilegrid::DataFormat format_of(tt::DataFormat format) {
  using From = tt::DataFormat;
  using To = tilegrid::DataFormat;
  switch (format) {
    case From::Float32:
      return To::fp32;
    case From::Tf32:
      return To::tf32;
    case From::Float16:
      return To::fp16;
    case From::Float16_b:
      return To::bf16;
    case From::Bfp8_b:
      return To::bfp8_b;
    case From::Bfp4_b:
      return To::bfp4_b;
    case From::Bfp2_b:
      return To::bfp2_b;
    case From::UInt32:
    case From::RawUInt32:
      return To::uint32;
    case From::Int32:
      return To::int32;
    case From::UInt16:
    case From::RawUInt16:
      return To::uint16;
    case From::UInt8:
    case From::RawUInt8:
      return To::uint8;
    case From::Int8:
      return To::int8;
    default:
      throw std::runtime_error(fmt::format("a circular buffer of format {}: it is not emulated", tt::to_string(format)));
  }
}

std::vector<std::uint32_t> addresses_of(const ProgramParts& program, std::uint64_t lowest) {
  constexpr std::uint32_t alignment = 32;
  std::map<host::CoreCoord, std::uint32_t> ends;  // of what lies on a core so far
  std::vector<std::uint32_t> addresses;
  for (const CircularBufferPart& part : program.buffers) {
    for (const auto& [id, index] : part.config.indices()) {
      if (index.page_size == 0) {
        throw std::runtime_error(fmt::format("circular buffer {}: set_page_size() has not been called for it", id));
      }
    }
    if (const auto fixed = part.config.globally_allocated_address()) {
      addresses.push_back(*fixed);
      continue;
    }
    std::uint32_t address = l1_user_base;
    const std::vector<host::CoreCoord> cores = host::corerange_to_cores(part.cores);
    for (const host::CoreCoord& core : cores) {
      if (const auto end = ends.find(core); end != ends.end()) address = std::max(address, end->second);
    }
    const std::uint32_t end = (address + part.config.total_size() + alignment - 1) / alignment * alignment;
    if (end > lowest) {
      throw std::runtime_error(fmt::format(
          "circular buffers on cores {} end at L1 offset {}, where L1 buffers, or the end of L1, begin at {}: they need "
          "{} bytes, {} are free",
          text_of(part.cores), end, lowest, end - l1_user_base, lowest > l1_user_base ? lowest - l1_user_base : 0));
    }
    for (const host::CoreCoord& core : cores) ends[core] = end;
    addresses.push_back(address);
  }
  return addresses;
}

jit::KernelSource source_of(const ProgramParts& program, const KernelPart& kernel, const Chip& chip) {
  jit::KernelSource source;
  source.path = kernel.text.empty() ? find_kernel_file(kernel.path, kernel.caller) : kernel.path;
  source.text = kernel.text;
  with_config(kernel, [&](const auto& config) {
    source.compile_args = config.compile_args;
    source.named_args = {config.named_compile_args.begin(), config.named_compile_args.end()};
    source.defines = config.defines;
    if constexpr (requires { config.noc; }) source.noc = config.noc == host::NOC::NOC_0 ? NocId::noc0 : NocId::noc1;
    if constexpr (requires { config.math_fidelity; }) {
      source.compute = compute_of(config);
      source.math_approx = config.math_approx_mode;
    }
  });
  source.risc = risc_of(kernel);
  source.chip = chip.name();
  source.dram_banks = chip.places().banks();
  for (const char* variable : {"TT_METAL_KERNEL_PATH", "TT_METAL_HOME"}) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0') {
      source.include_dirs.emplace_back(folder);
    }
  }
  // Sources of others name headers from the root of their repository: any folder above may be it.
  for (std::filesystem::path above =
           std::filesystem::absolute(kernel.text.empty() ? source.path : kernel.caller).parent_path();
       above.has_relative_path(); above = above.parent_path()) {
    source.include_dirs.push_back(above);
  }
  std::set<int> seen;
  for (const CircularBufferPart& part : program.buffers) {
    if (!part.cores.intersects(kernel.cores)) continue;
    for (const auto& [id, index] : part.config.indices()) {
      if (seen.insert(id).second) source.buffers.push_back({id, index.page_size, format_of(index.format)});
    }
  }
  return source;
}

Program program_of(const ProgramParts& parts, GridSize grid, const Chip& chip, std::uint64_t lowest) {
  Program program;
  program.name = parts.kernels.empty() ? "program" : parts.kernels.back().path.stem().string();
  program.grid = grid;
  program.chip = chip;
  program.keep_l1 = true;
  for (const CircularBufferPart& part : parts.buffers) check_cores(part.cores, grid, "a circular buffer");
  program.circular_buffers = circular_buffers_of(parts, lowest);
  program.core_semaphores = parts.semaphores;
  std::set<std::string> objects;
  for (const KernelPart& part : parts.kernels) {
    check_cores(part.cores, grid, part.path.string());
    program.kernels.push_back(kernel_of(part, grid));
    if (objects.insert(part.object.key).second) program.objects.push_back(part.object.for_program());
  }
  return program;
}

}  // namespace tilegrid::metalium
