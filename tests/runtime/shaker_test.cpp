// SPDX-License-Identifier: Apache-2.0
// Every kernel that we ship gives the same bits and the same logs, hence the same device time, whatever the seed that shakes
// it; kernels with races are found out. 200 seeds in one process, a few on several ranks. A new kernel is one entry more in
// shipped().
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/matmul/matmul.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/run/fused_program.h"
#include "kernels/registry.h"
#include "tests/support/result_hashes.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so
using test::Hash;
using test::Result;

std::uint64_t seeds() { return test::session().info().size == 1 ? 200 : 6; }

/// Programs to be launched one after the other, and where their results are.
struct Prepared {
  std::vector<Program> programs;
  std::vector<Buffer> outputs;
};

/// Launches with a seed, or unshaken with none.
Result result_of(Device& device, const Prepared& prepared, std::optional<std::uint64_t> seed) {
  for (const Buffer& output : prepared.outputs) device.write(output, std::vector<std::byte>(output.bytes()));
  LaunchOptions options;
  options.shake = seed;
  Hash logs;
  for (const Program& program : prepared.programs) {
    const RunResult run = device.launch(program, options);
    for (const EventLog& core : run.log.cores) {
      for (int risc = 0; risc < risc_count; ++risc) {
        for (const Event& event : core.sequence(static_cast<Risc>(risc))) logs.add(std::as_bytes(std::span(&event, 1)));
      }
    }
  }
  Hash bits;
  for (const Buffer& output : prepared.outputs) {
    std::vector<std::byte> bytes(output.bytes());
    device.read(output, std::span(bytes));
    bits.add(bytes);
  }
  return {bits.value(), logs.value()};
}

Buffer random_buffer(Device& device, int stream, std::size_t tiles, DataFormat format = DataFormat::bf16) {
  const std::vector<float> values =
      attention::random_samples(7, stream, tiles * tile_elements, attention::Distribution::normal);
  const std::uint32_t page = tile_bytes(format);
  std::vector<std::byte> packed(tiles * page);
  tilize(values, static_cast<int>(tiles) * tile_side, tile_side, format, packed);
  const Buffer buffer = device.create_buffer(packed.size(), page);
  device.write(buffer, packed);
  return buffer;
}

struct ShakenCase {
  std::string name;
  GridSize grid;
  std::function<Prepared(Device&)> prepare;
};
std::ostream& operator<<(std::ostream& out, const ShakenCase& c) { return out << c.name; }

// ---- Kernels that we ship

ShakenCase attention_case(const std::string& name, GridSize grid, attention::Shape shape,
                          const std::function<void(attention::Config&)>& change = {}) {
  attention::Config config;
  config.shape = shape;
  config.grid = grid;
  config.q_chunk = config.k_chunk = 32;
  if (change) change(config);
  return {name, grid, [config](Device& device) {
            validate(config);
            const attention::Config full = with_chunks(config);
            EXPECT_EQ(full.delivery, config.kv) << fallback_reason(full);
            const auto tiles = [&](int heads, int seq) {
              const int of_head = ((seq + 31) / 32) * (config.shape.dim / 32);
              return static_cast<std::size_t>(of_head) * static_cast<std::size_t>(config.shape.batch * heads);
            };
            const std::size_t q_tiles = tiles(config.shape.heads, config.shape.seq_q);
            const std::size_t kv_tiles = tiles(config.shape.kv_heads, config.shape.seq_kv);
            const Buffer q = random_buffer(device, 0, q_tiles, config.format.out);
            const Buffer k = random_buffer(device, 1, kv_tiles, config.format.out);
            const Buffer v = random_buffer(device, 2, kv_tiles, config.format.out);
            const Buffer out = device.create_buffer(q.bytes(), q.page_bytes);
            const attention::TensorAddresses tensors{q.address, k.address, v.address, out.address};
            if (config.kernel != attention::Kernel::unfused) return Prepared{{make_program(full, tensors)}, {out}};
            const Buffer scores = device.create_buffer(unfused::score_bytes(full), q.page_bytes);
            unfused::Intermediates dram{scores.address, 0};
            if (config.shape.causal) {
              const Buffer mask = device.create_buffer(unfused::mask_bytes(full), q.page_bytes);
              device.write(mask, unfused::causal_mask(full));
              dram.mask = mask.address;
            }
            return Prepared{unfused::make_programs(full, tensors, dram), {scores, out}};
          }};
}

