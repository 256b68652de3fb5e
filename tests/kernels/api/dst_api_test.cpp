// SPDX-License-Identifier: Apache-2.0
// The kernel API's operations between DST slots, broadcast copies and the limit of slots, on real tiles. What the units
// compute is tested in tests/core; here it is the wiring, the counters and the log.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/format.h"
#include "core/tile.h"
#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "tests/kernels/api_support.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so
using test::bits;
using test::element;
using test::give_tile;
using test::grid;
using test::put_result;
using test::run;
using test::store_results;
using test::store_tile;
using test::tile_page;

const auto combines_slots = register_kernel("dst_api/combines_slots", [] {
  give_tile(0, 3.0F);
  give_tile(1, 0.5F);
  cb_reserve_back(16, 14);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  copy_tile(1, 0, 1);
  add_binary_tile(0, 1, 2);
  sub_binary_tile(1, 0, 3);
  mul_binary_tile(0, 1, 4);
  div_binary_tile(0, 1, 5);
  binary_max_tile(0, 1, 6);
  binary_min_tile(0, 1, 7);
  fill_tile(8, 0.0F);
  where_tile(8, 0, 1, 8);  // 0 ? 3 : 0.5
  where_tile(0, 3, 1, 9);  // 3 ? -2.5 : 0.5
  copy_dest_values(5, 10);
  sub_binary_tile(10, 2, 10);                           // 6 - 3.5, in place
  vector_binary_tile(VectorOp::mul_tile, 0, 0, 11);     // 9
  add_binary_tile(0, 1, 12, VectorMode::first_column);  // element 0 only
  rsub_unary_tile(4, 1.0F);                             // 1 - 1.5
  fill_tile(13, -1.5F);
  silu_tile(13, VectorMode::r);
  relu_tile(13, VectorMode::r);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile_block(0, 16, 14);
  tile_regs_release();
  const std::uint32_t out = get_write_ptr(16);
  for (std::uint32_t i = 0; i < 14; ++i) {
    put_result(2 * i, element(out + i * tile_page, 0));
    put_result(2 * i + 1, element(out + i * tile_page, 1023));
  }
  cb_push_back(16, 14);
  store_results();
});

TEST(DstApi, VectorOperationsHaveSlotsOfTheirOwnForResults) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).cb(1, 1).cb(16, 14).kernel(combines_slots, Risc::trisc, test::only({1, 1}));
        program.program().compute.full_sync = true;
      },
      [](const test::TestProgram& program, const RunResult& result) {
        const std::vector<float> first{3, 0.5, 3.5, -2.5, -0.5, 6, 3, 0.5, 0.5, -2.5, 2.5, 9, 3.5, 0};
        std::vector<float> last = first;
        last[12] = 0;
        last[13] = -1.5;
        for (std::uint32_t i = 0; i < 14; ++i) {
          EXPECT_EQ(program.result({1, 1}, Risc::trisc, 2 * i), bits(first[i])) << i;
          EXPECT_EQ(program.result({1, 1}, Risc::trisc, 2 * i + 1), bits(last[i])) << i;
        }
        const auto tiles = [&](TileOp op) { return result.cores[5].tiles[static_cast<std::size_t>(op)]; };
        EXPECT_EQ(tiles(TileOp::sfpu_add), 2U);
        EXPECT_EQ(tiles(TileOp::sfpu_sub), 2U);
        EXPECT_EQ(tiles(TileOp::sfpu_mul), 2U);
        EXPECT_EQ(tiles(TileOp::div), 1U);
        EXPECT_EQ(tiles(TileOp::max), 1U);
        EXPECT_EQ(tiles(TileOp::min), 1U);
        EXPECT_EQ(tiles(TileOp::where), 2U);
        EXPECT_EQ(tiles(TileOp::copy_dst), 1U);
        EXPECT_EQ(tiles(TileOp::fill), 2U);
        EXPECT_EQ(tiles(TileOp::rsub_scalar), 1U);
        EXPECT_EQ(tiles(TileOp::silu), 1U);
        EXPECT_EQ(tiles(TileOp::add), 0U) << "the FPU's";
        EXPECT_EQ(result.cores[5].dst_peak_slots, 14U);
        std::vector<std::string> lines;
        for (const Event& event : result.log.cores[5].sequence(Risc::trisc)) {
          if (event.kind() == EventKind::vector) lines.push_back(to_text(event));
        }
        ASSERT_EQ(lines.size(), 17U);
        EXPECT_EQ(lines[1], "vector sub_tile dst 3 of 1, 0 mode 0");
        EXPECT_EQ(lines[6], "vector fill dst 8 mode 0");
        EXPECT_EQ(lines[7], "vector where dst 8 of 8, 0, 1 mode 0");
        EXPECT_EQ(lines[9], "vector copy_dst dst 10 of 5 mode 0");
        EXPECT_EQ(lines[12], "vector add_tile dst 12 of 0, 1 mode 3");
        EXPECT_EQ(lines[13], "vector rsub_scalar dst 4 mode 0");
      });
}

/// Reads slot 3, which nothing wrote, by one call after another.
const auto reads_nothing = register_kernel("dst_api/reads_nothing", [] {
  give_tile(0, 1.0F);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  switch (get_compile_time_arg_val(0)) {
    case 0:
      return add_binary_tile(3, 0, 1);
    case 1:
      return add_binary_tile(0, 3, 1);
    case 2:
      return where_tile(3, 0, 0, 1);
    case 3:
      return where_tile(0, 3, 0, 1);
    case 4:
      return where_tile(0, 0, 3, 1);
    case 5:
      return copy_dest_values(3, 1);
    default:
      return silu_tile(3);
  }
});

