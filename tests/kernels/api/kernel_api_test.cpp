// SPDX-License-Identifier: Apache-2.0
// The kernel API as kernels see it: buffers between kernels, arguments, probes, and the compute calls on real tiles. What
// the units compute is tested in tests/core; here it is the wiring, the counters and the log.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

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

// ---- Circular buffers between kernels

const auto counts_up = register_kernel("api/counts_up", [] {  // pages, block
  for (std::uint32_t first = 0; first < get_compile_time_arg_val(0); first += get_compile_time_arg_val(1)) {
    cb_reserve_back(0, get_compile_time_arg_val(1));
    for (std::uint32_t i = 0; i < get_compile_time_arg_val(1); ++i) {
      *semaphore_pointer(get_write_ptr(0) + i * get_tile_size(0)) = first + i;
    }
    cb_push_back(0, get_compile_time_arg_val(1));
  }
});
const auto doubles = register_kernel("api/doubles", [] {  // pages, block; other blocks than the producer's
  for (std::uint32_t first = 0; first < get_compile_time_arg_val(0); first += get_compile_time_arg_val(1)) {
    const std::uint32_t block = get_compile_time_arg_val(1);
    for (std::uint32_t there = 1; there <= block; ++there) cb_wait_front(0, there);  // cumulative
    cb_reserve_back(1, block);
    for (std::uint32_t i = 0; i < block; ++i) {
      *semaphore_pointer(get_write_ptr(1) + i * get_tile_size(1)) =
          2 * *semaphore_pointer(get_read_ptr(0) + i * get_tile_size(0));
    }
    cb_push_back(1, block);
    cb_pop_front(0, block);
  }
});
const auto checks_doubles = register_kernel("api/checks_doubles", [] {  // pages
  std::uint32_t right = 0;
  for (std::uint32_t i = 0; i < get_compile_time_arg_val(0); ++i) {
    cb_wait_front(1, 1);
    right += *semaphore_pointer(get_read_ptr(1)) == 2 * i ? 1 : 0;
    cb_pop_front(1, 1);
  }
  put_result(0, right);
  store_results();
});

TEST(KernelApi, ThreeKernelsFormAPipeline) {
  run(
      [](test::TestProgram& program) {
        const CoreRange all = CoreRange::all(grid);
        program.cb(0, 6, 32).cb(1, 4, 64);
        program.kernel(counts_up, Risc::ncrisc, all, {600, 3}).kernel(doubles, Risc::trisc, all, {600, 2});
        program.kernel(checks_doubles, Risc::brisc, all, {600});
      },
      [](const test::TestProgram& program, const RunResult& result) {
        for (int core = 0; core < grid.cores(); ++core) {
          EXPECT_EQ(program.result(grid.core(core), Risc::brisc, 0), 600U);
          const CoreCounters& counters = result.cores[static_cast<std::size_t>(core)];
          EXPECT_EQ(counters.cbs[0].pushed_pages, 600U);
          EXPECT_EQ(counters.cbs[0].capacity_pages, 6U);
          EXPECT_EQ(counters.cbs[1].page_bytes, 64U);
          EXPECT_GE(counters.cbs[1].high_water_pages, 2U);
          EXPECT_LE(counters.cbs[1].high_water_pages, 4U);
          EXPECT_EQ(counters.ambiguous_waits, 0U);
        }
        EXPECT_EQ(check_log({grid, "", {result.log}}), std::vector<std::string>{});
      });
}

const auto looks_at_buffers = register_kernel("api/looks_at_buffers", [] {
  put_result(0, get_tile_size(5));
  put_result(1, static_cast<std::uint32_t>(get_dataformat(5)));
  const std::uint32_t base = get_write_ptr(5);
  cb_reserve_back(5, 2);
  cb_push_back(5, 1);
  put_result(2, get_write_ptr(5) - base);
  put_result(3, get_read_ptr(5) - base);
  cb_wait_front(5, 1);
  cb_pop_front(5, 1);
  put_result(4, get_read_ptr(5) - base);
  put_result(5, cb_pages_reservable_at_back(5, 3) ? 1 : 0);
  put_result(6, cb_pages_available_at_front(5, 1) ? 1 : 0);
  put_result(7, get_write_ptr(6) - base);  // the next one declared begins at a multiple of 32
  store_results();
});

