// SPDX-License-Identifier: Apache-2.0
// What a kernel runs on, and what it is compiled with.
#pragma once

#include <tt-metalium/base_types.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tt::tt_metal {

// The analyzer of clang 14 loses the values of a base that becomes an alternative of a variant.
// NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign)
struct DataMovementConfig {
  DataMovementProcessor processor = DataMovementProcessor::RISCV_0;
  NOC noc = NOC::RISCV_0_default;
  NOC_MODE noc_mode = NOC_MODE::DM_DEDICATED_NOC;
  std::vector<std::uint32_t> compile_args;
  std::map<std::string, std::string> defines;
  std::unordered_map<std::string, std::uint32_t> named_compile_args;
  KernelBuildOptLevel opt_level = KernelBuildOptLevel::O2;
};

/// A reader runs on NCRISC and NoC 0, a writer on BRISC and NoC 1 (tensix.md 1.1).
struct ReaderDataMovementConfig : DataMovementConfig {
  explicit ReaderDataMovementConfig(std::vector<std::uint32_t> args = {}, std::map<std::string, std::string> define = {},
                                    std::unordered_map<std::string, std::uint32_t> named = {},
                                    KernelBuildOptLevel level = KernelBuildOptLevel::O2)
      : DataMovementConfig{DataMovementProcessor::RISCV_1,
                           NOC::RISCV_0_default,
                           NOC_MODE::DM_DEDICATED_NOC,
                           std::move(args),
                           std::move(define),
                           std::move(named),
                           level} {}
};
struct WriterDataMovementConfig : DataMovementConfig {
  explicit WriterDataMovementConfig(std::vector<std::uint32_t> args = {}, std::map<std::string, std::string> define = {},
                                    std::unordered_map<std::string, std::uint32_t> named = {},
                                    KernelBuildOptLevel level = KernelBuildOptLevel::O2)
      : DataMovementConfig{DataMovementProcessor::RISCV_0,
                           NOC::RISCV_1_default,
                           NOC_MODE::DM_DEDICATED_NOC,
                           std::move(args),
                           std::move(define),
                           std::move(named),
                           level} {}
};

struct ComputeConfig {
  MathFidelity math_fidelity = MathFidelity::HiFi4;
  bool fp32_dest_acc_en = false;
  bool preserve_fp32_precision = false;  ///< of the years before
  bool dst_full_sync_en = false;
  std::vector<UnpackToDestMode> unpack_to_dest_mode;
  bool bfp8_pack_precise = false;
  bool math_approx_mode = false;
  std::vector<std::uint32_t> compile_args;
  std::map<std::string, std::string> defines;
  std::unordered_map<std::string, std::uint32_t> named_compile_args;
  KernelBuildOptLevel opt_level = KernelBuildOptLevel::O3;
};

/// There are no Ethernet cores: a kernel for one is refused when it is created.
struct EthernetConfig {
  Eth eth_mode = Eth::SENDER;
  NOC noc = NOC::NOC_0;
  DataMovementProcessor processor = DataMovementProcessor::RISCV_0;
  std::vector<std::uint32_t> compile_args;
  std::map<std::string, std::string> defines;
  std::unordered_map<std::string, std::uint32_t> named_compile_args;
  KernelBuildOptLevel opt_level = KernelBuildOptLevel::Os;
  NOC_MODE noc_mode = NOC_MODE::DM_DEDICATED_NOC;
};

namespace detail {
/// On either chip reads from DRAM take NoC 0, writes NoC 1.
[[nodiscard]] inline NOC preferred_noc_for_dram_read(ARCH) { return NOC::NOC_0; }
[[nodiscard]] inline NOC preferred_noc_for_dram_write(ARCH) { return NOC::NOC_1; }
}  // namespace detail

}  // namespace tt::tt_metal
