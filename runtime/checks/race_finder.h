// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/checks/finding.h"
#include "core/events/event_log.h"
#include "runtime/checks/log_cursor.h"
#include "runtime/checks/shadow.h"

namespace tilegrid::races {

/// Walks through the logs of a launch in an order that they allow, and checks for every access that the thread making it
/// knows all earlier accesses to the same bytes to be over.
///
/// Invariants: a kernel runs until a circular buffer or a semaphore stops it, then the next one in order of core and RISC.
/// A kernel's clock holds what the kernel knows to be over: what it did itself, what its barriers waited for, and what was
/// known to the kernels whose push, pop, increment or set it has seen. Others learn of a kernel's moment by its next push,
/// pop, increment or set; of a transfer's moment by a barrier of its kernel, or by a later semaphore operation in the same
/// channel.
class RaceFinder {
 public:
  /// `complete`: all kernels came to their ends; else some stopped in a wait.
  RaceFinder(const Layout& layout, const std::vector<EventLog>& logs, const checks::Config& checks, bool complete = true);
  [[nodiscard]] std::vector<checks::Finding> run();

 private:
  /// A call in the log.
  struct Call {
    int core = 0;
    Risc risc{};
    std::uint16_t line = 0;
    EventKind what{};
  };
  struct Kernel {
    int core = 0;
    Risc risc{};
    LogCursor cursor;
    Clock clock;
    EnumArray<NocId, std::vector<std::pair<std::uint32_t, std::uint32_t>>> atomics{};  ///< increments not waited for yet
  };
  /// A count of pages that were pushed or popped, and the clock that a kernel gets which sees this count.
  struct Count {
    std::uint64_t pages = 0;
    Clock clock;
  };
  struct Slot {
    bool reserved = false;
    Moment moment;
    std::optional<Call> call;  ///< the last reserve
  };
  struct Buffer {
    std::uint64_t received = 0;
    std::uint64_t acked = 0;
    std::deque<Count> pushes;
    std::deque<Count> pops;
    std::vector<Slot> slots;
  };
  struct Word {
    struct Value {
      std::uint32_t value = 0;
      std::optional<Clock> clock;
      std::optional<Call> call;
    };
    struct Change {
      Moment moment;
      Call call;
      std::uint32_t value = 0;
    };
    int core = 0;
    std::uint32_t offset = 0;
    std::vector<Value> values{};       ///< its values since it was last set or waited for; the last is the present one
    bool initial = true;               ///< it has had no other value than that of the beginning
    std::vector<Change> sets{};        ///< the last, and those before that it does not know of
    std::vector<Change> increments{};  ///< since then
    std::optional<Change> idle{};      ///< the last wait, if it was for a value that was there before
    std::optional<Change> exact{};     ///< the last wait for one value
  };
  struct Channel {
    std::uint32_t number = 0;
    std::uint32_t sequence = 0;
  };
  using ChannelKey = std::tuple<int, int, int, int, bool>;  ///< core, RISC, NoC, destination, multicast

  void look_through_blocks();
  void look_at(const Event& event);
  /// Performs the kernel's next event. False when the kernel has to wait for others; with `force` it goes on regardless.
  bool step(Kernel& kernel, bool force);
  bool step_buffer(Kernel& kernel, const events::CbReserve& event, bool force);
  bool step_buffer(Kernel& kernel, const events::CbPush& event, bool force);
  bool step_buffer(Kernel& kernel, const events::CbWait& event, bool force);
  bool step_buffer(Kernel& kernel, const events::CbPop& event, bool force);
  bool wait(Kernel& kernel, const events::SemaphoreWait& event, bool force);
  /// Events that nothing can stop.
  void step_through(Kernel& kernel, const events::NocRead& event);
  void step_through(Kernel& kernel, const events::NocWrite& event);
  void step_through(Kernel& kernel, const events::NocMulticast& event);
  void step_through(Kernel& kernel, const events::ReadBarrier& event);
  void step_through(Kernel& kernel, const events::WritesFlushed& event);
  void step_through(Kernel& kernel, const events::WriteBarrier& event);
  void step_through(Kernel& kernel, const events::AtomicBarrier& event);
  void step_through(Kernel& kernel, const events::SemaphoreSet& event);
  void step_through(Kernel& kernel, const events::SemaphoreInc& event);
  template <class Other>
  void step_through(Kernel&, const Other&) {
    static_assert(!moves_or_orders(Other::kind));  // LogCursor leaves it out
  }
  Buffer& buffer_of(const Kernel& kernel, const BufferMap::Buffer& where);
  static void see(Kernel& kernel, std::deque<Count>& list, std::uint64_t pages);