TEST(KernelApi, BuffersTellTheirPlace) {
  run(
      [](test::TestProgram& program) {
        program.cb(5, 3, 16, DataFormat::fp16).cb(6, 1).kernel(looks_at_buffers, Risc::brisc, test::only({3, 0}));
      },
      [](const test::TestProgram& program, const RunResult& result) {
        const std::vector<std::uint32_t> expected{16, static_cast<std::uint32_t>(DataFormat::fp16), 16, 0, 16, 1, 0, 64};
        for (std::uint32_t i = 0; i < expected.size(); ++i)
          EXPECT_EQ(program.result({3, 0}, Risc::brisc, i), expected[i]) << i;
        EXPECT_EQ(result.cores[3].ambiguous_waits, 2U) << "probes are counted";
      });
}

// ---- Compute

const auto packs_in_order = register_kernel("api/packs_in_order", [] {
  give_tile(0, 3.0F);
  give_tile(1, 4.0F);
  cb_reserve_back(16, 4);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  add_tiles(0, 1, 0, 0, 1);
  mul_tiles(0, 1, 0, 0, 2);
  mul_tiles(0, 1, 0, 0, 2);  // adds to what the slot holds
  sub_tiles(0, 1, 0, 0, 3);
  sub_tiles(0, 1, 0, 0, 3);  // overwrites
  tile_regs_commit();
  tile_regs_wait();
  pack_tile(3, 16);
  pack_tile(2, 16);
  pack_tile_at(1, 16, 3);
  pack_tile_at(0, 16, 2);
  tile_regs_release();
  const std::uint32_t out = get_write_ptr(16);
  cb_push_back(16, 4);
  for (std::uint32_t i = 0; i < 4; ++i) put_result(i, element(out + i * tile_page, 1023));
  store_results();
});

TEST(KernelApi, PacksToTheNextTileOrTheOneNamed) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).cb(1, 1).cb(16, 4).kernel(packs_in_order, Risc::trisc, test::only({1, 1}));
      },
      [](const test::TestProgram& program, const RunResult& result) {
        const std::vector<float> expected{-1, 24, 3, 7};
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(program.result({1, 1}, Risc::trisc, i), bits(expected[i])) << i;
        const CoreCounters& c = result.cores[5];
        const auto tiles = [&](TileOp op) { return c.tiles[static_cast<std::size_t>(op)]; };
        EXPECT_EQ(tiles(TileOp::copy), 1U);
        EXPECT_EQ(tiles(TileOp::add), 1U);
        EXPECT_EQ(tiles(TileOp::mul), 2U);
        EXPECT_EQ(tiles(TileOp::sub), 2U);
        EXPECT_EQ(tiles(TileOp::pack), 4U);
        EXPECT_EQ(tiles(TileOp::unpack), 11U);
        EXPECT_EQ(c.dst_sections, 1U);
        EXPECT_EQ(c.dst_peak_slots, 4U);
        EXPECT_EQ(c.dst_capacity, 8U);
      });
}

