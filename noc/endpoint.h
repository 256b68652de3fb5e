// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/core.h"
#include "noc/node.h"
#include "noc/shaken_traffic.h"
#include "noc/write_batch.h"

namespace tilegrid::noc {

/// Fault "NoC transaction id" for an id beyond 15.
void check_trid(std::uint32_t trid, const char* who);

/// How a transfer is issued, beyond what goes where.
struct Issue {
  TransferForm form = TransferForm::full;
  std::optional<std::uint8_t> trid{};  ///< transaction id; none: of reads the one that set_read_trid() chose, of writes 0
};

/// Linked multicasts of a NoC: as long as a chain is open its path stays reserved, until an unlinked multicast to the same
/// rectangle has used it (tensix.md 4.1).
struct LinkedChain {
  bool open = false;
  LogicalCore first;  ///< of the rectangle
  LogicalCore last;
};

/// The NoC of one fiber: what its kernel issues and what has not completed yet. The host has one too (core null).
///
/// Reads are collected and travel at read_barrier(), one request per owning rank and at most `read_window_bytes` in
/// flight; their data becomes visible there and not before; a barrier for a transaction id brings the reads with that id
/// alone. Writes are collected too, and their source is read at the next flush of their NoC: write_barrier(),
/// writes_flushed(), an atomic, a block of the fiber, or the kernel's end. A kernel that overwrites a source earlier sends
/// the new bytes, as it may on silicon. Per NoC and destination the order of writes and atomics is the order of the calls.
///
/// Faults "NoC transaction id": an id beyond 15, or more than 255 packets of one outstanding (tensix.md 4.1). Outstanding
/// are those since the last barrier that waits for them: what silicon has at most.
class Endpoint {
 public:
  Endpoint(Node& node, Core* core, Risc risc)
      : node_(node),
        core_(core),
        risc_(risc),
        own_node_(core == nullptr ? PhysicalCore{} : node.places().physical_of(core->logical)) {}

  void read(NocId noc, NocAddress source, std::uint32_t l1_destination, std::uint32_t bytes, const Issue& issue = {});
  void write(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, const Issue& issue = {});
  /// Four bytes that travel in the command itself; to L1 only (tensix.md 4.1).
  void write_word(NocId noc, NocAddress destination, std::uint32_t value);
  /// To all cores of the rectangle that `destination` names (see multicast_address); the own core only with `loopback`.
  void multicast(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, std::uint32_t destinations,
                 bool loopback, bool linked);
  void increment(NocId noc, NocAddress semaphore, std::uint32_t delta);

  /// Transaction id of the reads from here on.
  void set_read_trid(NocId noc, std::uint32_t trid);

