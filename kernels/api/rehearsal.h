// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/counters.h"
#include "core/events/event_log.h"
#include "core/format.h"
#include "core/packer.h"

namespace tilegrid {

struct KernelContext;

/// A call that moves a circular buffer's counters, and where the kernel makes it.
struct BufferCall {
  EventKind kind{};
  std::uint32_t cb = 0;
  std::uint32_t pages = 0;
  SourceLine at;
};

/// What bodies of loops do in a dry run, so that a body that comes again is not walked again. One for all cores of a rank
/// in one program: cores that run the same kernel learn from each other.
///
/// A body that was walked once (a rehearsal) is performed from then on: its calls to circular buffers are made, and wait
/// for other RISCs as they would; its counts are added; its blocks of the log, which are shared, are named once more. That
/// is the same as walking it, as long as it begins as its rehearsal began. Compared are the key that the kernel gives, the
/// settings of unpacker and packer, and position and window of the buffers that the RISC uses. What would need more is
/// always walked: bodies with semaphores or with transfers between cores, with transfers under way at their begin or end,
/// with probes, and those in which a check finds something.
class Rehearsals {
 public:
  /// At most `most_words`.
  using Key = std::span<const std::uint32_t>;
  static constexpr std::size_t most_words = 10;

  /// Performs the kernel's body with this key. False when no rehearsal of it began as it would begin now.
  bool perform(KernelContext& kernel, Key key);

  struct Script;
  class Rehearsal;

 private:
  struct Name {
    const char* kernel = nullptr;  ///< of the program's configuration: one address for each of its kernels
    std::array<std::uint32_t, most_words> words{};
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Hash {
    std::size_t operator()(const Name& name) const;
  };
  static Name name_of(const KernelContext& kernel, Key key);

  std::unordered_map<Name, std::vector<std::unique_ptr<const Script>>, Hash> scripts_;
};

/// How a body begins, and what it does.
struct Rehearsals::Script {
  /// What the RISC has set and its next events depend on.
  struct State {
    std::uint8_t phase = 0;
    bool unpack_to_dst = false;
    bool accumulate = false;
    ReluMode relu = ReluMode::none;
    float relu_threshold = 0;
    std::array<std::optional<DataFormat>, 3> formats;  ///< as Checker::formats()
    friend bool operator==(const State&, const State&) = default;
  };
  /// One side of a circular buffer.
  struct Side {
    int cb = 0;
    bool producer = false;
    std::uint32_t position = 0;  ///< bytes from the buffer's begin
    std::uint32_t window = 0;    ///< pages reserved, or waited for
    friend bool operator==(const Side&, const Side&) = default;
  };
  /// Transfers between the core and a DRAM bank.
  struct Traffic {
    NocId noc{};
    TransferKind kind{};
    PhysicalCore bank;
    std::uint64_t transactions = 0;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] bool fits(const KernelContext& kernel, const State& now) const;
  void perform(KernelContext& kernel) const;

  State before, after;
  std::vector<Side> sides;
  std::vector<BufferCall> calls;
  std::vector<std::uint32_t> blocks;  ///< of the log
  std::vector<std::pair<TileOp, std::uint64_t>> tiles;
  std::uint64_t dest_reuses = 0;
  std::uint64_t dst_sections = 0;
  int dst_peak = 0;
  std::vector<Traffic> traffic;
};

/// What a kernel does between the begin and end() of one is a rehearsal. A body that is left by an exception has no end().
class Rehearsals::Rehearsal {
 public:
  Rehearsal(Rehearsals& all, KernelContext& kernel, Key key);
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;
  void end();
  void note(const BufferCall& call);
  /// The body has printed, and is to do so each time.
  void note_output() { script_.reset(); }

 private:
  void add_counts();

  Rehearsals& all_;
  KernelContext& kernel_;
  Name name_;
  CoreCounters counters_;  ///< before
  std::size_t first_block_ = 0;
  std::uint64_t findings_ = 0;
  int dst_peak_ = 0;                ///< before
  std::unique_ptr<Script> script_;  ///< null: nothing that begins like this can be performed
};

}  // namespace tilegrid
