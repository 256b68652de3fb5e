// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "noc/message.h"
#include "noc/node.h"

namespace tilegrid::noc {

/// What a rank holds, as far as messages name it.
struct Holdings {
  int cores = 0;  ///< of the grid
  std::uint64_t l1_bytes = 0;
  std::uint64_t bank_bytes = 0;
  std::function<bool(Target)> holds;  ///< that core of the grid, or that bank
};

/// Throws Error (ExitCode::lost_rank) for a message of the NoC's that can't be from a rank which does as this one: a count
/// that its payload does not have, a core or bank that is not here, memory beyond the end of L1 or of a bank, an issuer that
/// there is none of. Such a message would be written somewhere.
void check_message(const Holdings& here, int source_rank, const MessageHeader& header, std::span<const std::byte> payload);

}  // namespace tilegrid::noc
