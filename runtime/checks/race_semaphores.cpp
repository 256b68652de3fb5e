// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "core/l1.h"
#include "runtime/checks/race_finder.h"

namespace tilegrid::races {
namespace {

/// So many sets of a word that nothing orders are remembered; there are two kernels to blame long before.
constexpr std::size_t most_unordered = 8;

std::string semaphore_text(std::uint32_t offset) {
  if (offset < l1_semaphore_base || offset >= l1_semaphore_base + max_semaphores * semaphore_bytes) {
    return fmt::format("the word at L1 {}", offset);
  }
  return fmt::format("semaphore {}", (offset - l1_semaphore_base) / semaphore_bytes);
}

}  // namespace

RaceFinder::Word& RaceFinder::word(int core, std::uint32_t offset) {
  const auto [found, is_new] = words_[core].try_emplace(offset);
  if (is_new) {
    std::uint32_t value = 0;
    if (offset >= l1_semaphore_base && (offset - l1_semaphore_base) % semaphore_bytes == 0) {
      const std::size_t id = (offset - l1_semaphore_base) / semaphore_bytes;
      const std::vector<std::uint32_t>& initial = program_.memories[program_.memory_of[core]].semaphores;
      if (id < initial.size()) value = initial[id];
    }
    found->second.values.push_back({value, std::nullopt, std::nullopt});
    found->second.offset = offset;
    found->second.core = core;
  }
  return found->second;
}

void RaceFinder::step_through(Kernel& kernel, const events::SemaphoreSet& event) {
  set(kernel, kernel.core, event.offset, event.value, moment_of(kernel), kernel.clock);
  kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
}

void RaceFinder::check_passed(const Kernel& kernel, Word& of, std::uint32_t value) {
  if (!of.exact || of.exact->value == value || kernel.clock.knows(of.exact->moment)) return;
  report_passed(of, call_of(kernel), value);
}

void RaceFinder::report_passed(const Word& of, const Call& by, std::uint32_t value) {
  report(checks::Class::semaphore_passed, of.exact->call, by, of.core,
         fmt::format("noc_semaphore_wait for the value {} of {}, to which {} gives {}: that may come before the wait looks; "
                     "fix: noc_semaphore_wait_min, or let the other side wait for an answer",
                     of.exact->value, semaphore_text(of.offset), text_of(by), value));
}

void RaceFinder::step_through(Kernel& kernel, const events::SemaphoreInc& event) {
  const int destination = core_at(event.peer);
  if (destination >= 0) increment(kernel, event, word(destination, event.offset));
  kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
}

void RaceFinder::increment(Kernel& kernel, const events::SemaphoreInc& event, Word& of) {
  Channel& channel = channel_of(kernel, event.noc, of.core, false);
  Moment moment = transfer_moment(kernel, ThreadKind::landing, event.noc, 0);
  moment.epoch = ~0U;  // never over by a barrier for writes: those do not wait for increments
  moment.channel = channel.number;
  moment.sequence = ++channel.sequence;
  const std::uint32_t value = of.values.back().value + event.delta;
  const auto unordered = std::find_if(of.sets.begin(), of.sets.end(), [&](const Word::Change& earlier) {
    const bool in_order = earlier.moment.channel != 0 && earlier.moment.channel == moment.channel;
    return !in_order && !kernel.clock.knows(earlier.moment);
  });
  if (unordered != of.sets.end()) {
    report(
        checks::Class::semaphore_race, call_of(kernel), unordered->call, kernel.core,
        fmt::format("noc_semaphore_inc of {} of core ({},{}), which {} sets: the increment may be lost; nothing orders the "
                    "two; fix: increment once the other side has said that it has set it",
                    semaphore_text(of.offset), program_.grid.core(of.core).x, program_.grid.core(of.core).y,
                    text_of(unordered->call)));
  }
  of.idle.reset();
  of.initial = false;
  check_passed(kernel, of, value);
  Clock seen = kernel.clock;
  seen.learn_channel(channel.number, channel.sequence);
  of.values.push_back({value, std::move(seen), call_of(kernel)});
  of.increments.push_back({moment, call_of(kernel), value});
  kernel.atomics[event.noc].emplace_back(channel.number, channel.sequence);
}

void RaceFinder::set(const Kernel& kernel, int core, std::uint32_t offset, std::uint32_t value, const Moment& moment,
                     const Clock& seen) {
  Word& of = word(core, offset);
  const auto over = [&](const Word::Change& earlier) {
    const bool in_order = earlier.moment.channel != 0 && earlier.moment.channel == moment.channel;
    return in_order || kernel.clock.knows(earlier.moment);
  };
  const auto check = [&](const Word::Change& earlier, const char* what) {
    if (over(earlier)) return;
    report(checks::Class::semaphore_race, call_of(kernel), earlier.call, kernel.core,
           fmt::format("{} of core ({},{}) is set to {}, and {} {} it; nothing orders the two, and one of them may be lost; "
                       "fix: set it once the other side is known to be done",
                       semaphore_text(offset), program_.grid.core(core).x, program_.grid.core(core).y, value,
                       text_of(earlier.call), what));
  };
  for (const Word::Change& increment : of.increments) check(increment, "increments");
  for (const Word::Change& earlier : of.sets) {
    if (earlier.value != value) check(earlier, "sets");
  }
  check_passed(kernel, of, value);
  const bool same = of.values.back().value == value;
  if (!same) {
    of.idle.reset();
    of.initial = false;
  }
  if (of.idle && !kernel.clock.knows(of.idle->moment)) report_idle(of, *of.idle, call_of(kernel));
  Word::Value present{value, seen, call_of(kernel)};
  if (same) {
    // Who sees the value can't tell this set from the one before: it learns what both knew.
    const std::optional<Clock>& before = of.values.back().clock;
    const bool ordered = std::all_of(of.sets.begin(), of.sets.end(), over);
    present.clock = ordered || !before ? before : before->meet(seen);
  }
  std::erase_if(of.sets, over);
  if (of.sets.size() >= most_unordered) of.sets.erase(of.sets.begin());
  of.sets.push_back({moment, call_of(kernel), value});
  of.increments.clear();
  of.values.clear();
  of.values.push_back(std::move(present));
}

void RaceFinder::report_idle(const Word& of, const Word::Change& wait, const Call& by) {
  if (wait.call.core == by.core && wait.call.risc == by.risc) return;
  report(
      checks::Class::semaphore_race, wait.call, by, of.core,
      fmt::format("noc_semaphore_wait for {}, to which {} sets {}: the value may have been there before, so that the wait "
                  "does not wait for it; fix: set another value first, and let the other side know",
                  wait.value, text_of(by), semaphore_text(of.offset)));
}

void RaceFinder::check_idle(const Kernel& kernel, Word& of, const Word::Value& seen) {
  of.idle.reset();
  const auto gives = [&](const Word::Change& change) { return change.value == seen.value; };
  const bool there = of.initial || std::any_of(of.sets.begin(), of.sets.end(), [&](const Word::Change& change) {
                       return gives(change) && kernel.clock.knows(change.moment);
                     });
  if (!there) return;
  of.idle = Word::Change{moment_of(kernel), call_of(kernel), seen.value};
  for (const Word::Change& change : of.sets) {
    if (gives(change) && !kernel.clock.knows(change.moment)) report_idle(of, *of.idle, change.call);
  }
}

bool RaceFinder::wait(Kernel& kernel, const events::SemaphoreWait& event, bool force) {
  Word& of = word(kernel.core, event.offset);
  const auto enough = std::find_if(of.values.begin(), of.values.end(), [&](const Word::Value& one) {
    return event.at_least ? one.value >= event.value : one.value == event.value;
  });
  if (enough == of.values.end() && !force) return false;
  const auto end = enough == of.values.end() ? of.values.end() : enough + 1;
  if (enough == of.values.begin()) check_idle(kernel, of, *enough);
  std::optional<Clock> told;
  for (auto value = of.values.begin(); value != end; ++value) {
    if (!value->clock) continue;
    if (told) {
      told->join(*value->clock);
    } else {
      told = value->clock;
    }
  }
  if (told) kernel.clock.join(*told);
  of.exact.reset();
  if (!event.at_least && enough != of.values.end()) {
    of.exact = Word::Change{moment_of(kernel), call_of(kernel), event.value};
    for (auto later = end; later != of.values.end(); ++later) {
      if (later->value == event.value || !later->call) continue;
      report_passed(of, *later->call, later->value);
    }
  }
  // Whoever waits for the same value later learns what this kernel was told.
  if (enough != of.values.end()) {
    enough->clock = std::move(told);
    of.values.erase(of.values.begin(), enough);
  }
  kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
  return true;
}

}  // namespace tilegrid::races