const auto multiplies_blocks = register_kernel("api/multiplies_blocks", [] {
  // in0: 2x3 tiles of r*3+k+1, in1: 3x2 tiles of k*2+c+1, all tiles constant.
  cb_reserve_back(0, 6);
  cb_reserve_back(1, 6);
  for (std::uint32_t i = 0; i < 6; ++i) {
    store_tile(get_write_ptr(0) + i * tile_page, static_cast<float>(i + 1));
    store_tile(get_write_ptr(1) + i * tile_page, static_cast<float>(i + 1) / 32);
  }
  cb_push_back(0, 6);
  cb_push_back(1, 6);
  cb_wait_front(0, 6);
  cb_wait_front(1, 6);
  cb_reserve_back(16, 4);
  mm_block_init(0, 1, 16, false, 2, 2, 3);
  tile_regs_acquire();
  for (std::uint32_t k = 0; k < 3; ++k) matmul_block(0, 1, k, 2 * k, 0, false, 2, 2, 3);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile_block(0, 16, 4);
  tile_regs_release();
  for (std::uint32_t i = 0; i < 4; ++i) put_result(i, element(get_write_ptr(16) + i * tile_page, 77));
  cb_push_back(16, 4);
  store_results();
});

TEST(KernelApi, MatmulBlocksStepThroughK) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 6).cb(1, 6).cb(16, 4).kernel(multiplies_blocks, Risc::trisc, test::only({0, 0}));
        program.program().compute.fidelity = Fidelity::hifi4;
      },
      [](const test::TestProgram& program, const RunResult& result) {
        const std::vector<float> expected{22, 28, 49, 64};  // [[1 2 3] [4 5 6]] x [[1 2] [3 4] [5 6]]
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(program.result({0, 0}, Risc::trisc, i), bits(expected[i])) << i;
        EXPECT_EQ(result.cores[0].tiles[static_cast<std::size_t>(TileOp::matmul)], 12U);
        int matmuls = 0;
        for (const Event& event : result.log.cores[0].sequence(Risc::trisc)) {
          if (event.kind() != EventKind::matmul) continue;
          ++matmuls;
          const auto matmul = events::get<events::Matmul>(event);
          EXPECT_EQ(matmul.rows, 2);
          EXPECT_EQ(matmul.columns, 2);
          EXPECT_EQ(matmul.fidelity, Fidelity::hifi4);
        }
        EXPECT_EQ(matmuls, 3);
      });
}

const auto works_in_place = register_kernel("api/works_in_place", [] {
  give_tile(0, 5.0F);
  cb_pop_front(0, 1);
  cb_reserve_back(0, 1);  // its own consumer and producer
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  vector_tile(VectorOp::square, 0);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile(0, 0);
  tile_regs_release();
  cb_push_back(0, 1);
  cb_wait_front(0, 1);
  put_result(0, element(get_read_ptr(0), 0));
  store_results();
});

TEST(KernelApi, AFullBufferMayBePoppedAndRewrittenInPlace) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).kernel(works_in_place, Risc::trisc, test::only({2, 0}));
      },
      [](const test::TestProgram& program, const RunResult&) {
        EXPECT_EQ(program.result({2, 0}, Risc::trisc, 0), bits(25.0F));
      });
}

const auto packs_specially = register_kernel("api/packs_specially", [] {
  give_tile(0, -2.0F);
  cb_reserve_back(16, 3);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  tile_regs_commit();
  tile_regs_wait();
  pack_tile_at(0, 16, 0);
  pack_reconfig_l1_acc(true);
  pack_tile_at(0, 16, 0);
  pack_tile_at(0, 16, 0);
  pack_reconfig_l1_acc(false);
  pack_relu_config(ReluMode::zero);
  pack_tile_at(0, 16, 1);
  pack_relu_config(ReluMode::none);
  pack_tile_at(5, 16, 2);  // cleared
  tile_regs_release();
  for (std::uint32_t i = 0; i < 3; ++i) put_result(i, element(get_write_ptr(16) + i * tile_page, 512));
  cb_push_back(16, 3);
  store_results();
});

