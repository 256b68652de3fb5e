// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/core.h"
#include "noc/command_buffers.h"
#include "noc/grid.h"
#include "noc/multicast.h"
#include "noc/node.h"
#include "noc/port.h"

namespace tilegrid::noc {

/// How a transfer is issued, beyond what goes where.
struct Issue {
  TransferForm form = TransferForm::full;
  std::optional<std::uint32_t> trid{};  ///< transaction id; none: of reads the one that set_read_trid() chose, of writes 0
};

/// The NoC of one fiber: what its kernel issues is looked up, checked, counted, logged, and handed to the port.
///
/// The data of a read becomes visible at read_barrier() and not before; a barrier for a transaction id brings the reads
/// with that id alone. The source of a write is read at the next flush of its NoC: write_barrier(), writes_flushed(), an
/// atomic, a block of the fiber, or the kernel's end. A kernel that overwrites a source earlier sends the new bytes, as it
/// may on silicon.
///
/// Faults "NoC transaction id": an id beyond 15, or more than 255 packets of one outstanding (tensix.md 4.1).
class Endpoint final : public Port {
 public:
  Endpoint(Node& node, Core& core, Risc risc)
      : Port(node, {core.index, risc}), core_(&core), risc_(risc), own_node_(node.places().physical_of(core.logical)) {}

  void read(NocId noc, NocAddress source, std::uint32_t l1_destination, std::uint32_t bytes, const Issue& issue = {});
  void write(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, const Issue& issue = {});
  /// Four bytes that travel in the command itself; to L1 only (tensix.md 4.1).
  void write_word(NocId noc, NocAddress destination, std::uint32_t value);
  /// To all cores of the rectangle that `destination` names (see Rectangle); the own core only with `loopback`. Fault "NoC
  /// target": a rectangle beyond the grid, or one that the NoC would leave to go round the torus.
  void multicast(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, const MulticastForm& form);
  void increment(NocId noc, NocAddress semaphore, std::uint32_t delta);
  /// The semaphores of all cores of a rectangle but the own one, which `destinations` counts. The atomics are issued one by
  /// one, row by row, and charged so: what silicon's single packet takes is not published.
  void increment_multicast(NocId noc, NocAddress semaphores, std::uint32_t delta, std::uint32_t destinations);

  /// Transaction id of the reads from here on.
  void set_read_trid(NocId noc, std::uint32_t trid);

  /// The registers that stateful transfers use again, see CommandState.
  void set_read_state(NocId noc, NocAddress source, std::uint32_t bytes) { read_state_.set(noc, source, bytes); }
  void set_write_state(NocId noc, NocAddress destination, std::uint32_t bytes) { write_state_.set(noc, destination, bytes); }
  void end_read_state(NocId noc) { read_state_.end(noc); }
  void end_write_state(NocId noc) { write_state_.end(noc); }
  [[nodiscard]] TransferState read_state(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const {
    return read_state_.get(noc, address, bytes, who);
  }
  [[nodiscard]] TransferState write_state(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const {
    return write_state_.get(noc, address, bytes, who);
  }
  [[nodiscard]] const LinkedChain& linked_chain(NocId noc) const { return linked_chains_[noc]; }

  /// For all transfers of the NoC, or those with a transaction id.
  void read_barrier(NocId noc, std::optional<std::uint32_t> trid = {});
  void write_barrier(NocId noc, std::optional<std::uint32_t> trid = {});
  void writes_flushed(NocId noc, std::optional<std::uint32_t> trid = {});
  void atomic_barrier(NocId noc);

  /// Whether nothing is under way that a barrier would wait for, and no chain of multicasts is open.
  [[nodiscard]] bool at_rest() const;
  /// Counts transfers between the core and a DRAM bank that are as others before: nothing is logged, checked or moved.
  void count_again(NocId noc, TransferKind kind, PhysicalCore bank, std::uint64_t transactions, std::uint64_t bytes);

  /// Sends what was issued; called when the fiber is about to block for another reason.
  void flush();
  void flush(NocId noc);
  /// Completes everything: the end of a kernel.
  void finish();
  /// Forgets everything: a new program.
  void reset();

 private:
  [[nodiscard]] Target resolve(NocAddress address, std::uint64_t bytes, const char* who) const;
  /// The corners of a multicast, as the NoC wants them.
  [[nodiscard]] Rectangle rectangle_of(NocId noc, NocAddress destination, const MulticastForm& form) const;
  /// What silicon does not take, or does not end.
  void check_destinations(const PendingWrite& write, const Rectangle& rectangle, const MulticastForm& form) const;
  void check_alignment(NocAddress remote, Target target, std::uint32_t local, bool is_read, const char* who) const;
  /// Where other fibers, and traffic, may go first.
  void preempt() { node_.scheduler().preempt(); }
  void count(NocId noc, TransferKind kind, std::uint64_t bytes, int hop_count);
  template <class Barrier>
  void log_barrier(NocId noc, std::optional<std::uint32_t> trid = {});
  [[nodiscard]] PhysicalCore own_node() const { return own_node_; }
  /// Of how many packets a transfer consists.
  [[nodiscard]] std::uint32_t packets_of(std::uint32_t bytes) const {
    const std::uint32_t most = node_.chip().memory().packet_bytes;
    return (bytes + most - 1) / most;
  }
  /// In a dry run only what may be a semaphore is moved: a few bytes of L1.
  [[nodiscard]] bool moves(Target::Kind where, std::uint32_t bytes) const {
    return !core_->dry || (where == Target::Kind::core && bytes <= semaphore_bytes);
  }

  /// Adds to the pending writes; blocks when too much is under way.
  void queue_write(NocId noc, PendingWrite write);

  [[nodiscard]] std::uint64_t epoch() const override { return node_.epoch(); }
  [[nodiscard]] ShakenTraffic* shaken() const override { return node_.shaken(); }
  void lands_early(const PendingRead& read) const override;
  /// Another fiber of the core may wait for a word of it.
  void landed(const std::byte* where, std::size_t bytes) const override;
  void wait_for_answer(BlockReason reason, NocId noc, const std::uint64_t& counter) override;
  void answered() override { node_.scheduler().wake(waiter_); }

  Core* core_;
  Risc risc_;
  PhysicalCore own_node_;
  CommandState read_state_;
  CommandState write_state_;
  EnumArray<NocId, std::uint32_t> read_trids_{};
  EnumArray<NocId, LinkedChain> linked_chains_;
  OutstandingPackets outstanding_reads_;
  OutstandingPackets outstanding_writes_;
  Fiber* waiter_ = nullptr;
  std::uint32_t barriers_of_copies_ = 0;  ///< read barriers so far behind which other ranks' L1 was copied from
};

}  // namespace tilegrid::noc
