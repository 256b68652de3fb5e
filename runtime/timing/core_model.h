// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/events/event_log.h"
#include "core/l1.h"
#include "runtime/timing/agenda.h"
#include "runtime/timing/compute_steps.h"
#include "runtime/timing/costs.h"
#include "runtime/timing/device_time.h"
#include "runtime/timing/network_model.h"
#include "runtime/timing/observer.h"
#include "runtime/timing/page_flow.h"
#include "runtime/timing/stretch.h"

namespace tilegrid::timing {

/// Busy cycles of a core by operation and by phase.
struct CoreShares {
  std::array<EnumArray<Lane, double>, operations::count> operations{};
  std::vector<EnumArray<Lane, double>> phases;  ///< the first is of what belongs to none
  double matmul_tile_phases = 0;
  std::uint64_t matmul_tiles = 0;
};

/// One core. Its compute lanes need no agenda: an event starts at the latest of the times of what it needs, so they are
/// computed as far as the log and the circular buffers allow. Only what other cores can see - transfers and semaphores of
/// the data-movement RISCs - goes through the agenda, in time order.
///
/// The compute kernel is one sequence that three lanes walk. Unpack and math are walked together, in program order, as
/// neither can get further ahead of the other than the Src banks allow. Pack follows in the same walk unless it is stuck at
/// a full buffer: then its events wait in a backlog, and unpack and math go on until they need what pack holds.
///
/// Stretches of the compute kernel that repeat themselves are not walked but looked up (stretch.h), unless somebody looks.
///
/// `observed`: somebody looks. It is known when a launch begins, and not asked at each event.
template <bool observed>
class CoreModel {
 public:
  /// The observer is null when nobody looks.
  CoreModel(const Costs& costs, ComputeSteps& steps, const LaunchLog& launch, int index, Agenda& agenda, Network& network,
            Observer* observer);

  /// Runs whatever can run; requests to the network and semaphores end up in the agenda.
  void advance();
  /// The agenda has come to the event at which data-movement RISC `risc` (0, 1) stands.
  void issue(int risc, double time);
  /// As NetworkListener's functions of these names, for requests of this core. True when something can run now.
  void entered(const Request& request, double time);
  bool departed(const Request& request, double time);
  bool completed(const Request& request, double time, double noc_wait, double dram_wait);
  void completed_before(const Request& request, std::uint32_t packets) { outstanding(request).count -= packets; }
  void semaphore_landed(const SemaphoreUpdate& update, double time);

  [[nodiscard]] bool finished() const;
  /// Events of the data-movement RISCs that are over.
  [[nodiscard]] std::uint64_t moved() const { return moved_; }
  /// "RISC, event" of the first unfinished sequence.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] CoreTime core_time() const;
  [[nodiscard]] const CoreShares& shares() const { return shares_; }

 private:
  /// What runs on its own: the two data-movement RISCs, unpack with math, pack.
  enum Walker : std::uint8_t { walker_brisc, walker_ncrisc, walker_front, walker_pack, nobody };
  struct Buffer {
    std::int64_t pages = 0;  ///< 0: not declared, never full
    PageFlow pushed, popped;
    Walker consumer = nobody, producer = nobody;  ///< that wait
    std::int64_t consumer_target = 0, producer_target = 0;
  };
  struct Cursor {
    EventSequence::Iterator at, end;
    [[nodiscard]] bool done() const { return at == end; }
  };
  /// Transfers on their way, and the one that ended last since the last barrier.
  struct Outstanding {
    std::uint32_t count = 0;
    std::uint32_t leaving = 0;  ///< writes whose time of leaving is not known yet
    double last = 0, noc_wait = 0, dram_wait = 0;
    double left = 0;  ///< when the last of the writes has left its source
  };
  static constexpr int transaction_ids = 16;  ///< tensix.md 4.1
  /// Transfers of one kind on one NoC, by transaction id.
  struct Pending {
    std::uint32_t used = 0;  ///< bit by id: those that `by_id` has anything for
    std::array<Outstanding, transaction_ids> by_id;
  };
  enum class Wait : std::uint8_t { none, entry, barrier, semaphore };
  struct Mover {
    Cursor cursor;
    std::uint8_t phase = 0;
    Wait wait = Wait::none;
    std::uint32_t sent = 0;    ///< bytes of the present event that are under way
    double began = 0;          ///< when the last event ended, for the observer
    std::uint64_t number = 0;  ///< of the next appointment of this RISC
    EnumArray<NocId, EnumArray<Transfer, Pending>> pending;
    EnumArray<NocId, std::optional<PhysicalCore>> target{};  ///< of the last call
    EnumArray<NocId, bool> chain{};                          ///< a linked multicast is open
  };
  static constexpr std::size_t max_buffers = 64;

  void run_mover(int risc);
  void next(int risc);
  bool mover_step(int risc, const Event& event);
  template <class Barrier>
  bool barrier(int risc, const Barrier& event, Transfer transfer);
  bool flushed(int risc, const events::WritesFlushed& event);
  void queue(int risc);
  /// Cycles of a call that has to come to the network in time order, which is queued.
  bool queue_after(int risc, double cycles, EventKind kind);
  void read(int risc, const Event& event, const events::NocRead& call);
  std::uint64_t next_key(int risc);
  /// Further cycles when a call's target is not the last one's.
  [[nodiscard]] double new_target(int risc, NocId noc, PhysicalCore target);
  void issue_transfer(int risc, Request request, std::uint32_t bytes, double time);
  void issued(const Request& request, double time);
  Outstanding& outstanding(const Request& request);
  bool look_again(int risc);
  bool semaphore_holds(const events::SemaphoreWait& wait);
  std::uint32_t& semaphore(std::uint32_t address);
  void finish_semaphore_wait(int risc, double time);

