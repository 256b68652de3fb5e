// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "kernels/attention/kernel_args.h"
#include "runtime/jit/compile.h"

/// The host side of attention kernels that others wrote for TT-Metalium: which files they are, their circular buffers, their
/// arguments and their defines. The kernels themselves are read from a folder and compiled when they run.
namespace tilegrid::foreign {

enum class Sdpa : std::uint8_t {
  /// The shipped kernel as of December 2025 ("G2", attention.md 1.4 and 1.5): Q, K, V and output in DRAM; causal or not.
  interleaved,
  /// The first kernel for decoding, as of September 2024 (with the passes of "G1"): a core holds one Q chunk and its output
  /// in L1 from before the launch until after it, and reads K, V and a mask; not causal.
  noncausal
};
[[nodiscard]] const char* name_of(Sdpa kind);  ///< of its compute kernel: "sdpa", "sdpa_noncausal"

struct SdpaFiles {
  Sdpa kind = Sdpa::interleaved;
  std::filesystem::path reader, compute, writer;
  /// Why these files are not those that the host side knows: kernels of another year take other arguments. Empty: they are.
  std::string other_generation;
};

/// Those that are in a checkout of the vendor's repository, or in a folder that holds the files as the repository's folder
/// of them does, or side by side. Throws UsageError that says what was looked for and where.
[[nodiscard]] std::vector<SdpaFiles> find_sdpa(const std::string& folder);

/// An attention with its work dealt out as the vendor's host code does it (attention.md 1.2): cores divided among batches,
/// heads and Q chunks, light chunks with heavy ones where that comes out even. The functions below need it.
[[nodiscard]] attention::Config dealt_out(attention::Config config);

/// Why they can't do this attention, whose chunks are set; empty when they can.
[[nodiscard]] std::string refusal_of(const SdpaFiles& files, const attention::Config& config);

/// Reader, compute, writer, to be compiled.
[[nodiscard]] std::vector<jit::KernelSource> sources_of(const SdpaFiles& files, const attention::Config& config);

/// The program of what sources_of() compiles to. `mask` is only of the kernel for decoding: the DRAM address of bf16 tiles
/// [batch, head, Q chunk, keys].
[[nodiscard]] Program program_of(const SdpaFiles& files, const attention::Config& config,
                                 const attention::TensorAddresses& addresses, std::uint32_t mask,
                                 std::span<const jit::Object> objects);

}  // namespace tilegrid::foreign
