// SPDX-License-Identifier: Apache-2.0
// What compute kernels from files can do beyond the emulator's own: row-major data, integers, the vector unit's own
// language.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/tile.h"
#include "tests/kernels/metalium/computed.h"

namespace tilegrid {
namespace {

using test::bf16;
using test::computed;
using test::ForeignProgram;
using test::two_tiles;

constexpr GridSize grid{3, 1};
constexpr LogicalCore worker{2, 0};

TEST(KernelFiles, TilizeAndUntilizeAreEachOthersReverse) {
  std::vector<std::uint16_t> rows(4 * tile_elements);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = bf16(static_cast<float>(i % 251));
  const std::vector<std::uint16_t> tiles = computed(rows, DataFormat::bf16, R"(#include "compute_kernel_api/tilize.h"
void kernel_main() {
  constexpr uint32_t n = get_compile_time_arg_val(0);
  tilize_init(0, n, 16);
  cb_wait_front(0, n);
  cb_reserve_back(16, n);
  tilize_block(0, n, 16);
  cb_push_back(16, n);
  cb_pop_front(0, n);
  tilize_uninit(0, 16);
}
)");
  if (test::session().is_host()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t row = i / 128, column = i % 128;
      const std::size_t at = column / 32 * tile_elements +
                             static_cast<std::size_t>(tile_index(static_cast<int>(row), static_cast<int>(column % 32)));
      ASSERT_EQ(tiles[at], rows[i]) << "row " << row << " column " << column;
    }
  }
  const std::vector<std::uint16_t> back = computed(tiles, DataFormat::bf16, R"(#include "compute_kernel_api/pack_untilize.h"
void kernel_main() {
  constexpr uint32_t n = get_compile_time_arg_val(0);
  pack_untilize_init<n>(0, 16);
  cb_wait_front(0, n);
  cb_reserve_back(16, n);
  pack_untilize_block<n>(0, 1, 16);
  cb_push_back(16, n);
  cb_pop_front(0, n);
}
)");
  if (test::session().is_host()) {
    EXPECT_EQ(back, rows);
  }
}

TEST(KernelFiles, IntegersAreAddedAsTheyAre) {
  std::vector<std::uint32_t> numbers(2 * tile_elements);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint32_t>(i * 2'654'435'761U);
  const std::vector<std::uint32_t> sums = computed(numbers, DataFormat::int32, R"(#include "api/compute/add_int_sfpu.h"
void kernel_main() {
  unary_op_init_common(0, 16);
  cb_wait_front(0, 2);
  cb_reserve_back(16, 2);
  tile_regs_acquire();
  copy_tile_init(0);
  copy_tile(0, 0, 0);
  copy_tile(0, 1, 1);
  add_int_tile_init();
  add_int_tile<DataFormat::Int32>(0, 1, 0);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile(0, 16);
  pack_tile(1, 16);
  tile_regs_release();
  cb_push_back(16, 2);
  cb_pop_front(0, 2);
}
)",
                                                   true);
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < tile_elements; ++i) {
    ASSERT_EQ(sums[i], numbers[i] + numbers[i + tile_elements]) << i;
    ASSERT_EQ(sums[i + tile_elements], numbers[i + tile_elements]) << i;
  }
}

TEST(KernelFiles, TheMatrixUnitAddsIntegers) {
  std::vector<std::uint32_t> numbers(tile_elements);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint32_t>(i * 7) - 3000U;
  const std::vector<std::uint32_t> sums = computed(numbers, DataFormat::int32, R"(#include "api/compute/eltwise_binary.h"
void kernel_main() {
  binary_op_init_common(0, 0, 16);
  add_tiles_init(0, 0);
  cb_wait_front(0, 1);
  tile_regs_acquire();
  add_tiles(0, 0, 0, 0, 0);
  tile_regs_commit();
  cb_pop_front(0, 1);
  cb_reserve_back(16, 1);
  tile_regs_wait();
  pack_tile(0, 16);
  tile_regs_release();
  cb_push_back(16, 1);
}
)");
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(sums[i], 2 * numbers[i]) << i;
}

TEST(KernelFiles, SfpiConditionsChooseLanes) {
  std::vector<float> values(tile_elements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 61) / 20.0F - 1.0F;
  const std::vector<float> clamped = computed(values, DataFormat::fp32, R"(#include "compute_kernel_api.h"
#ifdef TRISC_MATH
inline void face(float low) {
  for (int i = 0; i < 8; ++i) {
    vFloat x = dst_reg[i];
    v_if(dst_reg[i] < low) { x = low; }
    v_elseif(x > sfpi::vConst1) { x = 1.0f; }
    v_else { x = 2.0f * dst_reg[i]; }
    v_endif;
    dst_reg[i] = x;
  }
}
#endif
void kernel_main() {
  init_sfpu(0, 16);
  cb_wait_front(0, 1);
  cb_reserve_back(16, 1);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  MATH(_llk_math_eltwise_unary_sfpu_params_<false>(face, 0, VectorMode::RC, 0.25f));
  tile_regs_commit();
  tile_regs_wait();
  pack_tile(0, 16);
  tile_regs_release();
  cb_push_back(16, 1);
  cb_pop_front(0, 1);
}
)",
                                              true);
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float x = scalar::truncate_tf32(values[i]);
    ASSERT_EQ(clamped[i], x < 0.25F ? 0.25F : x > 1.0F ? 1.0F : x * 2.0F) << i;
  }
}

