// SPDX-License-Identifier: Apache-2.0
#include "core/fiber.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace tilegrid {
namespace {

const WaitFor pages{BlockReason::cb_empty, 3, 2};

class Fibers : public testing::TestWithParam<FiberBackend> {
 protected:
  Fiber& spawn(std::function<void()> entry) { return scheduler_.spawn(0, Risc::brisc, nullptr, nullptr, std::move(entry)); }
  Scheduler scheduler_{GetParam()};
  std::string trace_;
};

INSTANTIATE_TEST_SUITE_P(Backends, Fibers, testing::Values(FiberBackend::boost, FiberBackend::thread),
                         [](const auto& instance) { return instance.param == FiberBackend::boost ? "boost" : "thread"; });

TEST_P(Fibers, RunInTheOrderOfSpawn) {
  for (const char name : {'a', 'b', 'c'}) spawn([this, name] { trace_ += name; });
  EXPECT_TRUE(scheduler_.any_ready());
  EXPECT_EQ(trace_, "");
  scheduler_.run();
  EXPECT_EQ(trace_, "abc");
  EXPECT_TRUE(scheduler_.all_finished());
  EXPECT_FALSE(scheduler_.any_ready());
}

TEST_P(Fibers, RunOnInTheOrderOfWake) {
  std::vector<Fiber*> fibers;
  for (const char name : {'a', 'b', 'c'}) {
    fibers.push_back(&spawn([this, name] {
      trace_ += name;
      scheduler_.block(pages);
      trace_ += static_cast<char>(name - 'a' + 'A');
    }));
  }
  scheduler_.run();
  EXPECT_EQ(trace_, "abc");
  EXPECT_FALSE(scheduler_.any_ready());
  EXPECT_FALSE(scheduler_.all_finished());
  EXPECT_TRUE(fibers[0]->blocked());
  EXPECT_EQ(fibers[0]->waits_for().id, 3U);
  EXPECT_EQ(fibers[0]->waits_for().needed, 2U);
  for (const std::size_t i : {2U, 0U, 1U}) scheduler_.wake(fibers[i]);
  scheduler_.run();
  EXPECT_EQ(trace_, "abcCAB");
  EXPECT_TRUE(scheduler_.all_finished());
}

TEST_P(Fibers, WakingAnyButABlockedOneDoesNothing) {
  Fiber* self = nullptr;
  Fiber& fiber = spawn([&] {
    self = scheduler_.current();
    scheduler_.wake(self);  // it runs
    trace_ += "a";
    scheduler_.block(pages);
    trace_ += "b";
  });
  scheduler_.wake(&fiber);  // it is ready
  scheduler_.wake(nullptr);
  scheduler_.run();
  EXPECT_EQ(trace_, "a");
  EXPECT_EQ(self, &fiber);
  scheduler_.wake(&fiber);
  scheduler_.wake(&fiber);  // twice is once
  scheduler_.run();
  EXPECT_EQ(trace_, "ab");
  scheduler_.wake(&fiber);  // it has finished
  EXPECT_FALSE(scheduler_.any_ready());
}

TEST_P(Fibers, FindThemselvesAndWhatTheyCarry) {
  int local = 0;
  EXPECT_EQ(current_fiber(), nullptr);
  Fiber& fiber = scheduler_.spawn(7, Risc::trisc, &local, nullptr, [&] {
    trace_ += current_fiber() == scheduler_.current() ? "same" : "different";
    scheduler_.block(pages);
    trace_ += current_fiber()->local() == &local ? " local" : " other";
  });
  EXPECT_EQ(fiber.core(), 7);
  EXPECT_EQ(fiber.risc(), Risc::trisc);
  scheduler_.run();
  EXPECT_EQ(current_fiber(), nullptr);
  scheduler_.wake(&fiber);
  scheduler_.run();
  EXPECT_EQ(trace_, "same local");
}

TEST_P(Fibers, WakeEachOther) {
  // A ping-pong over one word.
  int turn = 0;
  Fiber* players[2] = {};
  for (int me = 0; me < 2; ++me) {
    players[me] = &spawn([&, me] {
      for (int i = 0; i < 1000; ++i) {
        while (turn % 2 != me) scheduler_.block(pages);
        ++turn;
        scheduler_.wake(players[1 - me]);
      }
    });
  }
  scheduler_.run();
  EXPECT_EQ(turn, 2000);
  EXPECT_TRUE(scheduler_.all_finished());
}

TEST_P(Fibers, WhoIsWokenOnTheSameCoreGoesFirst) {
  const auto on_core = [&](int core, std::function<void()> entry) {
    return &scheduler_.spawn(core, Risc::brisc, nullptr, nullptr, std::move(entry));
  };
  const auto waiter = [&](char name) {
    return [this, name] {
      scheduler_.block(pages);
      trace_ += name;
    };
  };
  Fiber* near = on_core(0, waiter('n'));
  Fiber* far = on_core(1, waiter('f'));
  on_core(0, [&] {
    scheduler_.wake(far);
    scheduler_.wake(near);
    trace_ += 'w';
  });
  on_core(2, [this] { trace_ += 'o'; });
  scheduler_.run();
  EXPECT_EQ(trace_, "wnof");
}

TEST_P(Fibers, ThoseThatWakeEachOtherKeepNoOtherCoreWaiting) {
  bool over = false;
  Fiber* players[2] = {};
  for (int me = 0; me < 2; ++me) {
    players[me] = &scheduler_.spawn(0, Risc::brisc, nullptr, nullptr, [&, me] {
      while (!over) {
        scheduler_.wake(players[1 - me]);
        scheduler_.block(pages);
      }
      scheduler_.wake(players[1 - me]);
    });
  }
  scheduler_.spawn(1, Risc::brisc, nullptr, nullptr, [&] { over = true; });
  scheduler_.run();
  EXPECT_TRUE(over);
  EXPECT_TRUE(scheduler_.all_finished());
}

TEST_P(Fibers, AnExceptionStopsTheRunAndIsKept) {
  spawn([this] { trace_ += "a"; });
  Fiber& bad = spawn([] { throw std::runtime_error("out of ideas"); });
  spawn([this] { trace_ += "c"; });
  scheduler_.run();
  EXPECT_EQ(trace_, "a");
  EXPECT_TRUE(bad.failed());
  ASSERT_NE(scheduler_.failure(), nullptr);
  try {
    std::rethrow_exception(scheduler_.failure());
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "out of ideas");
  }
  scheduler_.clear();
  EXPECT_EQ(scheduler_.failure(), nullptr);
  EXPECT_TRUE(scheduler_.all_finished());
  spawn([this] { trace_ += "d"; });
  scheduler_.run();
  EXPECT_EQ(trace_, "ad");
}

