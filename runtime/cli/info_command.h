// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tilegrid::cli {

/// Makes the task known by which `tilegrid info` asks the ranks for their hosts; every rank, before its session begins.
void register_info_task();

}  // namespace tilegrid::cli
