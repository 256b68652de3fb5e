// SPDX-License-Identifier: Apache-2.0
#include "core/circular_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "core/error.h"

namespace tilegrid {
namespace {

constexpr std::uint32_t address = 100'000;
constexpr std::uint32_t page = 2048;

CircularBuffer make(std::uint32_t pages) { return {3, "scores", address, pages, page, DataFormat::bf16}; }

/// Runs `action`, which must fault, and returns the fault.
template <class Action>
Fault fault_of(const Action& action) {
  try {
    action();
  } catch (const Fault& fault) {
    return fault;
  }
  ADD_FAILURE() << "no fault";
  return {"", "", ""};
}

template <class Action>
void expect_fault(const std::string& error_class, std::int64_t asked, std::int64_t available, const Action& action) {
  const Fault fault = fault_of(action);
  EXPECT_EQ(fault.error_class, error_class);
  EXPECT_EQ(fault.asked, asked) << fault.action;
  EXPECT_EQ(fault.available, available) << fault.action;
}

void produce(CircularBuffer& cb, std::uint32_t pages) {
  ASSERT_TRUE(cb.can_reserve(pages));
  cb.reserve(pages);
  cb.push(pages);
}
void consume(CircularBuffer& cb, std::uint32_t pages) {
  ASSERT_TRUE(cb.can_wait(pages));
  cb.wait(pages);
  cb.pop(pages);
}

TEST(CircularBuffer, StartsEmpty) {
  EXPECT_FALSE(CircularBuffer().configured());
  const CircularBuffer cb = make(4);
  EXPECT_TRUE(cb.configured());
  EXPECT_EQ(cb.held(), 0U);
  EXPECT_EQ(cb.read_pointer(), address);
  EXPECT_EQ(cb.write_pointer(), address);
  EXPECT_TRUE(cb.can_reserve(4));
  EXPECT_FALSE(cb.can_wait(1));
  EXPECT_TRUE(cb.can_wait(0));
}

TEST(CircularBuffer, WaitsAreCumulative) {
  CircularBuffer cb = make(8);
  produce(cb, 4);
  EXPECT_TRUE(cb.can_wait(4));
  cb.wait(2);
  cb.wait(4);  // 4 from the front, not 6
  EXPECT_EQ(cb.tile_for_read(3, "test"), address + 3 * page);
  expect_fault("cb-window", 5, 4, [&] { static_cast<void>(cb.tile_for_read(4, "test")); });
  EXPECT_FALSE(cb.can_wait(5));
  cb.wait(1);  // asking for less does not take back
  EXPECT_EQ(cb.tile_for_read(3, "test"), address + 3 * page);
  cb.pop(3);
  EXPECT_EQ(cb.tile_for_read(0, "test"), address + 3 * page);
  expect_fault("cb-window", 2, 1, [&] { static_cast<void>(cb.tile_for_read(1, "test")); });
}

TEST(CircularBuffer, ReservationsAreCumulativeToo) {
  CircularBuffer cb = make(8);
  cb.reserve(2);
  cb.reserve(5);
  EXPECT_EQ(cb.tile_for_write(4, "test"), address + 4 * page);
  cb.push(2);
  cb.push(3);
  EXPECT_EQ(cb.held(), 5U);
  expect_fault("cb-window", 1, 0, [&] { cb.push(1); });
}

TEST(CircularBuffer, ATurnSumsExactlyToTheCapacity) {
  CircularBuffer good = make(12);
  for (int turn = 0; turn < 5; ++turn) {
    produce(good, 5);
    produce(good, 7);
    EXPECT_EQ(good.write_pointer(), address);
    consume(good, 5);
    consume(good, 7);
    EXPECT_EQ(good.read_pointer(), address);
  }
  CircularBuffer bad = make(12);
  produce(bad, 7);
  consume(bad, 7);
  bad.reserve(7);
  expect_fault("CB wrap", 7, 5, [&] { bad.push(7); });
  produce(bad, 5);
  produce(bad, 2);
  bad.wait(7);
  expect_fault("CB wrap", 6, 5, [&] { bad.pop(6); });
  consume(bad, 5);
  EXPECT_EQ(bad.read_pointer(), address);
}

TEST(CircularBuffer, PushNeedsAReservationAndPopNeedsPages) {
  CircularBuffer cb = make(4);
  expect_fault("cb-window", 1, 0, [&] { cb.push(1); });
  cb.reserve(2);
  expect_fault("cb-window", 3, 2, [&] { cb.push(3); });
  cb.push(2);
  expect_fault("cb-count", 3, 2, [&] { cb.pop(3); });
  EXPECT_EQ(cb.held(), 2U) << "a fault changes nothing";
}

TEST(CircularBuffer, RequestsBeyondTheCapacityAreFaultsNotWaits) {
  const CircularBuffer cb = make(4);
  expect_fault("CB capacity", 5, 4, [&] { static_cast<void>(cb.can_reserve(5)); });
  expect_fault("CB capacity", 5, 4, [&] { static_cast<void>(cb.can_wait(5)); });
}

TEST(CircularBuffer, FaultsDescribeTheBuffer) {
  CircularBuffer cb = make(4);
  produce(cb, 3);
  consume(cb, 1);
  EXPECT_EQ(
      fault_of([&] { cb.pop(9); }).action,
      "cb_pop_front of 9 pages on CB 3 'scores' (4 pages of 2048 bytes bf16; pushed 3, popped 1, reserved 0, waited 0)");
}

TEST(CircularBuffer, WindowsEndAtTheEndOfTheBuffer) {
  CircularBuffer cb = make(4);
  produce(cb, 3);
  consume(cb, 3);
  produce(cb, 1);
  produce(cb, 2);
  ASSERT_TRUE(cb.can_wait(3));
  cb.wait(3);
  EXPECT_EQ(cb.tile_for_read(0, "test"), address + 3 * page);
  expect_fault("CB window", 2, 1, [&] { static_cast<void>(cb.tile_for_read(1, "test")); });
  cb.reserve(1);
  EXPECT_EQ(cb.tile_for_write(0, "test"), address + 2 * page);
  expect_fault("cb-window", 2, 1, [&] { static_cast<void>(cb.tile_for_write(1, "test")); });
}

TEST(CircularBuffer, CheckReadLooksAtTheWholeRun) {
  CircularBuffer cb = make(8);
  produce(cb, 6);
  cb.wait(6);
  EXPECT_NO_THROW(cb.check_read(2, 4, "test"));
  expect_fault("cb-window", 7, 6, [&] { cb.check_read(2, 5, "test"); });
  // One before the front, as a kernel counts that went below zero.
  expect_fault("CB window", std::int64_t{1} << 32U, 8, [&] { cb.check_read(0xFFFFFFFF, 1, "test"); });
}

TEST(CircularBuffer, PopThenReserveOfAFullBufferKeepsItsTilesReadable) {
  CircularBuffer cb = make(4);
  produce(cb, 4);
  consume(cb, 4);
  expect_fault("cb-window", 1, 0, [&] { static_cast<void>(cb.tile_for_read(0, "test")); });
  cb.reserve(4);  // the same kernel is the next producer
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cb.tile_for_read(i, "test"), address + i * page);
    EXPECT_EQ(cb.tile_for_write(i, "test"), address + i * page);
  }
  cb.push(4);
  expect_fault("cb-window", 1, 0, [&] { static_cast<void>(cb.tile_for_read(0, "test")); });
}

