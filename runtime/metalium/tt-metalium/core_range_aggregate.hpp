// SPDX-License-Identifier: Apache-2.0
// In the spring of 2024 CoreRange was an aggregate of `start` and `end`, and programs named them where they made one. To be
// included in front of such a program (-include): what it calls CoreRange is that, and becomes one of today's when it is
// used.
#pragma once

#include <tt-metalium/bfloat16.hpp>
#include <tt-metalium/bfloat8.hpp>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/older.hpp>
#include <tt-metalium/tensor_accessor_args.hpp>
#include <tt-metalium/tilize_utils.hpp>
#include <tt-metalium/tt_metal.hpp>
#include <tt-metalium/work_split.hpp>

namespace tt::tt_metal {

struct CoreRangeAggregate {
  CoreCoord start;
  CoreCoord end;
  operator CoreRange() const { return {start, end}; }
  [[nodiscard]] std::size_t size() const { return CoreRange(*this).size(); }
};

}  // namespace tt::tt_metal

using tt::tt_metal::CoreRangeAggregate;
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): a name that is two types in two years
#define CoreRange CoreRangeAggregate
