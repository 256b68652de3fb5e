// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/kernel_types.hpp>
#include <variant>
#include <vector>

#include "kernels/program.h"
#include "runtime/jit/compile.h"

namespace tilegrid::metalium {

/// A kernel as the host program created it.
struct KernelPart {
  std::filesystem::path path;    ///< as the program named it, or the name of a text
  std::string text;              ///< source in place of a file
  std::filesystem::path caller;  ///< the host's source file
  tt::tt_metal::CoreRangeSet cores;
  tt::tt_metal::KernelConfigs config;
  std::vector<std::vector<std::vector<std::uint32_t>>> args;  ///< by column and row of the grid
  std::vector<std::uint32_t> common_args;
  std::optional<jit::KernelSource> compiled_from;  ///< of `object`
  jit::Object object;
};

struct CircularBufferPart {
  tt::tt_metal::CoreRangeSet cores;
  tt::tt_metal::CircularBufferConfig config;
};

/// What a tt::tt_metal::Program is made of. References to parts stay good while more are added.
struct ProgramParts {
  std::uint64_t id = 0;
  std::deque<KernelPart> kernels;
  std::deque<CircularBufferPart> buffers;
  std::vector<SemaphoreConfig> semaphores;
};

[[nodiscard]] Risc risc_of(const KernelPart& kernel);
[[nodiscard]] CoreRanges ranges_of(const tt::tt_metal::CoreRangeSet& cores);
[[nodiscard]] tilegrid::DataFormat format_of(tt::DataFormat format);

/// L1 offsets of the circular buffers: those on buffers where these are, the others bottom-up, each where it is free on all
/// of its cores. Throws std::runtime_error for one without a page size, or when they run into L1 buffers, which end at
/// `lowest`.
[[nodiscard]] std::vector<std::uint32_t> addresses_of(const ProgramParts& program, std::uint64_t lowest);

/// What is to be compiled of a kernel. Throws UsageError when its file is nowhere.
[[nodiscard]] jit::KernelSource source_of(const ProgramParts& program, const KernelPart& kernel, const Chip& chip);

/// The program for the emulated device; its kernels have been compiled.
[[nodiscard]] Program program_of(const ProgramParts& parts, GridSize grid, const Chip& chip, std::uint64_t lowest);

/// Where a kernel's file is, as host programs name it: in the working directory, TT_METAL_KERNEL_PATH, TT_METAL_HOME or the
/// root directory that was set; else the longest tail of the path that exists there, or above the host's source file.
/// Throws UsageError with the places that were searched.
[[nodiscard]] std::filesystem::path find_kernel_file(const std::filesystem::path& path, const std::filesystem::path& caller);
void set_root_directory(const std::filesystem::path& directory);

}  // namespace tilegrid::metalium
