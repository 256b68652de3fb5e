// SPDX-License-Identifier: Apache-2.0
// A faster part never slows a run down by more than rounding - where nothing has to wait. Where packets queue, order of
// arrival is served, and two that swap places because one comes earlier can push a third back: no such network is without
// these losses. Small steps of many constants over logs of several kinds bound them, and print the largest.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/attention/kernel_args.h"
#include "runtime/timing/microbenchmarks.h"
#include "runtime/timing/replay.h"
#include "tests/runtime/timing/plain_replay.h"
#include "tests/support/session_support.h"
#include "tests/support/wormhole.h"

namespace tilegrid::timing {
namespace {

const Microbenchmarks mb;

constexpr int steps = 10;

/// What a log may lose.
struct Tolerance {
  double step = 0;   ///< against the fastest of the slower machines
  double total = 0;  ///< of all steps together
};
constexpr Tolerance rounding{1e-9, 1e-9};
/// Reads of one core from all banks that meet in its column. Measured: 0.1 %.
constexpr Tolerance few_meetings{0.002, 1e-9};
/// Measured: 8.8 % and 2.1 % where all of 80 cores wait for the last one's packets, 5.0 % and 2.3 % in attention.
constexpr Tolerance full_network{0.11, 0.035};
constexpr Tolerance shared_network{0.07, 0.03};

struct Constant {
  const char* name;
  double factor;  ///< of a step towards a faster machine
};
constexpr Constant constants[] = {
    {"noc_hop_cycles", 0.96},       {"noc_niu_cycles", 0.9},        {"noc_packet_gap_cycles", 0.8},
    {"noc_flit_bytes", 1.07},       {"noc_read_issue_cycles", 0.9}, {"noc_write_issue_cycles", 0.9},
    {"noc_read_flit_cycles", 0.98}, {"noc_new_target_cycles", 0.8}, {"l1_access_cycles", 0.8},
    {"dram_bytes_per_cycle", 1.06}, {"dram_read_cycles", 0.9},      {"dram_request_cycles", 0.8},
    {"cb_visible_cycles", 0.8},     {"matmul_phase_cycles", 0.95},  {"unpack_bytes_per_cycle", 1.07},
};

/// Steps of all constants over one log.
void expect_monotony(const std::string& what, const RunLog& log, Tolerance tolerance) {
  const double first = kernel_cycles(log, Chip::load("wormhole_b0"));
  double worst_step = 0, worst_total = 0;
  for (const Constant& constant : constants) {
    Chip machine = Chip::load("wormhole_b0");
    double value = machine[constant.name];
    double least = first, now = first;
    for (int step = 0; step < steps; ++step) {
      value *= constant.factor;
      machine.set(std::string(constant.name) + "=" + std::to_string(value));
      now = kernel_cycles(log, machine);
      EXPECT_LE(now / least - 1, tolerance.step) << what << ", " << constant.name << " = " << value;
      worst_step = std::max(worst_step, now / least - 1);
      least = std::min(least, now);
    }
    EXPECT_LE(now / first - 1, tolerance.total) << what << ", " << constant.name << " = " << value;
    worst_total = std::max(worst_total, now / first - 1);
  }
  std::printf("[ LARGEST LOSS ] %s: %.2f %% in a step, %.2f %% over all steps\n", what.c_str(), 100 * worst_step,
              100 * worst_total);
}

RunLog attention_log(attention::Shape shape, int q_chunk, int k_chunk) {
  constexpr GridSize grid{8, 10};
  RunLog log;
  log.grid = grid;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    attention::register_kernels();
    attention::Config config;
    config.shape = shape;
    config.grid = grid;
    config.q_chunk = q_chunk;
    config.k_chunk = k_chunk;
    attention::validate(config);
    config = attention::with_chunks(config);
    static_cast<void>(device.create_buffer(std::uint64_t{1} << 26U, 2048));  // address space; nothing is touched
    LaunchOptions options;
    options.dry = true;
    log.launches.push_back(device.launch(attention::make_program(config, {}), options).log);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  return log;
}

/// Here because monotony has the logs of whole runs.
TEST(ReplayOfRuns, TakesTheSameStepByStep) {
  for (const int heads : {1, 10}) {
    static_cast<void>(expect_same_step_by_step(attention_log({1, heads, heads, 4096, 4096, 64, true}, 128, 128), Chip()));
  }
}

TEST(ReplayMonotony, OfReadsFromDramByAll) {
  expect_monotony("reads on NoC 0", mb.dram_by_all({8, 10}, NocId::noc0, EventKind::noc_read, 2048, 40), full_network);
  expect_monotony("reads on NoC 1", mb.dram_by_all({8, 10}, NocId::noc1, EventKind::noc_read, 2048, 40), full_network);
}

TEST(ReplayMonotony, OfWritesToDramByAll) {
  expect_monotony("writes on NoC 0", mb.dram_by_all({8, 10}, NocId::noc0, EventKind::noc_write, 2048, 40), full_network);
  expect_monotony("writes on NoC 1", mb.dram_by_all({8, 10}, NocId::noc1, EventKind::noc_write, 2048, 40), full_network);
}

TEST(ReplayMonotony, OfWritesFromAllToAll) { expect_monotony("all to all", mb.all_to_all({8, 7}, 2048), full_network); }

TEST(ReplayMonotony, IsExactForOneCore) {
  expect_monotony("reads of a bank", mb.dram_read({2, 2}, 0, 2048, 64), rounding);
  expect_monotony("reads of all banks", mb.dram_read({2, 2}, 0, 2048, 64, 12), few_meetings);
  expect_monotony("writes to a core", mb.l1_write({2, 2}, {5, 6}, 8192, 64), rounding);
  expect_monotony("one to all", mb.one_to_all({0, 0}, {8, 7}, 2048), rounding);
  expect_monotony("multicast", mb.multicast({0, 0}, {0, 0}, {7, 6}, 16384, true, 16, true), rounding);
}

TEST(ReplayMonotony, OfAttentionThatWaitsForTheNetwork) {
  expect_monotony("attention, Q chunks of 32 rows", attention_log({1, 8, 1, 640, 640, 128, true}, 32, 128), shared_network);
}

TEST(ReplayMonotony, OfAttentionThatComputes) {
  expect_monotony("attention, Q chunks of 128 rows", attention_log({1, 10, 1, 1024, 1024, 128, false}, 128, 256),
                  shared_network);
}

}  // namespace
}  // namespace tilegrid::timing
