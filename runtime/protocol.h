// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/checks/finding.h"
#include "core/counters.h"
#include "core/events/event_log.h"
#include "kernels/api/printout.h"
#include "kernels/program.h"
#include "noc/node.h"
#include "runtime/deadlock/blocked_report.h"
#include "runtime/message_archive.h"

namespace tilegrid {

/// What control messages between host and ranks mean. What the host says goes down the tree of runtime/control_tree.h; what
/// ranks say goes up, each rank adding what those below it have said, but for errors and results of tasks.
enum class ControlTag : std::uint16_t {
  launch,        ///< host: LaunchCommand
  task,          ///< host: TaskCommand
  shutdown,      ///< host: exit code
  status,        ///< rank: StatusReport, when it and all below it become idle or finish
  probe,         ///< host asks for a StatusReport now
  probe_answer,  ///< rank: StatusReport
  error,         ///< rank: a kernel failed; the text
  end,           ///< host: the program is over, EndReason
  result,        ///< rank: GatheredResults
  task_result,
  progress,     ///< rank: tile multiplications so far
  look,         ///< host asks where the cores stand: number of the question
  look_answer,  ///< rank: LookAnswer
};

inline constexpr std::uint16_t control_tags = static_cast<std::uint16_t>(ControlTag::look_answer) + 1;

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
  PrintFilter print{};   ///< whose output is wanted
  bool watch_numbers = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(program, epoch, dram_limit, record_log, dry, shaken, shake_seed, analyse, print, watch_numbers);
  }
};

/// How far a rank is, or several are together. When the sums of `sent` and `received` over all ranks agree, no message is
/// under way.
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

/// Where the cores of one rank or of several stand while a program runs.
struct LookAnswer {
  std::uint32_t question = 0;
  std::vector<BlockedReport> cores;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(question, cores);
  }
};

/// What a kernel has printed: lines of the kernel as a whole, of UNPACK, MATH and PACK.
struct Printed {
  int core = 0;
  Risc risc = Risc::trisc;
  std::array<std::string, 4> lines{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(core, risc, lines);
  }
};

struct TaskCommand {
  std::string name;
  std::vector<std::byte> input;
  template <class Archive>
  void save(Archive& archive) const {
    archive(name, cereal::make_size_tag(input.size()), cereal::binary_data(input.data(), input.size()));
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(name, cereal::make_size_tag(size));
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
  std::vector<EventLog> cores;
  template <class Archive>
  void save(Archive& archive) const {
    std::vector<EventLog> shared = cores;  // numbers of blocks only
    const auto store = share_blocks(shared);
    archive(cereal::make_size_tag(store->size()));
    for (std::uint32_t number = 0; number < store->size(); ++number) {
      const std::vector<Event>& events = *store->block(number);
      archive(cereal::make_size_tag(events.size()), cereal::binary_data(events.data(), events.size() * sizeof(Event)));
    }
    archive(cereal::make_size_tag(shared.size()));
    for (const EventLog& core : shared) {
      for (const Risc risc : each<Risc>) archive(core.sequence(risc).numbers());
      archive(core.lines());
    }
  }
  template <class Archive>
  void load(Archive& archive) {
    const auto store = std::make_shared<EventStore>();
    cereal::size_type count = 0;
    archive(cereal::make_size_tag(count));
    for (std::vector<Event> events; store->size() < count;) {
      cereal::size_type size = 0;
      archive(cereal::make_size_tag(size));
      events.resize(size);
      archive(cereal::binary_data(events.data(), events.size() * sizeof(Event)));
      store->intern(events);
    }
    archive(cereal::make_size_tag(count));
    cores.clear();
    while (cores.size() < count) {
      EventLog& core = cores.emplace_back();
      for (const Risc risc : each<Risc>) {
        std::vector<std::uint32_t> numbers;
        archive(numbers);
        for (const std::uint32_t number : numbers) {
          if (number >= store->size()) throw std::out_of_range("a log names a block that there is not");
        }
        core.sequence(risc) = {store, std::move(numbers)};
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
  std::vector<ScopeName> scopes;  ///< that its kernels named
  std::vector<Printed> printed;   ///< by kernels that have printed anything
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cores, logs, host, errors, blocked, findings, scopes, printed);
  }
};

template <class T>
[[nodiscard]] std::vector<std::byte> to_bytes(const T& value) {
  MessageWriter writer;
  writer(value);
  return writer.take();
}

/// Throws Error (ExitCode::lost_rank).
[[noreturn]] void refuse_message(const char* why);

/// Throws Error for bytes that are no T.
template <class T>
[[nodiscard]] T from_bytes(std::span<const std::byte> bytes) {
  try {
    MessageReader reader(bytes);
    T value{};
    reader(value);
    return value;
  } catch (const std::exception& error) {  // of the reader, of cereal, or of what makes the value
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
  /// Host: to all ranks, the own one included, by the tree of runtime/control_tree.h: who gets such a message hands it on.
  void broadcast(ControlTag tag, std::span<const std::byte> bytes);
  /// Hands a broadcast on to the ranks below this one. Messages that come this way keep their order: a program's end does
  /// not overtake its launch.
  void hand_on(const ControlMessage& message);
  [[nodiscard]] std::optional<ControlMessage> next();
  [[nodiscard]] bool pending() const { return !queue_.empty(); }
  /// Forgets what is in the queue: reports of a program that is over.
  void discard() { queue_.clear(); }
  /// Blocks, serving, until a message is there.
  [[nodiscard]] ControlMessage wait_next();
  [[nodiscard]] noc::Node& node() { return node_; }

 private:
  void receive(int source, const noc::MessageHeader& header, std::span<const std::byte> payload);
  void send_below(ControlTag tag, std::span<const std::byte> bytes);

  noc::Node& node_;
  std::vector<std::vector<std::byte>> partial_;  ///< by source rank
  std::deque<ControlMessage> queue_;
};

}  // namespace tilegrid
