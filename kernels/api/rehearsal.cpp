// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/rehearsal.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/api/circular_buffer.h"
#include "kernels/api/context.h"

namespace tilegrid {
namespace {

using Script = Rehearsals::Script;

/// A body that begins in more ways than this gains little.
constexpr std::size_t most_scripts = 64;

/// Whether nothing is under way: on the NoC, in DST, or in a buffer that is packed tile by tile.
bool at_rest(const KernelContext& kernel) {
  if (!kernel.noc->at_rest()) return false;
  if (kernel.risc != Risc::trisc) return true;
  const Core& core = *kernel.core;
  return !core.dst.acquired() && !core.dst.packing() && core.dst.committed() == 0 &&
         std::all_of(core.cbs.begin(), core.cbs.end(), [](const CircularBuffer& cb) { return cb.packed() == 0; });
}

Script::State state_of(const KernelContext& kernel) {
  Script::State state;
  state.phase = kernel.phase;
  if (kernel.risc != Risc::trisc) return state;
  const Core& core = *kernel.core;
  state.unpack_to_dst = core.unpack_to_dst;
  state.accumulate = core.pack.l1_accumulate;
  state.relu = core.pack.relu;
  state.relu_threshold = core.pack.relu_threshold;
  if (core.checker) state.formats = core.checker->formats();
  return state;
}

void set_state(KernelContext& kernel, const Script::State& state) {
  kernel.phase = state.phase;
  if (kernel.risc != Risc::trisc) return;
  Core& core = *kernel.core;
  core.unpack_to_dst = state.unpack_to_dst;
  core.pack.l1_accumulate = state.accumulate;
  core.pack.relu = state.relu;
  core.pack.relu_threshold = state.relu_threshold;
  if (core.checker) core.checker->set_formats(state.formats);
}

void make(KernelContext& kernel, const BufferCall& call) {
  kernel.where = call.at;
  switch (call.kind) {
    case EventKind::cb_reserve:
      return api::detail::reserve_back(kernel, call.cb, call.pages);
    case EventKind::cb_push:
      return api::detail::push_back(kernel, call.cb, call.pages);
    case EventKind::cb_wait:
      return api::detail::wait_front(kernel, call.cb, call.pages);
    case EventKind::cb_pop:
      return api::detail::pop_front(kernel, call.cb, call.pages);
    default:
      throw std::logic_error("a call that moves no buffer was noted");
  }
}

Script::Side side_of(const CircularBuffer& cb, bool producer) {
  const std::uint32_t pointer = producer ? cb.write_pointer() : cb.read_pointer();
  return {cb.id(), producer, pointer - cb.address(), producer ? cb.reserved() : cb.waited()};
}

/// Goes through the events of a body: whether it can be performed, and which transfers it has.
class Reading {
 public:
  Reading(Script& script, const Places& places) : script_(script), places_(places) {}

  bool add(const Event& event) {
    using namespace events;
    const auto refuse = [](const auto&) { return false; };
    return visit(
        event,
        Cases{
            [this](const NocRead& call) { return transfer(call, TransferKind::dram_read); },
            [this](const NocWrite& call) { return transfer(call, TransferKind::dram_write); },
            [this](const ReadBarrier& call) { return barrier(call, TransferKind::dram_read); },
            [this](const WriteBarrier& call) { return barrier(call, TransferKind::dram_write); },
            [&](const KernelStart& call) { return refuse(call); }, [&](const KernelEnd& call) { return refuse(call); },
            [&](const NocMulticast& call) { return refuse(call); }, [&](const WritesFlushed& call) { return refuse(call); },
            [&](const AtomicBarrier& call) { return refuse(call); }, [&](const SemaphoreSet& call) { return refuse(call); },
            [&](const SemaphoreInc& call) { return refuse(call); }, [&](const SemaphoreWait& call) { return refuse(call); },
            [](const Scope& call) { return call.mark != ScopeMark::value; }, [](const auto&) { return true; }});
  }
  /// Whether all transfers are over.
  [[nodiscard]] bool complete() const { return open_ == decltype(open_){}; }

 private:
  template <class Transfer>
  bool transfer(const Transfer& call, TransferKind kind) {
    // What is no longer than a semaphore moves even in a dry run.
    if (call.form != TransferForm::full || call.trid != 0 || call.bytes <= semaphore_bytes) return false;
    if (places_.bank_at(call.peer.x, call.peer.y) < 0) return false;
    open_[call.noc][kind] = true;
    auto at = std::find_if(script_.traffic.begin(), script_.traffic.end(), [&](const Script::Traffic& one) {
      return one.noc == call.noc && one.kind == kind && one.bank == call.peer;
    });
    if (at == script_.traffic.end()) at = script_.traffic.insert(at, {call.noc, kind, call.peer});
    ++at->transactions;
    at->bytes += call.bytes;
    return true;
  }
  template <class Barrier>
  bool barrier(const Barrier& call, TransferKind kind) {
    if (call.trid) return false;
    open_[call.noc][kind] = false;
    return true;
  }

