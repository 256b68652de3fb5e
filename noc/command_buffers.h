// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/types.h"
#include "noc/address.h"
#include "noc/memory.h"

namespace tilegrid::noc {

/// Fault "NoC transaction id" for an id beyond 15.
void check_trid(std::uint32_t trid, const char* who);

/// Linked multicasts of a NoC: as long as a chain is open its path stays reserved, until an unlinked multicast to the same
/// rectangle has used it (tensix.md 4.1).
struct LinkedChain {
  bool open = false;
  LogicalCore first;  ///< of the rectangle
  LogicalCore last;
};

/// A peer and a length in the registers of a command buffer, which stateful transfers use again.
struct TransferState {
  NocAddress address = 0;
  std::uint32_t bytes = 0;  ///< 0: each transfer says it
  bool set = false;
};

/// What stateful transfers of one kind (reads, writes) find in their command buffer, by NoC.
class CommandState {
 public:
  void set(NocId noc, NocAddress peer, std::uint32_t bytes) {
    states_[noc] = {.address = peer, .bytes = bytes, .set = true};
  }
  /// Transfers with full registers use the same command buffer, and so end the state.
  void end(NocId noc) { states_[noc].set = false; }
  /// The peer that the state names, at another address, and the bytes: `bytes`, or those of the state for 0. Fault
  /// "NoC state" when there is none.
  [[nodiscard]] TransferState get(NocId noc, std::uint32_t address, std::uint32_t bytes, const char* who) const;

 private:
  EnumArray<NocId, TransferState> states_;
};

/// Packets of one kind (reads, writes) that are outstanding, by NoC and transaction id: those since the last barrier that
/// waits for them, what silicon has at most.
class OutstandingPackets {
 public:
  /// Fault "NoC transaction id": more than 255 packets of one id (tensix.md 4.1).
  void add(NocId noc, std::uint32_t trid, std::uint32_t packets, const char* who);
  /// A barrier for a transaction id, or all: none of them is outstanding from here on. Faults as check_trid() and add().
  void clear(NocId noc, std::optional<std::uint32_t> trid, const char* who);
  [[nodiscard]] bool none(NocId noc) const { return packets_[noc] == decltype(packets_)::value_type{}; }

 private:
  EnumArray<NocId, std::array<std::uint32_t, transaction_ids>> packets_{};
};

}  // namespace tilegrid::noc
