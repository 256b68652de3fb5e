// SPDX-License-Identifier: Apache-2.0
#include "core/core.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/error.h"
#include "tests/support/wormhole.h"

namespace tilegrid {
namespace {

class CoreTest : public testing::Test {
 protected:
  template <class Action>
  static std::string class_of_fault(const Action& action) {
    try {
      action();
    } catch (const Fault& fault) {
      return fault.error_class;
    }
    return "none";
  }
  Scheduler scheduler_;
  Core core_{5, {1, 2}, 0x1000'0000, scheduler_};
};

TEST_F(CoreTest, KnowsItsCircularBuffers) {
  core_.cbs[7] = CircularBuffer(7, "x", 0x1010'0000, 2, 2048, DataFormat::bf16);
  EXPECT_EQ(core_.cb(7).id(), 7);
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(core_.cb(6)); }), "CB id");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(core_.cb(32)); }), "CB id");
  EXPECT_EQ(class_of_fault([&] { static_cast<void>(core_.cb(0xFFFFFFFF)); }), "CB id");
}

TEST_F(CoreTest, ChecksL1Ranges) {
  const auto check = [&](std::uint32_t address, std::uint64_t bytes) {
    return class_of_fault([&] { core_.check_l1(address, bytes, "test"); });
  };
  const std::uint32_t base = core_.l1_base;
  EXPECT_EQ(check(base + l1_mapped_base, l1_bytes - l1_mapped_base), "none");
  EXPECT_EQ(check(base + l1_bytes - 4, 4), "none");
  EXPECT_EQ(check(base + l1_bytes - 4, 5), "L1 range");
  EXPECT_EQ(check(base + l1_bytes, 1), "L1 range");
  EXPECT_EQ(check(base + l1_mapped_base - 1, 4), "L1 range");
  EXPECT_EQ(check(base - 4, 4), "L1 range");
  EXPECT_EQ(check(0, 4), "L1 range");
  EXPECT_EQ(check(base + l1_slot_bytes + l1_user_base, 4), "L1 range") << "another core's slot";
  EXPECT_EQ(check(base + l1_user_base, std::uint64_t{1} << 40U), "L1 range");
}

TEST_F(CoreTest, WakesTheWaitersOfTheWordsWritten) {
  std::string trace;
  Fiber* fibers[2] = {};
  for (std::uint32_t i = 0; i < 2; ++i) {
    fibers[i] = &scheduler_.spawn(5, Risc::brisc, nullptr, nullptr, [&, i] {
      scheduler_.block({BlockReason::semaphore, 0, 0});
      trace += static_cast<char>('0' + i);
    });
  }
  scheduler_.run();
  const std::uint32_t first = l1_semaphore_base;
  core_.semaphore_waiters = {{first, fibers[0]}, {first + semaphore_bytes, fibers[1]}};
  core_.notify_write(first + 4, semaphore_bytes - 4);  // between the two
  core_.notify_write(first - 64, 64);
  EXPECT_FALSE(scheduler_.any_ready());
  core_.notify_write(first + semaphore_bytes - 8, 9);  // the first byte of the second one
  scheduler_.run();
  EXPECT_EQ(trace, "1");
  core_.notify_write(first + 3, 1);  // the last byte of the first one
  scheduler_.run();
  EXPECT_EQ(trace, "10");
}

TEST_F(CoreTest, FindsTheSourcesOfItsSemaphores) {
  EXPECT_EQ(core_.sources_at(l1_semaphore_base), &core_.semaphore_sources[0]);
  EXPECT_EQ(core_.sources_at(l1_semaphore_base + 15 * semaphore_bytes), &core_.semaphore_sources[15]);
  EXPECT_EQ(core_.sources_at(l1_semaphore_base + 16 * semaphore_bytes), nullptr);
  EXPECT_EQ(core_.sources_at(l1_semaphore_base - 4), nullptr);
  EXPECT_EQ(core_.sources_at(l1_user_base), nullptr);
}

TEST(Describe, PutsClassPlaceAndDetailsOnOneLine) {
  const std::string text = describe(
      Fault("DST capacity", "copy_tile used DST tile 8", "there are 8 tiles").numbers(9, 8, "tiles").hint("use less"),
      "core (0,0) [1-1] · TRISC · compute a.cpp:7");
  EXPECT_EQ(text,
            "DST capacity · core (0,0) [1-1] · TRISC · compute a.cpp:7: copy_tile used DST tile 8; there are 8 tiles; "
            "asked 9 tiles, available 8; fix: use less");
  EXPECT_EQ(describe(Fault("X", "did", "rule"), "here"), "X · here: did; rule");
}

TEST(Names, AreThereForAllAndDiffer) {
  std::set<std::string> names;
  for (int i = 0; i < tile_op_count; ++i) EXPECT_TRUE(names.insert(name_of(static_cast<TileOp>(i))).second);
  for (int i = 0; i < transfer_kind_count; ++i) EXPECT_TRUE(names.insert(name_of(static_cast<TransferKind>(i))).second);
  names.clear();
  for (int i = 0; i < block_reason_count; ++i) EXPECT_TRUE(names.insert(name_of(static_cast<BlockReason>(i))).second);
}

}  // namespace
}  // namespace tilegrid
