// SPDX-License-Identifier: Apache-2.0
// A dry run logs and counts what a full run does, and moves no data.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/registry.h"
#include "tests/support/same_run.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{4, 2};
constexpr std::uint32_t tile_page = 2048;

using test::dry_options;
using test::expect_same_counts;
using test::expect_same_logs;

// ---- Attention

struct AttentionCase {
  std::string name;
  attention::Shape shape;  ///< batch, heads, kv_heads, seq_q, seq_kv, dim, causal
  int q_chunk;
  int k_chunk;
  bool exact = false;  ///< fp32 data and DST
  attention::Kernel kernel = attention::Kernel::hand_written;
  int read_batch = 0;
};

class DryAttention : public testing::TestWithParam<AttentionCase> {
 protected:
  static void SetUpTestSuite() { attention::register_kernels(); }
};

attention::Config config_of(const AttentionCase& c) {
  attention::Config config;
  config.shape = c.shape;
  config.grid = grid;
  config.q_chunk = c.q_chunk;
  config.k_chunk = c.k_chunk;
  config.kernel = c.kernel;
  config.read_batch = c.read_batch;
  if (c.exact) {
    config.format = DataFormat::fp32;
    config.compute.dst_fp32 = true;
  }
  attention::validate(config);
  return attention::with_chunks(config);
}

constexpr std::byte untouched{0x11};

struct Tensors {
  Buffer q, k, v, out;
};

Tensors make_tensors(Device& device, const attention::Config& config) {
  const auto create = [&](int heads, int rows, std::byte content) {
    const std::uint32_t page = tile_bytes(config.format.out);
    const auto tiles = static_cast<std::uint64_t>(heads) * static_cast<std::uint64_t>((rows + 31) / 32) *
                       static_cast<std::uint64_t>(config.shape.dim / 32);
    const Buffer buffer = device.create_buffer(tiles * page, page);
    device.write(buffer, std::vector<std::byte>(buffer.bytes(), content));
    return buffer;
  };
  const attention::Shape& s = config.shape;
  return {create(s.batch * s.heads, s.seq_q, std::byte{0x3C}), create(s.batch * s.kv_heads, s.seq_kv, std::byte{0x3C}),
          create(s.batch * s.kv_heads, s.seq_kv, std::byte{0x3C}), create(s.batch * s.heads, s.seq_q, untouched)};
}

TEST_P(DryAttention, LogsAndCountsWhatAFullRunDoesAndWritesNothing) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    const attention::Config config = config_of(GetParam());
    const Tensors tensors = make_tensors(device, config);
    const Program program =
        attention::make_program(config, {tensors.q.address, tensors.k.address, tensors.v.address, tensors.out.address});
    std::vector<std::byte> out(tensors.out.bytes());
    const RunResult dry = device.launch(program, dry_options());
    device.read(tensors.out, out);
    EXPECT_EQ(out, std::vector<std::byte>(out.size(), untouched));
    const RunResult full = device.launch(program);
    device.read(tensors.out, out);
    EXPECT_NE(out, std::vector<std::byte>(out.size(), untouched));
    expect_same_logs(dry.log, full.log);
    expect_same_counts(dry, full);
    for (const RankHostCost& rank : dry.ranks) EXPECT_LT(rank.bytes, 1U << 20U) << "control messages alone";
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, DryAttention,
    testing::ValuesIn(std::vector<AttentionCase>{
        {"causal", {1, 2, 2, 256, 256, 64, true}, 64, 64},
        {"grouped_causal", {1, 8, 2, 192, 192, 128, true}, 32, 96},
        {"ragged_keys", {1, 2, 1, 77, 333, 96, false}, 32, 128},
        {"more_keys", {2, 4, 1, 128, 192, 32, false}, 64, 96, false, attention::Kernel::hand_written, 3},
        {"fp32", {1, 2, 1, 128, 128, 64, true}, 64, 32, true},
        {"planned", {1, 2, 2, 256, 256, 64, true}, 64, 64, false, attention::Kernel::planned},
        {"multipass", {1, 2, 2, 256, 256, 64, true}, 64, 64, false, attention::Kernel::multipass},
    }),
    [](const auto& instance) { return instance.param.name; });