  void run_front();
  enum class Passed : std::uint8_t { all, blocked, none };
  Passed pass_stretch(std::uint32_t number);
  bool fits(const Stretch& stretch) const;
  void describe(const Stretch& stretch);
  void repeat(const StretchOutcome& outcome);
  bool walk_and_remember(Stretch& stretch);
  void remember(const CoreTime& time, const CoreShares& shares, StretchOutcome& outcome) const;
  bool front_step(const ComputeStep& step);
  bool front_event(const ComputeStep& step);
  void configure_front(const ComputeStep& step, const events::Configure& call);
  void operands(const ComputeStep& step);
  void vector(const ComputeStep& step);
  bool acquire();
  void to_pack(const ComputeStep& step);
  void run_pack();
  /// As pack_event().
  [[gnu::always_inline]] bool pack_step(const ComputeStep& step) {
    if (step.kind != ComputeStep::Kind::pack) return pack_event(*step.event);
    busy(Lane::pack, step.operands.math, step.operation, pack_phase_);
    return true;
  }
  bool pack_event(const Event& event);
  void release();

  bool wait_front(Walker walker, Lane lane, std::uint8_t phase, const events::CbWait& event);
  bool reserve_back(Walker walker, Lane lane, std::uint8_t phase, const events::CbReserve& event);
  bool push_back(Lane lane, std::uint8_t phase, const events::CbPush& event);
  bool pop_front(Lane lane, std::uint8_t phase, const events::CbPop& event);
  void move_pages(const StretchOutcome::Pages& moved);

  Buffer& buffer(std::uint32_t cb) { return buffers_[cb % max_buffers]; }
  LaneTime& lane_of(Lane lane) { return core_.lanes[lane]; }
  double& clock(Lane lane) { return clocks_[lane]; }
  [[gnu::always_inline]] void busy(Lane lane, double cycles, int operation, std::uint8_t phase) {
    clocks_[lane] += cycles;
    core_.lanes[lane].busy += cycles;
    if constexpr (observed) tell_busy(lane, cycles, operation, phase);
    shares_.operations[operation][lane] += cycles;
    shares_.phases[phase][lane] += cycles;
  }
  [[gnu::always_inline]] void busy(Lane lane, double cycles, EventKind kind, std::uint8_t phase) {
    busy(lane, cycles, to_underlying(kind), phase);
  }
  /// The phase that a zone begins; none when the program has no such.
  [[nodiscard]] std::uint8_t phase_of(const events::Zone& zone) const {
    return zone.phase < shares_.phases.size() ? zone.phase : std::uint8_t{0};
  }
  /// `subject`: as StallSpan's.
  [[gnu::always_inline]] void stall_until(Lane lane, double time, Stall reason, std::int64_t subject = -1) {
    double& now = clock(lane);
    if (time <= now) return;
    if constexpr (observed) tell_stall(lane, time, reason, subject);
    lane_of(lane).stalled[reason] += time - now;
    now = time;
  }
  [[gnu::cold]] void tell_stall(Lane lane, double time, Stall reason, std::int64_t subject);
  [[gnu::cold]] void tell_busy(Lane lane, double cycles, int operation, std::uint8_t phase);
  [[gnu::cold]] void tell_section();
  void pass(Lane lane, const events::Scope& scope) {
    if constexpr (observed) observer_->scope({index_, lane, scope, clock(lane)});
  }
  void wake(int walker) { ready_ |= 1U << walker; }

  const Costs& costs_;
  Agenda& agenda_;
  Network& network_;
  Observer* observer_;
  int index_;
  const LaunchLog& launch_;
  CoreTime core_;
  std::uint64_t moved_ = 0;
  CoreShares shares_;
  EnumArray<Lane, double> clocks_{};
  std::array<Buffer, max_buffers> buffers_;
  std::array<std::uint32_t, max_semaphores> semaphores_{};  ///< by id
  std::unordered_map<std::uint32_t, std::uint32_t> words_;  ///< other words of L1 that are used as semaphores, by offset
  std::array<Mover, 2> movers_;
  unsigned ready_ = 0;  ///< bit by walker

  ComputeCursor front_;
  std::uint8_t front_phase_ = 0;
  std::uint32_t fpu_setup_ = 0, vector_setup_ = 0;
  std::array<double, 2> src_free_{};  ///< when the last but one and the last Src bank became free again
  bool waits_for_release_ = false;
  std::array<double, 4> commits_{}, releases_{};  ///< times by section number modulo 4
  std::int64_t acquired_ = 0, committed_ = 0, waited_ = 0, released_ = 0;
  std::array<double, 4> acquires_{}, packings_{};  ///< as commits_, for the observer

  std::uint8_t pack_phase_ = 0;
  std::vector<ComputeStep> backlog_;
  std::size_t backlog_first_ = 0;

  StretchKey key_;                       ///< of the stretch that is looked up
  StretchOutcome* recording_ = nullptr;  ///< of the stretch that is walked, if anybody will want to know
};

}  // namespace tilegrid::timing