ShakenCase fused_case(const std::string& preset, planner::Shape block) {
  static constexpr GridSize grid{2, 2};
  return {"fused_" + preset, grid, [preset, block](Device& device) {
            planner::Plan made = planner::plan(planner::preset_graph(preset, block, 0), planner::Strategy::best, {});
            EXPECT_TRUE(made.legal()) << preset;
            planner::FusedJob job{.plan = std::move(made), .block_rows = 2, .block_cols = 1, .grid = grid};
            const auto buffer_tiles = [&](planner::ValueId id) {
              return static_cast<std::size_t>(tensor_extent(job, id).tiles());
            };
            planner::FusedTensors tensors;
            for (planner::ValueId id = 0; id < job.plan.graph.input_count(); ++id) {
              tensors.inputs.push_back(random_buffer(device, id, buffer_tiles(id)).address);
            }
            Prepared prepared;
            const std::uint32_t page = tile_bytes(DataFormat::bf16);
            for (const planner::ValueId id : job.plan.graph.outputs()) {
              prepared.outputs.push_back(device.create_buffer(buffer_tiles(id) * page, page));
              tensors.outputs.push_back(prepared.outputs.back().address);
            }
            prepared.programs = {make_program(job, tensors)};
            return prepared;
          }};
}

ShakenCase matmul_case(const std::string& name, matmul::Shape shape, const std::function<void(matmul::Config&)>& change) {
  matmul::Config config;
  config.shape = shape;
  config.grid = {2, 2};
  change(config);
  return {name, config.grid, [config](Device& device) {
            const matmul::Config full = with_blocks(config);
            const auto tiles = [&](int rows, int columns) {
              const int of_one = ((rows + 31) / 32) * ((columns + 31) / 32);
              return static_cast<std::size_t>(of_one) * static_cast<std::size_t>(full.shape.batch);
            };
            const Buffer a = random_buffer(device, 0, tiles(full.shape.m, full.shape.k));
            const Buffer b = random_buffer(device, 1, tiles(full.shape.k, full.shape.n));
            const std::uint32_t page = tile_bytes(full.format.out);
            const Buffer out = device.create_buffer(tiles(full.shape.m, full.shape.n) * page, page);
            return Prepared{{make_program(full, {a.address, b.address, out.address})}, {out}};
          }};
}

void in_bfp8(attention::Config& config) { config.format = DataFormat::bfp8_b; }

