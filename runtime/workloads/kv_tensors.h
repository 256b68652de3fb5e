// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/attention/kernel_args.h"
#include "kernels/attention/verify/verify.h"
#include "runtime/data/tensors.h"

namespace tilegrid::workloads {

/// K and V of an attention in DRAM, in pages and with their table where the configuration has kv_page.
class KvTensors {
 public:
  KvTensors() = default;
  /// Makes the buffers.
  KvTensors(Device& device, const attention::Config& config);
  void upload(Device& device, const attention::Config& config, attention::Inputs& inputs) const;
  /// Fills in what is its own.
  void set_addresses(attention::TensorAddresses& addresses) const;

 private:
  Matrices k_, v_;
  Buffer table_{};
};

/// Of --kv-lengths: numbers with commas or + between. Throws UsageError.
[[nodiscard]] std::shared_ptr<const std::vector<std::uint32_t>> parse_lengths(const std::string& text);

/// The table from a file, or where it has no name one made of the seed. Throws UsageError.
void set_page_table(attention::Config& config, const std::string& path, std::uint64_t seed);

}  // namespace tilegrid::workloads
