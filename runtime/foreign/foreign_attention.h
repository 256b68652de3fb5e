// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/foreign/sdpa.h"
#include "runtime/workloads/attention.h"

namespace tilegrid::foreign {

/// Attention by kernels of others, from their files, on the data and against the reference of our own; not a command.
class ForeignAttention final : public workloads::Attention {
 public:
  /// For what `asked`, which has not run, is asked for: chunks as they are chosen for the hand-written kernel, K and V from
  /// DRAM. Throws UsageError for shapes that there are not.
  ForeignAttention(SdpaFiles files, const workloads::Attention& asked, Device& device);
  [[nodiscard]] const SdpaFiles& files() const { return files_; }
  /// Why they can't do it; empty when they can.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  /// Compiles them. Throws UsageError with the compiler's words.
  void compile();
  [[nodiscard]] double compile_seconds() const;

  [[nodiscard]] workloads::About about() const override {
    return {.name = name_of(files_.kind), .summary = "Attention by kernels of others"};
  }
  void prepare(Device& device) override;
  std::vector<Program> programs(Device& device) override;
  void upload(Device& device) override;
  void finish(Device& device, report::RunOutcome& outcome) override;

 private:
  void choose_one_chunk(const workloads::Attention& asked, Device& device);
  [[nodiscard]] std::uint32_t offset_of(attention::CbIndex id) const;
  /// With the core that does it, and its part of `tiles`, a tensor of all heads. Only of the kernel for decoding, whose core
  /// has one head.
  void for_each_head(std::span<std::byte> tiles,
                     const std::function<void(LogicalCore core, std::span<std::byte> head)>& visit) const;

  SdpaFiles files_;
  std::string refusal_;
  std::vector<jit::Object> objects_;
  Buffer mask_;       ///< of the kernel for decoding
  Program prepared_;  ///< that programs() has made
};

/// Those in a folder (none of no folder), compiled as far as they can do what is asked for. Throws UsageError, before
/// anything runs, for what is wrong with the files, and when none of them can.
[[nodiscard]] std::vector<std::unique_ptr<ForeignAttention>> find_foreign(const std::string& folder,
                                                                          const workloads::Attention& asked, Device& device);

}  // namespace tilegrid::foreign