std::vector<ShakenCase> shipped() {
  using attention::Config;
  using attention::Kernel;
  using attention::KvDelivery;
  std::vector<ShakenCase> cases{
      attention_case("attention", {2, 2}, {1, 2, 2, 64, 96, 32, false}),
      attention_case("causal", {3, 1}, {1, 1, 1, 128, 128, 32, true}),
      attention_case("causal_contiguous", {2, 2}, {1, 1, 1, 96, 96, 32, true},
                     [](Config& config) { config.balance = attention::Balance::contiguous; }),
      attention_case("grouped_heads", {2, 2}, {1, 4, 1, 40, 64, 64, false}),
      attention_case("small_reads", {2, 2}, {1, 1, 1, 64, 64, 64, true}, [](Config& config) { config.read_batch = 1; }),
      attention_case("planned", {2, 2}, {1, 1, 1, 64, 64, 32, true},
                     [](Config& config) { config.kernel = Kernel::planned; }),
      attention_case("multipass", {2, 2}, {1, 1, 1, 64, 64, 32, true},
                     [](Config& config) { config.kernel = Kernel::multipass; }),
      attention_case("multipass_all_steps", {2, 2}, {1, 1, 1, 64, 96, 32, false},
                     [](Config& config) {
                       config.kernel = Kernel::multipass;
                       config.steps = attention::Steps::all();
                     }),
      attention_case("unfused", {2, 2}, {1, 1, 1, 64, 64, 32, true},
                     [](Config& config) { config.kernel = Kernel::unfused; }),
      attention_case("bfp8", {2, 2}, {1, 1, 1, 96, 96, 32, true}, in_bfp8),
  };
  // One head for four cores, twice; causal members drop what is past the diagonal.
  for (const bool causal : {false, true}) {
    const std::string suffix = causal ? "_causal" : "";
    for (const auto& [name, kv] : {std::pair("chain", KvDelivery::chain), std::pair("row", KvDelivery::multicast_row),
                                   std::pair("rectangle", KvDelivery::multicast_grid)}) {
      cases.push_back(attention_case(name + suffix, {2, 2}, {1, 4, 2, 128, 128, 32, causal},
                                     [kv = kv](Config& config) { config.kv = kv; }));
    }
  }
  cases.push_back(attention_case("chain_of_bfp8", {3, 1}, {1, 3, 1, 96, 96, 32, false}, [](Config& config) {
    in_bfp8(config);
    config.kv = KvDelivery::chain;
  }));
  cases.push_back(matmul_case("matmul", {1, 64, 96, 64}, [](matmul::Config&) {}));
  cases.push_back(matmul_case("matmul_with_edges", {2, 70, 64, 90}, [](matmul::Config& config) { config.k_block = 1; }));
  cases.push_back(matmul_case("matmul_from_dram", {1, 64, 64, 64}, [](matmul::Config& config) {
    config.delivery = matmul::Delivery::dram;
    config.carrier = matmul::Carrier::reload;
    config.k_block = 1;
  }));
  for (const char* preset : {"six-op", "gelu", "rescale-accumulate", "attention-step"}) {
    cases.push_back(fused_case(preset, {{1}, {1}}));
  }
  for (const char* preset : {"softmax", "layer-norm"}) cases.push_back(fused_case(preset, {{1}, {2}}));
  return cases;
}

/// Cases whose grids have a core for every rank.
std::vector<ShakenCase> with_a_core_for_each_rank(std::vector<ShakenCase> cases) {
  std::erase_if(cases, [](const ShakenCase& c) { return c.grid.cores() < test::session().info().size; });
  return cases;
}

class ShippedKernels : public testing::TestWithParam<ShakenCase> {
 protected:
  static void SetUpTestSuite() {
    attention::register_kernels();
    planner::register_kernels();
    matmul::register_kernels();
  }
};