TEST(CircularBuffer, AReservationElsewhereGivesNothingToRead) {
  CircularBuffer cb = make(4);
  produce(cb, 2);
  cb.reserve(2);  // begins behind the pages that are there
  expect_fault("cb-window", 1, 2, [&] { static_cast<void>(cb.tile_for_read(0, "test")); });
}

TEST(CircularBuffer, PushResetsThePackIndex) {
  CircularBuffer cb = make(8);
  cb.reserve(3);
  EXPECT_EQ(cb.next_pack_index(), 0U);
  EXPECT_EQ(cb.next_pack_index(), 1U);
  cb.push(2);
  EXPECT_EQ(cb.next_pack_index(), 0U);
}

TEST(CircularBuffer, HighWaterIsTheMostHeld) {
  CircularBuffer cb = make(8);
  produce(cb, 2);
  consume(cb, 2);
  produce(cb, 5);
  consume(cb, 4);
  produce(cb, 1);
  EXPECT_EQ(cb.high_water(), 5U);
}

TEST(CircularBuffer, CountsBeyond32Bits) {
  // 2^32 pages in turns of the largest capacity.
  constexpr std::uint32_t pages = 65'535;
  CircularBuffer cb = make(pages);
  for (std::uint64_t sum = 0; sum < (std::uint64_t{1} << 32U) + 3 * pages; sum += pages) {
    cb.reserve(pages);
    cb.push(pages);
    if (!cb.can_wait(pages) || cb.can_reserve(1)) FAIL() << "after " << sum;
    cb.wait(pages);
    cb.pop(pages);
    if (cb.held() != 0 || !cb.can_reserve(pages)) FAIL() << "after " << sum;
  }
  EXPECT_GT(cb.received(), std::uint64_t{1} << 32U);
  produce(cb, 7);
  EXPECT_EQ(cb.held(), 7U);
}