TEST(KernelFiles, AFunctionOfThreeTilesTakesItsFacesAsANumber) {
  std::vector<float> values(2 * tile_elements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17);
  const std::vector<float> results =
      computed(values, DataFormat::fp32, two_tiles("llk_math_eltwise_ternary_sfpu_params.h", R"(
  MATH((_llk_math_eltwise_ternary_sfpu_params_<true>(
      [](uint32_t a, uint32_t b, uint32_t c, uint32_t out) {
        for (uint32_t i = 0; i < 8; ++i) dst_reg[out * 32 + i] = dst_reg[a * 32 + i] * dst_reg[b * 32 + i] + dst_reg[c * 32 + i];
      },
      0, 1, 1, 0, static_cast<int>(VectorMode::RC))));)"),
               true);
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < tile_elements; ++i) {
    ASSERT_EQ(results[i], values[i] * values[tile_elements + i] + values[tile_elements + i]) << i;
  }
}

TEST(KernelFiles, TilesAreMaskedSummedDownAndTransposedInDst) {
  std::vector<float> values(2 * tile_elements);
  for (std::size_t i = 0; i < tile_elements; ++i) {
    values[i] = static_cast<float>(i % 13);
    values[i + tile_elements] = static_cast<float>(i % 3);
  }
  const std::vector<float> results = computed(values, DataFormat::fp32, two_tiles("compute_kernel_api/cumsum.h", R"(
  mask_tile_init();
  mask_tile(0, 1);
  cumsum_tile_init();
  cumsum_tile(0);
  transpose_wh_dest_init_short<true>();
  transpose_wh_dest<true>(0);
  addcmul_tile_init();
  addcmul_tile<DataFormat::Float32>(1, 1, 1, 1, 0x40000000);)"),
                                              true);
  if (!test::session().is_host()) return;
  for (int column = 0; column < 32; ++column) {
    float sum = 0;
    for (int row = 0; row < 32; ++row) {
      const auto at = static_cast<std::size_t>(tile_index(row, column));
      const float mask = values[at + tile_elements];
      sum += mask == 0.0F ? 0.0F : values[at];
      ASSERT_EQ(results[static_cast<std::size_t>(tile_index(column, row))], sum) << row << ", " << column;
      ASSERT_EQ(results[at + tile_elements], mask + 2.0F * mask * mask);
    }
  }
}

TEST(KernelFiles, IntegersAreComparedAndDivided) {
  std::vector<std::uint32_t> numbers(2 * tile_elements);
  for (std::size_t i = 0; i < tile_elements; ++i) {
    numbers[i] = static_cast<std::uint32_t>(i * 12) - 6000U;
    numbers[i + tile_elements] = static_cast<std::uint32_t>(i % 7 + 1) * 18U;
  }
  const std::vector<std::uint32_t> results = computed(numbers, DataFormat::int32, two_tiles("api/compute/gcd.h", R"(
  gcd_tile_init();
  gcd_tile(0, 1, 2);
  remainder_int32_tile(0, 1, 1);
  copy_dest_values<DataFormat::Int32>(0, 2);)"),
                                                      true);
  if (!test::session().is_host()) return;
  for (std::size_t i = 0; i < tile_elements; ++i) {
    const auto a = static_cast<int>(numbers[i]), b = static_cast<int>(numbers[i + tile_elements]);
    ASSERT_EQ(static_cast<int>(results[i]), std::gcd(a, b)) << a << ", " << b;
    ASSERT_EQ(static_cast<int>(results[i + tile_elements]), (a % b + b) % b) << a << ", " << b;
  }
}

TEST(KernelFiles, ReadersMakeTilesOfAScalar) {
  std::vector<std::uint16_t> tiles(2 * tile_elements, bf16(5.0F));
  const test::Outcome outcome = test::run_session(
      grid,
      [&](Device& device) {
        const Buffer out = device.create_buffer(tiles.size() * 2, 2048);
        device.write(out, tiles);
        ForeignProgram program(device, "scalars");
        program.cb(16, 2);
        program.kernel("scalars.cpp", Risc::ncrisc, R"(#include "ttnn/kernel/dataflow/generate_reduce_scaler.hpp"
#include "ttnn/deprecated/tt_dnn/kernels/dataflow/generate_mm_scaler.hpp"
void kernel_main() {
  generate_reduce_scaler(16, 0x3F803F80);
  generate_mm_scaler(16, 0x40004000);
}
)");
        program.kernel("writer.cpp", Risc::brisc, test::page_writer, {2, 2048}).runtime_args = {{2, {out.address, 0}}};
        for (KernelConfig& kernel : program.program.kernels) kernel.cores = CoreRange{worker, worker};
        program.launch();
        device.read(out, tiles);
      },
      FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  if (!test::session().is_host()) return;
  for (int row = 0; row < 32; ++row) {
    for (int column = 0; column < 32; ++column) {
      const auto at = static_cast<std::size_t>(tile_index(row, column));
      ASSERT_EQ(tiles[at], row % 16 == 0 ? bf16(1.0F) : 0) << row << ", " << column;
      ASSERT_EQ(tiles[at + tile_elements], column == 0 ? bf16(2.0F) : 0) << row << ", " << column;
    }
  }
}

}  // namespace
}  // namespace tilegrid