TEST_P(Fibers, ExceptionsMayPassSuspensions) {
  Fiber& fiber = spawn([this] {
    try {
      scheduler_.block(pages);
      throw std::runtime_error("x");
    } catch (const std::runtime_error&) {
      scheduler_.block(pages);  // inside of the handler
      trace_ += "caught";
    }
  });
  for (int i = 0; i < 3; ++i) {
    scheduler_.run();
    scheduler_.wake(&fiber);
  }
  EXPECT_EQ(trace_, "caught");
}

/// Says when it is destroyed.
struct Witness {
  std::string& trace;
  char name;
  ~Witness() { trace += name; }
};

TEST_P(Fibers, CancellingUnwindsTheirStacks) {
  for (const char name : {'a', 'b'}) {
    spawn([this, name] {
      const Witness outer{trace_, name};
      const auto inner = std::make_unique<Witness>(Witness{trace_, '-'});
      trace_.clear();
      scheduler_.block(pages);
      trace_ += "never";
    });
  }
  spawn([this] { trace_ += "never"; });
  int switches = 0;
  scheduler_.run([&] { return ++switches < 2; });  // the third does not begin
  scheduler_.clear();
  EXPECT_EQ(trace_, "-a-b");
  EXPECT_TRUE(scheduler_.fibers().empty());
}

TEST_P(Fibers, TheDestructorOfTheSchedulerUnwindsToo) {
  {
    Scheduler scheduler(GetParam());
    scheduler.spawn(0, Risc::brisc, nullptr, nullptr, [&] {
      const Witness witness{trace_, 'w'};
      scheduler.block(pages);
    });
    scheduler.run();
    scheduler.clear();
  }
  EXPECT_EQ(trace_, "w");
}

TEST_P(Fibers, AThousandOfThemTakeTurns) {
  constexpr int count = 1000;
  std::vector<Fiber*> fibers;
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    fibers.push_back(&spawn([&, i] {
      char on_stack[4096];
      std::memset(on_stack, i % 100, sizeof on_stack);
      for (int turn = 0; turn < 3; ++turn) {
        scheduler_.block(pages);
        sum += on_stack[static_cast<std::size_t>(turn) * 1000];
      }
    }));
  }
  for (int turn = 0; turn < 4; ++turn) {
    scheduler_.run();
    for (Fiber* fiber : fibers) scheduler_.wake(fiber);
  }
  EXPECT_TRUE(scheduler_.all_finished());
  EXPECT_EQ(sum, 3L * 10 * 4950);
}

TEST_P(Fibers, BetweenIsCalledAfterEachSwitchAndMayStop) {
  for (int i = 0; i < 5; ++i) spawn([this] { trace_ += "x"; });
  int calls = 0;
  scheduler_.run([&] { return ++calls < 3; });
  EXPECT_EQ(trace_, "xxx");
  scheduler_.run([&] { return ++calls < 100; });
  EXPECT_EQ(calls, 5);
}