/// A queue with the same rules, plainly: pages have numbers, which their address tells.
class PlainQueue {
 public:
  explicit PlainQueue(std::uint32_t capacity) : capacity_(capacity) {}
  bool can_reserve(std::uint32_t n) const { return queue_.size() + n <= capacity_; }
  bool can_wait(std::uint32_t n) const { return n <= queue_.size(); }
  void reserve(std::uint32_t n) { reserved_ = std::max(reserved_, n); }
  bool push(std::uint32_t n) {
    if (n > reserved_ || next_ % capacity_ + n > capacity_) return false;
    reserved_ -= n;
    for (; n > 0; --n) queue_.push_back(next_++ % capacity_);
    return true;
  }
  bool pop(std::uint32_t n) {
    if (n > queue_.size() || first_ + n > capacity_) return false;
    for (; n > 0; --n) {
      queue_.pop_front();
      first_ = (first_ + 1) % capacity_;
    }
    return true;
  }
  std::uint32_t held() const { return static_cast<std::uint32_t>(queue_.size()); }
  std::uint32_t front() const { return first_; }
  std::uint32_t back() const { return static_cast<std::uint32_t>(next_ % capacity_); }

 private:
  std::uint32_t capacity_;
  std::uint32_t reserved_ = 0;
  std::uint64_t next_ = 0;
  std::uint32_t first_ = 0;
  std::deque<std::uint64_t> queue_;
};

/// True when `action` does not fault.
template <class Action>
bool works(const Action& action) {
  try {
    action();
    return true;
  } catch (const Fault&) {
    return false;
  }
}

TEST(CircularBuffer, WalksAsAPlainQueueDoes) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 engine(seed);
    const auto capacity = static_cast<std::uint32_t>(1 + engine() % 13);
    CircularBuffer cb = make(capacity);
    PlainQueue plain(capacity);
    for (int step = 0; step < 500; ++step) {
      const auto n = static_cast<std::uint32_t>(engine() % (capacity + 1));
      switch (engine() % 4) {
        case 0:
          ASSERT_EQ(cb.can_reserve(n), plain.can_reserve(n));
          if (plain.can_reserve(n)) cb.reserve(n), plain.reserve(n);
          break;
        case 1:
          ASSERT_EQ(works([&] { cb.push(n); }), plain.push(n));
          break;
        case 2:
          ASSERT_EQ(cb.can_wait(n), plain.can_wait(n));
          if (plain.can_wait(n)) cb.wait(n);
          break;
        default:
          ASSERT_EQ(works([&] { cb.pop(n); }), plain.pop(n));
          break;
      }
      ASSERT_EQ(cb.held(), plain.held()) << "seed " << seed << " step " << step;
      ASSERT_EQ(cb.read_pointer(), address + plain.front() * page);
      ASSERT_EQ(cb.write_pointer(), address + plain.back() * page);
    }
  }
}

}  // namespace
}  // namespace tilegrid
