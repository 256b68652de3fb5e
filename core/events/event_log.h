// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_lines.h"
#include "core/format.h"
#include "core/types.h"

namespace tilegrid {

/// What a kernel did, in the terms that the device-time replay needs. The table says what the fields of Event hold.
///
///   kind             op            a         b         c          count     x               y            address
///   kernel_start     -             -         -         -          -         -               -            -
///   cb_reserve/push  -             cb        -         -          pages     -               -            -
///   cb_wait/pop      -             cb        -         -          pages     -               -            -
///   noc_read         noc           trid      form      (extra)    bytes     peer node       local L1     offset there
///   noc_write        noc           trid      form      (extra)    bytes     peer node       local L1     offset there
///   noc_multicast    noc           linked    loopback  (extra)    bytes     first corner    last corner  offset there
///   read_barrier     noc           trid + 1  -         -          -         -               -            -
///   write_barrier, writes_flushed, atomic_barrier: as read_barrier
///   semaphore_set    -             -         -         -          value     own node        -            offset
///   semaphore_inc    noc           -         -         -          delta     peer node       -            offset there
///   semaphore_wait   0 ==, 1 >=    -         -         -          value     own node        -            offset
///   dst_*            -             -         -         -          -         -               -            -
///   matmul           fidelity      in0 cb    in1 cb    transpose  k steps   rt | ct << 16   first dst    -
///   eltwise          EltwiseOp     cb a      cb b      Broadcast  tiles     fidelity        dst          -
///   dest_reuse       EltwiseOp     cb        -         dst is a   tiles     fidelity        dst          -
///   reduce           Pool          cb in     cb scale  ReduceDim  tiles     fidelity        dst          -
///   copy, transpose  -             cb        -         Broadcast  tiles     -               dst          -
///   vector           VectorOp      dst       other     VectorMode tiles     operands        1: checked   -
///   pack             0, 1 l1 acc   cb        relu      -          tiles     -               dst          -
///   configure        what          cb        cb        -          -         -               -            -
///   generate         -             cb        -         -          bytes     -               -            -
///   zone             Zone          -         -         -          -         -               -            -
/// (generate: a RISC filled L1 by ordinary stores. vector: an operation of several DST tiles reads other, its second operand
/// or the source of copy_dst, and the operands first | third << 16; checked: inputs are tested for their range first. zone:
/// what follows belongs to it, until the next. trid: transaction id, 0 by default; a barrier with 0 in place of trid + 1
/// waits for all. form: TransferForm. local L1: offset of the own side, where the log keeps them (EventLog::keep_local).
/// (extra), see extra_of(): the word that a transfer of 4 bytes to L1 wrote; else of a multicast the local L1 offset, as y
/// is taken)
///
/// Nodes are NoC 0 coordinates, x | y << 8. A DRAM peer's offset is within its bank.
enum class EventKind : std::uint8_t {
  kernel_start,
  kernel_end,
  cb_reserve,
  cb_push,
  cb_wait,
  cb_pop,
  noc_read,
  noc_write,
  noc_multicast,
  read_barrier,
  write_barrier,
  writes_flushed,
  atomic_barrier,
  semaphore_set,
  semaphore_inc,
  semaphore_wait,
  dst_acquire,
  dst_commit,
  dst_wait,
  dst_release,
  matmul,
  eltwise,
  dest_reuse,
  reduce,
  copy,
  transpose,
  vector,
  pack,
  configure,
  generate,
  zone,
};
inline constexpr int event_kind_count = static_cast<int>(EventKind::zone) + 1;
/// Whether it moves data, or orders what several RISCs or transfers do.
[[nodiscard]] constexpr bool moves_or_orders(EventKind kind) {
  return kind >= EventKind::cb_reserve && kind <= EventKind::semaphore_wait;
}

/// The phase of attention that a part of a kernel belongs to: the device-time report adds up cycles by it.
enum class Zone : std::uint8_t { none, qk, mask, max, exp, sum, pv, rescale, normalise, read, write };
inline constexpr int zone_count = static_cast<int>(Zone::write) + 1;
[[nodiscard]] const char* name_of(Zone zone);

/// How a transfer is issued.
enum class TransferForm : std::uint8_t {
  full,      ///< all registers of the command buffer are written
  stateful,  ///< the registers that *_set_state wrote are used again
  inlined,   ///< the data is in the command itself: noc_inline_dw_write
};

struct Event {
  EventKind kind{};
  std::uint8_t op = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
  std::uint8_t unused[3] = {};
  std::uint32_t count = 0;
  std::uint32_t x = 0;
  std::uint32_t y = 0;
  std::uint32_t address = 0;
  friend bool operator==(const Event&, const Event&) = default;
};
static_assert(sizeof(Event) == 24);

/// The 32 bits of c and unused, which transfers need as one word.
[[nodiscard]] constexpr std::uint32_t extra_of(const Event& event) {
  return event.c | std::uint32_t{event.unused[0]} << 8U | std::uint32_t{event.unused[1]} << 16U |
         std::uint32_t{event.unused[2]} << 24U;
}
constexpr void set_extra(Event& event, std::uint32_t word) {
  event.c = static_cast<std::uint8_t>(word);
  for (unsigned i = 0; i < 3; ++i) event.unused[i] = static_cast<std::uint8_t>(word >> (8 * (i + 1)));
}

[[nodiscard]] const char* name_of(EventKind kind);

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

/// What one RISC did, in order. mark() ends a block: the events since the last mark, which cost 4 bytes when the store has
/// had them before. Reading goes through the blocks as if they were one list.
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