TEST(KernelApi, PackAccumulatesClampsAndPacksClearedSlotsAsZeros) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).cb(16, 3).kernel(packs_specially, Risc::trisc, test::only({2, 1}));
      },
      [](const test::TestProgram& program, const RunResult& result) {
        EXPECT_EQ(program.result({2, 1}, Risc::trisc, 0), bits(-6.0F));
        EXPECT_EQ(program.result({2, 1}, Risc::trisc, 1), bits(0.0F));
        EXPECT_EQ(program.result({2, 1}, Risc::trisc, 2), bits(0.0F));
        EXPECT_EQ(result.cores[6].tiles[static_cast<std::size_t>(TileOp::pack_l1_acc)], 2U);
        EXPECT_EQ(result.cores[6].tiles[static_cast<std::size_t>(TileOp::pack)], 3U);
      });
}

const auto reduces = register_kernel("api/reduces", [] {
  give_tile(0, 3.0F);
  give_tile(1, 1.0F);
  give_tile(2, 2.0F);
  cb_reserve_back(16, 4);
  tile_regs_acquire();
  reduce_tile(Pool::sum, ReduceDim::row, 0, 1, 0, 0, 0);
  reduce_block_max_row(0, 1, 0, 1, 1);
  copy_tile(2, 0, 2);
  binary_dest_reuse_tiles(EltwiseOp::sub, true, 0, 0, 2);  // 2 - 3
  transpose_wh_tile(0, 0, 3);
  binary_max_tile(3, 2, 3);  // max(3, -1)
  tile_regs_commit();
  tile_regs_wait();
  pack_tile_block(0, 16, 4);
  tile_regs_release();
  for (std::uint32_t i = 0; i < 4; ++i) put_result(i, element(get_write_ptr(16) + i * tile_page, 0));
  cb_push_back(16, 4);
  store_results();
});

TEST(KernelApi, ReducesReusesAndCompares) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).cb(1, 1).cb(2, 1).cb(16, 4).kernel(reduces, Risc::trisc, test::only({0, 1}));
      },
      [](const test::TestProgram& program, const RunResult&) {
        const std::vector<float> expected{96, 3, -1, 3};
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(program.result({0, 1}, Risc::trisc, i), bits(expected[i])) << i;
      });
}

const auto tells_capacity = register_kernel("api/tells_capacity", [] {
  put_result(0, dst_capacity());
  store_results();
});

TEST(KernelApi, TellsTheDstCapacityOfTheProgram) {
  for (const bool fp32 : {false, true}) {
    for (const bool full : {false, true}) {
      run(
          [&](test::TestProgram& program) {
            program.kernel(tells_capacity, Risc::trisc, test::only({3, 1}));
            program.program().compute.dst_fp32 = fp32;
            program.program().compute.full_sync = full;
          },
          [&](const test::TestProgram& program, const RunResult& result) {
            const std::uint32_t slots = (full ? 16U : 8U) / (fp32 ? 2U : 1U);
            EXPECT_EQ(program.result({3, 1}, Risc::trisc, 0), slots);
            EXPECT_EQ(result.cores[7].dst_capacity, slots);
          });
    }
  }
  run(
      [&](test::TestProgram& program) {
        program.kernel(tells_capacity, Risc::trisc, test::only({3, 1}));
        program.program().compute.dst_capacity = 5;
      },
      [&](const test::TestProgram& program, const RunResult& result) {
        EXPECT_EQ(program.result({3, 1}, Risc::trisc, 0), 5U);
        EXPECT_EQ(result.cores[7].dst_capacity, 5U);
      });
}

