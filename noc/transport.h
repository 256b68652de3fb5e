// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "noc/message.h"

namespace tilegrid::noc {

/// Receives what a transport delivers. Called from poll() only; may call send(), must not call poll().
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// `payload` is valid during the call only.
  virtual void deliver(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) = 0;
};

class SharedMemory;

/// How bytes move between ranks of one host. Results, logs and device time are the same.
enum class TransportChoice : std::uint8_t {
  automatic,  ///< windows where the host lets them, else messages
  messages,   ///< all as messages, as between hosts
  windows,    ///< L1 and DRAM lie in memory that the ranks of a host share: reads, and writes to DRAM, are copies
};

/// Host cost of a transport: what really moved.
struct TransportStats {
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;  ///< headers included
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t queue_high_water = 0;  ///< most messages held back by flow control at one time
  std::uint64_t sleeps = 0;
};

/// Moves messages between the ranks of a run.
///
/// Who calls: one OS thread per rank. Nothing here blocks except wait(), and no call is collective.
/// Order: messages from one rank to another are delivered in the order of their send() calls.
/// Lifetime: send() takes the message; buffers live until the transport is done with them.
/// Progress: made inside poll() and wait() only; a rank that does neither stalls its peers.
/// Flow control: at most a bounded number of messages per ordered pair is under way; send() queues the rest.
/// A message to the own rank is the caller's error: local traffic never becomes a message.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// `more`: another message to the same rank follows at once, so that this one alone need not wake it.
  virtual void send(int destination_rank, Message message, bool more = false) = 0;

  /// Delivers what has arrived, at most `budget` messages; makes progress on sends. Returns how many were delivered.
  virtual int poll(MessageSink& sink, int budget) = 0;

  /// The rank has nothing to do: returns when a message may have arrived or `limit` has passed. Spins, yields or sleeps as
  /// suits the number of ranks per core of this host.
  virtual void wait(std::chrono::microseconds limit) = 0;

  /// True when no send is queued or incomplete.
  [[nodiscard]] virtual bool sends_done() const = 0;

  [[nodiscard]] virtual TransportStats stats() const = 0;

  /// Whether all ranks are on one host; the same on all of them.
  [[nodiscard]] virtual bool one_host() const { return true; }
  /// Memory that a rank of this host shares with the others, the own one included; null: it shares none with this rank.
  [[nodiscard]] virtual SharedMemory* shared_memory(int /*rank*/) { return nullptr; }
  /// Why the host of this rank gives no memory to share; empty: it does, or was not asked.
  [[nodiscard]] virtual std::string sharing_failure() const { return {}; }
};

/// The transport of a run in one process: no peers.
class InProcessTransport final : public Transport {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  void send(int destination_rank, Message message, bool more = false) override;  ///< throws std::logic_error
  int poll(MessageSink&, int) override { return 0; }
  void wait(std::chrono::microseconds) override {}
  [[nodiscard]] bool sends_done() const override { return true; }
  [[nodiscard]] TransportStats stats() const override { return {}; }
};

}  // namespace tilegrid::noc