TEST_P(ShippedKernels, GiveTheSameWithEverySeed) {
  const test::Outcome outcome = test::run_session(GetParam().grid, [](Device& device) {
    const Prepared prepared = GetParam().prepare(device);
    const Result expected = result_of(device, prepared, {});
    for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
      ASSERT_EQ(result_of(device, prepared, seed), expected) << "--shake " << seed;
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

INSTANTIATE_TEST_SUITE_P(All, ShippedKernels, testing::ValuesIn(with_a_core_for_each_rank(shipped())),
                         [](const auto& instance) {
                           std::string name = instance.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// ---- The same of kernels that use all of the NoC, and of such with races

constexpr GridSize grid{3, 1};
constexpr std::uint32_t rounds = 6;

std::uint32_t my_index() { return my_x() - noc::virtual_base; }
std::uint64_t on_core(std::uint32_t index, std::uint32_t address) {
  return get_noc_addr(index % 3 + noc::virtual_base, noc::virtual_base, address);
}
volatile std::uint32_t* words(std::uint32_t address) { return semaphore_pointer(address); }
volatile std::uint32_t* semaphore(std::uint32_t id) { return words(get_semaphore(id)); }
void fill(std::uint32_t address, std::uint32_t count, std::uint32_t value) {
  for (std::uint32_t i = 0; i < count; ++i) words(address)[i] = value + i;
}
std::uint32_t sum(std::uint32_t address, std::uint32_t count) {
  std::uint32_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) total = total * 31 + words(address)[i];
  return total;
}

/// What a ring of cores that pass blocks on does wrong.
enum Mistake : std::uint32_t { none, no_read_barrier, flag_on_the_other_noc, no_flush_before_reuse, no_credit, flag_first };

/// Round after round: a core writes a block to the next one and raises its flag, reads one back, and gives a credit.
const auto ring = register_kernel("shaker/ring", [] {  // Mistake
  const std::uint32_t mistake = get_compile_time_arg_val(0);
  constexpr std::uint32_t count = 96;
  constexpr std::uint32_t bytes = count * 4;
  const std::uint32_t source = get_write_ptr(0);
  const std::uint32_t slot = source + 1024;
  const std::uint32_t back = source + 2048;
  const std::uint32_t next = my_index() + 1;
  const std::uint32_t previous = my_index() + 2;
  std::uint32_t seen = 0;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    if (round > 1 && mistake != no_credit)
      noc_semaphore_wait(semaphore(1), round - 1);  // the slot there and the source are free
    fill(source, count, round * 1000 + my_index() * 100);
    if (mistake == flag_first) noc_semaphore_inc(on_core(next, get_semaphore(0)), 1);
    noc_async_write(source, on_core(next, slot), bytes);
    if (mistake == no_flush_before_reuse) fill(source, count, 7);
    if (mistake != flag_first) {
      noc_semaphore_inc(on_core(next, get_semaphore(0)), 1, mistake == flag_on_the_other_noc ? 1 : default_noc);
    }
    noc_async_writes_flushed();
    noc_semaphore_wait_min(semaphore(0), round);
    seen = seen * 31 + sum(slot, count);
    // What the previous core sent is at the previous core, too, as long as it has no credit.
    noc_async_read_set_trid(round % 2 + 1);
    noc_async_read(on_core(previous, source), back, bytes);
    if (mistake != no_read_barrier) noc_async_read_barrier_with_trid(round % 2 + 1);
    seen = seen * 31 + sum(back, count);
    noc_semaphore_inc(on_core(previous, get_semaphore(1)), 1);
  }
  noc_semaphore_wait_min(semaphore(1), rounds);
  noc_async_full_barrier();
  test::put_result(0, seen);
  test::store_results();
});

/// One core multicasts linked blocks and flags from its CB to the others, where a second kernel consumes them.
const auto gives = register_kernel("shaker/gives", [] {
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    cb_wait_front(1, 1);
    noc_semaphore_wait(semaphore(2), 2 * (round - 1));  // both have room
    const std::uint64_t there = get_noc_multicast_addr(noc::virtual_base + 1, noc::virtual_base, noc::virtual_base + 2,
                                                       noc::virtual_base, get_read_ptr(1));
    noc_async_write_multicast(get_read_ptr(1), there, 512, 2, true);
    *words(get_write_ptr(2)) = round;
    noc_semaphore_set_multicast(get_write_ptr(2),
                                get_noc_multicast_addr(noc::virtual_base + 1, noc::virtual_base, noc::virtual_base + 2,
                                                       noc::virtual_base, get_semaphore(3)),
                                2);
    noc_async_writes_flushed();
    cb_pop_front(1, 1);
  }
  noc_async_write_barrier();
});
const auto makes = register_kernel("shaker/makes", [] {
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    cb_reserve_back(1, 1);
    fill(get_write_ptr(1), 128, round * 333);
    cb_push_back(1, 1);
  }
});
const auto takes = register_kernel("shaker/takes", [] {
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    cb_reserve_back(1, 1);
    noc_semaphore_wait(semaphore(3), round);
    cb_push_back(1, 1);
    noc_semaphore_inc(on_core(0, get_semaphore(2)), 1);
  }
  noc_async_atomic_barrier();
});
const auto adds_up = register_kernel("shaker/adds_up", [] {
  std::uint32_t seen = 0;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    cb_wait_front(1, 1);
    seen = seen * 31 + sum(get_read_ptr(1), 128);
    cb_pop_front(1, 1);
  }
  test::put_result(0, seen);
  test::store_results();
});

