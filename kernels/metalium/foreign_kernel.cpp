// SPDX-License-Identifier: Apache-2.0
#include "kernels/metalium/foreign_kernel.h"

#include <utility>

#include "core/checks/reporter.h"
#include "core/error.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/api/compute.h"

namespace tilegrid {

bool PackQueue::can_run(const Step& step) const {
  const Core& core = *kernel_.core;
  switch (step.kind) {
    case Kind::reserve:
      return kernel_.core->cb(step.cb).can_reserve(step.pages);
    case Kind::wait:
      return core.dst.packing() || core.dst.committed() > 0;
    default:
      return true;
  }
}

void PackQueue::run(const Step& step) {
  const api::Here before = kernel_.where;
  kernel_.where = step.at;
  switch (step.kind) {
    case Kind::reserve:
      api::cb_reserve_back(step.cb, step.pages, step.at);
      break;
    case Kind::wait:
      api::tile_regs_wait(step.at);
      break;
    default:
      step.run();
  }
  kernel_.where = before;
}

void PackQueue::add(Step step) {
  drain();
  if (steps_.empty() && can_run(step)) return run(step);
  steps_.push_back(std::move(step));
}

void PackQueue::reserve(std::uint32_t cb, std::uint32_t pages, const api::Here& at) {
  add({.kind = Kind::reserve, .cb = cb, .pages = pages, .at = at});
}
void PackQueue::wait(const api::Here& at) { add({.kind = Kind::wait, .at = at}); }

void PackQueue::drain_steps() {
  while (!steps_.empty() && can_run(steps_.front())) {
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    run(step);
  }
}

CircularBuffer* PackQueue::full_buffer() const {
  if (steps_.empty() || steps_.front().kind != Kind::reserve) return nullptr;
  return &kernel_.core->cb(steps_.front().cb);
}

void PackQueue::block_for_first() {
  const Step& first = steps_.front();
  kernel_.where = first.at;
  CircularBuffer* full = full_buffer();
  if (full == nullptr) {
    throw checks::fault_of(checks::Class::dst_order, "tile_regs_wait with nothing committed, then or later",
                           "pack gets a section from tile_regs_commit")
        .hint("call tile_regs_commit as often as tile_regs_wait");
  }
  kernel_.noc->flush();
  full->waiting_producer = current_fiber();
  kernel_.core->scheduler.block({BlockReason::cb_full, first.cb, first.pages});
  full->waiting_producer = nullptr;
  drain();
}

void PackQueue::finish() {
  drain();
  while (!steps_.empty()) block_for_first();
}

}  // namespace tilegrid
