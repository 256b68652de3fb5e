// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/foreign/sdpa.h"
#include "runtime/workloads/attention.h"

namespace tilegrid::workloads {

/// Attention by kernels of others, from their files, on the data and against the reference of our own; not a command.
class ForeignAttention final : public Attention {
 public:
  /// For what `asked`, which has not run, is asked for: chunks as they are chosen for the hand-written kernel, K and V from
  /// DRAM. Throws UsageError for shapes that there are not.
  ForeignAttention(SdpaFiles files, const Attention& asked, Device& device);
  [[nodiscard]] const SdpaFiles& files() const { return files_; }
  /// Why they can't do it; empty when they can.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  /// Compiles them. Throws UsageError with the compiler's words.
  void compile();
  [[nodiscard]] double compile_seconds() const;

  [[nodiscard]] About about() const override {
    return {.name = name_of(files_.kind), .summary = "Attention by kernels of others"};
  }
  void prepare(Device& device) override;
  std::vector<Program> programs(Device& device) override;
  void upload(Device& device) override;
  void finish(Device& device, report::RunOutcome& outcome) override;

 private:
  void choose_one_chunk(const Attention& asked, Device& device);
  [[nodiscard]] std::uint32_t offset_of(attention::CbIndex id) const;
  void for_each_head(const std::function<void(LogicalCore core, std::size_t head)>& visit) const;

  SdpaFiles files_;
  std::string refusal_;
  std::vector<jit::Object> objects_;
  Buffer mask_;       ///< of the kernel for decoding
  Program prepared_;  ///< that programs() has made
};

}  // namespace tilegrid::workloads
