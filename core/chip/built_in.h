// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace tilegrid {

/// A chip's file that is part of the library.
struct BuiltInFile {
  std::string_view name;
  std::string_view json;
};
/// The files of this folder, wormhole_b0 first.
[[nodiscard]] std::span<const BuiltInFile> built_in_files();

}  // namespace tilegrid
