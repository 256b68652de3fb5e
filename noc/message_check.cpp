// SPDX-License-Identifier: Apache-2.0
#include "noc/message_check.h"

#include <fmt/format.h>

#include <string>

#include "core/error.h"
#include "noc/write_batch.h"

namespace tilegrid::noc {
namespace {

const char* name_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::read_request:
      return "read request";
    case MessageKind::read_reply:
      return "read reply";
    case MessageKind::write:
      return "write";
    case MessageKind::write_ack:
      return "write's acknowledgement";
    case MessageKind::atomic:
      return "atomic";
    case MessageKind::atomic_ack:
      return "atomic's acknowledgement";
    case MessageKind::control:
    case MessageKind::credit:
      break;
  }
  return "message of an unknown kind";
}

class MessageCheck {
 public:
  MessageCheck(const Holdings& here, int source_rank, const MessageHeader& header, std::span<const std::byte> payload)
      : here_(here), source_(source_rank), header_(header), payload_(payload) {}

  void run() {
    check_issuer();
    switch (header_.kind) {
      case MessageKind::read_request:
        return check_read();
      case MessageKind::write:
        return check_write();
      case MessageKind::atomic:
        return check_atomic();
      case MessageKind::write_ack:
        if (header_.request >= 2 * transaction_ids) refuse(fmt::format("of slot {}", header_.request));
        return;
      case MessageKind::read_reply:
      case MessageKind::atomic_ack:
        return;
      case MessageKind::control:
      case MessageKind::credit:
        break;
    }
    refuse(fmt::format("({})", to_underlying(header_.kind)));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ExitCode::lost_rank, fmt::format("a {} from rank {} {}: messages of ranks are wrong, or of another build",
                                                 name_of(header_.kind), source_, what));
  }

  void check_issuer() const {
    const int core = header_.source_core;
    const bool answer = header_.kind == MessageKind::read_reply || header_.kind == MessageKind::write_ack ||
                        header_.kind == MessageKind::atomic_ack;
    const bool known = answer ? holds_core(core) : core >= 0 && core < here_.cores;
    if (core != -1 && !known) refuse(fmt::format("{} core {}", answer ? "for" : "of", core));
    if (header_.source_stream >= risc_count) refuse(fmt::format("names RISC {}", header_.source_stream));
  }

  bool holds_core(int core) const { return core >= 0 && core < here_.cores && here_.holds({Target::Kind::core, core}); }

  /// The next `bytes` of the payload.
  std::span<const std::byte> take(std::size_t bytes) {
    if (bytes > payload_.size() - at_) {
      refuse(fmt::format("claims {} segments and more bytes than its {}", header_.count, payload_.size()));
    }
    at_ += bytes;
    return payload_.subspan(at_ - bytes, bytes);
  }
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  void check_end() const {
    if (at_ != payload_.size()) {
      refuse(fmt::format("has {} bytes behind its {} segments", payload_.size() - at_, header_.count));
    }
  }

  void check_range(Target target, std::uint64_t offset, std::uint64_t bytes) const {
    const bool bank = target.kind == Target::Kind::dram;
    if (!bank && target.kind != Target::Kind::core) {
      refuse(fmt::format("names a target of kind {}", to_underlying(target.kind)));
    }
    const char* what = bank ? "DRAM bank" : "core";
    const bool here = bank ? target.index >= 0 && here_.holds(target) : holds_core(target.index);
    if (!here) refuse(fmt::format("names {} {}, which is not on this rank", what, target.index));
    const std::uint64_t end = bank ? here_.bank_bytes : here_.l1_bytes;
    if (offset > end || bytes > end - offset) {
      refuse(fmt::format("names {} bytes at offset {} of {} {}, which has {}", bytes, offset, what, target.index, end));
    }
  }

  void check_read() {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < header_.count; ++i) {
      const auto segment = take<Segment>();
      check_range(segment.target, segment.offset, segment.bytes);
      bytes += segment.bytes;
    }
    check_end();
    if (bytes != header_.bytes) refuse(fmt::format("asks for {} bytes, its segments for {}", header_.bytes, bytes));
  }

  void check_write() {
    if (header_.request >= 2 * transaction_ids) refuse(fmt::format("of slot {}", header_.request));
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < header_.count; ++i) {
      const auto segment = take<Segment>();
      if (segment.repeats == 0) {
        bytes = take(segment.bytes).size();
      } else if (i == 0 || segment.bytes != bytes) {
        refuse(fmt::format("repeats {} bytes that are not there", segment.bytes));
      }
      check_range(segment.target, segment.offset, bytes);
    }
    check_end();
  }

  void check_atomic() {
    for (std::uint32_t i = 0; i < header_.count; ++i) {
      const auto segment = take<AtomicSegment>();
      if (segment.target.kind != Target::Kind::core) refuse("names a target that is no core");
      check_range(segment.target, segment.offset, sizeof segment.delta);
    }
    check_end();
  }

  const Holdings& here_;
  int source_;
  const MessageHeader& header_;
  std::span<const std::byte> payload_;
  std::size_t at_ = 0;
};

}  // namespace

void check_message(const Holdings& here, int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  MessageCheck(here, source_rank, header, payload).run();
}

}  // namespace tilegrid::noc