  Script& script_;
  const Places& places_;
  EnumArray<NocId, EnumArray<TransferKind, bool>> open_{};
};

std::vector<Script::Side> sides_of(const KernelContext& kernel) {
  const auto mine = [&](std::uint8_t users) { return users == 0 || (users >> to_underlying(kernel.risc) & 1U) != 0; };
  std::vector<Script::Side> sides;
  for (const CircularBuffer& cb : kernel.core->cbs) {
    if (!cb.configured()) continue;
    if (mine(cb.pushed_by)) sides.push_back(side_of(cb, true));
    if (mine(cb.popped_by)) sides.push_back(side_of(cb, false));
  }
  return sides;
}

}  // namespace

bool Rehearsals::Script::fits(const KernelContext& kernel, const State& now) const {
  if (!(before == now)) return false;
  return std::all_of(sides.begin(), sides.end(),
                     [&](const Side& side) { return side_of(kernel.core->cbs[side.cb], side.producer) == side; });
}

void Rehearsals::Script::perform(KernelContext& kernel) const {
  constexpr std::uint32_t call_ns = 100;
  Core& core = *kernel.core;
  for (const BufferCall& call : calls) {
    make(kernel, call);
    core.scheduler.tick(call_ns);
  }
  core.log.repeat(kernel.risc, blocks);
  for (const auto& [op, count] : tiles) core.count(op, count);
  core.counters.dest_reuses += dest_reuses;
  core.counters.dst_sections += dst_sections;
  core.dst.raise_peak(dst_peak);
  for (const Traffic& one : traffic) kernel.noc->count_again(one.noc, one.kind, one.bank, one.transactions, one.bytes);
  set_state(kernel, after);
}

std::size_t Rehearsals::Hash::operator()(const Name& name) const {
  constexpr std::size_t factor = 0x9E37'79B9'7F4A'7C15;
  std::size_t hash = std::hash<const char*>{}(name.kernel);
  for (const std::uint32_t word : name.words) hash = (hash ^ word) * factor ^ hash >> 29U;
  return hash;
}

Rehearsals::Name Rehearsals::name_of(const KernelContext& kernel, Key key) {
  Name name{kernel.kernel_name, {}};
  if (key.size() > name.words.size()) throw std::length_error("a key of too many words");
  std::copy(key.begin(), key.end(), name.words.begin());
  return name;
}

bool Rehearsals::perform(KernelContext& kernel, Key key) {
  const auto found = scripts_.find(name_of(kernel, key));
  if (found == scripts_.end() || !at_rest(kernel)) return false;
  const Script::State now = state_of(kernel);
  const auto script = std::find_if(found->second.begin(), found->second.end(),
                                   [&](const std::unique_ptr<const Script>& one) { return one->fits(kernel, now); });
  if (script == found->second.end()) return false;
  kernel.core->log.mark(kernel.risc);
  (*script)->perform(kernel);
  return true;
}

Rehearsals::Rehearsal::Rehearsal(Rehearsals& all, KernelContext& kernel, Key key)
    : all_(all), kernel_(kernel), name_(name_of(kernel, key)), counters_(kernel.core->counters) {
  Core& core = *kernel.core;
  core.log.mark(kernel.risc);
  first_block_ = core.log.sequence(kernel.risc).numbers().size();
  findings_ = core.reporter.count();
  dst_peak_ = kernel.risc == Risc::trisc ? core.dst.begin_peak() : 0;
  if (at_rest(kernel)) {
    script_ = std::make_unique<Script>();
    script_->before = state_of(kernel);
    script_->sides = sides_of(kernel);
  }
  kernel.rehearsal = this;
}

Rehearsals::Rehearsal::~Rehearsal() {
  kernel_.rehearsal = nullptr;
  if (kernel_.risc == Risc::trisc) kernel_.core->dst.raise_peak(dst_peak_);
}

void Rehearsals::Rehearsal::end() {
  Core& core = *kernel_.core;
  core.log.mark(kernel_.risc);
  const bool asked = core.counters.ambiguous_waits != counters_.ambiguous_waits;
  if (!script_ || !at_rest(kernel_) || asked || core.reporter.count() != findings_) return;
  const EventSequence& sequence = core.log.sequence(kernel_.risc);
  Reading reading(*script_, core.chip.places());
  for (std::size_t i = first_block_; i < sequence.block_count(); ++i) {
    const auto events = sequence.block(i);
    if (!std::all_of(events.begin(), events.end(), [&](const Event& event) { return reading.add(event); })) return;
  }
  if (!reading.complete()) return;
  const auto& numbers = sequence.numbers();
  script_->blocks.assign(numbers.begin() + first_block_, numbers.end());
  script_->after = state_of(kernel_);
  if (kernel_.risc == Risc::trisc) add_counts();
  auto& scripts = all_.scripts_[name_];
  // Cores that began together rehearse the same.
  const bool known = std::any_of(scripts.begin(), scripts.end(), [&](const std::unique_ptr<const Script>& one) {
    return one->before == script_->before && one->sides == script_->sides;
  });
  if (!known && scripts.size() < most_scripts) scripts.push_back(std::move(script_));
}

/// Only the compute kernel works on tiles, so that the difference is what this body did, whoever ran in between.
void Rehearsals::Rehearsal::add_counts() {
  const CoreCounters& now = kernel_.core->counters;
  for (const TileOp op : each<TileOp>) {
    const std::uint64_t count = now.tiles[op] - counters_.tiles[op];
    if (count != 0) script_->tiles.emplace_back(op, count);
  }
  script_->dest_reuses = now.dest_reuses - counters_.dest_reuses;
  script_->dst_sections = now.dst_sections - counters_.dst_sections;
  script_->dst_peak = kernel_.core->dst.peak();
}

void Rehearsals::Rehearsal::note(const BufferCall& call) {
  if (script_) script_->calls.push_back(call);
}

}  // namespace tilegrid
