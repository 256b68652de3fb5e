// SPDX-License-Identifier: Apache-2.0
// Loops of compute kernels whose bodies are looked up instead of walked (runtime/timing/stretch.h): nobody can tell.
#include <gtest/gtest.h>

#include <random>

#include "core/error.h"
#include "runtime/timing/exact.h"
#include "runtime/timing/microbenchmarks.h"
#include "tests/runtime/timing/plain_replay.h"
#include "tests/runtime/timing/support.h"

namespace tilegrid::timing {
namespace {

constexpr std::uint32_t few = 8;  ///< pages of the buffers to and from the data movers

/// Kernels of one core that go round and round: a reader that makes pages, a compute kernel with intermediate results in
/// buffers of its own, a writer that takes pages. Each turn is one of a few bodies, and a block of the log.
class RandomLoops {
 public:
  explicit RandomLoops(unsigned seed) : random_(seed) {}

  RunLog log() {
    HandLog log({2, 2});
    for (const int id : {0, 1, 16}) log.buffer(id, few);
    for (const int id : {24, 25, 26}) log.buffer(id, most_kept_);
    log.launch().phases = {"one", "two"};
    log.launch().setups[0].full_sync = upto(3) == 0;
    const std::vector<std::vector<Event>> bodies{body(), body(), body()};
    for (int core = 0; core < 4; ++core) {
      std::vector<int> turns(40);
      for (int& turn : turns) turn = upto(4) == 0 ? upto(2) : 2;
      EventLog& events = log.launch().cores[static_cast<std::size_t>(core)];
      events.append(Risc::trisc, push(26, 2));
      kernel(events, Risc::ncrisc, turns.size(), [&](std::size_t) { return reader(); });
      kernel(events, Risc::brisc, turns.size(), [&](std::size_t) { return writer(); });
      kernel(events, Risc::trisc, turns.size(),
             [&](std::size_t turn) { return bodies[static_cast<std::size_t>(turns[turn])]; });
    }
    share_blocks(log.launch().cores);
    return log.run;
  }

 private:
  int upto(int end) { return std::uniform_int_distribution(0, end - 1)(random_); }

