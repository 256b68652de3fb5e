// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "core/types.h"
#include "noc/memory.h"
#include "noc/message.h"
#include "noc/node.h"

namespace tilegrid::noc {

/// Bytes of writes that were sent and are not acknowledged: in all, by NoC, and by transaction id.
struct UnackedWrites {
  std::uint64_t total = 0;
  EnumArray<NocId, std::uint64_t> by_noc{};
  EnumArray<NocId, std::array<std::uint64_t, transaction_ids>> by_trid{};
  void add(std::uint32_t slot, std::uint64_t bytes) { change(slot, bytes); }
  void remove(std::uint32_t slot, std::uint64_t bytes) { change(slot, ~bytes + 1); }
  /// NoC and transaction id as one number; a write's message carries it, and its acknowledgement brings it back.
  [[nodiscard]] static std::uint32_t slot(NocId noc, std::uint32_t trid) {
    return to_underlying(noc) * transaction_ids + trid;
  }

 private:
  void change(std::uint32_t slot, std::uint64_t difference) {
    total += difference;
    by_noc[slot / transaction_ids] += difference;
    by_trid[slot / transaction_ids][slot % transaction_ids] += difference;
  }
};

/// Most targets to which the same bytes are written by one message: a Segment for each must leave room for data.
inline constexpr std::size_t max_batch_targets = 128;

/// Collects the segments for one rank and sends them as messages of bounded size, each of one slot of UnackedWrites.
class WriteBatch {
 public:
  WriteBatch(Node& node, int rank, const MessageHeader& header, UnackedWrites& unacked)
      : node_(node), rank_(rank), header_(header), unacked_(unacked) {}

  void add(std::uint32_t slot, std::span<const Target> targets, std::uint64_t offset, std::span<const std::byte> bytes) {
    if (slot != header_.request) send();
    header_.request = slot;
    const std::size_t overhead = targets.size() * sizeof(Segment);
    for (std::size_t done = 0; done < bytes.size();) {
      if (filled_ != 0 && filled_ + overhead + 64 > max_payload) send();
      const std::size_t part = std::min(bytes.size() - done, max_payload - filled_ - overhead);
      for (std::size_t i = 0; i < targets.size(); ++i) {
        const Segment segment{targets[i], static_cast<std::uint32_t>(part), i == 0 ? 0U : 1U, offset + done};
        message().append_value(segment);
        if (i == 0) message().append(bytes.subspan(done, part));
        ++header_.count;
      }
      filled_ += overhead + part;
      done += part;
    }
  }
  void send() {
    if (!message_) return;
    message_->set_header(header_);
    unacked_.add(header_.request, filled_);
    node_.send(rank_, std::move(*message_));
    message_.reset();
    filled_ = 0;
    header_.count = 0;
  }

 private:
  Message& message() {
    if (!message_) message_.emplace(header_, max_payload);
    return *message_;
  }
  Node& node_;
  int rank_;
  MessageHeader header_;
  UnackedWrites& unacked_;
  std::optional<Message> message_;
  std::size_t filled_ = 0;
};

}  // namespace tilegrid::noc
