// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/types.h"

namespace tilegrid::races {

/// What proceeds by itself on a core, a "thread" to the race finder. A kernel is one. The landing of a read, and a write's
/// reading of its source and its landing, happen at some time between the call and its barrier; so the transfers of a RISC,
/// NoC and transaction id are threads of their own, too.
enum class ThreadKind : std::uint8_t { kernel, read, source, landing };

/// Numbers of a core's threads.
struct ThreadLayout {
  int trids = 1;  ///< transaction ids that are in use
  [[nodiscard]] int size() const { return risc_count + 3 * movers * noc_count * trids; }
  [[nodiscard]] static int kernel(Risc risc) { return to_underlying(risc); }
  [[nodiscard]] int transfers(ThreadKind kind, Risc risc, int noc, int trid) const {
    const int of_kind = (to_underlying(kind) - 1) * movers + to_underlying(risc);
    return risc_count + (of_kind * noc_count + noc) * trids + trid;
  }

 private:
  static constexpr int movers = risc_count;  ///< all RISCs: a compute kernel may issue transfers as well
};

/// A point in the life of a thread. Writes and increments also have a place in a channel: what one RISC sends to one core
/// over one NoC, unicasts and multicasts each for themselves, lands in order (tensix.md 4.1).
struct Moment {
  int core = 0;
  int thread = 0;
  std::uint32_t epoch = 0;
  std::uint32_t channel = 0;  ///< 0: none
  std::uint32_t sequence = 0;
};

/// A vector clock: for every thread and channel the last moment up to which everything it did is known to be over. Made for
/// cores that mostly keep to themselves: copies share what they know of other cores.
class Clock {
 public:
  Clock(int core, const ThreadLayout& layout, int cores) : core_(core), cores_(cores), own_(layout.size()) {}

  [[nodiscard]] int core() const { return core_; }
  [[nodiscard]] bool knows(const Moment& moment) const;
  void learn(int own_thread, std::uint32_t epoch);
  void learn_channel(std::uint32_t channel, std::uint32_t sequence);
  /// From then on it also knows everything that `other` knows.
  void join(const Clock& other);
  /// What both know.
  [[nodiscard]] Clock meet(const Clock& other) const;
  /// A new moment of an own thread.
  std::uint32_t advance(int own_thread) { return ++own_[own_thread]; }
  [[nodiscard]] std::uint32_t epoch(int own_thread) const { return own_[own_thread]; }

 private:
  struct Others {
    std::vector<std::uint32_t> threads;                             ///< by core and thread
    std::vector<std::pair<std::uint32_t, std::uint32_t>> channels;  ///< by number
  };
  /// The last moment of a thread that is known to be over.
  [[nodiscard]] std::uint32_t known(int core, std::size_t thread) const {
    if (core == core_) return own_[thread];
    return others_ ? others_->threads[core * own_.size() + thread] : 0;
  }
  /// The knowledge of other cores, made this clock's own so that it may be changed.
  Others& change_others();

  int core_;
  int cores_;
  std::vector<std::uint32_t> own_;
  std::shared_ptr<const Others> others_;
};

}  // namespace tilegrid::races