  template <class Body>
  static void kernel(EventLog& log, Risc risc, std::size_t turns, Body body) {
    log.append(risc, events::KernelStart{});
    for (std::size_t turn = 0; turn < turns; ++turn) {
      log.mark(risc);
      for (const Event& event : body(turn)) log.append(risc, event);
    }
    log.mark(risc);
    log.append(risc, events::KernelEnd{});
  }
  /// Pages come in time or late: some turns do nothing but wait.
  std::vector<Event> reader() {
    const auto pause = static_cast<std::uint32_t>(upto(8) == 0 ? upto(80'000) : 0);
    return {reserve(0, 1), events::Generate{.cb = 0, .bytes = 64 + pause}, push(0, 1),
            reserve(1, 2), read(worker(upto(2), upto(2)), 2048),           wait_reads,
            push(1, 2)};
  }
  std::vector<Event> writer() {
    const auto pause = static_cast<std::uint32_t>(upto(8) == 0 ? upto(80'000) : 0);
    return {wait(16, 4), events::Generate{.cb = 16, .bytes = 16 + pause}, pop(16, 4)};
  }
  Event operation() {
    const auto tiles = static_cast<std::uint32_t>(1 + upto(4));
    switch (upto(5)) {
      case 0:
        return copy_from(1, tiles);
      case 1:
        return events::Eltwise{.cb_a = 0, .cb_b = 1, .tiles = tiles, .fidelity = Fidelity::hifi2};
      case 2:
        return events::Vector{.op = VectorOp::exp2, .tiles = tiles};
      case 3:
        return events::Work{.steps = tiles * 7};
      default:
        return events::Matmul{.fidelity = Fidelity::hifi3, .in0 = 0, .in1 = 1, .steps = tiles, .rows = 2, .columns = 3};
    }
  }
  /// A DST section whose result goes to a buffer. Some keep the packer long, others math.
  void section(std::vector<Event>& events, int to, std::uint32_t pages) {
    events.push_back(acquire);
    for (int i = 1 + upto(3); i > 0; --i) events.push_back(operation());
    events.push_back(commit);
    const bool early = upto(2) == 0;
    if (early) events.push_back(reserve(to, pages));
    events.push_back(wait_dst);
    if (!early) events.push_back(reserve(to, pages));
    events.push_back(pack_to(to, static_cast<std::uint32_t>(1 + upto(12))));
    events.push_back(release);
    events.push_back(push(to, pages));
  }
  std::vector<Event> body() {
    std::vector<Event> events{wait(0, 1)};
    if (upto(2) == 0) events.push_back(events::Zone{.phase = static_cast<std::uint8_t>(upto(3))});
    for (int i = 2 + upto(3); i > 0; --i) {
      const int own = 24 + upto(2);
      const auto pages = static_cast<std::uint32_t>(1 + upto(static_cast<int>(most_kept_)));
      for (std::uint32_t page = 0; page < pages; ++page) section(events, own, 1);
      events.push_back(wait(own, pages));
      events.push_back(copy_from(own, pages));
      events.push_back(pop(own, pages));
      if (i == 2) events.push_back(wait(1, 2));
    }
    for (int i = 0; i < 3; ++i) section(events, 16, 1);
    events.push_back(events::Zone{.phase = static_cast<std::uint8_t>(upto(3))});
    section(events, 16, 1);
    for (const Event& event : {wait(26, 2), copy_from(26, 2), pop(26, 2), pop(0, 1), pop(1, 2)}) events.push_back(event);
    for (int i = 0; i < 2; ++i) section(events, 26, 1);  // for the next turn
    return events;
  }

  static constexpr std::uint32_t most_kept_ = 5;
  std::mt19937 random_;
};

TEST(Stretches, RandomLoopsTakeTheSameToTheLastBit) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const DeviceTime time = expect_same_step_by_step(RandomLoops(seed).log(), Chip());
    EXPECT_GT(time.cycles, 1000);
  }
}

TEST(Stretches, MicrobenchmarksTakeTheSameToTheLastBit) {
  const Microbenchmarks tests;
  static_cast<void>(expect_same_step_by_step(tests.all_to_all({8, 4}, 2048), Chip()));
  static_cast<void>(expect_same_step_by_step(tests.dram_by_all({8, 4}, NocId::noc0, EventKind::noc_read, 2048, 20), Chip()));
  static_cast<void>(expect_same_step_by_step(tests.multicast({0, 0}, {0, 0}, {3, 3}, 2048, true, 50), Chip()));
}

TEST(Stretches, LaunchesSideBySideTakeWhatTheyTakeOneByOne) {
  RunLog log;
  log.grid = {8, 10};
  for (const std::uint32_t bytes : {2048U, 64U, 2048U, 8192U, 2048U}) {
    for (const LaunchLog& launch :
         Microbenchmarks().dram_by_all({8, 10}, NocId::noc0, EventKind::noc_read, bytes, 400).launches) {
      log.launches.push_back(launch);
    }
  }
  const DeviceTime time = expect_same_step_by_step(log, Chip());
  EXPECT_EQ(time.launches[0].cycles, time.launches[4].cycles);
  log.launches[1].cores.pop_back();  // no such grid
  EXPECT_THROW(static_cast<void>(replay(log, Chip())), UsageError);
}

TEST(Stretches, SumsOfExactCyclesDoNotDependOnTheOrder) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> cycles(0, 1e6);
  std::vector<double> all(1000);
  for (double& one : all) {
    const double any = cycles(random);
    one = exact(any);
    EXPECT_NEAR(one, any, 0x1p-21);
    EXPECT_EQ(exact(one), one);
  }
  double forwards = 3e9, backwards = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    forwards += all[i];
    backwards += all[all.size() - 1 - i];
  }
  EXPECT_EQ(forwards, 3e9 + backwards);
}

}  // namespace
}  // namespace tilegrid::timing