  /// The registers that stateful transfers use again: where to, and how many bytes (0: each transfer says it).
  void set_read_state(NocId noc, NocAddress source, std::uint32_t bytes) {
    read_states_[index(noc)] = {source, bytes, true};
  }
  void set_write_state(NocId noc, NocAddress destination, std::uint32_t bytes) {
    write_states_[index(noc)] = {destination, bytes, true};
  }
  /// Transfers with full registers use the same command buffer, and so end the state.
  void end_read_state(NocId noc) { read_states_[index(noc)].set = false; }
  void end_write_state(NocId noc) { write_states_[index(noc)].set = false; }
  /// The peer that the state names, at another address, and the bytes: `bytes`, or those of the state for 0. Fault
  /// "NoC state" when there is none.
  struct StatefulPeer {
    NocAddress address;
    std::uint32_t bytes;
  };
  [[nodiscard]] StatefulPeer read_state(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const {
    return from_state(read_states_[index(noc)], address, bytes, who);
  }
  [[nodiscard]] StatefulPeer write_state(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const {
    return from_state(write_states_[index(noc)], address, bytes, who);
  }
  [[nodiscard]] const LinkedChain& linked_chain(NocId noc) const { return linked_chains_[index(noc)]; }

  /// For all transfers of the NoC, or those with a transaction id.
  void read_barrier(NocId noc, std::optional<std::uint32_t> trid = {});
  void write_barrier(NocId noc, std::optional<std::uint32_t> trid = {});
  void writes_flushed(NocId noc, std::optional<std::uint32_t> trid = {});
  void atomic_barrier(NocId noc);

  /// Sends what was issued; called when the fiber is about to block for another reason.
  void flush();
  void flush(NocId noc);
  /// Completes everything: the end of a kernel.
  void finish();
  /// Forgets everything: a new program.
  void reset();

  /// Host traffic: to and from the host's memory, without a core. Blocks by serving messages.
  void host_write(Target target, std::uint64_t offset, std::span<const std::byte> bytes);
  void host_read(Target target, std::uint64_t offset, std::span<std::byte> bytes);
  void host_finish();

  /// For shaken runs (noc/shaken_traffic.h): what has been issued and may move on, and the moves.
  [[nodiscard]] bool has_pending_writes(NocId noc) const { return !pending_writes_[index(noc)].empty(); }
  [[nodiscard]] bool has_pending_reads() const { return !pending_reads_[0].empty() || !pending_reads_[1].empty(); }
  void depart_some(NocId noc, Chance& chance);
  void read_early(Chance& chance);
  void land(const Packet& packet);

  void on_read_reply(const MessageHeader& header, std::span<const std::byte> payload);
  void on_write_ack(const MessageHeader& header);
  void on_atomic_ack(const MessageHeader& header);

  static constexpr std::uint64_t read_window_bytes = 512U << 10U;
  static constexpr std::uint64_t read_request_bytes = 128U << 10U;
  static constexpr std::uint64_t write_window_bytes = 512U << 10U;

 private:
  struct PendingRead {
    Target target;
    std::uint64_t offset;
    std::byte* destination;
    std::uint32_t bytes;
    std::uint8_t trid = 0;
  };
  struct PendingWrite {
    std::vector<Target> targets;
    std::uint64_t offset;
    const std::byte* source;  ///< null: `word`
    std::uint32_t bytes;
    std::uint8_t trid = 0;
    std::uint32_t word = 0;
  };
  struct State {
    NocAddress peer = 0;
    std::uint32_t bytes = 0;
    bool set = false;
  };
  using Outstanding = std::array<std::array<std::uint32_t, transaction_ids>, noc_count>;  ///< packets
  struct ReadRequest {
    int rank = 0;
    std::uint64_t bytes = 0;
    std::uint64_t landed = 0;
    std::size_t segment = 0;  ///< where the next reply byte goes
    std::uint32_t segment_done = 0;
    std::vector<PendingRead> segments;
  };

  [[nodiscard]] static constexpr std::size_t index(NocId noc) { return static_cast<std::size_t>(noc); }
  [[nodiscard]] static StatefulPeer from_state(const State& state, std::uint32_t address, std::uint32_t bytes,
                                               const char* who);
  void take_trid(Outstanding& outstanding, NocId noc, std::uint8_t trid, std::uint32_t bytes, const char* who);
  /// A barrier for a transaction id, or all: none of them is outstanding from here on.
  static void return_trid(Outstanding& outstanding, NocId noc, std::optional<std::uint32_t> trid, const char* who);
  [[nodiscard]] Target resolve(NocAddress address, std::uint64_t bytes, const char* who) const;
  void check_alignment(NocAddress remote, Target target, std::uint32_t local, bool is_read, const char* who) const;
  [[nodiscard]] Issuer issuer() const { return {core_ == nullptr ? -1 : core_->index, risc_}; }
  /// Where other fibers, and traffic, may go first.
  void preempt() {
    if (core_ != nullptr) node_.scheduler().preempt();
  }
  void send_increment(Target target, std::uint64_t offset, std::uint32_t delta);
  void count(NocId noc, TransferKind kind, std::uint64_t bytes, int hop_count);
  void log_transfer(Event event, NocId noc, Target target, std::uint64_t offset);
  void log_barrier(EventKind kind, NocId noc, std::optional<std::uint32_t> trid = {});
  [[nodiscard]] PhysicalCore own_node() const { return own_node_; }
  /// In a dry run only what may be a semaphore is moved: a few bytes of L1.
  [[nodiscard]] bool moves(Target::Kind where, std::uint32_t bytes) const {
    return !core_->dry || (where == Target::Kind::core && bytes <= semaphore_bytes);
  }

  void complete_reads(std::vector<PendingRead>& reads);
  /// Data of a read has landed: another fiber of the core may wait for a word of it.
  void notify(const std::byte* landed, std::size_t bytes) const;
  void issue_reads();
  void send_request(ReadRequest request);
  /// Adds to the pending writes; blocks when too much is under way.
  void queue_write(NocId noc, PendingWrite write);
  /// Sends all pending writes, or the first `count`.
  void flush_writes(NocId noc, std::size_t count = SIZE_MAX);
  /// How many pending writes go up to the last one with a transaction id.
  [[nodiscard]] std::size_t writes_until(NocId noc, std::optional<std::uint32_t> trid) const;
  void wait_while(const std::uint64_t& counter, std::uint64_t limit, BlockReason reason, NocId noc);
  [[nodiscard]] MessageHeader header(MessageKind kind) const;

  Node& node_;
  Core* core_;
  Risc risc_;
  PhysicalCore own_node_;
  std::array<std::vector<PendingRead>, noc_count> pending_reads_;
  std::array<std::vector<PendingWrite>, noc_count> pending_writes_;
  std::array<std::uint64_t, noc_count> pending_write_bytes_{};
  std::deque<ReadRequest> queued_reads_;
  std::unordered_map<std::uint32_t, ReadRequest> open_reads_;
  std::uint64_t open_read_bytes_ = 0;   ///< requested and not landed
  std::uint64_t unfinished_reads_ = 0;  ///< requests queued or open
  UnackedWrites unacked_writes_;
  std::uint64_t unacked_atomics_ = 0;
  std::uint32_t next_request_ = 0;
  std::array<std::uint8_t, noc_count> read_trids_{};
  std::array<State, noc_count> read_states_;
  std::array<State, noc_count> write_states_;
  std::array<LinkedChain, noc_count> linked_chains_;
  Outstanding outstanding_reads_{};
  Outstanding outstanding_writes_{};
  Fiber* waiter_ = nullptr;
};

/// A multicast address: the rectangle's corners and an offset, packed as TT-Metalium's 64-bit multicast addresses
/// (36 bits of offset; x end, y end, x start, y start of 6 bits each).
[[nodiscard]] constexpr NocAddress multicast_address(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end,
                                                     std::uint32_t y_end, std::uint64_t offset) {
  return make_address(x_end, y_end, offset) | static_cast<std::uint64_t>(x_start) << (offset_bits + 2 * coordinate_bits) |
         static_cast<std::uint64_t>(y_start) << (offset_bits + 3 * coordinate_bits);
}

}  // namespace tilegrid::noc