  [[nodiscard]] Call call_of(const Kernel& kernel) const;
  [[nodiscard]] Moment moment_of(const Kernel& kernel) const;
  [[nodiscard]] Moment transfer_moment(const Kernel& kernel, ThreadKind kind, NocId noc, int trid);
  /// Those of one transaction id, or all.
  void finish_transfers(Kernel& kernel, ThreadKind kind, NocId noc, std::optional<int> only);
  /// -1: there is none, as at a DRAM bank.
  [[nodiscard]] int core_at(PhysicalCore node) const;
  Channel& channel_of(const Kernel& kernel, NocId noc, int destination, bool multicast);

  void use_pages(const Kernel& kernel, const BufferMap::Buffer& buffer, std::uint32_t pages, bool write, bool only_look,
                 std::uint64_t from);
  void use(const Kernel& kernel, int core, std::uint32_t offset, std::uint32_t bytes, bool write, const Moment& moment,
           bool only_look = false);
  /// What a write or a multicast is to a core that it reaches.
  struct Landing {
    NocId noc{};
    std::uint32_t trid = 0;
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t word = 0;  ///< of 4 bytes
    bool multicast = false;
  };
  /// It lands: data, or the value of a semaphore.
  void land(Kernel& kernel, const Landing& landing, int destination);
  [[nodiscard]] bool check_slot(const Kernel& kernel, int destination, std::uint32_t offset, std::uint32_t bytes);

  [[nodiscard]] const BufferMap& map_of(int core) const { return maps_[program_.memory_of[core]]; }
  Word& word(int core, std::uint32_t offset);
  void increment(Kernel& kernel, const events::SemaphoreInc& event, Word& of);
  void set(const Kernel& kernel, int core, std::uint32_t offset, std::uint32_t value, const Moment& moment,
           const Clock& seen);
  void check_passed(const Kernel& kernel, Word& word, std::uint32_t value);
  /// A wait ends with a value that was there before: it does not wait for others who give the same.
  void check_idle(const Kernel& kernel, Word& word, const Word::Value& seen);
  void report_idle(const Word& of, const Word::Change& wait, const Call& by);
  /// Reports that a wait for one exact value may miss it: the call `by` gives the word another value.
  void report_passed(const Word& of, const Call& by, std::uint32_t value);

  [[nodiscard]] std::string text_of(const Call& call) const;
  void report(checks::Class c, const Call& at, const std::optional<Call>& other, int core, const std::string& message);

  const Layout& program_;
  const std::vector<EventLog>& logs_;
  const checks::Config& checks_;
  bool complete_;
  int cores_;
  std::vector<BufferMap> maps_;  ///< by number of a core's memory
  BlockIndex index_;
  ThreadLayout layout_;
  std::map<std::pair<int, int>, int> cores_by_node_;  ///< x, y
  std::unordered_set<std::uint32_t> words_at_;        ///< L1 offsets that are used as semaphores
  std::set<int> touched_;                             ///< circular buffers that transfers use, on any core
  std::set<int> used_buffers_;                        ///< that are pushed or popped; the others serve as plain memory
  std::vector<Kernel> kernels_;
  std::vector<Shadow> shadows_;
  std::vector<std::vector<Buffer>> buffers_;                    ///< by core and place in its map
  std::vector<std::unordered_map<std::uint32_t, Word>> words_;  ///< by core
  std::vector<std::vector<std::uint32_t>> epochs_;              ///< of transfers, by core and thread
  std::map<ChannelKey, Channel> channels_;

  struct Reported {
    std::string message;
    std::map<int, std::uint64_t> cores;
  };
  using ReportKey = std::tuple<checks::Class, std::string, std::uint32_t, Risc, std::string, std::uint32_t, int>;
  std::map<ReportKey, Reported> reports_;
};

}  // namespace tilegrid::races