TEST(KernelApi, TheLogTellsWhatCoresHaveOfTheirOwn) {
  run(
      [&](test::TestProgram& program) {
        program.cb(0, 2)
            .kernel(tells_capacity, Risc::trisc, test::only({0, 0}))
            .kernel(tells_capacity, Risc::trisc, test::only({3, 1}));
        program.cb(4, 1, 4096);
        program.program().circular_buffers.back().cores = test::only({3, 1});
        program.program().core_semaphores.push_back({1, 9, test::only({3, 1})});
        program.program().kernels.back().compute = ComputeConfig{.full_sync = true};
      },
      [&](const test::TestProgram& program, const RunResult& result) {
        EXPECT_EQ(program.result({0, 0}, Risc::trisc, 0), 8U);
        EXPECT_EQ(program.result({3, 1}, Risc::trisc, 0), 16U);
        if (result.log.cores.empty()) return;  // this run keeps none
        ASSERT_EQ(result.log.setups.size(), 2U);
        const CoreSetup& most = result.log.setup_of(0);
        const CoreSetup& own = result.log.setup_of(7);
        EXPECT_FALSE(most.full_sync);
        EXPECT_TRUE(own.full_sync);
        EXPECT_EQ(own.buffers.size(), most.buffers.size() + 1);
        EXPECT_EQ(own.buffers.back().page_bytes, 4096U);
        EXPECT_EQ(own.semaphores, (std::vector<std::uint32_t>{0, 9}));
        EXPECT_EQ(most.semaphores, (std::vector<std::uint32_t>{0, 0}));
      });
}

// ---- Addresses

const auto tells_addresses = register_kernel("api/tells_addresses", [] {
  const std::uint64_t own = get_noc_addr(get_write_ptr(test::results_cb));
  put_result(0, my_x());
  put_result(1, my_y());
  put_result(2, own == noc::make_address(my_x(), my_y(), l1_user_base) ? 1 : 0);
  put_result(3, get_semaphore(3) - get_semaphore(0));
  store_results();
});

TEST(KernelApi, AddressesAreVirtualCoordinatesAndOffsets) {
  run([](test::TestProgram& program) { program.kernel(tells_addresses, Risc::brisc, CoreRange::all(grid)); },
      [](const test::TestProgram& program, const RunResult&) {
        for (int core = 0; core < grid.cores(); ++core) {
          const LogicalCore at = grid.core(core);
          EXPECT_EQ(program.result(at, Risc::brisc, 0), Device::worker_core(at).x);
          EXPECT_EQ(program.result(at, Risc::brisc, 1), Device::worker_core(at).y);
          EXPECT_EQ(program.result(at, Risc::brisc, 2), 1U) << "a NoC address holds no process's pointer";
          EXPECT_EQ(program.result(at, Risc::brisc, 3), 48U);
        }
      });
}

// ---- The log

const auto logs_some = register_kernel("api/logs_some", [] {
  cb_reserve_back(0, 1);
  note_generated(0, 64);
  cb_push_back(0, 1);
  cb_wait_front(0, 1);
  cb_pop_front(0, 1);
  noc_async_read_barrier();
  noc_async_writes_flushed(1);
  noc_semaphore_set(semaphore_pointer(get_semaphore(0)), 4);
  noc_semaphore_wait_min(semaphore_pointer(get_semaphore(0)), 3);
});

TEST(KernelApi, EveryCallIsLoggedInOrder) {
  run(
      [](test::TestProgram& program) {
        program.cb(0, 1).semaphores({0}).kernel(logs_some, Risc::ncrisc, test::only({1, 0}));
      },
      [](const test::TestProgram&, const RunResult& result) {
        std::vector<std::string> lines;
        for (const Event& event : result.log.cores[1].sequence(Risc::ncrisc)) lines.push_back(to_text(event));
        EXPECT_EQ(lines, (std::vector<std::string>{
                             "kernel_start", "cb_reserve cb 0 pages 1", "generate cb 0 64 bytes", "cb_push cb 0 pages 1",
                             "cb_wait cb 0 pages 1", "cb_pop cb 0 pages 1", "read_barrier noc 0", "writes_flushed noc 1",
                             "semaphore_set 4 node 2-1 offset 65536", "semaphore_wait >= 3 offset 65536", "kernel_end"}));
        EXPECT_TRUE(result.log.cores[0].sequence(Risc::ncrisc).empty());
      });
}

}  // namespace
}  // namespace tilegrid
