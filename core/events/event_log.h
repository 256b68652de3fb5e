// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event.h"
#include "core/events/event_lines.h"
#include "core/format.h"
#include "core/types.h"

namespace tilegrid {

/// Blocks of events, each kept once however often it occurs: the bodies of loops.
class EventStore {
 public:
  using Block = std::shared_ptr<const std::vector<Event>>;
  /// Number of the block with these events, at least one; equal blocks have the same number.
  std::uint32_t intern(std::span<const Event> events);
  /// As above for a block of another store, whose memory is shared.
  std::uint32_t intern(const Block& block);
  [[nodiscard]] const Block& block(std::uint32_t number) const { return blocks_[number]; }
  [[nodiscard]] std::size_t size() const { return blocks_.size(); }

 private:
  [[nodiscard]] const std::uint32_t* find(std::uint64_t hash, std::span<const Event> events) const;
  std::uint32_t add(std::uint64_t hash, Block block);

  std::vector<Block> blocks_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
};

/// What one RISC did, in order, as blocks of events in a store. mark() ends a block; when the store has an equal one
/// already, only its number is kept, 4 bytes. Who reads goes through all blocks as if they were one list.
class EventSequence {
 public:
  class Iterator;
  using value_type = Event;
  using const_iterator = Iterator;

  EventSequence() = default;
  EventSequence(std::vector<Event> events);  // NOLINT(google-explicit-constructor): a list of events is a sequence

  void append(const Event& event) {
    open_.push_back(event);
    if (open_.size() == longest_block) mark();
  }
  /// The events since the last mark become a block; without any nothing happens.
  void mark();
  void clear();
  /// Appends blocks of the store once more.
  void repeat(std::span<const std::uint32_t> numbers);

  [[nodiscard]] std::size_t size() const { return closed_size_ + open_.size(); }  ///< events, each repetition counted
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;
  [[nodiscard]] const Event& front() const { return block(0).front(); }
  [[nodiscard]] const Event& back() const { return block(block_count() - 1).back(); }

  /// The same events block by block; none is empty. Equal blocks of one store have the same address.
  [[nodiscard]] std::size_t block_count() const { return blocks_.size() + (open_.empty() ? 0 : 1); }
  [[nodiscard]] std::span<const Event> block(std::size_t index) const {
    return index < blocks_.size() ? std::span<const Event>(*store_->block(blocks_[index])) : std::span<const Event>(open_);
  }

  /// Keeps blocks in `store` from now on: what is there already moves.
  void use(const std::shared_ptr<EventStore>& store);
  /// Numbers of the blocks in the store; the events after the last mark are in none.
  [[nodiscard]] const std::vector<std::uint32_t>& numbers() const { return blocks_; }
  /// From what numbers() gave, for a store that has these blocks.
  EventSequence(std::shared_ptr<EventStore> store, std::vector<std::uint32_t> numbers);

  /// The same events, however they are cut into blocks.
  friend bool operator==(const EventSequence& a, const EventSequence& b);

 private:
  /// A block ends at this length even without a mark, so that no list grows without bound.
  static constexpr std::size_t longest_block = 16384;

  std::shared_ptr<EventStore> store_;
  std::vector<std::uint32_t> blocks_;
  std::vector<Event> open_;
  std::size_t closed_size_ = 0;
};

class EventSequence::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Event;
  using difference_type = std::ptrdiff_t;
  using pointer = const Event*;
  using reference = const Event&;

  Iterator() = default;
  Iterator(const EventSequence& sequence, std::size_t block) : sequence_(&sequence), block_(block) { enter(); }
  [[nodiscard]] reference operator*() const { return *at_; }
  [[nodiscard]] pointer operator->() const { return at_; }
  Iterator& operator++() {
    if (++at_ == end_) {
      ++block_;
      enter();
    }
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_ && a.block_ == b.block_; }

 private:
  void enter() {
    const auto events = block_ < sequence_->block_count() ? sequence_->block(block_) : std::span<const Event>();
    at_ = events.data();
    end_ = at_ + events.size();
  }
  const EventSequence* sequence_ = nullptr;
  std::size_t block_ = 0;
  const Event* at_ = nullptr;
  const Event* end_ = nullptr;
};

inline EventSequence::Iterator EventSequence::begin() const { return {*this, 0}; }
inline EventSequence::Iterator EventSequence::end() const { return {*this, block_count()}; }

