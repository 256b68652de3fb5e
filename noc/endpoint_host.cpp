// SPDX-License-Identifier: Apache-2.0
// The host's side: an endpoint without a core.
#include "noc/endpoint.h"

#include <algorithm>

namespace tilegrid::noc {

void Endpoint::host_write(Target target, std::uint64_t offset, std::span<const std::byte> bytes) {
  constexpr std::size_t part_bytes = std::size_t{256} << 10U;
  for (std::size_t done = 0; done < bytes.size(); done += part_bytes) {
    const auto part = bytes.subspan(done, std::min(part_bytes, bytes.size() - done));
    pending_writes_[0].push_back({{target}, offset + done, part.data(), static_cast<std::uint32_t>(part.size())});
    pending_write_bytes_[0] += part.size();
  }
  if (pending_write_bytes_[0] < write_window_bytes) return;
  flush_writes(NocId::noc0);
  wait_while(unacked_writes_.total, write_window_bytes, BlockReason::write_barrier, NocId::noc0);
}

void Endpoint::host_read(Target target, std::uint64_t offset, std::span<std::byte> bytes) {
  pending_reads_[0].push_back({target, offset, bytes.data(), static_cast<std::uint32_t>(bytes.size())});
}

void Endpoint::host_finish() {
  flush_writes(NocId::noc0);
  wait_while(unacked_writes_.total, 0, BlockReason::write_barrier, NocId::noc0);
  complete_reads(pending_reads_[0]);
  wait_while(unfinished_reads_, 0, BlockReason::read_barrier, NocId::noc0);
}

}  // namespace tilegrid::noc
