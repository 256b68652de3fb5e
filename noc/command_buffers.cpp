// SPDX-License-Identifier: Apache-2.0
#include "noc/command_buffers.h"

#include <fmt/format.h>

#include <utility>

#include "core/error.h"

namespace tilegrid::noc {
namespace {

[[noreturn]] void too_many(std::uint32_t packets, const std::string& what) {
  throw Fault("NoC transaction id", what, "a transaction id has at most 255 packets outstanding: its counter has 8 bits")
      .numbers(packets, max_outstanding, "packets")
      .hint("call the barrier of this transaction id in between");
}

}  // namespace

void check_trid(std::uint32_t trid, const char* who) {
  if (trid < transaction_ids) return;
  throw Fault("NoC transaction id", fmt::format("{} with transaction id {}", who, trid),
              "a NIU has 16 transaction ids, 0 to 15");
}

TransferState CommandState::get(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const {
  const TransferState& state = states_[noc];
  if (!state.set || (bytes == 0 && state.bytes == 0)) {
    throw Fault("NoC state", fmt::format("{} without a state", who),
                "a *_set_state call sets the registers that *_with_state calls use, a plain transfer overwrites them")
        .hint("call the *_set_state of the same form and NoC first");
  }
  return {make_address(address_x(state.address), address_y(state.address), address), bytes == 0 ? state.bytes : bytes, true};
}

void OutstandingPackets::add(NocId noc, std::uint32_t trid, std::uint32_t packets, const char* who) {
  std::uint32_t& outstanding = packets_[noc][trid];
  outstanding += packets;
  if (trid == 0 || outstanding <= max_outstanding) return;  // nobody need look at the counter of id 0
  too_many(outstanding, fmt::format("{} with transaction id {} on NoC {}", who, trid, to_underlying(noc)));
}

void OutstandingPackets::clear(NocId noc, std::optional<std::uint32_t> trid, const char* who) {
  if (!trid) {
    packets_[noc] = {};
    return;
  }
  check_trid(*trid, who);
  const std::uint32_t packets = std::exchange(packets_[noc][*trid], 0);
  if (packets <= max_outstanding) return;
  too_many(packets, fmt::format("{} of transaction id {} on NoC {}", who, *trid, to_underlying(noc)));
}

}  // namespace tilegrid::noc
