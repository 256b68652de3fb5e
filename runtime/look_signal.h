// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tilegrid {

/// From now on SIGUSR1 asks where the cores stand, and no longer ends the process; where somebody else handles the signal
/// nothing changes. A launcher hands the signal on to all ranks, of which the first shows the cores.
void install_look_signal() noexcept;
/// Whether the signal has come since the last call.
[[nodiscard]] bool take_look_signal() noexcept;

}  // namespace tilegrid
