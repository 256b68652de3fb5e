// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/costs.h"

#include <array>

#include "runtime/timing/exact.h"

namespace tilegrid::timing {

Costs::Costs(const Chip& chip, const CoreSetup& setup)
    : cb_wait(exact(chip.cycles().cb_wait)),
      cb_reserve(exact(chip.cycles().cb_reserve)),
      cb_push(exact(chip.cycles().cb_push)),
      cb_pop(exact(chip.cycles().cb_pop)),
      cb_visible(exact(chip.cycles().cb_visible)),
      semaphore_poll(exact(chip.cycles().semaphore_poll)),
      semaphore_set(exact(chip.cycles().semaphore_set)),
      dst_acquire(exact(chip.cycles().dst_acquire)),
      dst_commit(exact(chip.cycles().dst_commit)),
      dst_wait(exact(chip.cycles().dst_wait)),
      dst_release(exact(chip.cycles().dst_release)),
      operation_switch(exact(chip.cycles().operation_switch)),
      vector_switch(exact(chip.cycles().vector_switch)),
      launch(exact(chip.cycles().launch)),
      launch_tail(exact(chip.cycles().launch_tail)),
      matmul_phase(chip.cycles().matmul_phase),
      dst_sections(setup.full_sync ? 1 : 2),
      core_(chip.cycles()) {
  for (const LogBuffer& buffer : setup.buffers) {
    const auto id = static_cast<std::size_t>(buffer.id);
    if (id >= buffers) continue;
    const double bytes = buffer.page_bytes;
    unpack_[id] = core_.unpack(bytes);
    joint_[id] = core_.joint(bytes);
    pack_[0][id] = core_.pack(bytes, is_block_float(buffer.format), false);
    pack_[1][id] = core_.pack(bytes, is_block_float(buffer.format), true);
  }
  fill_configure();
}

void Costs::fill_configure() {
  const double startup = exact(core_.configure_startup);
  const double matmul = exact(core_.configure_matmul);
  const double format = exact(core_.configure_format);
  const double flag = exact(core_.configure_flag);
  configure_[Configuration::startup] = {startup, startup, startup};
  configure_[Configuration::matmul] = {matmul, matmul, 0};
  configure_[Configuration::format] = {format, flag, 0};
  configure_[Configuration::pack_format] = {0, 0, exact(core_.configure_pack)};
  configure_[Configuration::l1_accumulate] = {0, 0, flag};
  configure_[Configuration::relu] = {0, 0, flag};
  configure_[Configuration::unpack_to_dst] = {flag, flag, 0};
}

namespace operations {

std::string name_of(int operation) {
  constexpr std::array<const char*, 3> eltwise{"add", "sub", "mul"};
  if (operation >= pack_accumulate) return "pack accumulate";
  if (operation >= reduce_base) return operation == reduce_base ? "reduce max" : "reduce sum";
  if (operation >= dest_reuse_base) {
    return std::string("dest_reuse ") + eltwise[operation - dest_reuse_base];
  }
  if (operation >= eltwise_base) return std::string("eltwise ") + eltwise[operation - eltwise_base];
  if (operation >= vector_base) {
    return std::string("vector ") + tilegrid::name_of(static_cast<VectorOp>(operation - vector_base));
  }
  return tilegrid::name_of(static_cast<EventKind>(operation));
}

}  // namespace operations
}  // namespace tilegrid::timing
