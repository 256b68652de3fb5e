// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace tilegrid::noc {

enum class MessageKind : std::uint16_t {
  read_request,  ///< payload: Segment[count] (noc/node.h), `bytes` in all
  read_reply,    ///< payload: the bytes of the request's segments, in order, from offset `value`
  write,         ///< payload: `count` Segments, each with its bytes behind it; a repeat (Segment::repeats) has none
  write_ack,     ///< `bytes` of payload have landed
  atomic,        ///< payload: AtomicSegment[]
  atomic_ack,
  control,  ///< host and runtime traffic; `tag` says what, the runtime owns the meaning
  credit,   ///< the transport's own flow control; never delivered
};

/// Fixed header of every message between ranks.
struct MessageHeader {
  MessageKind kind = MessageKind::control;
  std::uint16_t tag = 0;            ///< of control messages; the NoC (0 or 1) of the others
  std::uint32_t sequence = 0;       ///< per ordered pair of ranks, set and asserted by the transport
  std::int32_t source_core = -1;    ///< index of the core that asks, -1 for the host
  std::uint32_t source_stream = 0;  ///< which of the core's fibers asks
  std::uint32_t request = 0;        ///< id that the answer carries back
  std::uint32_t count = 0;          ///< segments or answered requests
  std::uint64_t value = 0;          ///< meaning by kind
  std::uint64_t bytes = 0;          ///< meaning by kind, e.g. the whole length of what is cut into several messages
  std::uint64_t epoch = 0;          ///< the program that the message belongs to; 0: the host's own traffic
};
static_assert(sizeof(MessageHeader) == 48 && std::is_trivially_copyable_v<MessageHeader>);

/// Largest payload of one message. With the header and Open MPI's own 56 bytes it stays below the eager limit that our
/// launcher sets (distsim.md 0.8); under other settings large messages take a rendezvous, which is slower but right. A
/// message holds several NoC packets, because those that one barrier waits for travel together.
inline constexpr std::size_t max_payload = 32768;

/// Header and payload in one block, as it travels.
class Message {
 public:
  Message() : Message(MessageHeader{}) {}
  explicit Message(const MessageHeader& header, std::size_t reserve_payload = 0) {
    storage_.reserve(sizeof(MessageHeader) + reserve_payload);
    storage_.resize(sizeof(MessageHeader));
    set_header(header);
  }
  [[nodiscard]] MessageHeader header() const {
    MessageHeader header;
    std::memcpy(&header, storage_.data(), sizeof header);
    return header;
  }
  void set_header(const MessageHeader& header) { std::memcpy(storage_.data(), &header, sizeof header); }
  [[nodiscard]] std::span<const std::byte> payload() const { return std::span(storage_).subspan(sizeof(MessageHeader)); }
  void append(std::span<const std::byte> bytes) { storage_.insert(storage_.end(), bytes.begin(), bytes.end()); }
  template <class T>
  void append_value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(std::as_bytes(std::span(&value, 1)));
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return storage_; }

 private:
  std::vector<std::byte> storage_;
};

}  // namespace tilegrid::noc