TEST(DstApi, OperandsThatNothingWroteAreFaults) {
  for (std::uint32_t call = 0; call < 7; ++call) {
    const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
      test::TestProgram program(device);
      program.cb(0, 1).kernel(reads_nothing, Risc::trisc, test::only({0, 0}), {call});
      program.launch();
    });
    EXPECT_EQ(outcome.code, static_cast<int>(ExitCode::kernel)) << call;
    if (test::session().is_host()) {
      EXPECT_NE(outcome.error.find("read DST tile 3, which nothing wrote"), std::string::npos) << call << outcome.error;
    }
  }
}

/// Unpacks a tile of fp32 values r + c / 64 + 2^-18, whose last bit TF32 can't hold, with each broadcast, and packs them as
/// fp32.
const auto broadcasts = register_kernel("dst_api/broadcasts", [] {
  cb_reserve_back(0, 1);
  auto* values = reinterpret_cast<float*>(l1_pointer(get_write_ptr(0)));
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; ++column) {
      values[tile_index(row, column)] = static_cast<float>(row) + static_cast<float>(column) / 64 + 0x1p-18F;
    }
  }
  cb_push_back(0, 1);
  cb_wait_front(0, 1);
  cb_reserve_back(16, 4);
  unpack_to_dst_config(get_compile_time_arg_val(0) != 0);
  tile_regs_acquire();
  unary_bcast(Broadcast::none, 0, 0, 0);
  unary_bcast(Broadcast::rows, 0, 0, 1);
  unary_bcast(Broadcast::cols, 0, 0, 2);
  unary_bcast(Broadcast::scalar, 0, 0, 3);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile_block(0, 16, 4);
  tile_regs_release();
  const bool exact = get_compile_time_arg_val(0) != 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto* out = reinterpret_cast<const float*>(l1_pointer(get_write_ptr(16) + i * 4096));
    std::uint32_t right = 0;
    for (int row = 0; row < tile_side; ++row) {
      for (int column = 0; column < tile_side; ++column) {
        const float whole = static_cast<float>(i == 0 || i == 2 ? row : 0);
        const float part = static_cast<float>(i <= 1 ? column : 0) / 64;
        const float expected = whole + part + 0x1p-18F;
        right += out[tile_index(row, column)] == (exact ? expected : scalar::truncate_tf32(expected)) ? 1 : 0;
      }
    }
    put_result(i, right);
  }
  cb_push_back(16, 4);
  store_results();
});

TEST(DstApi, UnaryBroadcastsKeepWhatACopyKeeps) {
  for (const std::uint32_t exact : {0U, 1U}) {
    run(
        [&](test::TestProgram& program) {
          program.cb(0, 1, 4096, DataFormat::fp32).cb(16, 4, 4096, DataFormat::fp32);
          program.kernel(broadcasts, Risc::trisc, test::only({0, 0}), {exact});
          program.program().compute.dst_fp32 = true;
        },
        [&](const test::TestProgram& program, const RunResult& result) {
          for (std::uint32_t i = 0; i < 4; ++i)
            EXPECT_EQ(program.result({0, 0}, Risc::trisc, i), 1024U) << i << ' ' << exact;
          EXPECT_EQ(result.cores[0].tiles[static_cast<std::size_t>(TileOp::unary_bcast)], 4U);
          EXPECT_EQ(result.cores[0].tiles[static_cast<std::size_t>(TileOp::copy)], 0U);
          EXPECT_EQ(result.cores[0].tiles[static_cast<std::size_t>(TileOp::unpack)], 4U);
          std::vector<std::string> lines;
          for (const Event& event : result.log.cores[0].sequence(Risc::trisc)) {
            if (event.kind() == EventKind::copy) lines.push_back(to_text(event));
          }
          EXPECT_EQ(lines, (std::vector<std::string>{"copy cb 0 tiles 1 dst 0", "copy cb 0 broadcast 1 tiles 1 dst 1",
                                                     "copy cb 0 broadcast 2 tiles 1 dst 2",
                                                     "copy cb 0 broadcast 3 tiles 1 dst 3"}));
        });
  }
}

const auto fills_four = register_kernel("dst_api/fills_four", [] {
  tile_regs_acquire();
  for (std::uint32_t slot = 0; slot < 4; ++slot) fill_tile(slot, 1.0F);
});

TEST(DstApi, ADstCapacityIsEnforced) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.kernel(fills_four, Risc::trisc, test::only({0, 0}));
    program.program().compute.dst_capacity = 3;
    program.launch();
  });
  EXPECT_EQ(outcome.code, static_cast<int>(ExitCode::kernel));
  if (test::session().is_host()) {
    EXPECT_NE(outcome.error.find("fill_tile used DST tile 3; Insufficient DST capacity for all operands: 16-bit DST in "
                                 "half-sync is limited to 3 of its 8 tiles"),
              std::string::npos)
        << outcome.error;
    EXPECT_NE(outcome.error.find("asked 4 tiles, available 3"), std::string::npos) << outcome.error;
  }
}

TEST(DstApi, ADstCapacityBeyondTheModeIsRefused) {
  for (const int capacity : {-1, 5}) {
    const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
      test::TestProgram program(device);
      program.program().compute.dst_fp32 = true;
      program.program().compute.dst_capacity = capacity;
      program.launch();
    });
    EXPECT_EQ(outcome.code, static_cast<int>(ExitCode::usage));
    if (test::session().is_host()) {
      EXPECT_NE(outcome.error.find("DST capacity of " + std::to_string(capacity) + " tiles: 32-bit DST in half-sync has 4"),
                std::string::npos)
          << outcome.error;
    }
  }
}

}  // namespace
}  // namespace tilegrid
