// SPDX-License-Identifier: Apache-2.0
#include "noc/host_port.h"

#include <algorithm>

namespace tilegrid::noc {
namespace {

/// The port keeps apart what goes over each NoC; the host uses one of the two queues.
constexpr NocId queue = NocId::noc0;

}  // namespace

void HostPort::write(Target target, std::uint64_t offset, std::span<const std::byte> bytes) {
  constexpr std::size_t part_bytes = std::size_t{256} << 10U;
  for (std::size_t done = 0; done < bytes.size(); done += part_bytes) {
    const auto part = bytes.subspan(done, std::min(part_bytes, bytes.size() - done));
    add_write(queue, {{target}, offset + done, part.data(), count_of<std::uint32_t>(part)});
  }
  if (pending_write_bytes(queue) < write_window_bytes) return;
  flush_writes(queue);
  wait_while(unacked_writes().total, write_window_bytes, BlockReason::write_barrier, queue);
}

void HostPort::read(Target target, std::uint64_t offset, std::span<std::byte> bytes) {
  add_read(queue, {target, offset, bytes.data(), count_of<std::uint32_t>(bytes)});
}

void HostPort::finish() {
  flush_writes(queue);
  wait_while(unacked_writes().total, 0, BlockReason::write_barrier, queue);
  complete_reads(queue);
  wait_while(unfinished_reads(), 0, BlockReason::read_barrier, queue);
}

void HostPort::wait_for_answer(BlockReason, NocId, const std::uint64_t&) {
  if (node_.poll() == 0) node_.transport().wait(std::chrono::microseconds(1000));
}

}  // namespace tilegrid::noc
