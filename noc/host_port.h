// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "noc/port.h"

namespace tilegrid::noc {

/// The host's way to the chip's memory: from and to the host's own memory, over no NoC, outside of any program. Waits
/// serve messages; no call is made from a fiber.
class HostPort final : public Port {
 public:
  explicit HostPort(Node& node) : Port(node, Issuer{}) {}

  /// The bytes must stay as they are until finish().
  void write(Target target, std::uint64_t offset, std::span<const std::byte> bytes);
  /// The bytes are there after finish().
  void read(Target target, std::uint64_t offset, std::span<std::byte> bytes);
  void finish();

 private:
  [[nodiscard]] std::uint64_t epoch() const override { return 0; }
  [[nodiscard]] ShakenTraffic* shaken() const override { return nullptr; }
  void landed(const std::byte*, std::size_t) const override {}
  void wait_for_answer(BlockReason reason, NocId noc, const std::uint64_t& counter) override;
  void answered() override {}
};

}  // namespace tilegrid::noc