  [[nodiscard]] std::size_t size() const { return closed_size_ + open_.size(); }  ///< events, each repetition counted
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;
  [[nodiscard]] const Event& front() const { return block(0).front(); }
  [[nodiscard]] const Event& back() const { return block(block_count() - 1).back(); }

  /// The same events block by block; none is empty. Blocks of one store with the same address are the same.
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
  /// Kernels that mark nothing are cut here, so that no list grows without bound and is copied as it does.
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
    sequences_[static_cast<std::size_t>(risc)].append(event);
    if (keep_lines_ && moves_or_orders(event.kind)) lines_.add(risc);
  }
  /// The body of a loop begins, or a loop ends: what follows is a block of its own.
  void mark(Risc risc) {
    if (enabled_) sequences_[static_cast<std::size_t>(risc)].mark();
  }
  [[nodiscard]] const EventSequence& sequence(Risc risc) const { return sequences_[static_cast<std::size_t>(risc)]; }
  [[nodiscard]] EventSequence& sequence(Risc risc) { return sequences_[static_cast<std::size_t>(risc)]; }
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
  std::array<EventSequence, risc_count> sequences_;
  EventLines lines_;
};

/// Ends all blocks and puts them into one store, which is returned; it has no others, numbered in the order of their first
/// use, by core, RISC and place in the sequence. Which stores they came from does not matter.
std::shared_ptr<EventStore> share_blocks(std::vector<EventLog>& logs);

/// A circular buffer as a replay needs it; the same on all cores.
struct LogBuffer {
  int id = 0;
  std::uint32_t pages = 0;
  std::uint32_t page_bytes = 0;
  DataFormat format = DataFormat::bf16;
  friend bool operator==(const LogBuffer&, const LogBuffer&) = default;
};

/// All logs of one launch, with what a replay must know of its program.
struct LaunchLog {
  std::string name;
  bool dst_fp32 = false;
  bool full_sync = false;
  std::vector<LogBuffer> buffers;
  std::vector<EventLog> cores;              ///< by core index
  std::vector<std::uint32_t> semaphores{};  ///< initial values
  /// Of the chip it ran on: events name nodes by its coordinates.
  std::string chip = Chip().name();
  Geometry geometry = Chip().geometry();
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

/// cereal portable binary with a magic word and a format version. Throws UsageError with the file's name on failure.
void save_log(const RunLog& log, const std::string& path);
/// Throws UsageError when the file is missing, not a log, of another version, cut short, or holds an unknown event.
[[nodiscard]] RunLog load_log(const std::string& path);
/// Checks what must hold in any complete log: kernels start and end, no CB has more pops than pushes,
/// acquire/commit/wait/release alternate, barriers close transfers. Returns one line per violation, none for a good log.
[[nodiscard]] std::vector<std::string> check_log(const RunLog& log);
/// One readable line for an event.
[[nodiscard]] std::string to_text(const Event& event);

}  // namespace tilegrid
