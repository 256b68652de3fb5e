// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/circular_buffer.h"
#include "kernels/program.h"

/// Kernels from files, compiled while the program runs.
namespace tilegrid::jit {

/// What a kernel may know of a circular buffer while it is compiled.
struct BufferConstants {
  int id = 0;
  std::uint32_t page_bytes = 0;
  DataFormat format = DataFormat::bf16;
  friend bool operator==(const BufferConstants&, const BufferConstants&) = default;
};

/// A kernel as its host program asks for it. All that is here is part of the compiled object's key.
struct KernelSource {
  std::filesystem::path path;  ///< of the file; when `text` is not empty only the name for messages
  std::string text;            ///< source text in place of a file
  std::vector<std::uint32_t> compile_args;
  std::map<std::string, std::uint32_t> named_args;
  std::map<std::string, std::string> defines;
  std::vector<std::filesystem::path> include_dirs;  ///< for quoted includes, after the kernel's own folder
  Risc risc = Risc::trisc;
  NocId noc = NocId::noc0;
  std::vector<BufferConstants> buffers;
  ComputeConfig compute;             ///< of a compute kernel
  bool math_approx = false;          ///< APPROX of the vector unit
  std::string chip = "wormhole_b0";  ///< "blackhole": ARCH_BLACKHOLE in place of ARCH_WORMHOLE
  int dram_banks = 12;               ///< NUM_DRAM_BANKS
  friend bool operator==(const KernelSource&, const KernelSource&) = default;
};

/// A compiled kernel.
struct Object {
  std::string key;
  std::shared_ptr<const std::vector<std::byte>> bytes;  ///< a shared object of this host's architecture
  double seconds = 0;                                   ///< that it took, the look into the cache included
  bool from_cache = false;
  std::string warnings;  ///< of the compiler, as it said them
  [[nodiscard]] KernelObject for_program() const { return {key, bytes}; }
};

/// Compiles kernels with the host's C++ compiler (TILEGRID_CXX, else g++, else clang++) against the device headers
/// (TILEGRID_DEVICE_HEADERS, else those beside the library), several at a time, or takes them from the cache
/// (TILEGRID_CACHE, else XDG_CACHE_HOME/tilegrid, else ~/.cache/tilegrid; an unwritable cache is done without). Throws
/// UsageError with the compiler's own words, or when there is no compiler, no such file, or no device headers.
[[nodiscard]] std::vector<Object> compile_all(std::span<const KernelSource> sources);
[[nodiscard]] Object compile(const KernelSource& source);

}  // namespace tilegrid::jit
