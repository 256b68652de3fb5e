// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace tilegrid::test {

/// Whether a refusal names all of this, in this order: fields, values, ids and numbers. How it says so is free.
inline testing::AssertionResult names(const std::string& message, std::initializer_list<std::string_view> what) {
  std::size_t from = 0;
  for (const std::string_view part : what) {
    const std::size_t at = message.find(part, from);
    if (at == std::string::npos) return testing::AssertionFailure() << "'" << part << "' is not named in: " << message;
    from = at + part.size();
  }
  return message.empty() ? testing::AssertionFailure() << "nothing was refused" : testing::AssertionSuccess();
}

}  // namespace tilegrid::test