TEST_P(Fibers, TickCallsTheServiceOncePerInterval) {
  int served = 0;
  scheduler_.set_service([&] { ++served; });
  spawn([this] {
    for (int i = 0; i < 100; ++i) scheduler_.tick(Scheduler::service_interval_ns / 10);
  });
  scheduler_.run();
  EXPECT_EQ(served, 10);
  scheduler_.set_service({});
  spawn([this] { scheduler_.tick(10 * Scheduler::service_interval_ns); });
  scheduler_.run();
  EXPECT_EQ(served, 10);
}

TEST_P(Fibers, TheServiceMayWakeOthers) {
  Fiber& sleeper = spawn([this] {
    scheduler_.block(pages);
    trace_ += "woken";
  });
  scheduler_.set_service([&] { scheduler_.wake(&sleeper); });
  spawn([this] {
    scheduler_.tick(Scheduler::service_interval_ns);
    trace_ += "worker ";
  });
  scheduler_.run();
  EXPECT_EQ(trace_, "worker woken");
}

TEST_P(Fibers, CostsAreBookedOnTheirRiscAndReason) {
  CoreHostCost cost;
  Fiber& fiber = scheduler_.spawn(0, Risc::ncrisc, nullptr, &cost, [this] {
    for (int i = 0; i < 3; ++i) scheduler_.block({BlockReason::semaphore, 0, 0});
  });
  for (int i = 0; i < 4; ++i) {
    scheduler_.run();
    scheduler_.wake(&fiber);
  }
  constexpr auto ncrisc = static_cast<std::size_t>(Risc::ncrisc);
  EXPECT_EQ(cost.blocked_count[ncrisc][static_cast<std::size_t>(BlockReason::semaphore)], 3U);
  EXPECT_EQ(cost.blocked_count[ncrisc][static_cast<std::size_t>(BlockReason::cb_empty)], 0U);
  EXPECT_EQ(cost.blocked_count[0][static_cast<std::size_t>(BlockReason::semaphore)], 0U);
  EXPECT_GT(cost.kernel_seconds[ncrisc], 0.0);
  EXPECT_EQ(cost.kernel_seconds[0], 0.0);
}

/// What three fibers of three steps each do when the scheduler is shaken.
std::string shaken_trace(FiberBackend backend, std::uint64_t seed) {
  Scheduler scheduler(backend);
  scheduler.shake(seed);
  std::string trace;
  for (const char name : {'a', 'b', 'c'}) {
    scheduler.spawn(0, Risc::brisc, nullptr, nullptr, [&scheduler, &trace, name] {
      for (int step = 0; step < 3; ++step) {
        trace += name;
        scheduler.preempt();
      }
    });
  }
  scheduler.run();
  EXPECT_TRUE(scheduler.all_finished());
  return trace;
}

TEST_P(Fibers, ShakenRunInAnOrderThatTheSeedDecides) {
  std::set<std::string> traces;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string trace = shaken_trace(GetParam(), seed);
    EXPECT_EQ(trace.size(), 9U);
    EXPECT_EQ(shaken_trace(GetParam(), seed), trace) << "seed " << seed;
    traces.insert(trace);
  }
  EXPECT_GT(traces.size(), 20U);
}

TEST_P(Fibers, ShakenLetTrafficMoveOnWhenNoneIsReady) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Scheduler scheduler(GetParam());
    Fiber* blocked = nullptr;
    int under_way = 5;
    scheduler.shake(seed, [&] {
      if (under_way == 0) return false;
      if (--under_way == 0) scheduler.wake(blocked);
      return true;
    });
    blocked = &scheduler.spawn(0, Risc::brisc, nullptr, nullptr, [&] {
      while (under_way > 0) scheduler.block(pages);
    });
    scheduler.run();
    EXPECT_EQ(under_way, 0);
    EXPECT_TRUE(scheduler.all_finished());
  }
}

TEST_P(Fibers, ShakenDoNotStarveThoseThatAFiberAsksInALoop) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Scheduler scheduler(GetParam());
    scheduler.shake(seed);
    bool done = false;
    for (int i = 0; i < 2; ++i) {
      scheduler.spawn(0, Risc::brisc, nullptr, nullptr, [&] {
        while (!done) scheduler.yield();
      });
    }
    scheduler.spawn(0, Risc::ncrisc, nullptr, nullptr, [&] { done = true; });
    scheduler.run();
    EXPECT_TRUE(scheduler.all_finished());
  }
}

TEST_P(Fibers, PreemptsNobodyUnlessShaken) {
  for (const char name : {'a', 'b'}) {
    spawn([this, name] {
      for (int i = 0; i < 20; ++i) scheduler_.preempt();
      trace_ += name;
    });
  }
  scheduler_.shake(3);
  scheduler_.shake({});
  scheduler_.run();
  EXPECT_EQ(trace_, "ab");
}

TEST(Scheduler, BlockingOutsideOfAFiberIsAnError) {
  Scheduler scheduler;
  EXPECT_THROW(scheduler.block(pages), std::logic_error);
}

}  // namespace
}  // namespace tilegrid