TEST_F(DryAttention, KeepsARepeatedKStepOnceForAllCores) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    const AttentionCase shape{"long", {1, 2, 1, 4096, 4096, 64, false}, 64, 64};
    const attention::Config config = config_of(shape);
    const Program program = attention::make_program(config, {});
    static_cast<void>(device.create_buffer(std::uint64_t{1} << 30U, tile_page));  // address space; nothing is touched
    const RunResult result = device.launch(program, dry_options());
    std::set<const Event*> blocks;
    std::size_t kept = 0;
    std::size_t events = 0;
    for (const EventLog& log : result.log.cores) {
      const EventSequence& sequence = log.sequence(Risc::trisc);
      events += sequence.size();
      for (std::size_t i = 0; i < sequence.block_count(); ++i) {
        if (blocks.insert(sequence.block(i).data()).second) kept += sequence.block(i).size();
      }
    }
    EXPECT_LE(blocks.size(), 8U) << "start, first, odd and even steps, end";
    EXPECT_GT(events, 1000 * kept);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST_F(DryAttention, NamesThePhases) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    const attention::Config config = config_of({"causal", {1, 1, 1, 256, 256, 64, true}, 64, 64});
    static_cast<void>(device.create_buffer(std::uint64_t{1} << 20U, tile_page));
    const RunResult result = device.launch(attention::make_program(config, {}), dry_options());
    const auto zones = [&](Risc risc) {
      std::set<std::string> found;
      for (const EventLog& log : result.log.cores) {
        std::uint8_t last = 0;
        for (const Event& event : log.sequence(risc)) {
          if (event.kind() != EventKind::zone) continue;
          const auto zone = events::get<events::Zone>(event);
          EXPECT_NE(zone.phase, last) << "logged when it changes";
          last = zone.phase;
          found.insert(result.log.phases.at(last - std::size_t{1}));
        }
      }
      return found;
    };
    EXPECT_EQ(zones(Risc::brisc), (std::set<std::string>{"mask", "write"}));
    EXPECT_EQ(zones(Risc::ncrisc), std::set<std::string>{"read"});
    EXPECT_EQ(zones(Risc::trisc), (std::set<std::string>{"qk", "mask", "max", "exp", "sum", "pv", "rescale", "normalise"}));
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

// ---- Other kernels

Program program_of(const std::string& kernel, Risc risc, std::vector<CircularBufferConfig> buffers) {
  Program program;
  program.name = kernel;
  program.grid = grid;
  program.circular_buffers = std::move(buffers);
  program.semaphores = {0, 0};
  program.kernels = {{kernel, risc, NocId::noc0, CoreRange::all(grid), {}, {}, {}}};
  return program;
}

/// Core (0,0) multicasts a page and a flag; all others count themselves in, then pass a word round a ring of writes.
const auto signals = register_kernel("dry/signals", [] {
  const std::uint32_t page = get_write_ptr(0);
  const std::uint32_t flag = get_semaphore(0);
  const std::uint32_t counter = get_semaphore(1);
  const std::uint32_t first = noc::virtual_base;
  cb_reserve_back(0, 1);
  const bool sender = my_x() == first && my_y() == first;
  if (sender) {
    std::memset(l1_pointer(page), 7, tile_page);
    noc_semaphore_wait(semaphore_pointer(counter), 7);
    const std::uint64_t all = get_noc_multicast_addr(first, first, first + 3, first + 1, page);
    noc_async_write_multicast(page, all, tile_page, 7);
    noc_semaphore_set(semaphore_pointer(flag), 1);
    noc_semaphore_set_multicast(flag, get_noc_multicast_addr(first, first, first + 3, first + 1, flag), 7);
    noc_async_write_barrier();
  } else {
    noc_semaphore_inc(get_noc_addr(first, first, counter), 1);
    noc_semaphore_wait(semaphore_pointer(flag), 1);
    const auto arrived = std::to_integer<int>(*l1_pointer(page));
    if (arrived != (is_dry() ? 0 : 7)) throw std::runtime_error("the page " + std::to_string(arrived));
  }
  noc_async_atomic_barrier();
  cb_push_back(0, 1);
});

