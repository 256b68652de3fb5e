// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "runtime/timing/device_time.h"

/// What a replay lets others see while it goes on. Times are cycles from the launch's begin. Those of one lane come in
/// order; those of different lanes, cores and transfers do not, as lanes run ahead of each other.
namespace tilegrid::timing {

enum class Transfer : std::uint8_t { read, write, atomic };

}  // namespace tilegrid::timing

namespace tilegrid {
template <>
inline constexpr int enum_size<timing::Transfer> = count_to(timing::Transfer::atomic);
}  // namespace tilegrid

namespace tilegrid::timing {

/// A launch that is about to be replayed. All that it refers to stays until ended().
struct Start {
  const LaunchLog& log;
  GridSize grid;
  const Chip& chip;
  double cycles = 0;  ///< of the run, before it
  int number = 0;     ///< of the launch in the run
};

/// A lane works.
struct BusySpan {
  int core = 0;
  Lane lane{};
  std::uint8_t phase = 0;  ///< of the program; LaunchLog::phases has its name at phase - 1, 0 has none
  int operation = 0;       ///< operations::name_of() (costs.h) says what it is
  double begin = 0, end = 0;
};

/// A lane waits.
struct StallSpan {
  int core = 0;
  Lane lane{};
  Stall reason{};
  std::int64_t subject = -1;  ///< the CB of cb_empty and cb_full, the L1 offset of semaphore; else -1
  double begin = 0, end = 0;
};

/// The calls of a data-movement RISC, one after the other: begin is when the last one ended, waits are within.
struct Call {
  int core = 0;
  Lane lane{};
  const Event& event;
  double begin = 0, end = 0;
};

/// Pages of a circular buffer come (more than 0) or go. Those of pushes are in order, and so are those of pops: to know how
/// full a buffer is at a time takes both.
struct PageChange {
  int core = 0;
  std::uint32_t cb = 0;
  std::int64_t pages = 0;
  double time = 0;
};

/// A section of DST, from acquire to release. Its half is the number modulo 2, with full sync there is but one.
struct DstSection {
  int core = 0;
  std::int64_t number = 0;
  int half = 0;
  double acquired = 0;   ///< math has it
  double committed = 0;  ///< math is done with it
  double packing = 0;    ///< pack has begun with it
  double released = 0;   ///< and is done
};

/// A packet, when all of it is known.
struct Movement {
  const Event& event;  ///< NocRead, NocWrite, NocMulticast or SemaphoreInc; longer ones are several packets
  Transfer transfer{};
  int core = 0;  ///< who issued it
  Lane lane{};
  NocId noc{};
  std::uint32_t bytes = 0;
  PhysicalCore source{}, target{};  ///< from where to where data go; the first receiver of a multicast
  int bank = -1;                    ///< of DRAM, at the other end
  std::vector<int> receivers{};     ///< cores whose L1 it comes to: several of a multicast, none in DRAM
  double issued = 0;                ///< the command is with the NIU
  double departed = 0;              ///< the head of the data leaves the NIU of the source
  double arrived = 0;               ///< the last of the data is where it should go
  double completed = 0;             ///< the issuer knows of it: what a barrier waits for
};

/// A lane passes the begin or end of a zone that the kernel names, or notes a number. The launch's log has the name.
struct ScopePoint {
  int core = 0;
  Lane lane{};
  events::Scope scope{};
  double time = 0;
};

/// Who looks at a replay. All functions do nothing unless overridden; nothing that they do changes a cycle.
class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  virtual void started(const Start& /*launch*/) {}
  virtual void busy(const BusySpan& /*span*/) {}
  virtual void stalled(const StallSpan& /*span*/) {}
  virtual void called(const Call& /*call*/) {}
  virtual void pages(const PageChange& /*change*/) {}
  virtual void section(const DstSection& /*section*/) {}
  virtual void moved(const Movement& /*packet*/) {}
  virtual void scope(const ScopePoint& /*point*/) {}
  /// Links that have carried anything, with their sums so far; those at the end are in ended()'s launch. A packet counts as
  /// a whole when its head takes the link.
  virtual void sampled(double /*time*/, std::span<const LinkTime> /*links*/) {}
  /// The time at which sampled() is called next, if the launch lasts until then.
  [[nodiscard]] virtual double next_sample() const { return std::numeric_limits<double>::infinity(); }
  virtual void ended(const LaunchTime& /*launch*/) {}
};

/// Several that look at one replay, which stay with who made them.
class Observers final : public Observer {
 public:
  void add(Observer& one) { all_.push_back(&one); }
  [[nodiscard]] bool empty() const { return all_.empty(); }

  void started(const Start& launch) override {
    for (Observer* one : all_) one->started(launch);
  }
  void busy(const BusySpan& span) override {
    for (Observer* one : all_) one->busy(span);
  }
  void stalled(const StallSpan& span) override {
    for (Observer* one : all_) one->stalled(span);
  }
  void called(const Call& call) override {
    for (Observer* one : all_) one->called(call);
  }
  void pages(const PageChange& change) override {
    for (Observer* one : all_) one->pages(change);
  }
  void section(const DstSection& section) override {
    for (Observer* one : all_) one->section(section);
  }
  void moved(const Movement& packet) override {
    for (Observer* one : all_) one->moved(packet);
  }
  void scope(const ScopePoint& point) override {
    for (Observer* one : all_) one->scope(point);
  }
  void sampled(double time, std::span<const LinkTime> links) override {
    for (Observer* one : all_) {
      if (one->next_sample() <= time) one->sampled(time, links);
    }
  }
  [[nodiscard]] double next_sample() const override {
    double next = std::numeric_limits<double>::infinity();
    for (const Observer* one : all_) next = std::min(next, one->next_sample());
    return next;
  }
  void ended(const LaunchTime& launch) override {
    for (Observer* one : all_) one->ended(launch);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace tilegrid::timing
