// SPDX-License-Identifier: Apache-2.0
#pragma once

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

/// Where the reads, writes and increments of one issuer leave a rank, and where their answers come back.
///
/// Reads are collected until complete_reads(): then they travel, one request per owning rank and at most
/// `read_window_bytes` in flight; their data lands from there on and not before. Writes are collected too, and their
/// source is read when they are flushed. What goes to the own rank is a copy. Per NoC and destination the order of writes
/// and increments is the order of the calls.
///
/// A port does not know who waits for it: an Endpoint blocks its fiber, a HostPort serves messages.
class Port {
 public:
  virtual ~Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Answers, as the node receives them.
  void on_read_reply(const MessageHeader& header, std::span<const std::byte> payload);
  void on_write_ack(const MessageHeader& header);
  void on_atomic_ack(const MessageHeader& header);

  /// For shaken runs (port_shaken.cpp): what has been issued and may move on, and the moves.
  [[nodiscard]] bool has_pending_writes(NocId noc) const { return !pending_writes_[noc].empty(); }
  [[nodiscard]] bool has_pending_reads() const;
  void depart_some(NocId noc, Chance& chance);
  void read_early(Chance& chance);
  void land(const Packet& packet);

  static constexpr std::uint64_t read_window_bytes = 512U << 10U;
  static constexpr std::uint64_t read_request_bytes = 128U << 10U;
  static constexpr std::uint64_t write_window_bytes = 512U << 10U;

 protected:
  struct PendingRead {
    Target target;
    std::uint64_t offset;
    std::byte* destination;
    std::uint32_t bytes;
    std::uint32_t trid = 0;
  };
  struct PendingWrite {
    std::vector<Target> targets;
    std::uint64_t offset;
    const std::byte* source;  ///< null: `word`
    std::uint32_t bytes;
    std::uint32_t trid = 0;
    std::uint32_t word = 0;
  };

  Port(Node& node, Issuer issuer) : node_(node), issuer_(issuer) {}

  /// What the port's messages belong to: a program, or 0.
  [[nodiscard]] virtual std::uint64_t epoch() const = 0;
  /// What traffic goes through instead of landing at once; null outside of a shaken program.
  [[nodiscard]] virtual ShakenTraffic* shaken() const = 0;
  /// A read is about to land before anybody has asked for it.
  virtual void lands_early(const PendingRead&) const {}
  /// Bytes of a read have landed.
  virtual void landed(const std::byte* where, std::size_t bytes) const = 0;
  /// Returns when an answer may have come; `counter` is what the wait is for.
  virtual void wait_for_answer(BlockReason reason, NocId noc, const std::uint64_t& counter) = 0;
  /// An answer has come that a wait may be for.
  virtual void answered() = 0;

  void add_read(NocId noc, PendingRead read) { pending_reads_[noc].push_back(read); }
  /// Asks for all reads of the NoC, or those with a transaction id. They have landed when unfinished_reads() is 0.
  void complete_reads(NocId noc, std::optional<std::uint32_t> trid = {});
  /// The order in which reads of a NoC are asked for is free (tensix.md 4.1).
  void shuffle_reads(NocId noc, Chance& chance);

  void add_write(NocId noc, PendingWrite write);
  [[nodiscard]] std::uint64_t pending_write_bytes(NocId noc) const { return pending_write_bytes_[noc]; }
  /// Sends all pending writes, or the first `count`.
  void flush_writes(NocId noc, std::size_t count = SIZE_MAX);
  /// How many pending writes go up to the last one with a transaction id.
  [[nodiscard]] std::size_t writes_until(NocId noc, std::optional<std::uint32_t> trid) const;
  /// After the writes before it.
  void send_increment(NocId noc, Target target, std::uint64_t offset, std::uint32_t delta);

  /// Reads of other ranks' L1 so far that were copies. Nobody had to wait for them.
  [[nodiscard]] std::uint64_t l1_copies() const { return l1_copies_; }
  [[nodiscard]] const std::uint64_t& unfinished_reads() const { return unfinished_reads_; }
  [[nodiscard]] const std::uint64_t& unacked_atomics() const { return unacked_atomics_; }
  [[nodiscard]] const UnackedWrites& unacked_writes() const { return unacked_writes_; }
  void wait_while(const std::uint64_t& counter, std::uint64_t limit, BlockReason reason, NocId noc) {
    while (counter > limit) wait_for_answer(reason, noc, counter);
  }

  /// Forgets everything: a new program.
  void reset();

  Node& node_;

 private:
  struct ReadRequest {
    int rank = 0;
    std::uint64_t bytes = 0;
    std::uint64_t landed = 0;
    std::size_t segment = 0;  ///< where the next reply byte goes
    std::uint32_t segment_done = 0;
    std::vector<PendingRead> segments;
  };

  [[nodiscard]] MessageHeader header(MessageKind kind) const;
  void complete(std::vector<PendingRead>& reads);
  void queue_request(ReadRequest request);
  void issue_reads();
  void send_request(ReadRequest request);
  void message_increment(Target target, std::uint64_t offset, std::uint32_t delta);
  /// Node::shared(), as far as it keeps the order: not while writes to DRAM are under way as messages.
  [[nodiscard]] std::byte* shared_dram(Target target, std::uint64_t offset, std::uint64_t bytes);
  /// The same for what is only read: no L1 while anything is under way that may change it.
  [[nodiscard]] const std::byte* readable(Target target, std::uint64_t offset, std::uint64_t bytes);

  Issuer issuer_;
  EnumArray<NocId, std::vector<PendingRead>> pending_reads_;
  EnumArray<NocId, std::vector<PendingWrite>> pending_writes_;
  EnumArray<NocId, std::uint64_t> pending_write_bytes_{};
  std::deque<ReadRequest> queued_reads_;
  std::unordered_map<std::uint32_t, ReadRequest> open_reads_;
  std::uint64_t open_read_bytes_ = 0;   ///< requested and not landed
  std::uint64_t unfinished_reads_ = 0;  ///< requests queued or open
  UnackedWrites unacked_writes_;
  std::uint64_t l1_copies_ = 0;
  bool messaged_dram_ = false;  ///< of the unacknowledged writes some may be to DRAM
  std::uint64_t unacked_atomics_ = 0;
  std::uint32_t next_request_ = 0;
};

}  // namespace tilegrid::noc