TEST(DryRun, SignalsArriveAndDataDoesNot) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    const Program program = program_of(signals, Risc::brisc, {{0, 1, tile_page, DataFormat::bf16, "page"}});
    const RunResult dry = device.launch(program, dry_options());
    const RunResult full = device.launch(program);
    expect_same_logs(dry.log, full.log);
    expect_same_counts(dry, full);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

/// Every kind of call of the compute API.
const auto computes = register_kernel("dry/computes", [] {
  for (const std::uint32_t cb : {0U, 1U}) {
    cb_reserve_back(cb, 2);
    if (!is_dry()) std::memset(l1_pointer(get_write_ptr(cb)), 0, std::size_t{2} * tile_page);
    cb_push_back(cb, 2);
    cb_wait_front(cb, 2);
  }
  tile_regs_acquire();
  matmul_tiles(0, 1, 0, 0, 0);
  mul_tiles(0, 1, 0, 1, 1);
  binary_dest_reuse_tiles(EltwiseOp::add, true, 0, 1, 1);
  reduce_tile(Pool::sum, ReduceDim::row, 0, 1, 0, 0, 2);
  copy_tile(0, 0, 3);
  unary_bcast(Broadcast::rows, 1, 0, 4);
  transpose_wh_tile(0, 1, 5);
  exp_tile(3, true, VectorMode::c);
  vector_binary_tile(VectorOp::add_tile, 3, 4, 6, VectorMode::r);
  where_tile(3, 4, 5, 7, VectorMode::first_column);
  copy_dest_values(7, 2);
  fill_tile(7, 2.0F);
  tile_regs_commit();
  tile_regs_wait();
  cb_reserve_back(2, 8);
  pack_tile_block(0, 2, 8);
  tile_regs_release();
  const auto last =
      static_cast<std::uint32_t>(*reinterpret_cast<const std::uint16_t*>(l1_pointer(get_write_ptr(2) + 7 * tile_page)));
  if (last != (is_dry() ? 0U : 0x4000U)) throw std::runtime_error("the last tile begins with " + std::to_string(last));
  cb_push_back(2, 8);
});

TEST(DryRun, UnitsComputeNothing) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    const Program program = program_of(computes, Risc::trisc,
                                       {{0, 2, tile_page, DataFormat::bf16, "a"},
                                        {1, 2, tile_page, DataFormat::bf16, "b"},
                                        {2, 8, tile_page, DataFormat::bf16, "out"}});
    const RunResult dry = device.launch(program, dry_options());
    const RunResult full = device.launch(program);
    expect_same_logs(dry.log, full.log);
    expect_same_counts(dry, full);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

const auto packs_too_early = register_kernel("dry/packs_too_early", [] {
  cb_reserve_back(0, 1);
  tile_regs_acquire();
  pack_tile(0, 0);
});
const auto pops_too_much = register_kernel("dry/pops_too_much", [] { cb_pop_front(0, 1); });
const auto reads_beyond = register_kernel("dry/reads_beyond", [] {
  cb_reserve_back(0, 1);
  noc_async_read(noc::dram_address(running_kernel().core->chip.places(), 3, std::uint64_t{1} << 30U), get_write_ptr(0),
                 tile_page);
});

TEST(DryRun, ChecksAsAFullRunDoes) {
  for (const std::string& kernel : {packs_too_early, pops_too_much, reads_beyond}) {
    std::string errors[2];
    for (const bool dry : {false, true}) {
      const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
        device.launch(program_of(kernel, Risc::trisc, {{0, 1, tile_page, DataFormat::bf16, "page"}}), dry_options(dry));
      });
      EXPECT_EQ(outcome.code, 2) << kernel;
      errors[dry ? 1 : 0] = outcome.error;
    }
    EXPECT_EQ(errors[0], errors[1]);
  }
}

}  // namespace
}  // namespace tilegrid