/// The events of one core: one sequence for each of BRISC, NCRISC and the compute kernel (its three TRISCs share one
/// sequence in program order; the kind says which of them an event concerns).
class EventLog {
 public:
  void enable(bool on) { enabled_ = on; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  /// Transfers keep the L1 offset of their own side too: needed to find races, and in nobody's way otherwise, since bodies
  /// of loops that differ in it only are then one block.
  void keep_local(bool on) { keep_local_ = on; }
  [[nodiscard]] bool keeps_local() const { return keep_local_; }
  /// Source lines are kept too, of the events that move data or order it.
  void keep_lines(bool on) { keep_lines_ = on; }
  [[nodiscard]] EventLines& lines() { return lines_; }
  [[nodiscard]] const EventLines& lines() const { return lines_; }
  void append(Risc risc, const Event& event) {
    if (!enabled_) return;
    sequences_[risc].append(event);
    if (keep_lines_ && moves_or_orders(event.kind())) lines_.add(risc);
  }
  /// The body of a loop begins, or a loop ends: what follows is a block of its own.
  void mark(Risc risc) {
    if (enabled_) sequences_[risc].mark();
  }
  /// What these blocks of the RISC's store hold happens again. Not for logs that keep lines.
  void repeat(Risc risc, std::span<const std::uint32_t> numbers) { sequences_[risc].repeat(numbers); }
  [[nodiscard]] const EventSequence& sequence(Risc risc) const { return sequences_[risc]; }
  [[nodiscard]] EventSequence& sequence(Risc risc) { return sequences_[risc]; }
  /// Cores whose logs use one store keep equal blocks once for all of them.
  void use(const std::shared_ptr<EventStore>& store) {
    for (auto& sequence : sequences_) sequence.use(store);
  }
  void clear() {
    for (auto& sequence : sequences_) sequence.clear();
    lines_.clear();
  }

 private:
  bool enabled_ = true;
  bool keep_local_ = false;
  bool keep_lines_ = false;
  EnumArray<Risc, EventSequence> sequences_;
  EventLines lines_;
};

/// Moves all blocks, the open ones included, into one new store, which is returned. Blocks are numbered there in the order
/// of their first use, by core, RISC and place in the sequence: so the numbers are the same whatever stores the logs used
/// before.
std::shared_ptr<EventStore> share_blocks(std::vector<EventLog>& logs);

/// A circular buffer as a replay needs it; the same on all cores.
struct LogBuffer {
  int id = 0;
  std::uint32_t pages = 0;
  std::uint32_t page_bytes = 0;
  DataFormat format = DataFormat::bf16;
  friend bool operator==(const LogBuffer&, const LogBuffer&) = default;
};

/// A name that kernels give to a zone or a number (events::Scope), and where.
struct ScopeName {
  std::uint32_t id = 0;  ///< scope_id() of the rest: the same on all ranks without asking
  std::string name;
  std::string file;
  unsigned line = 0;
  friend bool operator==(const ScopeName&, const ScopeName&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, name, file, line);
  }
};
[[nodiscard]] std::uint32_t scope_id(std::string_view name, const SourceLine& at);

/// The names that kernels of a rank gave, in the order of their ids. Of two with one id, which some 10,000 names make likely
/// once in a hundred programs, the first in the alphabet is kept.
class ScopeNames {
 public:
  /// Its id.
  std::uint32_t add(std::string_view name, const SourceLine& at);
  void add(const ScopeName& name);
  void add(const std::vector<ScopeName>& names) {
    for (const ScopeName& name : names) add(name);
  }
  [[nodiscard]] std::vector<ScopeName> list() const;

 private:
  std::map<std::uint32_t, ScopeName> by_id_;
};

/// What a replay must know of a core besides its events.
struct CoreSetup {
  bool dst_fp32 = false;
  bool full_sync = false;
  std::vector<LogBuffer> buffers;
  std::vector<std::uint32_t> semaphores;  ///< initial values
  friend bool operator==(const CoreSetup&, const CoreSetup&) = default;
};

/// All logs of one launch, with what a replay must know of its program.
struct LaunchLog {
  std::string name;
  std::vector<EventLog> cores;                 ///< by core index
  std::vector<CoreSetup> setups{1};            ///< each once, at least one
  std::vector<std::uint32_t> setup_numbers{};  ///< which of them a core has, by core index; empty: all have the first
  /// Of the chip it ran on: events name nodes by its coordinates.
  std::string chip = Chip().name();
  Geometry geometry = Chip().geometry();
  std::vector<std::string> phases{};  ///< names of the phases that zones are of (events::Zone), from 1 on
  std::vector<ScopeName> scopes{};    ///< of events::Scope, in the order of their ids
  /// "?" where there is none.
  [[nodiscard]] const std::string& scope_name(std::uint32_t id) const;
  [[nodiscard]] std::size_t setup_number(std::size_t core) const { return setup_numbers.empty() ? 0 : setup_numbers[core]; }
  [[nodiscard]] const CoreSetup& setup_of(std::size_t core) const { return setups[setup_number(core)]; }
};

/// All logs of a run, with what names them: what `--log FILE` stores.
struct RunLog {
  GridSize grid;
  std::string program;  ///< one line that describes the run
  std::vector<LaunchLog> launches;
  /// Floating point operations that the run's result takes, without padding, masked scores and products with ones; 0: not
  /// known, tile products count.
  double useful_flops = 0;
};

/// Events of all launches, repeated ones as often as they come.
[[nodiscard]] std::uint64_t event_count(const RunLog& log);
/// More than a run of a day records; who has to read each of them refuses a log that claims more.
inline constexpr std::uint64_t most_events_read = 50'000'000'000;

/// "FILE: 300000000 events to replay, some 1 minutes" where that is worth a word, else empty. Throws UsageError for more
/// than most_events_read; `what` is done to each.
[[nodiscard]] std::string time_for_events(const std::string& file, std::uint64_t events, const std::string& what);

/// cereal portable binary with a magic word and a format version, which goes up when the format changes. Throws UsageError
/// with the file's name on failure.
void save_log(const RunLog& log, const std::string& path);
/// Reads the last two versions. Throws UsageError when the file is missing, not a log, of another version, cut short, or
/// holds an unknown event.
[[nodiscard]] RunLog load_log(const std::string& path);
/// Checks what must hold in any complete log: kernels start and end, no CB has more pops than pushes,
/// acquire/commit/wait/release alternate, barriers close transfers. Returns one line per violation, none for a good log.
[[nodiscard]] std::vector<std::string> check_log(const RunLog& log);
/// One readable line for an event, of a launch with these phases and names.
[[nodiscard]] std::string to_text(const Event& event, std::span<const std::string> phases = {},
                                  std::span<const ScopeName> scopes = {});
[[nodiscard]] inline std::string to_text(const Event& event, const LaunchLog& launch) {
  return to_text(event, launch.phases, launch.scopes);
}

}  // namespace tilegrid
