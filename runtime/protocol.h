// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/checks/finding.h"
#include "core/counters.h"
#include "core/events/event_log.h"
#include "kernels/program.h"
#include "noc/node.h"
#include "runtime/deadlock/blocked_report.h"

namespace tilegrid {

/// What control messages between host and ranks mean.
enum class ControlTag : std::uint16_t {
  launch,        ///< host: LaunchCommand
  task,          ///< host: TaskCommand
  shutdown,      ///< host: exit code
  status,        ///< rank: StatusReport, when it becomes idle or finishes
  probe,         ///< host asks for a StatusReport now
  probe_answer,  ///< rank: StatusReport
  error,         ///< rank: a kernel failed; the text
  end,           ///< host: the program is over, EndReason
  result,        ///< rank: RankResult
  task_result,
  progress,  ///< rank: units done
};

inline constexpr std::uint16_t control_tags = static_cast<std::uint16_t>(ControlTag::progress) + 1;

enum class EndReason : std::uint8_t { finished, failed, deadlock };

struct LaunchCommand {
  Program program;
  std::uint32_t epoch = 0;
  std::uint64_t dram_limit = 0;
  bool record_log = false;
  bool dry = false;
  bool shaken = false;
  std::uint64_t shake_seed = 0;
  bool analyse = false;  ///< the host will look for races in the logs, so they are recorded with source lines
  template <class Archive>
  void serialize(Archive& archive) {
    archive(program, epoch, dram_limit, record_log, dry, shaken, shake_seed, analyse);
  }
};

/// How far one rank is. When the sums of `sent` and `received` over all ranks agree, no message is under way.
struct StatusReport {
  bool idle = false;      ///< no fiber can run and nothing waits to be sent
  bool finished = false;  ///< all fibers have ended
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  friend bool operator==(const StatusReport&, const StatusReport&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(idle, finished, sent, received);
  }
};

struct ErrorReport {
  int core = 0;
  int exit_code = 2;
  std::string text;
  std::vector<checks::Finding> findings{};  ///< the parts of the text, when it is a kernel's error
  template <class Archive>
  void serialize(Archive& archive) {
    archive(core, exit_code, text, findings);
  }
};

struct TaskCommand {
  std::string name;
  std::vector<std::byte> input;
  template <class Archive>
  void save(Archive& archive) const {
    archive(name, static_cast<std::uint64_t>(input.size()));
    archive(cereal::binary_data(input.data(), input.size()));
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint64_t size = 0;
    archive(name, size);
    input.resize(size);
    archive(cereal::binary_data(input.data(), input.size()));
  }
};

struct CoreResult {
  CoreCounters counters;
  CoreHostCost host;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(counters, host);
  }
};

/// The logs of a rank's cores. A message holds every block of events once.
struct RankLogs {
  static constexpr std::uint64_t longest_block = std::uint64_t{1} << 24U;
  std::vector<EventLog> cores;
  template <class Archive>
  void save(Archive& archive) const {
    std::vector<EventLog> shared = cores;  // numbers of blocks only
    const auto store = share_blocks(shared);
    archive(static_cast<std::uint64_t>(store->size()));
    for (std::uint32_t number = 0; number < store->size(); ++number) {
      const std::vector<Event>& events = *store->block(number);
      archive(static_cast<std::uint64_t>(events.size()));
      archive(cereal::binary_data(events.data(), events.size() * sizeof(Event)));
    }
    archive(static_cast<std::uint64_t>(shared.size()));
    for (const EventLog& core : shared) {
      for (int risc = 0; risc < risc_count; ++risc) archive(core.sequence(static_cast<Risc>(risc)).numbers());
      archive(core.lines());
    }
  }
  template <class Archive>
  void load(Archive& archive) {
    const auto store = std::make_shared<EventStore>();
    std::uint64_t count = 0;
    archive(count);
    for (std::vector<Event> events; store->size() < count;) {
      std::uint64_t size = 0;
      archive(size);
      if (size > longest_block) throw std::length_error("a block of a log without end");
      events.resize(size);
      archive(cereal::binary_data(events.data(), events.size() * sizeof(Event)));
      store->intern(events);
    }
    archive(count);
    if (count > longest_block) throw std::length_error("logs without end");
    cores.resize(count);
    for (EventLog& core : cores) {
      for (int risc = 0; risc < risc_count; ++risc) {
        std::vector<std::uint32_t> numbers;
        archive(numbers);
        for (const std::uint32_t number : numbers) {
          if (number >= store->size()) throw std::out_of_range("a log names a block that there is not");
        }
        core.sequence(static_cast<Risc>(risc)) = {store, std::move(numbers)};
      }
      archive(core.lines());
    }
  }
};

struct RankResult {
  std::vector<CoreResult> cores;  ///< of the rank, in order
  RankLogs logs;                  ///< none when not recorded
  RankHostCost host;
  std::vector<ErrorReport> errors;
  std::vector<BlockedReport> blocked;
  std::vector<checks::Finding> findings;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cores, logs, host, errors, blocked, findings);
  }
};

template <class T>
[[nodiscard]] std::vector<std::byte> to_bytes(const T& value) {
  std::ostringstream stream(std::ios::binary);
  {
    cereal::BinaryOutputArchive archive(stream);
    archive(value);
  }
  const std::string text = stream.str();
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// Throws Error (ExitCode::lost_rank).
[[noreturn]] void refuse_message(const char* why);

/// Throws Error for bytes that are no T.
template <class T>
[[nodiscard]] T from_bytes(std::span<const std::byte> bytes) {
  std::istringstream stream(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), std::ios::binary);
  try {
    cereal::BinaryInputArchive archive(stream);
    T value;
    archive(value);
    return value;
  } catch (const std::exception& error) {  // of cereal, or of a list that claims to be longer than memory
    refuse_message(error.what());
  }
}

struct ControlMessage {
  int source = 0;
  ControlTag tag = ControlTag::status;
  std::vector<std::byte> bytes;
};

/// Control messages of any length over the node's transport, cut to the size of a message and put together again.
/// A rank that sends to itself gets the message in its own queue, so that the host is a rank like the others.
class ControlChannel {
 public:
  explicit ControlChannel(noc::Node& node);
  void send(int rank, ControlTag tag, std::span<const std::byte> bytes);
  template <class T>
  void send_value(int rank, ControlTag tag, const T& value) {
    send(rank, tag, to_bytes(value));
  }
  /// To all ranks, the own one included.
  void broadcast(ControlTag tag, std::span<const std::byte> bytes);
  [[nodiscard]] std::optional<ControlMessage> next();
  [[nodiscard]] bool pending() const { return !queue_.empty(); }
  /// Forgets what is in the queue: reports of a program that is over.
  void discard() { queue_.clear(); }
  /// Blocks, serving, until a message is there.
  [[nodiscard]] ControlMessage wait_next();
  [[nodiscard]] noc::Node& node() { return node_; }

 private:
  void receive(int source, const noc::MessageHeader& header, std::span<const std::byte> payload);

  noc::Node& node_;
  std::vector<std::vector<std::byte>> partial_;  ///< by source rank
  std::deque<ControlMessage> queue_;
};

}  // namespace tilegrid