/// The results of a program with `set_up`, as a hash.
std::uint64_t run_seed(Device& device, const std::function<void(test::TestProgram&)>& set_up,
                       std::optional<std::uint64_t> seed) {
  device.free_buffers();
  device.set_shake(seed);
  test::TestProgram program(device);
  program.cb(0, 4, 1024).semaphores({0, 0, 0, 0});
  set_up(program);
  program.launch();
  Hash hash;
  for (int core = 0; core < grid.cores(); ++core) {
    for (const Risc risc : {Risc::brisc, Risc::ncrisc}) {
      const std::uint32_t value = program.result(grid.core(core), risc, 0);
      hash.add(std::as_bytes(std::span(&value, 1)));
    }
  }
  return hash.value();
}

/// How many of the seeds give another result than no seed does.
std::uint64_t different(const std::function<void(test::TestProgram&)>& set_up, std::uint64_t count) {
  std::uint64_t others = 0;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    const std::uint64_t expected = run_seed(device, set_up, {});
    for (std::uint64_t seed = 0; seed < count; ++seed) others += run_seed(device, set_up, seed) != expected ? 1 : 0;
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  return others;
}

std::function<void(test::TestProgram&)> ring_with(Mistake mistake) {
  return [mistake](test::TestProgram& program) { program.kernel(ring, Risc::brisc, CoreRange::all(grid), {mistake}); };
}

TEST(Shaker, LeavesCorrectKernelsAlone) {
  EXPECT_EQ(different(ring_with(none), seeds()), 0U);
  const auto multicast = [](test::TestProgram& program) {
    program.cb(1, 2, 512).cb(2, 1, 32);
    program.kernel(makes, Risc::ncrisc, test::only({0, 0})).kernel(gives, Risc::brisc, test::only({0, 0}));
    program.kernel(takes, Risc::ncrisc, {{1, 0}, {2, 0}}).kernel(adds_up, Risc::brisc, {{1, 0}, {2, 0}});
  };
  EXPECT_EQ(different(multicast, seeds()), 0U);
}

TEST(Shaker, FindsRaces) {
  const bool alone = test::session().info().size == 1;
  for (const Mistake mistake : {no_read_barrier, flag_on_the_other_noc, no_flush_before_reuse, no_credit, flag_first}) {
    const std::uint64_t count = alone ? 200 : 30;
    const std::uint64_t found = different(ring_with(mistake), count);
    if (!test::session().is_host()) continue;
    EXPECT_GT(found, 0U) << "mistake " << mistake;
    RecordProperty("mistake_" + std::to_string(mistake), std::to_string(found) + " of " + std::to_string(count) + " seeds");
  }
}

TEST(Shaker, DoesTheSameForTheSameSeed) {
  if (test::session().info().size > 1) return;  // messages between ranks come when they come
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const std::uint64_t once = run_seed(device, ring_with(no_read_barrier), seed);
      EXPECT_EQ(run_seed(device, ring_with(no_read_barrier), seed), once) << seed;
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Shaker, FindsDeadlocksAndLeavesTheSessionUsable) {
  const auto waits = [](test::TestProgram& program) {
    program.kernel(takes, Risc::ncrisc, test::only({1, 0})).cb(1, 2, 512);
  };
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      EXPECT_THROW(run_seed(device, waits, seed), DeadlockError);
      EXPECT_EQ(run_seed(device, ring_with(none), seed), run_seed(device, ring_with(none), {}));
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

}  // namespace
}  // namespace tilegrid
