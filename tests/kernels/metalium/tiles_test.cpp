// SPDX-License-Identifier: Apache-2.0
// Functions of the vector unit that look at more than one value at a time, in kernels from files.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/kernels/metalium/computed.h"

namespace tilegrid {
namespace {

using test::computed;
using test::with_tiles;

/// Element `row` of a column of two tiles that begin at page `first`.
std::size_t in_column(int row, int column, int first = 0) {
  const auto tile = static_cast<std::size_t>(first + row / 32);
  return tile * tile_elements + static_cast<std::size_t>(tile_index(row % 32, column));
}

/// Two tiles whose columns are shuffles of 64 numbers, and two of where each lies.
std::vector<float> shuffled_columns() {
  std::vector<float> values(4 * tile_elements);
  for (int column = 0; column < 32; ++column) {
    for (int row = 0; row < 64; ++row) {
      values[in_column(row, column)] = static_cast<float>((row * 37 + column * 11) % 64) - 20.0F;
      values[in_column(row, column, 2)] = static_cast<float>(row);
    }
  }
  return values;
}

/// The `count` best of each column are there in order, each with its index.
void expect_best(const std::vector<float>& input, const std::vector<float>& result, int count, bool largest) {
  if (!test::session().is_host()) return;
  for (int column = 0; column < 32; ++column) {
    std::vector<float> sorted(64);
    for (int row = 0; row < 64; ++row) sorted[static_cast<std::size_t>(row)] = input[in_column(row, column)];
    std::sort(sorted.begin(), sorted.end());
    if (largest) std::reverse(sorted.begin(), sorted.end());
    for (int row = 0; row < count; ++row) {
      ASSERT_EQ(result[in_column(row, column)], sorted[static_cast<std::size_t>(row)]) << row << ", " << column;
      const auto index = static_cast<int>(result[in_column(row, column, 2)]);
      ASSERT_EQ(input[in_column(index, column)], sorted[static_cast<std::size_t>(row)]) << row << ", " << column;
    }
  }
}

TEST(KernelFiles, ColumnsAreSortedWithTheirIndices) {
  const std::vector<float> values = shuffled_columns();
  const auto sorted = [&](const std::string& work) {
    return computed(values, DataFormat::fp32, with_tiles(4, "api/compute/compute_kernel_api.h", work), true);
  };
  expect_best(values, sorted("topk_tile_init(); topk_local_sort(0, 0, 5);"), 64, true);
  expect_best(values, sorted("topk_local_sort(0, 1, 4); topk_local_sort<true>(0, 1, 5, 5, 4, 6);"), 64, false);
}

TEST(KernelFiles, TheBestOfColumnsAreMerged) {
  const std::vector<float> values = shuffled_columns();
  const auto best = [&](const std::string& work) {
    return computed(values, DataFormat::fp32, with_tiles(4, "compute_kernel_api.h", work), true);
  };
  expect_best(values, best("topk_local_sort(0, 0, 4); topk_merge(0, 0, 32); topk_rebuild(0, 0, 0, 32, 5, 1);"), 32, true);
  expect_best(values,
              best("topk_local_sort(0, 1, 3); topk_merge<true>(0, 0, 16); topk_rebuild(0, 1, 0, 16, 4, 0);"
                   "topk_merge<true>(0, 1, 16); topk_rebuild(0, 1, 1, 16, 4, 1);"),
              16, false);
}

TEST(KernelFiles, ColumnsHaveTheirMeanAndVariance) {
  std::vector<float> values(4 * tile_elements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 29 % 97);
  const std::vector<float> results = computed(values, DataFormat::fp32, with_tiles(4, "compute_kernel_api/welford.h", R"(
  std::array<uint32_t, 64> parts{};
  for (uint32_t i = 0; i < 64; ++i) {
    const float part = 1.0f / (i + 1);
    __builtin_memcpy(&parts[i], &part, 4);
  }
  welford_init();
  welford_update<64>(0, 0, parts);
  welford_save_state(2);
  welford_clear();
  welford_restore_state(2);
  welford_update_rows<0>(1, 32, 0, 16, {});
  welford_finalize_to_row<64>(2, 47, parts);)"),
                                              true);
  if (!test::session().is_host()) return;
  for (int column = 0; column < 32; ++column) {
    double mean = 0, square = 0;
    for (int row = 0; row < 48; ++row) mean += values[in_column(row, column)] / 48.0;
    for (int row = 0; row < 48; ++row) square += std::pow(values[in_column(row, column)] - mean, 2) / 48.0;
    EXPECT_NEAR(results[in_column(0, column, 2)], mean, 1e-3) << column;
    EXPECT_NEAR(results[in_column(0, column, 3)], square, 1e-2) << column;
  }
}

TEST(KernelFiles, ColumnsAreReducedAndAveraged) {
  std::vector<float> values(4 * tile_elements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 29 % 97);
  const std::vector<float> results = computed(values, DataFormat::fp32, with_tiles(4, "api/compute/ema.h", R"(
  ema_init(0x3F000000, 0x3F000000);
  ema_clear_previous_output();
  ema_tile(2);
  sfpu_reduce<PoolType::MIN, DataFormat::Float32>(1);
  sfpu_reduce<PoolType::AVG, DataFormat::Float32>(0);
  sfpu_add_top_row<DataFormat::Float32>(0, 1, 0);
  max_reduce_with_indices<32>(2, 1);)"),
                                              true);
  if (!test::session().is_host()) return;
  for (int column = 0; column < 32; ++column) {
    float mean = 0, least = 1000, average = 0, most = -1000;
    for (int row = 0; row < 32; ++row) {
      mean += values[in_column(row, column)] / 32.0F;
      least = std::min(least, values[in_column(row, column, 1)]);
      most = std::max(most, values[in_column(row, column, 2)]);
      average = average / 2.0F + values[in_column(row, column, 2)] / 2.0F;
      EXPECT_NEAR(results[in_column(row, column, 3)], average, 0.5) << row << ", " << column;
    }
    EXPECT_NEAR(results[in_column(0, column)], mean + least, 1e-3) << column;
    EXPECT_EQ(results[in_column(0, column, 2)], most) << column;
  }
}

TEST(KernelFiles, ValuesAreQuantised) {
  std::vector<float> values(2 * tile_elements, 4.0F);
  for (std::size_t i = 0; i < tile_elements; ++i) values[i] = static_cast<float>(i) / 8.0F - 64.0F;
  const std::vector<float> results = computed(values, DataFormat::fp32, with_tiles(2, "api/compute/quantization.h", R"(
  quant_tile_init(0x40000000);   // 2
  quant_tile(0, 1, 0);
  dequant_tile_init(0xC0000000);
  dequant_tile(0, 1, 0);)"),
                                              true);
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < tile_elements; ++i) {
    const float byte = std::round(std::clamp(values[i] * 4.0F + 2.0F, -127.0F, 127.0F));
    ASSERT_EQ(results[i], (byte - 2.0F) * 4.0F) << values[i];
  }
}

}  // namespace
}  // namespace tilegrid
