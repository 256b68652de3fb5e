// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "runtime/timing/device_time.h"
#include "runtime/timing/observer.h"

namespace tilegrid::timing {

/// Device time of a run from its log: a deterministic discrete-event simulation. The result depends on the log and the
/// architecture only: not on the number of ranks that ran it, nor on the order of cores in memory.
/// The observer is told of all that happens; null: nobody looks, and nothing is spent on it.
/// `progress` is told now and then which part is done.
/// Throws UsageError for a log that can't be replayed (a wait that nothing satisfies: the log is of a run that did not end).
[[nodiscard]] DeviceTime replay(const RunLog& log, const Chip& chip, Observer* observer = nullptr,
                                const std::function<void(double part)>& progress = {});

/// Tells the observer of a run that ended in an error, as far as its log goes: where a kernel's log ends it does nothing
/// more, and who waits for it waits. What is still under way then is not told.
void replay_cut_short(const RunLog& log, const Chip& chip, Observer& observer);

}  // namespace tilegrid::timing
