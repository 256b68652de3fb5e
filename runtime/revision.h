// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tilegrid {

/// The revision of the sources that the library was built from, twelve digits as git has them, with "-dirty" behind them
/// when files differed; "unknown" where there was no git or no repository.
[[nodiscard]] const char* source_revision();

}  // namespace tilegrid
